//! Conversations as GStreamer structures and messages `affect-conversation`.

use crate::result::channel_number;
use affect::conversation::ConversationRecord;
use affect::record::{Ended, Policy};
use gst::prelude::*;

/// Name of the structure of a conversation, and of the message.
pub const NAME: &str = "affect-conversation";

/// A conversation as a structure: flat fields to look at, and the whole record as `json`.
///
/// Fields: `id`, `conversation-id` (string), `revision` (uint), `stream` (string), `channels` (array of int) and `policies` (array of string) of the
/// parties in order, `start-time`, `end-time` (uint64, ns of stream time), `running-end-time` (uint64 ns, where known), `partial`
/// (boolean), `ended` (string), `json` (string).
#[must_use]
pub fn structure(record: &ConversationRecord) -> gst::Structure {
    gst::Structure::builder(NAME)
        .field("id", record.id())
        .field("conversation-id", record.conversation_id())
        .field("revision", record.revision)
        .field("stream", record.stream.as_ref())
        .field("channels", gst::Array::new(record.parties.iter().map(|p| channel_number(p.channel))))
        .field("policies", gst::Array::new(record.parties.iter().map(|p| p.policy.name())))
        .field("start-time", record.start_ns)
        .field("end-time", record.end_ns)
        .field_if_some("running-end-time", record.running_end_ns)
        .field("partial", record.ended == Ended::Open)
        .field("ended", record.ended.name())
        .field("json", record.to_json())
        .build()
}

/// A conversation as an element message, with the fields that such messages have by convention: the time is that of its end.
pub fn message(record: &ConversationRecord, source: &impl IsA<gst::Object>) -> gst::Message {
    let mut body = structure(record);
    body.set("timestamp", record.end_ns);
    body.set("stream-time", record.end_ns);
    gst::message::Element::builder(body).src(source).build()
}

/// Channels of a conversation's parties with the policies that it carries; `None` for a structure that does not say them.
pub(crate) fn carried_policies(s: &gst::StructureRef) -> Option<Vec<(Option<usize>, Policy)>> {
    let (channels, policies) = (s.get::<gst::Array>("channels").ok()?, s.get::<gst::Array>("policies").ok()?);
    let one = |(channel, policy): (&glib::SendValue, &glib::SendValue)| {
        let channel = channel.get::<i32>().ok()?;
        Some((usize::try_from(channel).ok(), Policy::named(policy.get::<&str>().ok()?)?))
    };
    let all: Option<Vec<_>> = channels.iter().zip(policies.iter()).map(one).collect();
    all.filter(|a| !a.is_empty() && a.len() == channels.len() && a.len() == policies.len())
}
