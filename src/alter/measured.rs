//! Measured alteration: what was asked, what came, and how far the features moved, by the analyzer's own records.

use super::altered::Altered;
use super::heard::{Heard, centre_s, hear, median, row_at, semitones};
use super::property::{Doses, Property};
use super::transform::ShortTime;
use super::voice::Voice;
use crate::features::baseline::{Baseline, Population};
use crate::features::catalogue::{Group, affect_functionals};
use crate::record::Record;
use realfft::num_complex::Complex64;

/// Frequencies between which tilt is measured, and width of a band, as parts of an octave.
const TILT_HZ: (f64, f64) = (200.0, 5000.0);
const BANDS_PER_OCTAVE: f64 = 3.0;
/// Length of a frame in which tilt is measured, in seconds.
const TILT_FRAME_S: f64 = 0.04;

/// How far one feature moved.
#[derive(Debug, Clone, PartialEq)]
pub struct Movement {
    /// Name in the catalogue of `affect-v1`.
    pub feature: String,
    /// Group.
    pub group: Group,
    /// Values before and after, in the feature's unit.
    pub values: (f32, f32),
    /// Difference in standard deviations within a speaker of the population of `affect-v1`.
    pub deviations: f64,
}

/// What became of the doses.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Every dose that was asked, with what came in the same unit; `None` where nothing tells it.
    pub doses: Vec<(Property, f64, Option<f64>)>,
    /// Features of `affect-v1` that are defined before and after, in the order of the catalogue.
    pub features: Vec<Movement>,
    /// Features that are defined in one of both only.
    pub lost: Vec<String>,
}

impl Measured {
    /// Compares records of `affect-v1` over the whole of a channel, before and after.
    ///
    /// What came is told by: F0 by the median of what it gained, and its range by the median of what its distances from its median were
    /// multiplied by, in the frames that are voiced before and after (the tracker hears some as voiced in one of both only, and
    /// functionals of all would tell of those); declination by its functional; tilt by the slope, over the octaves from 200 Hz
    /// to 5 kHz, of what thirds of octaves gained in the voiced frames, on average; depth of the envelope by its power in
    /// the three octaves from 2 to 16 Hz; level by the equivalent level; rate by the length; formants by nothing, since the
    /// tracker strays farther in a voice of unusual length than doses reach; HNR by its median; jitter and shimmer by the root of the
    /// difference of their squares.
    ///
    /// Doses that move the same features are told together: of F0 with its range or declination, of tilt with F0 (whose
    /// harmonics come to stand elsewhere under the formants), and of depth with the rate, what came is not of one alone.
    #[must_use]
    pub fn between(voice: &Voice, altered: &Altered, doses: &Doses, before: &Record, after: &Record) -> Self {
        let pairs = paired_f0(voice, &altered.samples, doses.of(Property::Rate));
        let came = |p: Property| match p {
            Property::F0 => gained_f0(&pairs),
            Property::F0Range => gained_range(&pairs),
            Property::Tilt => gained_tilt(voice, &altered.samples, doses.of(Property::Rate)),
            Property::Rate => Some(voice.samples().len() as f64 / altered.samples.len() as f64),
            _ => told(p, before, after),
        };
        let baseline = Baseline::new(Population::affect());
        let (mut features, mut lost) = (Vec::new(), Vec::new());
        for (i, entry) in affect_functionals().iter().enumerate() {
            match (before.value(&entry.name), after.value(&entry.name), baseline.usual(i)) {
                (Some(a), Some(b), Some((_, scale))) => features.push(Movement {
                    feature: entry.name.clone(),
                    group: entry.group,
                    values: (a, b),
                    deviations: (f64::from(b) - f64::from(a)) / scale,
                }),
                (Some(_), None, _) | (None, Some(_), _) => lost.push(entry.name.clone()),
                _ => {}
            }
        }
        Self { doses: doses.asked().map(|(p, d)| (p, d, came(p))).collect(), features, lost }
    }

    /// Median size of the movement of a group's features, in deviations; `None` where none is defined.
    #[must_use]
    pub fn moved(&self, group: Group) -> Option<f64> {
        median(self.features.iter().filter(|m| m.group == group).map(|m| m.deviations.abs()).collect())
    }
}

