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
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Held {
    samples: Option<Arc<[f32]>>,
    contours: Option<Arc<Contours>>,
}

impl Held {
    /// Holds samples, and descriptors.
    pub fn samples(samples: Option<&[f32]>, contours: Option<Arc<Contours>>) -> Self {
        Self { samples: samples.map(Arc::from), contours }
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
