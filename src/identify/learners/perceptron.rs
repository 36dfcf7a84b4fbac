//! A multilayer perceptron with one hidden layer of rectified units, trained with Adam and weight decay.
//!
//! Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015; decay apart from the gradient as in Loshchilov and
//! Hutter, Decoupled weight decay regularization, ICLR 2019.

use super::rows::{Rows, weights};
use crate::signal::random::Random;
use ndarray::{Array1, Array2, ArrayViewMut1, Axis};

/// Units of the hidden layer.
const HIDDEN: usize = 32;
/// Times that every row is seen.
const EPOCHS: usize = 40;
/// Rows at once.
const BATCH: usize = 32;
/// Largest step; it falls to nothing over the epochs as half a cosine.
const RATE: f32 = 3e-3;

/// `W2 relu(W1 x + b1) + b2`.
#[derive(Debug, Clone, PartialEq)]
pub struct Perceptron {
    /// First weights, features by units.
    pub first: Array2<f32>,
    /// First constants.
    pub first_bias: Array1<f32>,
    /// Second weights, units by classes.
    pub second: Array2<f32>,
    /// Second constants.
    pub second_bias: Array1<f32>,
}

impl Perceptron {
    fn hidden(&self, rows: &Rows) -> Rows {
        (rows.dot(&self.first) + &self.first_bias).mapv(|v| v.max(0.0))
    }

    /// Scores of rows.
    #[must_use]
    pub fn scores(&self, rows: &Rows) -> Array2<f64> {
        (self.hidden(rows).dot(&self.second) + &self.second_bias).mapv(f64::from)
    }
}

/// Moments of one array of weights.
struct Adam {
    mean: Array1<f32>,
    square: Array1<f32>,
}

impl Adam {
    fn new(n: usize) -> Self {
        Self { mean: Array1::zeros(n), square: Array1::zeros(n) }
    }

    fn step(&mut self, mut w: ArrayViewMut1<'_, f32>, g: &[f32], rate: f32, decay: f32, t: i32) {
        let (b1, b2) = (1.0 - 0.9f32.powi(t), 1.0 - 0.999f32.powi(t));
        for (k, g) in g.iter().enumerate() {
            self.mean[k] += 0.1 * (g - self.mean[k]);
            self.square[k] += 0.001 * (g * g - self.square[k]);
            let towards = self.mean[k] / b1 / ((self.square[k] / b2).sqrt() + 1e-8);
            w[k] -= rate * (towards + decay * w[k]);
        }
    }
}

/// Fits rows to classes `0..count`; `decay` is the weight decay. The same seed gives the same network.
#[must_use]
pub fn fit(rows: &Rows, classes: &[usize], count: usize, decay: f64, seed: u64) -> Perceptron {
    let (n, d) = rows.dim();
    let mut random = Random(seed.wrapping_mul(2).wrapping_add(0x51_7c_c1));
    let mut start = |from: usize, to: usize| {
        let spread = (2.0 / from.max(1) as f64).sqrt();
        Array2::from_shape_fn((from, to), |_| (random.normal() * spread) as f32)
    };
    let mut net = Perceptron {
        first: start(d, HIDDEN),
        first_bias: Array1::zeros(HIDDEN),
        second: start(HIDDEN, count) * 0.3,
        second_bias: Array1::zeros(count),
    };
    let weight = weights(classes, count);
    let mut adam = [Adam::new(d * HIDDEN), Adam::new(HIDDEN), Adam::new(HIDDEN * count), Adam::new(count)];
    let mut order: Vec<usize> = (0..n).collect();
    let batches = EPOCHS * n.div_ceil(BATCH);
    let (mut t, decay) = (0, decay as f32);
    for _ in 0..EPOCHS {
        random.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            t += 1;
            let rate = RATE * 0.5 * (1.0 + (std::f32::consts::PI * t as f32 / batches as f32).cos());
            let x = rows.select(Axis(0), batch);
            let h = net.hidden(&x);
            let mut p = h.dot(&net.second) + &net.second_bias;
            for (mut row, i) in p.axis_iter_mut(Axis(0)).zip(batch) {
                let top = row.iter().copied().fold(f32::MIN, f32::max);
                row.mapv_inplace(|v| (v - top).exp());
                let sum = row.sum();
                row.mapv_inplace(|v| v / sum);
                row[classes[*i]] -= 1.0;
                row *= weight[*i] / batch.len() as f32;
            }
            let second = h.t().dot(&p);
            let mut back = p.dot(&net.second.t());
            back.zip_mut_with(&h, |b, h| {
                if *h <= 0.0 {
                    *b = 0.0;
                }
            });
            let first = x.t().dot(&back);
            let flat = |m: Array2<f32>| m.iter().copied().collect::<Vec<f32>>();
            let gradients = [flat(first), back.sum_axis(Axis(0)).to_vec(), flat(second), p.sum_axis(Axis(0)).to_vec()];
            let (a, b) = (net.first.len(), net.second.len());
            let places = [
                net.first.view_mut().into_shape_with_order(a).ok(),
                Some(net.first_bias.view_mut()),
                net.second.view_mut().into_shape_with_order(b).ok(),
                Some(net.second_bias.view_mut()),
            ];
            for (k, place) in places.into_iter().enumerate() {
                if let Some(w) = place {
                    adam[k].step(w, &gradients[k], rate, if k % 2 == 0 { decay } else { 0.0 }, t);
                }
            }
        }
    }
    net
}
