//! Spectral balance of voiced and of unvoiced speech, and of the long-term average.

use super::segment::Segment;
use super::stats::{ENOUGH, Sorted, slope};
use super::{Value, Writer};
use crate::features::affect::row::{Row, Shape};
use crate::features::reason::Reason;
use crate::signal::frames::{BANDS, FramePlan};

/// Bands of the long-term average spectrum that the slope is taken over: centres from 100 to 5000 Hz.
const LTAS_HZ: std::ops::RangeInclusive<f64> = 100.0..=5000.0;
/// Bands this much weaker than the strongest count as that weak (ln power): 80 dB.
const BELOW: f64 = 18.420_68;

/// A name and the number of a shape that it stands for.
type Picked = (&'static str, fn(&Shape) -> Option<f32>);

const DESCRIPTORS: [Picked; 7] = [
    ("alphaRatio_dB", |s| Some(s.alpha_ratio_db)),
    ("hammarbergIndex_dB", |s| Some(s.hammarberg_db)),
    ("slope0-500_dBPerkHz", |s| Some(s.low_db_per_khz)),
    ("slope500-1500_dBPerkHz", |s| Some(s.middle_db_per_khz)),
    ("slope80-5000_dBPerOct", |s| Some(s.whole_db_per_octave)),
    ("spectralCentroid_Hz", |s| Some(s.centroid_hz)),
    ("spectralFluxNorm", |s| s.change),
];

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    for (name, pick) in DESCRIPTORS {
        let of = |r: &Row| r.shape.as_ref().and_then(pick);
        let voiced = Sorted::new(segment.voices().filter_map(|(_, r, _)| of(r)), Reason::NoVoicedFrames);
        out.put(&format!("{name}_voicedMedian"), voiced.median());
        out.put(&format!("{name}_voicedIqr"), voiced.iqr());
        let unvoiced = Sorted::new(segment.unvoiced().filter_map(of), Reason::NoUnvoicedFrames);
        out.put(&format!("{name}_unvoicedMedian"), unvoiced.median());
    }
    out.put("ltasSlope_dBPerOct", ltas_slope(segment));
}

/// Slope of the level of the long-term average spectrum of speech over the logarithm of frequency.
fn ltas_slope(segment: &Segment<'_>) -> Value {
    let plan = FramePlan::shared();
    let mut power = [0.0f64; BANDS];
    let mut count = 0;
    for row in segment.spoken() {
        for (p, l) in power.iter_mut().zip(&row.energies) {
            *p += f64::from(*l);
        }
        count += 1;
    }
    if count < ENOUGH {
        return Err(if count == 0 { Reason::Silent } else { Reason::NotEnoughSpeech });
    }
    let centres = plan.mel.centres_hz();
    // A triangle as wide as its neighbours are apart gathers power in proportion to that width.
    let density = |b: usize| power[b] / (centres[(b + 1).min(BANDS - 1)] - centres[b.saturating_sub(1)]);
    let used = (0..BANDS).filter(|b| LTAS_HZ.contains(&centres[*b]));
    let top = used.clone().map(density).fold(0.0, f64::max);
    if top <= 0.0 {
        return Err(Reason::Silent);
    }
    let level = |b: usize| 10.0 * std::f64::consts::LOG10_E * (density(b) / top).ln().max(-BELOW);
    slope(used.map(|b| (centres[b].log2(), level(b)))).ok_or(Reason::NoVariation)
}
