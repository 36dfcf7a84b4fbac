//! One channel's samples as they were recorded, offset and all, for feature sets that are defined on those.

use super::extractor::Extractor;
use crate::error::InputError;
use crate::signal::frames::{FrameSink, Frames, PitchFrame, ShortFrame};
use crate::signal::resample::Resampler;
use crate::signal::samples::clean;

/// Resampler and framing of the recorded samples; the shared ones run without the offset.
#[derive(Debug)]
pub(super) struct Raw {
    piece: Vec<f32>,
    resampler: Resampler,
    frames: Frames,
}

impl Raw {
    /// At least `kept` samples at 16 kHz stay in reach.
    pub fn new(rate_hz: u32, kept: usize) -> Result<Self, InputError> {
        Ok(Self {
            piece: Vec::with_capacity(rate_hz as usize / 100 + 1),
            resampler: Resampler::new(rate_hz)?,
            frames: Frames::new(kept),
        })
    }

    /// Takes a piece as it came; what is no sample counts as 0.
    pub fn take(&mut self, piece: &[f32]) {
        self.piece.clear();
        self.piece.extend_from_slice(piece);
        clean(&mut self.piece);
    }

    /// As [`Frames::mark_bad`].
    pub fn mark_bad(&mut self, hop: u64) {
        self.frames.mark_bad(hop);
    }

    /// Analyses the piece that was taken.
    pub fn push(&mut self, extractors: &mut [Box<dyn Extractor>]) {
        let frames = &mut self.frames;
        self.resampler.push(&self.piece, |x| feed(frames, x, extractors));
    }

    /// The input has ended.
    pub fn finish(&mut self, extractors: &mut [Box<dyn Extractor>]) {
        let frames = &mut self.frames;
        self.resampler.finish(|x| feed(frames, x, extractors));
        as_recorded(extractors).for_each(|e| e.finish(self.frames.history()));
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.piece.clear();
        self.resampler.reset();
        self.frames.reset();
    }
}

fn feed(frames: &mut Frames, mut x: &[f32], extractors: &mut [Box<dyn Extractor>]) {
    while !x.is_empty() {
        let taken = frames.push(x, &mut Sink(extractors));
        x = &x[taken..];
    }
}

fn as_recorded(extractors: &mut [Box<dyn Extractor>]) -> impl Iterator<Item = &mut Box<dyn Extractor>> {
    extractors.iter_mut().filter(|e| e.set().as_recorded())
}

struct Sink<'a>(&'a mut [Box<dyn Extractor>]);

impl FrameSink for Sink<'_> {
    fn short(&mut self, frame: &ShortFrame<'_>) {
        as_recorded(self.0).for_each(|e| e.short(frame));
    }

    fn pitch(&mut self, frame: &PitchFrame<'_>) {
        as_recorded(self.0).for_each(|e| e.pitch(frame));
    }
}
