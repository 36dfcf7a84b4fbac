//! Models as ONNX files with their cards.

use super::logistic::Logistic;
use crate::model::card::{Card, METADATA_KEY};
use crate::onnx::build;
use crate::onnx::graph::Dim;
use crate::onnx::proto::GraphProto;
use crate::onnx::tensor::{FLOAT, STRING, float_tensor};
use crate::onnx::trees::{Ensemble, Mode, Node, Post};

/// Name of the input of exported models.
pub const INPUT: &str = "features";
/// Name of the output with logits.
pub const LOGITS: &str = "logits";
/// Name of the output with probabilities, before calibration.
pub const PROBABILITIES: &str = "probabilities";
/// Name of the output with the label.
pub const LABEL: &str = "label";

fn rows(columns: usize) -> [Dim; 2] {
    [Dim::Named("rows".to_owned()), Dim::Fixed(columns as i64)]
}

/// A linear model: outputs `logits` and `probabilities`.
#[must_use]
pub fn logistic(model: &Logistic, card: &Card) -> Vec<u8> {
    let (d, k) = (card.features().len(), model.bias.len());
    let graph = GraphProto {
        name: card.id.clone(),
        node: vec![
            build::node("Gemm", &[INPUT, "weights", "bias"], &[LOGITS], vec![build::int("transB", 1)]),
            build::node("Softmax", &[LOGITS], &[PROBABILITIES], vec![build::int("axis", 1)]),
        ],
        initializer: vec![
            float_tensor("weights", &[k as i64, d as i64], &model.weights),
            float_tensor("bias", &[k as i64], &model.bias),
        ],
        input: vec![build::value(INPUT, FLOAT, Some(&rows(d)))],
        output: vec![build::value(LOGITS, FLOAT, Some(&rows(k))), build::value(PROBABILITIES, FLOAT, Some(&rows(k)))],
        ..GraphProto::default()
    };
    build::model(graph, &[("", 17)], &[(METADATA_KEY, &card.to_json())])
}

/// A tree ensemble of several classes: outputs `label` and `probabilities`.
#[must_use]
pub fn trees(model: &Ensemble, card: &Card) -> Vec<u8> {
    let d = card.features().len();
    let (mut tree_ids, mut node_ids, mut features, mut values) = (vec![], vec![], vec![], vec![]);
    let (mut modes, mut yes_ids, mut no_ids, mut missing) = (vec![], vec![], vec![], vec![]);
    let (mut w_trees, mut w_nodes, mut w_ids, mut weights) = (vec![], vec![], vec![], vec![]);
    for (t, tree) in model.trees.iter().enumerate() {
        for (n, node) in tree.nodes.iter().enumerate() {
            tree_ids.push(t as i64);
            node_ids.push(n as i64);
            let (feature, mode, value, yes, no, gap) = match node {
                Node::Branch { feature, mode, value, yes, no, missing_yes } => {
                    let name = match mode {
                        Mode::Leq => "BRANCH_LEQ",
                        Mode::Lt => "BRANCH_LT",
                        Mode::Gte => "BRANCH_GTE",
                        Mode::Gt => "BRANCH_GT",
                        Mode::Eq => "BRANCH_EQ",
                        Mode::Neq => "BRANCH_NEQ",
                    };
                    (*feature as i64, name, *value, *yes as i64, *no as i64, i64::from(*missing_yes))
                }
                Node::Leaf(list) => {
                    for (class, weight) in list {
                        w_trees.push(t as i64);
                        w_nodes.push(n as i64);
                        w_ids.push(*class as i64);
                        weights.push(*weight as f32);
                    }
                    (0, "LEAF", 0.0, 0, 0, 0)
                }
            };
            features.push(feature);
            modes.push(mode);
            values.push(value);
            yes_ids.push(yes);
            no_ids.push(no);
            missing.push(gap);
        }
    }
    let post = match model.post {
        Post::None => "NONE",
        Post::Softmax => "SOFTMAX",
        Post::Logistic => "LOGISTIC",
    };
    let mut node = build::node(
        "TreeEnsembleClassifier",
        &[INPUT],
        &[LABEL, PROBABILITIES],
        vec![
            build::ints("nodes_treeids", tree_ids),
            build::ints("nodes_nodeids", node_ids),
            build::ints("nodes_featureids", features),
            build::floats("nodes_values", values),
            build::texts("nodes_modes", modes),
            build::ints("nodes_truenodeids", yes_ids),
            build::ints("nodes_falsenodeids", no_ids),
            build::ints("nodes_missing_value_tracks_true", missing),
            build::ints("class_treeids", w_trees),
            build::ints("class_nodeids", w_nodes),
            build::ints("class_ids", w_ids),
            build::floats("class_weights", weights),
            build::floats("base_values", model.base.iter().map(|b| *b as f32).collect()),
            build::texts("classlabels_strings", model.labels.names()),
            build::text("post_transform", post),
        ],
    );
    node.domain = "ai.onnx.ml".to_owned();
    let k = model.outputs;
    let graph = GraphProto {
        name: card.id.clone(),
        node: vec![node],
        input: vec![build::value(INPUT, FLOAT, Some(&rows(d)))],
        output: vec![
            build::value(LABEL, STRING, Some(&[Dim::Named("rows".to_owned())])),
            build::value(PROBABILITIES, FLOAT, Some(&rows(k))),
        ],
        ..GraphProto::default()
    };
    build::model(graph, &[("", 17), ("ai.onnx.ml", 3)], &[(METADATA_KEY, &card.to_json())])
}
