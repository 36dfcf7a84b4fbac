//! The policies of this element, enforced on results that an element upstream has attached.

use super::imp::AffectScore;
use crate::outbox::poster;
use crate::{conversation, result};
use affect::conversation::ConversationRecord;
use affect::record::{Channel, Policy, Record};
use gst::subclass::prelude::*;

impl AffectScore {
    /// What may go on of results from upstream; `None` if all of it may, as it is.
    ///
    /// Of a denied channel nothing goes on, of a channel without scores nothing but features, and what goes on says the stricter
    /// policy; a conversation loses the measures that the policies here forbid. A result that says too little of itself to be judged is taken strictly.
    pub(super) fn enforce(&self, structures: &[gst::Structure]) -> Option<Vec<gst::Structure>> {
        let mut permitted = Vec::with_capacity(structures.len());
        let mut changed = false;
        for structure in structures {
            match self.verdict(structure) {
                Verdict::Unchanged => permitted.push(structure.clone()),
                Verdict::Replaced(bound) => {
                    changed = true;
                    permitted.push(bound);
                }
                Verdict::Dropped => changed = true,
            }
        }
        changed.then_some(permitted)
    }

    fn verdict(&self, structure: &gst::Structure) -> Verdict {
        if structure.name() == conversation::NAME {
            return self.conversation_verdict(structure);
        }
        let index = structure.get::<i32>("channel").ok().and_then(|c| usize::try_from(c).ok());
        let channel = Channel { index, role: None, track: None, same_as: result::same_as(structure) };
        // A record without a policy may be of anybody, and has features only.
        let carried = structure.get::<&str>("policy").map_or(Some(Policy::FeaturesOnly), Policy::named);
        let Some(carried) = carried else { return Verdict::Dropped };
        let policy = self.outbox.with(|state| state.policy(&channel, carried));
        if policy > carried {
            self.warn_of_looser_policy(&channel, carried, policy);
        }
        if policy == Policy::Deny {
            return Verdict::Dropped;
        }
        let json = structure.get::<&str>("json").unwrap_or_default();
        // Most results need not be read: they say this policy already, and have no scores that it forbids.
        if policy == carried && (policy == Policy::Allow || !json.contains("\"emotion\"")) {
            return Verdict::Unchanged;
        }
        match Record::from_json(json) {
            Ok(mut record) => {
                record.scored = None;
                record.policy = policy;
                Verdict::Replaced(result::structure(&record))
            }
            Err(_) => Verdict::Dropped,
        }
    }

    /// A conversation goes on as it is, or, where the policies here are stricter for any of its parties than those that it carries, without
    /// what they forbid.
    fn conversation_verdict(&self, structure: &gst::StructureRef) -> Verdict {
        let Some(parties) = conversation::carried_policies(structure) else { return Verdict::Dropped };
        let of = |index: Option<usize>| Channel { index, role: None, track: None, same_as: Vec::new() };
        let here = |index, carried| self.outbox.with(|state| state.policy(&of(index), carried));
        let mut looser = false;
        for (index, carried) in parties {
            let policy = here(index, carried);
            if policy > carried {
                self.warn_of_looser_policy(&of(index), carried, policy);
                looser = true;
            }
        }
        if !looser {
            return Verdict::Unchanged;
        }
        // Most need not be read.
        let Ok(mut record) = ConversationRecord::from_json(structure.get::<&str>("json").unwrap_or_default()) else {
            return Verdict::Dropped;
        };
        if record.bind(|party| here(party.channel, party.policy)) {
            Verdict::Replaced(conversation::structure(&record))
        } else {
            Verdict::Dropped
        }
    }

    /// Warns, once per start, that an element upstream works under a looser policy: what it posts itself passes no other element.
    fn warn_of_looser_policy(&self, channel: &Channel, carried: Policy, policy: Policy) {
        let due = self.outbox.with(|state| {
            let withheld = state.properties.closed().is_some();
            !withheld && !std::mem::replace(&mut state.stats.warned_of_upstream, true)
        });
        if due {
            let channel =
                channel.index.map_or_else(|| "the mix of all channels".to_owned(), |c| format!("channel {c}"));
            let (carried, policy) = (carried.name(), policy.name());
            let text = format!(
                "An element upstream makes results of {channel} under the policy {carried}, and here it is {policy}: what goes on from here \
                 keeps to {policy}, and messages that the element upstream posts do not"
            );
            let advice = "Set policy and channel-roles on that element as well.";
            poster::warning(&*self.obj(), gst::LibraryError::Settings, &text, advice);
        }
    }
}

/// What becomes of a result from upstream.
enum Verdict {
    Unchanged,
    Replaced(gst::Structure),
    Dropped,
}
