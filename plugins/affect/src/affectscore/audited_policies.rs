//! Policies in force, and which of their changes are audited.

use crate::item::Item;
use affect::analyzer::{Policies, Policy};
use affect::record::Channel;

/// Policies that were set while the element runs. A change holds at once where it is stricter, and where it is more permissive as
/// soon as it is accounted for: until then the stricter of old and new holds.
#[derive(Debug, Default)]
pub struct AuditedPolicies {
    in_force: Vec<Policies>,
    /// Number of the latest change.
    latest: u64,
    /// Number of the latest change that is audited.
    audited: u64,
    /// An audit record is being written.
    pub auditing: bool,
    /// The latest change could not be audited: nothing is allowed.
    failed: bool,
}

impl AuditedPolicies {
    /// The policies at a start, whose audit record the loader writes.
    pub fn begin(policies: Policies) -> Self {
        Self { in_force: vec![policies], latest: 1, ..Self::default() }
    }

    /// Takes over other policies.
    pub fn change(&mut self, policies: Policies) {
        if self.in_force.last() != Some(&policies) {
            self.in_force.push(policies);
            self.latest += 1;
        }
    }

    /// Number of the latest change, if it is not audited.
    pub fn due(&self) -> Option<u64> {
        (self.audited != self.latest).then_some(self.latest)
    }

    /// Notes that change `number` has been audited, or could not be.
    pub fn account(&mut self, number: u64, written: bool) {
        self.audited = number;
        self.failed = !written;
        if written && number == self.latest {
            let superseded = self.in_force.len().saturating_sub(1);
            self.in_force.drain(..superseded);
        }
    }

    /// The policy of a channel and of those that carry the same samples.
    pub fn policy_of(&self, channel: &Channel, channels: usize) -> Policy {
        let strictest = self.in_force.iter().map(|p| p.of_all(channel, channels)).max();
        strictest.filter(|_| !self.failed).unwrap_or(Policy::Deny)
    }

    /// Enforces the policies on a result. Returns whether it may be handed out.
    pub fn bind(&self, item: &mut Item, channels: usize) -> bool {
        !self.failed && !self.in_force.is_empty() && self.in_force.iter().all(|p| item.bind(p, channels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> Channel {
        Channel { index: Some(0), role: None, track: None, same_as: Vec::new() }
    }

    fn policies(list: &str) -> Policies {
        Policies::new(Vec::new(), Policy::list(list).unwrap())
    }

    #[test]
    fn the_stricter_holds_until_a_change_is_accounted_for() {
        let mut r = AuditedPolicies::default();
        assert_eq!(r.policy_of(&first(), 1), Policy::Deny, "before a start nothing is allowed");
        r = AuditedPolicies::begin(policies("features-only"));
        r.account(1, true);
        assert_eq!((r.due(), r.policy_of(&first(), 1)), (None, Policy::FeaturesOnly));
        r.change(policies("allow"));
        assert_eq!((r.due(), r.policy_of(&first(), 1)), (Some(2), Policy::FeaturesOnly));
        r.account(2, true);
        assert_eq!((r.due(), r.policy_of(&first(), 1)), (None, Policy::Allow));
        r.change(policies("deny"));
        assert_eq!(r.policy_of(&first(), 1), Policy::Deny, "at once");
        r.change(policies("allow"));
        r.account(3, true);
        assert_eq!((r.due(), r.policy_of(&first(), 1)), (Some(4), Policy::Deny));
        r.account(4, false);
        assert_eq!((r.due(), r.policy_of(&first(), 1)), (None, Policy::Deny), "not accounted for");
        r.change(policies("features-only"));
        r.account(5, true);
        assert_eq!(r.policy_of(&first(), 1), Policy::FeaturesOnly);
    }
}
