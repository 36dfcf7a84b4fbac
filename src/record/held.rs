//! What the analyzer still holds of a segment that is to be scored: no part of the record, and never written.

use std::sync::Arc;

/// Samples of a segment at 16 kHz, for a model that takes waveforms and has not been asked yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Held(Option<Arc<[f32]>>);

impl Held {
    /// Holds samples.
    pub fn samples(samples: Option<&[f32]>) -> Self {
        Self(samples.map(Arc::from))
    }

    /// The samples, where they are held.
    #[cfg(feature = "model")]
    pub fn get(&self) -> Option<&[f32]> {
        self.0.as_deref()
    }

    /// Whether anything is held.
    pub fn is_something(&self) -> bool {
        self.0.is_some()
    }
}
