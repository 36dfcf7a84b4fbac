//! Errors of training and of studies.

use std::fmt;

/// Why nothing can be learnt from data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrainError {
    /// Too little of something.
    TooFew {
        /// What there is too little of.
        what: String,
        /// How many came.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// A row with another number of features.
    Width {
        /// How many came.
        found: usize,
        /// How many the others have.
        expected: usize,
    },
    /// Somebody speaks in several folds.
    SharedSpeaker(String),
    /// A learner failed.
    Learner(String),
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { what, found, expected } => write!(f, "{found} {what}: expected at least {expected}"),
            Self::Width { found, expected } => write!(f, "a row with {found} features: expected {expected}"),
            Self::SharedSpeaker(s) => write!(f, "speaker \"{s}\" is in several folds: expected each in one"),
            Self::Learner(why) => write!(f, "training failed: {why}"),
        }
    }
}

impl std::error::Error for TrainError {}
