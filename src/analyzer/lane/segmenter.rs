//! Segmenter: which stretches of a channel become results.

use super::FEW_ROWS;
use crate::analyzer::config::Segmentation;
use crate::record::{Ended, SegmentKind};
use crate::segment::span::Span;
use crate::segment::utterance::Utterances;
use crate::segment::windows::Windows;
use crate::signal::HOP;

/// Rows kept beside the longest segment: the longest pitch decision, the resampler's delay, and some room.
const SPARE_ROWS: u64 = 128;

/// Segmenter of a lane.
#[derive(Debug)]
pub(super) enum Segmenter {
    Frames,
    File,
    Windows(Windows),
    Utterances(Utterances),
}

impl Segmenter {
    /// For a segmentation, with the number of rows that its segments need.
    pub fn new(segmentation: Segmentation) -> (Self, usize) {
        match segmentation {
            Segmentation::Frames => (Self::Frames, FEW_ROWS),
            Segmentation::File => (Self::File, FEW_ROWS),
            Segmentation::Windows(w) => {
                let kept = w.length / HOP as u64 + SPARE_ROWS;
                (Self::Windows(Windows::new(w.length, w.hop)), kept as usize)
            }
            Segmentation::Utterances(u) => {
                let kept = (u.max_length + u.min_pause) / HOP as u64 + SPARE_ROWS;
                (Self::Utterances(Utterances::new(u)), kept as usize)
            }
        }
    }

    /// What its segments are called.
    pub fn kind(&self) -> SegmentKind {
        match self {
            Self::Frames => SegmentKind::Frame,
            Self::File => SegmentKind::File,
            Self::Windows(_) => SegmentKind::Window,
            Self::Utterances(_) => SegmentKind::Utterance,
        }
    }

    /// First sample that a segment may still need.
    pub fn earliest(&self) -> u64 {
        match self {
            Self::Windows(w) => w.earliest(),
            Self::Utterances(u) => u.earliest(),
            Self::Frames | Self::File => 0,
        }
    }

    /// Whether something that may become a result began before a sample.
    pub fn has_begun_before(&self, at: u64) -> bool {
        match self {
            Self::Frames => true,
            Self::File => at > 0,
            Self::Windows(w) => w.earliest() < at,
            Self::Utterances(u) => u.has_begun_before(at),
        }
    }

    /// The stream ends at sample `position`: what is open.
    pub fn finish(&mut self, position: u64, ended: Ended) -> Option<Span> {
        match self {
            Self::Frames => None,
            Self::File => {
                Some(Span { start: 0, end: position, revision: 0, partial: false, ended }).filter(|s| s.end > 0)
            }
            Self::Windows(w) => w.finish(position, ended),
            Self::Utterances(u) => u.finish(position, ended),
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        match self {
            Self::Windows(w) => w.reset(),
            Self::Utterances(u) => u.reset(),
            Self::Frames | Self::File => {}
        }
    }
}
