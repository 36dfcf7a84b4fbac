//! Ridge regression (Hoerl and Kennard, Technometrics 12, 1970), judged on speakers that it was not fitted to, its penalty chosen by
//! folds inside the training part that share no speaker either.

use super::error::ProbeError;
use super::scatter::Scatter;
use ndarray::{Array1, Array2, Axis};

/// Penalties that are tried, relative to the mean sum of squares of an axis.
pub const PENALTIES: [f64; 9] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4];

/// One fold: rows that are tested, rows that are learnt from, and splits inside the latter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows that are predicted.
    pub tested: Vec<usize>,
    /// Rows that are learnt from.
    pub learnt: Vec<usize>,
    /// Splits of the rows learnt from, `(tested, learnt from)`.
    pub inner: Vec<(Vec<usize>, Vec<usize>)>,
}

/// Predictions out of fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// Rows by targets.
    pub values: Array2<f64>,
    /// What the mean of the rows learnt from says, rows by targets.
    pub means: Array2<f64>,
    /// Chosen penalties, folds by targets, relative as in [`PENALTIES`].
    pub penalties: Array2<f64>,
}

/// The regression of one training part, before the penalty is chosen.
struct Fit<'a> {
    scatter: &'a Scatter,
    /// Products of the axes' coordinates with the targets, summed.
    products: Array2<f64>,
    /// Means of the targets.
    means: Array1<f64>,
}

impl<'a> Fit<'a> {
    fn of(
        scatter: &'a Scatter,
        rows: &Array2<f64>,
        targets: &Array2<f64>,
        learnt: &[usize],
    ) -> Result<Self, ProbeError> {
        let mut y = targets.select(Axis(0), learnt);
        let means = y.mean_axis(Axis(0)).ok_or(ProbeError::Numbers("a fold without rows"))?;
        y -= &means;
        let products = scatter.along(&rows.select(Axis(0), learnt)).t().dot(&y);
        Ok(Self { scatter, products, means })
    }

    /// Predictions of rows along the axes.
    fn predict(&self, along: &Array2<f64>, relative: f64) -> Array2<f64> {
        let penalty = (relative * self.scatter.values.mean().unwrap_or(0.0)).max(f64::MIN_POSITIVE);
        let divisors = self.scatter.values.mapv(|v| v + penalty).insert_axis(Axis(1));
        along.dot(&(&self.products / &divisors)) + &self.means
    }
}

/// The penalty of every target that predicts best inside a training part; 1 where that has no splits.
fn choose(rows: &Array2<f64>, targets: &Array2<f64>, split: &Split) -> Result<Vec<f64>, ProbeError> {
    let mut losses = Array2::<f64>::zeros((PENALTIES.len(), targets.ncols()));
    for (tested, learnt) in &split.inner {
        let scatter = Scatter::of(rows, learnt)?;
        let fit = Fit::of(&scatter, rows, targets, learnt)?;
        let (along, truth) = (scatter.along(&rows.select(Axis(0), tested)), targets.select(Axis(0), tested));
        for (k, relative) in PENALTIES.iter().enumerate() {
            let off = fit.predict(&along, *relative) - &truth;
            let mut sums = losses.row_mut(k);
            sums += &off.mapv(|v| v * v).sum_axis(Axis(0));
        }
    }
    // Of equals the largest penalty: the simplest map.
    let best = |t: usize| {
        let order = (0..PENALTIES.len()).rev();
        order.reduce(|a, b| if losses[(b, t)] < losses[(a, t)] { b } else { a }).unwrap_or(0)
    };
    let usual = PENALTIES.len() / 2;
    Ok((0..targets.ncols()).map(|t| PENALTIES[if split.inner.is_empty() { usual } else { best(t) }]).collect())
}

