//! Periodicity of 20 ms of sound, and the period: the normalised cross-correlation of the band below 1.7 kHz; and how
//! much of their energy is a click.
//!
//! Cheap and rough, for deciding what a sound is; `affect-v1` has its own F0.

use crate::signal::wide::wide;
use crate::signal::{HOP, SHORT};
use std::f64::consts::PI;
use std::sync::{Arc, OnceLock};

/// Samples at 16 kHz to one at 4 kHz.
const STEP: usize = 4;
const RATE_HZ: f32 = 4_000.0;
/// Length of the filter in samples at 16 kHz.
const TAPS: usize = 48;
/// Cut-off of the low-pass, in Hz.
const CUT_HZ: f64 = 1_700.0;
/// Share of the sample before that is taken off: what hums below 100 Hz falls behind by 14 dB.
const EMPHASIS: f64 = 0.9;
/// Samples at 4 kHz that are compared with later ones: 20 ms.
const WINDOW: usize = 80;
/// Shortest lag: 500 Hz. One more on each side shows whether a maximum is one.
const SHORTEST: usize = 8;
/// Lags from `SHORTEST - 1` on: down to 57 Hz.
const LAGS: usize = 64;
/// Lags that are worked on together.
const PART: usize = 16;
/// Samples at 4 kHz that one look needs.
const SPAN: usize = WINDOW + SHORTEST - 1 + LAGS;
/// What a lag loses to one that is shorter by one, so that a period wins against its multiples.
const PREFERENCE: f32 = 0.0015;
/// Samples at 4 kHz of half a burst: 2 ms.
const BLOCK: usize = 8;
/// Power below which there is no sound (-100 dB of full scale).
const SILENT: f32 = 1e-10;

/// The low-pass, computed once and shared by all streams.
#[derive(Debug)]
pub(super) struct PeriodPlan {
    taps: [f32; TAPS],
}

impl PeriodPlan {
    pub fn shared() -> Arc<Self> {
        static PLAN: OnceLock<Arc<PeriodPlan>> = OnceLock::new();
        PLAN.get_or_init(|| Arc::new(Self { taps: taps() })).clone()
    }
}

/// A windowed sinc, followed by the difference that flattens voices.
fn taps() -> [f32; TAPS] {
    let n = TAPS - STEP;
    let middle = (n - 1) as f64 / 2.0;
    let cut = 2.0 * CUT_HZ / 16_000.0;
    let mut low: Vec<f64> = (0..n)
        .map(|i| {
            let t = i as f64 - middle;
            let sinc = if t == 0.0 { cut } else { (PI * cut * t).sin() / (PI * t) };
            sinc * (0.54 - 0.46 * (2.0 * PI * i as f64 / (n - 1) as f64).cos())
        })
        .collect();
    let sum: f64 = low.iter().sum();
    low.iter_mut().for_each(|v| *v /= sum);
    let tap = |i: usize| low.get(i).copied().unwrap_or(0.0);
    std::array::from_fn(|i| (tap(i) - if i >= STEP { EMPHASIS * tap(i - STEP) } else { 0.0 }) as f32)
}

/// Periodicity of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Period {
    /// Normalised cross-correlation at the best lag, a whole number of samples, 0 to 1; 0 in silence.
    pub strength: f32,
    /// Frequency of the best lag in semitones above 55 Hz; 0 where the strength is 0. Above 400 Hz it may be a half or a
    /// third of the true one.
    pub semitones: f32,
}

/// One channel's samples at 4 kHz.
#[derive(Debug)]
pub(super) struct Periods {
    plan: Arc<PeriodPlan>,
    /// The last input samples that the filter still needs, before those of the frame at hand.
    input: [f32; TAPS + HOP],
    /// The most recent samples at 4 kHz, the newest last.
    slow: [f32; SPAN],
}

