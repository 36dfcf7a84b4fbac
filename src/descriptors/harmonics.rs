//! Harmonic peaks of a voiced frame and the level relations between harmonics and formants.

/// Number of harmonics looked for.
pub const HARMONICS: usize = 100;
/// Level of a harmonic that could not be placed, and the limit of level differences, in dB.
pub const ABSENT_DB: f32 = -201.0;
const FLOOR_DB: f64 = -200.0;

#[derive(Debug, Clone, Copy, Default)]
struct Harmonic {
    bin: usize,
    magnitude: f64,
    refined: f64,
    frequency_hz: f64,
}

/// The harmonics of one frame; kept per stream as work space.
#[derive(Debug, Clone)]
pub struct Harmonics {
    found: [Harmonic; HARMONICS],
    count: usize,
}

/// What the harmonics of one voiced frame say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HarmonicLevels {
    /// Level difference of the harmonics at 2 F0 and 3 F0, in dB (the reference set's "H1-H2").
    pub h1_h2_db: f32,
    /// Level difference of the harmonic at 2 F0 and the one nearest the third formant, in dB.
    pub h1_a3_db: f32,
    /// Level of the strongest harmonic near each of the first three formants relative to F0, in dB; 0 if none.
    pub amplitudes_db: [f32; 3],
}

impl Default for Harmonics {
    fn default() -> Self {
        Self { found: [Harmonic::default(); HARMONICS], count: 0 }
    }
}

impl Harmonics {
    /// Finds the harmonics of `f0_hz` in a magnitude spectrum with bins `df_hz` apart, and relates them to the
    /// formants (0 = missing).
    ///
    /// Definition: eGeMAPSv02 as computed by the reference implementation: the first harmonic is the reference, and
    /// "H1" is the one at twice F0. Unit dB, clamped to +-201. A spectrum without a first harmonic gives differences
    /// of 0 and amplitudes of 0 or -201.
    pub fn process(&mut self, magnitudes: &[f32], df_hz: f64, f0_hz: f64, formants_hz: [f32; 3]) -> HarmonicLevels {
        // Only the first three harmonics and those near a formant matter.
        let highest = formants_hz.iter().fold(0.0f32, |m, f| m.max(*f));
        let wanted = (1.2 * f64::from(highest) / f0_hz) as usize + 2;
        self.find(magnitudes, df_hz, f0_hz, wanted.clamp(3, HARMONICS));
        let second = f64::from(self.level(1));
        let third = f64::from(self.level(2));
        let limit = f64::from(-ABSENT_DB);
        let strongest = formants_hz.map(|f| self.strongest_near(f64::from(f)));
        let a3 = strongest[2].map_or(limit, |i| f64::from(self.level(i)));
        HarmonicLevels {
            h1_h2_db: (second - third).clamp(-limit, limit) as f32,
            h1_a3_db: (second - a3).clamp(-limit, limit) as f32,
            amplitudes_db: strongest.map(|s| s.map_or(0.0, |i| self.level(i))),
        }
    }

    /// Level of harmonic `index + 1` relative to the first one.
    fn level(&self, index: usize) -> f32 {
        let reference = self.found[0].magnitude;
        let h = self.found.get(index).filter(|_| index < self.count).copied().unwrap_or_default();
        if reference <= 0.0 || self.erased(index) {
            ABSENT_DB
        } else if index == 0 {
            0.0
        } else if h.magnitude <= 0.0 || h.refined <= 0.0 {
            FLOOR_DB as f32
        } else {
            (20.0 * (h.refined / reference).log10()).max(FLOOR_DB) as f32
        }
    }

    fn erased(&self, index: usize) -> bool {
        index < self.count && self.found[index].bin == 0 && self.found[index].magnitude == 0.0
    }

