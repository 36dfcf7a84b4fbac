//! Stability selection with complementary pairs: a sparse model is fitted to both of two disjoint halves of the recordings; a
//! feature counts where both select it, so that every selection is confirmed on data that it was not made on.
//!
//! Meinshausen and Buehlmann, Stability selection, JRSS B 72(4), 2010; Shah and Samworth, Variable selection with error control:
//! another look at stability selection, JRSS B 75(1), 2013.

use crate::identify::contexts::Context;
use crate::identify::learners::Rows;
use crate::identify::learners::sparse::entering;
use crate::identify::prepare::standardised;
use crate::statistics::streams::{Purpose, stream};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use serde::Serialize;

/// Features that each half selects (about: what enters the model together is in together).
pub const SELECTED: usize = 20;

/// What was selected.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Selections of single halves, in pairs.
    pub halves: Vec<Vec<bool>>,
    /// 1 where both halves of a pair select a feature, else 0; pairs by features.
    pub both: Array2<f64>,
    /// Mean number of features that a half selects.
    pub mean_selected: f64,
}

/// What may be said of features that are selected more often than a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ErrorBound {
    /// The threshold, as a share of the halves.
    pub threshold: f64,
    /// Features above it.
    pub selected: usize,
    /// At most this many of them are expected to be false (Meinshausen and Buehlmann's bound, exchangeable noise features).
    pub expected_false: f64,
}

impl Selection {
    /// Share of the halves that select each feature.
    #[must_use]
    pub fn probability(&self) -> Vec<f64> {
        let n = self.halves.len().max(1) as f64;
        let d = self.halves.first().map_or(0, Vec::len);
        (0..d).map(|f| self.halves.iter().filter(|h| h[f]).count() as f64 / n).collect()
    }

    /// What the feature of every group that is selected most has where nothing matters and halves select at random, in the mean: the
    /// largest of as many binomial shares of the pairs.
    #[must_use]
    pub fn chance(&self, groups: &[Vec<usize>]) -> Vec<f64> {
        let (pairs, d) = (self.both.nrows(), self.both.ncols().max(1) as f64);
        let p = (self.mean_selected / d).min(1.0).powi(2);
        let largest = |members: usize| {
            let (mut term, mut below, mut sum) = ((1.0 - p).powi(pairs as i32), 0.0, 0.0);
            for k in 0..pairs {
                below += term;
                sum += 1.0 - f64::min(below, 1.0).powi(members as i32);
                term *= (pairs - k) as f64 / (k + 1) as f64 * p / (1.0 - p).max(1e-300);
            }
            sum / pairs.max(1) as f64
        };
        groups.iter().map(|g| largest(g.len())).collect()
    }

    /// The bound at a threshold above one half: `q^2 / ((2 threshold - 1) p)`.
    #[must_use]
    pub fn bound(&self, threshold: f64) -> ErrorBound {
        let p = self.probability();
        ErrorBound {
            threshold,
            selected: p.iter().filter(|v| **v >= threshold).count(),
            expected_false: self.mean_selected.powi(2) / ((2.0 * threshold - 1.0) * p.len().max(1) as f64),
        }
    }
}

/// Selects on `pairs` pairs of halves; each half has half of the recordings of every label of every speaker.
#[must_use]
pub fn select(context: &Context, raw: &Rows, pairs: usize, seed: u64) -> Selection {
    let (n, d, k) = (raw.nrows(), raw.ncols(), context.labels.len());
    let halves: Vec<Vec<bool>> = (0..pairs)
        .into_par_iter()
        .flat_map_iter(|pair| {
            let mut random = stream(seed, Purpose::Halves, pair as u64);
            let mut order: Vec<usize> = (0..n).collect();
            random.shuffle(&mut order);
            // Stable: the mixing stays within speaker and label.
            order.sort_by_key(|i| (context.speakers[*i], context.classes[*i]));
            [0, 1].map(|side| {
                let half: Vec<usize> = order.iter().copied().skip(side).step_by(2).collect();
                let rows = standardised(raw, &half).select(Axis(0), &half);
                let y: Vec<usize> = half.iter().map(|i| context.classes[*i]).collect();
                let mut chosen = vec![false; d];
                entering(&rows, &y, k, SELECTED).into_iter().take(SELECTED).for_each(|f| chosen[f] = true);
                chosen
            })
        })
        .collect();
    let both =
        Array2::from_shape_fn((pairs, d), |(p, f)| f64::from(u8::from(halves[2 * p][f] && halves[2 * p + 1][f])));
    let mean_selected = halves.iter().flatten().filter(|z| **z).count() as f64 / halves.len().max(1) as f64;
    Selection { halves, both, mean_selected }
}
