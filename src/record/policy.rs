//! Policy of a channel: which results it may have.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which results a channel may have, from the most permissive to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Features and scores.
    Allow,
    /// Features, no scores.
    FeaturesOnly,
    /// No results at all.
    Deny,
}

impl Policy {
    /// Every policy, from the most permissive to the strictest.
    pub const ALL: [Self; 3] = [Self::Allow, Self::FeaturesOnly, Self::Deny];

    /// The name in settings and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::FeaturesOnly => "features-only",
            Self::Deny => "deny",
        }
    }

    /// The policy of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
