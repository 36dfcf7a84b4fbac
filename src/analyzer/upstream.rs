//! Records that somebody else made, read back from their JSON.

use super::FeatureSet;
use crate::record::{
    BaselineResult, Channel, Ended, Feature, Memory, NOT_SPEECH, Policy, Quality, Record, SCHEMA, SegmentKind,
};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct Line {
    schema: String,
    revision: u32,
    stream: String,
    channel: ChannelLine,
    policy: Option<String>,
    segment: String,
    start_ns: u64,
    end_ns: u64,
    running_start_ns: Option<u64>,
    running_end_ns: Option<u64>,
    reference: Option<ReferenceLine>,
    partial: bool,
    discont: bool,
    ended: String,
    provenance: Provenance,
    quality: Option<QualityLine>,
    features: HashMap<String, Option<f32>>,
    #[serde(default)]
    reasons: HashMap<String, String>,
    baseline: Option<BaselineLine>,
    source: String,
}

#[derive(Deserialize)]
struct ChannelLine {
    index: Option<usize>,
    role: Option<String>,
    track: Option<usize>,
}

#[derive(Deserialize)]
struct ReferenceLine {
    clock: String,
    start_ns: u64,
}

#[derive(Deserialize)]
struct Provenance {
    feature_set: String,
    feature_set_version: String,
}

#[derive(Deserialize)]
struct QualityLine {
    speech_s: Option<f32>,
    voiced_share: Option<f32>,
    snr_db: Option<f32>,
    clipping_share: Option<f32>,
    band_low_hz: Option<f32>,
    bandwidth_hz: Option<f32>,
    level_dbfs: Option<f32>,
    #[serde(default)]
    skipped_frames: u64,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct BaselineLine {
    speech_s: f32,
    /// Records made before it was said rest on the most recent segments.
    #[serde(default)]
    memory: Memory,
    z: HashMap<String, f32>,
}

/// The policy that a record says it was made under. One that says nothing was made before records carried it: nobody knows
/// whom it is about, and it has features only.
///
/// # Errors
/// A text that names a word that is no policy.
pub fn policy(said: Option<&str>) -> Result<Policy, String> {
    said.map_or(Ok(Policy::FeaturesOnly), |name| Policy::named(name).ok_or_else(|| format!("policy \"{name}\"")))
}

/// Reads a record of functionals, without its scores.
///
/// # Errors
/// A text that says what is wrong: no record, another schema, an unknown feature set or version, an unknown policy, or single
/// frames.
pub fn record(json: &str) -> Result<Record, String> {
    let line: Line = serde_json::from_str(json).map_err(|e| e.to_string())?;
    if line.schema != SCHEMA {
        return Err(format!("schema \"{}\": expected {SCHEMA}", line.schema));
    }
    let set: FeatureSet = line.provenance.feature_set.parse().map_err(|e: crate::error::ConfigError| e.to_string())?;
    if line.provenance.feature_set_version != set.version() {
        return Err(format!("{set} version {}: expected {}", line.provenance.feature_set_version, set.version()));
    }
    let kinds = [SegmentKind::File, SegmentKind::Window, SegmentKind::Utterance];
    let segment =
        kinds.into_iter().find(|k| k.name() == line.segment).ok_or_else(|| format!("segment \"{}\"", line.segment))?;
    let ended =
        Ended::ALL.into_iter().find(|e| e.name() == line.ended).ok_or_else(|| format!("ended \"{}\"", line.ended))?;
    let reasons = crate::features::reason::Reason::ALL.map(crate::features::reason::Reason::name);
    let features: Vec<Feature> = set
        .functionals()
        .iter()
        .map(|e| Feature {
            name: &e.name,
            value: line.features.get(&e.name).copied().flatten(),
            reason: line.reasons.get(&e.name).and_then(|r| reasons.iter().find(|n| *n == r)).copied(),
        })
        .collect();
    let q = line.quality.as_ref();
    Ok(Record {
        stream: line.stream.into(),
        channel: Channel {
            index: line.channel.index,
            role: line.channel.role.map(Arc::from),
            track: line.channel.track,
        },
        policy: policy(line.policy.as_deref())?,
        segment,
        start_ns: line.start_ns,
        end_ns: line.end_ns,
        running_ns: line.running_start_ns.zip(line.running_end_ns),
        reference: line.reference.map(|r| (r.clock.into(), r.start_ns)),
        revision: line.revision,
        partial: line.partial,
        discont: line.discont,
        ended,
        source: line.source.into(),
        feature_set: set.name(),
        feature_set_version: set.version(),
        quality: q.map(|q| Quality {
            speech_s: q.speech_s,
            voiced_share: q.voiced_share,
            snr_db: q.snr_db,
            clipping_share: q.clipping_share,
            band_low_hz: q.band_low_hz,
            bandwidth_hz: q.bandwidth_hz,
            level_dbfs: q.level_dbfs,
            skipped_frames: q.skipped_frames,
            not_speech: q.reason.as_deref() == Some(NOT_SPEECH),
        }),
        baseline: line.baseline.map(|b| BaselineResult {
            speech_s: b.speech_s,
            memory: b.memory,
            z: set.functionals().iter().map(|e| b.z.get(&e.name).copied()).collect(),
            usual: Vec::new(),
        }),
        features,
        scored: None,
        audio: None,
    })
}
