//! Records as GStreamer structures, messages and events.

use crate::RESULTS_EVENT;
use affect::record::{Channel, Record};
use gst::prelude::*;

/// Name of the structure of one result, and of the message.
pub const NAME: &str = "affect-result";

/// One result as a structure: flat fields to look at, and the whole record as `json`.
///
/// Fields: `id`, `segment-id` (string), `revision` (uint), `stream` (string), `channel` (int, -1 for the mix of all), `role` (string,
/// where known), `same-as` (array of int, where other channels carry the same samples), `policy` (string), `start-time`, `end-time` (uint64, ns of stream time), `running-time`, `running-end-time` (uint64
/// ns, where known), `kind` (string), `partial` (boolean), `ended` (string), `model` and `model-version` (string) where one was
/// asked, `label` (string) and `confidence` (double) where there are any, `json` (string).
#[must_use]
pub fn structure(record: &Record) -> gst::Structure {
    let mut builder = gst::Structure::builder(NAME)
        .field("id", record.id())
        .field("segment-id", record.segment_id())
        .field("revision", record.revision)
        .field("stream", record.stream.as_ref())
        .field("channel", channel_number(record.channel.index))
        .field_if_some("role", record.channel.role.as_deref())
        .field_if_some("same-as", same_as_value(&record.channel))
        .field("policy", record.policy.name())
        .field("start-time", record.start_ns)
        .field("end-time", record.end_ns)
        .field_if_some("running-time", record.running_ns.map(|t| t.0))
        .field_if_some("running-end-time", record.running_ns.map(|t| t.1))
        .field("kind", record.segment.name())
        .field("partial", record.partial)
        .field("ended", record.ended.name());
    if let Some(s) = &record.scored {
        builder = builder
            .field("model", s.model.id.as_ref())
            .field("model-version", s.model.version.as_ref())
            .field_if_some("label", s.emotion.label.as_deref())
            .field_if_some("confidence", s.emotion.confidence);
    }
    builder.field("json", record.to_json()).build()
}

/// The number of a channel in structures: -1 for the mix of all.
pub(crate) fn channel_number(index: Option<usize>) -> i32 {
    index.map_or(-1, |c| i32::try_from(c).unwrap_or(i32::MAX))
}

/// The other channels that carry the same samples, where there are any.
pub(crate) fn same_as_value(channel: &Channel) -> Option<gst::Array> {
    let numbers = channel.same_as.iter().map(|c| channel_number(Some(*c)));
    (!channel.same_as.is_empty()).then(|| gst::Array::new(numbers))
}

/// Those channels in a structure.
pub(crate) fn same_as(s: &gst::StructureRef) -> Vec<usize> {
    let numbers = s.get::<gst::Array>("same-as").ok();
    let numbers = numbers.iter().flat_map(|a| a.iter()).filter_map(|v| v.get::<i32>().ok());
    numbers.filter_map(|c| usize::try_from(c).ok()).collect()
}

/// One result as an element message, with the fields that such messages have by convention.
pub fn message(record: &Record, source: &impl IsA<gst::Object>) -> gst::Message {
    let mut body = structure(record);
    body.set("timestamp", record.start_ns);
    body.set("stream-time", record.start_ns);
    body.set("duration", record.end_ns.saturating_sub(record.start_ns));
    body.set("endtime", record.end_ns);
    gst::message::Element::builder(body).src(source).build()
}

/// An event that carries results to elements downstream, serialised with the buffers.
#[must_use]
pub fn event(results: Vec<gst::Structure>) -> gst::Event {
    let array = gst::Array::from_values(results.into_iter().map(|s| glib::value::ToSendValue::to_send_value(&s)));
    gst::event::CustomDownstream::new(gst::Structure::builder(RESULTS_EVENT).field("results", array).build())
}

/// The results in an event made by [`event`], if it is one.
#[must_use]
pub fn from_event(event: &gst::event::CustomDownstream) -> Vec<gst::Structure> {
    event.structure().filter(|s| s.name() == RESULTS_EVENT).map(results_of).unwrap_or_default()
}

/// The structures in the field `results`.
#[must_use]
pub fn results_of(holder: &gst::StructureRef) -> Vec<gst::Structure> {
    holder
        .get::<gst::Array>("results")
        .map(|a| a.iter().filter_map(|v| v.get::<gst::Structure>().ok()).collect())
        .unwrap_or_default()
}
