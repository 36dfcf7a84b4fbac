//! The harmonic sum of a frequency: magnitudes at its harmonics less those halfway between them.
//!
//! Weights fall with the harmonic's number (sub-harmonic summation, Hermes 1988), with the valleys of Camacho and Harris
//! (2008). It holds in noise, and presumes that the first harmonics are there.

/// Spectrum used, in Hz.
const TOP_HZ: f64 = 2500.0;
const HARMONICS: usize = 12;
/// Weight of a harmonic relative to the one below it.
const DECAY: f32 = 0.8;
/// Weight of a valley relative to the harmonic beside it.
const VALLEY: f32 = 0.5;

/// The magnitudes of one frame up to 2.5 kHz.
#[derive(Debug, Clone)]
pub struct Magnitudes {
    values: Vec<f32>,
    per_hz: f64,
    /// One over the root mean square magnitude; 0 for silence.
    scale: f32,
}

impl Magnitudes {
    /// Room for the magnitudes of spectra with bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        Self { values: vec![0.0; (TOP_HZ / df_hz) as usize + 2], per_hz: 1.0 / df_hz, scale: 0.0 }
    }

    /// Takes a power spectrum.
    pub fn take(&mut self, power: &[f32]) {
        let mut sum = 0.0;
        for (m, p) in self.values.iter_mut().zip(power) {
            *m = p.sqrt();
            sum += p;
        }
        self.scale = if sum > 0.0 { (self.values.len() as f32 / sum).sqrt() } else { 0.0 };
    }

    /// The harmonic sum of a frequency in Hz, relative to the root mean square magnitude up to 2.5 kHz. Harmonics above that
    /// count nothing. Silence gives 0; a gain changes nothing.
    #[must_use]
    pub fn harmonic_sum(&self, hz: f64) -> f32 {
        let step = hz * self.per_hz;
        let last = (self.values.len() - 2) as f64;
        let at = |bin: f64| {
            // By way of 32 bits, which processors convert at once.
            let low = bin as i32;
            let (low, share) = (low as usize, (bin - f64::from(low)) as f32);
            self.values[low] + share * (self.values[low + 1] - self.values[low])
        };
        let (mut total, mut weight) = (0.0f32, 1.0f32);
        let mut below = at((0.5 * step).min(last));
        for h in 1..=HARMONICS {
            let centre = h as f64 * step;
            if centre + 0.5 * step > last {
                break;
            }
            let above = at(centre + 0.5 * step);
            total += weight * (at(centre) - VALLEY * (below + above));
            below = above;
            weight *= DECAY;
        }
        total * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comb of lines: the fundamental beats its octaves, and the sum is the formula's.
    #[test]
    fn the_fundamental_beats_its_octaves() {
        let mut power = vec![0.0f32; 513];
        (1..=12).for_each(|h| power[h * 10] = 1.0);
        let mut m = Magnitudes::new(15.625);
        m.take(&power);
        let (low, right, high) = (m.harmonic_sum(78.125), m.harmonic_sum(156.25), m.harmonic_sum(312.5));
        assert!(right > high && right > low, "{low} {right} {high}");
        let expected: f64 = (0..12).map(|h| 0.8f64.powi(h)).sum();
        let rms = (12.0f64 / 162.0).sqrt();
        assert!((f64::from(right) - expected / rms).abs() < 1e-3, "{right} {}", expected / rms);
        m.take(&[0.0; 513]);
        assert_eq!(m.harmonic_sum(100.0), 0.0);
    }
}
