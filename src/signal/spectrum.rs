//! Windowed magnitude spectra of fixed-size frames.

use super::fourier::Fourier;
use super::sums::{lanes, products};
use std::sync::Arc;

/// One window shape and transform size, shared by all streams.
#[derive(Debug, Clone)]
pub struct SpectrumPlan {
    window: Arc<[f32]>,
    fourier: Fourier,
    size: usize,
}

/// Work space and result of one stream's transforms.
#[derive(Debug, Clone)]
pub struct SpectrumState {
    time: Vec<f32>,
    /// Complex spectrum of the last frame, `size / 2 + 1` bins, unscaled, the frame in the middle of the buffer: its real parts.
    pub re: Vec<f32>,
    /// Its imaginary parts.
    pub im: Vec<f32>,
    /// Power `|X|^2` of the last frame, `size / 2 + 1` bins, unscaled.
    pub power: Vec<f32>,
}

impl SpectrumPlan {
    /// A plan for frames as long as `window`, transformed at the next power of two.
    ///
    /// # Panics
    /// If the window has fewer than two points.
    #[must_use]
    pub fn new(window: Vec<f32>) -> Self {
        let size = window.len().next_power_of_two();
        Self { window: window.into(), fourier: Fourier::new(size), size }
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
            time: vec![0.0; self.size],
            re: vec![0.0; self.bins()],
            im: vec![0.0; self.bins()],
            power: vec![0.0; self.bins()],
        }
    }

    /// Transforms one frame: window, zero padding on both sides, complex spectrum and power into `state`.
    ///
    /// Returns the sum of squares of the windowed frame. A frame of another length than the window is treated as
    /// its overlap with the window. Allocates nothing. Silence gives zeros.
    pub fn process(&self, state: &mut SpectrumState, frame: &[f32]) -> f64 {
        let pad = (self.size - self.window.len()) / 2;
        // What lies beside the frame in the buffer is 0 from the beginning.
        let windowed = &mut state.time[pad..pad + self.window.len()];
        products(frame, &self.window, windowed);
        let energy = lanes(windowed, windowed).iter().sum::<f32>();
        let spectrum = (&mut state.re[..], &mut state.im[..]);
        self.fourier.forward(&state.time, spectrum, &mut state.power);
        f64::from(energy)
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
            assert_eq!(state.re.len(), plan.size() / 2 + 1);
            for k in [0, 1, 7, 100, plan.bins() - 1] {
                let (re, im) = slow(&frame, &window, plan.size(), k);
                assert!((f64::from(state.re[k]) - re).abs() < 1e-4, "bin {k}");
                assert!((f64::from(state.im[k]) - im).abs() < 1e-4, "bin {k}");
                let power = re * re + im * im;
                assert!((f64::from(state.power[k]) - power).abs() < 1e-3 * power.max(1e-3));
            }
        }
    }
}
