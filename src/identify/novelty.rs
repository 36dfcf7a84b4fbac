//! Novelty of a trained model: the distance of rows from its training rows, with their quantiles.
//!
//! The covariance is drawn towards a multiple of the identity by as much as its estimate is uncertain (Ledoit and Wolf, A
//! well-conditioned estimator for large-dimensional covariance matrices, Journal of Multivariate Analysis 88, 2004).

use super::learners::Rows;
use crate::model::card::Novelty;
use crate::statistics::quantile;
use ndarray::{Array1, Array2, Axis};

/// How fast temperatures rise with distance beyond the usual. Chosen so that tones and noise, which lie 0.6 and more beyond, come
/// out with a confidence of at most 0.4; corpora that the weights have not heard lose at most a fifth of their confidence.
const WIDENS: f64 = 0.8;
/// The model is silent beyond this multiple of the distance of nearly all training rows, unless corpora that it has not heard lie
/// farther.
const BEYOND: f64 = 1.25;

/// The novelty of rows like these. It has no limit yet: see [`limit`].
#[must_use]
pub fn fit(rows: &Rows) -> Novelty {
    let (n, d) = (rows.nrows().max(1) as f64, rows.ncols());
    let x = rows.mapv(f64::from);
    let centre = x.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(d));
    let x = x - &centre;
    let sample = x.t().dot(&x) / n;
    let mean = sample.diag().sum() / d.max(1) as f64;
    let norm = |m: &Array2<f64>| m.iter().map(|v| v * v).sum::<f64>() / d.max(1) as f64;
    let spread = norm(&(&sample - &(Array2::<f64>::eye(d) * mean)));
    let fourth: f64 = x.rows().into_iter().map(|r| r.dot(&r).powi(2)).sum::<f64>() / d.max(1) as f64;
    let error = ((fourth / n - norm(&sample)) / n).clamp(0.0, spread);
    let share = if spread > 0.0 { error / spread } else { 1.0 };
    let shrunk = sample * (1.0 - share) + Array2::<f64>::eye(d) * (share * mean.max(1e-9));
    let whitening = inverse(&cholesky(&shrunk));
    let mut novelty = Novelty {
        centre: centre.iter().map(|v| *v as f32).collect(),
        whitening: (0..d).flat_map(|i| (0..=i).map(move |k| (i, k))).map(|at| whitening[at] as f32).collect(),
        quantiles: Vec::new(),
        widens: WIDENS,
        limit: f64::MAX,
    };
    let distances = sorted(&novelty, rows);
    novelty.quantiles = (0..=100).map(|k| quantile(&distances, f64::from(k) / 100.0).unwrap_or(0.0) as f32).collect();
    novelty
}

/// Distances of rows in ascending order.
#[must_use]
pub fn sorted(novelty: &Novelty, rows: &Rows) -> Vec<f64> {
    let mut distances: Vec<f64> = rows.rows().into_iter().map(|r| novelty.distance(&r.to_vec())).collect();
    distances.sort_by(f64::total_cmp);
    distances
}

/// The distance beyond which a model shall be silent: that of 99 % of the rows of any corpus it has not heard (ascending distances),
/// and well beyond nearly all that it has.
#[must_use]
pub fn limit(novelty: &Novelty, unseen: &[Vec<f64>]) -> f64 {
    let own = BEYOND * f64::from(novelty.quantiles.get(99).copied().unwrap_or(f32::MAX));
    unseen.iter().filter_map(|d| quantile(d, 0.99)).fold(own, f64::max)
}

/// The lower triangular matrix whose product with its transpose is `m`, positive definite.
fn cholesky(m: &Array2<f64>) -> Array2<f64> {
    let d = m.nrows();
    let mut l = Array2::<f64>::zeros((d, d));
    for i in 0..d {
        for k in 0..=i {
            let sum: f64 = (0..k).map(|j| l[(i, j)] * l[(k, j)]).sum();
            l[(i, k)] = if i == k { (m[(i, i)] - sum).max(1e-12).sqrt() } else { (m[(i, k)] - sum) / l[(k, k)] };
        }
    }
    l
}

/// The inverse of a lower triangular matrix.
fn inverse(l: &Array2<f64>) -> Array2<f64> {
    let d = l.nrows();
    let mut out = Array2::<f64>::zeros((d, d));
    for c in 0..d {
        out[(c, c)] = 1.0 / l[(c, c)];
        for r in c + 1..d {
            let sum: f64 = (c..r).map(|k| l[(r, k)] * out[(k, c)]).sum();
            out[(r, c)] = -sum / l[(r, r)];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    /// Rows of two columns, the second of which follows the first.
    fn rows(n: usize, seed: u64) -> Rows {
        let mut r = Random(seed);
        let mut normal = move || (0..12).map(|_| r.uniform()).sum::<f64>() - 6.0;
        Rows::from_shape_fn((n, 2), |_| normal() as f32).dot(&ndarray::array![[2.0f32, 1.8], [0.0, 0.3]])
    }

    /// Against the textbook: the inverse of the covariance, by hand for two columns.
    #[test]
    fn the_distance_is_mahalanobis() {
        let x = rows(40_000, 3);
        let n = fit(&x);
        assert!(n.quantiles.is_sorted() && n.quantiles.len() == 101);
        let mean = |k: usize| x.column(k).iter().map(|v| f64::from(*v)).sum::<f64>() / 40_000.0;
        let (a, b) = (mean(0), mean(1));
        let co = |i: usize, k: usize| {
            x.rows().into_iter().map(|r| (f64::from(r[i]) - [a, b][i]) * (f64::from(r[k]) - [a, b][k])).sum::<f64>()
                / 40_000.0
        };
        let (s, t, u) = (co(0, 0), co(0, 1), co(1, 1));
        for at in [[0.0f32, 0.0], [2.0, 1.8], [2.0, -1.8]] {
            let (p, q) = (f64::from(at[0]) - a, f64::from(at[1]) - b);
            let truth = ((u * p * p - 2.0 * t * p * q + s * q * q) / (s * u - t * t) / 2.0).sqrt();
            let found = n.distance(&at);
            // The covariance of so many rows is hardly shrunk.
            assert!((found - truth).abs() < 0.03 * truth + 0.02, "{at:?}: {found} {truth}");
        }
        assert!((n.share(n.distance(&[0.0, 0.0]))) < 0.05 && n.share(n.distance(&[2.0, -1.8])) > 0.999);
    }

    #[test]
    fn few_rows_and_rows_that_do_not_move() {
        let still = fit(&Rows::zeros((5, 3)));
        assert!(still.distance(&[1.0, 0.0, 0.0]).is_finite());
        let few = fit(&Rows::from_shape_fn((3, 6), |(i, k)| ((i * 7 + k * 3) % 5) as f32));
        assert!(few.quantiles.iter().all(|q| q.is_finite()) && few.whitening.iter().all(|w| w.is_finite()));
    }

    #[test]
    fn silence_begins_beyond_all_speech() {
        let n = fit(&rows(2000, 5));
        let own = 1.25 * f64::from(n.quantiles[99]);
        assert_eq!(limit(&n, &[]), own);
        assert_eq!(limit(&n, &[vec![0.1; 100]]), own);
        assert_eq!(limit(&n, &[vec![9.0; 100], vec![0.1; 100]]), 9.0);
    }
}
