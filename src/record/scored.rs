//! Scores of a segment by a model, and their explanations.

use super::number::named;
use super::{FrameExplanation, Text};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Identity of the model that scored a segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name, from the card.
    pub id: Arc<str>,
    /// Version of model and card.
    pub version: Arc<str>,
    /// SHA-256 of the file.
    pub sha256: Arc<str>,
    /// Engine that ran it.
    pub engine: Arc<str>,
    /// What features were compared with: `background`, `training speakers` or `this speaker`.
    pub normaliser: Text,
}

/// A number under a name.
pub type Named = (Arc<str>, f64);

/// Lower and upper end of a number under a name.
pub type NamedInterval = (Arc<str>, (f64, f64));

/// What the record and the timeline say of a voice or line that the model has not heard the like of.
pub const UNLIKE: &str = "this voice or line is unlike what the model has heard";

/// Scores: a measure of expression, not of feelings.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Emotion {
    /// Value of each dimension or target: what the model learnt by itself first, then what follows from the labels.
    #[serde(default, with = "named", skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Named>,
    /// Intervals of dimensions, where the model has them: its card says how often the truth lay inside.
    #[serde(default, with = "named", skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<NamedInterval>,
    /// The top label; `None` where the model abstains or gives no labels.
    pub label: Option<Arc<str>>,
    /// Calibrated probability of the most probable label, also where the model abstains.
    pub confidence: Option<f64>,
    /// Why the model does not answer.
    pub abstained: Option<String>,
    /// The model could not be run: a failure, which `abstained` describes, and no rule of its card. Never written.
    #[serde(skip)]
    pub failed: bool,
    /// Calibrated probability of each label.
    #[serde(default, with = "named", skip_serializing_if = "Vec::is_empty")]
    pub probabilities: Vec<Named>,
    /// Entropy of the probabilities, in bits.
    pub entropy_bits: Option<f64>,
    /// Share of the training rows that lie nearer to what the model has heard, from 0 to 1, where the model knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<f64>,
    /// Seconds of speech that the speaker's baseline rests on, where the model uses one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_speech_s: Option<f32>,
}

impl Emotion {
    /// Whether nearly all training rows lie nearer to what the model has heard: [`UNLIKE`].
    #[must_use]
    pub fn is_unlike(&self) -> bool {
        self.novelty.is_some_and(|n| n >= 0.99)
    }
}

/// Contribution of a group of features to a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// Name of the group.
    pub name: Text,
    /// Its contribution.
    pub contribution: f64,
}

/// The share of a feature that says the same as another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearCopy {
    /// Name in the catalogue.
    pub name: Text,
    /// Its contribution.
    pub contribution: f64,
}

/// Contribution of a feature to a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureShare {
    /// Name in the catalogue.
    pub name: Text,
    /// Its contribution.
    pub contribution: f64,
    /// Standard error of the contribution, where it was sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<f64>,
    /// Its value; `None` where it is undefined.
    pub value: Option<f32>,
    /// Unit of the value.
    pub unit: Text,
    /// Distance from the reference, in the reference's scales.
    pub z: Option<f64>,
    /// Conditions of this audio that the feature does not survive: what it says here is to be taken with care.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub does_not_survive: Vec<Text>,
    /// Features that rise and fall with it, which are not listed themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_copies: Vec<NearCopy>,
    /// What a listener hears, compared with whom, how much, and what it and its near copies contribute together.
    pub sentence: String,
}

impl fmt::Display for FeatureShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Attribution of one score: the contributions of groups and features to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// `linear`, `tree`, `shapley-groups` or `shapley`; `grad-cam` or `occlusion` over the frames of a waveform.
    pub method: Text,
    /// Label or dimension that is explained.
    pub target: Arc<str>,
    /// `score` (the model's own unit) or `probability`.
    pub unit: Text,
    /// Mean score over the background; `None` where frames are explained, which are compared with none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<f64>,
    /// The segment's score.
    pub output: f64,
    /// `output - base -` the sum of the groups' contributions; `None` where there is no base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<f64>,
    /// What z-scores are relative to.
    pub reference: Text,
    /// All groups, in the catalogue's order; none where frames are explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupShare>,
    /// The features that moved the score most, in that order; near copies count together and are listed once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<FeatureShare>,
    /// Sum of the contributions of all other features, where features are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_features: Option<f64>,
    /// Where in the segment a model of waveforms looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Box<FrameExplanation>>,
}

/// Scores of a segment by one model, with their attributions.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The model.
    pub model: ModelInfo,
    /// Its scores.
    pub emotion: Emotion,
    /// Attributions, one for each label or dimension that is explained.
    pub explanations: Vec<Explanation>,
}
