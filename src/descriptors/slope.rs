//! Spectral slope of a band: regression of the level in dB on frequency.

/// Level of a bin without power, in dB, and the power below which a bin counts as empty.
const EMPTY_DB: f64 = -140.0;
const EMPTY: f32 = 1e-14;

/// Regression weights for one band.
#[derive(Debug, Clone)]
pub struct SlopePlan {
    first: usize,
    /// `weight` and `weight * frequency` per bin of the band.
    bins: Vec<[f64; 2]>,
    count: f64,
    sum_g: f64,
    denominator: f64,
}

impl SlopePlan {
    /// The band `low_hz ..= high_hz` over bins `df_hz` apart.
    ///
    /// Bins cut by an edge get a partial weight. The count that enters the regression is one less than the number of
    /// bins, as the reference feature set computes it; the slope therefore moves with gain.
    #[must_use]
    pub fn new(low_hz: f64, high_hz: f64, df_hz: f64) -> Self {
        let above = (low_hz / df_hz).floor() as usize + 1;
        let reach = (high_hz / df_hz).ceil() as usize;
        let (first, left) = (above - 1, above as f64 - low_hz / df_hz);
        let exact = reach as f64 * df_hz == high_hz;
        let (last, right) = (if exact { reach } else { reach - 1 }, high_hz / df_hz - (reach - 1) as f64);
        let weight = |k: usize| match k {
            _ if k == first && left > 0.0 => left,
            _ if k == last && right > 0.0 => right,
            _ => 1.0,
        };
        let bins: Vec<[f64; 2]> = (first..=last).map(|k| [weight(k), weight(k) * k as f64 * df_hz]).collect();
        let count = (last - first) as f64;
        let sum_g: f64 = bins.iter().map(|b| b[1]).sum();
        let sum_gg: f64 = bins.iter().map(|b| b[1] * b[1]).sum();
        Self { first, bins, count, sum_g, denominator: count * sum_gg - sum_g * sum_g }
    }

    /// The bins of the band.
    #[must_use]
    pub fn range(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.bins.len()
    }

    /// Slope in dB/Hz of levels in dB, `levels_db[k]` being bin `k`.
    ///
    /// # Panics
    /// If there are fewer levels than bins.
    #[must_use]
    pub fn process(&self, levels_db: &[f32]) -> f32 {
        let (mut gd, mut wd) = (0.0f64, 0.0f64);
        for ([w, g], d) in self.bins.iter().zip(&levels_db[self.range()]) {
            gd += g * f64::from(*d);
            wd += w * f64::from(*d);
        }
        ((self.count * gd - self.sum_g * wd) / self.denominator) as f32
    }
}

/// Level of a power in dB; -140 for what is not above 1e-14.
#[must_use]
pub fn bin_level_db(power: f32) -> f32 {
    if power > EMPTY { 10.0 * power.log10() } else { EMPTY_DB as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule as the definition states it, in f64.
    fn definition(a: f64, b: f64, df: f64, d: &[f64]) -> f64 {
        let f = |k: usize| k as f64 * df;
        let u = (0..).find(|&k| f(k) > a).unwrap();
        let v = (0..).find(|&k| f(k) >= b).unwrap();
        let mut wl = (f(u) - a) / df;
        let mut wr = (b - f(v - 1)) / df;
        if wl == 0.0 {
            wl = 1.0
        }
        if wr == 0.0 {
            wr = 1.0
        }
        let (l, r) = (u - 1, if f(v) == b { v } else { v - 1 });
        let n = (r - l) as f64;
        let w = |k| {
            if k == l {
                wl
            } else if k == r {
                wr
            } else {
                1.0
            }
        };
        let (mut sa, mut sb, mut sc, mut se) = (0.0, 0.0, 0.0, 0.0);
        for k in l..=r {
            let g = w(k) * f(k);
            sa += g;
            sb += g * g;
            sc += g * d[k];
            se += w(k) * d[k];
        }
        (n * sc - sa * se) / (n * sb - sa * sa)
    }

    #[test]
    fn equals_the_definition_on_any_axis() {
        for (a, b, df) in [(0.0, 500.0, 31.25), (500.0, 1500.0, 31.25), (0.0, 500.0, 43.164), (500.0, 1500.0, 43.164)] {
            let d: Vec<f64> = (0..100).map(|k| -20.0 - 0.3 * k as f64 + ((k * 7) % 5) as f64).collect();
            let single: Vec<f32> = d.iter().map(|v| *v as f32).collect();
            let got = f64::from(SlopePlan::new(a, b, df).process(&single));
            let expected = definition(a, b, df, &d);
            assert!((got - expected).abs() < 1e-6, "{a}-{b} at {df}: {got} {expected}");
        }
    }

    #[test]
    fn silence_and_gain_have_the_standard_values() {
        let low = SlopePlan::new(0.0, 500.0, 31.25);
        let high = SlopePlan::new(500.0, 1500.0, 31.25);
        let silent = vec![bin_level_db(0.0); 60];
        assert!((low.process(&silent) - 0.112).abs() < 1e-6);
        assert!((high.process(&silent) - 0.076_363_6).abs() < 1e-6);
        let up = vec![1.0; 60];
        assert!((low.process(&up) + 0.000_80).abs() < 1e-5);
        assert!((high.process(&up) + 0.000_55).abs() < 1e-5);
    }
}
