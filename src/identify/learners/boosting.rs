//! Gradient-boosted trees (by `forust`), one-vs-rest: an ensemble for each class.

use super::ensemble::softmax_ensemble;
use super::rows::Rows;
use crate::identify::error::TrainError;
use crate::onnx::trees::{Ensemble, Mode, Node, Tree};
use forust_ml::objective::ObjectiveType;
use forust_ml::{GradientBooster, Matrix};

/// Share of the features that each tree may use, drawn anew for each tree (with a fixed seed): less correlated trees give a better ensemble.
const COLUMNS: f64 = 0.3;
/// But never fewer features than this.
const FEWEST: f64 = 10.0;

/// Hyperparameters of boosting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boosting {
    /// Trees for each class.
    pub trees: usize,
    /// Largest depth of a tree.
    pub depth: usize,
    /// Share of each tree that is taken.
    pub rate: f32,
}

impl Default for Boosting {
    fn default() -> Self {
        Self { trees: 60, depth: 3, rate: 0.15 }
    }
}

/// The largest float32 below a threshold: `x < threshold` and `x <= this` then say the same of every float32.
fn below(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) < threshold { near } else { near.next_down() }
}

/// Fits rows without gaps to classes `0..count`; one-vs-rest, the class and all other classes together weighing the same.
///
/// # Errors
/// [`TrainError::Learner`] where it fails.
pub fn fit(rows: &Rows, classes: &[usize], labels: &[String], boosting: Boosting) -> Result<Ensemble, TrainError> {
    let width = rows.ncols();
    let share = (FEWEST / width.max(1) as f64).clamp(COLUMNS, 1.0);
    let columns: Vec<f64> = rows.columns().into_iter().flat_map(|c| c.to_vec()).map(f64::from).collect();
    let data = Matrix::new(&columns, rows.nrows(), width);
    let (mut trees, mut base) = (Vec::new(), Vec::new());
    for class in 0..labels.len() {
        let y: Vec<f64> = classes.iter().map(|c| f64::from(u8::from(*c == class))).collect();
        let positive = y.iter().sum::<f64>().max(1.0);
        let negative = (y.len() as f64 - positive).max(1.0);
        let half = y.len() as f64 / 2.0;
        let weights: Vec<f64> = y.iter().map(|v| if *v > 0.5 { half / positive } else { half / negative }).collect();
        let mut booster = GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(boosting.trees)
            .set_learning_rate(boosting.rate)
            .set_max_depth(boosting.depth)
            .set_max_leaves(1 << boosting.depth)
            .set_l2(1.0)
            .set_colsample_bytree(share)
            .set_min_leaf_weight(1.0)
            .set_initialize_base_score(false)
            .set_base_score(0.0)
            .set_parallel(false);
        booster
            .fit(&data, &y, &weights, None)
            .map_err(|e| TrainError::Learner(format!("boosted trees for \"{}\": {e}", labels[class])))?;
        base.push(booster.base_score);
        trees.extend(booster.trees.iter().map(|t| tree(t, class)));
    }
    Ok(softmax_ensemble(trees, base, width, labels))
}

fn tree(from: &forust_ml::tree::Tree, class: usize) -> Tree {
    let node = |n: usize| {
        let n = &from.nodes[n];
        if n.is_leaf {
            return Node::Leaf(vec![(class, f64::from(n.weight_value))]);
        }
        Node::Branch {
            feature: n.split_feature,
            mode: Mode::Leq,
            value: below(n.split_value),
            yes: n.left_child,
            no: n.right_child,
            missing_yes: n.missing_node == n.left_child,
        }
    };
    Tree { nodes: (0..from.nodes.len()).map(node).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_keep_their_meaning_in_float32() {
        for t in [0.1f64, -3.7, 1.0, 1e-30, 12_345.678_9] {
            let b = below(t);
            assert!(f64::from(b) < t && f64::from(b.next_up()) >= t, "{t}");
        }
    }

    /// The trees as the stream evaluates them give what the crate itself predicts.
    #[test]
    fn trees_are_taken_over_as_they_are() {
        let rows: Vec<Vec<f32>> =
            (0..200).map(|i| vec![(i * 37 % 101) as f32 / 7.0, (i * 53 % 97) as f32 / 11.0]).collect();
        let classes: Vec<usize> = rows.iter().map(|r| usize::from(r[0] > 7.0) + usize::from(r[1] > 4.0)).collect();
        let labels: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let e = fit(&crate::identify::learners::rows_of(&rows), &classes, &labels, Boosting::default()).unwrap();
        let right = rows.iter().zip(&classes).filter(|(r, c)| {
            let s = e.sums(r);
            (0..3).max_by(|a, b| s[*a].total_cmp(&s[*b])) == Some(**c)
        });
        assert!(right.count() > 190);
    }
}
