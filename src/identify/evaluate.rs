//! Cross-validation of learners on held-out speakers, plain and nested.

use super::contexts::Context;
use super::error::TrainError;
use super::learners::{Fitted, Learner, Rows, fit};
use super::measure::{temperature, tempered, top, uar};
use super::prepare::{Normalisation, standardised};
use crate::statistics::{Interval, interval, resamples};
use ndarray::{Array2, Axis};
use rayon::prelude::*;

/// One fold: what was learnt from it and for whom.
#[derive(Debug, Clone)]
pub struct Fold {
    /// Members that were tested.
    pub outside: Vec<usize>,
    /// Members that were learnt from.
    pub inside: Vec<usize>,
    /// All rows by the statistics of those learnt from.
    pub rows: Rows,
    /// What was learnt.
    pub fitted: Fitted,
}

/// A learner in a context.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Which.
    pub learner: Learner,
    /// Its strength.
    pub strength: f64,
    /// What values were compared with.
    pub normalisation: Normalisation,
    /// Scores out of fold, by member.
    pub scores: Vec<Vec<f64>>,
    /// Unweighted average recall of the pooled predictions.
    pub uar: f64,
    /// The folds.
    pub folds: Vec<Fold>,
}

impl Evaluation {
    /// The label of the largest score, by member.
    #[must_use]
    pub fn answers(&self) -> Vec<usize> {
        self.scores.iter().map(|s| top(s)).collect()
    }

    /// Recall beyond chance, as a share of what is possible; 0 for what is no better than chance.
    #[must_use]
    pub fn skill(&self, classes: usize) -> f64 {
        let chance = 1.0 / classes.max(1) as f64;
        ((self.uar - chance) / (1.0 - chance)).max(0.0)
    }
}

/// Fits and tests a learner on every fold. `keep` says whether folds are kept for explanations.
///
/// # Errors
/// [`TrainError`] of the learner.
pub fn evaluate(
    context: &Context,
    raw: &Rows,
    normalisation: Normalisation,
    learner: Learner,
    strength: f64,
    seed: u64,
    keep: bool,
) -> Result<Evaluation, TrainError> {
    let mut scores = vec![Vec::new(); context.members.len()];
    let mut folds = Vec::new();
    for k in 0..context.fold_count() {
        let (outside, inside) = context.split(k);
        let rows = standardised(raw, &inside);
        let y: Vec<usize> = inside.iter().map(|i| context.classes[*i]).collect();
        let fitted = fit(learner, strength, &rows.select(Axis(0), &inside), &y, &context.labels, seed)?;
        let tested_scores = fitted.scores(&rows.select(Axis(0), &outside));
        outside.iter().zip(tested_scores.axis_iter(Axis(0))).for_each(|(i, s)| scores[*i] = s.to_vec());
        if keep {
            folds.push(Fold { outside, inside, rows, fitted });
        }
    }
    let answers: Vec<usize> = scores.iter().map(|s| top(s)).collect();
    let uar = uar(&context.classes, &answers, context.labels.len());
    Ok(Evaluation { learner, strength, normalisation, scores, uar, folds })
}

/// What was chosen in one fold, and how all of them did together.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Learner and strength by fold.
    pub choices: Vec<(Learner, f64)>,
    /// Scores out of fold, by member.
    pub scores: Vec<Vec<f64>>,
    /// Unweighted average recall of the pooled predictions.
    pub uar: f64,
}

/// The best of several learners, chosen inside every fold by folds of its own training speakers.
///
/// # Errors
/// [`TrainError`] of a learner.
pub fn nested(context: &Context, raw: &Rows, candidates: &[(Learner, f64)], seed: u64) -> Result<Chosen, TrainError> {
    let fold = |k: usize| {
        let (outside, inside) = context.split(k);
        let best = choose(context, raw, &inside, candidates, seed)?;
        let rows = standardised(raw, &inside);
        let y: Vec<usize> = inside.iter().map(|i| context.classes[*i]).collect();
        let fitted = fit(best.0, best.1, &rows.select(Axis(0), &inside), &y, &context.labels, seed)?;
        Ok((best, fitted.scores(&rows.select(Axis(0), &outside))))
    };
    let folds: Vec<_> = (0..context.fold_count()).into_par_iter().map(fold).collect::<Result<_, TrainError>>()?;
    let mut scores = vec![Vec::new(); context.members.len()];
    for (k, (_, tested_scores)) in folds.iter().enumerate() {
        let outside = context.split(k).0;
        outside.iter().zip(tested_scores.axis_iter(Axis(0))).for_each(|(i, s)| scores[*i] = s.to_vec());
    }
    let choices = folds.into_iter().map(|f| f.0).collect();
    let answers: Vec<usize> = scores.iter().map(|s| top(s)).collect();
    Ok(Chosen { choices, uar: uar(&context.classes, &answers, context.labels.len()), scores })
}

