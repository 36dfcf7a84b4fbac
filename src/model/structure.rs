//! What a graph is: linear, trees, or something else; and where its scores are.

use super::builtin::Structure;
use super::error::ModelError;
use crate::onnx::affine::affine;
use crate::onnx::build;
use crate::onnx::graph::{Dim, Model as Graph, Value, ValueType, int};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::onnx::splice::splice;
use crate::onnx::tensor::FLOAT;
use crate::onnx::trees::Ensemble;
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

/// Whether a node hands on what it gets (probabilities that add up to one stay what they are).
fn hands_on(n: &NodeProto) -> bool {
    matches!(n.op_type.as_str(), "Identity" | "Normalizer") || n.op_type == "Cast" && matches!(int(n, "to", 0), 1 | 11)
}

/// The node behind `tensor`, looking through those that only hand it on.
fn behind<'a>(graph: &'a Graph, tensor: &str) -> Option<&'a NodeProto> {
    let mut name = tensor;
    for _ in 0..graph.graph().node.len() {
        let n = graph.producer(name)?;
        if !hands_on(n) {
            return Some(n);
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
            Some(n) if hands_on(n) && n.op_type != "Normalizer" => name = n.input.first().map_or("", String::as_str),
            _ => return false,
        }
    }
    false
}

/// What the graph between `input` and `tensor` is.
pub(super) fn structure(graph: &Graph, input: &str, width: usize, tensor: &str) -> Result<Structure, ModelError> {
    if let Some(n) = behind(graph, tensor) {
        let trees = matches!(n.op_type.as_str(), "TreeEnsembleClassifier" | "TreeEnsembleRegressor");
        if trees && n.input.first().is_some_and(|i| is_input(graph, i, input)) {
            return Ok(Structure::Trees(Arc::new(Ensemble::read(n)?)));
        }
    }
    Ok(match affine(graph, input, width, tensor)? {
        Some(map) => Structure::Linear(Arc::new(map)),
        None => Structure::Graph,
    })
}

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

/// Whether scores look like probabilities, for models without a card.
pub(super) fn gives_probabilities(graph: &Graph, structure: &Structure, output: &Value, tensor: &str) -> bool {
    use crate::onnx::affine::Link;
    match structure {
        Structure::Linear(map) => map.link != Link::Identity,
        Structure::Trees(t) => !t.labels.names().is_empty(),
        Structure::Graph => {
            output.kind == ValueType::SequenceOfMaps
                || behind(graph, tensor).is_some_and(|n| {
                    matches!(n.op_type.as_str(), "Softmax" | "Sigmoid" | "LinearClassifier" | "TreeEnsembleClassifier")
                })
        }
    }
}
