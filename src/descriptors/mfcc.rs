//! Mel-frequency cepstral coefficients.

use std::f64::consts::PI;

/// Cosine transform and lifter for the first coefficients of a mel bank.
#[derive(Debug, Clone)]
pub struct MfccPlan {
    count: usize,
    /// For each band the weights of all coefficients, lifter and scale included.
    columns: Vec<f32>,
}

impl MfccPlan {
    /// Coefficients `1 ..= count` of a bank with `bands` bands, with sinusoidal lifter 22.
    #[must_use]
    pub fn new(bands: usize, count: usize) -> Self {
        Self::with(bands, count, |i| 1.0 + 11.0 * (PI * i as f64 / 22.0).sin())
    }

    /// Coefficients `1 ..= count` of a bank with `bands` bands, without lifter.
    #[must_use]
    pub fn plain(bands: usize, count: usize) -> Self {
        Self::with(bands, count, |_| 1.0)
    }

    fn with(bands: usize, count: usize, lifter: fn(usize) -> f64) -> Self {
        let weight = |b: usize, i: usize| {
            let scale = (2.0 / bands as f64).sqrt() * lifter(i);
            (scale * (PI * i as f64 * (b as f64 - 0.5) / bands as f64).cos()) as f32
        };
        let columns = (1..=bands).flat_map(|b| (1..=count).map(move |i| weight(b, i))).collect();
        Self { count, columns }
    }

    /// Coefficients of one frame into `out`. `logs` is work space for one value per band.
    ///
    /// Input: natural logarithms of the band energies `E` (unscaled power), minus infinity for 0. `M_b = ln max(32767^2 E_b, 1)`;
    /// `c_i = sqrt(2/B) (1 + 11 sin(pi i / 22)) sum_b M_b cos(pi i (b - 0.5) / B)`. Unit: none. Silence gives 0.
    pub fn process(&self, log_energies: &[f32], logs: &mut [f32], out: &mut [f32]) {
        // 2 ln 32767: the scale of 16-bit samples.
        const SCALE: f32 = 20.794_354;
        for (l, e) in logs.iter_mut().zip(log_energies) {
            *l = (e + SCALE).max(0.0);
        }
        self.transform(logs, out);
    }

    /// The same with a floor 80 dB below the frame's strongest band instead of a fixed one, so that a gain changes
    /// nothing: `M_b = max(ln E_b, max ln E - 18.42)`. Silence gives 0.
    pub fn process_relative(&self, log_energies: &[f32], logs: &mut [f32], out: &mut [f32]) {
        const BELOW: f32 = 18.420_68;
        let top = log_energies.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        for (l, e) in logs.iter_mut().zip(log_energies) {
            // Counted from the floor: the transform leaves out the mean anyway.
            *l = if top.is_finite() { (e - top + BELOW).max(0.0) } else { 0.0 };
        }
        self.transform(logs, out);
    }

    fn transform(&self, logs: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        for (column, l) in self.columns.chunks_exact(self.count).zip(logs) {
            out.iter_mut().zip(column).for_each(|(o, w)| *o += w * l);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_formula() {
        let energies: Vec<f32> = (0..26).map(|b| 1e-6 * (1.0 + ((b * b) % 7) as f32)).collect();
        let (mut logs, mut out) = ([0.0; 26], [0.0; 4]);
        let log_energies: Vec<f32> = energies.iter().map(|e| e.ln()).collect();
        MfccPlan::new(26, 4).process(&log_energies, &mut logs, &mut out);
        for i in 1..=4 {
            let sum: f64 = (1..=26)
                .map(|b| {
                    let m = (f64::from(energies[b - 1]) * 32767.0 * 32767.0).max(1.0).ln();
                    m * (PI * i as f64 * (b as f64 - 0.5) / 26.0).cos()
                })
                .sum();
            let expected = (2.0f64 / 26.0).sqrt() * (1.0 + 11.0 * (PI * i as f64 / 22.0).sin()) * sum;
            assert!((f64::from(out[i - 1]) - expected).abs() < 1e-3, "c{i}");
        }
    }

    #[test]
    fn silence_gives_zero_and_gain_moves_nothing_above_the_floor() {
        let plan = MfccPlan::new(26, 4);
        let (mut logs, mut a, mut b) = ([0.0; 26], [0.0; 4], [0.0; 4]);
        plan.process(&[f32::NEG_INFINITY; 26], &mut logs, &mut a);
        assert_eq!(a, [0.0; 4]);
        let energies: Vec<f32> = (0..26).map(|k| (0.01 + k as f32).ln()).collect();
        let louder: Vec<f32> = energies.iter().map(|e| e + 100f32.ln()).collect();
        plan.process(&energies, &mut logs, &mut a);
        plan.process(&louder, &mut logs, &mut b);
        for (x, y) in a.iter().zip(&b) {
            assert!((x - y).abs() < 1e-3);
        }
    }
}
