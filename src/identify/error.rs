//! Errors of training and of studies.

use serde::Serialize;
use std::fmt;

/// A split that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Leak {
    /// Somebody is both learnt from and tested on.
    Speaker {
        /// Who.
        speaker: String,
        /// One of their recordings in the one part, and one in the other.
        files: [String; 2],
    },
    /// Something of a session is learnt from, and something tested on.
    Session {
        /// Which.
        session: String,
        /// A recording in the one part, and one in the other.
        files: [String; 2],
    },
    /// The same sound is both learnt from and tested on.
    Recording {
        /// Where.
        files: [String; 2],
    },
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Speaker { speaker, files: [a, b] } => {
                write!(f, "speaker \"{speaker}\" is both learnt from and tested on ({a} and {b})")
            }
            Self::Session { session, files: [a, b] } => {
                write!(f, "session \"{session}\" is both learnt from and tested on ({a} and {b})")
            }
            Self::Recording { files: [a, b] } => {
                write!(f, "{a} and {b} are the same recording, one learnt from, the other tested on")
            }
        }
    }
}

impl std::error::Error for Leak {}

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
    /// Given folds leak.
    Leak(Leak),
    /// A learner failed.
    Learner(String),
    /// The work was ended by the caller.
    Interrupted,
}

impl From<Leak> for TrainError {
    fn from(leak: Leak) -> Self {
        Self::Leak(leak)
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { what, found, expected } => write!(f, "{found} {what}: expected at least {expected}"),
            Self::Width { found, expected } => write!(f, "a row with {found} features: expected {expected}"),
            Self::Leak(leak) => write!(f, "folds that leak: {leak}"),
            Self::Learner(why) => write!(f, "training failed: {why}"),
            Self::Interrupted => write!(f, "interrupted"),
        }
    }
}

impl std::error::Error for TrainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Leak(leak) => Some(leak),
            _ => None,
        }
    }
}
