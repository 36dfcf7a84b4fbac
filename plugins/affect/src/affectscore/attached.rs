//! Results that an element upstream has attached are bound by the policies here as well.

use super::imp::AffectScore;
use crate::{conversation, result};
use affect::record::{Channel, Policy, Record, SegmentKind};

impl AffectScore {
    /// What may go on of these results; `None` if all of it may, as it is.
    ///
    /// Of a denied channel nothing goes on, of a channel without scores nothing but features, and what goes on says the stricter
    /// policy. What says too little of itself to be judged is taken strictly.
    pub(super) fn bound(&self, structures: &[gst::Structure]) -> Option<Vec<gst::Structure>> {
        let mut changed = false;
        let mut out = Vec::with_capacity(structures.len());
        for s in structures {
            match self.bind(s) {
                Bound::AsItIs => out.push(s.clone()),
                Bound::Instead(other) => {
                    changed = true;
                    out.push(other);
                }
                Bound::Nothing => changed = true,
            }
        }
        changed.then_some(out)
    }

    fn bind(&self, s: &gst::Structure) -> Bound {
        if s.name() == conversation::NAME {
            return self.bind_conversation(s);
        }
        let index = s.get::<i32>("channel").ok().and_then(|c| usize::try_from(c).ok());
        let channel = Channel { index, role: None, track: None, same_as: result::same_as(s) };
        // One that says nothing is of nobody knows whom, and has features only.
        let carried = s.get::<&str>("policy").map_or(Some(Policy::FeaturesOnly), Policy::named);
        let Some(carried) = carried else { return Bound::Nothing };
        let policy = self.outbox.with(|state| state.policy(&channel, carried));
        if policy == Policy::Deny {
            return Bound::Nothing;
        }
        let json = s.get::<&str>("json").unwrap_or_default();
        let frame = s.get::<&str>("kind").is_ok_and(|k| k == SegmentKind::Frame.name());
        // Most results are of channels that allow everything, and need not be read; single frames have no scores.
        if policy == Policy::Allow || frame || (policy == carried && !json.contains("\"emotion\"")) {
            return Bound::AsItIs;
        }
        match Record::from_json(json) {
            Ok(mut record) => {
                record.scored = None;
                record.policy = policy;
                Bound::Instead(result::structure(&record))
            }
            Err(_) => Bound::Nothing,
        }
    }
}

impl AffectScore {
    /// A conversation goes on as it is, or, where these policies are stricter for any of its parties than those that it carries, not at all.
    fn bind_conversation(&self, s: &gst::StructureRef) -> Bound {
        let may = conversation::carried(s).is_some_and(|parties| {
            parties.into_iter().all(|(index, carried)| {
                let channel = Channel { index, role: None, track: None, same_as: Vec::new() };
                self.outbox.with(|state| state.policy(&channel, carried)) == carried
            })
        });
        if may { Bound::AsItIs } else { Bound::Nothing }
    }
}

/// What becomes of a result.
enum Bound {
    AsItIs,
    Instead(gst::Structure),
    Nothing,
}
