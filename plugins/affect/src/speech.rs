//! Element messages `affect-speech-started` and `affect-speech-ended`.

use crate::result::{channel_number, same_as_value};
use affect::analyzer::{Speech, SpeechEvent};
use gst::prelude::*;

/// Name of the message about a start of speech.
pub const STARTED: &str = "affect-speech-started";

/// Name of the message about an end of speech.
pub const ENDED: &str = "affect-speech-ended";

/// The start or end of speech as an element message.
///
/// Fields: `stream` (string), `channel` (int, -1 for the mix of all), `role` (string, where known), `same-as` (array of int, where other channels
/// carry the same samples), `policy` (string), `timestamp`,
/// `stream-time` (uint64, ns of stream time), `running-time` (uint64 ns, where known), and for an end `utterance` (boolean): whether
/// there was enough speech for an utterance, which has a result of its own.
pub fn message(speech: &Speech, source: &impl IsA<gst::Object>) -> gst::Message {
    let (name, utterance) = match speech.event {
        SpeechEvent::Started => (STARTED, None),
        SpeechEvent::Ended { utterance } => (ENDED, Some(utterance)),
    };
    let body = gst::Structure::builder(name)
        .field("stream", speech.stream.as_ref())
        .field("channel", channel_number(speech.channel.index))
        .field_if_some("role", speech.channel.role.as_deref())
        .field_if_some("same-as", same_as_value(&speech.channel))
        .field("policy", speech.policy.name())
        .field("timestamp", speech.at_ns)
        .field("stream-time", speech.at_ns)
        .field_if_some("running-time", speech.running_ns)
        .field_if_some("utterance", utterance)
        .build();
    gst::message::Element::builder(body).src(source).build()
}
