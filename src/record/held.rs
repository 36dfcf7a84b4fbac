//! What the analyzer still holds of a segment that is to be scored: no part of the record, and never written.

use std::sync::Arc;

/// Low-level descriptors of `affect-v1`.
const DESCRIPTORS: usize = 53;

/// Low-level descriptors of a segment, a row every 10 ms, for whoever explains a score over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Contours {
    /// One row of the descriptors of `affect-v1` after another.
    pub frames: Vec<[Option<f32>; DESCRIPTORS]>,
    /// Sample of the segment in the middle of the first row.
    pub first: i64,
    /// Standard deviation of each descriptor over all that was heard of the speaker, this segment included.
    pub spread: Vec<Option<f32>>,
}

/// Samples of a segment at 16 kHz, for a model that takes waveforms and has not been asked yet; and what is measured in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    samples: Option<Arc<[f32]>>,
    contours: Option<Arc<Contours>>,
    /// Which segment of which conversation it is, for scores that come later. It stays when the rest is let go, and makes no record
    /// another one.
    segment: Option<(u64, u32)>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.samples == other.samples && self.contours == other.contours
    }
}

impl Held {
    /// Holds samples, and descriptors.
    pub fn samples(samples: Option<&[f32]>, contours: Option<Arc<Contours>>) -> Self {
        Self { samples: samples.map(Arc::from), contours, segment: None }
    }

    /// Lets go of everything but the number of the segment.
    pub fn release(&mut self) {
        *self = Self { segment: self.segment, ..Self::default() };
    }

    /// Notes which segment of which conversation it is.
    pub fn set_segment(&mut self, number: Option<(u64, u32)>) {
        self.segment = number;
    }

    /// Which segment of which conversation it is, where that was noted.
    pub fn segment(&self) -> Option<(u64, u32)> {
        self.segment
    }

    /// The samples, where they are held.
    #[cfg(feature = "model")]
    pub fn get(&self) -> Option<&[f32]> {
        self.samples.as_deref()
    }

    /// The descriptors, where they are held.
    #[cfg(feature = "model")]
    pub fn contours(&self) -> Option<&Contours> {
        self.contours.as_deref()
    }

    /// Whether anything is held.
    pub fn is_something(&self) -> bool {
        self.samples.is_some()
    }
}
