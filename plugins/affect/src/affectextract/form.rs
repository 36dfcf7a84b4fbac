//! Form of the stream of results: what its caps are, and how a result becomes a buffer.

use crate::{RESULT_CAPS, conversation};
use std::str::FromStr;

/// Caps of timed text, which muxers know.
const TEXT_CAPS: &str = "text/x-raw, format=(string)utf8";

/// Form of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    /// Lines of JSON: `application/x-json`.
    #[default]
    Json,
    /// Timed text: a subtitle track whose texts are JSON.
    Text,
}

impl Form {
    const ALL: [Self; 2] = [Self::Json, Self::Text];

    /// Caps of the stream.
    pub fn caps(self) -> gst::Caps {
        let text = match self {
            Self::Json => RESULT_CAPS,
            Self::Text => TEXT_CAPS,
        };
        gst::Caps::from_str(text).unwrap_or_else(|_| gst::Caps::new_any())
    }

    /// Caps of all forms, the preferred one first.
    pub fn all_caps() -> gst::Caps {
        let mut caps = gst::Caps::new_empty();
        if let Some(caps) = caps.get_mut() {
            Self::ALL.into_iter().for_each(|f| caps.append(f.caps()));
        }
        caps
    }

    /// The preferred form among those that a peer takes.
    pub fn of_peer(taken: &gst::CapsRef) -> Self {
        Self::ALL.into_iter().find(|f| taken.can_intersect(&f.caps())).unwrap_or_default()
    }

    /// A result as a buffer that came at `at`, as long as what it is about.
    pub fn buffer(self, result: &gst::StructureRef, json: &str, at: Option<gst::ClockTime>) -> gst::Buffer {
        let mut buffer = match self {
            Self::Json => gst::Buffer::from_slice(format!("{json}\n")),
            Self::Text => gst::Buffer::from_slice(json.to_owned()),
        };
        let time = |name| result.get::<u64>(name).unwrap_or_default();
        // The result of a conversation is placed at its end, and has no duration there.
        let lasts = result.name() != conversation::NAME;
        let length = if lasts { time("end-time").saturating_sub(time("start-time")) } else { 0 };
        if let Some(b) = buffer.get_mut() {
            b.set_pts(at);
            b.set_duration(gst::ClockTime::from_nseconds(length));
        }
        buffer
    }
}
