//! The JSON of a conversation's record. The order of names is fixed, so equal records give equal bytes.

use super::{ConversationRecord, Party, SCHEMA, Undefined};
use crate::record::{Ended, Fingerprint, ModelInfo, Policy};
use serde::{Serialize, Serializer};

#[derive(Serialize)]
struct Line<'a> {
    schema: &'a str,
    id: String,
    conversation_id: String,
    revision: u32,
    stream: &'a str,
    parties: Vec<PartyLine<'a>>,
    start_ns: u64,
    end_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_end_ns: Option<u64>,
    partial: bool,
    ended: Ended,
    source: &'a str,
    provenance: Provenance<'a>,
    parameters: Map<&'a str, f64>,
    measures: Map<&'a str, Option<f64>>,
    reasons: Map<&'a str, Undefined>,
}

#[derive(Serialize)]
struct PartyLine<'a> {
    name: &'a str,
    channel: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<usize>,
    policy: Policy,
}

impl<'a> From<&'a Party> for PartyLine<'a> {
    fn from(p: &'a Party) -> Self {
        // Every field is named here: a new one does not compile until it has a place.
        let Party { name, channel, role, track, policy } = p;
        Self { name, channel: *channel, role: role.as_deref(), track: *track, policy: *policy }
    }
}

#[derive(Serialize)]
struct Provenance<'a> {
    software: &'a str,
    configuration: Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a ModelInfo>,
}

/// Values by name, in an order of their own.
struct Map<K, V>(Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(k, v)| (k, v)))
    }
}

pub(super) fn write(r: &ConversationRecord) -> String {
    let line = Line {
        schema: SCHEMA,
        id: r.id(),
        conversation_id: r.conversation_id(),
        revision: r.revision,
        stream: &r.stream,
        parties: r.parties.iter().map(Into::into).collect(),
        start_ns: r.start_ns,
        end_ns: r.end_ns,
        running_end_ns: r.running_end_ns,
        partial: r.ended == Ended::Open,
        ended: r.ended,
        source: &r.source,
        provenance: Provenance { software: &r.software, configuration: r.configuration, model: r.model.as_ref() },
        parameters: Map(r.parameters.named().to_vec()),
        measures: Map(r.measures.iter().map(|m| (&*m.name, m.value.ok())).collect()),
        reasons: Map(r.measures.iter().filter_map(|m| Some((&*m.name, m.value.err()?))).collect()),
    };
    // Maps with string keys, strings and finite numbers: nothing that serde_json refuses.
    serde_json::to_string(&line).unwrap_or_default()
}
