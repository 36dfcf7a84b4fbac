//! Extractors: one feature set on one channel, from frames to the functionals of a segment.

mod affect;
mod egemaps;
mod retained;

use super::config::FeatureSet;
use super::row::FrameRow;
use crate::features::affect::dispersion::Frame;
use crate::features::values::FunctionalValues;
use crate::signal::HOP;
use crate::signal::frames::{PitchFrame, ShortFrame};
use crate::signal::history::History;

/// Number of frames that an extractor keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Nothing: each frame is a result.
    Nothing,
    /// All of them, or their statistics.
    All,
    /// So many of the most recent ones.
    Recent(usize),
}

/// Functionals of one segment and how many frames they rest on.
pub(super) struct SegmentValues {
    pub values: FunctionalValues,
    /// Frames whose voicing is known, and voiced ones among them.
    pub voiced: (usize, usize),
    /// Frames left out because of bad input.
    pub bad: u64,
}

/// Extractor of one feature set on one channel.
pub(super) trait Extractor: std::fmt::Debug + Send {
    /// The set.
    fn set(&self) -> FeatureSet;
    /// Takes the next short frame.
    fn short(&mut self, frame: &ShortFrame<'_>);
    /// Takes the next pitch frame.
    fn pitch(&mut self, frame: &PitchFrame<'_>);
    /// The input has ended.
    fn finish(&mut self, history: &History);
    /// Starts again, as new.
    fn reset(&mut self);
    /// No segment begins before sample `start` any more.
    fn let_go(&mut self, start: u64);
    /// Whether every frame wholly inside `start .. end` (samples) has come.
    fn complete(&self, start: u64, end: u64) -> bool;
    /// Functionals of the frames wholly inside `start .. end` (samples), or of all where their statistics are kept.
    fn values(&mut self, start: u64, end: u64) -> SegmentValues;
    /// The low-level descriptors of the frames wholly inside `start .. end` (samples), and the number of the first of them, where the
    /// set keeps such.
    fn contours(&self, _start: u64, _end: u64) -> Option<(u64, Vec<Frame>)> {
        None
    }
    /// Hands out the rows that are complete, where each frame is a result.
    fn rows(&mut self, out: &mut dyn FnMut(FrameRow));
}

/// The extractor of a set.
pub(super) fn extractor(set: FeatureSet, keeping: Keeping) -> Box<dyn Extractor> {
    match set {
        FeatureSet::AffectV1 => Box::new(affect::AffectExtractor::new(keeping)),
        FeatureSet::EgemapsV02 => Box::new(egemaps::EgemapsExtractor::new(keeping)),
    }
}

/// Samples that a set's stream must have in reach.
pub(super) fn kept_samples(set: FeatureSet) -> usize {
    match set {
        FeatureSet::AffectV1 => crate::features::affect::stream::KEPT,
        FeatureSet::EgemapsV02 => crate::features::egemaps::stream::KEPT,
    }
}

/// Longest delay of a set's frames behind their last sample, in samples.
pub(super) fn max_delay(set: FeatureSet) -> u64 {
    match set {
        FeatureSet::AffectV1 => crate::features::affect::stream::MAX_DELAY,
        FeatureSet::EgemapsV02 => crate::features::egemaps::stream::MAX_DELAY,
    }
}

/// Frame numbers `first .. end` of frames of `length` samples that lie wholly inside `start .. stop`.
pub(super) fn inside(start: u64, stop: u64, length: usize) -> std::ops::Range<u64> {
    let first = start.div_ceil(HOP as u64);
    match stop.checked_sub(length as u64) {
        Some(last) => first..(last / HOP as u64 + 1).max(first),
        None => first..first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{PITCH, SHORT};

    #[test]
    fn only_frames_wholly_inside_count() {
        assert_eq!(inside(0, 960, PITCH), 0..1);
        assert_eq!(inside(0, 959, PITCH), 0..0);
        assert_eq!(inside(1, 1120, PITCH), 1..2);
        assert_eq!(inside(160, 1279, PITCH), 1..2);
        assert_eq!(inside(0, 100, SHORT), 0..0);
        assert_eq!(inside(48_000, 96_000, SHORT).count(), 299);
        assert_eq!(inside(48_000, 96_000, PITCH).count(), 295);
    }
}
