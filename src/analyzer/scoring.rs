//! Scores and their reasons for a segment: the model, its explainer, and what of them goes into a record.

use super::FeatureSet;
use crate::error::ConfigError;
use crate::explain::sampled::Effort;
use crate::explain::sentence::{Share, sentence};
use crate::explain::{Explainer, Unit};
use crate::features::catalogue::{Entry, Group};
use crate::model::card::{Card, Input, Normaliser, OutputKind};
use crate::model::{Model, ModelError, vector};
use crate::record::{Emotion, Explanation, FeatureShare, GroupShare, ModelInfo, NOT_SPEECH, Named, Record, Scored};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// How much is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Attribution {
    /// Nothing.
    None,
    /// Groups of features.
    Groups,
    /// Groups, and the features that moved the score most.
    #[default]
    Features,
}

impl Attribution {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Groups, Self::Features];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Groups => "groups",
            Self::Features => "features",
        }
    }
}

impl FromStr for Attribution {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|a| a.name() == s).ok_or_else(|| ConfigError::Unknown {
            what: "attribution",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// How to score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoringConfig {
    /// How much is explained.
    pub attribution: Attribution,
    /// How many features are listed; 0 for all.
    pub top_k: usize,
    /// What is explained: `top`, `all`, or names of labels or dimensions with commas.
    pub target: String,
    /// In which unit.
    pub unit: Unit,
    /// Rows of several streams that are run together, at most.
    pub batch_size: usize,
    /// How long a row waits for others.
    pub batch_wait: Duration,
}

impl Default for ScoringConfig {
    fn default() -> Self {
        Self {
            attribution: Attribution::default(),
            top_k: 3,
            target: "top".to_owned(),
            unit: Unit::default(),
            batch_size: 1,
            batch_wait: Duration::ZERO,
        }
    }
}

/// A model ready to score the analyzer's segments: shared, immutable.
#[derive(Debug)]
pub struct Scorer {
    model: Arc<Model>,
    explainer: Option<Explainer>,
    /// Standard deviations of the background, by column.
    spread: Vec<f64>,
    config: ScoringConfig,
    info: ModelInfo,
    labels: Vec<Arc<str>>,
    /// Names of derived dimensions, marked as such.
    derived: Vec<Arc<str>>,
    /// Feature set of the model, and the place of each column in it; `None` for waveforms.
    set: Option<(FeatureSet, Vec<usize>)>,
    /// The groups of the explainer.
    groups: Vec<Group>,
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
    /// [`ModelError::NoCard`], a target that the model does not have, or what the explainer says.
    pub fn new(model: Arc<Model>, config: ScoringConfig) -> Result<Self, ModelError> {
        let card = model.card().ok_or(ModelError::NoCard)?.clone();
        let labels: Vec<Arc<str>> = model.labels().iter().map(|l| l.as_str().into()).collect();
        let set = match &card.input {
            Input::Features { feature_set, features, .. } => {
                let set: FeatureSet = feature_set.parse().map_err(|e: ConfigError| ModelError::Card(e.to_string()))?;
                let place = |f: &String| set.functionals().iter().position(|e| e.name == *f);
                // Opening the model has seen to it that every name is known.
                Some((set, features.iter().filter_map(place).collect::<Vec<_>>()))
            }
            Input::Waveform { .. } => None,
        };
        if card.normaliser == Normaliser::Speaker && set.as_ref().is_some_and(|s| s.0 != FeatureSet::AffectV1) {
            return Err(ModelError::mismatch(
                "normaliser",
                "speaker baselines, which affect-v1 has",
                "another feature set",
            ));
        }
        let targets = match config.target.as_str() {
            "top" | "" => None,
            "all" => Some((0..labels.len()).collect()),
            names => Some(
                names
                    .split(',')
                    .map(str::trim)
                    .map(|n| labels.iter().position(|l| **l == *n))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| {
                        ModelError::mismatch(
                            "target",
                            format!("top, all, or some of {}", model.labels().join(", ")),
                            names,
                        )
                    })?,
            ),
        };
        let mut groups = Vec::new();
        let mut explainer = None;
        if let (Some((set, places)), true) = (&set, config.attribution != Attribution::None) {
            if card.background.is_empty() {
                return Err(ModelError::Card(
                    "no background rows, which explanations need: set attribution to none".to_owned(),
                ));
            }
            let group = |k: usize| set.functionals()[places[k]].group;
            let of = |g: Group| (0..places.len()).filter(|k| group(*k) == g).collect::<Vec<_>>();
            let columns: Vec<(Group, Vec<usize>)> =
                Group::ALL.into_iter().map(|g| (g, of(g))).filter(|g| !g.1.is_empty()).collect();
            groups = columns.iter().map(|g| g.0).collect();
            let lists = columns.into_iter().map(|g| g.1).collect();
            explainer = Some(Explainer::new(model.clone(), card.background.concat(), lists)?);
        }
        let info = ModelInfo {
            id: card.id.as_str().into(),
            version: card.version.as_str().into(),
            sha256: model.sha256().into(),
            engine: model.engine().into(),
            normaliser: card.normaliser.reference(),
        };
        let spread = explainer.as_ref().map(Explainer::spread).unwrap_or_default();
        let derived = match model.card() {
            Some(c) => c.derived.iter().map(|d| format!("{} (derived)", d.name).into()).collect(),
            None => Vec::new(),
        };
        Ok(Self { model, explainer, spread, config, info, labels, derived, set, groups, targets })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The feature set that the model needs; `None` where it takes the waveform.
    #[must_use]
    pub fn set(&self) -> Option<FeatureSet> {
        self.set.as_ref().map(|s| s.0)
    }

    /// Whether the model compares with what is usual for the speaker.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        self.card().normaliser == Normaliser::Speaker
    }

    /// Whether the model takes the samples themselves.
    #[must_use]
    pub fn needs_audio(&self) -> bool {
        self.set.is_none()
    }

    #[expect(clippy::expect_used, reason = "making the scorer has seen to it that there is a card")]
    fn card(&self) -> &Card {
        self.model.card().expect("checked when made")
    }

    /// Whether records of a set are what the model is about.
    #[must_use]
    pub fn takes(&self, set: &str) -> bool {
        self.set.as_ref().is_none_or(|s| s.0.name() == set)
    }

    /// Scores a segment. A model that cannot answer (undefined features, a failed run) abstains and says why; what is not
    /// speech is not shown to it.
    pub(super) fn score(&self, record: &mut Record) {
        let silent = |why| (Emotion { abstained: Some(why), ..Emotion::default() }, Vec::new());
        let (emotion, explanations) = if record.quality.is_some_and(|q| q.not_speech) {
            silent(NOT_SPEECH.to_owned())
        } else {
            self.outcome(record).unwrap_or_else(|e| silent(e.to_string()))
        };
        record.scored = Some(Box::new(Scored { model: self.info.clone(), emotion, explanations }));
    }

    fn outcome(&self, record: &Record) -> Result<(Emotion, Vec<Explanation>), ModelError> {
        let Some((_, places)) = &self.set else {
            let audio = record
                .audio
                .as_deref()
                .ok_or_else(|| ModelError::mismatch("segment", "its samples, at most 300 s", "none at hand"))?;
            let raw = self.model.waveform(audio)?;
            return Ok((self.emotion(record, raw), Vec::new()));
        };
        let values: Vec<Option<f32>> = places.iter().map(|p| record.features.get(*p).and_then(|f| f.value)).collect();
        let z =
            record.baseline.as_ref().map(|b| places.iter().map(|p| b.z.get(*p).copied().flatten()).collect::<Vec<_>>());
        let row = vector::row(self.card(), &values, z.as_deref())?;
        let raw = self.model.run_together(&row, self.config.batch_size, self.config.batch_wait)?;
        let top = self.model.scores(raw.clone()).top().map_or(0, |t| t.0);
        let emotion = self.emotion(record, raw);
        let Some(explainer) = &self.explainer else { return Ok((emotion, Vec::new())) };
        let targets = self.targets.clone().unwrap_or_else(|| vec![top]);
        let explanations = targets
            .into_iter()
            .map(|t| self.explain(explainer, record, places, &row, t))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((emotion, explanations))
    }

    fn emotion(&self, record: &Record, raw: Vec<f64>) -> Emotion {
        let scores = self.model.scores(raw);
        let named = |list: &[f64]| self.labels.iter().cloned().zip(list.iter().copied()).collect();
        let dimensional = matches!(self.model.kind(), OutputKind::Dimensions | OutputKind::Regression);
        let top = scores.top();
        let rests = record.baseline.as_ref().filter(|_| self.needs_baseline()).map(|b| b.speech_s);
        let abstained = self.abstains(record, top.map(|t| t.1), rests);
        Emotion {
            label: top.filter(|_| abstained.is_none()).map(|t| self.labels[t.0].clone()),
            confidence: top.map(|t| t.1),
            probabilities: named(&scores.probabilities),
            dimensions: if dimensional { named(&scores.raw) } else { self.derived(&scores.probabilities) },
            entropy_bits: scores.entropy_bits(),
            abstained,
            baseline_speech_s: rests,
        }
    }

    /// Dimensions that follow from the probabilities.
    fn derived(&self, probabilities: &[f64]) -> Vec<Named> {
        let mean = |list: &[f64]| list.iter().zip(probabilities).map(|(v, p)| v * p).sum();
        if probabilities.is_empty() {
            return Vec::new();
        }
        self.derived.iter().cloned().zip(self.card().derived.iter().map(|d| mean(&d.of_labels))).collect()
    }

    fn abstains(&self, record: &Record, confidence: Option<f64>, rests: Option<f32>) -> Option<String> {
        let rule = self.card().abstain;
        let speech = record.quality.as_ref().and_then(|q| q.speech_s).map(f64::from);
        if let Some(s) = speech.filter(|s| *s < rule.min_speech_s) {
            return Some(format!("{s:.1} s of speech: {:.1} s needed", rule.min_speech_s));
        }
        if let Some(s) = rests.map(f64::from).filter(|s| *s < rule.min_baseline_s) {
            return Some(format!(
                "the speaker's baseline rests on {s:.1} s of speech: {:.1} s needed",
                rule.min_baseline_s
            ));
        }
        let p = confidence.filter(|p| *p < rule.confidence_below)?;
        Some(format!("the most probable label has {p:.2}: {:.2} needed", rule.confidence_below))
    }

    fn explain(
        &self,
        e: &Explainer,
        record: &Record,
        places: &[usize],
        row: &[f32],
        target: usize,
    ) -> Result<Explanation, ModelError> {
        let unit = self.config.unit;
        let groups = e.by_group(row, target, unit)?;
        let shares = |values: &[f64]| {
            self.groups.iter().zip(values).map(|(g, v)| GroupShare { name: g.name(), contribution: *v }).collect()
        };
        let mut out = Explanation {
            method: groups.method.name(),
            target: self.labels[target].clone(),
            unit: if unit == Unit::Score { "score" } else { "probability" },
            base: groups.base,
            output: groups.output,
            residual: groups.residual.unwrap_or(0.0),
            reference: self.info.normaliser,
            groups: shares(&groups.values),
            features: Vec::new(),
            other_features: None,
        };
        if self.config.attribution == Attribution::Features {
            let found = e.by_feature(row, target, unit, Effort::default())?;
            let mut order: Vec<usize> = (0..found.values.len()).collect();
            order.sort_by(|a, b| found.values[*b].abs().total_cmp(&found.values[*a].abs()).then(a.cmp(b)));
            let count = if self.config.top_k == 0 { order.len() } else { self.config.top_k.min(order.len()) };
            let under = conditions(record);
            out.other_features = Some(order[count..].iter().map(|k| found.values[*k]).sum());
            out.features = order[..count]
                .iter()
                .map(|k| {
                    let stderr = found.stderr.as_ref().map(|s| s[*k]);
                    self.share(record, places[*k], *k, found.values[*k], stderr, &under, target)
                })
                .collect();
        }
        Ok(out)
    }

    #[expect(clippy::too_many_arguments, reason = "one feature's parts from as many places")]
    fn share(
        &self,
        record: &Record,
        place: usize,
        k: usize,
        contribution: f64,
        stderr: Option<f64>,
        under: &[&str],
        target: usize,
    ) -> FeatureShare {
        let set = self.set.as_ref().map_or(FeatureSet::AffectV1, |s| s.0);
        let entry: &'static Entry = &set.functionals()[place];
        let value = record.features.get(place).and_then(|f| f.value);
        let (difference, z) = match &self.card().normaliser {
            Normaliser::Training { location, scale } => {
                let d = value.map(|v| f64::from(v) - location[k]);
                (d, d.map(|d| d / scale[k]))
            }
            Normaliser::Speaker => {
                let b = record.baseline.as_ref();
                let usual = b.and_then(|b| b.usual.get(place).copied().flatten());
                let z = b.and_then(|b| b.z.get(place).copied().flatten());
                (value.zip(usual).map(|(v, u)| f64::from(v - u)), z.map(f64::from))
            }
            Normaliser::None => {
                let mean = self.explainer.as_ref().map(|e| e.mean()[k]);
                let d = value.zip(mean).map(|(v, m)| f64::from(v) - m);
                (d, d.filter(|_| self.spread[k] > 0.0).map(|d| d / self.spread[k]))
            }
        };
        let share = Share { value: value.map(f64::from), difference, z, contribution };
        let gone = entry.endurance.iter().filter(|e| under.contains(&e.condition.as_str()) && !e.survives());
        FeatureShare {
            name: &entry.name,
            contribution,
            stderr,
            value,
            unit: &entry.unit,
            z,
            does_not_survive: gone.map(|e| e.condition.as_str()).collect(),
            sentence: sentence(entry, &share, self.info.normaliser, &self.labels[target]),
        }
    }
}

