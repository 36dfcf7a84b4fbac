//! A document for call analytics: JSON with the names that contact centres know (`ConversationCharacteristics`, `TalkTime`, `NonTalkTime`,
//! `Interruptions`), where what they mean is the same, and with results of its own beside them.
//!
//! There is no transcript and no sentiment in it: both are about words.

use super::{Record, party};
use affect::conversation::{Conversation, ConversationRecord, FRAME_NS, Spurt};
use affect::record::{Ended, Policy};
use affect_media::file::Heard;
use serde_json::{Map, Value, json};

/// Name and version of the form.
const SCHEMA: &str = "affect.call/1";

/// The document of a recording.
pub fn document(heard: &Heard, records: &[&Record]) -> String {
    let mut ended = heard.conversations.iter().map(|c| (c, c.record()));
    let mut ended = ended.by_ref().filter(|(_, r)| r.ended != Ended::Open);
    // A recording of several conversations (audio tracks of their own) has none as a whole.
    let conversation = match (ended.next(), ended.next()) {
        (Some(one), None) if one.1.may_be_told() => Some(one),
        _ => None,
    };
    let participants = conversation.as_ref().map_or_else(Vec::new, |(_, r)| participants(r));
    let document = json!({
        "SchemaVersion": SCHEMA,
        "Channel": "VOICE",
        "DurationMillis": millis(heard.end_ns),
        "Participants": participants,
        "ConversationCharacteristics": conversation.as_ref().map(|(c, r)| characteristics(c, r)),
        "Expressions": records.iter().map(|r| expression(r)).collect::<Vec<_>>(),
        "Software": affect::record::SOFTWARE,
    });
    // Names, numbers and texts: nothing that has no JSON.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn millis(ns: u64) -> u64 {
    (ns + 500_000) / 1_000_000
}

fn seconds(s: Option<f64>) -> Value {
    s.map_or(Value::Null, |s| Value::from((s * 1000.0).round()))
}

/// The word that contact centres have for a role; a party that is neither has its own name.
fn role(name: &str) -> String {
    match name {
        "agent" => "AGENT".to_owned(),
        "caller" | "customer" | "client" => "CUSTOMER".to_owned(),
        other => other.to_owned(),
    }
}

fn participants(r: &ConversationRecord) -> Vec<Value> {
    let one = |p: &affect::conversation::Party| {
        json!({
            "ParticipantId": p.name,
            "ParticipantRole": role(&p.name),
            "ChannelId": p.channel,
            "Policy": p.policy.name(),
        })
    };
    r.parties.iter().map(one).collect()
}

/// A stretch of the conversation in milliseconds of the recording.
fn stretch(r: &ConversationRecord, s: &Spurt) -> Value {
    let at = |frame: u64| millis(r.start_ns + frame * FRAME_NS);
    json!({
        "BeginOffsetMillis": at(s.start),
        "EndOffsetMillis": at(s.end),
        "DurationMillis": at(s.end) - at(s.start),
    })
}

fn characteristics(c: &Conversation, r: &ConversationRecord) -> Value {
    let talk = c.talk();
    let number = |name: &str| r.number(name);
    let of_party = |of: &dyn Fn(usize, &str) -> Value| -> Map<String, Value> {
        r.parties.iter().enumerate().map(|(k, p)| (role(&p.name), of(k, &p.name))).collect()
    };
    let each = of_party(&|_, name| json!({ "TotalTimeMillis": seconds(number(&format!("{name}_talk_s"))) }));
    let stretches = |list: &[Spurt]| list.iter().map(|s| stretch(r, s)).collect::<Vec<_>>();
    // What the record does not tell, because of a policy or for want of parties, the document does not either.
    let events = talk.events();
    let interruptions = of_party(&|k, name| {
        let told = number(&format!("{name}_interruptions")).is_some();
        let list = events.as_ref().and_then(|e| e.0.get(k)).filter(|_| told);
        list.map_or(Value::Null, |e| Value::from(stretches(&e.interruptions)))
    });
    let sum = |what: &str| -> Option<f64> { r.parties.iter().map(|p| number(&format!("{}_{what}", p.name))).sum() };
    let silences = number("non_talk_s").map(|_| stretches(talk.non_talk_stretches()));
    json!({
        "TotalConversationDurationMillis": seconds(number("conversation_s")),
        "TalkTime": {
            "TotalTimeMillis": seconds(number("talk_any_s")),
            "DetailsByParticipant": each,
        },
        "NonTalkTime": {
            "TotalTimeMillis": seconds(number("non_talk_s")),
            "ThresholdMillis": seconds(Some(f64::from(r.parameters.non_talk) * FRAME_NS as f64 / 1e9)),
            "Instances": silences,
        },
        "Interruptions": {
            "TotalCount": sum("interruptions"),
            "TotalTimeMillis": seconds(sum("interruptions_s")),
            "InterruptionsByInterrupter": interruptions,
        },
        // All measures under their own names, with why one has no number.
        "Measures": r.measures.iter().map(|m| (m.name.to_string(), m.value.ok().into())).collect::<Map<_, _>>(),
        "Undefined": r.measures.iter().filter_map(|m| Some((m.name.to_string(), m.value.err()?.name().into()))).collect::<Map<_, _>>(),
    })
}

/// What a party expressed when.
fn expression(r: &Record) -> Value {
    let name = party(r);
    let mut out = json!({
        "Id": r.id(),
        "ParticipantRole": role(&name),
        "BeginOffsetMillis": millis(r.start_ns),
        "EndOffsetMillis": millis(r.end_ns),
    });
    let Some(s) = r.scored.as_ref().filter(|_| r.policy == Policy::Allow) else { return out };
    let e = &s.emotion;
    let numbers = |list: &[(std::sync::Arc<str>, f64)]| -> Map<String, Value> {
        list.iter().map(|(name, value)| (name.to_string(), (*value).into())).collect()
    };
    out["Label"] = e.label.as_deref().into();
    out["Confidence"] = e.confidence.into();
    out["NoLabelBecause"] = e.abstained.as_deref().into();
    out["Probabilities"] = numbers(&e.probabilities).into();
    out["Dimensions"] = numbers(&e.dimensions).into();
    let reasons = s.explanations.iter().map(|x| {
        let sentences: Vec<Value> = x.features.iter().map(|f| f.sentence.as_str().into()).collect();
        (x.target.to_string(), Value::from(sentences))
    });
    out["Reasons"] = reasons.collect::<Map<_, _>>().into();
    out
}
