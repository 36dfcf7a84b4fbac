//! Span of a segment in samples.

use crate::record::Ended;

/// Span of a segment: samples `start .. end` at 16 kHz, counted from the last cut of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
    /// Number of the revision.
    pub revision: u32,
    /// The segment goes on, or is shorter than asked for.
    pub partial: bool,
    /// Why it ends there.
    pub ended: Ended,
}
