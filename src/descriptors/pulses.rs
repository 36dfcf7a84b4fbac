//! The single periods of a voice: where the waveform repeats, how long each period is and how strong.

use crate::signal::history::History;
use crate::signal::sums::dot;
use crate::signal::wide::wide;
use crate::signal::{HOP, RATE_HZ};
use std::f32::consts::PI;

/// Most periods that begin within one hop.
pub const MOST: usize = 7;
/// The next period is sought within this share of the expected one.
const REACH: f64 = 0.15;
/// Least correlation of two neighbouring periods.
const ALIKE: f32 = 0.4;
/// Most that may stand in for lost sound where two neighbouring periods are compared, in periods: half of the two.
const MOST_CONCEALED: f64 = 1.0;
/// Longest period, in samples: 50 Hz.
const LONGEST: usize = 320;
/// Resonances that are damped.
const RESONANCES: usize = 3;
/// Width that a resonance is given, relative to F0: it falls to 1.7 % within a period.
const WIDTH: f32 = 1.3;
/// Share of a period at either end that its amplitude leaves out, where the neighbours reach in.
const TRIM: f32 = 0.06;
/// Samples before a stretch that let the damping filters settle.
const BEFORE: usize = 48;
/// Longest stretch of source, in samples.
const STRETCH: usize = 4 * LONGEST + 2 * HOP;
/// Samples that [`Pulses::process`] needs on either side of the centre of its hop.
pub const MARGIN: usize = 3 * LONGEST;

/// One period.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Period {
    /// Length in seconds.
    pub seconds: f32,
    /// Root mean square of the waveform over it, resonances damped, ends left out.
    pub amplitude: f32,
    /// It follows the period before it without a break.
    pub follows: bool,
}

/// The periods that begin within one hop, packed: rows are kept by the thousand.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Periods {
    seconds: [f32; MOST],
    amplitudes: [f32; MOST],
    /// One bit each.
    follows: u8,
    count: u8,
}

impl Periods {
    /// Those there are, in order.
    pub fn iter(&self) -> impl Iterator<Item = Period> + '_ {
        (0..usize::from(self.count)).map(|i| Period {
            seconds: self.seconds[i],
            amplitude: self.amplitudes[i],
            follows: self.follows >> i & 1 == 1,
        })
    }

    pub(crate) fn push(&mut self, period: Period) {
        let i = usize::from(self.count);
        if i < MOST {
            (self.seconds[i], self.amplitudes[i]) = (period.seconds, period.amplitude);
            self.follows |= u8::from(period.follows) << i;
            self.count += 1;
        }
    }
}

/// Where one stream's marks have come to.
#[derive(Debug, Clone)]
pub struct Pulses {
    /// Position of the last mark, in samples.
    at: Option<f64>,
    /// Whether a period ended at the last mark.
    follows: bool,
    /// The waveform with its resonances damped.
    source: Vec<f32>,
}

/// A resonance to damp: frequency and bandwidth in Hz.
pub type Resonance = (f32, f32);

impl Default for Pulses {
    fn default() -> Self {
        Self { at: None, follows: false, source: vec![0.0; STRETCH] }
    }
}

impl Pulses {
    /// Marks the periods that begin in the hop around sample `centre`, whose F0 is `f0_hz` (`None` = unvoiced) and
    /// whose resonances are known (or not: an empty list). Call for each hop in order.
    ///
    /// A narrow resonance rings on into the periods after it and levels their differences; the periods are therefore
    /// measured on the waveform with its resonances damped.
    pub fn process(&mut self, history: &History, centre: u64, f0_hz: Option<f64>, tract: &[Resonance]) -> Periods {
        let mut out = Periods::default();
        let Some(f0_hz) = f0_hz else {
            self.reset();
            return out;
        };
        let period = f64::from(RATE_HZ) / f0_hz;
        let end = (centre + HOP as u64 / 2) as f64;
        // From half a period before the first mark to the end of the last period's comparison.
        let first = self.at.unwrap_or(centre as f64 - 0.5 * period);
        let Some(start) = ((first - 0.5 * period).floor() as u64).checked_sub(BEFORE as u64 + 2) else { return out };
        let length = ((end + (1.5 + REACH) * period) as u64 + 8 - start) as usize;
        let available = length.min((history.end() - start.min(history.end())) as usize).min(STRETCH);
        let Some(x) = history.get(start, available) else { return out };
        damped(x, tract, f0_hz as f32, &mut self.source[..available]);
        let source = &self.source[BEFORE..available];
        let origin = start as f64 + BEFORE as f64;
        let Some(mut at) = self.at.or_else(|| strongest(source, origin, centre as f64, period)) else { return out };
        while at < end {
            // What stands in for lost sound for the greater part of a comparison tells nothing of the voice.
            let reach = (at - 0.5 * period).max(0.0) as u64;
            let compared = ((2.0 + REACH) * period).ceil() as usize;
            let heard = history.concealed(reach, compared) as f64 <= MOST_CONCEALED * period;
            match next(source, at - origin, period) {
                Some((length, amplitude)) => {
                    if heard {
                        let seconds = (length / f64::from(RATE_HZ)) as f32;
                        out.push(Period { seconds, amplitude, follows: self.follows });
                    }
                    self.follows = heard;
                    at += length;
                }
                None => {
                    self.follows = false;
                    at += period;
                }
            }
        }
        self.at = Some(at);
        out
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.at = None;
        self.follows = false;
    }
}

