//! A call as a row.

use super::{Means, Moved};
use crate::plan::PlannedCall;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a call has no results, or not all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CallError {
    /// It is not there any more.
    Vanished,
    /// It is another file than the plan was made of.
    ChangedSincePlan,
    /// It cannot be opened or read.
    Unreadable,
    /// It has no bytes.
    Empty,
    /// It is damaged, or no recording.
    Decode,
    /// There is no audio in it.
    NoAudio,
    /// A decoder for it is not installed.
    NoDecoder,
    /// The settings do not fit it: a channel or track that it does not have.
    Unsuitable,
    /// It ends early or is damaged on the way; what is there was analysed.
    Incomplete,
    /// The model could not be run.
    Model,
    /// The analysis died.
    Crashed,
    /// The analysis took too long, or did not get on.
    TimedOut,
    /// The analysis took too much memory.
    OutOfMemory,
}

impl CallError {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Vanished,
        Self::ChangedSincePlan,
        Self::Unreadable,
        Self::Empty,
        Self::Decode,
        Self::NoAudio,
        Self::NoDecoder,
        Self::Unsuitable,
        Self::Incomplete,
        Self::Model,
        Self::Crashed,
        Self::TimedOut,
        Self::OutOfMemory,
    ];

    /// The word in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vanished => "vanished",
            Self::ChangedSincePlan => "changed-since-plan",
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::Decode => "decode",
            Self::NoAudio => "no-audio",
            Self::NoDecoder => "no-decoder",
            Self::Unsuitable => "unsuitable",
            Self::Incomplete => "incomplete",
            Self::Model => "model",
            Self::Crashed => "crashed",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CallError {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|e| e.name() == text)
            .ok_or_else(|| format!("\"{text}\": expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// What a recording is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Where its audio ends, ns.
    pub duration_ns: u64,
    /// Channels of all its tracks.
    pub channels: u32,
    /// Samples a second of its first track.
    pub sample_rate_hz: u32,
}

/// A call of a part: what the plan says of it, and what came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallRow {
    /// Number of the part.
    pub part: u32,
    /// What the plan says.
    pub call: PlannedCall,
    /// What it is like, where it could be decoded.
    pub heard: Option<Heard>,
    /// Why results are missing.
    pub error: Option<CallError>,
    /// The same in words.
    pub error_message: Option<String>,
    /// Results in `utterances_file`.
    pub utterances: u64,
    /// Means of its scores.
    pub means: Means,
    /// What moved them.
    pub moved: Moved,
    /// Further numbers by name (measures of the conversation); `None` is undefined.
    pub numbers: Vec<(String, Option<f64>)>,
    /// Base name of the file with the utterances of the part.
    pub utterances_file: String,
    /// SHA-256 of that file.
    pub utterances_sha256: String,
}