/// Predicts every row by what was learnt from other folds. `scatters` are those of the folds' training parts; penalties that are
/// `given`, folds by targets, are not chosen.
///
/// # Errors
/// [`ProbeError::Numbers`] for decompositions that fail.
pub fn predict(
    rows: &Array2<f64>,
    targets: &Array2<f64>,
    splits: &[Split],
    scatters: &[Scatter],
    given: Option<&Array2<f64>>,
) -> Result<Predicted, ProbeError> {
    let mut out = Predicted {
        values: Array2::zeros(targets.dim()),
        means: Array2::zeros(targets.dim()),
        penalties: Array2::zeros((splits.len(), targets.ncols())),
    };
    for (fold, (split, scatter)) in splits.iter().zip(scatters).enumerate() {
        let chosen = match given {
            Some(g) => g.row(fold).to_vec(),
            None => choose(rows, targets, split)?,
        };
        let fit = Fit::of(scatter, rows, targets, &split.learnt)?;
        let along = scatter.along(&rows.select(Axis(0), &split.tested));
        out.penalties.row_mut(fold).iter_mut().zip(&chosen).for_each(|(p, c)| *p = *c);
        for relative in PENALTIES {
            let columns: Vec<usize> = (0..chosen.len()).filter(|t| chosen[*t] == relative).collect();
            if columns.is_empty() {
                continue;
            }
            let some = Fit {
                scatter,
                products: fit.products.select(Axis(1), &columns),
                means: fit.means.select(Axis(0), &columns),
            };
            let found = some.predict(&along, relative);
            for (i, row) in split.tested.iter().zip(found.outer_iter()) {
                for (t, v) in columns.iter().zip(row) {
                    out.values[(*i, *t)] = *v;
                    out.means[(*i, *t)] = fit.means[*t];
                }
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> f64 {
            let mut sum = -6.0;
            for _ in 0..12 {
                self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                sum += (self.0 >> 11) as f64 / (1u64 << 53) as f64;
            }
            sum
        }
    }

    /// Solves `a x = b` by Gauss's elimination.
    fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        for k in 0..n {
            let p = (k..n).max_by(|i, j| a[*i][k].abs().total_cmp(&a[*j][k].abs())).unwrap();
            a.swap(k, p);
            b.swap(k, p);
            for i in k + 1..n {
                let f = a[i][k] / a[k][k];
                for j in k..n {
                    a[i][j] -= f * a[k][j];
                }
                b[i] -= f * b[k];
            }
        }
        for k in (0..n).rev() {
            b[k] = (b[k] - (k + 1..n).map(|j| a[k][j] * b[j]).sum::<f64>()) / a[k][k];
        }
        b
    }

    /// Ridge regression by its normal equations in the channels, constant term not penalised.
    fn textbook(x: &Array2<f64>, y: &[f64], learnt: &[usize], relative: f64, tested: &[usize]) -> Vec<f64> {
        let d = x.ncols();
        let n = learnt.len() as f64;
        let mean: Vec<f64> = (0..d).map(|k| learnt.iter().map(|i| x[(*i, k)]).sum::<f64>() / n).collect();
        let middle = learnt.iter().map(|i| y[*i]).sum::<f64>() / n;
        let product =
            |a: usize, b: usize| learnt.iter().map(|i| (x[(*i, a)] - mean[a]) * (x[(*i, b)] - mean[b])).sum::<f64>();
        let penalty = relative * (0..d).map(|k| product(k, k)).sum::<f64>() / d as f64;
        let a = (0..d).map(|i| (0..d).map(|j| product(i, j) + if i == j { penalty } else { 0.0 }).collect()).collect();
        let b = (0..d).map(|k| learnt.iter().map(|i| (x[(*i, k)] - mean[k]) * (y[*i] - middle)).sum()).collect();
        let w = solve(a, b);
        tested.iter().map(|i| middle + (0..d).map(|k| w[k] * (x[(*i, k)] - mean[k])).sum::<f64>()).collect()
    }

    fn splits(n: usize, folds: usize) -> Vec<Split> {
        let part = |list: &[usize], k: usize, of: usize| -> (Vec<usize>, Vec<usize>) {
            list.iter().partition(|i| (**i / 3) % of == k)
        };
        let all: Vec<usize> = (0..n).collect();
        (0..folds)
            .map(|k| {
                let (tested, learnt) = part(&all, k, folds);
                let inner = (0..2).map(|j| learnt.iter().partition(|i| (**i / 9) % 2 == j)).collect();
                Split { tested, learnt, inner }
            })
            .collect()
    }

    /// Every prediction and every choice of a penalty, against the normal equations solved by elimination.
    #[test]
    fn predictions_and_penalties_by_the_book() {
        let mut r = Noise(3);
        let (n, d) = (48, 7);
        let x = Array2::from_shape_fn((n, d), |(_, k)| r.next() * (1.0 + k as f64));
        let y = Array2::from_shape_fn((n, 3), |(i, t)| match t {
            0 => 3.0 + x[(i, 0)] - 0.3 * x[(i, 4)] + 0.2 * r.next(),
            1 => x[(i, 6)] + 9.0 * r.next(),
            _ => r.next(),
        });
        let splits = splits(n, 3);
        let scatters: Vec<Scatter> = splits.iter().map(|s| Scatter::of(&x, &s.learnt).unwrap()).collect();
        let found = predict(&x, &y, &splits, &scatters, None).unwrap();
        let mut chosen = std::collections::BTreeSet::new();
        for t in 0..3 {
            let column = y.column(t).to_vec();
            for (fold, s) in splits.iter().enumerate() {
                let loss = |p: f64| -> f64 {
                    let of = |(tested, learnt): &(Vec<usize>, Vec<usize>)| {
                        let guesses = textbook(&x, &column, learnt, p, tested);
                        tested.iter().zip(guesses).map(|(i, g)| (column[*i] - g).powi(2)).sum::<f64>()
                    };
                    s.inner.iter().map(of).sum()
                };
                let best = PENALTIES.into_iter().min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap();
                assert_eq!(found.penalties[(fold, t)], best);
                chosen.insert(best.to_bits());
                for (i, g) in s.tested.iter().zip(textbook(&x, &column, &s.learnt, best, &s.tested)) {
                    assert!((found.values[(*i, t)] - g).abs() < 1e-8 * (1.0 + g.abs()), "{t} {i}");
                }
                let middle = s.learnt.iter().map(|i| column[*i]).sum::<f64>() / s.learnt.len() as f64;
                assert!(s.tested.iter().all(|i| (found.means[(*i, t)] - middle).abs() < 1e-12));
            }
        }
        assert!(chosen.len() > 2, "one penalty is no choice");
        let again = predict(&x, &y, &splits, &scatters, Some(&found.penalties)).unwrap();
        assert_eq!(again, found);
    }
}
