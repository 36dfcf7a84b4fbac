//! Closed-form erasure of what a linear map of a layer knows of some targets, with the least change of the layer: least-squares concept
//! erasure (Belrose et al., LEACE: Perfect linear concept erasure in closed form, NeurIPS 2023).
//!
//! With `x` the states about their mean, `z` the targets, `S` the covariance of `x` and `C` its covariance with `z`, let `W` be the
//! inverse square root of `S` and `U` an orthonormal basis of the columns of `W C`. The erased states are
//! `x - W⁻¹ U Uᵀ W x`: no linear map of them tells `z` better than its mean does, since their covariance with `z` is
//! `C - W⁻¹ U Uᵀ W C = 0`, and of all affine maps that do this it changes `x` least in the mean of squares. `S` is shrunk where there are few
//! recordings; the covariance with the targets is zero all the same.

use super::error::ProbeError;
use super::scatter::{Scatter, symmetric};
use crate::signal::random::Random;
use ndarray::{Array2, Axis};

/// Directions of the targets that say less than this share of the strongest repeat what others say.
const REPEATED: f64 = 1e-9;

/// What is taken out of a layer, along the principal axes of the rows that it was learnt from: `x - along byᵀ x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Eraser {
    /// What is taken away, as columns.
    pub along: Array2<f64>,
    /// What tells how much of it, as columns.
    pub by: Array2<f64>,
}

/// An orthonormal basis of the columns of a matrix.
fn basis(columns: &Array2<f64>) -> Result<Array2<f64>, ProbeError> {
    let (values, vectors) = symmetric(&columns.t().dot(columns))?;
    let rank = values.iter().take_while(|v| **v > REPEATED * values[0] && **v > 0.0).count();
    let lengths = values.slice(ndarray::s![..rank]).mapv(f64::sqrt);
    Ok(columns.dot(&(&vectors.slice(ndarray::s![.., ..rank]) / &lengths)))
}

/// Targets that nobody has said: what is erased for them are random directions, learnt as those of a feature are.
#[must_use]
pub fn noise(rows: usize, rank: usize, random: &mut Random) -> Array2<f64> {
    Array2::from_shape_fn((rows, rank), |_| random.normal())
}

impl Eraser {
    /// Erases what rows along the principal axes say of their targets; the scatter is that of the same rows.
    ///
    /// # Errors
    /// [`ProbeError::Numbers`] for decompositions that fail.
    pub fn of(scatter: &Scatter, along: &Array2<f64>, targets: &Array2<f64>) -> Result<Self, ProbeError> {
        let mut z = targets.clone();
        for mut column in z.columns_mut() {
            let mean = column.mean().unwrap_or(0.0);
            column -= mean;
            let length = column.dot(&column).sqrt();
            // A target that does not move has nothing to erase.
            column.mapv_inplace(|v| if length > 1e-12 * (1.0 + mean.abs()) { v / length } else { 0.0 });
        }
        let spread = scatter.variances().mapv(f64::sqrt).insert_axis(Axis(1));
        Ok(Self::whitened(&basis(&(&along.t().dot(&z) / &spread))?, &spread))
    }

    fn whitened(basis: &Array2<f64>, spread: &Array2<f64>) -> Self {
        Self { along: basis * spread, by: basis / spread }
    }

