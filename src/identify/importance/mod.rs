//! Feature importance on held-out speakers, by four methods (views).

pub mod permutation;
pub mod selection;
pub mod shapley;
pub mod univariate;

use super::learners::Learner;
use ndarray::Array2;
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
}
