//! What may be told about whom. Enforced here, not by callers: no path from samples to results goes around it.

use super::Config;
use crate::error::ConfigError;
use std::fmt;
use std::str::FromStr;

/// What results a channel may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    /// Features and scores.
    Allow,
    /// Features, no scores.
    FeaturesOnly,
    /// Nothing.
    Deny,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Allow, Self::FeaturesOnly, Self::Deny];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::FeaturesOnly => "features-only",
            Self::Deny => "deny",
        }
    }

    /// What holds where nothing is said: an agent is somebody at work, whose emotions the law (in the EU) does not allow to
    /// be inferred.
    #[must_use]
    pub fn for_role(role: Option<&str>) -> Self {
        if role.is_some_and(|r| r.eq_ignore_ascii_case("agent")) { Self::FeaturesOnly } else { Self::Allow }
    }

    /// Policies of the channels in order, with commas; an empty one leaves it to the channel's role.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] for other words.
    pub fn list(text: &str) -> Result<Vec<Option<Self>>, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        text.split(',').map(str::trim).map(|p| if p.is_empty() { Ok(None) } else { p.parse().map(Some) }).collect()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Policy {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.name() == s).ok_or_else(|| ConfigError::Unknown {
            what: "policy",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

impl Config {
    /// The policy of a channel of a stream with `channels` channels. The mean of all channels has the strictest policy of
    /// any of them: everybody is heard in it.
    #[must_use]
    pub fn policy_of(&self, channel: Option<usize>, channels: usize) -> Policy {
        let of = |c: usize| {
            let said = self.policy.get(c).copied().flatten();
            said.unwrap_or_else(|| Policy::for_role(self.roles.get(c).map(AsRef::as_ref)))
        };
        match channel {
            Some(c) => of(c),
            // Whatever is said of channels beyond those that came counts too.
            None => (0..channels.max(self.policy.len()).max(self.roles.len())).map(of).max().unwrap_or(Policy::Allow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_features_only_unless_told_otherwise() {
        let mut c = Config { roles: vec!["agent".into(), "caller".into()], ..Config::default() };
        assert_eq!(c.policy_of(Some(0), 2), Policy::FeaturesOnly);
        assert_eq!(c.policy_of(Some(1), 2), Policy::Allow);
        assert_eq!(c.policy_of(None, 2), Policy::FeaturesOnly, "the mix holds the agent's voice");
        c.policy = Policy::list("allow,deny").unwrap();
        assert_eq!((c.policy_of(Some(0), 2), c.policy_of(Some(1), 2)), (Policy::Allow, Policy::Deny));
        assert_eq!(c.policy_of(None, 2), Policy::Deny);
        assert_eq!(Policy::list(",deny").unwrap(), [None, Some(Policy::Deny)]);
        assert!(Policy::list("allowed").unwrap_err().to_string().contains("features-only"));
        for p in Policy::ALL {
            assert_eq!(p.name().parse(), Ok(p));
        }
    }
}
