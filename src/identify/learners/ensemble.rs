//! Tree ensembles over several labels, as forests and boosted trees make them.

use crate::onnx::trees::{Ensemble, Labels, Post, Tree};

/// An ensemble of trees whose sums enter a softmax over the labels.
pub(super) fn softmax_ensemble(trees: Vec<Tree>, base: Vec<f64>, features: usize, labels: &[String]) -> Ensemble {
    Ensemble {
        trees,
        base,
        outputs: labels.len(),
        features,
        divisor: 1.0,
        post: Post::Softmax,
        labels: Labels::Texts(labels.to_vec()),
        positive: false,
    }
}
