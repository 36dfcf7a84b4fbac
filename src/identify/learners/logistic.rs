//! Multinomial logistic regression with an L2 penalty, classes weighing the same: the convex loss here, its minimum by L-BFGS
//! (Nocedal and Wright, Numerical optimization, 2006; by `argmin`).

use super::linear::Linear;
use super::rows::Rows;
use crate::identify::error::TrainError;
use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, Axis};
use std::cell::RefCell;

/// Steps at most.
const STEPS: u64 = 400;
/// Norm of the gradient at which the minimum counts as found. Weights are then within this times `strength` of it, since the
/// penalty alone curves the loss by the inverse of `strength`.
const TOLERANCE: f64 = 1e-4;
/// Steps whose curvature L-BFGS remembers.
const REMEMBERED: usize = 10;

/// Fits rows to classes `0..count`. `strength` is the inverse of the penalty, as scikit-learn's `C`; what is minimised is the sum over
/// rows of the negative logarithm of the right class's probability, weighted so that all classes that came have the same weight and
/// the weights' sum is the number of rows, plus half the sum of the squared weights over `strength`.
///
/// # Errors
/// [`TrainError::Learner`] where the optimiser gives up.
pub fn fit(rows: &Rows, classes: &[usize], count: usize, strength: f64) -> Result<Linear, TrainError> {
    let d = rows.ncols();
    let sizes: Vec<usize> = (0..count).map(|c| classes.iter().filter(|k| **k == c).count()).collect();
    let present: Vec<usize> = (0..count).filter(|c| sizes[*c] > 0).collect();
    let place: Vec<usize> = classes.iter().map(|c| present.partition_point(|p| p < c)).collect();
    let share = rows.nrows() as f64 / present.len().max(1) as f64;
    let loss = Loss {
        rows: rows.mapv(f64::from),
        weights: classes.iter().map(|c| share / sizes[*c] as f64).collect(),
        classes: place,
        count: present.len(),
        penalty: 1.0 / strength,
        last: RefCell::new(Point::default()),
    };
    let failed = |e: Error| TrainError::Learner(format!("logistic regression: {e}"));
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), REMEMBERED).with_tolerance_grad(TOLERANCE).map_err(failed)?;
    let start = vec![0.0; (d + 1) * present.len()];
    let mut result =
        Executor::new(loss, solver).configure(|state| state.param(start).max_iters(STEPS)).run().map_err(failed)?;
    let Some(found) = result.state.take_best_param().filter(|p| p.iter().all(|v| v.is_finite())) else {
        return Err(TrainError::Learner("logistic regression: no finite minimum".to_owned()));
    };
    let column = |k: usize| found.iter().skip(k).step_by(present.len()).copied().collect::<Vec<f64>>();
    let of_class = |(k, class): (usize, &usize)| {
        let mut weights = column(k);
        let bias = weights.pop().unwrap_or(0.0);
        (*class, weights, bias)
    };
    Ok(Linear::of_present(count, d, &present.iter().enumerate().map(of_class).collect::<Vec<_>>()))
}

/// The penalised loss of a multinomial logistic regression. Its argument holds the weights, features by classes, and a last row of
/// constants, which are not penalised.
struct Loss {
    /// Rows by features.
    rows: Array2<f64>,
    /// Class of each row, by place among those that came.
    classes: Vec<usize>,
    /// Weight of each row.
    weights: Vec<f64>,
    /// Number of classes that came.
    count: usize,
    penalty: f64,
    /// Where the loss was computed last: a line search asks for value and gradient at the same point, one after the other.
    last: RefCell<Point>,
}

/// An argument with the value there.
#[derive(Default)]
struct Point {
    argument: Vec<f64>,
    cost: f64,
    /// Derivatives of the loss in the scores, rows by classes.
    slopes: Array2<f64>,
}

impl Loss {
    fn matrix<'a>(&self, argument: &'a [f64]) -> Result<ArrayView2<'a, f64>, Error> {
        Ok(ArrayView2::from_shape((self.rows.ncols() + 1, self.count), argument)?)
    }

    /// Moves to an argument: scores of all rows, their softmax, the loss and its derivatives in the scores.
    fn visit(&self, argument: &[f64]) -> Result<(), Error> {
        let mut last = self.last.borrow_mut();
        if last.argument == argument {
            return Ok(());
        }
        let all = self.matrix(argument)?;
        let (weights, constants) = all.split_at(Axis(0), self.rows.ncols());
        if last.slopes.nrows() != self.rows.nrows() {
            last.slopes = Array2::zeros((self.rows.nrows(), self.count));
        }
        last.slopes.assign(&constants.row(0));
        general_mat_mul(1.0, &self.rows, &weights, 1.0, &mut last.slopes);
        let mut cost = 0.5 * self.penalty * weights.iter().map(|w| w * w).sum::<f64>();
        for ((mut scores, class), weight) in last.slopes.outer_iter_mut().zip(&self.classes).zip(&self.weights) {
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let right = scores[*class] - largest;
            scores.mapv_inplace(|s| (s - largest).exp());
            let sum = scores.sum();
            cost += weight * (sum.ln() - right);
            scores *= weight / sum;
            scores[*class] -= weight;
        }
        last.cost = cost;
        last.argument.clear();
        last.argument.extend_from_slice(argument);
        Ok(())
    }
}

