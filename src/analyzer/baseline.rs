//! Segments against what is usual for their speaker.

use crate::features::baseline::{Baseline, Population};
use crate::record::{BaselineResult, Record};
use std::collections::BTreeMap;

/// Compares a record with the baseline, and then lets the baseline learn from it if the segment is final.
pub(super) fn apply(baseline: &mut Baseline, record: &mut Record) {
    record.baseline = Some(compare(baseline, record));
    if !record.partial {
        learn(baseline, record);
    }
}

fn compare(baseline: &Baseline, record: &Record) -> BaselineResult {
    let deviations: Vec<_> = record.features.iter().enumerate().map(|(i, f)| baseline.deviation(i, f.value?)).collect();
    BaselineResult {
        speech_s: baseline.speech_s() as f32,
        z: deviations.iter().map(|d| d.map(|d| d.z as f32)).collect(),
        usual: deviations.iter().map(|d| d.map(|d| d.location as f32)).collect(),
    }
}

fn learn(baseline: &mut Baseline, record: &Record) {
    let quality = record.quality.unwrap_or_default();
    if quality.not_speech {
        return;
    }
    // Without a detector the length of the segment has to do.
    let length = record.end_ns.saturating_sub(record.start_ns) as f64 * 1e-9;
    let speech_s = quality.speech_s.map_or(length, f64::from);
    let values: Vec<Option<f32>> = record.features.iter().map(|f| f.value).collect();
    baseline.push(&values, speech_s);
}

/// Compares every record of `affect-v1` of a recording with its channel's whole baseline: for archives, where all that
/// a speaker says is known beforehand. Other sets are left as they are. Returns the baselines by channel.
pub fn two_pass(records: &mut [Record]) -> BTreeMap<Option<usize>, Baseline> {
    let mut baselines: BTreeMap<Option<usize>, Baseline> = BTreeMap::new();
    let ours = |r: &Record| r.feature_set == crate::features::affect::NAME;
    for r in records.iter().filter(|r| ours(r) && !r.partial) {
        let baseline = baselines.entry(r.channel.index).or_insert_with(|| Baseline::new(Population::affect()));
        learn(baseline, r);
    }
    for r in records.iter_mut().filter(|r| ours(r)) {
        if let Some(baseline) = baselines.get(&r.channel.index) {
            r.baseline = Some(compare(baseline, r));
        }
    }
    baselines
}
