//! Speech events: somebody begins or ends to speak on a channel, said as soon as it is decided.

use crate::record::{Channel, Policy};
use std::sync::Arc;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechEvent {
    /// Speech has started: the first frame of 16 ms that the detector takes for speech.
    Started,
    /// Speech has ended: a pause has followed that ends utterances, or the stream has ended.
    Ended {
        /// There was enough speech for an utterance, which has a result of its own.
        utterance: bool,
    },
}

/// Start or end of speech on one channel, as the segmentation into utterances sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Speech {
    /// What has happened.
    pub event: SpeechEvent,
    /// Name of the stream.
    pub stream: Arc<str>,
    /// Channel it is about.
    pub channel: Channel,
    /// Policy of the channel.
    pub policy: Policy,
    /// When, in stream time, ns.
    pub at_ns: u64,
    /// When, in the running time of a pipeline, ns, where there is one.
    pub running_ns: Option<u64>,
}
