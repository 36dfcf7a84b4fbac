//! Why a measure has no number.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a measure is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Undefined {
    /// One channel: the parties cannot be told apart.
    OneChannel,
    /// Channels carry the same sound for more than a tenth of the talk: whose speech it is cannot be told.
    SameSound,
    /// The policy of a party that it would tell of forbids it.
    Policy,
    /// Nobody speaks, or the party does not.
    NoSpeech,
    /// Less speech than the measure needs.
    NotEnoughSpeech,
    /// Nothing of the kind happened that it is the median or the maximum of.
    NoEvents,
    /// No segment of the party has the feature.
    NoFeatures,
    /// No segment of the party has the score.
    NotScored,
    /// It compares two parties, and there are more.
    NotTwoParties,
    /// The conversation is longer than what is kept of one.
    TooLong,
}

impl Undefined {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::OneChannel,
        Self::SameSound,
        Self::Policy,
        Self::NoSpeech,
        Self::NotEnoughSpeech,
        Self::NoEvents,
        Self::NoFeatures,
        Self::NotScored,
        Self::NotTwoParties,
        Self::TooLong,
    ];

    /// The name in records, in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneChannel => "one-channel",
            Self::SameSound => "same-sound",
            Self::Policy => "policy",
            Self::NoSpeech => "no-speech",
            Self::NotEnoughSpeech => "not-enough-speech",
            Self::NoEvents => "no-events",
            Self::NoFeatures => "no-features",
            Self::NotScored => "not-scored",
            Self::NotTwoParties => "not-two-parties",
            Self::TooLong => "too-long",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::OneChannel => "one channel: the parties cannot be told apart",
            Self::SameSound => {
                "channels carry the same sound for more than a tenth of the talk: whose speech it is cannot be told"
            }
            Self::Policy => "the policy of a party that it would tell of forbids it",
            Self::NoSpeech => "nobody speaks, or the party does not",
            Self::NotEnoughSpeech => "less speech than the measure needs",
            Self::NoEvents => "nothing of the kind happened that it is the median or the maximum of",
            Self::NoFeatures => "no segment of the party has the feature",
            Self::NotScored => "no segment of the party has the score",
            Self::NotTwoParties => "it compares two parties, and there are more",
            Self::TooLong => "the conversation is longer than what is kept of one",
        }
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_ones() {
        for r in Undefined::ALL {
            assert_eq!(serde_json::to_value(r).unwrap(), r.name());
        }
    }
}
