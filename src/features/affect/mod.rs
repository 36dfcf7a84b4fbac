//! `affect-v1`: features that mean what their names say.
//!
//! Descriptors are physical quantities of the sound, measured where they exist (voice quality and formants in voiced
//! frames only), independent of gain unless their names say otherwise, undefined rather than 0 where there is nothing
//! to measure. Each is checked against synthetic truth and against Praat on real speech, see `docs/methods.md`.

pub mod dispersion;
pub mod functionals;
pub mod lld;
mod plan;
pub mod row;
pub mod stream;
mod tract;

pub use plan::Plan;

/// Name of the set.
pub const NAME: &str = "affect-v1";
/// Version of our implementation of the set; changes when a number changes.
pub const VERSION: &str = "1";
/// Low-level descriptors.
pub const LLDS: usize = 53;
/// Functionals.
pub const FUNCTIONALS: usize = 136;
