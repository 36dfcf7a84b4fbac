//! Why a feature has no value of its own.

use serde::{Deserialize, Serialize};

/// Why a feature is undefined, or stands at its standard's conventional number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// Less audio than one 60 ms frame.
    TooShort,
    /// No voiced frame.
    NoVoicedFrames,
    /// No unvoiced frame.
    NoUnvoicedFrames,
    /// The frame is unvoiced.
    Unvoiced,
    /// The contour has no slope of this direction, or fewer than needed.
    NoSlope,
    /// The values do not vary.
    NoVariation,
    /// Fewer runs of frames than needed.
    TooFewRuns,
    /// Less speech, or fewer voiced frames or periods, than the feature needs to mean something.
    NotEnoughSpeech,
    /// The frame is silent.
    Silent,
    /// The input held samples that are no numbers (NaN, infinity) or are absurdly large.
    BadInput,
    /// The part of the spectrum that the feature needs has been removed on the way (`affect-v1`).
    OutsideBand,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::TooShort,
        Self::NoVoicedFrames,
        Self::NoUnvoicedFrames,
        Self::Unvoiced,
        Self::NoSlope,
        Self::NoVariation,
        Self::TooFewRuns,
        Self::NotEnoughSpeech,
        Self::Silent,
        Self::BadInput,
        Self::OutsideBand,
    ];

    /// The name in results, in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::NoVoicedFrames => "no-voiced-frames",
            Self::NoUnvoicedFrames => "no-unvoiced-frames",
            Self::Unvoiced => "unvoiced",
            Self::NoSlope => "no-slope",
            Self::NoVariation => "no-variation",
            Self::TooFewRuns => "too-few-runs",
            Self::NotEnoughSpeech => "not-enough-speech",
            Self::Silent => "silent",
            Self::BadInput => "bad-input",
            Self::OutsideBand => "outside-band",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_serialised_ones() {
        for r in Reason::ALL {
            assert_eq!(serde_json::to_value(r).unwrap(), r.name());
        }
    }
}
