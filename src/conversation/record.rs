//! The record of a conversation: `affect.conversation/1`, the same in messages, metas and JSON lines.

use super::segments::slug;
use super::{Measure, Parameters, SCHEMA, Undefined, json};
use crate::record::{Ended, Fingerprint, ModelInfo, Parts, Policy, RecordError, Text};
use std::sync::Arc;

/// A party: whoever speaks on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Name in measures: the role, or `channel_0`.
    pub name: Arc<str>,
    /// Index of the channel, the first being 0; `None` for the mean of all.
    pub channel: Option<usize>,
    /// Role of whoever speaks on it, where known.
    pub role: Option<Arc<str>>,
    /// Audio track of a file with several.
    pub track: Option<usize>,
    /// Policy of the channel, the strictest of all that the record has passed.
    pub policy: Policy,
}

/// Names of parties on channels with these roles: the role, in lower case, of letters and digits with `_` between; `channel_0` where there is
/// none, `mix` for the mean of all channels; with the channel where several have the same role.
#[must_use]
pub fn party_names(channels: &[(Option<usize>, Option<&str>)]) -> Vec<Arc<str>> {
    let plain = |(channel, role): &(Option<usize>, Option<&str>)| -> String {
        let name = role.map(slug).unwrap_or_default();
        match channel {
            _ if !name.is_empty() => name,
            Some(c) => format!("channel_{c}"),
            None => "mix".to_owned(),
        }
    };
    let names: Vec<String> = channels.iter().map(plain).collect();
    let unique = |name: &String| names.iter().filter(|n| *n == name).count() == 1;
    let full = names.iter().zip(channels).map(|(name, (channel, _))| match channel {
        Some(c) if !unique(name) => format!("{name}_channel_{c}"),
        _ => name.clone(),
    });
    full.map(Into::into).collect()
}

/// All measures of one conversation, or of one so far.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConversationRecord {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// Name of whoever made the record.
    pub source: Arc<str>,
    /// The parties, in the order of their channels.
    pub parties: Vec<Party>,
    /// Start in stream time, ns.
    pub start_ns: u64,
    /// Where it is, or ends, in stream time, ns.
    pub end_ns: u64,
    /// The end in the running time of a pipeline, ns, where there is one.
    pub running_end_ns: Option<u64>,
    /// Number of the revision: interim ones count up to the final one.
    pub revision: u32,
    /// Why it ends there; [`Ended::Open`] where it goes on.
    pub ended: Ended,
    /// Name and version of the software.
    pub software: Text,
    /// Fingerprint of the settings.
    pub configuration: Fingerprint,
    /// The model that scored segments, where one did.
    pub model: Option<ModelInfo>,
    /// The thresholds.
    pub parameters: Parameters,
    /// The measures, in the order of the catalogue.
    pub measures: Vec<Measure>,
}

impl ConversationRecord {
    /// A measure by its name: `None` where there is no such measure, else its number or why it has none.
    #[must_use]
    pub fn measure(&self, name: &str) -> Option<Result<f64, Undefined>> {
        self.measures.iter().find(|m| m.name == name).map(|m| m.value)
    }

    /// Number of a measure: `None` where there is no such measure or it is undefined.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.measure(name)?.ok()
    }

    /// Makes it what it may be where `policy` holds for each party: measures that tell of a denied one go, and the scores of those that have
    /// features only. Says whether anything may be handed out at all.
    pub fn bind(&mut self, policy: impl Fn(&Party) -> Policy) -> bool {
        for party in &mut self.parties {
            party.policy = party.policy.max(policy(party));
        }
        self.measures.iter_mut().for_each(|m| m.restrict(&self.parties));
        if !self.parties.iter().any(|p| p.policy == Policy::Allow) {
            self.model = None;
        }
        self.may_be_told()
    }

    /// Whether there is a party that is not denied.
    #[must_use]
    pub fn may_be_told(&self) -> bool {
        self.parties.iter().any(|p| p.policy != Policy::Deny)
    }

    fn parts(&self) -> Parts {
        let parts = Parts::new().text(SCHEMA).text(&self.stream).count(Some(self.start_ns));
        let channels = self.parties.iter().fold(parts, |parts, p| {
            parts.count(p.channel.map(|c| c as u64)).count(p.track.map(|t| t as u64)).text(&p.name)
        });
        channels.text(&self.configuration.to_string())
    }

    /// Identity of the conversation, 32 hexadecimal digits: equal for all its revisions.
    #[must_use]
    pub fn conversation_id(&self) -> String {
        self.parts().digest()
    }

    /// Identity of the record, 32 hexadecimal digits: equal for equal conversations, ends, revisions and models.
    #[must_use]
    pub fn id(&self) -> String {
        let parts = self.parts().text("result").count(Some(self.end_ns)).text(self.ended.name());
        let parts = parts.count(Some(u64::from(self.revision)));
        let parts = match &self.model {
            Some(m) => parts.text(&m.id).text(&m.version).text(&m.sha256),
            None => parts,
        };
        parts.digest()
    }

    /// The record as one line of JSON without a line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// The record of a line of JSON. Measures that this version does not know are left out; identities are not read, they follow from the rest.
    ///
    /// # Errors
    /// [`RecordError::Schema`] for another schema or version, [`RecordError::Form`] for what is no record.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        json::read(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_have_names_of_their_own() {
        let names = |list: &[(Option<usize>, Option<&str>)]| -> Vec<String> {
            party_names(list).iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&[(Some(0), Some("Agent")), (Some(1), Some("caller"))]), ["agent", "caller"]);
        assert_eq!(names(&[(Some(0), None), (Some(2), Some(" "))]), ["channel_0", "channel_2"]);
        assert_eq!(
            names(&[(Some(0), Some("agent")), (Some(1), Some("AGENT"))]),
            ["agent_channel_0", "agent_channel_1"]
        );
        assert_eq!(names(&[(None, None)]), ["mix"]);
    }
}
