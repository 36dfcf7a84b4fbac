//! Scores and their reasons for a segment: a model, what of it goes into a record, and when it does not answer.

mod abstention;
mod amounts;
mod conditions;
mod config;
mod numbers;
mod reasons;
mod reference;
mod says;
mod table;
mod waveform;

pub use config::{Attribution, ScoringConfig};
pub use numbers::Numbers;
pub use reference::ModelReference;
pub use says::Says;

use super::FeatureSet;
use crate::model::card::{Card, Input, OutputKind};
use crate::model::{Model, ModelError};
use crate::record::{Emotion, Explanation, ModelInfo, Named, Record, Scored};
use abstention::{Abstention, Seen};
use amounts::AmountReasons;
use config::Targets;
use reasons::{Asked, Reasons, Setting};
use reference::Compared;
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
    /// Dimensions that the model learnt by themselves.
    amounts: Vec<AmountReasons>,
    /// What is explained.
    targets: Targets,
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
        if !config.reference.suits(&card.normaliser) {
            return Err(ModelError::mismatch(
                "model-reference",
                format!("auto: this model compares with: {}", card.normaliser.reference()),
                config.reference.name(),
            ));
        }
        let (reasons, amounts): (Box<dyn Reasons>, _) = match &card.input {
            Input::Features { .. } => (
                Box::new(TableReasons::new(&model, card, &labels, &config)?),
                AmountReasons::of_model(&model, card, &config)?,
            ),
            Input::Waveform { .. } => (Box::new(WaveformReasons::new(&model, &labels, &config)?), Vec::new()),
        };
        let targets = config.targets(model.labels(), &amounts.iter().map(|a| &*a.name).collect::<Vec<_>>())?;
        let info = ModelInfo {
            id: card.id.as_str().into(),
            version: card.version.as_str().into(),
            sha256: model.sha256().into(),
            engine: model.engine().into(),
            normaliser: card.normaliser.reference().into(),
        };
        let derived = card.derived.iter().map(|d| format!("{} (derived)", d.name).into()).collect();
        Ok(Self { reasons, config, info, labels, derived, amounts, targets, model })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Names of all that results of the model may say.
    #[must_use]
    pub fn says(&self) -> Says {
        let amounts: Vec<Arc<str>> = self.amounts.iter().map(|a| a.name.clone()).collect();
        let dimensional = matches!(self.model.kind(), OutputKind::Dimensions | OutputKind::Regression);
        let (probabilities, own) =
            if dimensional { (Vec::new(), self.labels.clone()) } else { (self.labels.clone(), Vec::new()) };
        let dimensions = amounts.iter().chain(&own).chain(&self.derived).cloned().collect();
        let groups = self.reasons.groups().to_vec();
        let labels = match &self.targets.labels {
            None => self.labels.clone(),
            Some(places) => places.iter().map(|k| self.labels[*k].clone()).collect(),
        };
        let mut explained = labels;
        explained.extend(self.targets.dimensions.iter().map(|k| amounts[*k].clone()));
        explained.sort();
        explained.dedup();
        if groups.is_empty() {
            explained.clear();
        }
        Says { probabilities, dimensions, intervals: amounts, explained, groups }
    }

    /// The feature set that the model needs; `None` where it takes the waveform.
    #[must_use]
    pub fn set(&self) -> Option<FeatureSet> {
        self.reasons.set()
    }

    /// Whether the model compares with what is usual for the speaker.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        self.config.reference.needs_baseline(&self.card().normaliser)
    }

    /// What features shall be compared with, where that was chosen.
    #[must_use]
    pub fn chosen_reference(&self) -> Option<&'static str> {
        Some(self.config.reference).filter(|r| *r != ModelReference::Auto).map(ModelReference::name)
    }

    /// Whether the model takes the samples themselves.
    #[must_use]
    pub fn needs_audio(&self) -> bool {
        self.set().is_none()
    }

    /// Whether explanations need the low-level descriptors along the segment.
    #[must_use]
    pub fn needs_contours(&self) -> bool {
        self.reasons.needs_contours()
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
        let normaliser = Compared::new(self.card(), self.config.reference, record).reference.name().into();
        let model = ModelInfo { normaliser, ..self.info.clone() };
        record.scored = Some(Box::new(Scored { model, emotion, explanations }));
    }

    fn outcome(&self, record: &Record) -> Result<(Emotion, Vec<Explanation>), ModelError> {
        let card = self.card();
        let input = self.reasons.input(&self.model, record)?;
        let classes = matches!(self.model.kind(), OutputKind::Logits | OutputKind::Probabilities);
        let asked = match &self.targets.labels {
            None if classes => Asked::Top,
            labels => Asked::One(labels.as_ref().and_then(|l| l.first().copied()).unwrap_or(0)),
        };
        let run = self.reasons.run(&self.model, &input, &self.config, asked)?;
        let compared = Compared::new(card, self.config.reference, record);
        let distance = card.novelty.as_ref().map(|n| (n, n.distance(&input)));
        let widening = distance.map_or(1.0, |(n, d)| n.widening(d));
        let setting = Setting { compared, temperature: card.calibration.at(compared.share) * widening };
        let scores = self.model.scores_at(run.numbers.clone(), setting.temperature);
        let top = scores.top();
        let seen = Seen { compared, confidence: top.map(|t| t.1), distance: distance.map(|d| d.1) };
        let abstained = Abstention::by_rule(card, record, &seen);
        let (mut dimensions, mut intervals) = (Vec::new(), Vec::new());
        for a in &self.amounts {
            let (amount, interval) = a.amount(&input, compared.share, widening)?;
            dimensions.push((a.name.clone(), amount));
            intervals.push((a.name.clone(), interval));
        }
        if matches!(self.model.kind(), OutputKind::Dimensions | OutputKind::Regression) {
            dimensions.extend(self.named(&scores.raw));
        } else {
            dimensions.extend(self.derived(&scores.probabilities));
        }
        let emotion = Emotion {
            dimensions,
            intervals,
            label: top.filter(|_| abstained.is_none()).map(|t| self.labels[t.0].clone()),
            confidence: top.map(|t| t.1),
            probabilities: self.named(&scores.probabilities),
            entropy_bits: scores.entropy_bits(),
            abstained: abstained.map(|a| a.to_string()),
            failed: false,
            novelty: distance.map(|(n, d)| n.share(d)),
            baseline_speech_s: compared.rests_on_s,
        };
        let labels = self.targets.labels.clone().unwrap_or_else(|| vec![top.map_or(0, |t| t.0)]);
        let mut explanations = self.reasons.explain(record, &input, &run, &labels, &setting)?;
        for k in &self.targets.dimensions {
            explanations.extend(self.amounts[*k].explain(record, &input, &setting, widening)?);
        }
        Ok((emotion, explanations))
    }

    fn named(&self, numbers: &[f64]) -> Vec<Named> {
        self.labels.iter().cloned().zip(numbers.iter().copied()).collect()
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
