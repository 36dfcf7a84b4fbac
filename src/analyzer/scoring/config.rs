//! Scoring settings: what is explained, in which unit, and how rows of several streams are run.

use crate::error::ConfigError;
use crate::explain::Unit;
use crate::model::ModelError;
use std::str::FromStr;
use std::time::Duration;

/// Depth of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Attribution {
    /// Nothing.
    None,
    /// Groups of features.
    Groups,
    /// Groups, and the features that moved the score most.
    #[default]
    Features,
}

impl Attribution {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Groups, Self::Features];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Groups => "groups",
            Self::Features => "features",
        }
    }
}

impl FromStr for Attribution {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|a| a.name() == s).ok_or_else(|| ConfigError::Unknown {
            what: "attribution",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Scoring settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoringConfig {
    /// How much is explained.
    pub attribution: Attribution,
    /// How many features are listed; 0 for all.
    pub top_k: usize,
    /// What is explained: `top`, `all`, or names of labels or dimensions with commas.
    pub target: String,
    /// In which unit.
    pub unit: Unit,
    /// Rows of several streams that are run together, at most.
    pub batch_size: usize,
    /// How long a row waits for others.
    pub batch_wait: Duration,
}

impl Default for ScoringConfig {
    fn default() -> Self {
        Self {
            attribution: Attribution::default(),
            top_k: 3,
            target: "top".to_owned(),
            unit: Unit::default(),
            batch_size: 1,
            batch_wait: Duration::ZERO,
        }
    }
}

impl ScoringConfig {
    /// Places of what is explained among a model's labels; `None` for the top one of each segment.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for a target that is no label.
    pub(super) fn targets(&self, labels: &[String]) -> Result<Option<Vec<usize>>, ModelError> {
        match self.target.as_str() {
            "top" | "" => Ok(None),
            "all" => Ok(Some((0..labels.len()).collect())),
            names => {
                let place = |n: &str| labels.iter().position(|l| l == n.trim());
                names.split(',').map(place).collect::<Option<Vec<_>>>().map(Some).ok_or_else(|| {
                    ModelError::mismatch("target", format!("top, all, or some of {}", labels.join(", ")), names)
                })
            }
        }
    }
}
