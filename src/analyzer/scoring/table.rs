//! Models of features: the normalised row of the segment, and which named feature moved a score by how much.

use super::conditions::conditions;
use super::reasons::{Asked, Reasons, Run, Setting};
use super::reference::ModelReference;
use super::{Attribution, ScoringConfig};
use crate::analyzer::FeatureSet;
use crate::error::ConfigError;
use crate::explain::distinct::{Reason, distinct};
use crate::explain::sampled::Effort;
use crate::explain::sentence::{Share, Target, sentence};
use crate::explain::{Attribution as Values, Explained, Explainer, Unit, groups};
use crate::features::baseline::{Baseline, Population};
use crate::features::catalogue::{Entry, Group};
use crate::model::card::{Card, Normaliser, OutputKind};
use crate::model::{Model, ModelError, vector};
use crate::record::{BaselineResult, Explanation, FeatureShare, GroupShare, NearCopy, Record};
use std::borrow::Cow;
use std::sync::Arc;

/// A model of features.
#[derive(Debug)]
pub(super) struct TableReasons {
    set: FeatureSet,
    /// The place of each column in the feature set.
    places: Vec<usize>,
    /// `None` where nothing is explained.
    explainer: Option<Explainer>,
    /// The groups of the explainer.
    groups: Vec<Group>,
    labels: Vec<Arc<str>>,
    unit: Unit,
    /// How many features are listed, if any.
    listed: Option<usize>,
    /// What is usual in the population, by column, for models that compare with it where nothing is known of the speaker.
    population: Vec<Option<(f64, f64)>>,
    /// The speaker is not looked at.
    population_only: bool,
}

impl TableReasons {
    pub fn new(
        model: &Arc<Model>,
        card: &Card,
        labels: &[Arc<str>],
        config: &ScoringConfig,
    ) -> Result<Self, ModelError> {
        let set: FeatureSet = card.feature_set().parse().map_err(|e: ConfigError| ModelError::Card(e.to_string()))?;
        if card.normaliser.has_baseline() && set != FeatureSet::AffectV1 {
            return Err(ModelError::mismatch(
                "normaliser",
                "speaker baselines, which affect-v1 has",
                "another feature set",
            ));
        }
        // Opening the model has seen to it that every name is known.
        let place = |f: &String| set.functionals().iter().position(|e| e.name == *f);
        let explainer = match config.attribution {
            Attribution::None => None,
            Attribution::Auto | Attribution::Groups | Attribution::Features => Some(Explainer::of_card(model.clone())?),
            other @ (Attribution::Frames | Attribution::Occlusion) => {
                let expected = "auto, none, groups or features, for a model of features";
                return Err(ModelError::mismatch("attribution", expected, other.name()));
            }
        };
        explainer.as_ref().map_or(Ok(()), |e| e.check(config.unit))?;
        let listed = match (config.attribution, config.top_k) {
            (Attribution::Features | Attribution::Auto, 0) => Some(card.features().len()),
            (Attribution::Features | Attribution::Auto, k) => Some(k.min(card.features().len())),
            _ => None,
        };
        let places: Vec<usize> = card.features().iter().filter_map(place).collect();
        let blended = card.normaliser == Normaliser::Blended;
        let population = if blended { Baseline::new(Population::affect()).usual_of_all() } else { Vec::new() };
        Ok(Self {
            set,
            population: places.iter().map(|p| population.get(*p).copied().flatten()).collect(),
            population_only: blended && config.reference == ModelReference::Training,
            places,
            explainer,
            groups: groups::of_card(card).into_iter().map(|g| g.0).collect(),
            labels: labels.to_vec(),
            unit: config.unit,
            listed,
        })
    }

