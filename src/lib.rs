//! Affect.
pub mod error;
pub mod signal;
pub mod features;
pub mod descriptors;
