//! Exact Shapley values of held-out recordings: by feature in closed form for linear models and by TreeSHAP for trees, by group for
//! everything (over all coalitions where nothing else is exact).
//!
//! Importance is the mean contribution of a feature to the score of the recording's own label, less the mean of the other labels.
//! On held-out recordings the contributions of features that a model has only overfitted cancel on average: a group of many useless
//! features has an importance of zero, however large its values are.

use crate::explain::Game;
use crate::explain::shapley::{from_worths, worths};
use crate::explain::trees::TreeShap;
use crate::identify::contexts::Context;
use crate::identify::error::TrainError;
use crate::identify::evaluate::{Evaluation, Fold};
use crate::identify::learners::{Fitted, Rows};
use crate::model::ModelError;
use ndarray::{Array2, Axis};

/// Most recordings of a context for which all coalitions are run.
const MOST: usize = 300;
/// Background rows of trees.
const BACKGROUND: usize = 24;

/// Importance by member: features (where there is an exact way), and groups.
pub struct Values {
    /// Members by features.
    pub features: Option<Array2<f64>>,
    /// Members by groups; members that were left out have NaN.
    pub groups: Array2<f64>,
}

/// What is given to the label's score against the mean of the others.
fn for_label(value: impl Fn(usize) -> f64, label: usize, classes: usize) -> f64 {
    let others: f64 = (0..classes).filter(|c| *c != label).map(&value).sum();
    value(label) - others / (classes - 1).max(1) as f64
}

/// Means of some rows of each class: what a recording is compared with.
fn prototypes(fold: &Fold, context: &Context) -> Rows {
    let members_of_class =
        |c: usize| -> Vec<usize> { fold.inside.iter().copied().filter(|i| context.classes[*i] == c).collect() };
    let means: Vec<_> = (0..context.labels.len())
        .filter_map(|c| fold.rows.select(Axis(0), &members_of_class(c)).mean_axis(Axis(0)))
        .collect();
    Array2::from_shape_fn((means.len(), fold.rows.ncols()), |(i, k)| means[i][k])
}

/// A fitted learner as a game over its features.
struct Play<'a> {
    fitted: &'a Fitted,
    width: usize,
    classes: usize,
}

impl Game for Play<'_> {
    fn outputs(&self) -> usize {
        self.classes
    }

    fn play(&self, rows: &[f32], take: &mut dyn FnMut(&[f64])) -> Result<(), ModelError> {
        let rows = Array2::from_shape_fn((rows.len() / self.width, self.width), |(i, k)| rows[i * self.width + k]);
        self.fitted.scores(&rows).axis_iter(Axis(0)).for_each(|s| take(&s.to_vec()));
        Ok(())
    }
}

/// Values of all held-out members of an evaluation whose folds were kept. `groups` partition the features.
///
/// # Errors
/// [`TrainError::Learner`] for trees with paths that are too long.
pub fn values(context: &Context, e: &Evaluation, groups: &[Vec<usize>]) -> Result<Values, TrainError> {
    let (n, k) = (context.members.len(), context.labels.len());
    let d = e.folds.first().map_or(0, |f| f.rows.ncols());
    let mut features = Array2::zeros((n, d));
    let mut by_group = Array2::from_elem((n, groups.len()), f64::NAN);
    let every = n.div_ceil(MOST);
    let mut exact = true;
    for fold in &e.folds {
        match &fold.fitted {
            Fitted::Linear(m) => {
                let mean = fold
                    .rows
                    .select(Axis(0), &fold.inside)
                    .mean_axis(Axis(0))
                    .unwrap_or_else(|| ndarray::Array1::zeros(d));
                for i in &fold.outside {
                    let part = |c: usize, f: usize| f64::from(m.weights[(c, f)] * (fold.rows[(*i, f)] - mean[f]));
                    (0..d).for_each(|f| features[(*i, f)] = for_label(|c| part(c, f), context.classes[*i], k));
                    for (g, members) in groups.iter().enumerate() {
                        // Of a sum the value of a group is the sum of its members'.
                        let sum = |c: usize| members.iter().map(|f| part(c, *f)).sum::<f64>();
                        by_group[(*i, g)] = for_label(sum, context.classes[*i], k);
                    }
                }
            }
            Fitted::Trees(t) => {
                let step = (fold.inside.len() / BACKGROUND).max(1);
                let background: Vec<f32> =
                    fold.inside.iter().step_by(step).flat_map(|i| fold.rows.row(*i).to_vec()).collect();
                let failed = |p: crate::explain::trees::PathTooLong| {
                    TrainError::Learner(format!("trees with {} features on one path cannot be explained", p.0))
                };
                let alone: Vec<usize> = (0..d).collect();
                let shap = TreeShap::new(t, &background, d, &alone).map_err(failed)?;
                let mut player = vec![0; d];
                groups.iter().enumerate().for_each(|(g, list)| list.iter().for_each(|f| player[*f] = g));
                let grouped = TreeShap::new(t, &background, d, &player).map_err(failed)?;
                for i in &fold.outside {
                    let (row, label) = (fold.rows.row(*i).to_vec(), context.classes[*i]);
                    let by_feature_and_class = shap.attribute_all(&row);
                    by_feature_and_class
                        .chunks(k)
                        .enumerate()
                        .for_each(|(f, v)| features[(*i, f)] = for_label(|c| v[c], label, k));
                    let by_group_and_class = grouped.attribute_all(&row);
                    by_group_and_class
                        .chunks(k)
                        .enumerate()
                        .for_each(|(g, v)| by_group[(*i, g)] = for_label(|c| v[c], label, k));
                }
            }
            fitted => {
                exact = false;
                let background: Vec<f32> = prototypes(fold, context).iter().copied().collect();
                let game = Play { fitted, width: d, classes: k };
                for i in fold.outside.iter().filter(|i| *i % every == 0) {
                    let worth = worths(&game, &fold.rows.row(*i).to_vec(), &background, groups)
                        .map_err(|e| TrainError::Learner(e.to_string()))?;
                    let label = context.classes[*i];
                    let by_group_and_class = from_worths(groups.len(), k, &worth);
                    by_group_and_class
                        .chunks(k)
                        .enumerate()
                        .for_each(|(g, v)| by_group[(*i, g)] = for_label(|c| v[c], label, k));
                }
            }
        }
    }
    Ok(Values { features: exact.then_some(features), groups: by_group })
}

/// Means over each speaker's members; members with NaN are left out.
#[must_use]
pub fn by_speaker(context: &Context, values: &Array2<f64>) -> Array2<f64> {
    let mut out = Array2::zeros((context.speaker_names.len(), values.ncols()));
    let mut count = vec![0.0f64; out.nrows()];
    for (i, row) in values.axis_iter(Axis(0)).enumerate().filter(|(_, r)| r.iter().all(|v| v.is_finite())) {
        let s = context.speakers[i];
        count[s] += 1.0;
        let mut place = out.row_mut(s);
        place += &row;
    }
    for (mut row, n) in out.axis_iter_mut(Axis(0)).zip(&count) {
        row /= n.max(1.0);
    }
    out
}
