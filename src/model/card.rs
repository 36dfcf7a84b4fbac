//! Model card: inputs, outputs, normalisation, training data, uses and limits of a model.
//!
//! It lies as JSON in the ONNX metadata (key [`METADATA_KEY`]) or beside the file as `<model>.card.json`, which wins. Names
//! that are not known are ignored. All of its fields are described in `docs/models.md`.

mod calibration;
mod novelty;

pub use calibration::{Amount, Calibration, Reach};
pub use novelty::Novelty;

use super::error::ModelError;
use serde::{Deserialize, Serialize};

/// Key of the card in the ONNX metadata.
pub const METADATA_KEY: &str = "affect.card";
/// Name and version of the card's form.
pub const FORMAT: &str = "affect.card/1";
/// Larger cards are refused.
pub const LARGEST: usize = 64 << 20;

/// A model card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the model, without its version.
    pub id: String,
    /// Version of the model and its card.
    pub version: String,
    /// What it is, in a sentence or two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Input.
    pub input: Input,
    /// Outputs; the first one with classes or dimensions is what results show.
    pub outputs: Vec<Output>,
    /// Normaliser of the features, before they enter the graph.
    #[serde(default)]
    pub normaliser: Normaliser,
    /// Normalised features beyond this many scales enter as this many: what lies far outside the training data (another
    /// kind of line, a defect) must not decide alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Calibration: what turns scores into probabilities that can be believed.
    #[serde(default)]
    pub calibration: Calibration,
    /// Novelty: how far a row lies from what the model has heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<Novelty>,
    /// Abstention rules: when the model does not answer.
    #[serde(default)]
    pub abstain: Abstain,
    /// Dimensions that follow from the probabilities of labels; results mark them as derived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Derived>,
    /// Rows of ordinary inputs that explanations compare with, as they enter the graph (after the normaliser).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<Vec<f32>>,
    /// Licence of the weights.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// What it was trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corpora: Vec<String>,
    /// Figures, each with its protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// What it cannot do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
}

/// Input of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Input {
    /// Functionals.
    Features {
        /// Name of the graph's input.
        name: String,
        /// Name of the feature set.
        feature_set: String,
        /// Version of the feature set.
        feature_set_version: String,
        /// Names of the features in the order of the columns.
        features: Vec<String>,
    },
    /// The samples themselves, `[1, n]`, one channel.
    Waveform {
        /// Name of the graph's input.
        name: String,
        /// Sampling rate, in Hz.
        rate_hz: u32,
        /// Normalisation of the samples.
        #[serde(default)]
        normalisation: WaveformNormalisation,
        /// Shortest input, in seconds; shorter segments get no score.
        #[serde(default)]
        min_s: f64,
        /// Longest input, in seconds; longer segments are cut into windows of this length.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        longest_s: Option<f64>,
    },
}

/// Normalisation of samples, before they enter the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaveformNormalisation {
    /// Nothing: full scale is 1.
    #[default]
    None,
    /// Mean 0 and variance 1 over the segment.
    ZeroMeanUnitVariance,
}

/// Kind of an output: what its numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// One score for each label, before the softmax.
    Logits,
    /// One probability for each label (also as scikit-learn's converter writes them, as maps).
    Probabilities,
    /// One number for each dimension, such as arousal, dominance and valence.
    Dimensions,
    /// One number for each target.
    Regression,
    /// The label alone, as scikit-learn's converter writes it. Not read: the probabilities say more.
    Label,
    /// Activations inside a network.
    HiddenStates,
    /// Numbers of which nobody says what they are (models without a card): handed out as they come. No card says so.
    #[serde(skip)]
    Raw,
}

impl OutputKind {
    /// The name in cards.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logits => "logits",
            Self::Probabilities => "probabilities",
            Self::Dimensions => "dimensions",
            Self::Regression => "regression",
            Self::Label => "label",
            Self::HiddenStates => "hidden-states",
            Self::Raw => "raw",
        }
    }
}

/// One output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Name in the graph.
    pub name: String,
    /// Kind of its numbers.
    pub kind: OutputKind,
    /// Names of labels, dimensions or targets in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What turns the numbers of a dimension that was learnt by itself into amounts with an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

