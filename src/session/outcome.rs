//! One result of a session.

use crate::record::{Ended, Feature, FeatureShare, Policy, Record};
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// The result of one segment: what its features are, what a model says of it, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    record: Box<Record>,
}

/// Why a result has no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoLabel<'a> {
    /// No model was asked.
    NoModel,
    /// The policy of the channel allows features only: the role is an agent's, or one that is not known.
    Policy,
    /// The model does not answer, for this reason.
    Abstained(&'a str),
    /// The model gives numbers and no labels.
    Dimensions,
}

impl fmt::Display for NoLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel => f.write_str("no model was asked"),
            Self::Policy => f.write_str("the channel's policy allows features only"),
            Self::Abstained(why) => write!(f, "the model does not answer: {why}"),
            Self::Dimensions => f.write_str("the model gives numbers and no labels"),
        }
    }
}

impl Outcome {
    pub(super) fn new(record: Box<Record>) -> Self {
        Self { record }
    }

    /// Start and end of the segment, in time since the stream began.
    #[must_use]
    pub fn span(&self) -> Range<Duration> {
        Duration::from_nanos(self.record.start_ns)..Duration::from_nanos(self.record.end_ns)
    }

    /// The channel, the first being 0; `None` for the mean of all channels.
    #[must_use]
    pub fn channel(&self) -> Option<usize> {
        self.record.channel.index
    }

    /// Role of whoever speaks on the channel, where one was given.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.record.channel.role.as_deref()
    }

    /// Whether the segment has ended; interim results of long utterances are followed by further ones.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.record.ended != Ended::Open
    }

    /// Value of a feature, in the unit of the catalogue; `None` where it is undefined, or no such feature was measured.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f32> {
        self.record.value(name)
    }

    /// All features, in the order of the catalogue, each with its value or the reason why it has none.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.record.features
    }

    /// The most probable label; `None` where there is a reason not to give one ([`Self::no_label`]).
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.record.scored.as_ref()?.emotion.label.as_deref()
    }

    /// Why there is no label; `None` where there is one.
    #[must_use]
    pub fn no_label(&self) -> Option<NoLabel<'_>> {
        match &self.record.scored {
            None if self.record.policy != Policy::Allow => Some(NoLabel::Policy),
            None => Some(NoLabel::NoModel),
            Some(s) => match (&s.emotion.label, &s.emotion.abstained) {
                (Some(_), _) => None,
                (None, Some(why)) => Some(NoLabel::Abstained(why)),
                (None, None) => Some(NoLabel::Dimensions),
            },
        }
    }

    /// Calibrated probability of a label, also where the model abstains; `None` where no model gave one.
    #[must_use]
    pub fn probability(&self, label: &str) -> Option<f64> {
        let emotion = &self.record.scored.as_ref()?.emotion;
        emotion.probabilities.iter().find(|(name, _)| **name == *label).map(|(_, p)| *p)
    }

    /// The features that moved the label's score most, in that order. Each one displays as a sentence.
    pub fn reasons(&self) -> impl Iterator<Item = &FeatureShare> {
        let explained = self.record.scored.as_ref().and_then(|s| s.explanations.first());
        explained.into_iter().flat_map(|e| &e.features)
    }

    /// The whole record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The whole record, owned.
    #[must_use]
    pub fn into_record(self) -> Record {
        *self.record
    }
}
