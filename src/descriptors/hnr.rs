//! Harmonics-to-noise ratio from the autocorrelation of the windowed frame.

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};
use std::fmt;
use std::sync::Arc;

/// The inverse transform from power to autocorrelation, shared by all streams.
#[derive(Clone)]
pub struct HnrPlan {
    inverse: Arc<dyn ComplexToReal<f32>>,
    size: usize,
    rate_hz: f64,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct HnrState {
    spectrum: Vec<Complex32>,
    lags: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl fmt::Debug for HnrPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HnrPlan").field("size", &self.size).finish()
    }
}

impl HnrPlan {
    /// A plan for power spectra of a transform of length `size` at `rate_hz`.
    #[must_use]
    pub fn new(size: usize, rate_hz: f64) -> Self {
        Self { inverse: RealFftPlanner::new().plan_fft_inverse(size), size, rate_hz }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> HnrState {
        HnrState {
            spectrum: self.inverse.make_input_vec(),
            lags: self.inverse.make_output_vec(),
            scratch: self.inverse.make_scratch_vec(),
        }
    }

    /// HNR in dB of a voiced frame with fundamental `f0_hz`: `10 log10(R_i / (R_0 - R_i))` with `R` the magnitude of
    /// the autocorrelation and `i` its local maximum nearest to the period (shorter lag first), the ratio clamped to
    /// `1e-9 ..= 1e11`.
    ///
    /// There is no correction for the window, so the value saturates and rises with F0, as in the reference feature
    /// set. Input: power spectrum, `size / 2 + 1` bins. A frame without power gives the lower clamp, -90 dB.
    pub fn process(&self, state: &mut HnrState, power: &[f32], f0_hz: f64) -> f32 {
        for (x, p) in state.spectrum.iter_mut().zip(power) {
            *x = Complex32::new(*p, 0.0);
        }
        let done = self.inverse.process_with_scratch(&mut state.spectrum, &mut state.lags, &mut state.scratch);
        debug_assert!(done.is_ok());
        let last = self.size / 2;
        let r = |i: usize| f64::from(state.lags[i].abs());
        let peak = |i: usize| i > 0 && i < last && r(i) > r(i - 1) && r(i) > r(i + 1);
        let start = (self.rate_hz / f0_hz) as usize;
        let best = (0..=last).find_map(|o| {
            let down = start.checked_sub(o).filter(|&i| peak(i));
            down.or_else(|| Some(start + o).filter(|&i| peak(i)))
        });
        let ratio = best.map_or(0.0, |i| {
            let noise = r(0) - r(i);
            if noise > 0.0 {
                r(i) / noise
            } else if r(i) > 0.0 {
                f64::INFINITY
            } else {
                0.0
            }
        });
        (10.0 * ratio.clamp(1e-9, 1e11).log10()) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::spectrum::SpectrumPlan;
    use crate::signal::window::gauss;

    /// Against the cosine sum of the definition in f64.
    #[test]
    fn equals_the_cosine_sum() {
        let spectra = SpectrumPlan::new(gauss(960, 0.4));
        let mut s = spectra.state();
        for f0 in [95.0f64, 140.0, 233.0] {
            let frame: Vec<f32> = (0..960)
                .map(|i| {
                    let t = i as f64 / 16_000.0;
                    let tone: f64 =
                        (1..8).map(|h| (std::f64::consts::TAU * f0 * f64::from(h) * t).sin() / f64::from(h)).sum();
                    (0.2 * tone) as f32 + 0.02 * (((i * 7919) % 1013) as f32 / 1013.0 - 0.5)
                })
                .collect();
            spectra.process(&mut s, &frame);
            let p: Vec<f64> = s.power.iter().map(|v| f64::from(*v)).collect();
            let r: Vec<f64> = (0..513)
                .map(|i| {
                    let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
                    let inner: f64 =
                        (1..512).map(|k| p[k] * (std::f64::consts::TAU * (k * i % 1024) as f64 / 1024.0).cos()).sum();
                    (p[0] / 2.0 + sign * p[512] / 2.0 + inner).abs()
                })
                .collect();
            let i0 = (16_000.0 / f0) as usize;
            let mut i = i0;
            for o in 0..100 {
                let top = |j: usize| r[j] > r[j - 1] && r[j] > r[j + 1];
                if top(i0 - o) {
                    i = i0 - o;
                    break;
                }
                if top(i0 + o) {
                    i = i0 + o;
                    break;
                }
            }
            let expected = 10.0 * (r[i] / (r[0] - r[i])).log10();
            let plan = HnrPlan::new(1024, 16_000.0);
            let got = plan.process(&mut plan.state(), &s.power, f0);
            assert!((f64::from(got) - expected).abs() < 1e-2, "{f0}: {got} {expected}");
        }
    }

    #[test]
    fn no_power_gives_the_lower_clamp() {
        let plan = HnrPlan::new(1024, 16_000.0);
        assert_eq!(plan.process(&mut plan.state(), &[0.0; 513], 100.0), -90.0);
    }
}
