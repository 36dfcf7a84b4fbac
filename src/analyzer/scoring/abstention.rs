//! Abstention: when a model gives no answer, and why.

use super::reference::Compared;
use crate::model::ModelError;
use crate::model::card::Card;
use crate::record::{NOT_SPEECH, Quality, Record, UNLIKE};
use std::fmt;

/// Most of a segment that may be missing after concealment, and most that may have been lost in all, as shares of its samples.
const MOST_MISSING: f32 = 0.3;
const MOST_LOST: f32 = 0.5;

/// Reason for an abstention.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Abstention {
    /// The segment is made of something else.
    NotSpeech,
    /// Too much of the sound was lost on the way.
    Lost { lost: f32, missing: f32 },
    /// Too little speech in the segment.
    ShortSpeech { found_s: f64, least_s: f64 },
    /// Too little speech behind the speaker's baseline.
    ThinBaseline { found_s: f64, least_s: f64 },
    /// The row lies farther from what the model has heard than it can answer for.
    Unlike,
    /// The model is an encoder without a head.
    HiddenStates,
    /// No label is probable enough.
    Unsure { found: f64, least: f64 },
    /// The segment is nothing that the model can be asked about: undefined features, too short a waveform.
    Unfit(ModelError),
    /// The model could not be run, or gave what is no number.
    Failed(ModelError),
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// What the segment is compared with.
    pub compared: Compared,
    /// Probability of the top label.
    pub confidence: Option<f64>,
    /// Distance of the row from what the model has heard.
    pub distance: Option<f64>,
}

impl Abstention {
    /// By the quality of the sound: nothing that a model should be asked about.
    pub fn by_quality(quality: &Quality) -> Option<Self> {
        let lost = quality.lost_share.unwrap_or(0.0);
        let missing = lost - quality.concealed_share.unwrap_or(0.0);
        if lost > MOST_LOST || missing > MOST_MISSING {
            return Some(Self::Lost { lost, missing });
        }
        quality.not_speech.then_some(Self::NotSpeech)
    }

    /// By the rules of a card.
    pub fn by_rule(card: &Card, record: &Record, seen: &Seen) -> Option<Self> {
        let rule = &card.abstain;
        let speech = record.quality.as_ref().and_then(|q| q.speech_s).map(f64::from);
        if let Some(found_s) = speech.filter(|s| *s < rule.min_speech_s) {
            return Some(Self::ShortSpeech { found_s, least_s: rule.min_speech_s });
        }
        let least_s = seen.compared.least_s;
        if let Some(found_s) = seen.compared.rests_on_s.map(f64::from).filter(|s| *s < least_s) {
            return Some(Self::ThinBaseline { found_s, least_s });
        }
        if seen.distance.zip(card.novelty.as_ref()).is_some_and(|(d, n)| d > n.limit) {
            return Some(Self::Unlike);
        }
        let found = seen.confidence.filter(|p| *p < rule.confidence_below)?;
        Some(Self::Unsure { found, least: rule.confidence_below })
    }

    /// Of an error on the way to an answer.
    pub fn of(e: ModelError) -> Self {
        match e {
            ModelError::Undefined { .. } | ModelError::Mismatch { .. } => Self::Unfit(e),
            e => Self::Failed(e),
        }
    }

    /// Whether the model is to blame rather than the segment.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Abstention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSpeech => f.write_str(NOT_SPEECH),
            Self::Lost { lost, missing } => write!(
                f,
                "{:.0} % of the audio was lost and {:.0} % is missing after concealment: at most {:.0} % and {:.0} % allowed",
                100.0 * lost,
                100.0 * missing,
                100.0 * MOST_LOST,
                100.0 * MOST_MISSING
            ),
            Self::ShortSpeech { found_s, least_s } => {
                let [found, least] = apart(*found_s, *least_s, 1);
                write!(f, "{found} s of speech: {least} s needed")
            }
            Self::ThinBaseline { found_s, least_s } => {
                let [found, least] = apart(*found_s, *least_s, 1);
                write!(f, "the speaker's baseline rests on {found} s of speech: {least} s needed")
            }
            Self::HiddenStates => f.write_str("the model gives hidden states and no scores"),
            Self::Unlike => f.write_str(UNLIKE),
            Self::Unsure { found, least } => {
                let [found, least] = apart(*found, *least, 2);
                write!(f, "the most probable label has {found}: {least} needed")
            }
            Self::Unfit(e) | Self::Failed(e) => e.fmt(f),
        }
    }
}

/// Two different numbers with so many decimal places, or as many more as it takes to tell them apart.
fn apart(found: f64, least: f64, places: usize) -> [String; 2] {
    // Adding zero takes the sign from a negative zero.
    let both = |places: usize| [found, least].map(|v| format!("{:.places$}", v + 0.0));
    (places..places + 6).map(both).find(|[a, b]| a != b).unwrap_or_else(|| both(places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_not_what_is_needed() {
        let said = |a: Abstention| a.to_string();
        assert_eq!(said(Abstention::ShortSpeech { found_s: -0.0, least_s: 0.5 }), "0.0 s of speech: 0.5 s needed");
        assert_eq!(said(Abstention::ShortSpeech { found_s: 0.48, least_s: 0.5 }), "0.48 s of speech: 0.50 s needed");
        let unsure = Abstention::Unsure { found: 0.6496, least: 0.65 };
        assert_eq!(said(unsure), "the most probable label has 0.6496: 0.6500 needed");
        let unsure = Abstention::Unsure { found: 0.4, least: 0.65 };
        assert_eq!(said(unsure), "the most probable label has 0.40: 0.65 needed");
    }

    #[test]
    fn too_much_that_is_lost_is_no_segment_to_ask_about() {
        for (lost, concealed, asked) in
            [(0.0, 0.0, true), (0.5, 0.5, true), (0.3, 0.0, true), (0.51, 0.51, false), (0.4, 0.05, false)]
        {
            let q = Quality { lost_share: Some(lost), concealed_share: Some(concealed), ..Quality::default() };
            assert_eq!(Abstention::by_quality(&q).is_none(), asked, "{lost} {concealed}");
        }
        assert_eq!(Abstention::by_quality(&Quality::default()), None);
        let why = Abstention::Lost { lost: 0.62, missing: 0.4 }.to_string();
        assert_eq!(
            why,
            "62 % of the audio was lost and 40 % is missing after concealment: at most 50 % and 30 % allowed"
        );
    }

    #[test]
    fn a_model_that_fails_is_no_segment_that_does_not_fit() {
        let failed = [ModelError::Run("no memory".to_owned()), ModelError::NotFinite { output: "y".to_owned() }];
        assert!(failed.into_iter().all(|e| Abstention::of(e).is_failure()));
        let unfit = [ModelError::Undefined { feature: "f".to_owned() }, ModelError::mismatch("length", "1 s", "0.5 s")];
        assert!(unfit.into_iter().all(|e| !Abstention::of(e).is_failure()));
        assert!(!Abstention::NotSpeech.is_failure());
    }
}