    fn strongest_near(&self, formant_hz: f64) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (i, h) in self.found[..self.count].iter().enumerate() {
            if h.magnitude > 0.0
                && h.frequency_hz >= 0.8 * formant_hz
                && h.frequency_hz <= 1.2 * formant_hz
                && best.is_none_or(|b| h.magnitude > self.found[b].magnitude)
            {
                best = Some(i);
            }
        }
        best
    }

    fn find(&mut self, a: &[f32], df: f64, f0: f64, wanted: usize) {
        let last = a.len() - 1;
        let top = last as f64 * df;
        let nearest = |f: f64| if f > top { 0 } else { (f / df + 0.5).floor() as usize };
        let peak = |k: usize| k > 0 && k < last && a[k] > a[k - 1] && a[k] > a[k + 1];
        let floor = nearest(0.5 * f0);
        self.count = 0;
        let mut previous = 0;
        for i in 1..=wanted {
            let centre = nearest(i as f64 * f0);
            if centre == 0 {
                break; // beyond the axis, and so is every later one
            }
            let right = nearest((i as f64 + 0.5) * f0);
            let left = nearest((i as f64 - 0.5) * f0);
            let found = if peak(centre) {
                Some(centre)
            } else {
                let widest = right.saturating_sub(centre).max(centre.saturating_sub(left));
                (1..=widest).find_map(|o| {
                    let up = Some(centre + o).filter(|&k| k <= right && peak(k));
                    up.or_else(|| centre.checked_sub(o).filter(|&k| k >= left && peak(k)))
                })
            };
            let mut h = Harmonic { bin: centre, ..Harmonic::default() };
            if let Some(b) = found.filter(|&b| b >= floor && b < last) {
                h.bin = b;
                h.magnitude = f64::from(a[b]);
                let (l, r) = (f64::from(a[b - 1]), f64::from(a[b + 1]));
                let bend = l - 2.0 * h.magnitude + r;
                let shift = if bend == 0.0 { 0.0 } else { 0.5 * (l - r) / bend };
                h.refined = h.magnitude - 0.25 * (l - r) * shift;
                h.frequency_hz = (b as f64 + shift) * df;
            }
            if h.bin == previous && i > 1 {
                h = Harmonic::default();
            }
            previous = h.bin;
            self.found[self.count] = h;
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comb of harmonics with known levels on a fine grid.
    fn comb(levels_db: &[f64], f0_bins: usize) -> Vec<f32> {
        let mut a = vec![1e-6f32; 513];
        for (i, db) in levels_db.iter().enumerate() {
            let k = (i + 1) * f0_bins;
            let m = 10f64.powf(db / 20.0) as f32;
            a[k] = m;
            a[k - 1] = 0.5 * m;
            a[k + 1] = 0.5 * m;
        }
        a
    }

    #[test]
    fn a_known_comb_gives_its_own_levels() {
        let a = comb(&[0.0, -3.0, -10.0, -6.0, -20.0, -25.0], 10);
        let df = 15.625;
        let f0 = 10.0 * df;
        let got = Harmonics::default().process(&a, df, f0, [2.0 * f0 as f32, 4.0 * f0 as f32, 5.0 * f0 as f32]);
        assert!((got.h1_h2_db - 7.0).abs() < 1e-3);
        // within 20 % of the fifth harmonic lies the stronger fourth one
        assert!((got.h1_a3_db - 3.0).abs() < 1e-3);
        assert!((got.amplitudes_db[0] + 3.0).abs() < 1e-3);
        assert!((got.amplitudes_db[1] + 6.0).abs() < 1e-3);
    }

    #[test]
    fn nothing_near_a_formant_is_zero_and_no_fundamental_is_minus_201() {
        let a = comb(&[0.0, -3.0, -10.0], 10);
        let got = Harmonics::default().process(&a, 15.625, 156.25, [50.0, 0.0, 0.0]);
        assert_eq!(got.amplitudes_db, [0.0; 3]);
        let flat = Harmonics::default().process(&[0.0; 513], 15.625, 156.25, [500.0; 3]);
        assert_eq!(flat.h1_h2_db, 0.0);
        assert_eq!(flat.amplitudes_db, [0.0; 3]);
    }
}
