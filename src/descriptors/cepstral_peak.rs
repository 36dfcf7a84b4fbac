//! Smoothed cepstral peak prominence (Hillenbrand and Houde 1996): how far the voice's regularity stands out.

use crate::signal::fourier::Fourier;
use crate::signal::log::ln_all;

/// Spectrum used, in Hz: what lies above says more about the line than about the voice.
const TOP_HZ: f64 = 5000.0;
/// The peak lies between the periods of these frequencies.
const HIGHEST_HZ: f64 = 500.0;
const LOWEST_HZ: f64 = 60.0;
/// The line is fitted from here, in seconds, to the longest period.
const LINE_FROM_S: f64 = 0.001;
/// Frames averaged.
const FRAMES: usize = 3;
/// Floor of the power cepstrum, in dB: exactly even spectra have no cepstrum.
const FLOOR: f32 = 1e-12;
const DB_PER_LN: f64 = 4.342_944_819_032_518;

/// The transform and ranges, shared by all streams.
#[derive(Debug, Clone)]
pub struct CepstralPlan {
    inverse: Fourier,
    bins: usize,
    line: std::ops::Range<usize>,
    peak: std::ops::Range<usize>,
    /// Sums of the quefrencies of the line and of their squares.
    moments: (f64, f64),
}

/// The last power cepstra of one stream, and work space.
#[derive(Debug, Clone)]
pub struct CepstralState {
    cepstrum: Vec<f32>,
    recent: [Vec<f32>; FRAMES],
    mean: Vec<f32>,
    smooth: Vec<f32>,
    level: Vec<f32>,
    /// Number of frames in `recent` that belong to the present stretch.
    held: usize,
}

impl CepstralPlan {
    /// A plan for spectra with bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        let last = (TOP_HZ / df_hz) as usize;
        let size = 2 * last;
        let rate = df_hz * size as f64;
        let at = |seconds: f64| (seconds * rate).round() as usize;
        let end = at(1.0 / LOWEST_HZ) + 1;
        Self {
            inverse: Fourier::inverse(size),
            bins: last + 1,
            moments: (at(LINE_FROM_S)..end).fold((0.0, 0.0), |(x, xx), q| (x + q as f64, xx + (q * q) as f64)),
            line: at(LINE_FROM_S)..end,
            peak: at(1.0 / HIGHEST_HZ)..end,
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> CepstralState {
        CepstralState {
            cepstrum: vec![0.0; self.line.end],
            recent: std::array::from_fn(|_| vec![0.0; self.line.end]),
            mean: vec![0.0; self.line.end],
            smooth: vec![0.0; self.line.end],
            level: vec![0.0; self.line.end],
            held: 0,
        }
    }

    /// Prominence in dB of the highest point of the power cepstrum (mean of this frame and up to two before it in the
    /// same voiced stretch, then of three neighbouring quefrencies) between the periods of 500 and 60 Hz, above the
    /// straight line through the cepstrum in dB from 1 ms on.
    ///
    /// Input: natural logarithm of the power spectrum. A gain changes nothing.
    pub fn process(&self, state: &mut CepstralState, ln_power: &[f32]) -> f32 {
        self.inverse.even_inverse(&ln_power[..self.bins], &mut state.cepstrum);
        state.recent.rotate_right(1);
        for (r, c) in state.recent[0].iter_mut().zip(&state.cepstrum) {
            *r = c * c;
        }
        state.held = (state.held + 1).min(FRAMES);
        let scale = 1.0 / (3.0 * state.held as f32 * (2.0 * (self.bins - 1) as f32).powi(2));
        state.mean.fill(0.0);
        for r in &state.recent[..state.held] {
            state.mean.iter_mut().zip(r).for_each(|(m, r)| *m += r);
        }
        let last = self.line.end - 1;
        for q in self.line.clone() {
            let m = &state.mean;
            state.smooth[q] = (m[q - 1] + m[q] + m[(q + 1).min(last)]) * scale;
        }
        ln_all(&state.smooth, FLOOR, &mut state.level);
        let (sx, sxx) = self.moments;
        let n = self.line.len() as f64;
        let (sy, sxy) = self.line.clone().fold((0.0f64, 0.0), |(sy, sxy), q| {
            let y = DB_PER_LN * f64::from(state.level[q]);
            (sy + y, sxy + q as f64 * y)
        });
        let mut top = self.peak.start;
        for q in self.peak.clone() {
            top = if state.level[q] > state.level[top] { q } else { top };
        }
        let best = (DB_PER_LN * f64::from(state.level[top]), top as f64);
        let slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
        let line = (sy - slope * sx) / n + slope * best.1;
        (best.0 - line) as f32
    }

    /// A voiced stretch has ended: the next frame is averaged with none before it.
    pub fn pause(&self, state: &mut CepstralState) {
        state.held = 0;
    }
}
