//! Export of fitted learners as ONNX files, with their model cards inside.

use super::amount::{self, Head};
use super::learners::Fitted;
use super::learners::kernel::Machine;
use super::learners::linear::Linear;
use super::learners::perceptron::Perceptron;
use crate::model::card::{Card, METADATA_KEY};
use crate::onnx::build;
use crate::onnx::graph::Dim;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};
use crate::onnx::tensor::{FLOAT, STRING, float_tensor};
use crate::onnx::trees::{Ensemble, Mode, Node, Post};
use ndarray::{Array1, Array2, Axis};

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

/// Any fitted learner as a graph, with a dimension that was learnt by itself where there is one, the card inside.
#[must_use]
pub fn model(fitted: &Fitted, head: Option<&Head>, card: &Card) -> Vec<u8> {
    let (mut graph, opsets) = match fitted {
        Fitted::Linear(m) => linear(m, card),
        Fitted::Kernel(m) => kernel(m, card),
        Fitted::Perceptron(m) => perceptron(m, card),
        Fitted::Trees(m) => trees(m, card),
    };
    if let Some(h) = head {
        let weights = [amount::NAME, "weights"].join("_");
        let bias = [amount::NAME, "bias"].join("_");
        graph.node.push(build::node("Gemm", &[INPUT, &weights, &bias], &[amount::NAME], vec![build::int("transB", 1)]));
        graph.initializer.push(float_tensor(&weights, &[1, h.weights.len() as i64], &h.weights.to_vec()));
        graph.initializer.push(float_tensor(&bias, &[1], &[h.bias]));
        graph.output.push(build::value(amount::NAME, FLOAT, Some(&rows(1))));
    }
    build::model(graph, opsets, &[(METADATA_KEY, &card.to_json())])
}

/// A graph and the operator sets that it needs.
type Built = (GraphProto, &'static [(&'static str, i64)]);

/// Inputs, nodes and constants that end in `logits`, with a softmax behind them.
fn scored(card: &Card, classes: usize, mut node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Built {
    node.push(build::node("Softmax", &[LOGITS], &[PROBABILITIES], vec![build::int("axis", 1)]));
    let graph = GraphProto {
        name: card.id.clone(),
        node,
        initializer,
        input: vec![build::value(INPUT, FLOAT, Some(&rows(card.features().len())))],
        output: [LOGITS, PROBABILITIES].map(|n| build::value(n, FLOAT, Some(&rows(classes)))).to_vec(),
        ..GraphProto::default()
    };
    (graph, &[("", 17)])
}

fn matrix(name: &str, m: &Array2<f32>) -> TensorProto {
    let values: Vec<f32> = m.iter().copied().collect();
    float_tensor(name, &[m.nrows() as i64, m.ncols() as i64], &values)
}

fn vector(name: &str, v: &Array1<f32>) -> TensorProto {
    float_tensor(name, &[v.len() as i64], &v.to_vec())
}

/// A linear model: outputs `logits` and `probabilities`.
fn linear(m: &Linear, card: &Card) -> Built {
    let node = vec![build::node("Gemm", &[INPUT, "weights", "bias"], &[LOGITS], vec![build::int("transB", 1)])];
    scored(card, m.bias.len(), node, vec![matrix("weights", &m.weights), vector("bias", &m.bias)])
}

/// A network with one hidden layer.
fn perceptron(m: &Perceptron, card: &Card) -> Built {
    let node = vec![
        build::node("Gemm", &[INPUT, "first", "first_bias"], &["before"], vec![]),
        build::node("Relu", &["before"], &["hidden"], vec![]),
        build::node("Gemm", &["hidden", "second", "second_bias"], &[LOGITS], vec![]),
    ];
    let constants = vec![
        matrix("first", &m.first),
        vector("first_bias", &m.first_bias),
        matrix("second", &m.second),
        vector("second_bias", &m.second_bias),
    ];
    scored(card, m.second_bias.len(), node, constants)
}

/// Sums of Gaussian kernels: `exp(-gamma (|x|^2 + |s|^2 - 2 x s))`.
fn kernel(m: &Machine, card: &Card) -> Built {
    let squares = m.support.map_axis(Axis(1), |s| -m.gamma * s.dot(&s));
    let scaled = m.support.t().mapv(|v| 2.0 * m.gamma * v);
    let node = vec![
        build::node("Mul", &[INPUT, INPUT], &["square"], vec![]),
        build::node("Gemm", &["square", "width"], &["ours"], vec![]),
        build::node("Gemm", &[INPUT, "support", "theirs"], &["both"], vec![]),
        build::node("Add", &["ours", "both"], &["exponent"], vec![]),
        build::node("Exp", &["exponent"], &["kernel"], vec![]),
        build::node("Gemm", &["kernel", "coefficients", "bias"], &[LOGITS], vec![]),
    ];
    let constants = vec![
        matrix("width", &Array2::from_elem((m.support.ncols(), 1), -m.gamma)),
        matrix("support", &scaled),
        vector("theirs", &squares),
        matrix("coefficients", &m.coefficients),
        vector("bias", &m.bias),
    ];
    scored(card, m.bias.len(), node, constants)
}

/// A tree ensemble of several classes: outputs `label` and `probabilities`.
fn trees(model: &Ensemble, card: &Card) -> Built {
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
            build::texts("classlabels_strings", model.labels.names()),
            build::text("post_transform", post),
        ],
    );
    node.domain = "ai.onnx.ml".to_owned();
    // ONNX Runtime takes two base values of two classes for a margin and its opposite: zeros are better left out.
    if model.base.iter().any(|b| *b != 0.0) {
        node.attribute.push(build::floats("base_values", model.base.iter().map(|b| *b as f32).collect()));
    }
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
    (graph, &[("", 17), ("ai.onnx.ml", 3)])
}