/// The conditions of the endurance record that a segment's quality amounts to.
fn conditions(record: &Record) -> Vec<&'static str> {
    let q = record.quality.unwrap_or_default();
    let mut out = Vec::new();
    if q.bandwidth_hz.is_some_and(|b| b <= 4_200.0) {
        out.push("telephone band");
    }
    if q.band_low_hz.is_some_and(|b| b > 0.0) {
        out.push(match q.snr_db {
            Some(s) if s < 11.5 => "line 24 dB/octave, noise 8 dB",
            Some(s) if s < 20.0 => "line 24 dB/octave, noise 15 dB",
            _ => "line 24 dB/octave",
        });
    }
    match q.snr_db {
        Some(s) if s < 7.5 => out.push("noise 5 dB"),
        Some(s) if s < 15.0 => out.push("noise 10 dB"),
        Some(s) if s < 25.0 => out.push("noise 20 dB"),
        _ => {}
    }
    let length = record.end_ns.saturating_sub(record.start_ns) as f64 * 1e-9;
    let speech = q.speech_s.map_or(length, f64::from);
    match speech {
        s if s < 2.0 => out.push("1 s of speech"),
        s if s < 6.0 => out.push("3 s of speech"),
        s if s < 12.0 => out.push("10 s of speech"),
        _ => {}
    }
    out
}
