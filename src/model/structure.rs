//! What a graph is: linear, trees, or something else; and where its scores are.

use super::builtin::Structure;
use super::error::ModelError;
use crate::onnx::affine::{Obstacle, Reading, affine};
use crate::onnx::build;
use crate::onnx::graph::{Dim, Model as Graph, Value, ValueType, attribute, divides_by_sum, int};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::onnx::splice::splice;
use crate::onnx::tensor::FLOAT;
use crate::onnx::trees::{Ensemble, Node, Post};
use std::sync::Arc;

/// A tensor of scores: the output itself, or what goes into the maps that scikit-learn's converter makes of it.
pub(super) struct Scores {
    /// Name of the tensor.
    pub tensor: String,
    /// The model with that tensor as an output, where it was none.
    pub bytes: Option<Vec<u8>>,
}

/// Follows an output of maps back to the tensor they are made of.
pub(super) fn scores_of(graph: &Graph, output: &Value) -> Result<Scores, ModelError> {
    if output.kind != ValueType::SequenceOfMaps {
        return Ok(Scores { tensor: output.name.clone(), bytes: None });
    }
    let map = graph.producer(&output.name).filter(|n| n.op_type == "ZipMap");
    let tensor = map.and_then(|n| n.input.first()).cloned().ok_or_else(|| {
        ModelError::mismatch(
            format!("output \"{}\"", output.name),
            "a tensor, or maps made by ZipMap",
            output.describe(),
        )
    })?;
    let value = build::value(&tensor, FLOAT, Some(&[Dim::Any, Dim::Any]));
    let added = GraphProto { output: vec![value], ..GraphProto::default() };
    Ok(Scores { bytes: Some(splice(graph, &added)?), tensor })
}

/// Whether a node hands on what it gets, as it is.
fn hands_on(n: &NodeProto) -> bool {
    n.op_type == "Identity" || n.op_type == "Cast" && matches!(int(n, "to", 0), 1 | 11)
}

/// The node behind `tensor`, looking through those that only hand it on, and the last [`divides_by_sum`] on the way.
pub(super) fn behind<'a>(graph: &'a Graph, tensor: &str) -> Option<(&'a NodeProto, Option<&'a NodeProto>)> {
    let mut name = tensor;
    let mut divider = None;
    for _ in 0..graph.graph().node.len() {
        let n = graph.producer(name)?;
        if divides_by_sum(n) {
            divider = Some(n);
        } else if !hands_on(n) {
            return Some((n, divider));
        }
        name = n.input.first()?;
    }
    None
}

fn is_input(graph: &Graph, tensor: &str, input: &str) -> bool {
    let mut name = tensor;
    for _ in 0..=graph.graph().node.len() {
        if name == input {
            return true;
        }
        match graph.producer(name) {
            Some(n) if hands_on(n) => name = n.input.first().map_or("", String::as_str),
            _ => return false,
        }
    }
    false
}

/// What the graph between `input` and `tensor` is.
pub(super) fn structure(graph: &Graph, input: &str, width: usize, tensor: &str) -> Result<Structure, ModelError> {
    if let Some((n, divider)) = behind(graph, tensor) {
        let trees = matches!(n.op_type.as_str(), "TreeEnsembleClassifier" | "TreeEnsembleRegressor");
        if trees && n.input.first().is_some_and(|i| is_input(graph, i, input)) {
            let trees = Ensemble::read(n)?;
            return Ok(match divider.filter(|_| !is_distribution(&trees)) {
                // Dividing by the sum changes what does not add up to one: no longer the ensemble's own numbers.
                Some(d) => Structure::Graph(Obstacle::node(d)),
                None => Structure::Trees(Arc::new(trees)),
            });
        }
    }
    Ok(match affine(graph, input, width, tensor)? {
        Reading::Linear(map) => Structure::Linear(Arc::new(map)),
        Reading::Blocked(obstacle) => Structure::Graph(obstacle),
    })
}

/// Whether the scores of an ensemble are positive and add up to one for every row: by its post-transform, or because the
/// leaves of each tree weigh the same altogether (a forest's shares of classes).
fn is_distribution(trees: &Ensemble) -> bool {
    match (trees.post, trees.binary()) {
        (Post::Softmax, _) => return true,
        // p and 1 - p.
        (Post::Logistic, offset) => return offset.is_some(),
        (Post::None, _) => {}
    }
    if !trees.positive || trees.base.iter().any(|b| *b < 0.0) {
        return false;
    }
    let mut leaves = trees.trees.iter().map(|t| {
        let weights = t.nodes.iter().filter_map(|n| match n {
            Node::Leaf(list) => Some(list.iter().map(|l| l.1).sum::<f64>()),
            Node::Branch { .. } => None,
        });
        weights.fold((f64::INFINITY, 0.0f64), |(low, high), w| (low.min(w), high.max(w)))
    });
    let base: f64 = trees.base.iter().sum();
    let (low, high) = leaves.by_ref().fold((0.0, 0.0), |(l, h), (low, high)| (l + low, h + high));
    let (low, high) = (low / trees.divisor + base, high / trees.divisor + base);
    if trees.binary().is_some() { high <= 1.0 + SUM } else { low >= 1.0 - SUM && high <= 1.0 + SUM }
}

/// How far a sum of float32 probabilities may lie from one.
const SUM: f64 = 1e-5;

/// How many columns the graph's first use of the input asks for, where the input does not say.
pub(super) fn width_of(graph: &Graph, input: &Value) -> Option<usize> {
    if let Some([.., Dim::Fixed(n)]) = input.shape() {
        return usize::try_from(*n).ok().filter(|n| *n > 0);
    }
    let constants = graph.constants();
    graph.graph().node.iter().filter(|n| n.input.first().is_some_and(|i| is_input(graph, i, &input.name))).find_map(
        |n| {
            let w = constants.get(n.input.get(1)?.as_str())?;
            let axis = match n.op_type.as_str() {
                "MatMul" if w.dims.len() == 2 => 0,
                "Gemm" if w.dims.len() == 2 => usize::from(int(n, "transB", 0) != 0),
                _ => return None,
            };
            usize::try_from(w.dims[axis]).ok()
        },
    )
}

/// Labels that a classifier of `ai.onnx.ml` behind `tensor`, or the maps made of it, carry.
pub(super) fn labels_of(graph: &Graph, output: &Value, tensor: &str) -> Vec<String> {
    let maps = graph.producer(&output.name).filter(|n| n.op_type == "ZipMap");
    let classifier = behind(graph, tensor).map(|b| b.0);
    [maps, classifier].into_iter().flatten().map(labels).find(|l| !l.is_empty()).unwrap_or_default()
}

fn labels(node: &NodeProto) -> Vec<String> {
    let texts = attribute(node, "classlabels_strings").map_or(&[][..], |a| &a.strings);
    let numbers = ["classlabels_int64s", "classlabels_ints"].into_iter().filter_map(|name| attribute(node, name));
    if texts.is_empty() {
        numbers.flat_map(|a| a.ints.iter().map(ToString::to_string)).collect()
    } else {
        texts.iter().map(|s| String::from_utf8_lossy(s).into_owned()).collect()
    }
}
