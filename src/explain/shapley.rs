//! Exact Shapley values over groups: every coalition, in batched runs.

use super::Game;
use crate::model::ModelError;

/// More groups than this are refused: every further one doubles the work.
pub const MOST_GROUPS: usize = 16;
/// Rows that are run at once, about.
const BLOCK: usize = 1024;

/// Shapley values from the worth of all coalitions: `worth[S * outputs + k]`, bit `g` of `S` standing for player `g`.
/// Returns `players * outputs` values.
#[must_use]
pub fn from_worths(players: usize, outputs: usize, worth: &[f64]) -> Vec<f64> {
    // |S|! (n-|S|-1)! / n! = 1 / (n * C(n-1, |S|))
    let choose = |n: usize, k: usize| (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
    let share: Vec<f64> = (0..players).map(|s| 1.0 / (players as f64 * choose(players - 1, s))).collect();
    let mut values = vec![0.0; players * outputs];
    for s in 0usize..1 << players {
        for g in (0..players).filter(|g| s >> g & 1 == 0) {
            let (without, with) = (s * outputs, (s | 1 << g) * outputs);
            let w = share[s.count_ones() as usize];
            for k in 0..outputs {
                values[g * outputs + k] += w * (worth[with + k] - worth[without + k]);
            }
        }
    }
    values
}

/// The worth of every coalition of groups: the mean over the background of the game with the row's values for the
/// coalition's columns. `background` holds rows as wide as `row`.
///
/// # Errors
/// [`ModelError`] of the runs.
///
/// # Panics
/// Never for groups whose columns lie within the row.
pub fn worths(game: &dyn Game, row: &[f32], background: &[f32], groups: &[Vec<usize>]) -> Result<Vec<f64>, ModelError> {
    let (d, outputs) = (row.len(), game.outputs());
    let rows = background.len() / d.max(1);
    // The groups of a block take all combinations inside it; the others change from block to block, one at a time, so
    // that only their columns are written anew.
    let inside = (0..=groups.len()).take_while(|l| rows << l <= BLOCK).last().unwrap_or(0);
    let combinations = 1usize << inside;
    let mut block = Vec::with_capacity(combinations * background.len());
    (0..combinations).for_each(|_| block.extend_from_slice(background));
    for s in 0..combinations {
        for (g, columns) in groups[..inside].iter().enumerate().filter(|(g, _)| s >> g & 1 == 1) {
            debug_assert!(g < inside);
            for b in 0..rows {
                let first = (s * rows + b) * d;
                columns.iter().for_each(|c| block[first + c] = row[*c]);
            }
        }
    }
    let mut worth = vec![0.0; outputs << groups.len()];
    let mut high = 0usize;
    for step in 0usize..1 << (groups.len() - inside) {
        if step > 0 {
            let bit = step.trailing_zeros() as usize;
            high ^= 1 << bit;
            let on = high >> bit & 1 == 1;
            for (k, r) in block.chunks_exact_mut(d).enumerate() {
                let from = if on { row } else { &background[k % rows * d..][..d] };
                groups[inside + bit].iter().for_each(|c| r[*c] = from[*c]);
            }
        }
        let first = (high << inside) * outputs;
        let mut k = 0;
        game.play(&block, &mut |values| {
            let place = first + k / rows * outputs;
            worth[place..][..outputs].iter_mut().zip(values).for_each(|(w, v)| *w += v);
            k += 1;
        })?;
    }
    worth.iter_mut().for_each(|w| *w /= rows.max(1) as f64);
    Ok(worth)
}
