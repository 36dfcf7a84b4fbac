//! Scatter of a layer: what a linear map of its states can see, in coordinates that cost no more than there are recordings.

use super::error::ProbeError;
use faer::{Mat, Side};
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// With so many rows for every axis the covariance is known well enough as it is.
const PLENTY: usize = 10;

/// Axes along which states move less than this share of the longest are rounding.
const ROUNDING: f64 = 1e-10;

/// Eigenvalues of a symmetric matrix, the largest first, and their eigenvectors as columns.
///
/// # Errors
/// [`ProbeError::Numbers`] where the decomposition does not converge, as for values that are not finite.
pub fn symmetric(matrix: &Array2<f64>) -> Result<(Array1<f64>, Array2<f64>), ProbeError> {
    let n = matrix.nrows();
    if matrix.iter().any(|v| !v.is_finite()) {
        return Err(ProbeError::Numbers("a scatter matrix with values that are not finite"));
    }
    let found = Mat::from_fn(n, n, |i, j| matrix[(i, j)])
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| ProbeError::Numbers("an eigendecomposition that did not converge"))?;
    let (values, vectors) = (found.S().column_vector(), found.U());
    // The library's order is ascending.
    let values = Array1::from_shape_fn(n, |k| values[n - 1 - k].max(0.0));
    Ok((values, Array2::from_shape_fn((n, n), |(i, k)| vectors[(i, n - 1 - k)])))
}

/// States of a layer about their mean, in as few coordinates as hold them. Rotations change nothing that a ridge regression says.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// Rows by coordinates.
    pub rows: Array2<f64>,
    /// Mean of the rows as they came.
    pub mean: Array1<f64>,
    /// The coordinates' axes as columns, channels by coordinates; `None` where the coordinates are the channels.
    pub axes: Option<Array2<f64>>,
}

impl Rotated {
    /// Of rows by channels.
    ///
    /// # Errors
    /// [`ProbeError::Numbers`].
    pub fn of(states: ArrayView2<'_, f32>) -> Result<Self, ProbeError> {
        let mut rows = states.mapv(f64::from);
        let mean = rows.mean_axis(Axis(0)).ok_or(ProbeError::Numbers("a layer without rows"))?;
        rows -= &mean;
        if rows.nrows() > rows.ncols() {
            return Ok(Self { rows, mean, axes: None });
        }
        let (values, vectors) = symmetric(&rows.dot(&rows.t()))?;
        let rank = values.iter().take_while(|v| **v > ROUNDING * values[0].max(f64::MIN_POSITIVE)).count();
        let lengths = values.slice(ndarray::s![..rank]).mapv(f64::sqrt);
        let vectors = vectors.slice(ndarray::s![.., ..rank]).to_owned();
        let axes = rows.t().dot(&(&vectors / &lengths));
        Ok(Self { rows: vectors * &lengths, mean, axes: Some(axes) })
    }

    /// Vectors of the coordinates, as columns, in channels.
    #[must_use]
    pub fn in_channels(&self, columns: &Array2<f64>) -> Array2<f64> {
        self.axes.as_ref().map_or_else(|| columns.clone(), |a| a.dot(columns))
    }

    /// Weights of channels, as rows, for the coordinates.
    #[must_use]
    pub fn weights(&self, of_channels: &Array2<f64>) -> Array2<f64> {
        self.axes.as_ref().map_or_else(|| of_channels.clone(), |a| of_channels.dot(a))
    }
}

/// Second moments of some rows about their mean, and their principal axes.
#[derive(Debug, Clone)]
pub struct Scatter {
    /// Mean.
    pub mean: Array1<f64>,
    /// Sums of squares along the axes, the largest first.
    pub values: Array1<f64>,
    /// Principal axes as columns.
    pub axes: Array2<f64>,
    /// Number of rows.
    pub count: usize,
    /// Shrinkage of the covariance towards a multiple of the identity, from 0 to 1 (Ledoit and Wolf 2004).
    pub shrinkage: f64,
}

impl Scatter {
    /// Of some of the rows.
    ///
    /// # Errors
    /// [`ProbeError::Numbers`].
    pub fn of(rows: &Array2<f64>, which: &[usize]) -> Result<Self, ProbeError> {
        let mut centred = rows.select(Axis(0), which);
        let mean = centred.mean_axis(Axis(0)).ok_or(ProbeError::Numbers("a fold without rows"))?;
        centred -= &mean;
        let (values, axes) = symmetric(&centred.t().dot(&centred))?;
        let fourth: f64 = centred.outer_iter().map(|r| r.dot(&r).powi(2)).sum();
        let plenty = which.len() >= PLENTY * values.len();
        let shrinkage = if plenty { 0.0 } else { shrinkage(&values, fourth, which.len()) };
        Ok(Self { shrinkage, mean, values, axes, count: which.len() })
    }

