//! Packet-loss concealment: lost samples from what was heard on both sides of them.
//!
//! Where a side is voiced, its period next to the hole is repeated (as in ITU-T G.711 Appendix I); where both are, the phase runs from
//! one side to the other through the whole hole, at a rate between their fundamentals and with whole cycles, so that the two repetitions
//! add up wherever they are cross-faded (pitch-synchronous waveform interpolation, as in W. B. Kleijn, "Encoding speech using prototype
//! waveforms", IEEE Trans. Speech Audio Process. 1(4), 1993). What is not voiced is mirrored into the hole, which keeps its spectrum
//! and gives it no pitch.

use super::side::{PeriodFinder, Side, correlation};
use std::f32::consts::PI;

pub use super::side::BEFORE_MS;

/// Sound that is looked at after a hole, in ms.
pub const AFTER_MS: usize = 20;
/// Share of what differs from one period to the next that is added to repeated ones, so that they differ as much: two noises of a power
/// each differ by twice the power.
const ROUGH: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Points of a cycle at which two sides are aligned.
const POINTS: usize = 96;

/// The concealment of one channel.
#[derive(Debug, Clone)]
pub struct Conceal {
    finder: PeriodFinder,
}

impl Conceal {
    /// For audio of `rate_hz`.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self { finder: PeriodFinder::new(rate_hz) }
    }

    /// Fills `hole` from the sound that ends before it and that which begins after it; neither is empty, and all are numbers.
    pub fn fill(&mut self, before: &[f32], after: &[f32], hole: &mut [f32]) {
        let (left, right) = (Side { samples: before, before: true }, Side { samples: after, before: false });
        let (own, theirs) = (self.finder.period(left, None), self.finder.period(right, None));
        // The sound after a hole may be too short to tell its period by itself.
        let theirs = theirs.or_else(|| own.and_then(|p| self.finder.period(right, Some(p))));
        match (own, theirs) {
            (Some(a), Some(b)) => both(left, right, a, b, hole),
            (a, b) => apart(left, right, a, b, hole),
        }
    }
}

/// Weight of the sound after the hole at a share of the way through it.
fn fade(share: f32) -> f32 {
    0.5 - 0.5 * (PI * share).cos()
}

/// Gain that keeps the power of two sounds of correlation `alike` while they are cross-faded.
fn level(to: f32, alike: f32) -> f32 {
    let from = 1.0 - to;
    1.0 / (from * from + to * to + 2.0 * from * to * alike.clamp(0.0, 1.0)).sqrt().max(0.5)
}

/// Both sides are voiced: one phase runs through the hole.
fn both(left: Side<'_>, right: Side<'_>, a: f64, b: f64, hole: &mut [f32]) {
    let hole_length = hole.len();
    let n = hole_length as f64;
    // The phase at the end of the hole, in cycles of the left side, at which the right side begins.
    let (mut best, mut alike) = (0.0, -1.0f32);
    let theirs: [f32; POINTS] = std::array::from_fn(|k| right.repeated(-1.0 - k as f64 / POINTS as f64 * b, b));
    let ours: [f32; POINTS] = std::array::from_fn(|k| left.repeated(k as f64 / POINTS as f64 * a, a));
    for turn in 0..POINTS {
        let turned: [f32; POINTS] = std::array::from_fn(|k| ours[(k + turn) % POINTS]);
        let r = correlation(&turned, &theirs);
        if r > alike {
            (best, alike) = (turn as f64 / POINTS as f64, r);
        }
    }
    let (slow, fast) = (1.0 / a, 1.0 / b);
    let cycles = n * 0.5 * (slow + fast);
    let extra = (best - cycles + 0.5).rem_euclid(1.0) - 0.5;
    let whole = cycles + extra;
    for (i, x) in hole.iter_mut().enumerate() {
        let t = i as f64;
        let phase = t * slow + t * t / (2.0 * n) * (fast - slow) + extra * t / n;
        let to = fade((t as f32 + 0.5) / n as f32);
        let from_left = left.repeated(phase * a, a);
        // The right side counts its way into the hole from its own edge.
        let from_right = right.repeated((whole - phase) * b - 1.0, b);
        let rough = (1.0 - to) * left.rough(i, a) + to * right.rough(hole_length - 1 - i, b);
        *x = level(to, alike) * ((1.0 - to) * from_left + to * from_right) + level(to, 0.0) * ROUGH * rough;
    }
    meet(left, right, hole, 0.25 * a.min(b));
}

/// The sides have nothing in common: each is repeated or mirrored, and the two are cross-faded.
fn apart(left: Side<'_>, right: Side<'_>, a: Option<f64>, b: Option<f64>, hole: &mut [f32]) {
    let n = hole.len();
    let wave = |side: Side<'_>, period: Option<f64>, into: usize| match period {
        Some(p) => side.repeated(into as f64, p) + ROUGH * side.rough(into, p),
        None => side.mirrored(into),
    };
    for (i, x) in hole.iter_mut().enumerate() {
        let to = fade((i as f32 + 0.5) / n as f32);
        *x = level(to, 0.0) * ((1.0 - to) * wave(left, a, i) + to * wave(right, b, n - 1 - i));
    }
    let shortest = a.into_iter().chain(b).fold(f64::MAX, f64::min);
    if shortest < f64::MAX {
        meet(left, right, hole, 0.25 * shortest);
    }
}

