//! Low edge of the band that a line lets through, told by the voice that came through it.
//!
//! A voice has no energy below its F0, so an empty low end alone is no edge. What tells is (1) a first harmonic that is
//! too weak against the next three, (2) less power from 60 to 110 Hz against 300 to 600 Hz than voices of this F0, and the
//! room around them, leave there. A line is the Butterworth high-pass that explains both better than chance does.

use super::recent::Recent;
use crate::signal::frames::{PITCH_DF_HZ, PitchFrame};
use crate::signal::spectrum::{SpectrumPlan, SpectrumState};
use crate::signal::sums::{max, sizes, sum};
use crate::signal::wide::wide;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Pitch frames from one glimpse to the next: 40 ms.
pub(super) const STEP: u64 = 4;

/// Length of the transform, and the bins that speech and its harmonics fill (78 Hz to 3.4 kHz).
const SIZE: usize = 1024;
const SPEECH: Range<usize> = 5..220;
/// Bins from 60 to 110 Hz, and from 300 to 600 Hz.
const LOW: Range<usize> = 4..8;
const MIDDLE: Range<usize> = 19..39;
/// Middles of those two bands, in Hz.
const LOW_HZ: f64 = 85.0;
const MIDDLE_HZ: f64 = 420.0;
/// Lags of periods of 60 to 600 Hz, in samples.
const LAGS: Range<usize> = 27..267;
/// Reach of the mean that flattens the spectrum, in bins to each side.
const REACH: usize = 12;

/// Height of the peak of a shorter period, relative to that of the highest, from which on the shorter one is F0's.
const NEARLY: f32 = 0.45;

/// Energy relative to the strongest glimpse from which one counts, strength of the period from which one is voiced, and
/// how many voiced ones must have been heard.
const ACTIVE: f32 = 1e-3;
const VOICED: f32 = 0.4;
const ENOUGH: usize = 4;

/// F0 (Hz), and what voices of that F0 have on wide-band recordings: level of the first harmonic over the strongest of the
/// next three, and power from 60 to 110 Hz over that from 300 to 600 Hz (dB). Medians over EmoDB, RAVDESS and nEMO.
const NATURAL: [(f64, f64, f64); 5] =
    [(100.0, -1.0, -2.0), (155.0, 0.0, -14.0), (205.0, 2.5, -23.0), (265.0, 4.0, -24.0), (400.0, 4.0, -30.0)];
/// Their deviations between utterances, in dB.
const SPREAD: (f64, f64) = (4.5, 5.5);
/// Most deviations that too much power from 60 to 110 Hz counts.
const MOST: f64 = 1.4;
/// Lowest level that can be told from leakage of the window, in dB.
const LEAKAGE_DB: f64 = -44.0;
/// How much better (sum of squared deviations) a line must explain what is seen than the voice alone does: telephones cut
/// both ends, so where there is sound above 4 kHz more is asked for.
const DECIDED_NARROW: f64 = 6.0;
const DECIDED_WIDE: f64 = 16.0;
/// Edges (tens of Hz) and orders of the high-passes that are tried, and the edge that is likeliest before anything is heard:
/// the telephone's. An octave off costs as much as one deviation.
const EDGES_HZ: std::ops::RangeInclusive<u32> = 10..=45;
const ORDERS: [i32; 3] = [2, 4, 8];
const USUAL_HZ: f64 = 300.0;

/// What one pitch frame says of the low end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Glimpse {
    energy: f32,
    low: f32,
    middle: f32,
    /// F0 by the spacing of the harmonics, and how regular they are spaced, up to 1.
    f0_hz: f32,
    strength: f32,
    /// Level of the first harmonic over the strongest of the next three, in dB.
    first_db: f32,
}

/// Looks at pitch frames.
#[derive(Debug)]
pub(super) struct Glimpses {
    plan: Arc<SpectrumPlan>,
    state: SpectrumState,
    mirrored: Vec<f32>,
}

impl Glimpses {
    pub fn new() -> Self {
        static PLAN: OnceLock<Arc<SpectrumPlan>> = OnceLock::new();
        let plan = PLAN.get_or_init(|| Arc::new(SpectrumPlan::new(vec![1.0; SIZE]))).clone();
        Self { state: plan.state(), plan, mirrored: vec![0.0; SIZE] }
    }

