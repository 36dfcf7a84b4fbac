//! Feature importance on held-out speakers, by four methods (views).

pub mod permutation;
pub mod selection;
pub mod shapley;
pub mod univariate;

use super::learners::Learner;
use ndarray::{Array1, Array2};
use serde::Serialize;

/// A method of feature importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Exact Shapley values of held-out recordings.
    Shapley,
    /// Loss of probability when a cluster of features is permuted among held-out recordings.
    Permutation,
    /// How much of a feature's variation within speakers the labels explain.
    Univariate,
    /// How often a sparse model selects a feature on both of two disjoint halves.
    Selection,
}

impl View {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Shapley, Self::Permutation, Self::Univariate, Self::Selection];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shapley => "shapley",
            Self::Permutation => "permutation",
            Self::Univariate => "univariate",
            Self::Selection => "selection",
        }
    }
}

/// Importance of all features (or all groups) by one method, learner and seed.
#[derive(Debug, Clone)]
pub struct Vote {
    /// The view.
    pub view: View,
    /// The learner, where there is one.
    pub learner: Option<Learner>,
    /// Seed of what was drawn at random.
    pub seed: u64,
    /// Importance by speaker (for [`View::Selection`], by pair of halves).
    pub by_unit: Array2<f64>,
    /// What the vote counts: the learner's recall beyond chance.
    pub weight: f64,
    /// Where groups are what is ranked and `by_unit` is of single features: which features each has.
    pub players: Option<Players>,
}

/// Groups of features in a view that has values for single features only: a group is worth what its best feature is, beyond what
/// the best of as many would be by chance. Otherwise large groups would come first for their size.
#[derive(Debug, Clone)]
pub struct Players {
    /// The features of each group.
    pub features: Vec<Vec<usize>>,
    /// What the best feature of each group has where nothing matters, of 1 at most.
    pub chance: Vec<f64>,
}

impl Vote {
    /// Importance of every feature (or group), the mean over units of which each comes so often.
    #[must_use]
    pub fn importance(&self, times: &Array1<f64>) -> Vec<f64> {
        let mean = self.by_unit.t().dot(times) / times.sum();
        match &self.players {
            None => mean.to_vec(),
            Some(p) => {
                let best = |features: &Vec<usize>| features.iter().map(|f| mean[*f]).fold(f64::MIN, f64::max);
                p.features.iter().zip(&p.chance).map(|(g, c)| (best(g) - c) / (1.0 - c).max(1e-9)).collect()
            }
        }
    }
}
