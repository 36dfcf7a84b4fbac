//! Affect: interpretable acoustic features of speech, streaming, with exact times.
//!
//! Audio of any rate from 8 to 192 kHz goes in, in blocks of any size; results come out: for every utterance, window
//! or file the features of a published set, each with its name, unit and meaning in a catalogue, and how good the
//! audio was. Results are measures of expression, with the limits that the catalogue states; they are not claims about
//! what somebody feels.
//!
//! The way in is [`analyzer::Analyzer`]; what comes out is [`record::Record`]. The modules stand on floors, and nothing
//! imports upwards: `record`, `error` < `signal` < `descriptors` < `features` < `segment` < `analyzer`. The library
//! opens no file, starts no thread and knows no media framework.
//!
//! Cargo features: `model` (on by default) is models, scores and explanations; `train`, with it, learning from labelled
//! recordings; without either the crate makes features of audio and needs no runtime of models.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod analyzer;
pub mod descriptors;
pub mod error;
#[cfg(feature = "model")]
pub mod explain;
pub mod features;
#[cfg(feature = "train")]
pub mod identify;
#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "model")]
pub mod onnx;
pub mod record;
pub mod segment;
pub mod signal;
