//! Multinomial logistic regression with an L2 penalty (by `linfa`), classes weighing the same.

use super::linear::Linear;
use super::rows::Rows;
use crate::identify::error::TrainError;
use linfa::prelude::*;
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

/// Fits rows to classes `0..count`. `strength` is the inverse of the penalty, as scikit-learn's `C`.
///
/// Rows are repeated until all classes are as frequent, and the penalty grows alike: what is minimised is, up to a factor, the
/// loss with weights inverse to frequency. Where there are few rows they come up to eight times as often, so that the rows of a
/// class differ little in how often they come.
///
/// # Errors
/// [`TrainError::Learner`] where the optimiser gives up.
pub fn fit(rows: &Rows, classes: &[usize], count: usize, strength: f64) -> Result<Linear, TrainError> {
    let picked = repeated(classes, count, turns(classes, count));
    let d = rows.ncols();
    let x = Array2::from_shape_fn((picked.len(), d), |(i, k)| f64::from(rows[(picked[i], k)]));
    let y = Array1::from_iter(picked.iter().map(|i| classes[*i]));
    let alpha = picked.len() as f64 / rows.nrows().max(1) as f64 / strength;
    let fitted = MultiLogisticRegression::default()
        .alpha(alpha)
        .max_iterations(400)
        .gradient_tolerance(1e-4)
        .fit(&Dataset::new(x, y))
        .map_err(|e| TrainError::Learner(format!("logistic regression: {e}")))?;
    let present: Vec<(usize, Vec<f64>, f64)> = fitted
        .classes()
        .iter()
        .enumerate()
        .map(|(k, class)| (*class, fitted.params().column(k).to_vec(), fitted.intercept()[k]))
        .collect();
    Ok(Linear::of_present(count, d, &present))
}

/// Rows of a fit, at most, for which classes of different frequencies are repeated more often than once.
const REPEATED: usize = 4000;

/// How often the most frequent class comes: once where all are as frequent or there are many rows, else up to eight times.
fn turns(classes: &[usize], count: usize) -> usize {
    let sizes: Vec<usize> =
        (0..count).map(|c| classes.iter().filter(|k| **k == c).count()).filter(|n| *n > 0).collect();
    let most = sizes.iter().max().copied().unwrap_or(0);
    if sizes.iter().all(|n| *n == most) { 1 } else { (REPEATED / (most * sizes.len()).max(1)).clamp(1, 8) }
}

/// Indices of rows in which rare classes come again and again until all are as frequent as the most frequent one.
#[must_use]
pub fn balanced(classes: &[usize], count: usize) -> Vec<usize> {
    repeated(classes, count, 1)
}

/// The same with the most frequent class coming `turns` times.
fn repeated(classes: &[usize], count: usize, turns: usize) -> Vec<usize> {
    let members: Vec<Vec<usize>> =
        (0..count).map(|c| (0..classes.len()).filter(|i| classes[*i] == c).collect()).collect();
    let most = members.iter().map(Vec::len).max().unwrap_or(0) * turns;
    members.iter().filter(|m| !m.is_empty()).flat_map(|m| m.iter().cycle().take(most).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every class has the same weight, and so have the rows of a class, to an eighth.
    #[test]
    fn rows_of_a_class_weigh_nearly_the_same() {
        let classes: Vec<usize> = [0; 79].into_iter().chain([1; 127]).chain([2; 62]).collect();
        let picked = repeated(&classes, 3, turns(&classes, 3));
        let times = |i: usize| picked.iter().filter(|p| **p == i).count() as f64;
        for (c, members) in [(0, 0..79), (1, 79..206), (2, 206..268)] {
            let n: Vec<f64> = members.map(times).collect();
            let sum: f64 = n.iter().sum();
            assert_eq!(sum, picked.len() as f64 / 3.0, "class {c}");
            assert!(n.iter().all(|t| (t * n.len() as f64 / sum - 1.0).abs() < 0.125), "class {c}: {n:?}");
        }
        assert_eq!((turns(&[0, 1, 0, 1], 2), turns(&[0; 9000], 1), turns(&[], 2)), (1, 1, 1));
    }
}