impl Default for Periods {
    fn default() -> Self {
        Self { plan: PeriodPlan::shared(), input: [0.0; TAPS + HOP], slow: [0.0; SPAN] }
    }
}

impl Periods {
    /// Takes the first hop of a short frame.
    pub fn push(&mut self, frame: &[f32]) {
        debug_assert_eq!(frame.len(), SHORT);
        self.input.copy_within(HOP.., 0);
        self.input[TAPS..].copy_from_slice(&frame[..HOP]);
        self.slow.copy_within(HOP / STEP.., 0);
        slow_down(&self.input, &self.plan.taps, &mut self.slow[SPAN - HOP / STEP..]);
    }

    /// The period of the last 38 ms.
    pub fn period(&self) -> Period {
        let sums = correlate(&self.slow);
        let square = |r: std::ops::Range<usize>| self.slow[r].iter().fold(0.0f32, |s, x| s + x * x);
        let own = square(0..WINDOW);
        let mut other = square(SHORTEST - 1..SHORTEST - 1 + WINDOW);
        let mut found = [0.0f32; LAGS];
        for k in 0..LAGS {
            let power = own * other.max(0.0);
            if power > (SILENT * WINDOW as f32).powi(2) {
                found[k] = sums[k] / power.sqrt();
            }
            let first = self.slow[k + SHORTEST - 1];
            let next = self.slow.get(k + SHORTEST - 1 + WINDOW).copied().unwrap_or(0.0);
            other += next * next - first * first;
        }
        let mut best = (0.0f32, 0);
        for k in 1..LAGS - 1 {
            let rank = found[k] - PREFERENCE * k as f32;
            if found[k] > found[k - 1] && found[k] >= found[k + 1] && rank > best.0 {
                best = (rank, k);
            }
        }
        if best.1 == 0 {
            return Period::default();
        }
        let (a, b, c) = (found[best.1 - 1], found[best.1], found[best.1 + 1]);
        let shift = (0.5 * (a - c) / (a - 2.0 * b + c).min(-1e-6)).clamp(-0.5, 0.5);
        let lag = (best.1 + SHORTEST - 1) as f32 + shift;
        Period { strength: b.min(1.0), semitones: 12.0 * (RATE_HZ / lag / 55.0).log2() }
    }

    /// Largest share of the energy of the last 38 ms that lies within 4 ms, 0 to 1; 0 in silence.
    pub fn burst(&self) -> f32 {
        let (mut sum, mut before, mut most) = (0.0f32, 0.0f32, 0.0f32);
        for block in self.slow.chunks(BLOCK) {
            let energy = block.iter().fold(0.0f32, |s, x| s + x * x);
            most = most.max(before + energy);
            sum += energy;
            before = energy;
        }
        if sum > SILENT * SPAN as f32 { most / sum } else { 0.0 }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.input.fill(0.0);
        self.slow.fill(0.0);
    }
}

wide! {
    /// The low-pass, at every fourth sample: the samples apart by their place among four, so that the outputs lie side by side.
    fn slow_down(input: &[f32; TAPS + HOP], taps: &[f32; TAPS], slow: &mut [f32]) {
        let mut apart = [[0.0f32; (TAPS + HOP) / STEP]; STEP];
        for (i, x) in input.as_chunks::<STEP>().0.iter().enumerate() {
            for place in 0..STEP {
                apart[place][i] = x[place];
            }
        }
        let mut sums = [[0.0f32; HOP / STEP]; 8];
        for (tap, weight) in taps.iter().enumerate() {
            let x = &apart[tap % STEP][1 + tap / STEP..][..HOP / STEP];
            let sum = &mut sums[tap % 8];
            for k in 0..HOP / STEP {
                sum[k] += x[k] * weight;
            }
        }
        let [a, b, c, d, e, f, g, h] = &sums;
        for (k, out) in slow[..HOP / STEP].iter_mut().enumerate() {
            *out = ((a[k] + e[k]) + (c[k] + g[k])) + ((b[k] + f[k]) + (d[k] + h[k]));
        }
    }
}

