//! Sufficient feature subsets: recall against number of features, and the smallest number that loses next to nothing.
//!
//! Rankings are made inside the folds: by backward elimination with logistic regression (Guyon et al., Gene selection for cancer
//! classification using support vector machines, Machine Learning 46, 2002), which leaves out what others say already. The
//! consensus averages the standing over corpora, of which the tested one gives its training speakers only.

use super::consensus::{order, standing};
use super::contexts::Context;
use super::error::TrainError;
use super::learners::{Learner, Rows, fit, logistic};
use super::measure::{top, uar};
use super::prepare::{Normalisation, standardised};
use crate::statistics::streams::{Purpose, stream};
use crate::statistics::{Interval, interval};
use ndarray::Axis;
use serde::Serialize;

/// Loss of recall that is still taken for the same.
pub const TOLERANCE: f64 = 0.02;

/// How features were ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By all corpora, of the tested one the training speakers.
    Consensus,
    /// By the training speakers of the tested corpus alone.
    Own,
    /// At random, the mean of several draws.
    Random,
}

/// Recall against number of features.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// What was tested.
    pub tested: String,
    /// What was learnt from, where that is something else.
    pub learnt: String,
    /// What values were compared with.
    pub normalisation: Normalisation,
    /// How features were ordered.
    pub order: Order,
    /// Number of features and recall.
    pub points: Vec<(usize, f64)>,
    /// The smallest number of features within 0.02 of all, with the 95 % interval over speakers drawn anew; none for random
    /// features.
    pub smallest: Option<Interval>,
}

/// Backward elimination: features in the order of their worth, the last one to leave first.
///
/// # Errors
/// [`TrainError`] of the learner.
pub fn elimination(rows: &Rows, classes: &[usize], count: usize) -> Result<Vec<usize>, TrainError> {
    let mut left: Vec<usize> = (0..rows.ncols()).collect();
    let mut out = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let m = logistic::fit(&rows.select(Axis(1), &left), classes, count, 0.1)?;
        let size: Vec<f64> = (0..left.len())
            .map(|k| {
                let column = m.weights.column(k);
                let mean = column.sum() / column.len().max(1) as f32;
                column.iter().map(|w| f64::from((w - mean).powi(2))).sum()
            })
            .collect();
        let weakest: Vec<usize> = order(&size).into_iter().rev().take((left.len() / 6).max(1)).collect();
        out.extend(weakest.iter().map(|k| left[*k]));
        let mut keep = 0..;
        left.retain(|_| keep.next().is_some_and(|k: usize| !weakest.contains(&k)));
    }
    out.extend(left);
    out.reverse();
    Ok(out)
}

/// Standing (1 first, 0 last) of features by backward elimination.
///
/// # Errors
/// [`TrainError`] of the learner.
pub fn standing_inside(rows: &Rows, classes: &[usize], count: usize) -> Result<Vec<f64>, TrainError> {
    let order = elimination(rows, classes, count)?;
    let mut worth = vec![0.0; order.len()];
    order.iter().enumerate().for_each(|(place, f)| worth[*f] = -(place as f64));
    Ok(standing(&worth))
}

/// The inverse penalty that suits a number of features: few need little.
#[must_use]
pub fn strength(features: usize) -> f64 {
    if features <= 40 { 0.1 } else { 0.02 }
}

/// Answers of a logistic regression on some features.
///
/// # Errors
/// [`TrainError`] of the learner.
pub fn answers(
    learn: &Rows,
    classes: &[usize],
    labels: &[String],
    test: &Rows,
    features: &[usize],
) -> Result<Vec<usize>, TrainError> {
    let x = learn.select(Axis(1), features);
    let fitted = fit(Learner::Logistic, strength(features.len()), &x, classes, labels, 1)?;
    let scores = fitted.scores(&test.select(Axis(1), features));
    Ok(scores.axis_iter(Axis(0)).map(|s| top(&s.to_vec())).collect())
}

