//! Support vector machines (by `linfa`), one-vs-rest, both sides weighing the same.

use super::linear::Linear;
use super::rows::Rows;
use crate::identify::error::TrainError;
use linfa::prelude::*;
use linfa_svm::Svm;
use ndarray::{Array1, Array2, Axis};

/// Width of the Gaussian kernel: `gamma` times the number of features.
const GAMMA: f64 = 0.5;

/// `scores_k(x) = sum_i coefficient_ik exp(-gamma |x - s_i|^2) + bias_k`.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Support vectors.
    pub support: Rows,
    /// Coefficients, support vectors by classes.
    pub coefficients: Array2<f32>,
    /// Constant terms.
    pub bias: Array1<f32>,
    /// Width of the kernel.
    pub gamma: f32,
}

impl Machine {
    /// Scores of rows.
    #[must_use]
    pub fn scores(&self, rows: &Rows) -> Array2<f64> {
        let square = |m: &Rows| m.map_axis(Axis(1), |r| r.dot(&r));
        let (support_squares, row_squares) = (square(&self.support), square(rows));
        let mut k = rows.dot(&self.support.t());
        for (mut row, x) in k.axis_iter_mut(Axis(0)).zip(&row_squares) {
            row.zip_mut_with(&support_squares, |v, s| *v = (-self.gamma * (x + s - 2.0 * *v)).exp());
        }
        (k.dot(&self.coefficients) + &self.bias).mapv(f64::from)
    }
}

/// One machine for each class that came: `(class, coefficients of all rows, constant)`.
fn machines(
    rows: &Array2<f64>,
    classes: &[usize],
    count: usize,
    strength: f64,
    gamma: Option<f64>,
) -> Result<Vec<(usize, Vec<f64>, f64)>, TrainError> {
    let mut out = Vec::new();
    for class in (0..count).filter(|c| classes.contains(c)) {
        let y = Array1::from_iter(classes.iter().map(|c| *c == class));
        let positive = y.iter().filter(|v| **v).count().max(1) as f64;
        let half = classes.len() as f64 / 2.0;
        let negative = (classes.len() as f64 - positive).max(1.0);
        let params = Svm::<f64, bool>::params()
            .pos_neg_weights(strength * half / positive, strength * half / negative)
            .eps(1e-3);
        let params = match gamma {
            Some(g) => params.gaussian_kernel(1.0 / g),
            None => params.linear_kernel(),
        };
        let svm = params
            .fit(&DatasetBase::new(rows.view(), y.view()))
            .map_err(|e| TrainError::Learner(format!("support vector machine: {e}")))?;
        out.push((class, svm.alpha.clone(), -svm.rho));
    }
    Ok(out)
}

/// Fits linear machines to classes `0..count`. `strength` is `C`.
///
/// # Errors
/// [`TrainError::Learner`] where the solver gives up.
pub fn linear(rows: &Rows, classes: &[usize], count: usize, strength: f64) -> Result<Linear, TrainError> {
    let x = rows.mapv(f64::from);
    let primal = |(class, alpha, bias): (usize, Vec<f64>, f64)| (class, x.t().dot(&Array1::from(alpha)).to_vec(), bias);
    let present: Vec<(usize, Vec<f64>, f64)> =
        machines(&x, classes, count, strength, None)?.into_iter().map(primal).collect();
    Ok(Linear::of_present(count, rows.ncols(), &present))
}

/// Fits rows to classes `0..count` with a Gaussian kernel. `strength` is `C`.
///
/// # Errors
/// [`TrainError::Learner`] where the solver gives up.
pub fn gaussian(rows: &Rows, classes: &[usize], count: usize, strength: f64) -> Result<Machine, TrainError> {
    let gamma = GAMMA / rows.ncols().max(1) as f64;
    let fitted = machines(&rows.mapv(f64::from), classes, count, strength, Some(gamma))?;
    let used: Vec<usize> = (0..rows.nrows()).filter(|i| fitted.iter().any(|m| m.1[*i].abs() > 1e-8)).collect();
    let mut coefficients = Array2::zeros((used.len(), count));
    let mut bias = Array1::from_elem(count, -30.0);
    for (class, alpha, b) in &fitted {
        used.iter().enumerate().for_each(|(k, i)| coefficients[(k, *class)] = alpha[*i] as f32);
        bias[*class] = *b as f32;
    }
    Ok(Machine { support: rows.select(Axis(0), &used), coefficients, bias, gamma: gamma as f32 })
}
