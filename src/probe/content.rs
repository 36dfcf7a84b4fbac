//! What a layer holds: linear maps of its states to named values, on held-out speakers, beside shuffled targets and random weights.

use super::concept::Targets;
use super::erasure::Eraser;
use super::error::ProbeError;
use super::explained::Explained;
use super::findings::Content;
use super::ridge::{Predicted, Split, predict};
use super::scatter::{Rotated, Scatter};
use crate::statistics::Interval;
use crate::statistics::streams::{Purpose, stream};
use ndarray::{Array2, ArrayView2, Axis, concatenate};

/// Rows that are probed: who speaks, and what is learnt from what.
#[derive(Debug)]
pub struct Rows<'a> {
    /// Speaker of each row.
    pub speakers: &'a [usize],
    /// Number of speakers.
    pub count: usize,
    /// Folds.
    pub splits: &'a [Split],
    /// Speakers drawn anew.
    pub draws: &'a [Vec<usize>],
}

/// States of a layer, with the scatter of every fold's training part.
#[derive(Debug)]
pub struct Prepared {
    /// In few coordinates.
    pub rotated: Rotated,
    /// By fold.
    pub scatters: Vec<Scatter>,
    /// The rows learnt from along their principal axes, by fold.
    pub along: Vec<Array2<f64>>,
}

impl Prepared {
    /// Of rows by channels.
    pub fn of(states: ArrayView2<'_, f32>, splits: &[Split]) -> Result<Self, ProbeError> {
        let rotated = Rotated::of(states)?;
        let scatters: Vec<Scatter> =
            splits.iter().map(|s| Scatter::of(&rotated.rows, &s.learnt)).collect::<Result<_, _>>()?;
        let learnt = |s: &Split| rotated.rows.select(Axis(0), &s.learnt);
        let along = scatters.iter().zip(splits).map(|(scatter, s)| scatter.along(&learnt(s))).collect();
        Ok(Self { rotated, scatters, along })
    }

    /// Erasers of targets, by fold: each learnt from the fold's training part.
    pub fn erasers(&self, targets: &Array2<f64>, splits: &[Split]) -> Result<Vec<Eraser>, ProbeError> {
        let of = |((scatter, along), split): ((&Scatter, &Array2<f64>), &Split)| {
            Eraser::of(scatter, along, &targets.select(Axis(0), &split.learnt))
        };
        self.scatters.iter().zip(&self.along).zip(splits).map(of).collect()
    }

    /// Predictions out of fold.
    fn predict(&self, targets: &Array2<f64>, splits: &[Split]) -> Result<Predicted, ProbeError> {
        predict(&self.rotated.rows, targets, splits, &self.scatters, None)
    }
}

/// How well each target is explained: `columns` of what was predicted, against targets in that order of rows.
pub fn explained(
    rows: &Rows<'_>,
    targets: &Targets,
    found: &Predicted,
    first: usize,
    order: &[usize],
) -> Vec<Explained> {
    let one = |t: usize| {
        let defined = (0..rows.speakers.len()).filter(|i| targets.defined[(order[*i], t)]);
        let at = |a: &Array2<f64>, i: usize| a[(i, first + t)];
        let row =
            |i: usize| (rows.speakers[i], targets.values[(order[i], t)], at(&found.values, i), at(&found.means, i));
        Explained::of(rows.count, defined.map(row))
    };
    (0..targets.count()).map(one).collect()
}

/// What both nets hold, and the predictions of the first with the penalties chosen for them.
pub fn contents(
    rows: &Rows<'_>,
    targets: &Targets,
    learnt: &Prepared,
    random: &Prepared,
    shuffles: usize,
    seed: u64,
) -> Result<(Vec<Content>, Predicted), ProbeError> {
    let n = rows.speakers.len();
    let plain: Vec<usize> = (0..n).collect();
    let orders: Vec<Vec<usize>> = (0..shuffles)
        .map(|k| {
            let mut order = plain.clone();
            stream(seed, Purpose::Values, k as u64).shuffle(&mut order);
            order
        })
        .collect();
    let shuffled: Vec<Array2<f64>> = orders.iter().map(|o| targets.values.select(Axis(0), o)).collect();
    let all: Vec<ArrayView2<'_, f64>> =
        std::iter::once(targets.values.view()).chain(shuffled.iter().map(Array2::view)).collect();
    let all = concatenate(Axis(1), &all).map_err(|_| ProbeError::Numbers("targets of different lengths"))?;
    let found = learnt.predict(&all, rows.splits)?;
    let by_chance = random.predict(&targets.values, rows.splits)?;
    let own = explained(rows, targets, &found, 0, &plain);
    let other = explained(rows, targets, &by_chance, 0, &plain);
    let controls: Vec<Vec<Explained>> = (orders.iter().enumerate())
        .map(|(k, order)| explained(rows, targets, &found, (k + 1) * targets.count(), order))
        .collect();
    let content = |t: usize| {
        let r2 = own[t].with_interval(rows.draws)?;
        let beyond: Interval = own[t].beyond(&other[t], rows.draws)?;
        let of_shuffled: Vec<f64> = controls.iter().filter_map(|c| c[t].r2()).collect();
        let shuffled = of_shuffled.iter().sum::<f64>() / of_shuffled.len().max(1) as f64;
        Some(Content {
            name: targets.names[t].clone(),
            group: targets.groups[t].clone(),
            r2,
            shuffled,
            random_weights: other[t].with_interval(rows.draws)?,
            selectivity: r2.value - shuffled,
            beyond_random: beyond,
            held: r2.low > of_shuffled.iter().copied().fold(0.0, f64::max),
            learnt: beyond.low > 0.0,
        })
    };
    let list = (0..targets.count()).filter_map(content).collect();
    let penalties = found.penalties.slice(ndarray::s![.., ..targets.count()]).to_owned();
    Ok((list, Predicted { penalties, ..found }))
}
