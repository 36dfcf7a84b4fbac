//! Explanations of a model: by group and by feature, with the method that is exact for what the model is.

use super::gradient::{self, Rule};
use super::play::{One, Play};
use super::prepared::Prepared;
use super::sampled::{self, Effort};
use super::trees::TreeShap;
use super::{Attribution, EXACT, Game, Method, Unit, groups, linear, shapley};
use crate::model::builtin::{Structure, linear_scores};
use crate::model::card::OutputKind;
use crate::model::{Model, ModelError};
use crate::onnx::affine::Link;
use crate::onnx::trees::Post;
use std::sync::Arc;

/// A model prepared for a background and groups: shared, immutable, cheap to clone.
#[derive(Debug, Clone)]
pub struct Explainer {
    model: Arc<Model>,
    prepared: Arc<Prepared>,
    /// Temperature of the scores that are explained.
    temperature: f64,
}

/// One score explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// A value for each group.
    pub groups: Attribution,
    /// A value for each feature, where they were asked for.
    pub features: Option<Attribution>,
}

impl Explainer {
    /// Prepares a model. `background` holds rows as they enter the graph, one after another; `groups` the columns of each
    /// group, every column in exactly one.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for no or ragged background, or groups that leave out or repeat a column.
    pub fn new(model: Arc<Model>, background: Vec<f32>, groups: Vec<Vec<usize>>) -> Result<Self, ModelError> {
        let prepared = Arc::new(Prepared::new(&model, background, groups)?);
        Ok(Self { temperature: model.temperature(), model, prepared })
    }

    /// A model with its card's background and the catalogue's groups. Prepared once for all who share the model.
    ///
    /// # Errors
    /// [`ModelError::NoCard`]; [`ModelError::Card`] for a card without background rows; as [`Self::new`].
    pub fn of_card(model: Arc<Model>) -> Result<Self, ModelError> {
        let prepared = model.prepared(|| {
            let card = model.card().ok_or(ModelError::NoCard)?;
            if card.background.is_empty() {
                let why = "no background rows, which explanations need: set attribution to none";
                return Err(ModelError::Card(why.to_owned()));
            }
            let columns = groups::of_card(card).into_iter().map(|g| g.1).collect();
            Prepared::new(&model, card.background.concat(), columns)
        })?;
        Ok(Self { temperature: model.temperature(), model, prepared })
    }

    /// The same for scores under another temperature.
    #[must_use]
    pub fn at(&self, temperature: f64) -> Self {
        Self { temperature, ..self.clone() }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The columns of each group.
    #[must_use]
    pub fn groups(&self) -> &[Vec<usize>] {
        &self.prepared.groups
    }

    /// Mean of the background, by column.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.prepared.mean
    }

    /// Standard deviation of the background, by column.
    #[must_use]
    pub fn spread(&self) -> &[f64] {
        &self.prepared.spread
    }

    /// Whether the model's scores can be explained in a unit.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for probabilities of a model that gives none.
    pub fn check(&self, unit: Unit) -> Result<(), ModelError> {
        Play::new(&self.model, unit, self.temperature).map(|_| ())
    }

    /// The method that fits the model best in a unit.
    #[must_use]
    pub fn method(&self, unit: Unit) -> Method {
        match (self.model.structure(), unit) {
            (Structure::Linear(_), Unit::Score) => Method::Linear,
            (Structure::Trees(_), Unit::Score) => Method::Tree,
            _ => Method::ShapleyGroups,
        }
    }

    /// Several scores of one row, by group and, with an effort, by feature; nothing is run twice.
    ///
    /// # Errors
    /// [`ModelError`] of the runs; more than [`shapley::MOST_GROUPS`] groups are refused.
    pub fn explain(
        &self,
        row: &[f32],
        targets: &[usize],
        unit: Unit,
        features: Option<Effort>,
    ) -> Result<Vec<Explained>, ModelError> {
        let groups = self.by_groups(row, targets, unit)?;
        let features = match features {
            Some(effort) => self.by_features(row, targets, unit, effort, &groups)?.into_iter().map(Some).collect(),
            None => vec![None; groups.len()],
        };
        Ok(groups.into_iter().zip(features).map(|(groups, features)| Explained { groups, features }).collect())
    }

    /// One value for each group, exact.
    ///
    /// # Errors
    /// [`ModelError`] of the runs; more than [`shapley::MOST_GROUPS`] groups are refused.
    pub fn by_group(&self, row: &[f32], target: usize, unit: Unit) -> Result<Attribution, ModelError> {
        Ok(self.by_groups(row, &[target], unit)?.remove(0))
    }