/// The first candidate, unless another one is better by more than one standard error of the difference over three folds inside the
/// given members (Breiman et al., Classification and regression trees, 1984): between equals chance does not choose. Folds that
/// have fewer than two labels to learn from say nothing.
fn choose(
    context: &Context,
    raw: &Rows,
    members: &[usize],
    candidates: &[(Learner, f64)],
    seed: u64,
) -> Result<(Learner, f64), TrainError> {
    let several = |inside: &[usize]| inside.iter().any(|i| context.classes[*i] != context.classes[inside[0]]);
    let folds: Vec<(Vec<usize>, Vec<usize>)> =
        context.folds.inner(members, 3).into_iter().filter(|f| several(&f.1)).collect();
    let mut recalls_of: Vec<Vec<f64>> = Vec::new();
    for &(learner, strength) in candidates {
        let mut recalls = Vec::new();
        for (outside, inside) in &folds {
            let rows = standardised(raw, inside);
            let y: Vec<usize> = inside.iter().map(|i| context.classes[*i]).collect();
            let fitted = fit(learner, strength, &rows.select(Axis(0), inside), &y, &context.labels, seed)?;
            let scores: Array2<f64> = fitted.scores(&rows.select(Axis(0), outside));
            let answers: Vec<usize> = scores.axis_iter(Axis(0)).map(|s| top(&s.to_vec())).collect();
            let truth: Vec<usize> = outside.iter().map(|i| context.classes[*i]).collect();
            recalls.push(uar(&truth, &answers, context.labels.len()));
        }
        recalls_of.push(recalls);
    }
    let gain = |k: usize| {
        let d: Vec<f64> = recalls_of[k].iter().zip(&recalls_of[0]).map(|(a, b)| a - b).collect();
        let n = d.len().max(2) as f64;
        let mean = d.iter().sum::<f64>() / n;
        let error = (d.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
        (mean, error)
    };
    let best = (1..candidates.len()).map(|k| (k, gain(k))).filter(|(_, g)| g.0 > g.1);
    let best = best.max_by(|a, b| a.1.0.total_cmp(&b.1.0)).map_or(0, |b| b.0);
    candidates.get(best).copied().ok_or(TrainError::TooFew { what: "learners".to_owned(), found: 0, expected: 1 })
}

/// Unweighted average recall with the interval that comes from drawing speakers anew.
#[must_use]
pub fn uar_by_speaker(context: &Context, answers: &[usize], draws: usize, seed: u64) -> Interval {
    let value = uar(&context.classes, answers, context.labels.len());
    let drawn =
        resampled(context, draws, seed).iter().map(|drawn_members| recall(context, answers, drawn_members)).collect();
    interval(value, drawn)
}

/// The difference of two learners' recall with its interval, speakers drawn anew for both alike; and the share of draws in which
/// the first is not better, as `(b + 1) / (m + 1)`.
#[must_use]
pub fn paired(context: &Context, a: &[usize], b: &[usize], draws: usize, seed: u64) -> (Interval, f64) {
    let k = context.labels.len();
    let value = uar(&context.classes, a, k) - uar(&context.classes, b, k);
    let drawn: Vec<f64> = resampled(context, draws, seed)
        .iter()
        .map(|drawn_members| recall(context, a, drawn_members) - recall(context, b, drawn_members))
        .collect();
    let worse = drawn.iter().filter(|d| **d <= 0.0).count();
    (interval(value, drawn), crate::statistics::permutation_p(worse, draws))
}

/// Members when speakers are drawn anew.
#[must_use]
pub fn resampled(context: &Context, draws: usize, seed: u64) -> Vec<Vec<usize>> {
    let n = context.speaker_names.len();
    let members_of: Vec<Vec<usize>> =
        (0..n).map(|s| (0..context.members.len()).filter(|i| context.speakers[*i] == s).collect()).collect();
    resamples(n, draws, seed).iter().map(|d| d.iter().flat_map(|s| members_of[*s].iter().copied()).collect()).collect()
}

fn recall(context: &Context, answers: &[usize], members: &[usize]) -> f64 {
    let truth: Vec<usize> = members.iter().map(|i| context.classes[*i]).collect();
    let given: Vec<usize> = members.iter().map(|i| answers[*i]).collect();
    uar(&truth, &given, context.labels.len())
}

/// The probability of the right label at the temperature that suits the scores, by member.
#[must_use]
pub fn right_probability(scores: &[Vec<f64>], classes: &[usize]) -> (f64, Vec<f64>) {
    let t = temperature(scores, classes);
    (t, scores.iter().zip(classes).map(|(s, c)| tempered(s, t)[*c]).collect())
}
