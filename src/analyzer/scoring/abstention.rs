//! Abstention: when a model gives no answer, and why.

use crate::model::ModelError;
use crate::model::card::Abstain;
use crate::record::{NOT_SPEECH, Quality, Record};
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
    /// The model is an encoder without a head.
    HiddenStates,
    /// No label is probable enough.
    Unsure { found: f64, least: f64 },
    /// The segment is nothing that the model can be asked about: undefined features, too short a waveform.
    Unfit(ModelError),
    /// The model could not be run, or gave what is no number.
    Failed(ModelError),
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

    /// By the rules of a card, given the probability of the top label and the speech behind the speaker's baseline.
    pub fn by_rule(rule: &Abstain, record: &Record, confidence: Option<f64>, baseline_s: Option<f32>) -> Option<Self> {
        let speech = record.quality.as_ref().and_then(|q| q.speech_s).map(f64::from);
        if let Some(found_s) = speech.filter(|s| *s < rule.min_speech_s) {
            return Some(Self::ShortSpeech { found_s, least_s: rule.min_speech_s });
        }
        if let Some(found_s) = baseline_s.map(f64::from).filter(|s| *s < rule.min_baseline_s) {
            return Some(Self::ThinBaseline { found_s, least_s: rule.min_baseline_s });
        }
        let found = confidence.filter(|p| *p < rule.confidence_below)?;
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
            Self::ShortSpeech { found_s, least_s } => write!(f, "{found_s:.1} s of speech: {least_s:.1} s needed"),
            Self::ThinBaseline { found_s, least_s } => {
                write!(f, "the speaker's baseline rests on {found_s:.1} s of speech: {least_s:.1} s needed")
            }
            Self::HiddenStates => f.write_str("the model gives hidden states and no scores"),
            Self::Unsure { found, least } => write!(f, "the most probable label has {found:.2}: {least:.2} needed"),
            Self::Unfit(e) | Self::Failed(e) => e.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
