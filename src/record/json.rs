//! The JSON of a record, in one type for writing and for reading. The order of names is fixed, so equal records give equal bytes.

use super::number::{Finite, NumberMap, Ordered};
use super::{
    BaselineResult, Channel, Emotion, Ended, Explanation, Feature, Fingerprint, Held, Memory, ModelInfo, NOT_SPEECH,
    Policy, Quality, Record, RecordError, SCHEMA, Scored, SegmentKind, Text,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct RecordLine<'a> {
    schema: Cow<'a, str>,
    /// The identities follow from the rest: they are written, and not read.
    #[serde(skip_deserializing)]
    id: String,
    #[serde(skip_deserializing)]
    segment_id: String,
    revision: u32,
    stream: Cow<'a, str>,
    channel: ChannelLine<'a>,
    policy: Policy,
    segment: SegmentKind,
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
    ended: Ended,
    source: Cow<'a, str>,
    provenance: ProvenanceLine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<QualityLine<'a>>,
    features: NumberMap<'a>,
    reasons: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emotion: Option<Cow<'a, Emotion>>,
    #[serde(default, skip_serializing_if = "<[Explanation]>::is_empty")]
    explanations: Cow<'a, [Explanation]>,
}

#[derive(Serialize, Deserialize)]
struct ChannelLine<'a> {
    // Said even where there is none: a record that says nothing is not about the mean of all channels.
    #[serde(deserialize_with = "Option::deserialize")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<usize>,
    #[serde(default, skip_serializing_if = "<[usize]>::is_empty")]
    same_as: Cow<'a, [usize]>,
}

#[derive(Serialize, Deserialize)]
struct ReferenceLine<'a> {
    clock: Cow<'a, str>,
    start_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct ProvenanceLine<'a> {
    software: Cow<'a, str>,
    feature_set: Cow<'a, str>,
    feature_set_version: Cow<'a, str>,
    configuration: Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, ModelInfo>>,
}

#[derive(Serialize, Deserialize)]
struct QualityLine<'a> {
    speech_s: Finite,
    voiced_share: Finite,
    snr_db: Finite,
    clipping_share: Finite,
    band_low_hz: Finite,
    bandwidth_hz: Finite,
    level_dbfs: Finite,
    skipped_frames: u64,
    /// Records of before these were told have neither.
    #[serde(default)]
    lost_share: Finite,
    #[serde(default)]
    concealed_share: Finite,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct BaselineLine<'a> {
    speech_s: f32,
    memory: Memory,
    z: NumberMap<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usual: Option<NumberMap<'a>>,
}

impl<'a> From<&'a Quality> for QualityLine<'a> {
    fn from(q: &'a Quality) -> Self {
        Self {
            speech_s: q.speech_s.into(),
            voiced_share: q.voiced_share.into(),
            snr_db: q.snr_db.into(),
            clipping_share: q.clipping_share.into(),
            band_low_hz: q.band_low_hz.into(),
            bandwidth_hz: q.bandwidth_hz.into(),
            level_dbfs: q.level_dbfs.into(),
            skipped_frames: q.skipped_frames,
            lost_share: q.lost_share.into(),
            concealed_share: q.concealed_share.into(),
            reason: q.not_speech.then_some(NOT_SPEECH.into()),
        }
    }
}

impl From<QualityLine<'_>> for Quality {
    fn from(q: QualityLine<'_>) -> Self {
        Self {
            speech_s: q.speech_s.into(),
            voiced_share: q.voiced_share.into(),
            snr_db: q.snr_db.into(),
            clipping_share: q.clipping_share.into(),
            band_low_hz: q.band_low_hz.into(),
            bandwidth_hz: q.bandwidth_hz.into(),
            level_dbfs: q.level_dbfs.into(),
            skipped_frames: q.skipped_frames,
            lost_share: q.lost_share.into(),
            concealed_share: q.concealed_share.into(),
            not_speech: q.reason.is_some_and(|r| r == NOT_SPEECH),
        }
    }
}