    /// The speaker's baseline, where the segment is compared with it.
    fn baseline<'r>(&self, record: &'r Record) -> Option<&'r BaselineResult> {
        record.baseline.as_ref().filter(|_| !self.population_only)
    }

    fn explanation(
        &self,
        e: &Explainer,
        record: &Record,
        target: usize,
        explained: &Explained,
        setting: &Setting,
    ) -> Explanation {
        let shares = self
            .groups
            .iter()
            .zip(&explained.groups.values)
            .map(|(g, v)| GroupShare { name: g.name().into(), contribution: *v });
        let mut explanation = Explanation {
            method: explained.groups.method.name().into(),
            target: self.labels[target].clone(),
            unit: if self.unit == Unit::Score { "score" } else { "probability" }.into(),
            base: Some(explained.groups.base),
            output: explained.groups.output,
            residual: Some(explained.groups.residual.unwrap_or(0.0)),
            reference: setting.compared.reference.name().into(),
            groups: shares.collect(),
            features: Vec::new(),
            other_features: None,
            frames: None,
        };
        if let (Some(count), Some(features)) = (self.listed, &explained.features) {
            let under = conditions(record);
            let all = count >= features.values.len();
            let cluster = |k: usize| if all { None } else { self.entry(k).cluster };
            let reasons = distinct(&features.values, cluster, count);
            let listed: Vec<usize> = reasons.iter().map(|r| r.column).collect();
            let others = features.values.iter().enumerate().filter(|(k, _)| !listed.contains(k));
            explanation.other_features = Some(others.map(|(_, v)| v).sum());
            explanation.features =
                reasons.iter().map(|r| self.share(e, record, r, features, &under, target, setting)).collect();
        }
        explanation
    }

    /// The entry of a column.
    fn entry(&self, k: usize) -> &'static Entry {
        &self.set.functionals()[self.places[k]]
    }

    #[expect(clippy::too_many_arguments, reason = "one feature's parts from as many places")]
    fn share(
        &self,
        e: &Explainer,
        record: &Record,
        reason: &Reason,
        values: &Values,
        under: &[&str],
        target: usize,
        setting: &Setting,
    ) -> FeatureShare {
        let k = reason.column;
        let (place, entry) = (self.places[k], self.entry(k));
        let column = place_of(record, &entry.name, place);
        let value = column.and_then(|column| record.features[column].value);
        let normaliser = e.model().card().map_or(&Normaliser::None, |c| &c.normaliser);
        let (difference, z) = match normaliser {
            Normaliser::Training { location, scale } => {
                let d = value.map(|v| f64::from(v) - location[k]);
                (d, d.map(|d| d / scale[k]))
            }
            Normaliser::Blended if self.baseline(record).is_none() => {
                let against = value.zip(self.population[k]).and_then(|(v, usual)| Baseline::against(usual, v));
                (value.zip(against).map(|(v, a)| f64::from(v) - a.location), against.map(|a| a.z))
            }
            Normaliser::Speaker | Normaliser::Blended => {
                let b = self.baseline(record);
                let defined = |list: &[Option<f32>]| list.get(column?).copied().flatten();
                let usual = b.and_then(|b| defined(&b.usual));
                let z = b.and_then(|b| defined(&b.z));
                (value.zip(usual).map(|(v, u)| f64::from(v - u)), z.map(f64::from))
            }
            Normaliser::None => {
                let d = value.map(|v| f64::from(v) - e.mean()[k]);
                (d, d.filter(|_| e.spread()[k] > 0.0).map(|d| d / e.spread()[k]))
            }
        };
        let target = match e.model().kind() {
            OutputKind::Dimensions | OutputKind::Regression | OutputKind::Raw => Target::Amount(&self.labels[target]),
            _ => Target::Label(&self.labels[target]),
        };
        let share = Share { value: value.map(f64::from), difference, z, contribution: reason.contribution };
        let copy = |k: &usize| NearCopy { name: self.entry(*k).name.as_str().into(), contribution: values.values[*k] };
        let gone = entry.endurance.iter().filter(|e| under.contains(&e.condition.as_str()) && !e.survives());
        FeatureShare {
            name: entry.name.as_str().into(),
            contribution: values.values[k],
            stderr: values.stderr.as_ref().map(|s| s[k]),
            value,
            unit: entry.unit.as_str().into(),
            z,
            does_not_survive: gone.map(|e| e.condition.as_str().into()).collect(),
            near_copies: reason.copies.iter().map(copy).collect(),
            sentence: sentence(entry, &share, setting.compared.reference, target),
        }
    }
}

/// Place of a feature in a record, which in records of this software is the one in the catalogue.
fn place_of(record: &Record, name: &str, in_catalogue: usize) -> Option<usize> {
    match record.features.get(in_catalogue) {
        Some(f) if f.name == name => Some(in_catalogue),
        _ => record.features.iter().position(|f| f.name == name),
    }
}

impl Reasons for TableReasons {
    fn set(&self) -> Option<FeatureSet> {
        Some(self.set)
    }

    fn groups(&self) -> &[Group] {
        if self.explainer.is_some() { &self.groups } else { &[] }
    }

    fn input<'r>(&self, model: &Model, record: &'r Record) -> Result<Cow<'r, [f32]>, ModelError> {
        let card = model.card().ok_or(ModelError::NoCard)?;
        // A record that was read may have its features in another order.
        let place = |p: &usize| place_of(record, &self.set.functionals()[*p].name, *p);
        let places: Vec<Option<usize>> = self.places.iter().map(place).collect();
        let values: Vec<Option<f32>> = places.iter().map(|p| record.features[(*p)?].value).collect();
        let z = |b: &BaselineResult| -> Vec<Option<f32>> {
            places.iter().map(|p| b.z.get((*p)?).copied().flatten()).collect()
        };
        let against = match self.baseline(record) {
            None if card.normaliser == Normaliser::Blended => {
                let z = |(v, usual): (&Option<f32>, &Option<(f64, f64)>)| {
                    Baseline::against((*usual)?, (*v)?).map(|d| d.z as f32)
                };
                Some(values.iter().zip(&self.population).map(z).collect())
            }
            baseline => baseline.map(z),
        };
        vector::row(card, &values, against.as_deref()).map(Cow::Owned)
    }

    fn run(&self, model: &Model, input: &[f32], config: &ScoringConfig, _: Asked) -> Result<Run, ModelError> {
        Ok(Run { numbers: model.run_together(input, config.batch_size, config.batch_wait)?, relevance: None })
    }

    fn explain(
        &self,
        record: &Record,
        input: &[f32],
        _: &Run,
        targets: &[usize],
        setting: &Setting,
    ) -> Result<Vec<Explanation>, ModelError> {
        let Some(e) = self.explainer.as_ref().map(|e| e.at(setting.temperature)) else { return Ok(Vec::new()) };
        let features = self.listed.map(|_| Effort::default());
        let explained = e.explain(input, targets, self.unit, features)?;
        Ok(targets.iter().zip(&explained).map(|(t, x)| self.explanation(&e, record, *t, x, setting)).collect())
    }
}
