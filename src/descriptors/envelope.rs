//! The autocorrelation of the envelope of a band: periodicity where the fundamental and its first multiples are missing.
//!
//! Neighbouring harmonics beat at their distance, so the envelope of any band that holds a few of them has the period of
//! the voice, also where a telephone line has taken the first ones away, and whichever of those that are left is the
//! strongest (the pitch of the residue, Schouten 1940; envelopes of channels: Licklider 1951, Meddis and Hewitt 1991).

use super::autocorrelation::LAGS;
use crate::signal::fourier::Fourier;
use crate::signal::spectrum::SpectrumState;
use crate::signal::sums::dot;
use crate::signal::wide::wide;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use std::fmt;
use std::sync::Arc;

/// The band, in Hz: what every telephone line carries.
const BAND_HZ: (f64, f64) = (600.0, 3300.0);
/// Bins at each end over which the band fades in and out.
const FADE: usize = 6;
/// An envelope that moves less than this share of its power is a tone's, and what moves is rounding.
const STEADY: f32 = 1e-6;
/// Samples of the pitch frame per sample of the envelope.
const STEP: usize = 4;
/// Lags of the envelope, one more than [`LAGS`] needs on each side.
const COARSE: usize = LAGS / STEP + 3;

/// The transform, the band's edges and the correction for one window, shared by all streams.
#[derive(Clone)]
pub struct EnvelopePlan {
    inverse: Arc<dyn Fft<f32>>,
    /// The transforms that correlate the envelope with itself.
    to_power: Fourier,
    to_lags: Fourier,
    first_bin: usize,
    fade: Vec<f32>,
    /// The window at the envelope's rate, and the sum of its squares.
    window: Vec<f32>,
    window_square: f32,
    /// Where the frame begins in the buffer.
    lead: usize,
    /// `w(0) / w(lag)`.
    correction: Vec<f32>,
}

impl fmt::Debug for EnvelopePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvelopePlan").field("first_bin", &self.first_bin).field("bins", &self.fade.len()).finish()
    }
}

/// The autocorrelation of one frame's envelope, and work space.
#[derive(Debug, Clone)]
pub struct EnvelopeState {
    analytic: Vec<Complex32>,
    scratch: Vec<Complex32>,
    envelope: Vec<f32>,
    padded: Vec<f32>,
    spectrum: (Vec<f32>, Vec<f32>),
    power: Vec<f32>,
    coarse: Vec<f32>,
    /// `r(lag) / r(0)`, window divided out, at the samples of the pitch frame.
    pub lags: Vec<f32>,
    /// Share of the envelope's power that is movement, 0 (a tone) to 1; near 0.2 for noise.
    pub roughness: f32,
}

