//! Windowed magnitude spectra of fixed-size frames.

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::fmt;
use std::sync::Arc;

/// One window shape and transform size, shared by all streams.
#[derive(Clone)]
pub struct SpectrumPlan {
    window: Arc<[f32]>,
    fft: Arc<dyn RealToComplex<f32>>,
    size: usize,
}

impl fmt::Debug for SpectrumPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpectrumPlan").field("window", &self.window.len()).field("size", &self.size).finish()
    }
}

/// Work space and result of one stream's transforms.
#[derive(Debug, Clone)]
pub struct SpectrumState {
    time: Vec<f32>,
    scratch: Vec<Complex32>,
    /// Complex spectrum of the last frame, `size / 2 + 1` bins, unscaled, the frame in the middle of the buffer.
    pub bins: Vec<Complex32>,
    /// Power `|X|^2` of the last frame, `size / 2 + 1` bins, unscaled.
    pub power: Vec<f32>,
}

impl SpectrumPlan {
    /// A plan for frames as long as `window`, transformed at the next power of two.
    #[must_use]
    pub fn new(window: Vec<f32>) -> Self {
        let size = window.len().next_power_of_two();
        Self { window: window.into(), fft: RealFftPlanner::new().plan_fft_forward(size), size }
    }

    /// Transform length in samples.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Number of bins, `size / 2 + 1`.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.size / 2 + 1
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> SpectrumState {
        SpectrumState {
            time: self.fft.make_input_vec(),
            scratch: self.fft.make_scratch_vec(),
            bins: self.fft.make_output_vec(),
            power: vec![0.0; self.bins()],
        }
    }

    /// Transforms one frame: window, zero padding on both sides, complex spectrum and power into `state`.
    ///
    /// Returns the sum of squares of the windowed frame. A frame of another length than the window is treated as
    /// its overlap with the window. Allocates nothing. Silence gives zeros.
    pub fn process(&self, state: &mut SpectrumState, frame: &[f32]) -> f64 {
        let pad = (self.size - self.window.len()) / 2;
        let (before, rest) = state.time.split_at_mut(pad);
        let (middle, after) = rest.split_at_mut(self.window.len());
        before.fill(0.0);
        after.fill(0.0);
        for ((m, x), w) in middle.iter_mut().zip(frame).zip(self.window.iter()) {
            *m = x * w;
        }
        let mut sums = [0.0f32; 16];
        for chunk in middle.chunks(16) {
            for (s, m) in sums.iter_mut().zip(chunk) {
                *s += m * m;
            }
        }
        let energy = f64::from(sums.iter().sum::<f32>());
        // The lengths are the plan's own, so the transform cannot refuse them.
        let done = self.fft.process_with_scratch(&mut state.time, &mut state.bins, &mut state.scratch);
        debug_assert!(done.is_ok());
        for (p, x) in state.power.iter_mut().zip(&state.bins) {
            *p = x.re * x.re + x.im * x.im;
        }
        energy
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::{gauss, hamming};
    use super::*;
    use std::f64::consts::PI;

    /// The textbook sum in f64.
    fn slow(frame: &[f32], window: &[f32], size: usize, k: usize) -> (f64, f64) {
        let pad = (size - window.len()) / 2;
        let mut re = 0.0;
        let mut im = 0.0;
        for (i, (x, w)) in frame.iter().zip(window).enumerate() {
            let a = -2.0 * PI * (k * (i + pad) % size) as f64 / size as f64;
            re += f64::from(*x) * f64::from(*w) * a.cos();
            im += f64::from(*x) * f64::from(*w) * a.sin();
        }
        (re, im)
    }

    #[test]
    fn equals_the_textbook_sum() {
        for window in [hamming(320), gauss(960, 0.4)] {
            let n = window.len();
            let frame: Vec<f32> = (0..n).map(|i| ((i * i) as f32 * 0.013).sin() * 0.7).collect();
            let plan = SpectrumPlan::new(window.clone());
            let mut state = plan.state();
            let energy = plan.process(&mut state, &frame);
            let expected: f64 = frame.iter().zip(&window).map(|(x, w)| (f64::from(*x) * f64::from(*w)).powi(2)).sum();
            assert!((energy - expected).abs() < 1e-5 * expected);
            assert_eq!(state.bins.len(), plan.size() / 2 + 1);
            for k in [0, 1, 7, 100, plan.bins() - 1] {
                let (re, im) = slow(&frame, &window, plan.size(), k);
                assert!((f64::from(state.bins[k].re) - re).abs() < 1e-4, "bin {k}");
                assert!((f64::from(state.bins[k].im) - im).abs() < 1e-4, "bin {k}");
                let power = re * re + im * im;
                assert!((f64::from(state.power[k]) - power).abs() < 1e-3 * power.max(1e-3));
            }
        }
    }
}