    /// What a frame says. One that cannot be used says nothing: its energy is 0.
    pub fn at(&mut self, frame: &PitchFrame<'_>) -> Glimpse {
        let power = &frame.spectrum.power;
        if frame.bad {
            return Glimpse::default();
        }
        let mean = |r: Range<usize>| power[r.clone()].iter().sum::<f32>() / r.len() as f32;
        let energy = sum(&power[SPEECH]);
        let (f0_hz, strength) = if energy > 0.0 { self.spacing(power) } else { (0.0, 0.0) };
        let mut glimpse = Glimpse { energy, low: mean(LOW), middle: mean(MIDDLE), f0_hz, strength, first_db: 0.0 };
        if strength > VOICED {
            let harmonic = |n: f32| {
                let bin = |share: f32| n * f0_hz * share / PITCH_DF_HZ as f32;
                let range = (bin(0.93) as usize).max(2)..(bin(1.07) as usize + 2).min(power.len());
                power[range].iter().fold(f32::MIN_POSITIVE, |a, b| a.max(*b))
            };
            let next = harmonic(2.0).max(harmonic(3.0)).max(harmonic(4.0));
            glimpse.first_db = 10.0 * (harmonic(1.0) / next).log10();
        }
        glimpse
    }

    /// F0 by the spacing of the harmonics: highest point of the autocorrelation that belongs to the flattened, compressed
    /// spectrum, and its height relative to the sum of that spectrum's sizes.
    fn spacing(&mut self, power: &[f32]) -> (f32, f32) {
        let mut roots = [0.0f32; SPEECH.end + REACH];
        fourth_roots(&power[SPEECH], &mut roots[SPEECH]);
        let root = |k: usize| roots[k];
        self.mirrored.fill(0.0);
        let mut sum: f32 = (0..REACH).map(|k| root(SPEECH.start + k)).sum();
        for k in SPEECH {
            sum += root(k + REACH);
            let flat = root(k) - sum / (2 * REACH + 1) as f32;
            sum -= if k >= REACH { root(k - REACH) } else { 0.0 };
            self.mirrored[k] = flat;
            self.mirrored[SIZE - k] = flat;
        }
        self.plan.process(&mut self.state, &self.mirrored);
        let r = |lag: usize| self.state.re[lag];
        let highest = |range: Range<usize>| range.max_by(|a, b| r(*a).total_cmp(&r(*b))).unwrap_or(LAGS.start);
        let top = max(&self.state.re[LAGS]);
        let longest = LAGS.rev().find(|lag| top > 0.0 && r(*lag) >= top).unwrap_or_else(|| highest(LAGS));
        // Twice and three times the period are as regular as the period.
        let shorter =
            [3, 2].map(|n| (longest / n).saturating_sub(1).max(LAGS.start)..(longest / n + 2).max(LAGS.start + 1));
        let shorter = shorter.into_iter().map(highest).find(|lag| r(*lag) > NEARLY * r(longest));
        let best = shorter.unwrap_or(longest);
        let whole = 2.0 * sizes(&self.mirrored[SPEECH]);
        if whole > 0.0 { (crate::signal::RATE_HZ as f32 / best as f32, r(longest) / whole) } else { (0.0, 0.0) }
    }
}

wide! {
    fn fourth_roots(x: &[f32], out: &mut [f32]) {
        for (o, x) in out.iter_mut().zip(x) {
            *o = x.sqrt().sqrt();
        }
    }
}

/// Low edge in Hz of the band that the voice of these glimpses came through: where a line weakens it by 3 dB.
///
/// `narrow`: there is nothing above 4 kHz. Range: 100 to 450 Hz; 0 where nothing that should be there is missing. `None` where too little voice was heard.
pub(super) fn low_edge_hz(glimpses: &Recent<Glimpse>, heard: Range<u64>, narrow: bool) -> Option<f32> {
    Some(Voice::seen(glimpses, heard)?.edge_hz(if narrow { DECIDED_NARROW } else { DECIDED_WIDE }))
}

