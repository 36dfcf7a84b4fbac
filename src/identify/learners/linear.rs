//! Linear classifiers, whichever learner fitted them.

use super::rows::Rows;
use ndarray::{Array1, Array2};

/// `W x + b`.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Weights, classes by features.
    pub weights: Array2<f32>,
    /// Constant terms.
    pub bias: Array1<f32>,
}

impl Linear {
    /// A model of which only some classes were seen: the others get a constant far below all that was seen, and finite.
    pub(super) fn of_present(count: usize, width: usize, present: &[(usize, Vec<f64>, f64)]) -> Self {
        let floor = present.iter().map(|p| p.2).fold(0.0, f64::min) - 30.0;
        let mut weights = Array2::zeros((count, width));
        let mut bias = Array1::from_elem(count, floor as f32);
        for (class, w, b) in present {
            w.iter().enumerate().for_each(|(k, v)| weights[(*class, k)] = *v as f32);
            bias[*class] = *b as f32;
        }
        Self { weights, bias }
    }

    /// Scores of rows.
    #[must_use]
    pub fn scores(&self, rows: &Rows) -> Array2<f64> {
        (rows.dot(&self.weights.t()) + &self.bias).mapv(f64::from)
    }
}
