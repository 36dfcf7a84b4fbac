//! Multinomial logistic regression with a group-lasso penalty: the weights of a feature become zero together.
//!
//! Minimises the balanced mean loss plus `lambda * sum_f |W_f|` (Yuan and Lin, Model selection and estimation in regression
//! with grouped variables, JRSS B 68, 2006) by accelerated proximal gradients (Beck and Teboulle, A fast iterative
//! shrinkage-thresholding algorithm, SIAM J. Imaging Sciences 2(1), 2009), restarted where the loss would rise.

use super::linear::Linear;
use super::rows::{Rows, weights};
use ndarray::{Array1, Array2, Axis};

/// Iterations at each penalty.
const ITERATIONS: usize = 200;
/// Where the weights move less than this, relative to their size, nothing more is to be gained.
const STILL: f32 = 1e-4;

/// The optimisation problem: rows, one-hot classes, weights of rows, and a step size that converges.
struct Problem<'a> {
    rows: &'a Rows,
    /// One column for each class that came.
    truth: Array2<f32>,
    weights: Array1<f32>,
    step: f32,
}

/// Coefficients of the regression, or their gradient.
#[derive(Clone)]
struct Coefficients {
    /// Features by classes.
    w: Array2<f32>,
    b: Array1<f32>,
}

impl<'a> Problem<'a> {
    fn new(rows: &'a Rows, classes: &[usize], present: &[usize]) -> Self {
        let n = rows.nrows().max(1) as f32;
        let count = present.iter().max().map_or(0, |m| m + 1);
        let weights = Array1::from(weights(classes, count)) / n;
        let truth = Array2::from_shape_fn((rows.nrows(), present.len()), |(i, k)| {
            f32::from(u8::from(classes[i] == present[k]))
        });
        // The largest eigenvalue of X' diag(w) X (and the column of ones), by power iteration; the softmax adds 1/2.
        let mut v = Array1::from_shape_fn(rows.ncols() + 1, |k| 1.0 + (k % 7) as f32 * 0.1);
        let mut top = 1.0;
        for _ in 0..30 {
            let (head, one) = v.view().split_at(Axis(0), rows.ncols());
            let u = (rows.dot(&head) + one[0]) * &weights;
            let next = Array1::from_iter(rows.t().dot(&u).into_iter().chain([u.sum()]));
            top = next.dot(&next).sqrt().max(1e-12);
            v = next / top;
        }
        Self { rows, truth, weights, step: 1.0 / (0.55 * top) }
    }

    /// Gradient of the loss.
    fn gradient(&self, s: &Coefficients) -> Coefficients {
        let mut p = self.rows.dot(&s.w) + &s.b;
        for (mut row, (truth, weight)) in p.axis_iter_mut(Axis(0)).zip(self.truth.axis_iter(Axis(0)).zip(&self.weights))
        {
            let top = row.iter().copied().fold(f32::MIN, f32::max);
            row.mapv_inplace(|v| (v - top).exp());
            let sum = row.sum();
            row.zip_mut_with(&truth, |v, t| *v = (*v / sum - t) * weight);
        }
        Coefficients { w: self.rows.t().dot(&p), b: p.sum_axis(Axis(0)) }
    }

    /// The penalty at which the last feature leaves.
    fn largest(&self) -> f32 {
        // Balanced classes: without features all are equally likely.
        let k = self.truth.ncols();
        let s = Coefficients { w: Array2::zeros((self.rows.ncols(), k)), b: Array1::zeros(k) };
        self.gradient(&s).w.axis_iter(Axis(0)).map(|r| r.dot(&r).sqrt()).fold(0.0, f32::max)
    }

    fn solve(&self, lambda: f32, start: Coefficients) -> Coefficients {
        let (mut current, mut ahead, mut t) = (start.clone(), start, 1.0f32);
        for _ in 0..ITERATIONS {
            let g = self.gradient(&ahead);
            let mut next = Coefficients { w: &ahead.w - &(&g.w * self.step), b: &ahead.b - &(&g.b * self.step) };
            for mut row in next.w.axis_iter_mut(Axis(0)) {
                let size = row.dot(&row).sqrt();
                let keep = if size > 0.0 { (1.0 - self.step * lambda / size).max(0.0) } else { 0.0 };
                row *= keep;
            }
            let moved = &next.w - &current.w;
            // A step against the momentum: start it anew.
            let against = (&ahead.w - &next.w).iter().zip(&moved).map(|(a, b)| a * b).sum::<f32>() > 0.0;
            let t_next = if against { 1.0 } else { f32::midpoint(1.0, (1.0 + 4.0 * t * t).sqrt()) };
            let pull = if against { 0.0 } else { (t - 1.0) / t_next };
            ahead = Coefficients { w: &next.w + &(&moved * pull), b: &next.b + &((&next.b - &current.b) * pull) };
            let size = next.w.iter().map(|v| v * v).sum::<f32>().sqrt();
            let still = moved.iter().map(|v| v * v).sum::<f32>().sqrt() <= STILL * size;
            (current, t) = (next, t_next);
            if still {
                break;
            }
        }
        current
    }
}

fn present(classes: &[usize], count: usize) -> Vec<usize> {
    (0..count).filter(|c| classes.contains(c)).collect()
}

/// Fits rows to classes `0..count`. `share` is the penalty relative to the one that leaves no feature in, from 0 to 1.
#[must_use]
pub fn fit(rows: &Rows, classes: &[usize], count: usize, share: f64) -> Linear {
    let seen = present(classes, count);
    let problem = Problem::new(rows, classes, &seen);
    let most = problem.largest();
    let mut s = Coefficients { w: Array2::zeros((rows.ncols(), seen.len())), b: Array1::zeros(seen.len()) };
    // Towards the penalty in steps, each from the solution before.
    for lambda in [0.5f64, 0.25, 0.12].into_iter().filter(|l| *l > share).chain([share]) {
        s = problem.solve(lambda as f32 * most, s);
    }
    let class_coefficients = |(k, class): (usize, &usize)| {
        (*class, s.w.column(k).iter().map(|v| f64::from(*v)).collect(), f64::from(s.b[k]))
    };
    Linear::of_present(count, rows.ncols(), &seen.iter().enumerate().map(class_coefficients).collect::<Vec<_>>())
}

/// The first `wanted` features (or a few more) that enter as the penalty falls, in the order of entering.
#[must_use]
pub fn entering(rows: &Rows, classes: &[usize], count: usize, wanted: usize) -> Vec<usize> {
    let seen = present(classes, count);
    let problem = Problem::new(rows, classes, &seen);
    let most = problem.largest();
    let mut s = Coefficients { w: Array2::zeros((rows.ncols(), seen.len())), b: Array1::zeros(seen.len()) };
    let mut order: Vec<usize> = Vec::new();
    let mut lambda = most;
    while order.len() < wanted.min(rows.ncols()) && lambda > 1e-3 * most {
        lambda *= 0.8;
        s = problem.solve(lambda, s);
        let size = |k: usize| s.w.row(k).dot(&s.w.row(k));
        let mut new: Vec<usize> = (0..rows.ncols()).filter(|k| size(*k) > 0.0 && !order.contains(k)).collect();
        new.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        order.extend(new);
    }
    order
}