/// Whether nearly all that is heard is one voice, which has no noise to be told from.
pub(super) fn is_all_voice(glimpses: &Recent<Glimpse>, heard: Range<u64>) -> bool {
    let (voiced, all) = glimpses
        .within(heard)
        .filter(|(_, g)| g.energy > 0.0)
        .fold((0, 0), |(voiced, all), (_, g)| (voiced + u64::from(g.strength > VOICED), all + 1));
    all > 0 && 10 * voiced >= 9 * all
}

/// What the glimpses of a stretch say together.
#[derive(Debug)]
struct Voice {
    f0_hz: f64,
    /// Level of the first harmonic over the strongest of the next three, in dB.
    first_db: f64,
    /// Power from 60 to 110 Hz over that from 300 to 600 Hz, in dB.
    low_db: f64,
}

impl Voice {
    fn seen(glimpses: &Recent<Glimpse>, heard: Range<u64>) -> Option<Self> {
        let all: Vec<&Glimpse> = glimpses.within(heard).map(|g| g.1).filter(|g| g.energy > 0.0).collect();
        let strongest = all.iter().map(|g| g.energy).fold(0.0, f32::max);
        let active = || all.iter().filter(|g| g.energy > ACTIVE * strongest);
        let voiced = || active().filter(|g| g.strength > VOICED);
        let middle = |mut x: Vec<f32>| {
            x.sort_unstable_by(f32::total_cmp);
            x.get(x.len() / 2).copied()
        };
        let f0_hz = f64::from(middle(voiced().map(|g| g.f0_hz).collect()).filter(|_| voiced().count() >= ENOUGH)?);
        let first_db = f64::from(middle(voiced().map(|g| g.first_db).collect())?);
        let sum = |pick: fn(&Glimpse) -> f32| active().map(|g| f64::from(pick(g))).sum::<f64>();
        let low = sum(|g| g.low);
        let low_db = 10.0 * (low / sum(|g| g.middle)).max(1e-9).log10();
        Some(Self { f0_hz, first_db, low_db })
    }

    /// The edge that explains the two levels best; 0 where none explains them much better than the voice alone.
    fn edge_hz(&self, decided: f64) -> f32 {
        let Self { f0_hz, first_db, low_db } = *self;
        let (first, low) = natural(f0_hz);
        // More than expected at the low end may be anything: what codecs add, noise. Less is the line's.
        let misfit =
            |off_first: f64, off_low: f64| (off_first / SPREAD.0).powi(2) + (off_low / SPREAD.1).min(MOST).powi(2);
        let mut best = (f64::INFINITY, 0);
        for edge in EDGES_HZ {
            for order in ORDERS {
                let loss = |hz: f64| 10.0 * (1.0 + (f64::from(10 * edge) / hz).powi(2 * order)).log10();
                let off_first = first_db - (first - loss(f0_hz) + loss(3.0 * f0_hz)).max(LEAKAGE_DB);
                let off_low = low_db - (low - loss(LOW_HZ) + loss(MIDDLE_HZ)).max(LEAKAGE_DB);
                let seen = misfit(off_first, off_low);
                let cost = seen + (f64::from(10 * edge) / USUAL_HZ).log2().powi(2);
                if cost < best.0 {
                    best = (cost, 10 * edge);
                }
            }
        }
        // A voice alone may well have more than voices have in the middle; what lacks has to be explained.
        let alone = misfit((first_db - first).min(0.0), (low_db - low).min(0.0));
        if alone - best.0 > decided { best.1 as f32 } else { 0.0 }
    }
}