wide! {
    /// Products of the window with what lies later by every lag.
    fn correlate(slow: &[f32; SPAN]) -> [f32; LAGS] {
        let mut sums = [0.0f32; LAGS];
        // A part's sums stay in registers.
        for (part, sums) in sums.as_chunks_mut::<PART>().0.iter_mut().enumerate() {
            let later = &slow[SHORTEST - 1 + PART * part..][..WINDOW + PART - 1];
            let mut s = [0.0f32; PART];
            for t in 0..WINDOW {
                for j in 0..PART {
                    s[j] += slow[t] * later[t + j];
                }
            }
            *sums = s;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(wave: impl Fn(f64) -> f64) -> Period {
        let x: Vec<f32> = (0..3_200).map(|i| wave(f64::from(i) / 16_000.0) as f32).collect();
        let mut p = Periods::default();
        for at in (0..x.len() - SHORT).step_by(HOP) {
            p.push(&x[at..at + SHORT]);
        }
        p.period()
    }

    fn semitones(hz: f64) -> f32 {
        (12.0 * (hz / 55.0).log2()) as f32
    }

    #[test]
    fn periods_of_tones_and_pulse_trains() {
        for hz in [65.0, 100.0, 147.0, 220.0, 400.0, 480.0] {
            let tone = of(|t| 0.3 * (2.0 * PI * hz * t).sin());
            let rich = of(|t| (1..12).map(|k| 0.05 * (2.0 * PI * hz * f64::from(k) * t).cos()).sum());
            // Lags are whole samples of 0.25 ms: half of one off, the eleventh harmonic of 65 Hz agrees by cos 32 degrees.
            for (p, least) in [(tone, 0.97), (rich, 0.85)] {
                assert!(p.strength > least, "{hz} Hz: {p:?}");
                // Above 400 Hz a multiple of the period may fit whole samples better.
                let multiples = if hz > 400.0 { 1..=4 } else { 1..=1 };
                let near = |k: i32| (p.semitones - semitones(hz / f64::from(k))).abs() < 0.3;
                assert!(multiples.into_iter().any(near), "{hz} Hz: {p:?}");
            }
        }
    }

    #[test]
    fn bursts_are_short() {
        let after = |wave: &dyn Fn(f64) -> f64| {
            let x: Vec<f32> = (0..3_200).map(|i| wave(f64::from(i) / 16_000.0) as f32).collect();
            let mut p = Periods::default();
            for at in (0..x.len() - SHORT).step_by(HOP) {
                p.push(&x[at..at + SHORT]);
            }
            p.burst()
        };
        // The samples looked at end at 180 ms.
        let click = after(&|t| if (t - 0.16).abs() < 1e-5 { 0.5 } else { 0.0 });
        assert!(click > 0.95, "{click}");
        // 4 of 37.75 ms.
        let tone = after(&|t| 0.3 * (2.0 * PI * 500.0 * t).sin());
        assert!((tone - 4.0 / 37.75).abs() < 0.005, "{tone}");
        // Two clicks share the energy, if they are further apart.
        let two = after(&|t| if (t - 0.155).abs() < 1e-5 || (t - 0.17).abs() < 1e-5 { 0.5 } else { 0.0 });
        assert!((two - 0.5).abs() < 0.05, "{two}");
        assert_eq!(after(&|_| 0.0), 0.0);
    }

    #[test]
    fn noise_has_no_period_and_silence_none_at_all() {
        let mut seed = 1u32;
        let noise: Vec<f64> = (0..3_200)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(seed >> 8) / f64::from(1u32 << 24) - 0.5
            })
            .collect();
        let p = of(|t| noise[(t * 16_000.0).round() as usize]);
        assert!(p.strength < 0.6, "{p:?}");
        assert_eq!(of(|_| 0.0), Period::default());
    }
}
