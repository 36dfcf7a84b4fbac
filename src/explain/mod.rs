//! Attributions: which named feature moved a score, and by how much.
//!
//! The game is interventional: the worth of a coalition is the mean over background rows of the model's output with the
//! row's values for the coalition's features. Linear maps have a closed form, tree ensembles TreeSHAP; any other graph
//! gets exact Shapley values over groups of features and sampled ones, with their standard error, inside the groups.
//! Every attribution is complete: its values add up to the output minus the base value, and what is left is the residual.

pub mod gradient;
pub mod linear;
pub mod sampled;
pub mod sentence;
pub mod shapley;
pub mod trees;

use crate::model::builtin::{Structure, linear_scores};
use crate::model::card::OutputKind;
use crate::model::{Model, ModelError};
use sampled::Effort;
use std::sync::Arc;
use trees::TreeShap;

/// Takes the values of one row.
pub type TakeRow<'a> = &'a mut dyn FnMut(&[f64]);

/// A function of rows that is explained.
pub trait Game {
    /// Numbers that it gives for a row.
    fn outputs(&self) -> usize;

    /// Evaluates rows (one after another) and hands out their numbers in order.
    ///
    /// # Errors
    /// [`ModelError`] of the run.
    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError>;
}

/// In which unit a score is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// The model's own: logits (divided by the calibration's temperature), margins, probabilities of a forest, or values
    /// of a dimension.
    #[default]
    Score,
    /// Calibrated probabilities.
    Probability,
}

/// How it was explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Closed form.
    Linear,
    /// Interventional TreeSHAP.
    Tree,
    /// Exact Shapley values over groups.
    ShapleyGroups,
    /// Shapley values of single features: exact for up to 12, sampled for more.
    Shapley,
    /// Integrated gradients.
    IntegratedGradients,
    /// The gradient itself: no attribution, but what one is made of.
    Gradient,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Linear, Self::Tree, Self::ShapleyGroups, Self::Shapley, Self::IntegratedGradients, Self::Gradient];

    /// The name in results and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Tree => "tree",
            Self::ShapleyGroups => "shapley-groups",
            Self::Shapley => "shapley",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Gradient => "gradient",
        }
    }
}

/// Features up to this number are explained exactly without groups too.
pub const EXACT: usize = 12;

/// One attribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// How it was made.
    pub method: Method,
    /// The mean over the background.
    pub base: f64,
    /// The row's own output.
    pub output: f64,
    /// A value for each player.
    pub values: Vec<f64>,
    /// `output - base - sum(values)`; for gradients there is none.
    pub residual: Option<f64>,
    /// Standard errors, where values were sampled.
    pub stderr: Option<Vec<f64>>,
}

impl Attribution {
    fn complete(method: Method, base: f64, output: f64, values: Vec<f64>, stderr: Option<Vec<f64>>) -> Self {
        let residual = Some(output - base - values.iter().sum::<f64>());
        Self { method, base, output, values, residual, stderr }
    }
}

/// A model prepared for a background and groups: shared, immutable.
#[derive(Debug)]
pub struct Explainer {
    model: Arc<Model>,
    background: Vec<f32>,
    mean: Vec<f64>,
    groups: Vec<Vec<usize>>,
    trees: Option<(TreeShap, TreeShap)>,
}

/// The model's outputs in a unit.
struct Play<'a> {
    model: &'a Model,
    unit: Unit,
}

impl Game for Play<'_> {
    fn outputs(&self) -> usize {
        self.model.labels().len()
    }

    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError> {
        let mut wide = vec![0.0; self.outputs()];
        let scale = match (self.unit, self.model.kind()) {
            (Unit::Score, OutputKind::Logits) => 1.0 / self.model.temperature(),
            _ => 1.0,
        };
        self.model.each(rows, &mut |values| {
            wide.iter_mut().zip(values).for_each(|(w, v)| *w = f64::from(*v) * scale);
            if self.unit == Unit::Probability {
                take(&self.model.scores(std::mem::take(&mut wide)).probabilities);
                wide.resize(values.len(), 0.0);
            } else {
                take(&wide);
            }
        })
    }
}

