//! A record as JSON. The order of names is fixed, so equal records give equal bytes.

use super::{Emotion, Explanation, ModelInfo, NOT_SPEECH, Named, Quality, Record, SCHEMA, SOFTWARE};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    id: String,
    segment_id: String,
    revision: u32,
    stream: &'a str,
    channel: ChannelLine<'a>,
    policy: &'static str,
    segment: &'static str,
    start_ns: u64,
    end_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_start_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_end_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<ReferenceLine<'a>>,
    partial: bool,
    discont: bool,
    ended: &'static str,
    source: &'a str,
    provenance: Provenance<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<QualityLine>,
    features: Features<'a>,
    reasons: Reasons<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emotion: Option<EmotionLine<'a>>,
    #[serde(skip_serializing_if = "<[Explanation]>::is_empty")]
    explanations: &'a [Explanation],
}

#[derive(Serialize)]
struct EmotionLine<'a> {
    label: Option<&'a str>,
    confidence: Option<f64>,
    abstained: Option<&'a str>,
    #[serde(skip_serializing_if = "Numbers::is_empty")]
    probabilities: Numbers<'a>,
    #[serde(skip_serializing_if = "Numbers::is_empty")]
    dimensions: Numbers<'a>,
    entropy_bits: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_speech_s: Option<f32>,
}

impl<'a> From<&'a Emotion> for EmotionLine<'a> {
    fn from(e: &'a Emotion) -> Self {
        Self {
            label: e.label.as_deref(),
            confidence: e.confidence,
            abstained: e.abstained.as_deref(),
            probabilities: Numbers(&e.probabilities),
            dimensions: Numbers(&e.dimensions),
            entropy_bits: e.entropy_bits,
            baseline_speech_s: e.baseline_speech_s,
        }
    }
}

struct Numbers<'a>(&'a [Named]);

impl Numbers<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, v)| (name.as_ref(), v)))
    }
}

#[derive(Serialize)]
struct BaselineLine<'a> {
    speech_s: f32,
    memory: &'static str,
    z: Deviations<'a>,
}

struct Deviations<'a>(&'a Record);

impl Serialize for Deviations<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let z = self.0.baseline.as_ref().map_or(&[][..], |b| &b.z);
        let known = self.0.features.iter().zip(z).filter_map(|(f, z)| z.filter(|z| z.is_finite()).map(|z| (f.name, z)));
        s.collect_map(known)
    }
}

#[derive(Serialize)]
struct ChannelLine<'a> {
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<usize>,
}

#[derive(Serialize)]
struct ReferenceLine<'a> {
    clock: &'a str,
    start_ns: u64,
}

#[derive(Serialize)]
struct Provenance<'a> {
    software: &'static str,
    feature_set: &'static str,
    feature_set_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a ModelInfo>,
}

#[derive(Serialize)]
struct QualityLine {
    speech_s: Option<f32>,
    voiced_share: Option<f32>,
    snr_db: Option<f32>,
    clipping_share: Option<f32>,
    band_low_hz: Option<f32>,
    bandwidth_hz: Option<f32>,
    level_dbfs: Option<f32>,
    skipped_frames: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl From<&Quality> for QualityLine {
    fn from(q: &Quality) -> Self {
        Self {
            speech_s: q.speech_s,
            voiced_share: q.voiced_share,
            snr_db: q.snr_db,
            clipping_share: q.clipping_share,
            band_low_hz: q.band_low_hz,
            bandwidth_hz: q.bandwidth_hz,
            level_dbfs: q.level_dbfs,
            skipped_frames: q.skipped_frames,
            reason: q.not_speech.then_some(NOT_SPEECH),
        }
    }
}

struct Features<'a>(&'a Record);

impl Serialize for Features<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.features.len()))?;
        for f in &self.0.features {
            // A number that is not finite has no JSON form and is no result either.
            map.serialize_entry(f.name, &f.value.filter(|v| v.is_finite()))?;
        }
        map.end()
    }
}

struct Reasons<'a>(&'a Record);

impl Serialize for Reasons<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let reasons: BTreeMap<_, _> = self.0.features.iter().filter_map(|f| f.reason.map(|r| (f.name, r))).collect();
        reasons.serialize(s)
    }
}

pub(super) fn write(r: &Record) -> String {
    let line = Line {
        schema: SCHEMA,
        id: r.id(),
        segment_id: r.segment_id(),
        revision: r.revision,
        stream: &r.stream,
        channel: ChannelLine { index: r.channel.index, role: r.channel.role.as_deref(), track: r.channel.track },
        policy: r.policy.name(),
        segment: r.segment.name(),
        start_ns: r.start_ns,
        end_ns: r.end_ns,
        running_start_ns: r.running_ns.map(|t| t.0),
        running_end_ns: r.running_ns.map(|t| t.1),
        reference: r.reference.as_ref().map(|(clock, start_ns)| ReferenceLine { clock, start_ns: *start_ns }),
        partial: r.partial,
        discont: r.discont,
        ended: r.ended.name(),
        source: &r.source,
        provenance: Provenance {
            software: SOFTWARE,
            feature_set: r.feature_set,
            feature_set_version: r.feature_set_version,
            model: r.scored.as_ref().map(|s| &s.model),
        },
        quality: r.quality.as_ref().map(Into::into),
        features: Features(r),
        reasons: Reasons(r),
        baseline: r.baseline.as_ref().map(|b| BaselineLine {
            speech_s: b.speech_s,
            memory: b.memory.name(),
            z: Deviations(r),
        }),
        emotion: r.scored.as_ref().map(|s| (&s.emotion).into()),
        explanations: r.scored.as_ref().map_or(&[], |s| &s.explanations),
    };
    // Maps with string keys, strings and numbers: nothing that serde_json refuses.
    serde_json::to_string(&line).unwrap_or_default()
}
