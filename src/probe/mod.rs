//! Probes of waveform models: which layer holds which named feature, and which of it the score uses.
//!
//! Hidden states, pooled over utterances and at single frames, are read by linear maps on speakers that these were not fitted to,
//! beside two controls: shuffled targets, and the same architecture with random weights. What is held need not be used: the part of a
//! layer that a linear map of a feature explains is erased in closed form, and what that does to the recall of a read-out and to the model's
//! own score is compared with erasing random directions. `docs/probe.md` has the formulas and the limits.

mod concept;
mod content;
pub mod encoder;
pub mod erasure;
pub mod error;
mod explained;
pub mod findings;
mod frames;
mod layer;
mod readout;
pub mod report;
pub mod ridge;
pub mod scatter;
mod score;
pub mod settings;
pub mod study;
pub mod track;
mod used;