/// Takes the steps at the edges of a hole away, over `reach` samples: the edge goes on as steeply as the sound beside it.
fn meet(left: Side<'_>, right: Side<'_>, hole: &mut [f32], reach: f64) {
    let n = hole.len();
    let count = (reach as usize).clamp(1, n.div_ceil(2));
    // Half way between what the line that leads in asks for, and the line that leads out.
    let step = |side: Side<'_>, first: f32, second: f32| {
        let (edge, beyond) = (side.at(0), side.at(1));
        0.5 * ((2.0 * edge - beyond - first) + (edge - 2.0 * first + second))
    };
    if n < 4 {
        return;
    }
    let (begin, end) = (step(left, hole[0], hole[1]), step(right, hole[n - 1], hole[n - 2]));
    for k in 0..count {
        let share = 1.0 - (k as f32 + 0.5) / count as f32;
        hole[k] += begin * share;
        hole[n - 1 - k] += end * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    /// A buzz of twelve harmonics whose fundamental glides from one frequency to another.
    fn buzz(rate: u32, seconds: f64, from_hz: f64, to_hz: f64) -> Vec<f32> {
        let n = (seconds * f64::from(rate)) as usize;
        (0..n)
            .map(|i| {
                let t = i as f64 / f64::from(rate);
                let cycles = from_hz * t + (to_hz - from_hz) * t * t / (2.0 * seconds);
                (1..=12).map(|h| (TAU * f64::from(h) * cycles + f64::from(h * h)).sin() / f64::from(h)).sum::<f64>()
                    as f32
                    * 0.2
            })
            .collect()
    }

    fn noise(n: usize) -> Vec<f32> {
        let mut s = 1u64;
        let mut next = || {
            s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (s >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    /// What concealment makes of a hole in the middle, and what was there.
    fn concealed(rate: u32, x: &[f32], ms: usize) -> (Vec<f32>, Vec<f32>) {
        let at = |ms: usize| rate as usize * ms / 1000;
        let (n, middle) = (at(ms), x.len() / 2);
        let mut hole = vec![f32::NAN; n];
        Conceal::new(rate).fill(
            &x[middle - at(BEFORE_MS)..middle],
            &x[middle + n..middle + n + at(AFTER_MS)],
            &mut hole,
        );
        (hole, x[middle..middle + n].to_vec())
    }

    fn power(x: &[f32]) -> f32 {
        x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32
    }

    fn snr_db(told: &[f32], truth: &[f32]) -> f32 {
        let error: Vec<f32> = told.iter().zip(truth).map(|(a, b)| a - b).collect();
        10.0 * (power(truth) / power(&error)).log10()
    }

    #[test]
    fn a_steady_voice_goes_on_as_it_was() {
        for rate in [8_000, 16_000, 48_000, 37_123] {
            for hz in [83.0, 140.0, 251.7] {
                for ms in [10, 20, 60] {
                    let (told, truth) = concealed(rate, &buzz(rate, 0.3, hz, hz), ms);
                    let snr = snr_db(&told, &truth);
                    assert!(snr > 20.0, "{hz} Hz at {rate}, {ms} ms: {snr} dB");
                }
            }
        }
    }

    /// Repeating the last period alone would be out of phase at the end of the hole.
    #[test]
    fn a_glide_is_followed() {
        for (from, to) in [(120.0, 150.0), (240.0, 200.0)] {
            for ms in [20, 40] {
                let (told, truth) = concealed(16_000, &buzz(16_000, 0.3, from, to), ms);
                let snr = snr_db(&told, &truth);
                assert!(snr > 10.0, "{from} to {to} Hz, {ms} ms: {snr} dB");
            }
        }
    }

    #[test]
    fn noise_keeps_its_power_and_gets_no_pitch() {
        let x = noise(16_000);
        for ms in [20, 60] {
            let (told, _) = concealed(16_000, &x, ms);
            let db = 10.0 * (power(&told) / power(&x)).log10();
            assert!(db.abs() < 2.0, "{ms} ms: {db} dB");
            let n = told.len() / 2;
            let most = (40..n).map(|lag| correlation(&told[..n], &told[lag..lag + n])).fold(-1.0, f32::max);
            assert!(most < 0.5, "{ms} ms: {most}");
        }
    }

    #[test]
    fn silence_stays_silence() {
        assert!(concealed(8_000, &[0.0; 4_000], 60).0.iter().all(|v| *v == 0.0));
    }

    proptest! {
        /// Whatever is beside a hole, what fills it is a number and not much louder.
        #[test]
        fn what_fills_a_hole_is_a_number(
            before in prop::collection::vec(-1.0f32..1.0, 64..600),
            after in prop::collection::vec(-1.0f32..1.0, 32..320),
            n in 1usize..960,
            gain in prop::sample::select(vec![0.0f32, 1e-38, 1e-3, 1.0, 256.0]),
            steady in any::<bool>(),
        ) {
            let of = |x: &[f32]| x.iter().map(|v| if steady { gain } else { gain * v }).collect::<Vec<f32>>();
            let mut hole = vec![f32::NAN; n];
            Conceal::new(16_000).fill(&of(&before), &of(&after), &mut hole);
            prop_assert!(hole.iter().all(|v| v.abs() <= 6.0 * gain.abs() + f32::MIN_POSITIVE), "{hole:?}");
        }
    }
}
