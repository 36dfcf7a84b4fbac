//! Values of single features by antithetic permutations, with their standard error.

use super::Game;
use crate::model::ModelError;
use crate::signal::random::Random;

/// Rows that are run at once, about.
const BLOCK: usize = 2048;

/// Stopping rule of the sampling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Stop when the largest standard error is at most this share of the largest value.
    pub relative_error: f64,
    /// Never run more rows than this, about.
    pub most_rows: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { relative_error: 0.02, most_rows: 400_000 }
    }
}

/// Estimates, `columns * outputs` of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The values.
    pub values: Vec<f64>,
    /// Their standard errors.
    pub stderr: Vec<f64>,
    /// Pairs of permutations that were walked.
    pub pairs: usize,
}

/// Walks random orders of the columns and their reverses from a background row to the row. Columns of one group stay
/// together in every order (the groups' and their members' orders are random), so that the values of a group's members
/// add up to the group's own; one group for each column gives plain Shapley values.
///
/// Every background row is walked equally often: the values add up to the row's output minus the background's mean.
///
/// # Errors
/// [`ModelError`] of the runs.
pub fn estimate(
    game: &dyn Game,
    row: &[f32],
    background: &[f32],
    groups: &[Vec<usize>],
    effort: Effort,
) -> Result<Estimate, ModelError> {
    let (d, outputs) = (row.len(), game.outputs());
    let rows = background.len() / d.max(1);
    let columns: usize = groups.iter().map(Vec::len).sum();
    let per_pair = 2 * (columns + 1);
    let at_once = (BLOCK / per_pair).max(1);
    let most = effort.most_rows / per_pair;
    let mut random = Random(0x00af_fec7);
    let (mut sum, mut squares) = (vec![0.0; d * outputs], vec![0.0; d * outputs]);
    let mut pairs = 0;
    let mut order: Vec<Vec<usize>> = groups.to_vec();
    let mut walks: Vec<Vec<usize>> = Vec::new();
    let mut block: Vec<f32> = Vec::new();
    let mut pair = vec![0.0; d * outputs];
    loop {
        // One walk and its reverse from each background row.
        for from in (0..rows).step_by(at_once) {
            let now = at_once.min(rows - from);
            block.clear();
            walks.clear();
            for b in from..from + now {
                random.shuffle(&mut order);
                order.iter_mut().for_each(|g| random.shuffle(g));
                let forward: Vec<usize> = order.iter().flatten().copied().collect();
                let reverse: Vec<usize> = forward.iter().rev().copied().collect();
                for walk in [forward, reverse] {
                    let mut at = background[b * d..][..d].to_vec();
                    block.extend_from_slice(&at);
                    for c in &walk {
                        at[*c] = row[*c];
                        block.extend_from_slice(&at);
                    }
                    walks.push(walk);
                }
            }
            let (mut k, mut last) = (0, vec![0.0; outputs]);
            game.play(&block, &mut |values| {
                let (walk, step) = (k / (columns + 1), k % (columns + 1));
                if step > 0 {
                    let c = walks[walk][step - 1] * outputs;
                    for o in 0..outputs {
                        pair[c + o] += 0.5 * (values[o] - last[o]);
                    }
                }
                last.copy_from_slice(values);
                if walk % 2 == 1 && step == columns {
                    for (i, p) in pair.iter_mut().enumerate() {
                        sum[i] += *p;
                        squares[i] += *p * *p;
                        *p = 0.0;
                    }
                }
                k += 1;
            })?;
            pairs += now;
        }
        let n = pairs as f64;
        let values: Vec<f64> = sum.iter().map(|s| s / n).collect();
        let variance = |k: usize| (squares[k] / n - values[k] * values[k]).max(0.0);
        let stderr: Vec<f64> = (0..values.len()).map(|k| (variance(k) / (n - 1.0).max(1.0)).sqrt()).collect();
        let largest = |list: &[f64]| list.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        // A single pair says nothing about its error.
        let enough = pairs >= 8 && largest(&stderr) <= effort.relative_error * largest(&values);
        if enough || pairs + rows > most.max(rows) || rows == 0 {
            return Ok(Estimate { values, stderr, pairs });
        }
    }
}