impl<'a> From<&'a Record> for RecordLine<'a> {
    fn from(r: &'a Record) -> Self {
        let names = || r.features.iter().map(|f| Cow::Borrowed(f.name.as_ref()));
        Self {
            schema: SCHEMA.into(),
            id: r.id(),
            segment_id: r.segment_id(),
            revision: r.revision,
            stream: r.stream.as_ref().into(),
            channel: ChannelLine {
                index: r.channel.index,
                role: r.channel.role.as_deref().map(Into::into),
                track: r.channel.track,
                same_as: Cow::Borrowed(&r.channel.same_as),
            },
            policy: r.policy,
            segment: r.segment,
            start_ns: r.start_ns,
            end_ns: r.end_ns,
            running_start_ns: r.running_ns.map(|t| t.0),
            running_end_ns: r.running_ns.map(|t| t.1),
            reference: r
                .reference
                .as_ref()
                .map(|(clock, start_ns)| ReferenceLine { clock: clock.as_ref().into(), start_ns: *start_ns }),
            partial: r.partial,
            discont: r.discont,
            ended: r.ended,
            source: r.source.as_ref().into(),
            provenance: ProvenanceLine {
                software: r.software.as_ref().into(),
                feature_set: r.feature_set.as_ref().into(),
                feature_set_version: r.feature_set_version.as_ref().into(),
                configuration: r.configuration,
                model: r.scored.as_ref().map(|s| Cow::Borrowed(&s.model)),
            },
            quality: r.quality.as_ref().map(Into::into),
            // A number that is not finite has no JSON form and is no result either.
            features: Ordered(names().zip(r.features.iter().map(|f| f.value.into())).collect()),
            reasons: names()
                .zip(&r.features)
                .filter_map(|(name, f)| Some((name, Cow::Borrowed(f.reason.as_deref()?))))
                .collect(),
            baseline: r.baseline.as_ref().map(|b| {
                let defined = |list: &[Option<f32>]| {
                    Ordered(names().zip(list.iter().map(|v| Finite::from(*v))).filter(|(_, v)| v.is_some()).collect())
                };
                let usual = (!b.usual.is_empty()).then(|| defined(&b.usual));
                BaselineLine { speech_s: b.speech_s, memory: b.memory, z: defined(&b.z), usual }
            }),
            emotion: r.scored.as_ref().map(|s| Cow::Borrowed(&s.emotion)),
            explanations: r.scored.as_ref().map_or(Cow::Borrowed(&[]), |s| Cow::Borrowed(&s.explanations)),
        }
    }
}

fn owned(text: Cow<'_, str>) -> Text {
    Text::Owned(text.into_owned())
}

impl TryFrom<RecordLine<'_>> for Record {
    type Error = RecordError;

    fn try_from(line: RecordLine<'_>) -> Result<Self, RecordError> {
        let mut reasons = line.reasons;
        let features: Vec<Feature> = line
            .features
            .0
            .into_iter()
            .map(|(name, value)| Feature {
                reason: reasons.remove(&name).map(owned),
                name: owned(name),
                value: value.into(),
            })
            .collect();
        let baseline = line.baseline.map(|b| {
            let in_order = |map: NumberMap<'_>| -> Vec<Option<f32>> {
                let by_name: HashMap<_, _> = map.0.into_iter().collect();
                features.iter().map(|f| by_name.get(f.name.as_ref()).copied().and_then(Into::into)).collect()
            };
            let usual = b.usual.map(in_order).unwrap_or_default();
            BaselineResult { speech_s: b.speech_s, memory: b.memory, z: in_order(b.z), usual }
        });
        let explanations = line.explanations.into_owned();
        let scored = match (line.provenance.model, line.emotion) {
            (Some(model), Some(emotion)) => {
                Some(Box::new(Scored { model: model.into_owned(), emotion: emotion.into_owned(), explanations }))
            }
            (None, None) if explanations.is_empty() => None,
            (None, None) => return Err(RecordError::Without { found: "explanations", missing: "emotion" }),
            (None, Some(_)) => return Err(RecordError::Without { found: "emotion", missing: "provenance.model" }),
            (Some(_), None) => return Err(RecordError::Without { found: "provenance.model", missing: "emotion" }),
        };
        Ok(Self {
            stream: line.stream.into(),
            channel: Channel {
                index: line.channel.index,
                role: line.channel.role.map(Into::into),
                track: line.channel.track,
                same_as: line.channel.same_as.into_owned(),
            },
            policy: line.policy,
            segment: line.segment,
            start_ns: line.start_ns,
            end_ns: line.end_ns,
            running_ns: line.running_start_ns.zip(line.running_end_ns),
            reference: line.reference.map(|r| (r.clock.into(), r.start_ns)),
            revision: line.revision,
            partial: line.partial,
            discont: line.discont,
            ended: line.ended,
            source: line.source.into(),
            software: owned(line.provenance.software),
            feature_set: owned(line.provenance.feature_set),
            feature_set_version: owned(line.provenance.feature_set_version),
            configuration: line.provenance.configuration,
            quality: line.quality.map(Into::into),
            features,
            baseline,
            scored,
            held: Held::default(),
        })
    }
}

pub(super) fn write(r: &Record) -> String {
    // Maps with string keys, strings and numbers: nothing that serde_json refuses.
    serde_json::to_string(&RecordLine::from(r)).unwrap_or_default()
}

/// All that is certain of a record of any version.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

pub(super) fn read(text: &str) -> Result<Record, RecordError> {
    let line = serde_json::from_str::<RecordLine<'_>>(text);
    let schema = match &line {
        Ok(line) => Some(line.schema.to_string()),
        // What a record of another version lacks here is no defect of it.
        Err(_) => serde_json::from_str(text).ok().map(|head: Head| head.schema),
    };
    if let Some(found) = schema.filter(|s| s != SCHEMA) {
        return Err(RecordError::Schema { expected: SCHEMA, found });
    }
    line.map_err(|e| RecordError::Form { schema: SCHEMA, why: e.to_string() })?.try_into()
}