    /// Rows about the mean, along the principal axes.
    #[must_use]
    pub fn along(&self, rows: &Array2<f64>) -> Array2<f64> {
        (rows - &self.mean).dot(&self.axes)
    }

    /// Variances along the axes, shrunk.
    #[must_use]
    pub fn variances(&self) -> Array1<f64> {
        let variances = &self.values / self.count.max(1) as f64;
        let mean = variances.mean().unwrap_or(0.0);
        // What does not move at all is left alone: it cannot hold anything.
        variances
            .mapv(|v| ((1.0 - self.shrinkage) * v + self.shrinkage * mean).max(ROUNDING * mean).max(f64::MIN_POSITIVE))
    }

    /// Number of axes along which the rows move at all.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.values.iter().take_while(|v| **v > ROUNDING * self.values[0].max(f64::MIN_POSITIVE)).count()
    }
}

/// The shrinkage that comes closest to the true covariance on average: estimated error of the sample covariance over its distance
/// from a multiple of the identity (Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices, J.
/// Multivariate Analysis 88, 2004). `fourth` is the sum of the rows' lengths to the fourth.
fn shrinkage(values: &Array1<f64>, fourth: f64, count: usize) -> f64 {
    let (n, p) = (count.max(1) as f64, values.len().max(1) as f64);
    let variances = values / n;
    let mean = variances.sum() / p;
    let squares: f64 = variances.iter().map(|v| v * v).sum();
    let distance = squares / p - mean * mean;
    let error = (fourth / n - squares) / (n * p);
    if distance > 0.0 { (error / distance).clamp(0.0, 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, d: usize, seed: u64) -> Array2<f32> {
        let mut state = seed;
        Array2::from_shape_fn((n, d), |(_, k)| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) as f32 / f32::from(u16::MAX) / 32_768.0 - 0.5) * (1.0 + k as f32)
        })
    }

    /// Wide states in few coordinates: inner products, and so all that ridge regression sees, are those of the channels.
    #[test]
    fn coordinates_keep_inner_products_and_lead_back() {
        for (n, d) in [(7, 30), (40, 6)] {
            let x = rows(n, d, 3);
            let r = Rotated::of(x.view()).unwrap();
            assert_eq!(r.rows.ncols(), if n <= d { n - 1 } else { d });
            let centred = x.mapv(f64::from) - &r.mean;
            let back = r.rows.dot(&r.in_channels(&Array2::eye(r.rows.ncols())).t());
            for (a, b) in back.iter().zip(&centred) {
                assert!((a - b).abs() < 1e-9, "{a} {b}");
            }
        }
    }

    /// The decomposition makes the matrix again, and the shrinkage is the textbook's: a double loop over rows and elements.
    #[test]
    fn scatter_and_shrinkage_by_the_book() {
        let x = rows(25, 8, 5).mapv(f64::from);
        let which: Vec<usize> = (0..25).filter(|k| k % 4 != 0).collect();
        let s = Scatter::of(&x, &which).unwrap();
        let n = which.len() as f64;
        let mean = |k: usize| which.iter().map(|i| x[(*i, k)]).sum::<f64>() / n;
        let z = |i: usize, k: usize| x[(i, k)] - mean(k);
        let cov = |a: usize, b: usize| which.iter().map(|i| z(*i, a) * z(*i, b)).sum::<f64>() / n;
        for a in 0..8 {
            for b in 0..8 {
                let made: f64 = (0..8).map(|k| s.axes[(a, k)] * s.values[k] * s.axes[(b, k)]).sum();
                assert!((made / n - cov(a, b)).abs() < 1e-9);
            }
        }
        let level = (0..8).map(|k| cov(k, k)).sum::<f64>() / 8.0;
        let (mut far, mut error) = (0.0, 0.0);
        for a in 0..8 {
            for b in 0..8 {
                let diagonal = if a == b { level } else { 0.0 };
                far += (cov(a, b) - diagonal).powi(2) / 8.0;
                error += which.iter().map(|i| (z(*i, a) * z(*i, b) - cov(a, b)).powi(2)).sum::<f64>() / n / n / 8.0;
            }
        }
        assert!((s.shrinkage - error / far).abs() < 1e-9, "{} {}", s.shrinkage, error / far);
        assert!(s.shrinkage > 0.01 && s.shrinkage < 0.9);
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        assert!(symmetric(&Array2::from_elem((3, 3), f64::NAN)).is_err());
    }
}