/// Normaliser of features, before they enter the graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Normaliser {
    /// Nothing. Undefined features enter as `fill`, where given.
    #[default]
    None,
    /// `(x - location) / scale` with the training speakers' statistics; undefined features enter as 0.
    Training {
        /// Locations in the order of the features.
        location: Vec<f64>,
        /// Scales in the order of the features, all above 0.
        scale: Vec<f64>,
    },
    /// Distances from what is usual for the speaker, in the speaker's scales; undefined features enter as 0.
    Speaker,
    /// Distances from what is usual for the training speakers until the speaker was heard, and then for the speaker: the
    /// running baseline, which draws from the one to the other. Undefined features enter as 0.
    Blended,
}

impl Normaliser {
    /// The name in results: what a z-score is relative to.
    #[must_use]
    pub const fn reference(&self) -> &'static str {
        match self {
            Self::None => "background",
            Self::Training { .. } => "training speakers",
            Self::Speaker => "this speaker",
            Self::Blended => "training speakers, then this speaker",
        }
    }

    /// Whether features are compared with a baseline of the speaker.
    #[must_use]
    pub const fn has_baseline(&self) -> bool {
        matches!(self, Self::Speaker | Self::Blended)
    }
}

/// Abstention rules: when the model does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Abstain {
    /// Below this probability of the top label.
    #[serde(default)]
    pub confidence_below: f64,
    /// With less speech in the segment, in seconds.
    #[serde(default)]
    pub min_speech_s: f64,
    /// With less speech behind the speaker's baseline, in seconds.
    #[serde(default)]
    pub min_baseline_s: f64,
}

/// A dimension that is not measured by itself: the mean of numbers that labels stand for, by their probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    /// Its name, such as `arousal`; results say `arousal (derived)`.
    pub name: String,
    /// What each label of the main output stands for, in their order.
    pub of_labels: Vec<f64>,
}

/// A result of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What it is: `UAR`, `ECE`, ...
    pub name: String,
    /// The figure.
    pub value: f64,
    /// How it was measured: folds, speaker independence, normalisation.
    pub protocol: String,
}

