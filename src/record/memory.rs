//! Memory of a speaker baseline: which segments the usual values are taken from.

use serde::{Deserialize, Serialize};

/// Segments that a speaker baseline rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Memory {
    /// The last 64 segments: for live streams.
    #[default]
    Recent,
    /// All segments, about 1 kB each: for whole recordings.
    All,
}

impl Memory {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recent => "recent",
            Self::All => "all",
        }
    }
}
