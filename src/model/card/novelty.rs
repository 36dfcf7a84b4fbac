//! Novelty: how far a row lies from what a model has heard in training.
//!
//! The distance is Mahalanobis's, per column: the root of the mean square of the row after it was centred and whitened by the
//! training rows' covariance. It counts as the share of the training rows that lie nearer.

use serde::{Deserialize, Serialize};

/// How far rows lie from the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    /// Mean of the training rows.
    pub centre: Vec<f32>,
    /// The whitening matrix, lower triangular, row after row without the zeros.
    pub whitening: Vec<f32>,
    /// Distances below which 0, 1, ... 100 % of the training rows lie.
    pub quantiles: Vec<f32>,
    /// How fast temperatures rise beyond the distance of 95 % of the training rows: by the factor `e` for each `1 / widens`.
    pub widens: f64,
    /// Beyond this distance the model does not answer.
    pub limit: f64,
}

impl Novelty {
    /// Distance of a row.
    #[must_use]
    pub fn distance(&self, row: &[f32]) -> f64 {
        let centred: Vec<f64> = row.iter().zip(&self.centre).map(|(v, c)| f64::from(*v) - f64::from(*c)).collect();
        let mut rest = self.whitening.as_slice();
        let mut sum = 0.0;
        for k in 0..centred.len() {
            let (coefficients, others) = rest.split_at((k + 1).min(rest.len()));
            let y: f64 = coefficients.iter().zip(&centred).map(|(w, v)| f64::from(*w) * v).sum();
            sum += y * y;
            rest = others;
        }
        (sum / centred.len().max(1) as f64).sqrt()
    }

    /// Share of the training rows that lie nearer than a distance, from 0 to 1.
    #[must_use]
    pub fn share(&self, distance: f64) -> f64 {
        let q = &self.quantiles;
        let below = q.partition_point(|v| f64::from(*v) <= distance);
        if below == 0 {
            return 0.0;
        }
        let steps = (q.len() - 1).max(1) as f64;
        let Some(next) = q.get(below) else { return 1.0 };
        let (low, high) = (f64::from(q[below - 1]), f64::from(*next));
        ((below - 1) as f64 + (distance - low) / (high - low)) / steps
    }

    /// What temperatures are multiplied by at a distance.
    #[must_use]
    pub fn widening(&self, distance: f64) -> f64 {
        let usual = self.quantiles.get(95).map_or(f64::INFINITY, |q| f64::from(*q));
        (self.widens * (distance - usual).max(0.0)).exp()
    }

    /// Whether its parts fit rows of `columns` numbers.
    pub(super) fn fits(&self, columns: usize) -> bool {
        let finite = |list: &[f32]| list.iter().all(|v| v.is_finite());
        self.centre.len() == columns
            && self.whitening.len() == columns * (columns + 1) / 2
            && self.quantiles.len() == 101
            && finite(&self.centre)
            && finite(&self.whitening)
            && finite(&self.quantiles)
            && self.quantiles.is_sorted()
            && self.widens.is_finite()
            && self.widens >= 0.0
            && self.limit > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns with spreads 2 and 1 and no correlation.
    fn plain() -> Novelty {
        Novelty {
            centre: vec![1.0, 0.0],
            whitening: vec![0.5, 0.0, 1.0],
            quantiles: (0..=100).map(|k| k as f32 * 0.02).collect(),
            widens: 0.5,
            limit: 3.0,
        }
    }

    #[test]
    fn distances_shares_and_temperatures() {
        let n = plain();
        assert!(n.fits(2) && !n.fits(3));
        assert_eq!(n.distance(&[1.0, 0.0]), 0.0);
        assert!((n.distance(&[5.0, 2.0]) - 2.0).abs() < 1e-7, "each column two spreads away");
        assert!((n.share(1.0) - 0.5).abs() < 1e-6 && (n.share(1.01) - 0.505).abs() < 1e-5);
        assert_eq!((n.share(-1.0), n.share(9.0)), (0.0, 1.0));
        assert_eq!(n.widening(1.0), 1.0);
        assert!((n.widening(3.9) - 1f64.exp()).abs() < 1e-6);
    }
}