impl Explainer {
    /// Prepares a model. `background` holds rows as they enter the graph, one after another; `groups` the columns of each
    /// group, every column in exactly one.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for no or ragged background, or groups that leave out or repeat a column.
    pub fn new(model: Arc<Model>, background: Vec<f32>, groups: Vec<Vec<usize>>) -> Result<Self, ModelError> {
        let d = model.width();
        if d == 0 || background.is_empty() || !background.len().is_multiple_of(d) {
            let found = format!("{} values", background.len());
            return Err(ModelError::mismatch("background", format!("at least one row of {d} values"), found));
        }
        let mut seen = vec![0; d];
        groups.iter().flatten().for_each(|c| {
            if let Some(n) = seen.get_mut(*c) {
                *n += 1;
            }
        });
        if groups.iter().flatten().any(|c| *c >= d) || seen.iter().any(|n| *n != 1) {
            let wrong = seen
                .iter()
                .position(|n| *n != 1)
                .map_or("a column beyond the row".to_owned(), |c| format!("column {c} {} times", seen[c]));
            return Err(ModelError::mismatch("groups", format!("each of {d} columns exactly once"), wrong));
        }
        let rows = (background.len() / d) as f64;
        let mean =
            (0..d).map(|c| background.iter().skip(c).step_by(d).map(|v| f64::from(*v)).sum::<f64>() / rows).collect();
        let trees = match model.structure() {
            Structure::Trees(t) => {
                let mut of = vec![0; d];
                groups.iter().enumerate().for_each(|(g, columns)| columns.iter().for_each(|c| of[*c] = g));
                let each: Vec<usize> = (0..d).collect();
                let prepare = |players: &[usize]| {
                    TreeShap::new(t, &background, d, players).map_err(|e| {
                        ModelError::mismatch("features on one path of a tree", "at most 64", e.0.to_string())
                    })
                };
                Some((prepare(&each)?, prepare(&of)?))
            }
            _ => None,
        };
        Ok(Self { model, background, mean, groups, trees })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The columns of each group.
    #[must_use]
    pub fn groups(&self) -> &[Vec<usize>] {
        &self.groups
    }

    /// Mean of the background, by column.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Standard deviation of the background, by column.
    #[must_use]
    pub fn spread(&self) -> Vec<f64> {
        let d = self.mean.len();
        let rows = (self.background.len() / d) as f64;
        let column =
            |c: usize| self.background.iter().skip(c).step_by(d).map(move |v| (f64::from(*v) - self.mean[c]).powi(2));
        (0..d).map(|c| (column(c).sum::<f64>() / rows).sqrt()).collect()
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

    /// One value for each group, exact.
    ///
    /// # Errors
    /// [`ModelError`] of the runs; more than [`shapley::MOST_GROUPS`] groups are refused.
    pub fn by_group(&self, row: &[f32], target: usize, unit: Unit) -> Result<Attribution, ModelError> {
        match (self.model.structure(), &self.trees, unit) {
            (Structure::Linear(_), _, Unit::Score) => {
                let all = self.by_feature(row, target, unit, Effort::default())?;
                let values = self.groups.iter().map(|g| g.iter().map(|c| all.values[*c]).sum()).collect();
                Ok(Attribution::complete(all.method, all.base, all.output, values, None))
            }
            (Structure::Trees(_), Some((_, shap)), Unit::Score) => self.tree(shap, row, target),
            _ => Ok(self.exact(row, &[target], unit, &self.groups, Method::ShapleyGroups)?.remove(0)),
        }
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
        match (self.model.structure(), &self.trees, unit) {
            (Structure::Linear(map), _, Unit::Score) => {
                let scale = self.linear_scale();
                let (base, values) = linear::attribute(map, row, &self.mean, target);
                let output = linear_scores(map, row)[target];
                let values = values.iter().map(|v| v * scale).collect();
                Ok(Attribution::complete(Method::Linear, base * scale, output * scale, values, None))
            }
            (Structure::Trees(_), Some((shap, _)), Unit::Score) => self.tree(shap, row, target),
            _ if row.len() <= EXACT => {
                let each: Vec<Vec<usize>> = (0..row.len()).map(|c| vec![c]).collect();
                Ok(self.exact(row, &[target], unit, &each, Method::Shapley)?.remove(0))
            }
            _ => {
                let groups = self.by_group(row, target, unit)?;
                self.sampled(row, target, unit, effort, Some(&groups))
            }
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
        let game = One { all: Play { model: &self.model, unit }, target };
        let each: Vec<Vec<usize>> = (0..row.len()).map(|c| vec![c]).collect();
        let together = if groups.is_some() { &self.groups } else { &each };
        let found = sampled::estimate(&game, row, &self.background, together, effort)?;
        let mut values = found.values;
        let (base, output) = match groups {
            Some(a) => {
                for (columns, exact) in self.groups.iter().zip(&a.values) {
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
        let game = Play { model: &self.model, unit };
        let outputs = game.outputs();
        let worth = shapley::worths(&game, row, &self.background, groups)?;
        let values = shapley::from_worths(groups.len(), outputs, &worth);
        let of = |target: usize| {
            let values = values.iter().skip(target).step_by(outputs).copied().collect();
            let (none, all) = (worth[target], worth[worth.len() - outputs + target]);
            Attribution::complete(method, none, all, values, None)
        };
        Ok(targets.iter().map(|t| of(*t)).collect())
    }

    /// Integrated gradients of the graph's own output from the background's mean, with their residual.
    ///
    /// # Errors
    /// [`ModelError`] naming an operator without a rule, or of the runs.
    pub fn integrated(
        &self,
        row: &[f32],
        target: usize,
        rule: gradient::Rule,
        steps: usize,
    ) -> Result<Attribution, ModelError> {
        let nodes = gradient::nodes(rule, steps);
        let path = gradient::path(row, &self.mean, &nodes);
        let gradients = self.model.gradients(&path, target)?;
        let values = gradient::integrate(row, &self.mean, &nodes, &gradients);
        let start: Vec<f32> = self.mean.iter().map(|m| *m as f32).collect();
        let (base, output) = (self.model.run(&start)?[target], self.model.run(row)?[target]);
        Ok(Attribution::complete(Method::IntegratedGradients, base, output, values, None))
    }

    /// The gradient of the graph's own output.
    ///
    /// # Errors
    /// As [`Self::integrated`].
    pub fn gradient(&self, row: &[f32], target: usize) -> Result<Attribution, ModelError> {
        let values = self.model.gradients(row, target)?.into_iter().map(f64::from).collect();
        let start: Vec<f32> = self.mean.iter().map(|m| *m as f32).collect();
        let (base, output) = (self.model.run(&start)?[target], self.model.run(row)?[target]);
        Ok(Attribution { method: Method::Gradient, base, output, values, residual: None, stderr: None })
    }

    /// What a linear model's scores are divided by: the temperature, where scores become logits.
    fn linear_scale(&self) -> f64 {
        1.0 / self.model.temperature()
    }

    fn tree(&self, shap: &TreeShap, row: &[f32], target: usize) -> Result<Attribution, ModelError> {
        let Structure::Trees(t) = self.model.structure() else {
            return Err(ModelError::mismatch("model", "a tree ensemble", self.model.structure().name()));
        };
        let (base, values) = shap.attribute(row, target);
        let output = t.raw(&t.sums(row))[target];
        // Margins become logits; a forest's probabilities stay what they are.
        let scale = if t.post == crate::onnx::trees::Post::None { 1.0 } else { self.linear_scale() };
        let values = values.iter().map(|v| v * scale).collect();
        Ok(Attribution::complete(Method::Tree, base * scale, output * scale, values, None))
    }

    fn ends(&self, game: &dyn Game, row: &[f32]) -> Result<(f64, f64), ModelError> {
        let (mut base, mut output) = (0.0, 0.0);
        game.play(&self.background, &mut |v| base += v[0])?;
        game.play(row, &mut |v| output = v[0])?;
        Ok((base / (self.background.len() / row.len()) as f64, output))
    }
}

/// One output of a game.
struct One<'a> {
    all: Play<'a>,
    target: usize,
}

impl Game for One<'_> {
    fn outputs(&self) -> usize {
        1
    }

    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError> {
        self.all.play(rows, &mut |v| take(&v[self.target..=self.target]))
    }
}
