//! Classifiers of different kinds behind one interface: fitted to a feature matrix, they give one score for each class of any row.
//!
//! All weigh classes the same, however often they come. Rows are normalised and without gaps.

pub mod boosting;
mod ensemble;
pub mod forest;
pub mod kernel;
pub mod linear;
pub mod logistic;
pub mod perceptron;
mod rows;
pub mod sparse;

pub use rows::{Rows, rows_of, weights};

use super::error::TrainError;
use crate::onnx::trees::Ensemble;
use kernel::Machine;
use linear::Linear;
use ndarray::{Array2, Axis};
use perceptron::Perceptron;
use serde::Serialize;

/// Which learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learner {
    /// Multinomial logistic regression with an L2 penalty.
    Logistic,
    /// Multinomial logistic regression with a group lasso: a feature is in for all classes or for none.
    Sparse,
    /// Linear support vector machines, one-vs-rest.
    LinearSvm,
    /// Support vector machines with a Gaussian kernel, one-vs-rest.
    KernelSvm,
    /// Random forest.
    Forest,
    /// Gradient-boosted trees.
    Boosting,
    /// Multilayer perceptron with one hidden layer.
    Perceptron,
}

impl Learner {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Logistic,
        Self::Sparse,
        Self::LinearSvm,
        Self::KernelSvm,
        Self::Forest,
        Self::Boosting,
        Self::Perceptron,
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Sparse => "sparse",
            Self::LinearSvm => "linear-svm",
            Self::KernelSvm => "kernel-svm",
            Self::Forest => "forest",
            Self::Boosting => "boosting",
            Self::Perceptron => "perceptron",
        }
    }

    /// The learner of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }

    /// Strengths worth trying, the usual one first. What the number means: the inverse penalty `C` (logistic regression,
    /// support vector machines), the penalty relative to the one that leaves no feature in (sparse), the number of trees
    /// (forest; boosting, for each class), weight decay (perceptron).
    #[must_use]
    pub const fn strengths(self) -> &'static [f64] {
        match self {
            Self::Logistic => &[0.02, 0.1, 0.005, 0.001],
            Self::Sparse => &[0.05, 0.1],
            Self::LinearSvm => &[0.003, 0.01],
            Self::KernelSvm => &[1.0, 0.3],
            Self::Forest => &[100.0],
            Self::Boosting => &[60.0],
            Self::Perceptron => &[3.0, 1.0],
        }
    }

    /// The number that is usual.
    #[must_use]
    pub const fn strength(self) -> f64 {
        self.strengths()[0]
    }

    /// Whether a random seed changes what it learns.
    #[must_use]
    pub const fn random(self) -> bool {
        matches!(self, Self::Forest | Self::Perceptron)
    }
}

/// A fitted learner.
#[derive(Debug, Clone)]
pub enum Fitted {
    /// `W x + b`.
    Linear(Linear),
    /// Sums of kernels.
    Kernel(Machine),
    /// Trees.
    Trees(Ensemble),
    /// A small network.
    Perceptron(Perceptron),
}

impl Fitted {
    /// One score for each class of every row: logits, up to a temperature.
    #[must_use]
    pub fn scores(&self, rows: &Rows) -> Array2<f64> {
        match self {
            Self::Linear(m) => m.scores(rows),
            Self::Kernel(m) => m.scores(rows),
            Self::Perceptron(m) => m.scores(rows),
            Self::Trees(m) => {
                let mut out = Array2::zeros((rows.nrows(), m.outputs));
                for (row, mut place) in rows.axis_iter(Axis(0)).zip(out.axis_iter_mut(Axis(0))) {
                    let sums = row.as_slice().map_or_else(|| m.sums(&row.to_vec()), |r| m.sums(r));
                    m.raw(&sums).iter().zip(&mut place).for_each(|(v, p)| *p = *v);
                }
                out
            }
        }
    }
}

/// Fits rows to classes `0..labels.len()`; a class may be missing.
///
/// # Errors
/// [`TrainError::Learner`] where it fails, or where fewer than two classes came.
pub fn fit(
    learner: Learner,
    strength: f64,
    rows: &Rows,
    classes: &[usize],
    labels: &[String],
    seed: u64,
) -> Result<Fitted, TrainError> {
    let count = labels.len();
    if (0..count).filter(|c| classes.contains(c)).count() < 2 {
        return Err(TrainError::Learner(format!("{}: fewer than two classes among the rows", learner.name())));
    }
    Ok(match learner {
        Learner::Logistic => Fitted::Linear(logistic::fit(rows, classes, count, strength)?),
        Learner::Sparse => Fitted::Linear(sparse::fit(rows, classes, count, strength)),
        Learner::LinearSvm => Fitted::Linear(kernel::linear(rows, classes, count, strength)?),
        Learner::KernelSvm => Fitted::Kernel(kernel::gaussian(rows, classes, count, strength)?),
        Learner::Forest => Fitted::Trees(forest::fit(rows, classes, labels, (strength as usize).max(1), seed)?),
        Learner::Boosting => {
            let how = boosting::Boosting { trees: (strength as usize).max(1), ..boosting::Boosting::default() };
            Fitted::Trees(boosting::fit(rows, classes, labels, how)?)
        }
        Learner::Perceptron => Fitted::Perceptron(perceptron::fit(rows, classes, count, strength, seed)),
    })
}
