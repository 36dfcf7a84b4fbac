//! Multinomial logistic regression with an L2 penalty (by `linfa`), classes weighing the same.

use super::linear::Linear;
use super::rows::Rows;
use crate::identify::error::TrainError;
use linfa::prelude::*;
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

/// Fits rows to classes `0..count`. `strength` is the inverse of the penalty, as scikit-learn's `C`.
///
/// Rare classes are repeated until all are as frequent as the most frequent one, and the penalty grows alike: what is
/// minimised is, up to a factor, the loss with weights inverse to frequency.
///
/// # Errors
/// [`TrainError::Learner`] where the optimiser gives up.
pub fn fit(rows: &Rows, classes: &[usize], count: usize, strength: f64) -> Result<Linear, TrainError> {
    let picked = balanced(classes, count);
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

/// Indices of rows in which rare classes come again and again until all are as frequent as the most frequent one.
#[must_use]
pub fn balanced(classes: &[usize], count: usize) -> Vec<usize> {
    let members: Vec<Vec<usize>> =
        (0..count).map(|c| (0..classes.len()).filter(|i| classes[*i] == c).collect()).collect();
    let most = members.iter().map(Vec::len).max().unwrap_or(0);
    members.iter().filter(|m| !m.is_empty()).flat_map(|m| m.iter().cycle().take(most).copied()).collect()
}
