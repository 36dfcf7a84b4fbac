//! Resonances of the vocal tract.

use super::segment::{PERIOD_S, Segment};
use super::stats::{ENOUGH, Sorted};
use super::{Value, Writer};
use crate::features::affect::row::Tract;
use crate::features::reason::Reason;

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    let none = Reason::NoVoicedFrames;
    let tracts = || segment.voices().filter_map(|(_, _, v)| v.tract);
    let of = |pick: &dyn Fn(&Tract) -> f32| Sorted::new(tracts().map(|t| pick(&t)), none);
    for i in 0..3 {
        let hz = of(&|t| t.hz[i]);
        out.put(&format!("F{}frequency_Hz_median", i + 1), hz.median());
        out.put(&format!("F{}frequency_Hz_iqr", i + 1), hz.iqr());
        out.put(&format!("F{}bandwidth_Hz_median", i + 1), of(&|t| t.bandwidth_hz[i]).median());
        out.put(&format!("F{}level_dB_median", i + 1), of(&|t| t.level_db[i]).median());
    }
    out.put("formantDispersion_Hz_median", of(&|t| 0.5 * (t.hz[2] - t.hz[0])).median());
    out.put("vowelSpaceSpread_st", spread(&tracts().collect::<Vec<_>>()));
    for i in 0..2 {
        let rates = Sorted::new(rates(segment, i), none);
        out.put(&format!("F{}rate_stPerS_median", i + 1), rates.median());
    }
}

/// Fourth root of the determinant of the covariance of F1 and F2 in semitones: the geometric mean of the deviations
/// along the axes of the cloud.
fn spread(tracts: &[Tract]) -> Value {
    if tracts.len() < ENOUGH {
        return Err(if tracts.is_empty() { Reason::NoVoicedFrames } else { Reason::NotEnoughSpeech });
    }
    let n = tracts.len() as f64;
    let points: Vec<[f64; 2]> = tracts.iter().map(|t| [0, 1].map(|i| 12.0 * f64::from(t.hz[i]).log2())).collect();
    let mean = [0, 1].map(|i| points.iter().map(|p| p[i]).sum::<f64>() / n);
    let covariance = |i: usize, j: usize| points.iter().map(|p| (p[i] - mean[i]) * (p[j] - mean[j])).sum::<f64>() / n;
    let determinant = covariance(0, 0) * covariance(1, 1) - covariance(0, 1).powi(2);
    Ok(determinant.max(0.0).sqrt().sqrt())
}

/// Size of the rate of change of a formant, in semitones per second, over five rows of a voiced stretch.
fn rates<'a>(segment: &'a Segment<'_>, formant: usize) -> impl Iterator<Item = f32> + 'a {
    segment.rows.windows(5).filter_map(move |w| {
        let at = |i: usize| w[i].and_then(|r| r.voice).and_then(|v| v.tract).map(|t| 12.0 * t.hz[formant].log2());
        at(2)?;
        Some(((2.0 * (at(4)? - at(0)?) + at(3)? - at(1)?) / (10.0 * PERIOD_S as f32)).abs())
    })
}
