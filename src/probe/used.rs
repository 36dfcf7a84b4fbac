//! What the read-out of a layer uses: its recall on states from which something is erased, beside random erasures of equal rank.

use super::concept::{Concept, Targets};
use super::content::{Prepared, Rows, explained};
use super::erasure::{Eraser, noise};
use super::error::ProbeError;
use super::findings::Effect;
use super::readout::{Readout, Recall, answers};
use super::ridge::{Predicted, Split, predict};
use super::scatter::Scatter;
use crate::identify::contexts::Context;
use crate::statistics::streams::{Purpose, stream};
use ndarray::{Array1, Array2, Axis};

/// Mean R² of a concept's targets, before and after: fresh regressions with the penalties chosen before, over the same folds, on rows
/// each of which was erased by what the other folds say.
pub fn left(
    prepared: &Prepared,
    rows: &Rows<'_>,
    targets: &Targets,
    concept: &Concept,
    erasers: &[Eraser],
    before: &Predicted,
) -> Result<(f64, f64), ProbeError> {
    let mut erased = prepared.rotated.rows.clone();
    for ((scatter, split), eraser) in prepared.scatters.iter().zip(rows.splits).zip(erasers) {
        let along = scatter.along(&erased.select(Axis(0), &split.tested));
        let taken = eraser.taken(&along).dot(&scatter.axes.t());
        for (i, t) in split.tested.iter().zip(taken.outer_iter()) {
            let mut row = erased.row_mut(*i);
            row -= &t;
        }
    }
    let scatters: Vec<Scatter> =
        rows.splits.iter().map(|s| Scatter::of(&erased, &s.learnt)).collect::<Result<_, _>>()?;
    let some = Targets {
        names: concept.members.iter().map(|t| targets.names[*t].clone()).collect(),
        groups: concept.members.iter().map(|t| targets.groups[*t].clone()).collect(),
        values: targets.values.select(Axis(1), &concept.members),
        defined: targets.defined.select(Axis(1), &concept.members),
        left_out: Vec::new(),
    };
    let penalties = before.penalties.select(Axis(1), &concept.members);
    let found = predict(&erased, &some.values, rows.splits, &scatters, Some(&penalties))?;
    let own = Predicted {
        values: before.values.select(Axis(1), &concept.members),
        means: before.means.select(Axis(1), &concept.members),
        penalties,
    };
    let plain: Vec<usize> = (0..rows.speakers.len()).collect();
    let mean = |p: &Predicted| {
        let all: Vec<f64> =
            explained(rows, &some, p, 0, &plain).iter().filter_map(super::explained::Explained::r2).collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    Ok((mean(&own), mean(&found)))
}

/// A fold's held-out rows and read-out along the principal axes of its training part.
struct Held<'a> {
    tested: &'a [usize],
    along: Array2<f64>,
    weights: Array2<f64>,
    scores: Array2<f64>,
}

/// The read-out of a layer, ready for erasures.
pub struct Reader<'a> {
    context: &'a Context,
    prepared: &'a Prepared,
    splits: &'a [Split],
    folds: Vec<Held<'a>>,
    whole: Recall,
}

impl<'a> Reader<'a> {
    /// Of the states and the read-out fitted to them.
    pub fn new(context: &'a Context, prepared: &'a Prepared, splits: &'a [Split], readout: &Readout) -> Self {
        let rotated = &prepared.rotated;
        let fold = |((scatter, split), map): ((&'a Scatter, &'a Split), &super::readout::Map)| {
            let along = scatter.along(&rotated.rows.select(Axis(0), &split.tested));
            let of_coordinates = rotated.weights(&map.weights);
            let constant: Array1<f64> =
                &map.bias + &map.weights.dot(&rotated.mean) + &of_coordinates.dot(&scatter.mean);
            let weights = of_coordinates.dot(&scatter.axes);
            let scores = along.dot(&weights.t()) + &constant;
            Held { tested: &split.tested, along, weights, scores }
        };
        let folds = prepared.scatters.iter().zip(splits).zip(&readout.maps).map(fold).collect();
        Self { context, prepared, splits, folds, whole: Recall::of_answers(context, &readout.answers) }
    }

    /// Answers to states from which something is erased.
    fn erased(&self, erasers: &[Eraser]) -> Vec<usize> {
        let mut out = vec![0; self.context.classes.len()];
        for (fold, eraser) in self.folds.iter().zip(erasers) {
            let taken = fold.along.dot(&eraser.by).dot(&eraser.along.t().dot(&fold.weights.t()));
            fold.tested.iter().zip(answers(&(&fold.scores - &taken))).for_each(|(i, a)| out[*i] = a);
        }
        out
    }

    /// Loss of recall by erasers, one for each fold, and by `count` random ones of the rank.
    pub fn effect(
        &self,
        erasers: &[Eraser],
        rank: usize,
        count: usize,
        draws: &[Vec<usize>],
        seed: u64,
    ) -> Result<Effect, ProbeError> {
        let n = self.context.classes.len();
        let erased = Recall::of_answers(self.context, &self.erased(erasers));
        let mut by_chance = vec![0.0; n];
        let mut losses = Vec::with_capacity(count);
        let whole = self.whole.uar();
        for draw in 0..count {
            let targets = noise(n, rank, &mut stream(seed, Purpose::Erasures, draw as u64));
            let answers = self.erased(&self.prepared.erasers(&targets, self.splits)?);
            losses.push(whole - Recall::of_answers(self.context, &answers).uar());
            for (i, a) in answers.iter().enumerate() {
                by_chance[i] += f64::from(u8::from(*a == self.context.classes[i])) / count as f64;
            }
        }
        let excess = Recall::of(self.context, &by_chance).beyond(&erased, draws);
        Ok(Effect::new(whole - erased.uar(), &losses, excess))
    }
}
