//! The policies in force, and which of them the audit record knows of.

use crate::item::Item;
use affect::analyzer::{Policies, Policy};
use affect::record::Channel;

/// Policies that were set while the element runs. A change holds at once where it is stricter, and where it is more permissive as
/// soon as it is accounted for: until then the stricter of old and new holds.
#[derive(Debug, Default)]
pub struct Rules {
    in_force: Vec<Policies>,
    /// Number of the latest change.
    latest: u64,
    /// Number of the latest change that is accounted for.
    audited: u64,
    /// Somebody is writing an audit record.
    pub auditing: bool,
    /// The latest change could not be accounted for: nothing is allowed.
    failed: bool,
}

impl Rules {
    /// The policies at a start, which is accounted for by whoever starts.
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

    /// The number of the latest change, if it is not accounted for.
    pub fn due(&self) -> Option<u64> {
        (self.audited != self.latest).then_some(self.latest)
    }

    /// Change `number` has been accounted for, or could not be.
    pub fn account(&mut self, number: u64, written: bool) {
        self.audited = number;
        self.failed = !written;
        if written && number == self.latest {
            let superseded = self.in_force.len().saturating_sub(1);
            self.in_force.drain(..superseded);
        }
    }

    /// The policy of a channel and of those that carry the same samples.
    pub fn of(&self, channel: &Channel, channels: usize) -> Policy {
        let strictest = self.in_force.iter().map(|p| p.of_all(channel, channels)).max();
        strictest.filter(|_| !self.failed).unwrap_or(Policy::Deny)
    }

    /// Binds a result. Says whether it may be handed out.
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
        let mut r = Rules::default();
        assert_eq!(r.of(&first(), 1), Policy::Deny, "before a start nothing is allowed");
        r = Rules::begin(policies("features-only"));
        r.account(1, true);
        assert_eq!((r.due(), r.of(&first(), 1)), (None, Policy::FeaturesOnly));
        r.change(policies("allow"));
        assert_eq!((r.due(), r.of(&first(), 1)), (Some(2), Policy::FeaturesOnly));
        r.account(2, true);
        assert_eq!((r.due(), r.of(&first(), 1)), (None, Policy::Allow));
        r.change(policies("deny"));
        assert_eq!(r.of(&first(), 1), Policy::Deny, "at once");
        r.change(policies("allow"));
        r.account(3, true);
        assert_eq!((r.due(), r.of(&first(), 1)), (Some(4), Policy::Deny));
        r.account(4, false);
        assert_eq!((r.due(), r.of(&first(), 1)), (None, Policy::Deny), "not accounted for");
        r.change(policies("features-only"));
        r.account(5, true);
        assert_eq!(r.of(&first(), 1), Policy::FeaturesOnly);
    }
}
