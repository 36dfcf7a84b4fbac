//! Short-time spectra: sound taken apart into overlapping frames, changed there, and put together again.

use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Frames that overlap at each moment.
const OVERLAP: usize = 4;

/// Frames of one length under the root of a raised cosine, which they are weighted with before and after.
pub(super) struct ShortTime {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    window: Vec<f64>,
    frame: Vec<f64>,
}

impl ShortTime {
    /// Frames of about so many seconds.
    pub fn new(seconds: f64, rate_hz: u32) -> Self {
        let mut frames = Self::to_look_at(seconds, rate_hz);
        frames.window.iter_mut().for_each(|w| *w = w.sqrt());
        frames
    }

    /// The same under the raised cosine itself, which leaks less; they cannot be put together.
    pub fn to_look_at(seconds: f64, rate_hz: u32) -> Self {
        let size = (seconds * f64::from(rate_hz)) as usize / OVERLAP * OVERLAP;
        let mut planner = RealFftPlanner::new();
        let turn = |i: usize| TAU * (i as f64 + 0.5) / size as f64;
        Self {
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
            window: (0..size).map(|i| 0.5 - 0.5 * turn(i).cos()).collect(),
            frame: vec![0.0; size],
        }
    }

    /// Length of a frame, in samples.
    pub fn size(&self) -> usize {
        self.window.len()
    }

    /// Room for a spectrum.
    pub fn spectrum(&self) -> Vec<Complex64> {
        self.forward.make_output_vec()
    }

    /// First sample of every frame that touches one of `length` samples; they begin before the sound.
    pub fn starts(&self, length: usize) -> impl Iterator<Item = isize> + use<> {
        let (size, hop) = (self.size() as isize, self.size() / OVERLAP);
        (-size + hop as isize..length as isize).step_by(hop)
    }

    /// Spectrum of the frame that begins at a sample.
    pub fn take(&mut self, x: &[f32], start: isize, spectrum: &mut [Complex64]) {
        for (i, (f, w)) in self.frame.iter_mut().zip(&self.window).enumerate() {
            let sample = usize::try_from(start + i as isize).ok().and_then(|n| x.get(n));
            *f = sample.map_or(0.0, |v| f64::from(*v)) * w;
        }
        // Both are as long as the plan made them.
        let _ = self.forward.process(&mut self.frame, spectrum);
    }

    /// Adds the frame of a spectrum to the whole; frames that were left as they are add up to the sound.
    pub fn add(&mut self, spectrum: &mut [Complex64], start: isize, out: &mut [f64]) {
        // The lowest and the highest bin of a real sound are real.
        let last = spectrum.len() - 1;
        (spectrum[0].im, spectrum[last].im) = (0.0, 0.0);
        let _ = self.inverse.process(spectrum, &mut self.frame);
        // Powers of the window add up to half of the frames that overlap.
        let scale = 2.0 / (OVERLAP * self.size()) as f64;
        for (i, (f, w)) in self.frame.iter().zip(&self.window).enumerate() {
            if let Some(o) = usize::try_from(start + i as isize).ok().and_then(|n| out.get_mut(n)) {
                *o += f * w * scale;
            }
        }
    }
}

/// The whole through a real response by frequency in Hz: nothing is delayed and no phase moves.
pub(super) fn filtered(x: &[f32], rate_hz: u32, response: impl Fn(f64) -> f64) -> Vec<f32> {
    // A second more than there is, so that what rings on does not come round.
    let size = (x.len() + rate_hz as usize).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let (mut time, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    time.iter_mut().zip(x).for_each(|(t, x)| *t = f64::from(*x));
    let _ = forward.process(&mut time, &mut spectrum);
    for (k, bin) in spectrum.iter_mut().enumerate() {
        *bin *= response(k as f64 * f64::from(rate_hz) / size as f64) / size as f64;
    }
    let _ = inverse.process(&mut spectrum, &mut time);
    time[..x.len()].iter().map(|v| *v as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_left_as_they_are_add_up_to_the_sound() {
        let x: Vec<f32> = (0..5000).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        for rate_hz in [8_000, 16_000, 22_050] {
            let mut s = ShortTime::new(0.04, rate_hz);
            let (mut spectrum, mut out) = (s.spectrum(), vec![0.0; x.len()]);
            for start in s.starts(x.len()) {
                s.take(&x, start, &mut spectrum);
                s.add(&mut spectrum, start, &mut out);
            }
            assert!(x.iter().zip(&out).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
        }
        assert!(filtered(&x, 16_000, |_| 1.0).iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    /// A tone comes out as it went in, but for the gain at its frequency.
    #[test]
    fn a_response_is_a_gain_of_tones() {
        let tone: Vec<f32> = (0..16_000).map(|i| (TAU * 1000.0 * i as f64 / 16_000.0).sin() as f32).collect();
        let y = filtered(&tone, 16_000, |hz| 200.0 / hz.max(200.0));
        assert!((4000..12_000).all(|i| (y[i] - 0.2 * tone[i]).abs() < 1e-3));
    }
}
