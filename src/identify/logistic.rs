//! Multinomial logistic regression with an L2 penalty (by `linfa`), classes weighing the same.

use super::data::TrainError;
use linfa::prelude::*;
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

/// A fitted model: logits are `W x + b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// Weights, classes by features.
    pub weights: Vec<f32>,
    /// Constant terms.
    pub bias: Vec<f32>,
}

/// Fits rows to classes `0..count`. `strength` is the inverse of the penalty, as scikit-learn's `C`.
///
/// Rare classes are repeated until all are as frequent as the most frequent one, and the penalty grows alike: what is
/// minimised is, up to a factor, the loss with weights inverse to frequency.
///
/// # Errors
/// [`TrainError::Learner`] where the optimiser gives up.
pub fn fit(rows: &[Vec<f32>], classes: &[usize], count: usize, strength: f64) -> Result<Logistic, TrainError> {
    let members: Vec<Vec<usize>> = (0..count).map(|c| (0..rows.len()).filter(|i| classes[*i] == c).collect()).collect();
    let most = members.iter().map(Vec::len).max().unwrap_or(0);
    let picked: Vec<usize> =
        members.iter().filter(|m| !m.is_empty()).flat_map(|m| m.iter().cycle().take(most).copied()).collect();
    let d = rows.first().map_or(0, Vec::len);
    let x = Array2::from_shape_fn((picked.len(), d), |(i, k)| f64::from(rows[picked[i]][k]));
    let y = Array1::from_iter(picked.iter().map(|i| classes[*i]));
    let alpha = picked.len() as f64 / rows.len().max(1) as f64 / strength;
    let failed = |e: &dyn std::fmt::Display| TrainError::Learner(format!("logistic regression: {e}"));
    let fitted = MultiLogisticRegression::default()
        .alpha(alpha)
        .max_iterations(400)
        .gradient_tolerance(1e-4)
        .fit(&Dataset::new(x, y))
        .map_err(|e| failed(&e))?;
    let (mut weights, mut bias) = (vec![0.0; count * d], vec![f32::MIN / 2.0; count]);
    for (k, class) in fitted.classes().iter().enumerate() {
        bias[*class] = fitted.intercept()[k] as f32;
        (0..d).for_each(|j| weights[class * d + j] = fitted.params()[(j, k)] as f32);
    }
    // A class that never came is far below all others, and finite.
    let floor = bias.iter().copied().filter(|b| *b > f32::MIN / 4.0).fold(0.0f32, f32::min) - 30.0;
    bias.iter_mut().filter(|b| **b < f32::MIN / 4.0).for_each(|b| *b = floor);
    Ok(Logistic { weights, bias })
}

impl Logistic {
    /// Logits of a row.
    #[must_use]
    pub fn logits(&self, row: &[f32]) -> Vec<f64> {
        let dot = |w: &[f32]| w.iter().zip(row).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
        self.weights.chunks_exact(row.len().max(1)).zip(&self.bias).map(|(w, b)| dot(w) + f64::from(*b)).collect()
    }
}
