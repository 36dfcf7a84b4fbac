//! How a spectrum falls: slopes, centroid, and how much its shape changed. A gain moves none of them.

use crate::signal::log::ln_all;
use crate::signal::sums::{dot, max, roots, sum};

/// Bands of the slopes, in Hz.
const LOW: (f64, f64) = (0.0, 500.0);
const MIDDLE: (f64, f64) = (500.0, 1500.0);
const WHOLE: (f64, f64) = (80.0, 5000.0);
/// Bins this much weaker than the strongest count as that weak: -100 dB.
const FLOOR: f32 = 1e-10;
const DB_PER_LN: f64 = 4.342_944_819_032_518;

/// Shape of one spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tilt {
    /// Least-squares slope of the level from 0 (without it) to 500 Hz, in dB per kHz.
    pub low_db_per_khz: f32,
    /// The same from 500 to 1500 Hz.
    pub middle_db_per_khz: f32,
    /// Least-squares slope of the level over the logarithm of frequency from 80 to 5000 Hz, in dB per octave.
    pub whole_db_per_octave: f32,
    /// Mean frequency from 80 to 5000 Hz weighted by power, in Hz.
    pub centroid_hz: f32,
    /// Length of the difference to the previous frame's magnitudes up to 5 kHz, both scaled to length 1; 0 to 1.414.
    /// `None` for the first frame and after silence.
    pub change: Option<f32>,
}

/// Weights of a least-squares slope: its value is their product with the levels.
#[derive(Debug, Clone)]
struct Line {
    first: usize,
    weights: Vec<f32>,
    /// Their sum, which is 0 but for rounding.
    sum: f32,
}

impl Line {
    fn new(axis: &[f64], first: usize) -> Self {
        let mean = axis.iter().sum::<f64>() / axis.len() as f64;
        let spread: f64 = axis.iter().map(|x| (x - mean) * (x - mean)).sum();
        let weights: Vec<f32> = axis.iter().map(|x| (DB_PER_LN * (x - mean) / spread) as f32).collect();
        Self { first, sum: sum(&weights), weights }
    }

    fn slope(&self, ln_power: &[f32]) -> f32 {
        // Taking one level off all takes off what rounding leaves of the weights' sum.
        let zero = ln_power[self.first];
        dot(&self.weights, &ln_power[self.first..]) - zero * self.sum
    }
}

/// Tables for one spacing of bins.
#[derive(Debug, Clone)]
pub struct TiltPlan {
    df_hz: f64,
    low: Line,
    middle: Line,
    whole: Line,
    /// Numbers of the bins from the first of the speech band on.
    numbers: Vec<f32>,
    bins: usize,
}

/// Work space and previous magnitudes of one stream.
#[derive(Debug, Clone)]
pub struct TiltState {
    ln_power: Vec<f32>,
    magnitudes: Vec<f32>,
    previous: Vec<f32>,
    /// Sum of squares of the previous magnitudes; 0 if there are none.
    previous_power: f32,
}

impl TiltPlan {
    /// A plan for spectra with bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        let range = |(low, high): (f64, f64)| ((low / df_hz).ceil() as usize).max(1)..=(high / df_hz) as usize;
        let line = |band, axis: fn(f64) -> f64| {
            let bins = range(band);
            Line::new(&bins.clone().map(|k| axis(k as f64 * df_hz)).collect::<Vec<_>>(), *bins.start())
        };
        Self {
            df_hz,
            low: line(LOW, |hz| hz / 1000.0),
            middle: line(MIDDLE, |hz| hz / 1000.0),
            whole: line(WHOLE, f64::log2),
            numbers: range(WHOLE).map(|k| k as f32).collect(),
            bins: *range(WHOLE).end() + 1,
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> TiltState {
        let zeros = || vec![0.0; self.bins];
        TiltState { ln_power: zeros(), magnitudes: zeros(), previous: zeros(), previous_power: 0.0 }
    }

    /// Shape of a power spectrum (any scale); `None` where it has no power between 80 Hz and 5 kHz.
    pub fn process(&self, state: &mut TiltState, power: &[f32]) -> Option<Tilt> {
        let power = &power[..self.bins];
        let first = self.whole.first;
        let speech = &power[first..];
        let (total, peak) = (sum(speech), max(speech));
        if total <= 0.0 {
            state.previous_power = 0.0;
            return None;
        }
        let moment = dot(speech, &self.numbers);
        let floor = (peak * FLOOR).max(f32::MIN_POSITIVE);
        ln_all(power, floor, &mut state.ln_power);
        roots(power, &mut state.magnitudes);
        let all = sum(power);
        let common = dot(&state.magnitudes, &state.previous);
        let change = (state.previous_power > 0.0).then(|| {
            let cosine = common / (all.sqrt() * state.previous_power.sqrt());
            (2.0 - 2.0 * cosine).max(0.0).sqrt()
        });
        std::mem::swap(&mut state.magnitudes, &mut state.previous);
        state.previous_power = all;
        Some(Tilt {
            low_db_per_khz: self.low.slope(&state.ln_power),
            middle_db_per_khz: self.middle.slope(&state.ln_power),
            whole_db_per_octave: self.whole.slope(&state.ln_power),
            centroid_hz: (f64::from(moment / total) * self.df_hz) as f32,
            change,
        })
    }

    /// Forgets the previous frame.
    pub fn reset(&self, state: &mut TiltState) {
        state.previous_power = 0.0;
    }
}