impl Card {
    /// Reads a card and checks it against itself.
    ///
    /// # Errors
    /// [`ModelError::Card`] saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        if text.len() > LARGEST {
            return Err(ModelError::Card(format!("{} bytes: expected at most {LARGEST}", text.len())));
        }
        let card: Self = serde_json::from_str(text).map_err(|e| ModelError::Card(e.to_string()))?;
        card.check()?;
        Ok(card)
    }

    /// The card as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Maps with string keys and numbers: nothing that serde_json refuses.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The features it takes, in order; empty for a waveform model.
    #[must_use]
    pub fn features(&self) -> &[String] {
        match &self.input {
            Input::Features { features, .. } => features,
            Input::Waveform { .. } => &[],
        }
    }

    /// Name of the feature set that it takes; empty for a waveform model.
    #[must_use]
    pub fn feature_set(&self) -> &str {
        match &self.input {
            Input::Features { feature_set, .. } => feature_set,
            Input::Waveform { .. } => "",
        }
    }

    /// Name of the graph's input.
    #[must_use]
    pub fn input_name(&self) -> &str {
        match &self.input {
            Input::Features { name, .. } | Input::Waveform { name, .. } => name,
        }
    }

    /// The outputs that hold a dimension that was learnt by itself, beside the main one.
    pub fn amounts(&self) -> impl Iterator<Item = (&Output, &Amount)> {
        let main = self.main_output().map(|o| o.name.as_str());
        self.outputs.iter().filter(move |o| Some(o.name.as_str()) != main).filter_map(|o| Some((o, o.amount.as_ref()?)))
    }

    /// The output that results show: the first with classes, else the first with dimensions or targets.
    #[must_use]
    pub fn main_output(&self) -> Option<&Output> {
        let first_of = |kinds: &[OutputKind]| self.outputs.iter().find(|o| kinds.contains(&o.kind));
        first_of(&[OutputKind::Logits, OutputKind::Probabilities])
            .or_else(|| first_of(&[OutputKind::Dimensions, OutputKind::Regression]))
    }

    /// The output of that name, or else the main one.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&Output> {
        self.outputs.iter().find(|o| o.name == name && !o.labels.is_empty()).or_else(|| self.main_output())
    }

    fn check(&self) -> Result<(), ModelError> {
        let wrong = |why: String| Err(ModelError::Card(why));
        if self.format != FORMAT {
            return wrong(format!("format \"{}\": expected \"{FORMAT}\"", self.format));
        }
        let d = self.features().len();
        if let Input::Features { features, .. } = &self.input {
            let mut names: Vec<&String> = features.iter().collect();
            names.sort_unstable();
            if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
                return wrong(format!("feature \"{}\" is listed twice", twice[0]));
            }
            if features.is_empty() {
                return wrong("no features".to_owned());
            }
        }
        if let Input::Waveform { rate_hz, min_s, longest_s, .. } = &self.input {
            if *rate_hz != 16_000 {
                return wrong(format!("rate_hz {rate_hz}: expected 16000, the rate of the analysis"));
            }
            if !(0.0..=300.0).contains(min_s) {
                return wrong(format!("min_s {min_s}: expected 0 to 300"));
            }
            if let Some(s) = longest_s.filter(|s| !(s.is_finite() && *s >= min_s.max(0.1))) {
                return wrong(format!("longest_s {s}: expected at least {}", min_s.max(0.1)));
            }
            if self.normaliser != Normaliser::None {
                return wrong("a normaliser for features on a waveform model".to_owned());
            }
        }
        let labels = self.main_output().map_or(0, |o| o.labels.len());
        if let Some(x) =
            self.derived.iter().find(|x| x.of_labels.len() != labels || x.of_labels.iter().any(|v| !v.is_finite()))
        {
            return wrong(format!("derived \"{}\": expected {labels} numbers, one for each label", x.name));
        }
        if let Normaliser::Training { location, scale } = &self.normaliser {
            if location.len() != d || scale.len() != d {
                return wrong(format!("normaliser with {} and {} values: expected {d}", location.len(), scale.len()));
            }
            if location.iter().any(|v| !v.is_finite()) || scale.iter().any(|v| !(v.is_finite() && *v > 0.0)) {
                return wrong("normaliser: expected finite locations and scales above 0".to_owned());
            }
        }
        if let Some(c) = self.clip.filter(|c| !(c.is_finite() && *c > 0.0)) {
            return wrong(format!("clip {c}: expected above 0"));
        }
        if let Some(row) = self.background.iter().find(|r| r.len() != d || r.iter().any(|v| !v.is_finite())) {
            return wrong(format!("a background row with {} values: expected {d} finite ones", row.len()));
        }
        if !self.calibration.is_sound() {
            return wrong(format!("temperature {}: expected above 0", self.calibration.temperature));
        }
        if self.novelty.as_ref().is_some_and(|n| !n.fits(d)) {
            return wrong(format!("novelty: expected the finite parts of a distance between rows of {d} numbers"));
        }
        if let Some(o) = self.outputs.iter().find(|o| {
            o.amount.is_some_and(|a| o.kind != OutputKind::Dimensions || o.labels.len() != 1 || !a.is_sound())
        }) {
            return wrong(format!("output \"{}\": an amount is for one dimension, with numbers in range", o.name));
        }
        let a = self.abstain;
        if [a.confidence_below, a.min_speech_s, a.min_baseline_s].iter().any(|v| !(v.is_finite() && *v >= 0.0)) {
            return wrong("abstain: expected numbers from 0".to_owned());
        }
        let hidden = |o: &Output| o.kind == OutputKind::HiddenStates;
        let encoder = matches!(self.input, Input::Waveform { .. }) && self.outputs.iter().any(hidden);
        let Some(main) = self.main_output() else {
            // An encoder without a head: its states are for others to read.
            if encoder {
                return Ok(());
            }
            return wrong("no output with logits, probabilities, dimensions or regression".to_owned());
        };
        if main.labels.is_empty() {
            return wrong(format!("output \"{}\" has no labels", main.name));
        }
        Ok(())
    }
}
