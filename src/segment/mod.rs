//! Which parts of a stream become results: windows, utterances.

pub mod content;
pub mod span;
pub mod utterance;
pub mod vad;
pub mod windows;
