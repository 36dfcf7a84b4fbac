//! Univariate effect sizes, without a model: how much of a feature's variance within a speaker the labels explain, beyond chance.
//!
//! Epsilon squared (Kelley, An unbiased correlation ratio measure, PNAS 21(9), 1935) within each speaker, whose own mean thereby
//! plays no part; p values by labels permuted within speakers, with the false discovery level of Benjamini and Hochberg.

use crate::identify::contexts::Context;
use crate::identify::learners::Rows;
use crate::statistics::streams::{Purpose, stream};
use crate::statistics::{false_discovery, permutation_p};
use ndarray::{Array1, Array2, Axis};

/// Effects of features in a context.
#[derive(Debug, Clone)]
pub struct Effects {
    /// Epsilon squared, speakers by features; may lie below zero.
    pub by_speaker: Array2<f64>,
    /// p values by feature.
    pub p: Vec<f64>,
    /// False discovery levels by feature.
    pub q: Vec<f64>,
    /// Mean epsilon squared with permuted labels, permutations by features.
    permuted: Array2<f64>,
}

impl Effects {
    /// What the best feature of every group has with permuted labels, in the mean; 0 without permutations.
    #[must_use]
    pub fn chance(&self, groups: &[Vec<usize>]) -> Vec<f64> {
        let best = |row: ndarray::ArrayView1<'_, f64>, g: &[usize]| g.iter().map(|f| row[*f]).fold(f64::MIN, f64::max);
        let n = self.permuted.nrows();
        let mean = |g: &Vec<usize>| self.permuted.outer_iter().map(|r| best(r, g)).sum::<f64>() / n.max(1) as f64;
        groups.iter().map(mean).collect()
    }
}

/// Epsilon squared of every column of centred rows: one minus the unbiased variance within classes over the variance at all.
fn epsilon(rows: &Array2<f64>, total: &Array1<f64>, classes: &[usize], count: usize) -> Array1<f64> {
    let (n, d) = rows.dim();
    let mut sums = Array2::<f64>::zeros((count, d));
    let mut counts = vec![0.0f64; count];
    for (row, c) in rows.axis_iter(Axis(0)).zip(classes) {
        let mut place = sums.row_mut(*c);
        place += &row;
        counts[*c] += 1.0;
    }
    let present = counts.iter().filter(|n| **n > 0.0).count();
    if present < 2 || n <= present {
        return Array1::zeros(d);
    }
    let mut between = Array1::<f64>::zeros(d);
    for (s, n) in sums.axis_iter(Axis(0)).zip(&counts).filter(|(_, n)| **n > 0.0) {
        between += &s.mapv(|v| v * v / n);
    }
    let scale = (n - 1) as f64 / (n - present) as f64;
    let mut out = between;
    out.zip_mut_with(total, |b, t| *b = if *t > 1e-12 { 1.0 - (t - *b).max(0.0) / t * scale } else { 0.0 });
    out
}

/// Effects over the members' values (as [`crate::identify::prepare::raw`] gives them; gaps count as the speaker's mean).
#[must_use]
pub fn effects(context: &Context, raw: &Rows, draws: usize, seed: u64) -> Effects {
    let (speakers, d, k) = (context.speaker_names.len(), raw.ncols(), context.labels.len());
    let mut parts: Vec<(Array2<f64>, Array1<f64>, Vec<usize>)> = Vec::new();
    for s in 0..speakers {
        let members: Vec<usize> = (0..raw.nrows()).filter(|i| context.speakers[*i] == s).collect();
        let mut rows = raw.select(Axis(0), &members).mapv(f64::from);
        for mut column in rows.axis_iter_mut(Axis(1)) {
            let (sum, n) = column.iter().filter(|v| v.is_finite()).fold((0.0, 0.0), |a, v| (a.0 + v, a.1 + 1.0));
            let mean = if n > 0.0 { sum / n } else { 0.0 };
            column.mapv_inplace(|v| if v.is_finite() { v - mean } else { 0.0 });
        }
        let total = rows.mapv(|v| v * v).sum_axis(Axis(0));
        parts.push((rows, total, members.iter().map(|i| context.classes[*i]).collect()));
    }
    let mut by_speaker = Array2::zeros((speakers, d));
    for (s, (rows, total, classes)) in parts.iter().enumerate() {
        by_speaker.row_mut(s).assign(&epsilon(rows, total, classes, k));
    }
    let real = by_speaker.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(d));
    let mut random = stream(seed, Purpose::Labels, 0);
    let mut beaten = vec![0usize; d];
    let mut permuted = Array2::zeros((draws, d));
    for mut place in permuted.outer_iter_mut() {
        let mut mean = Array1::<f64>::zeros(d);
        for (rows, total, classes) in &mut parts {
            random.shuffle(classes);
            mean += &epsilon(rows, total, classes, k);
        }
        mean /= speakers.max(1) as f64;
        (0..d).for_each(|f| beaten[f] += usize::from(mean[f] >= real[f]));
        place.assign(&mean);
    }
    let p: Vec<f64> = beaten.iter().map(|b| permutation_p(*b, draws)).collect();
    Effects { by_speaker, q: false_discovery(&p), p, permuted }
}
