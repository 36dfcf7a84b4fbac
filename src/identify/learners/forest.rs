//! A random forest (trees by `smartcore`): every leaf votes for classes by their shares among the rows that end there.

use super::ensemble::softmax_ensemble;
use super::logistic::balanced;
use super::rows::Rows;
use crate::identify::error::TrainError;
use crate::onnx::trees::{Ensemble, Mode, Node, Tree};
use serde::Deserialize;
use smartcore::ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// Deepest tree.
const DEPTH: u16 = 8;

/// Score of a class that all trees vote for: the votes enter the softmax as logits.
const VOTES: f64 = 10.0;

/// What the crate writes of a forest, as far as it is read.
#[derive(Deserialize)]
struct Saved {
    trees: Vec<SavedTree>,
}

#[derive(Deserialize)]
struct SavedTree {
    nodes: Vec<SavedNode>,
}

#[derive(Deserialize)]
struct SavedNode {
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

/// Fits rows to classes; rare classes are repeated until all are as frequent as the most frequent one.
///
/// Each tree is a forest of its own to the crate, with its own seed: within one forest all trees would draw the same
/// features.
///
/// # Errors
/// [`TrainError::Learner`] where it fails.
pub fn fit(rows: &Rows, classes: &[usize], labels: &[String], trees: usize, seed: u64) -> Result<Ensemble, TrainError> {
    let failed = |e: &dyn std::fmt::Display| TrainError::Learner(format!("random forest: {e}"));
    let picked = balanced(classes, labels.len());
    let d = rows.ncols();
    let values: Vec<f32> = picked.iter().flat_map(|i| rows.row(*i).to_vec()).collect();
    let x = DenseMatrix::new(picked.len(), d, values, false).map_err(|e| failed(&e))?;
    let y: Vec<u32> = picked.iter().map(|i| classes[*i] as u32).collect();
    let mut out = Vec::with_capacity(trees);
    for k in 0..trees {
        let how = RandomForestClassifierParameters::default()
            .with_n_trees(1)
            .with_max_depth(DEPTH)
            .with_min_samples_leaf(2)
            .with_seed(seed.wrapping_mul(0x9e37_79b9).wrapping_add(k as u64));
        let forest = RandomForestClassifier::fit(&x, &y, how).map_err(|e| failed(&e))?;
        // The crate keeps its trees to itself, but writes them down.
        let saved: Saved = serde_json::to_value(&forest).and_then(serde_json::from_value).map_err(|e| failed(&e))?;
        out.extend(saved.trees.iter().map(|t| voting(t, rows, &picked, classes, labels.len(), trees)));
    }
    Ok(softmax_ensemble(out, vec![0.0; labels.len()], d, labels))
}

/// A tree whose leaves hold the shares of the classes among the rows that end there.
fn voting(tree: &SavedTree, rows: &Rows, picked: &[usize], classes: &[usize], count: usize, trees: usize) -> Tree {
    let mut nodes: Vec<Node> = tree
        .nodes
        .iter()
        .map(|n| match (n.true_child, n.false_child, n.split_value) {
            (Some(yes), Some(no), Some(value)) => Node::Branch {
                feature: n.split_feature,
                mode: Mode::Leq,
                value: at_most(value),
                yes,
                no,
                missing_yes: true,
            },
            _ => Node::Leaf(Vec::new()),
        })
        .collect();
    let mut seen = vec![vec![0.0; count]; nodes.len()];
    for i in picked {
        let mut node = 0;
        while let Some(Node::Branch { feature, value, yes, no, .. }) = nodes.get(node) {
            node = if rows[(*i, *feature)] <= *value { *yes } else { *no };
        }
        if let Some(s) = seen.get_mut(node) {
            s[classes[*i]] += 1.0;
        }
    }
    for (node, seen) in nodes.iter_mut().zip(&seen) {
        let total: f64 = seen.iter().sum::<f64>().max(1.0);
        if let Node::Leaf(list) = node {
            let share = |c: usize| (c, VOTES / trees as f64 * seen[c] / total);
            *list = (0..count).filter(|c| seen[*c] > 0.0).map(share).collect();
        }
    }
    Tree { nodes }
}

/// The largest float32 up to a threshold: `x <= threshold` and `x <= this` then say the same of every float32.
fn at_most(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) <= threshold { near } else { near.next_down() }
}
