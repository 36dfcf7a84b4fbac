//! Grouped permutation importance: what the probability of the right label loses when a cluster of features is permuted among the
//! held-out recordings of a fold, all its members alike. A single member of a cluster of near copies could be permuted without loss.

use crate::identify::contexts::Context;
use crate::identify::evaluate::{Evaluation, right_probability};
use crate::identify::measure::tempered;
use crate::statistics::streams::{Purpose, stream};
use ndarray::{Array2, Axis};

/// Times that a cluster is mixed.
const REPEATS: usize = 2;

/// Losses by member and cluster, for an evaluation whose folds were kept.
#[must_use]
pub fn losses(context: &Context, e: &Evaluation, clusters: &[Vec<usize>], seed: u64) -> Array2<f64> {
    let (t, right) = right_probability(&e.scores, &context.classes);
    let mut random = stream(seed, Purpose::Values, 0);
    let mut out = Array2::zeros((context.members.len(), clusters.len()));
    for fold in &e.folds {
        let rows = fold.rows.select(Axis(0), &fold.outside);
        for (c, members) in clusters.iter().enumerate() {
            for _ in 0..REPEATS {
                let mut order: Vec<usize> = (0..rows.nrows()).collect();
                random.shuffle(&mut order);
                let mut mixed = rows.clone();
                for (i, from) in order.iter().enumerate() {
                    members.iter().for_each(|f| mixed[(i, *f)] = rows[(*from, *f)]);
                }
                let scores = fold.fitted.scores(&mixed);
                for (place, s) in fold.outside.iter().zip(scores.axis_iter(Axis(0))) {
                    let p = tempered(&s.to_vec(), t)[context.classes[*place]];
                    out[(*place, c)] += (right[*place] - p) / REPEATS as f64;
                }
            }
        }
    }
    out
}

/// What members of clusters share, feature by feature: each has the loss of its cluster.
#[must_use]
pub fn by_feature(losses: &Array2<f64>, clusters: &[Vec<usize>], width: usize) -> Array2<f64> {
    let mut cluster_of = vec![0; width];
    clusters.iter().enumerate().for_each(|(c, list)| list.iter().for_each(|f| cluster_of[*f] = c));
    Array2::from_shape_fn((losses.nrows(), width), |(i, f)| losses[(i, cluster_of[f])])
}
