//! Findings of a probe: the content of `probe.json` (`affect.probe/1`) and of the report.

use crate::statistics::{Interval, permutation_p};
use serde::Serialize;

/// Name and version of the form.
pub const SCHEMA: &str = "affect.probe/1";

/// JSON Schema of the form.
pub const SCHEMA_JSON: &str = include_str!("../../docs/affect-probe-1.schema.json");

/// The findings of a probe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub program: &'static str,
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// The model.
    pub model: ModelFacts,
    /// What was heard.
    pub material: MaterialFacts,
    /// Recall of named features alone.
    pub features_alone: Interval,
    /// Recall of chance.
    pub chance: f64,
    /// Layers, in the order of the graph.
    pub layers: Vec<LayerFindings>,
    /// Groups and features that were erased, with the layers in which something uses them.
    pub uses: Vec<Use>,
    /// Features and descriptors that were not looked for, and why.
    pub left_out: Vec<LeftOut>,
    /// Files that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
}

/// The model that was probed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The output whose numbers are its scores.
    pub output: String,
    /// What they are.
    pub kind: String,
    /// Their names; none where it gives hidden states alone.
    pub labels: Vec<String>,
}

/// What the probe rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaterialFacts {
    /// Recordings.
    pub recordings: usize,
    /// Speakers.
    pub speakers: usize,
    /// Folds.
    pub folds: usize,
    /// Labels.
    pub labels: Vec<String>,
    /// Single frames.
    pub frames: usize,
    /// Feature set and version.
    pub feature_set: (String, String),
    /// In words.
    pub protocol: String,
    /// Draws of speakers for intervals.
    pub draws: usize,
    /// Times that targets were shuffled.
    pub shuffles: usize,
    /// Random erasures of the read-out for each that was asked for.
    pub erasures: usize,
    /// Recordings for which the model was run on with erased states.
    pub score_recordings: usize,
    /// Random erasures for each of these.
    pub score_erasures: usize,
}

/// Something that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What.
    pub name: String,
    /// Why.
    pub why: String,
}

/// What one layer holds, and what of it is used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerFindings {
    /// Name: `convolution-1`, `projection`, `hidden-0`.
    pub name: String,
    /// The tensor in the graph.
    pub tensor: String,
    /// Number of channels.
    pub channels: usize,
    /// Milliseconds from one frame to the next.
    pub step_ms: f64,
    /// Features of utterances in the states pooled over time.
    pub features: Vec<Content>,
    /// Low-level descriptors in the states of single frames.
    pub descriptors: Vec<Content>,
    /// Emotion that can be read.
    pub emotion: Emotion,
    /// What erasing groups and features does.
    pub erased: Vec<Erasure>,
}

/// How far a linear map of a layer tells a feature of speakers that it was not fitted to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Content {
    /// Name in the catalogue.
    pub name: String,
    /// Group in the catalogue.
    pub group: String,
    /// R² on held-out speakers.
    pub r2: Interval,
    /// The same for shuffled targets.
    pub shuffled: f64,
    /// The same for the architecture with random weights.
    pub random_weights: Interval,
    /// R² beyond shuffled targets.
    pub selectivity: f64,
    /// R² beyond random weights.
    pub beyond_random: Interval,
    /// Told better than by its mean, beyond doubt, and better than shuffled targets are.
    pub held: bool,
    /// Told better than with random weights, beyond doubt.
    pub learnt: bool,
}

/// Unweighted average recall of emotion, folds as everywhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Emotion {
    /// From the layer.
    pub layer: Interval,
    /// From the same layer with random weights.
    pub random_weights: Interval,
    /// From the layer and named features together.
    pub with_features: Interval,
    /// The layer beyond random weights.
    pub beyond_random: Interval,
    /// Layer and features together beyond features alone.
    pub beyond_features: Interval,
}

/// What erasing something from a layer does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Erasure {
    /// A group, or a feature.
    pub name: String,
    /// Directions that were erased, the median of the folds.
    pub rank: usize,
    /// Mean R² of its features before.
    pub r2: f64,
    /// The same afterwards, by fresh regressions, every row erased by what other folds say.
    pub left: f64,
    /// What it does to the read-out of emotion.
    pub readout: Effect,
    /// What it does to the model's own scores.
    pub score: ScoreEffect,
}

/// Loss by an erasure beside that by random erasures of equal rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Effect {
    /// The loss.
    pub loss: f64,
    /// Mean loss of random erasures.
    pub random: f64,
    /// The difference, with its interval over speakers.
    pub excess: Interval,
    /// p value against the random erasures.
    pub p: f64,
    /// The difference is above zero beyond doubt over speakers, and p is at most 0.05.
    pub used: bool,
}

/// p values up to this count as evidence.
const EVIDENCE: f64 = 0.05;

impl Effect {
    /// Of a loss, those of random erasures, and the interval of the difference to their mean.
    #[must_use]
    pub fn new(loss: f64, random: &[f64], excess: Interval) -> Self {
        let p = permutation_p(random.iter().filter(|r| **r >= loss).count(), random.len());
        let mean = random.iter().sum::<f64>() / random.len().max(1) as f64;
        // Half a unit in the last place of 1 / 20 is no reason to doubt.
        Self { loss, random: mean, excess, p, used: excess.low > 0.0 && p <= EVIDENCE + 1e-12 }
    }
}

/// What an erasure does to the model's own scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum ScoreEffect {
    /// The graph was run on from the layer: mean squared change of the scores over their variance.
    Measured(Effect),
    /// It was not.
    NotRun {
        /// Why.
        why: String,
    },
}

impl ScoreEffect {
    /// The effect, where there is one.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        if let Self::Measured(e) = self { Some(*e) } else { None }
    }
}

/// Where a group or feature is held and used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// A group, or a feature.
    pub name: String,
    /// Layers in which at least one of its features is held.
    pub held_in: Vec<String>,
    /// Layers whose read-out of emotion uses it.
    pub readout_in: Vec<String>,
    /// Layers from which on the model's own score uses it.
    pub score_in: Vec<String>,
    /// Layers from which the model was run on.
    pub score_asked: Vec<String>,
    /// Largest excess over random erasures in the model's own score.
    pub largest: Option<f64>,
}