/// What voices of this F0 have, between the points of the table on a scale of octaves.
fn natural(f0_hz: f64) -> (f64, f64) {
    let at = NATURAL.iter().position(|n| n.0 >= f0_hz).unwrap_or(NATURAL.len() - 1).max(1);
    let (a, b) = (NATURAL[at - 1], NATURAL[at]);
    let t = ((f0_hz / a.0).log2() / (b.0 / a.0).log2()).clamp(0.0, 1.0);
    (a.1 + t * (b.1 - a.1), a.2 + t * (b.2 - a.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::frames::{FrameSink, Frames, ShortFrame};
    use std::f64::consts::TAU;

    struct Seen(Glimpses, Recent<Glimpse>);

    impl FrameSink for Seen {
        fn short(&mut self, _: &ShortFrame<'_>) {}

        fn pitch(&mut self, frame: &PitchFrame<'_>) {
            if frame.index.is_multiple_of(STEP) {
                let glimpse = self.0.at(frame);
                self.1.push(glimpse);
            }
        }
    }

    /// A sum of harmonics that falls by 6 dB per octave from 500 Hz on, over a floor of noise 45 dB down, both through the high-pass
    /// `(edge, order)`, whose gain is put on every part by itself.
    fn voice(f0_hz: f64, (edge, order): (f64, i32)) -> Recent<Glimpse> {
        let gain = |hz: f64| (1.0 + (edge / hz).powi(2 * order)).powf(-0.5);
        let part = |hz: f64, size: f64, t: f64| size * gain(hz) * (TAU * hz * t + hz * hz).sin();
        let wave: Vec<f32> = (0..24_000)
            .map(|i| {
                let t = f64::from(i) / 16_000.0;
                let harmonics: f64 = (1..)
                    .map(|k| f64::from(k) * f0_hz)
                    .take_while(|hz| *hz < 4_000.0)
                    .map(|hz| part(hz, 0.1 / (1.0 + hz / 500.0), t))
                    .sum();
                // A room's rumble, which falls by 6 dB per octave.
                let rumble: f64 = (0..100).map(|k| 23.0 + 7.3 * f64::from(k)).map(|hz| part(hz, 0.2 / hz, t)).sum();
                (harmonics + rumble) as f32
            })
            .collect();
        let mut seen = Seen(Glimpses::new(), Recent::new(None));
        let mut frames = Frames::new(960);
        let mut rest = &wave[..];
        while !rest.is_empty() {
            let n = frames.push(rest, &mut seen);
            rest = &rest[n..];
        }
        seen.1
    }

    #[test]
    fn spacing_is_f0_even_without_the_first_harmonics() {
        for f0 in [80.0, 120.0, 210.0, 350.0, 580.0] {
            for line in [(0.0, 4), (300.0, 8)] {
                let seen = voice(f0, line);
                let wrong = seen
                    .within(0..99)
                    .filter(|(_, g)| g.strength < VOICED || (f64::from(g.f0_hz) / f0 - 1.0).abs() > 0.03)
                    .count();
                assert!(wrong == 0, "{f0} {line:?}: {wrong} wrong");
            }
        }
    }

    #[test]
    fn a_line_is_told_from_a_high_voice() {
        for f0 in [80.0, 100.0, 130.0, 160.0, 190.0] {
            assert_eq!(low_edge_hz(&voice(f0, (0.0, 4)), 0..99, true), Some(0.0), "{f0}");
            for (edge, order) in [(300.0, 4), (300.0, 8), (400.0, 8)] {
                let seen = Voice::seen(&voice(f0, (edge, order)), 0..99).unwrap();
                let got = f64::from(seen.edge_hz(DECIDED_WIDE));
                assert!(got > 0.6 * edge && got < 1.5 * edge, "{f0}, {edge} Hz: {got} from {seen:?}");
            }
        }
        for f0 in [250.0, 400.0, 580.0] {
            assert_eq!(low_edge_hz(&voice(f0, (0.0, 4)), 0..99, true), Some(0.0), "{f0}");
        }
    }

    #[test]
    fn without_a_voice_nothing_is_told() {
        assert_eq!(low_edge_hz(&Recent::new(None), 0..99, true), None);
        let mut silent = Recent::new(None);
        (0..50).for_each(|_| silent.push(Glimpse::default()));
        assert!(!is_all_voice(&silent, 0..50) && is_all_voice(&voice(120.0, (0.0, 4)), 0..99));
        assert_eq!(low_edge_hz(&silent, 0..50, true), None);
    }

    #[test]
    fn the_table_is_read_between_its_points() {
        assert_eq!(natural(60.0), (-1.0, -2.0));
        assert_eq!(natural(155.0), (0.0, -14.0));
        assert_eq!(natural(600.0), (4.0, -30.0));
        let between = natural((155.0f64 * 205.0).sqrt());
        assert!((between.0 - 1.25).abs() < 1e-9 && (between.1 + 18.5).abs() < 1e-9);
    }
}
