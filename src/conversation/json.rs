//! The JSON of a conversation's record, in one type for writing and for reading. The order of names is fixed, so equal records give equal bytes.

use super::catalogue::{ENTRIES, Entry};
use super::{ConversationRecord, Measure, Parameters, Party, SCHEMA, Undefined};
use crate::record::{Ended, Fingerprint, ModelInfo, Ordered, Policy, RecordError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    schema: Cow<'a, str>,
    /// The identities follow from the rest: they are written, and not read.
    #[serde(skip_deserializing)]
    id: String,
    #[serde(skip_deserializing)]
    conversation_id: String,
    revision: u32,
    stream: Cow<'a, str>,
    parties: Vec<PartyLine<'a>>,
    start_ns: u64,
    end_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_end_ns: Option<u64>,
    partial: bool,
    ended: Ended,
    source: Cow<'a, str>,
    provenance: Provenance<'a>,
    parameters: Ordered<Cow<'a, str>, f64>,
    measures: Ordered<Cow<'a, str>, Option<f64>>,
    reasons: Ordered<Cow<'a, str>, Undefined>,
}

#[derive(Serialize, Deserialize)]
struct PartyLine<'a> {
    name: Cow<'a, str>,
    // Said even where there is none: a party that says nothing is not the mean of all channels.
    #[serde(deserialize_with = "Option::deserialize")]
    channel: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    track: Option<usize>,
    policy: Policy,
}

impl<'a> From<&'a Party> for PartyLine<'a> {
    fn from(p: &'a Party) -> Self {
        // Every field is named here: a new one does not compile until it has a place.
        let Party { name, channel, role, track, policy } = p;
        Self {
            name: name.as_ref().into(),
            channel: *channel,
            role: role.as_deref().map(Into::into),
            track: *track,
            policy: *policy,
        }
    }
}

impl From<PartyLine<'_>> for Party {
    fn from(p: PartyLine<'_>) -> Self {
        Self { name: p.name.into(), channel: p.channel, role: p.role.map(Into::into), track: p.track, policy: p.policy }
    }
}

#[derive(Serialize, Deserialize)]
struct Provenance<'a> {
    software: Cow<'a, str>,
    configuration: Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, ModelInfo>>,
}

impl<'a> From<&'a ConversationRecord> for Line<'a> {
    fn from(r: &'a ConversationRecord) -> Self {
        let name = |m: &'a Measure| Cow::Borrowed(&*m.name);
        Self {
            schema: SCHEMA.into(),
            id: r.id(),
            conversation_id: r.conversation_id(),
            revision: r.revision,
            stream: r.stream.as_ref().into(),
            parties: r.parties.iter().map(Into::into).collect(),
            start_ns: r.start_ns,
            end_ns: r.end_ns,
            running_end_ns: r.running_end_ns,
            partial: r.ended == Ended::Open,
            ended: r.ended,
            source: r.source.as_ref().into(),
            provenance: Provenance {
                software: r.software.as_ref().into(),
                configuration: r.configuration,
                model: r.model.as_ref().map(Cow::Borrowed),
            },
            parameters: Ordered(r.parameters.named().iter().map(|(name, s)| ((*name).into(), *s)).collect()),
            measures: Ordered(r.measures.iter().map(|m| (name(m), m.value.ok())).collect()),
            reasons: Ordered(r.measures.iter().filter_map(|m| Some((name(m), m.value.err()?))).collect()),
        }
    }
}

pub(super) fn write(r: &ConversationRecord) -> String {
    // Maps with string keys, strings and finite numbers: nothing that serde_json refuses.
    serde_json::to_string(&Line::from(r)).unwrap_or_default()
}

/// The entry of a measure, and the number of the party that it is of; `None` for a measure of a later version.
fn entry(name: &str, parties: &[Party]) -> Option<(&'static Entry, Option<usize>)> {
    if let Some(whole) = ENTRIES.iter().find(|e| !e.per_party() && e.name == name) {
        return Some((whole, None));
    }
    // Of parties `a` and `a_b` the longer name is meant.
    let mut owners: Vec<usize> = (0..parties.len()).collect();
    owners.sort_by_key(|p| std::cmp::Reverse(parties[*p].name.len()));
    owners.into_iter().find_map(|p| {
        let own = name.strip_prefix(&*parties[p].name)?;
        let is = |e: &&Entry| {
            let pattern = e.name.strip_prefix("<party>").unwrap_or_default();
            match pattern.split_once("<score>") {
                Some((head, tail)) => {
                    own.len() > head.len() + tail.len() && own.starts_with(head) && own.ends_with(tail)
                }
                None => own == pattern,
            }
        };
        ENTRIES.iter().filter(|e| e.per_party()).find(is).map(|e| (e, Some(p)))
    })
}

fn form(why: impl Into<String>) -> RecordError {
    RecordError::Form { schema: SCHEMA, why: why.into() }
}

impl TryFrom<Line<'_>> for ConversationRecord {
    type Error = RecordError;

    fn try_from(line: Line<'_>) -> Result<Self, RecordError> {
        let parties: Vec<Party> = line.parties.into_iter().map(Into::into).collect();
        let reasons: HashMap<_, _> = line.reasons.0.into_iter().collect();
        let mut measures = Vec::with_capacity(line.measures.0.len());
        for (name, value) in line.measures.0 {
            let value = match (value, reasons.get(&name)) {
                (Some(number), None) => Ok(number),
                (None, Some(why)) => Err(*why),
                (Some(_), Some(_)) => {
                    return Err(form(format!("measures.{name}: has a number, and a reason for having none")));
                }
                (None, None) => return Err(form(format!("measures.{name}: has neither a number nor a reason"))),
            };
            // Readers ignore names that they do not know.
            if let Some((entry, party)) = entry(&name, &parties) {
                measures.push(Measure { name: name.into_owned().into(), entry, party, value });
            }
        }
        let parameters =
            Parameters::from_named(line.parameters.0.iter().map(|(name, s)| (&**name, *s))).map_err(form)?;
        Ok(Self {
            stream: line.stream.into(),
            source: line.source.into(),
            parties,
            start_ns: line.start_ns,
            end_ns: line.end_ns,
            running_end_ns: line.running_end_ns,
            revision: line.revision,
            ended: line.ended,
            software: line.provenance.software.into_owned().into(),
            configuration: line.provenance.configuration,
            model: line.provenance.model.map(Cow::into_owned),
            parameters,
            measures,
        })
    }
}

/// All that is certain of a record of any version.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

pub(super) fn read(text: &str) -> Result<ConversationRecord, RecordError> {
    let line = serde_json::from_str::<Line<'_>>(text);
    let schema = match &line {
        Ok(line) => Some(line.schema.to_string()),
        Err(_) => serde_json::from_str(text).ok().map(|head: Head| head.schema),
    };
    if let Some(found) = schema.filter(|s| s != SCHEMA) {
        return Err(RecordError::Schema { expected: SCHEMA, found });
    }
    line.map_err(|e| form(e.to_string()))?.try_into()
}