/// Curves of a context by its own order, the consensus with the standing that other corpora give, and random features.
///
/// # Errors
/// [`TrainError`] of the learner.
pub fn within(
    context: &Context,
    raw: &Rows,
    normalisation: Normalisation,
    others: &[Vec<f64>],
    sizes: &[usize],
    seed: u64,
) -> Result<Vec<Curve>, TrainError> {
    const RANDOM: usize = 5;
    let d = raw.ncols();
    let sizes: Vec<usize> = sizes.iter().copied().filter(|s| *s < d).chain([d]).collect();
    let mut kinds: Vec<(Order, Vec<Vec<Vec<usize>>>)> = vec![(Order::Own, Vec::new()), (Order::Random, Vec::new())];
    if !others.is_empty() {
        kinds.insert(0, (Order::Consensus, Vec::new()));
    }
    let n = context.members.len();
    for (order, places) in &mut kinds {
        let runs = if *order == Order::Random { RANDOM } else { 1 };
        places.resize(runs, vec![vec![0; n]; sizes.len()]);
    }
    for k in 0..context.fold_count() {
        let (outside, inside) = context.split(k);
        let rows = standardised(raw, &inside);
        let (learn, test) = (rows.select(Axis(0), &inside), rows.select(Axis(0), &outside));
        let y: Vec<usize> = inside.iter().map(|i| context.classes[*i]).collect();
        let own_standing = standing_inside(&learn, &y, context.labels.len())?;
        for (kind, runs) in &mut kinds {
            for (run, answers_by_size) in runs.iter_mut().enumerate() {
                let ordered = match kind {
                    Order::Own => order(&own_standing),
                    Order::Consensus => {
                        let sum = |f: usize| own_standing[f] + others.iter().map(|o| o[f]).sum::<f64>();
                        order(&(0..d).map(sum).collect::<Vec<_>>())
                    }
                    Order::Random => {
                        let mut shuffled: Vec<usize> = (0..d).collect();
                        stream(seed, Purpose::Features, (k * RANDOM + run) as u64).shuffle(&mut shuffled);
                        shuffled
                    }
                };
                for (s, size) in sizes.iter().enumerate() {
                    let given = answers(&learn, &y, &context.labels, &test, &ordered[..*size])?;
                    outside.iter().zip(given).for_each(|(i, a)| answers_by_size[s][*i] = a);
                }
            }
        }
    }
    let drawn = super::evaluate::resampled(context, 400, seed);
    let recall = |list: Option<&Vec<usize>>, given: &[usize]| match list {
        None => uar(&context.classes, given, context.labels.len()),
        Some(l) => {
            let pick = |from: &[usize]| -> Vec<usize> { l.iter().map(|i| from[*i]).collect() };
            uar(&pick(&context.classes), &pick(given), context.labels.len())
        }
    };
    let curve = |(kind, runs): &(Order, Vec<Vec<Vec<usize>>>)| {
        let mean = |s: usize| runs.iter().map(|r| recall(None, &r[s])).sum::<f64>() / runs.len() as f64;
        let smallest_of = |list: Option<&Vec<usize>>| {
            let points: Vec<(usize, f64)> =
                sizes.iter().enumerate().map(|(s, size)| (*size, recall(list, &runs[0][s]))).collect();
            smallest(&points)
        };
        Curve {
            tested: context.name.clone(),
            learnt: context.name.clone(),
            normalisation,
            order: *kind,
            points: sizes.iter().enumerate().map(|(s, size)| (*size, mean(s))).collect(),
            smallest: (*kind != Order::Random).then(|| {
                interval(smallest_of(None) as f64, drawn.iter().map(|l| smallest_of(Some(l)) as f64).collect())
            }),
        }
    };
    Ok(kinds.iter().map(curve).collect())
}

/// The smallest number of features within [`TOLERANCE`] of the last point.
#[must_use]
pub fn smallest(points: &[(usize, f64)]) -> usize {
    let full = points.last().map_or(0.0, |p| p.1);
    points.iter().find(|p| p.1 >= full - TOLERANCE).map_or(0, |p| p.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;
    use ndarray::Array2;

    #[test]
    fn elimination_keeps_what_carries_the_class() {
        let mut r = Random(4);
        let classes: Vec<usize> = (0..120).map(|i| i % 3).collect();
        let rows = Array2::from_shape_fn((120, 8), |(i, k)| {
            let noise = r.uniform() as f32 * 2.0 - 1.0;
            match k {
                2 => classes[i] as f32 + noise,
                5 => f32::from(u8::from(classes[i] == 1)) * 2.0 + noise,
                _ => noise,
            }
        });
        let order = elimination(&rows, &classes, 3).unwrap();
        assert_eq!(order.len(), 8);
        assert!(order[..2].contains(&2) && order[..2].contains(&5), "{order:?}");
        assert_eq!(smallest(&[(5, 0.4), (10, 0.6), (20, 0.61)]), 10);
    }
}
