//! Alteration: one property of a voice changed by a stated dose, everything else as it was.
//!
//! [`Voice::new`] analyses a channel once; [`Voice::alter`] makes any number of versions of it. F0, speaking rate, formants, jitter and
//! shimmer are changed by pitch-synchronous overlap-add on the voice's own periods, after which the short-time spectrum is brought
//! back in bands wider than a harmonic; tilt by a filter without phase, breathiness by noise with the spectrum of
//! the voice, depth of the envelope and level by gains. What is unvoiced or silent stays as it is, sample by sample, where the property
//! does not concern it. Several doses are given in this order: breathiness, those of the periods, tilt, depth, level.
//!
//! What came of a dose is for the analyzer to say: [`Measured::between`] compares the features before and after.
//!
//! ```
//! use affect::alter::{Doses, Property, Voice};
//!
//! // Half a second of a buzz of 125 Hz, as of a voice.
//! let buzz = |i: usize| (1..20).map(|h| (h as f32 * i as f32 * std::f32::consts::TAU / 128.0).cos() / h as f32).sum::<f32>();
//! let voice = Voice::new((0..8000).map(|i| 0.1 * buzz(i)).collect(), 16_000)?;
//! let altered = voice.alter(&Doses::default().with(Property::F0, 4.0)?)?;
//! assert_eq!(altered.samples.len(), 8000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod altered;
mod breath;
mod colour;
mod depth;
mod error;
mod fade;
mod heard;
mod level;
mod marks;
mod measured;
mod melody;
mod overlap_add;
mod placing;
mod property;
mod tilt;
mod transform;
mod voice;

pub use altered::Altered;
pub use error::AlterError;
pub use measured::{Measured, Movement};
pub use property::{DoseError, Doses, Property};
pub use voice::Voice;
