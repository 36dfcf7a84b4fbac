//! Segmentation: voice activity, utterances and windows, and whether a segment is speech.

pub mod content;
pub mod edge;
pub mod span;
pub mod utterance;
pub mod vad;
pub mod windows;
