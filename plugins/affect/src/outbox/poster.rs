//! Calls that an element makes without holding its lock: pushing, posting, querying peers, running a model.

use super::assert_no_lock_held;
use gst::prelude::*;

/// Bus of an element while it runs, for messages after it has been taken out of its bin.
#[derive(Debug, Clone, Default)]
pub struct LastBus(Option<gst::Bus>);

impl LastBus {
    /// The bus that the element has now, if it has one.
    pub fn of(element: &impl IsA<gst::Element>) -> Self {
        Self(element.bus())
    }

    /// Posts a message, to the bus of before where the element has none any more.
    pub fn post(&self, element: &impl IsA<gst::Element>, message: gst::Message) {
        match &self.0 {
            Some(bus) if element.bus().is_none() => drop(unlocked(|| bus.post(message))),
            _ => post(element, message),
        }
    }
}

/// Runs a closure that takes long or may call back into the element; in debug builds asserts that no lock is held.
pub fn unlocked<R>(run: impl FnOnce() -> R) -> R {
    assert_no_lock_held();
    run()
}

/// Posts a message.
pub fn post(element: &impl IsA<gst::Element>, message: gst::Message) {
    // Fails only without a bus, and then nobody listens.
    let _ = unlocked(|| element.post_message(message));
}

/// Posts an error.
pub fn error(element: &impl IsA<gst::Element>, kind: impl gst::MessageErrorDomain, text: &str) {
    unlocked(|| gst::element_error!(element, kind, ("{text}")));
}

/// Posts a warning, with what to do about it.
pub fn warning(element: &impl IsA<gst::Element>, kind: impl gst::MessageErrorDomain, text: &str, advice: &str) {
    unlocked(|| gst::element_warning!(element, kind, ("{text}"), ["{advice}"]));
}

/// Pushes an event.
pub fn push_event(pad: &gst::Pad, event: gst::Event) -> bool {
    unlocked(|| pad.push_event(event))
}

/// Pushes a buffer.
///
/// # Errors
/// As the pad says.
pub fn push(pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
    unlocked(|| pad.push(buffer))
}

/// Sends a query to the peer of a pad.
pub fn query_peer(pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
    unlocked(|| pad.peer_query(query))
}