    /// One value for each feature: exact for linear models, trees and up to [`EXACT`] features; otherwise sampled so that
    /// the members of a group add up to the group's exact value.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    pub fn by_feature(
        &self,
        row: &[f32],
        target: usize,
        unit: Unit,
        effort: Effort,
    ) -> Result<Attribution, ModelError> {
        let closed = self.method(unit) != Method::ShapleyGroups;
        let groups = if closed || row.len() <= EXACT { Vec::new() } else { self.by_groups(row, &[target], unit)? };
        Ok(self.by_features(row, &[target], unit, effort, &groups)?.remove(0))
    }

    fn by_groups(&self, row: &[f32], targets: &[usize], unit: Unit) -> Result<Vec<Attribution>, ModelError> {
        let one = |target: &usize| match (self.model.structure(), &self.prepared.trees) {
            (Structure::Linear(_), _) => {
                let features = self.linear(row, *target)?;
                let sum = |g: &Vec<usize>| g.iter().map(|c| features.values[*c]).sum();
                let values = self.groups().iter().map(sum).collect();
                Ok(Attribution::complete(features.method, features.base, features.output, values, None))
            }
            (_, Some((_, shap))) => self.tree(shap, row, *target),
            _ => Err(ModelError::mismatch("model", "linear or trees", self.model.structure().to_string())),
        };
        match self.method(unit) {
            Method::Linear | Method::Tree => targets.iter().map(one).collect(),
            _ => self.exact(row, targets, unit, self.groups(), Method::ShapleyGroups),
        }
    }

    fn by_features(
        &self,
        row: &[f32],
        targets: &[usize],
        unit: Unit,
        effort: Effort,
        groups: &[Attribution],
    ) -> Result<Vec<Attribution>, ModelError> {
        match (self.method(unit), &self.prepared.trees) {
            (Method::Linear, _) => targets.iter().map(|t| self.linear(row, *t)).collect(),
            (Method::Tree, Some((shap, _))) => targets.iter().map(|t| self.tree(shap, row, *t)).collect(),
            _ if row.len() <= EXACT => self.exact(row, targets, unit, &singles(row.len()), Method::Shapley),
            _ => targets.iter().zip(groups).map(|(t, g)| self.sampled(row, *t, unit, effort, Some(g))).collect(),
        }
    }

    /// Sampled values of single features; with exact values of the groups at hand, members are brought to add up to them.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    pub fn sampled(
        &self,
        row: &[f32],
        target: usize,
        unit: Unit,
        effort: Effort,
        groups: Option<&Attribution>,
    ) -> Result<Attribution, ModelError> {
        let game = One { all: Play::new(&self.model, unit, self.temperature)?, target };
        let each = singles(row.len());
        let together = if groups.is_some() { self.groups() } else { &each };
        let found = sampled::estimate(&game, row, &self.prepared.background, together, effort)?;
        let mut values = found.values;
        let (base, output) = match groups {
            Some(a) => {
                for (columns, exact) in self.groups().iter().zip(&a.values) {
                    let missing = exact - columns.iter().map(|c| values[*c]).sum::<f64>();
                    let weight = |c: &usize| found.stderr[*c] * found.stderr[*c];
                    let total: f64 = columns.iter().map(weight).sum();
                    // What is missing goes where the estimates are least sure.
                    for c in columns {
                        values[*c] +=
                            missing * if total > 0.0 { weight(c) / total } else { 1.0 / columns.len() as f64 };
                    }
                }
                (a.base, a.output)
            }
            None => self.ends(&game, row)?,
        };
        Ok(Attribution::complete(Method::Shapley, base, output, values, Some(found.stderr)))
    }

    /// Exact values over any groups, for several outputs at once.
    ///
    /// # Errors
    /// [`ModelError`] of the runs; more than [`shapley::MOST_GROUPS`] groups are refused.
    pub fn exact(
        &self,
        row: &[f32],
        targets: &[usize],
        unit: Unit,
        groups: &[Vec<usize>],
        method: Method,
    ) -> Result<Vec<Attribution>, ModelError> {
        if groups.len() > shapley::MOST_GROUPS {
            let expected = format!("at most {}", shapley::MOST_GROUPS);
            return Err(ModelError::mismatch("groups for exact values", expected, groups.len().to_string()));
        }
        let game = Play::new(&self.model, unit, self.temperature)?;
        let outputs = game.outputs();
        let worth = shapley::worths(&game, row, &self.prepared.background, groups)?;
        let values = shapley::from_worths(groups.len(), outputs, &worth);
        let one = |target: usize| {
            let values = values.iter().skip(target).step_by(outputs).copied().collect();
            let (none, all) = (worth[target], worth[worth.len() - outputs + target]);
            Attribution::complete(method, none, all, values, None)
        };
        Ok(targets.iter().map(|t| one(*t)).collect())
    }

    /// Integrated gradients of a score in the model's own unit, from the background's mean, with their residual.
    ///
    /// # Errors
    /// [`ModelError`] naming an operator without a rule, or of the runs.
    pub fn integrated(&self, row: &[f32], target: usize, rule: Rule, steps: usize) -> Result<Attribution, ModelError> {
        let nodes = gradient::nodes(rule, steps);
        let gradients = self.model.gradients(&gradient::path(row, self.mean(), &nodes), target)?;
        let values = gradient::integrate(row, self.mean(), &nodes, &gradients);
        let (base, output) = self.graph_ends(row, target)?;
        let scale = self.scale_of_graph();
        let values = values.into_iter().map(|v| v * scale).collect();
        Ok(Attribution::complete(Method::IntegratedGradients, base, output, values, None))
    }

    /// The gradient of a score in the model's own unit.
    ///
    /// # Errors
    /// As [`Self::integrated`].
    pub fn gradient(&self, row: &[f32], target: usize) -> Result<Attribution, ModelError> {
        let scale = self.scale_of_graph();
        let values = self.model.gradients(row, target)?.into_iter().map(|v| f64::from(v) * scale).collect();
        let (base, output) = self.graph_ends(row, target)?;
        Ok(Attribution { method: Method::Gradient, base, output, values, residual: None, stderr: None })
    }

    /// Scores of the graph for the background's mean and for the row.
    fn graph_ends(&self, row: &[f32], target: usize) -> Result<(f64, f64), ModelError> {
        let start: Vec<f32> = self.mean().iter().map(|m| *m as f32).collect();
        let scale = self.scale_of_graph();
        Ok((self.model.run(&start)?[target] * scale, self.model.run(row)?[target] * scale))
    }

    /// What the graph's own numbers are multiplied by: logits are divided by the temperature, as they are before the softmax.
    fn scale_of_graph(&self) -> f64 {
        if self.model.kind() == OutputKind::Logits || self.model.amount().is_some() {
            1.0 / self.temperature
        } else {
            1.0
        }
    }

    /// The same for numbers that a softmax or logistic function inside the graph follows (`linked`).
    fn scale_of_scores(&self, linked: bool) -> f64 {
        match self.model.kind() {
            OutputKind::Probabilities if linked => 1.0 / self.temperature,
            _ => self.scale_of_graph(),
        }
    }

    fn linear(&self, row: &[f32], target: usize) -> Result<Attribution, ModelError> {
        let Structure::Linear(map) = self.model.structure() else {
            return Err(ModelError::mismatch("model", "linear", self.model.structure().to_string()));
        };
        let scale = self.scale_of_scores(map.link != Link::Identity);
        let (base, values) = linear::attribute(map, row, self.mean(), target);
        let output = linear_scores(map, row)[target];
        let values = values.iter().map(|v| v * scale).collect();
        Ok(Attribution::complete(Method::Linear, base * scale, output * scale, values, None))
    }

    fn tree(&self, shap: &TreeShap, row: &[f32], target: usize) -> Result<Attribution, ModelError> {
        let Structure::Trees(t) = self.model.structure() else {
            return Err(ModelError::mismatch("model", "a tree ensemble", self.model.structure().to_string()));
        };
        let (base, values) = shap.attribute(row, target);
        let output = t.raw(&t.sums(row))[target];
        // Margins become logits; a forest's probabilities and a regressor's numbers stay what they are.
        let scale = self.scale_of_scores(t.post != Post::None);
        let values = values.iter().map(|v| v * scale).collect();
        Ok(Attribution::complete(Method::Tree, base * scale, output * scale, values, None))
    }

    fn ends(&self, game: &dyn Game, row: &[f32]) -> Result<(f64, f64), ModelError> {
        let (mut base, mut output) = (0.0, 0.0);
        game.play(&self.prepared.background, &mut |v| base += v[0])?;
        game.play(row, &mut |v| output = v[0])?;
        Ok((base / (self.prepared.background.len() / row.len()) as f64, output))
    }
}

/// Every column a group of its own.
fn singles(columns: usize) -> Vec<Vec<usize>> {
    (0..columns).map(|c| vec![c]).collect()
}

#[cfg(test)]
mod tests;
