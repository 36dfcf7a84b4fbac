//! Spectral balance: alpha ratio and Hammarberg index.

/// Floor of the numerators.
const FLOOR: f32 = 1e-14;

/// The four band limits as bin numbers.
#[derive(Debug, Clone, Copy)]
pub struct BalancePlan {
    at_1_khz: usize,
    at_2_khz: usize,
    past_5_khz: usize,
}

/// Alpha ratio and Hammarberg index of one frame, in dB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// `10 log10(sum of power in 1..5 kHz / sum below 1 kHz)`, DC included below; 0 if the lower band is empty.
    pub alpha_ratio_db: f32,
    /// `10 log10(strongest bin below 2 kHz / strongest bin in 2..5 kHz)`; 0 if the upper band is empty.
    pub hammarberg_db: f32,
    /// Power of the strongest bin up to 5 kHz.
    pub peak: f32,
}

/// First bin at or above a frequency.
fn bin_from(hz: f64, df_hz: f64) -> usize {
    (hz / df_hz).ceil() as usize
}

impl BalancePlan {
    /// Limits for bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        Self {
            at_1_khz: bin_from(1000.0, df_hz),
            at_2_khz: bin_from(2000.0, df_hz),
            past_5_khz: (5000.0 / df_hz).floor() as usize + 1,
        }
    }

    /// Both measures of one power spectrum (unscaled). Silence gives 0 for both.
    ///
    /// # Panics
    /// If the spectrum ends below 5 kHz.
    #[must_use]
    pub fn process(&self, power: &[f32]) -> Balance {
        let low: f32 = sum(&power[..self.at_1_khz]);
        let high: f32 = sum(&power[self.at_1_khz..self.past_5_khz]);
        let low_peak = max(&power[..self.at_2_khz]);
        let high_peak = max(&power[self.at_2_khz..self.past_5_khz]);
        let db = |numerator: f32, denominator: f32| {
            if denominator > 0.0 { 10.0 * (numerator.max(FLOOR) / denominator).log10() } else { 0.0 }
        };
        Balance { alpha_ratio_db: db(high, low), hammarberg_db: db(low_peak, high_peak), peak: low_peak.max(high_peak) }
    }
}

fn sum(values: &[f32]) -> f32 {
    let mut parts = [0.0f32; 8];
    let chunks = values.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for c in chunks {
        for (p, v) in parts.iter_mut().zip(c) {
            *p += v;
        }
    }
    parts.iter().sum::<f32>() + rest
}

fn max(values: &[f32]) -> f32 {
    let mut parts = [0.0f32; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder().iter().fold(0.0f32, |m, v| m.max(*v));
    for c in chunks {
        for (p, v) in parts.iter_mut().zip(c) {
            *p = if *v > *p { *v } else { *p };
        }
    }
    parts.iter().fold(rest, |m, v| m.max(*v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_spectrum() {
        let plan = BalancePlan::new(31.25);
        // 1 below 1 kHz (bins 0..31), 0.01 from 1 to 5 kHz (bins 32..160), rubbish above.
        let power: Vec<f32> = (0..257)
            .map(|k| {
                if k < 32 {
                    1.0
                } else if k <= 160 {
                    0.01
                } else {
                    1e9
                }
            })
            .collect();
        let b = plan.process(&power);
        let expected = 10.0 * (0.01f64 * 129.0 / 32.0).log10();
        assert!((f64::from(b.alpha_ratio_db) - expected).abs() < 1e-4);
        assert!((b.hammarberg_db - 20.0).abs() < 1e-4);
        assert_eq!(b.peak, 1.0);
    }

    #[test]
    fn gain_moves_nothing_and_silence_is_zero() {
        let plan = BalancePlan::new(31.25);
        let a: Vec<f32> = (0..257).map(|k| 1.0 + (k % 13) as f32).collect();
        let b: Vec<f32> = a.iter().map(|p| p * 256.0).collect();
        let (x, y) = (plan.process(&a), plan.process(&b));
        assert!((x.alpha_ratio_db - y.alpha_ratio_db).abs() < 1e-5);
        assert!((x.hammarberg_db - y.hammarberg_db).abs() < 1e-5);
        let silent = plan.process(&[0.0; 257]);
        assert_eq!((silent.alpha_ratio_db, silent.hammarberg_db), (0.0, 0.0));
    }
}
