//! Errors of the analysis: why there are no results.

use affect::error::{ConfigError, InputError};
use std::fmt;

/// Error of the analysis of a buffer.
#[derive(Debug)]
pub enum Trouble {
    /// The audio is of a kind that cannot be analysed; it passes. Returned once.
    Audio(Unfit),
    /// The settings cannot be used.
    Settings(ConfigError),
    /// This buffer could not be read; it passes.
    Buffer(String),
}

/// Reason why audio cannot be analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// Its form.
    Input(InputError),
    /// Its segment is counted in bytes, samples or nothing, so that it has no times.
    Untimed,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(e) => e.fmt(f),
            Self::Untimed => f.write_str(
                "the audio comes in a segment that is not counted in time, so that results would have no times: expected \
                 format=time (appsrc format=time, or a parser such as rawaudioparse before this)",
            ),
        }
    }
}

impl std::error::Error for Unfit {}