impl CostFunction for Loss {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, argument: &Vec<f64>) -> Result<f64, Error> {
        self.visit(argument)?;
        Ok(self.last.borrow().cost)
    }
}

impl Gradient for Loss {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, argument: &Vec<f64>) -> Result<Vec<f64>, Error> {
        self.visit(argument)?;
        let slopes = &self.last.borrow().slopes;
        let mut out = self.matrix(argument)?.to_owned();
        let (mut weights, mut constants) = out.view_mut().split_at(Axis(0), self.rows.ncols());
        general_mat_mul(1.0, &self.rows.t(), slopes, self.penalty, &mut weights);
        constants.row_mut(0).assign(&slopes.sum_axis(Axis(0)));
        Ok(out.into_raw_vec_and_offset().0)
    }
}

/// Indices of rows in which rare classes come again and again until all are as frequent as the most frequent one.
#[must_use]
pub fn balanced(classes: &[usize], count: usize) -> Vec<usize> {
    let members: Vec<Vec<usize>> =
        (0..count).map(|c| (0..classes.len()).filter(|i| classes[*i] == c).collect()).collect();
    let most = members.iter().map(Vec::len).max().unwrap_or(0);
    members.iter().filter(|m| !m.is_empty()).flat_map(|m| m.iter().cycle().take(most).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    /// Rows of three classes of different frequencies, and a fourth that does not come.
    fn uneven() -> (Rows, Vec<usize>) {
        let classes: Vec<usize> = [0; 79].into_iter().chain([1; 127]).chain([3; 62]).collect();
        let mut random = Random(3);
        let centre = |c: usize, k: usize| f64::from(u8::from(c % 3 == k));
        let rows = Array2::from_shape_fn((classes.len(), 5), |(i, k)| (centre(classes[i], k) + random.normal()) as f32);
        (rows, classes)
    }

    /// Value of the loss by its textbook formula, weights in classes by features.
    fn textbook(rows: &Rows, classes: &[usize], strength: f64, m: &Linear, shown: &[usize]) -> f64 {
        let mut sum = m.weights.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / 2.0 / strength;
        for (row, class) in rows.outer_iter().zip(classes) {
            let score = |c: usize| {
                f64::from(m.bias[c]) + (0..row.len()).map(|k| f64::from(m.weights[(c, k)] * row[k])).sum::<f64>()
            };
            let all: f64 = shown.iter().map(|c| score(*c).exp()).sum();
            let size = classes.iter().filter(|c| *c == class).count() as f64;
            sum -= classes.len() as f64 / shown.len() as f64 / size * (score(*class).exp() / all).ln();
        }
        sum
    }

    /// What was found is the minimum: no step in any weight or constant makes the loss smaller, and the weights of all classes sum to
    /// zero. A class that did not come is never the answer.
    #[test]
    fn no_step_lowers_the_loss() {
        let (rows, classes) = uneven();
        for strength in [0.005, 0.1, 10.0] {
            let m = fit(&rows, &classes, 4, strength).unwrap();
            let least = textbook(&rows, &classes, strength, &m, &[0, 1, 3]);
            for c in [0, 1, 3] {
                for k in 0..6 {
                    for step in [-0.01f32, 0.01] {
                        let mut moved = m.clone();
                        if k < 5 {
                            moved.weights[(c, k)] += step
                        } else {
                            moved.bias[c] += step
                        }
                        assert!(textbook(&rows, &classes, strength, &moved, &[0, 1, 3]) > least, "{strength} {c} {k}");
                    }
                }
            }
            assert!(m.weights.sum_axis(Axis(0)).iter().all(|w| w.abs() < 1e-4 * (1.0 + strength as f32)));
            assert!(m.scores(&rows).outer_iter().all(|s| s[2] < s[0].min(s[1]).min(s[3])));
        }
    }

    /// Rows that come twice are rows of twice the weight: the same model, since classes weigh the same.
    #[test]
    fn frequency_of_a_class_is_no_weight() {
        let (rows, classes) = uneven();
        let rare: Vec<usize> = (0..classes.len()).chain((0..classes.len()).filter(|i| classes[*i] == 3)).collect();
        let repeated: Vec<usize> = rare.iter().map(|i| classes[*i]).collect();
        let (n, more) = (classes.len() as f64, rare.len() as f64);
        let once = fit(&rows, &classes, 4, 0.1).unwrap();
        let twice = fit(&rows.select(Axis(0), &rare), &repeated, 4, 0.1 * n / more).unwrap();
        once.weights.iter().zip(&twice.weights).for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
    }
}