/// What came of a dose, by features before and after.
fn told(property: Property, before: &Record, after: &Record) -> Option<f64> {
    let both = |name: &str| Some((f64::from(before.value(name)?), f64::from(after.value(name)?)));
    let difference = |name: &str| both(name).map(|(a, b)| b - a);
    let added = |name: &str| both(name).map(|(a, b)| (b * b - a * a).max(0.0).sqrt());
    match property {
        Property::F0Declination => difference("F0declination_stPerS"),
        Property::EnvelopeDepth => {
            let bands = ["modulation2-4Hz_dB", "modulation4-8Hz_dB", "modulation8-16Hz_dB"];
            let power =
                |r: &Record| bands.iter().map(|b| Some(10f64.powf(f64::from(r.value(b)?) / 10.0))).sum::<Option<f64>>();
            Some((power(after)? / power(before)?).sqrt())
        }
        Property::Level => difference("level_dBFS_equivalent"),
        Property::Hnr => after.value("HNR_dB_median").map(f64::from),
        Property::Jitter => added("jitterLocal_percent_mean"),
        Property::Shimmer => added("shimmerLocal_dB_mean"),
        Property::F0 | Property::F0Range | Property::Tilt | Property::Rate | Property::Formants => None,
    }
}

/// F0 of the frames that are voiced before and after, in semitones.
fn paired_f0(voice: &Voice, after: &[f32], rate: f64) -> Vec<(f64, f64)> {
    let Ok((rows, _)) = hear(after, voice.rate_hz()) else { return Vec::new() };
    let pair = |(i, row): (usize, &Heard)| {
        let before = row_at(centre_s(i) * rate).round().max(0.0) as usize;
        let before = voice.rows().get(before)?.f0_hz?;
        Some((semitones(f64::from(before)), semitones(f64::from(row.f0_hz?))))
    };
    rows.iter().enumerate().filter_map(pair).collect()
}

/// Median of what F0 gained, in semitones.
fn gained_f0(pairs: &[(f64, f64)]) -> Option<f64> {
    median(pairs.iter().map(|(before, after)| after - before).collect())
}

/// Median of what the distances of F0 from its median were multiplied by, where they are a semitone at least.
fn gained_range(pairs: &[(f64, f64)]) -> Option<f64> {
    let middle = (median(pairs.iter().map(|p| p.0).collect())?, median(pairs.iter().map(|p| p.1).collect())?);
    let distances = pairs.iter().map(|p| (p.0 - middle.0, p.1 - middle.1));
    median(distances.filter(|d| d.0.abs() >= 1.0).map(|d| d.1 / d.0).collect())
}

/// Slope in dB per octave of what bands gained in the middle of voiced frames, by least squares; the mean over the frames.
fn gained_tilt(voice: &Voice, after: &[f32], rate: f64) -> Option<f64> {
    let rate_hz = f64::from(voice.rate_hz());
    let mut frames = ShortTime::to_look_at(TILT_FRAME_S, voice.rate_hz());
    let (mut own, mut theirs) = (frames.spectrum(), frames.spectrum());
    let highest = TILT_HZ.1.min(0.45 * rate_hz);
    let count = ((highest / TILT_HZ.0).log2() * BANDS_PER_OCTAVE) as usize;
    let size = frames.size() as f64;
    let edge = |k: usize| (TILT_HZ.0 * (k as f64 / BANDS_PER_OCTAVE).exp2() * size / rate_hz) as usize;
    let level =
        |s: &[Complex64], k: usize| 10.0 * s[edge(k)..edge(k + 1)].iter().map(|c| c.norm_sqr()).sum::<f64>().log10();
    let middle = 0.5 * count.saturating_sub(1) as f64;
    let off = |k: usize| k as f64 - middle;
    let (mut slope, mut voiced) = (0.0, 0.0);
    for row in voice.stretches().iter().flat_map(Clone::clone) {
        let start = |rate: f64| (centre_s(row) / rate * rate_hz - 0.5 * size).round() as isize;
        frames.take(voice.samples(), start(1.0), &mut theirs);
        frames.take(after, start(rate), &mut own);
        let across: f64 = (0..count).map(|k| off(k) * (level(&own, k) - level(&theirs, k))).sum();
        if across.is_finite() {
            slope += across;
            voiced += 1.0;
        }
    }
    let spread: f64 = (0..count).map(|k| off(k) * off(k)).sum();
    (voiced > 0.0 && spread > 0.0).then(|| slope / voiced / spread * BANDS_PER_OCTAVE)
}