/// One pair of zeros over one pair of poles, in a state-space form with a short recurrence.
#[derive(Debug, Clone, Copy, Default)]
struct Section {
    /// What the input adds to each state.
    input: [f32; 2],
    /// What the first state takes from each.
    feedback: [f32; 2],
    state: [f32; 2],
}

impl Section {
    /// Makes a resonance at `hz` as wide as `wide_hz` where it is narrower.
    fn damp(hz: f32, bandwidth_hz: f32, wide_hz: f32) -> Self {
        let pair = |width: f32| {
            let r = (-PI * width / RATE_HZ as f32).exp();
            [-2.0 * r * (2.0 * PI * hz / RATE_HZ as f32).cos(), r * r]
        };
        let (zeros, poles) = (pair(bandwidth_hz), pair(wide_hz.max(bandwidth_hz)));
        Self { input: [zeros[0] - poles[0], zeros[1] - poles[1]], feedback: poles, state: [0.0; 2] }
    }

    fn next(&mut self, x: f32) -> f32 {
        let [s0, s1] = self.state;
        self.state = [self.input[0] * x + s1 - self.feedback[0] * s0, self.input[1] * x - self.feedback[1] * s0];
        x + s0
    }
}

/// The waveform with its resonances made so wide that they die away within a period.
fn damped(x: &[f32], tract: &[Resonance], f0_hz: f32, out: &mut [f32]) {
    let mut sections = [Section::default(); RESONANCES];
    for (s, (hz, bandwidth_hz)) in sections.iter_mut().zip(tract) {
        *s = Section::damp(*hz, *bandwidth_hz, WIDTH * f0_hz);
    }
    for (o, v) in out.iter_mut().zip(x) {
        *o = sections.iter_mut().fold(*v, |y, s| s.next(y));
    }
}

/// The strongest sample of the source within half a period of `centre`, whatever its sign.
fn strongest(source: &[f32], origin: f64, centre: f64, period: f64) -> Option<f64> {
    let from = (centre - 0.5 * period - origin).round().max(0.0) as usize;
    let part = source.get(from..from + period as usize)?;
    let best = (0..part.len()).fold(0, |b, i| if part[i].abs() > part[b].abs() { i } else { b });
    Some(origin + (from + best) as f64)
}

/// Length of the period that begins at the mark `at`, by the lag at which one period around the mark correlates best
/// with what follows, and its amplitude.
fn next(source: &[f32], at: f64, period: f64) -> Option<(f64, f32)> {
    let half = (0.5 * period).round() as usize;
    let length = 2 * half;
    let low = ((1.0 - REACH) * period).floor() as usize;
    let high = ((1.0 + REACH) * period).ceil() as usize;
    let start = (at.round() as usize).checked_sub(half)?;
    let x = source.get(start..start + length + high + 3)?;
    let here = &x[..length];
    let mut correlation = [0.0f32; 2 * (LONGEST as f64 * REACH) as usize + 8];
    let lags = low - 1..high + 2;
    let n = length as f64;
    let (own_sum, own_square) = moments(here);
    let own = own_square - own_sum * own_sum / n;
    // Sum and square of what is compared with, carried from lag to lag.
    let (mut sum, mut square) = moments(&x[lags.start..lags.start + length]);
    for (c, lag) in correlation.iter_mut().zip(lags.clone()) {
        let product = dot(here, &x[lag..lag + length]);
        let covariance = f64::from(product) - own_sum * sum / n;
        let variance = square - sum * sum / n;
        *c = if variance > 0.0 && own > 0.0 { (covariance / (own * variance).sqrt()) as f32 } else { 0.0 };
        let (old, new) = (f64::from(x[lag]), f64::from(x[lag + length]));
        sum += new - old;
        square += new * new - old * old;
    }
    let count = lags.len().min(correlation.len());
    let best = (1..count - 1).fold(1, |b, i| if correlation[i] > correlation[b] { i } else { b });
    let (a, b, c) = (correlation[best - 1], correlation[best], correlation[best + 1]);
    if b < ALIKE || b < a || b < c {
        return None;
    }
    let bend = f64::from(a - 2.0 * b + c);
    let shift = if bend < 0.0 { 0.5 * f64::from(a - c) / bend } else { 0.0 };
    Some(((low - 1 + best) as f64 + shift, amplitude(here)))
}

wide! {
    /// Sum and sum of squares.
    fn moments(x: &[f32]) -> (f64, f64) {
        let (mut sums, mut squares) = ([0.0f64; 8], [0.0f64; 8]);
        let (pieces, rest) = x.as_chunks::<8>();
        for piece in pieces {
            for i in 0..8 {
                sums[i] += f64::from(piece[i]);
                squares[i] += f64::from(piece[i] * piece[i]);
            }
        }
        for (i, x) in rest.iter().enumerate() {
            sums[i] += f64::from(*x);
            squares[i] += f64::from(x * x);
        }
        (sums.iter().sum(), squares.iter().sum())
    }
}

/// Root mean square of a period without its ends.
fn amplitude(period: &[f32]) -> f32 {
    let trim = (period.len() as f32 * TRIM) as usize;
    let middle = &period[trim..period.len() - trim];
    (dot(middle, middle) / middle.len() as f32).sqrt()
}
