//! Scores and their reasons for a segment: a model, what of it goes into a record, and when it does not answer.

mod abstention;
mod conditions;
mod config;
mod reasons;
mod table;
mod waveform;

pub use config::{Attribution, ScoringConfig};

use super::FeatureSet;
use crate::model::card::{Card, Input, Normaliser, OutputKind};
use crate::model::{Model, ModelError};
use crate::record::{Emotion, ModelInfo, Named, Record, Scored};
use abstention::Abstention;
use reasons::Reasons;
use std::sync::Arc;
use table::TableReasons;
use waveform::WaveformReasons;

/// A model ready to score the analyzer's segments: shared, immutable.
#[derive(Debug)]
pub struct Scorer {
    model: Arc<Model>,
    /// How a segment enters the model, and why its scores are what they are.
    reasons: Box<dyn Reasons>,
    config: ScoringConfig,
    info: ModelInfo,
    labels: Vec<Arc<str>>,
    /// Names of derived dimensions, marked as such.
    derived: Vec<Arc<str>>,
    /// What is explained; `None` for the top one.
    targets: Option<Vec<usize>>,
}

impl PartialEq for Scorer {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Scorer {
    /// Prepares a model with a card.
    ///
    /// # Errors
    /// [`ModelError::NoCard`], a target or unit that the model does not have, or what the explainer says.
    pub fn new(model: Arc<Model>, config: ScoringConfig) -> Result<Self, ModelError> {
        let card = model.card().ok_or(ModelError::NoCard)?;
        let labels: Vec<Arc<str>> = model.labels().iter().map(|l| l.as_str().into()).collect();
        let targets = config.targets(model.labels())?;
        let reasons: Box<dyn Reasons> = match &card.input {
            Input::Features { .. } => Box::new(TableReasons::new(&model, card, &labels, &config)?),
            Input::Waveform { .. } => Box::new(WaveformReasons),
        };
        let info = ModelInfo {
            id: card.id.as_str().into(),
            version: card.version.as_str().into(),
            sha256: model.sha256().into(),
            engine: model.engine().into(),
            normaliser: card.normaliser.reference().into(),
        };
        let derived = card.derived.iter().map(|d| format!("{} (derived)", d.name).into()).collect();
        Ok(Self { reasons, config, info, labels, derived, targets, model })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The feature set that the model needs; `None` where it takes the waveform.
    #[must_use]
    pub fn set(&self) -> Option<FeatureSet> {
        self.reasons.set()
    }

    /// Whether the model compares with what is usual for the speaker.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        self.card().normaliser == Normaliser::Speaker
    }

    /// Whether the model takes the samples themselves.
    #[must_use]
    pub fn needs_audio(&self) -> bool {
        self.set().is_none()
    }

    #[expect(clippy::expect_used, reason = "making the scorer has seen to it that there is a card")]
    fn card(&self) -> &Card {
        self.model.card().expect("checked when made")
    }

    /// Whether a record has the features that the model needs, in the version that this software knows.
    #[must_use]
    pub fn takes(&self, record: &Record) -> bool {
        self.set().is_none_or(|s| s.name() == record.feature_set && s.version() == record.feature_set_version)
    }

    /// Scores a segment. A model that cannot answer (undefined features, a failed run) abstains and says why; what is not
    /// speech, or was lost on the way for the greater part, is not shown to it.
    pub(super) fn score(&self, record: &mut Record) {
        let outcome = match record.quality.as_ref().and_then(Abstention::by_quality) {
            Some(why) => Err(why),
            None if self.model.kind() == OutputKind::HiddenStates => Err(Abstention::HiddenStates),
            None => self.outcome(record).map_err(Abstention::of),
        };
        let (emotion, explanations) = outcome.unwrap_or_else(|why| {
            let failed = why.is_failure();
            (Emotion { abstained: Some(why.to_string()), failed, ..Emotion::default() }, Vec::new())
        });
        record.scored = Some(Box::new(Scored { model: self.info.clone(), emotion, explanations }));
    }

    fn outcome(&self, record: &Record) -> Result<(Emotion, Vec<crate::record::Explanation>), ModelError> {
        let input = self.reasons.input(&self.model, record)?;
        let raw = self.reasons.run(&self.model, &input, &self.config)?;
        let (emotion, top) = self.emotion(record, raw);
        let targets = self.targets.clone().unwrap_or_else(|| vec![top]);
        let explanations = self.reasons.explain(record, &input, &targets)?;
        Ok((emotion, explanations))
    }

    /// What the record says of the graph's numbers, and which of them is the top one.
    fn emotion(&self, record: &Record, raw: Vec<f64>) -> (Emotion, usize) {
        let scores = self.model.scores(raw);
        let named = |list: &[f64]| self.labels.iter().cloned().zip(list.iter().copied()).collect();
        let dimensional = matches!(self.model.kind(), OutputKind::Dimensions | OutputKind::Regression);
        let top = scores.top();
        let rests = record.baseline.as_ref().filter(|_| self.needs_baseline()).map(|b| b.speech_s);
        let abstained = Abstention::by_rule(&self.card().abstain, record, top.map(|t| t.1), rests);
        let emotion = Emotion {
            label: top.filter(|_| abstained.is_none()).map(|t| self.labels[t.0].clone()),
            confidence: top.map(|t| t.1),
            probabilities: named(&scores.probabilities),
            dimensions: if dimensional { named(&scores.raw) } else { self.derived(&scores.probabilities) },
            entropy_bits: scores.entropy_bits(),
            abstained: abstained.map(|a| a.to_string()),
            failed: false,
            baseline_speech_s: rests,
        };
        (emotion, top.map_or(0, |t| t.0))
    }

    /// Dimensions that follow from the probabilities.
    fn derived(&self, probabilities: &[f64]) -> Vec<Named> {
        let mean = |list: &[f64]| list.iter().zip(probabilities).map(|(v, p)| v * p).sum();
        if probabilities.is_empty() {
            return Vec::new();
        }
        self.derived.iter().cloned().zip(self.card().derived.iter().map(|d| mean(&d.of_labels))).collect()
    }
}
