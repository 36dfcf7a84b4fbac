//! eGeMAPSv02: 25 low-level descriptors and 88 functionals, as existing tables and models contain them.
//!
//! Definitions: Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for Voice Research and Affective
//! Computing", IEEE Transactions on Affective Computing 7(2), 2016, with the departures of its reference program.
//! The set is defined at 16 kHz; other rates are resampled first.

pub mod frame;
pub mod plan;
pub mod row;
pub mod smoothing;
pub mod statistics;
pub mod stream;

/// Name of the set.
pub const NAME: &str = "egemaps-v02";
/// Version of our implementation of the set; changes when a number changes.
pub const VERSION: &str = "1";

/// Low-level descriptors from the short frames, and from the pitch frames.
pub const SHORT_COLUMNS: usize = 10;
/// Voice descriptors.
pub const VOICE_COLUMNS: usize = 15;
/// All low-level descriptors.
pub const LLDS: usize = SHORT_COLUMNS + VOICE_COLUMNS;
/// All functionals.
pub const FUNCTIONALS: usize = 88;