impl EnvelopePlan {
    /// A plan for spectra of `size` points, `df_hz` apart, of frames under `window`, which lie in the middle of the
    /// transform.
    #[must_use]
    pub fn new(window: &[f32], size: usize, df_hz: f64) -> Self {
        let first_bin = (BAND_HZ.0 / df_hz).round() as usize;
        let bins = (BAND_HZ.1 / df_hz).round() as usize - first_bin + 1;
        let rise = |i: usize| ((i as f64 + 0.5) / FADE as f64 * std::f64::consts::FRAC_PI_2).sin().powi(2) as f32;
        let fade =
            (0..bins).map(|i| if i.min(bins - 1 - i) < FADE { rise(i.min(bins - 1 - i)) } else { 1.0 }).collect();
        let window: Vec<f32> = window.iter().copied().step_by(STEP).collect();
        let own = |lag: usize| {
            window.iter().zip(&window[lag.min(window.len())..]).map(|(a, b)| f64::from(a * b)).sum::<f64>()
        };
        // As many points as the envelope has, and the lags beside them; round numbers are fast.
        let correlated = (window.len() + COARSE).next_multiple_of(128);
        Self {
            inverse: FftPlanner::new().plan_fft_inverse(size / STEP),
            to_power: Fourier::new(correlated),
            to_lags: Fourier::inverse(correlated),
            first_bin,
            fade,
            window_square: own(0) as f32,
            lead: (size - STEP * window.len()) / 2 / STEP,
            correction: (0..COARSE).map(|lag| (own(0) / own(lag)) as f32).collect(),
            window,
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> EnvelopeState {
        let bins = self.to_power.length() / 2 + 1;
        EnvelopeState {
            analytic: vec![Complex32::default(); self.inverse.len()],
            scratch: vec![Complex32::default(); self.inverse.get_inplace_scratch_len()],
            envelope: vec![0.0; self.window.len()],
            padded: vec![0.0; self.to_power.length()],
            spectrum: (vec![0.0; bins], vec![0.0; bins]),
            power: vec![0.0; bins],
            coarse: vec![0.0; COARSE],
            lags: vec![0.0; LAGS],
            roughness: 0.0,
        }
    }

    /// Takes the spectrum of a frame. Without sound in the band all is 0. A gain changes nothing.
    pub fn process(&self, state: &mut EnvelopeState, spectrum: &SpectrumState) {
        // The band's bins alone, moved to 0 Hz: its analytic signal, whose magnitude is the envelope.
        let band = spectrum.re[self.first_bin..].iter().zip(&spectrum.im[self.first_bin..]);
        for ((z, (re, im)), f) in state.analytic.iter_mut().zip(band).zip(&self.fade) {
            *z = Complex32::new(re * f, im * f);
        }
        state.analytic[self.fade.len()..].fill(Complex32::default());
        self.inverse.process_with_scratch(&mut state.analytic, &mut state.scratch);
        magnitudes(&state.analytic[self.lead..], &mut state.envelope);
        let whole = dot(&state.envelope, &state.envelope);
        // A steady envelope has the shape of the window: what is left moves.
        let mean = dot(&state.envelope, &self.window) / self.window_square;
        for (e, w) in state.envelope.iter_mut().zip(&self.window) {
            *e -= mean * w;
        }
        let zero = dot(&state.envelope, &state.envelope);
        state.roughness = if whole > 0.0 { zero / whole } else { 0.0 };
        let scale = if zero > STEADY * whole { 1.0 / zero } else { 0.0 };
        state.correlate(self);
        let scale = scale / state.padded.len() as f32;
        for (r, c) in state.coarse.iter_mut().zip(&self.correction) {
            *r = *r * scale * c;
        }
        refine(&state.coarse, &mut state.lags);
    }
}

impl EnvelopeState {
    /// The envelope's correlation with itself, by way of its power spectrum, times the number of points, into `coarse`.
    fn correlate(&mut self, plan: &EnvelopePlan) {
        // What lies behind the envelope is 0 from the beginning.
        self.padded[..self.envelope.len()].copy_from_slice(&self.envelope);
        let spectrum = (&mut self.spectrum.0[..], &mut self.spectrum.1[..]);
        plan.to_power.forward(&self.padded, spectrum, &mut self.power);
        plan.to_lags.even_inverse(&self.power, &mut self.coarse);
    }
}

wide! {
    fn magnitudes(z: &[Complex32], out: &mut [f32]) {
        for (o, z) in out.iter_mut().zip(z) {
            *o = (z.re * z.re + z.im * z.im).sqrt();
        }
    }
}

/// The values between those that are given, by the cubic through the two on each side (Catmull and Rom).
fn refine(coarse: &[f32], fine: &mut [f32]) {
    const WEIGHTS: [[f32; 4]; STEP] = {
        let mut weights = [[0.0; 4]; STEP];
        let mut k = 0;
        while k < STEP {
            let t = k as f32 / STEP as f32;
            weights[k] = [
                0.5 * t * (-1.0 + t * (2.0 - t)),
                1.0 + 0.5 * t * t * (-5.0 + 3.0 * t),
                0.5 * t * (1.0 + t * (4.0 - 3.0 * t)),
                0.5 * t * t * (-1.0 + t),
            ];
            k += 1;
        }
        weights
    };
    for (i, out) in fine.chunks_mut(STEP).enumerate() {
        // The autocorrelation is even.
        let (a, b, c, d) = (coarse[i.abs_diff(1)], coarse[i], coarse[i + 1], coarse[i + 2]);
        for (o, w) in out.iter_mut().zip(&WEIGHTS) {
            *o = w[0] * a + w[1] * b + w[2] * c + w[3] * d;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::spectrum::SpectrumPlan;
    use crate::signal::window::gauss;
    use std::f64::consts::TAU;

    fn process(x: &[f32]) -> EnvelopeState {
        let window = gauss(960, 0.4);
        let spectrum = SpectrumPlan::new(window.clone());
        let plan = EnvelopePlan::new(&window, spectrum.size(), 15.625);
        let (mut s, mut e) = (spectrum.state(), plan.state());
        spectrum.process(&mut s, x);
        plan.process(&mut e, &s);
        e
    }

    /// The correlation by its definition.
    #[test]
    fn lags_are_the_products_of_the_envelope_with_itself() {
        let got = process(&partials(&[4, 5, 7, 9], 130.0));
        let own =
            |a: &[f32], lag: usize| -> f64 { (lag..a.len()).map(|i| f64::from(a[i]) * f64::from(a[i - lag])).sum() };
        let window: Vec<f32> = gauss(960, 0.4).into_iter().step_by(STEP).collect();
        for lag in 0..COARSE {
            let expected = own(&got.envelope, lag) / own(&got.envelope, 0) * own(&window, 0) / own(&window, lag);
            assert!((f64::from(got.coarse[lag]) - expected).abs() < 1e-5, "{lag}: {} {expected}", got.coarse[lag]);
        }
    }

    fn partials(numbers: &[usize], hz: f64) -> Vec<f32> {
        let one = |i: usize, h: usize| (h as f64 * hz * i as f64 / 16_000.0 * TAU + h as f64).cos();
        (0..960).map(|i| numbers.iter().map(|h| one(i, *h)).sum::<f64>() as f32 * 0.1).collect()
    }

    /// Harmonics 8 to 14 alone: the envelope repeats with the fundamental that is not there.
    #[test]
    fn has_the_period_of_a_missing_fundamental() {
        for hz in [70.0, 100.0, 140.0, 190.0] {
            let e = process(&partials(&[8, 9, 10, 11, 12, 13, 14], hz));
            let period = 16_000.0 / hz;
            let range = period as usize / 2..(period * 1.3) as usize;
            let best = range.max_by(|a, b| e.lags[*a].total_cmp(&e.lags[*b])).unwrap();
            assert!((best as f64 / period - 1.0).abs() < 0.02, "{hz}: {best} instead of {period}");
            assert!(e.lags[best] > 0.9, "{hz}: {}", e.lags[best]);
        }
    }

    /// Against the envelope of two partials, which is known: |2 cos(pi d t)|.
    #[test]
    fn two_partials_beat_at_their_distance() {
        let e = process(&partials(&[10, 11], 100.0));
        let envelope = |i: f64| (2.0 * (std::f64::consts::PI * 100.0 * i / 16_000.0).cos()).abs();
        let (mut product, mut zero) = (0.0, 0.0);
        let mean = (0..1600).map(|i| envelope(f64::from(i))).sum::<f64>() / 1600.0;
        for i in 0..1600 {
            let (a, b) = (envelope(f64::from(i)) - mean, envelope(f64::from(i + 80)) - mean);
            product += a * b;
            zero += a * a;
        }
        assert!((f64::from(e.lags[80]) - product / zero).abs() < 0.05, "{} {}", e.lags[80], product / zero);
        assert!((e.lags[160] - 1.0).abs() < 0.05);
    }

    #[test]
    fn a_tone_and_silence_have_none() {
        let tone = process(&partials(&[10], 100.0));
        assert!(tone.roughness < 1e-3);
        for e in [process(&[0.0; 960]), process(&partials(&[1], 100.0))] {
            assert!(e.lags.iter().all(|l| l.is_finite()), "finite");
        }
        assert!(process(&[0.0; 960]).lags.iter().all(|l| *l == 0.0));
    }
}
