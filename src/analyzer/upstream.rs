//! Records that somebody else made, read back from their JSON.

use super::FeatureSet;
use crate::error::ConfigError;
use crate::record::{
    BaselineResult, Channel, Ended, Feature, Memory, NOT_SPEECH, Policy, Quality, Record, SCHEMA, SegmentKind,
};
use serde::Deserialize;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
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

/// A text that is no record which can be scored.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum UpstreamError {
    /// It is no JSON, or lacks what a record has.
    Json(String),
    /// A name that is not known: of a schema, a feature set, a kind of segment, or an end of one. Single frames are no
    /// segments.
    Name(ConfigError),
    /// The feature set has another version here.
    Version {
        /// Name of the set.
        set: &'static str,
        /// Its version here.
        expected: &'static str,
        /// The version that came.
        found: String,
    },
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(why) => write!(f, "no record of the schema {SCHEMA}: {why}"),
            Self::Name(e) => e.fmt(f),
            Self::Version { set, expected, found } => write!(f, "{set} version {found}: expected {expected}"),
        }
    }
}

impl Error for UpstreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Name(e) => Some(e),
            _ => None,
        }
    }
}

impl From<ConfigError> for UpstreamError {
    fn from(e: ConfigError) -> Self {
        Self::Name(e)
    }
}

/// The one of `known` that has the name.
fn named<T: Copy>(what: &'static str, known: &[T], name: fn(T) -> &'static str, found: &str) -> Result<T, ConfigError> {
    known.iter().copied().find(|k| name(*k) == found).ok_or_else(|| ConfigError::Unknown {
        what,
        found: found.to_owned(),
        known: known.iter().map(|k| name(*k)).collect::<Vec<_>>().join(", "),
    })
}

/// The policy that a record says it was made under. One that says nothing was made before records carried it: nobody knows
/// whom it is about, and it has features only.
///
/// # Errors
/// [`ConfigError::Unknown`] for a word that is no policy.
pub fn policy(said: Option<&str>) -> Result<Policy, ConfigError> {
    said.map_or(Ok(Policy::FeaturesOnly), |name| named("policy", &Policy::ALL, Policy::name, name))
}

/// Reads a record of functionals, without its scores.
///
/// # Errors
/// [`UpstreamError`]: no record, another schema, an unknown feature set or version, an unknown policy, or single frames.
pub fn record(json: &str) -> Result<Record, UpstreamError> {
    let line: Line = serde_json::from_str(json).map_err(|e| UpstreamError::Json(e.to_string()))?;
    named("schema", &[SCHEMA], |s| s, &line.schema)?;
    let set: FeatureSet = line.provenance.feature_set.parse()?;
    if line.provenance.feature_set_version != set.version() {
        let found = line.provenance.feature_set_version;
        return Err(UpstreamError::Version { set: set.name(), expected: set.version(), found });
    }
    let kinds = [SegmentKind::File, SegmentKind::Window, SegmentKind::Utterance];
    let segment = named("segment", &kinds, SegmentKind::name, &line.segment)?;
    let ended = named("ended", &Ended::ALL, Ended::name, &line.ended)?;
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