    /// Number of directions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.along.ncols()
    }

    /// What is taken away from rows along the principal axes.
    #[must_use]
    pub fn taken(&self, along: &Array2<f64>) -> Array2<f64> {
        along.dot(&self.by).dot(&self.along.t())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two targets in six channels, one of them twice, channels of very different size.
    fn made(n: usize, seed: u64) -> (Array2<f64>, Array2<f64>) {
        let mut r = Random(seed);
        let z = Array2::from_shape_fn((n, 2), |_| r.normal());
        let x = Array2::from_shape_fn((n, 6), |(i, k)| {
            let mix = [[1.0, 0.0], [0.5, 0.5], [0.0, 2.0], [0.3, -1.0], [0.0, 0.0], [0.0, 0.0]][k];
            (mix[0] * z[(i, 0)] + mix[1] * z[(i, 1)] + 0.5 * r.normal()) * [1.0, 30.0, 0.1, 4.0, 1.0, 7.0][k]
        });
        let z = ndarray::concatenate![Axis(1), z, z.select(Axis(1), &[0])];
        (x, z)
    }

    fn covariance(x: &Array2<f64>, z: &Array2<f64>) -> Array2<f64> {
        let x = x - &x.mean_axis(Axis(0)).unwrap();
        let z = z - &z.mean_axis(Axis(0)).unwrap();
        x.t().dot(&z) / x.nrows() as f64
    }

    /// What is erased has no covariance with the targets any more, whatever the shrinkage; erasing twice is erasing once.
    #[test]
    fn nothing_is_left_of_the_targets() {
        for n in [300, 5] {
            let (x, z) = made(n, 7);
            let all: Vec<usize> = (0..n).collect();
            let scatter = Scatter::of(&x, &all).unwrap();
            let eraser = Eraser::of(&scatter, &scatter.along(&x), &z).unwrap();
            assert_eq!(eraser.rank(), 2);
            let along = scatter.along(&x);
            let erased = &along - &eraser.taken(&along);
            let (before, after) = (covariance(&along, &z), covariance(&erased, &z));
            let largest = |a: &Array2<f64>| a.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            assert!(largest(&after) < 1e-9 * largest(&before), "{after}");
            assert!(largest(&eraser.taken(&erased)) < 1e-9 * largest(&along));
        }
    }

    /// No other projection that takes the targets out changes the states less: the closed form against descents from it along the
    /// constraint, which are all maps `P + N` with `N C = 0`.
    #[test]
    fn the_change_is_the_least() {
        let (x, z) = made(400, 9);
        let all: Vec<usize> = (0..400).collect();
        let mut scatter = Scatter::of(&x, &all).unwrap();
        scatter.shrinkage = 0.0;
        let along = scatter.along(&x);
        let eraser = Eraser::of(&scatter, &along, &z).unwrap();
        let change = |map: &Array2<f64>| along.dot(&map.t()).iter().map(|v| v * v).sum::<f64>();
        let map = eraser.along.dot(&eraser.by.t());
        let least = change(&map);
        let c = covariance(&along, &z).select(Axis(1), &[0, 1]);
        let mut r = Random(4);
        for _ in 0..50 {
            // Rows that know nothing of the columns of `c`: noise less its projection on them.
            let mut q: Vec<ndarray::Array1<f64>> = Vec::new();
            for column in c.columns() {
                let mut v = column.to_owned();
                q.iter().for_each(|u| v = &v - &(u * u.dot(&v)));
                q.push(&v / v.dot(&v).sqrt());
            }
            let mut other = Array2::from_shape_fn((6, 6), |_| 0.01 * r.normal());
            for mut row in other.rows_mut() {
                for u in &q {
                    let share = u.dot(&row);
                    row.iter_mut().zip(u).for_each(|(v, u)| *v -= share * u);
                }
            }
            assert!(change(&(&map + &other)) > least);
        }
    }

    /// Speakers that the eraser has not seen: a regression fitted to half of what is erased tells nothing of the other half.
    #[test]
    fn fresh_regressions_of_unseen_rows_are_at_chance() {
        let (x, z) = made(6000, 11);
        let learnt: Vec<usize> = (0..2000).collect();
        let scatter = Scatter::of(&x, &learnt).unwrap();
        let along = scatter.along(&x);
        let rows = |a: &Array2<f64>| a.select(Axis(0), &learnt);
        let eraser = Eraser::of(&scatter, &rows(&along), &rows(&z)).unwrap();
        let r2 = |states: &Array2<f64>| {
            let split = super::super::ridge::Split {
                tested: (4000..6000).collect(),
                learnt: (2000..4000).collect(),
                inner: vec![((2000..3000).collect(), (3000..4000).collect())],
            };
            let fitted = Scatter::of(states, &split.learnt).unwrap();
            let p = super::super::ridge::predict(states, &z, std::slice::from_ref(&split), &[fitted], None).unwrap();
            let sum = |t: usize, of: &Array2<f64>| {
                split.tested.iter().map(|i| (z[(*i, t)] - of[(*i, t)]).powi(2)).sum::<f64>()
            };
            (0..2).map(|t| 1.0 - sum(t, &p.values) / sum(t, &p.means)).fold(f64::MIN, f64::max)
        };
        assert!(r2(&along) > 0.5 && r2(&(&along - &eraser.taken(&along))) <= 0.01);
    }

    /// Noise erases as many directions as it has columns, other ones every time, and no more than there are axes.
    #[test]
    fn random_directions() {
        let (x, _) = made(200, 3);
        let scatter = Scatter::of(&x, &(0..200).collect::<Vec<_>>()).unwrap();
        let along = scatter.along(&x);
        let mut r = Random(1);
        let mut of = |rank: usize| Eraser::of(&scatter, &along, &noise(200, rank, &mut r)).unwrap();
        let (a, b) = (of(2), of(2));
        assert!(a != b && a.rank() == 2);
        let product = a.by.t().dot(&a.along);
        assert!((product - Array2::<f64>::eye(2)).iter().all(|v| v.abs() < 1e-9));
        assert_eq!(of(50).rank(), 6);
    }
}
