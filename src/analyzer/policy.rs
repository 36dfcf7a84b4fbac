//! Policies of a stream's channels, from roles and settings, and how they bind records.
//!
//! They are enforced here, not by callers: no path from samples to results goes around them. Where two say something of the
//! same voice, the stricter holds.

use super::Config;
use crate::conversation::ConversationRecord;
use crate::error::ConfigError;
use crate::record::{Channel, Policy, Record};
use std::str::FromStr;
use std::sync::Arc;

/// Roles of people whose expression may be scored unless the settings say otherwise.
const SCORED_ROLES: [&str; 6] = ["caller", "customer", "client", "patient", "guest", "user"];

impl Policy {
    /// What holds where the settings say nothing: a channel without a role is allowed, and so are the roles `caller`,
    /// `customer`, `client`, `patient`, `guest` and `user`, in any case of letters. Every other role has features only: an agent is
    /// somebody at work, whose emotions the law (in the EU) does not allow to be inferred, and a word that is not known may
    /// mean one.
    #[must_use]
    pub fn for_role(role: Option<&str>) -> Self {
        match role.map(str::trim).filter(|r| !r.is_empty()) {
            Some(role) if !SCORED_ROLES.iter().any(|known| role.eq_ignore_ascii_case(known)) => Self::FeaturesOnly,
            _ => Self::Allow,
        }
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

impl FromStr for Policy {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::named(s).ok_or_else(|| ConfigError::Unknown {
            what: "policy",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// The policies of all channels of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    /// Roles of the channels in order; an empty name is no role.
    roles: Vec<Arc<str>>,
    /// Policies of the channels in order; `None` leaves it to the role.
    listed: Vec<Option<Policy>>,
}

impl Policies {
    /// The policies for channels with these roles, of which this is said.
    #[must_use]
    pub fn new(roles: Vec<Arc<str>>, listed: Vec<Option<Policy>>) -> Self {
        Self { roles, listed }
    }

    /// Policies that allow nothing on any channel.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(Vec::new(), vec![Some(Policy::Deny)])
    }

    /// The policy of a channel of a stream with `channels` channels; `None` is the mean of all channels.
    #[must_use]
    pub fn of(&self, channel: Option<usize>, channels: usize) -> Policy {
        policy_of(&self.roles, &self.listed, channel, channels)
    }

    /// The strictest policy of a channel and of those that carry the same samples.
    #[must_use]
    pub fn of_all(&self, channel: &Channel, channels: usize) -> Policy {
        policy_of_all(channel, |c| self.of(c, channels))
    }

    /// The policy for a record that somebody else may have made: the stricter of these and the one it was made under.
    #[must_use]
    pub fn of_record(&self, record: &Record, channels: usize) -> Policy {
        self.of_all(&record.channel, channels).max(record.policy)
    }

    /// Makes a record what it may be under these policies: scores go where there may be none, and the record carries the
    /// stricter policy from now on. Says whether it may be handed out at all.
    #[must_use]
    pub fn bind(&self, record: &mut Record, channels: usize) -> bool {
        record.policy = self.of_record(record, channels);
        if record.policy != Policy::Allow {
            record.scored = None;
            record.release();
        }
        record.policy != Policy::Deny
    }
}

impl Policies {
    /// Makes a record of a conversation what it may be under these policies: what would tell of a denied party goes, and the scores of one with
    /// features only. Says whether it may be handed out at all.
    #[must_use]
    pub fn bind_conversation(&self, record: &mut ConversationRecord, channels: usize) -> bool {
        record.bind(|party| self.of(party.channel, channels))
    }
}

/// A channel that is listed has the policy of the list, or where that is empty the one of its role. A channel beyond the list
/// has the strictest of the list and of its role. The mean of all channels has the strictest of all: everybody is heard in it.
fn policy_of(roles: &[Arc<str>], listed: &[Option<Policy>], channel: Option<usize>, channels: usize) -> Policy {
    let of_one = |c: usize| {
        let by_role = Policy::for_role(roles.get(c).map(AsRef::as_ref));
        match listed.get(c) {
            Some(said) => said.unwrap_or(by_role),
            None => listed.iter().flatten().copied().max().map_or(by_role, |strictest| strictest.max(by_role)),
        }
    };
    match channel {
        Some(c) => of_one(c),
        // Whatever is said of channels beyond those that came counts too.
        None => (0..channels.max(listed.len()).max(roles.len())).map(of_one).max().unwrap_or(Policy::Allow),
    }
}

fn policy_of_all(channel: &Channel, of: impl Fn(Option<usize>) -> Policy) -> Policy {
    channel.same_as.iter().map(|c| of(Some(*c))).fold(of(channel.index), Policy::max)
}

impl Config {
    /// The strictest policy of a channel and of those that carry the same samples. [`Policies::of_all`] says the same.
    #[must_use]
    pub fn policy_of_all(&self, channel: &Channel, channels: usize) -> Policy {
        policy_of_all(channel, |c| self.policy_of(c, channels))
    }

    /// The policy of a channel of a stream with `channels` channels; `None` is the mean of all channels. [`Policies::of`] says
    /// the same.
    #[must_use]
    pub fn policy_of(&self, channel: Option<usize>, channels: usize) -> Policy {
        policy_of(&self.roles, &self.policy, channel, channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Policy::{Allow, Deny, FeaturesOnly};

    fn policies(roles: &str, list: &str) -> Policies {
        Policies::new(roles.split(',').map(Arc::from).collect(), Policy::list(list).unwrap())
    }

    #[test]
    fn agents_are_features_only_unless_told_otherwise() {
        let p = policies("agent,caller", "");
        assert_eq!((p.of(Some(0), 2), p.of(Some(1), 2)), (FeaturesOnly, Allow));
        assert_eq!(p.of(None, 2), FeaturesOnly, "the mix holds the agent's voice");
        let p = policies("agent,caller", "allow,deny");
        assert_eq!((p.of(Some(0), 2), p.of(Some(1), 2), p.of(None, 2)), (Allow, Deny, Deny));
        assert_eq!(Policy::list(",deny").unwrap(), [None, Some(Deny)]);
        assert!(Policy::list("allowed").unwrap_err().to_string().contains("features-only"));
        for p in Policy::ALL {
            assert_eq!(p.name().parse(), Ok(p));
        }
    }

    #[test]
    fn a_channel_beyond_the_list_has_the_strictest() {
        for (roles, list, expected) in [
            ("", "deny", [Deny, Deny, Deny]),
            ("", "allow,features-only", [Allow, FeaturesOnly, FeaturesOnly]),
            ("agent,agent", "allow", [Allow, FeaturesOnly, Allow]),
            ("agent", ",allow", [FeaturesOnly, Allow, Allow]),
            ("", "", [Allow, Allow, Allow]),
        ] {
            let p = policies(roles, list);
            assert_eq!([0, 1, 2].map(|c| p.of(Some(c), 2)), expected, "{roles} {list}");
        }
        let nothing = Policies::nothing();
        assert!([None, Some(0), Some(7)].into_iter().all(|c| nothing.of(c, 2) == Deny && nothing.of(c, 0) == Deny));
    }

    #[test]
    fn a_role_that_is_no_known_word_is_taken_strictly() {
        for role in ["agnet", "agent", "AGENT", "supervisor", "pupil", "callr"] {
            assert_eq!(Policy::for_role(Some(role)), FeaturesOnly, "{role}");
        }
        for role in ["caller", " Customer ", "patient", "", " "] {
            assert_eq!(Policy::for_role(Some(role)), Allow, "{role}");
        }
        assert_eq!(Policy::for_role(None), Allow);
    }
}
