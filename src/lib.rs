//! Affect: interpretable acoustic features of speech, streaming, with exact times.
//!
//! Audio of any rate from 8 to 192 kHz goes in, in blocks of any size; results come out: for every utterance, window
//! or file the features of a published set, each with its name, unit and meaning in a catalogue, and how good the
//! audio was. Results are measures of expression, with the limits that the catalogue states; they are not claims about
//! what somebody feels.
//!
//! # A first program
//!
//! The utterances of a recording, with their labels and the reasons for them (`examples/first.rs`):
//!
//! ```
//! # #[cfg(feature = "model")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use affect::session::{Session, Utterances};
//! use affect::signal::samples::Samples;
//!
//! // 16 kHz, one channel, 16 bits, behind a header of 44 bytes.
//! let wav = std::fs::read("tests/data/emodb/16a01Wb.wav")?;
//! let samples: Vec<i16> = wav[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
//!
//! let utterances = Utterances::default().final_only();
//! let mut session = Session::builder(16_000, 1).roles(["caller"]).segments(utterances).default_model().build()?;
//! let mut results = session.push(&Samples::s16(&samples, 1)?)?;
//! results.extend(session.finish());
//! for result in &results {
//!     println!("{:?}: {:?}, pitch {:?} Hz", result.span(), result.label(), result.value("F0_Hz_median"));
//!     result.reasons().for_each(|reason| println!("  {reason}"));
//! }
//! # assert!(results.len() == 1 && results[0].label().is_some() && results[0].reasons().count() == 3);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "model"))]
//! # fn main() {}
//! ```
//!
//! A live stream pushes its blocks as they come. [`session::Session`] is the short way in; underneath is
//! [`analyzer::Analyzer`], which the elements and the command drive, and what comes out is [`record::Record`]. The modules stand on
//! floors, and nothing imports upwards: `record`, `error` < `signal` < `descriptors` < `features` < `segment` < `conversation`, `alter` < `analyzer` <
//! `session`. The library opens no file, starts no thread and knows no media framework.
//!
//! Cargo features: `model` (on by default) is models, scores and explanations; `train`, with it, learning from labelled
//! recordings; without either the crate makes features of audio and needs no runtime of models.
#![deny(unsafe_code)]
#![warn(clippy::unwrap_used)]

pub mod alter;
pub mod analyzer;
pub mod conversation;
pub mod descriptors;
pub mod error;
#[cfg(feature = "model")]
pub mod explain;
pub mod features;
#[cfg(feature = "train")]
pub mod identify;
#[cfg(feature = "train")]
pub mod intervene;
#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "model")]
pub mod onnx;
#[cfg(feature = "train")]
mod plots;
#[cfg(feature = "train")]
pub mod probe;
pub mod record;
pub mod segment;
pub mod session;
pub mod signal;
#[cfg(feature = "train")]
pub mod statistics;
