//! The engine that runs a graph: which one, made for the tensor that is read.

use super::builtin::{Builtin, Structure};
use super::card::Card;
use super::engine::{Backend, Engine};
use super::error::ModelError;
use super::inside::{Layer, Opening, columns_of, default_layer, laid_open, resolve};
use super::{Options, library, onnxruntime, rten};
use crate::onnx::differentiate::{layers, without_rule};
use crate::onnx::graph::Model as Graph;
use crate::onnx::rewrite::without_group_normalisation;
use crate::onnx::tensor::FLOAT;

/// The runtime for a graph that is neither linear nor trees.
pub(super) fn runtime(bytes: Vec<u8>, outputs: &[String], options: &Options) -> Result<Box<dyn Engine>, ModelError> {
    let library = options.library.as_deref();
    let onnxruntime = match options.backend {
        Backend::OnnxRuntime => true,
        Backend::Rten => false,
        Backend::Auto | Backend::Builtin => library.is_some() || library::find(None).is_some(),
    };
    if onnxruntime {
        return Ok(Box::new(onnxruntime::OnnxRuntime::new(&bytes, outputs, library)?));
    }
    Ok(Box::new(rten::Rten::new(for_rten(bytes)?, outputs)?))
}

/// The same graph without operators that `rten` lacks.
fn for_rten(bytes: Vec<u8>) -> Result<Vec<u8>, ModelError> {
    let graph = Graph::parse(bytes)?;
    Ok(without_group_normalisation(&graph)?.unwrap_or_else(|| graph.bytes().to_vec()))
}

/// The engine for the scores of a graph: `changed` is the graph with `output` made an output, where it was none.
pub(super) fn start(
    graph: &Graph,
    changed: Option<&[u8]>,
    output: &str,
    structure: &Structure,
    width: usize,
    options: &Options,
) -> Result<Box<dyn Engine>, ModelError> {
    let built_in = !matches!(structure, Structure::Graph(_)) && options.backend == Backend::Auto;
    if built_in || options.backend == Backend::Builtin {
        return Ok(Box::new(Builtin::new(structure.clone(), width)?));
    }
    let bytes = changed.map_or_else(|| graph.bytes().to_vec(), <[u8]>::to_vec);
    // A tensor inside the graph becomes an output first.
    let known = changed.is_some() || graph.outputs().iter().any(|o| o.name == output);
    let bytes = if known {
        bytes
    } else {
        let value = crate::onnx::build::value(output, FLOAT, None);
        let added = crate::onnx::proto::GraphProto { output: vec![value], ..Default::default() };
        crate::onnx::splice::splice(graph, &added)?
    };
    runtime(bytes, &[output.to_owned()], options)
}

/// An engine, and how a graph with a layer laid open is asked in it.
pub(super) type Opened = (Box<dyn Engine>, Opening);

/// The engine of a waveform model with a layer laid open, where the options ask for one and the model has scores.
///
/// # Errors
/// [`ModelError`] for a layer that was named and is not there, or has no gradient.
pub(super) fn opened(
    graph: &Graph,
    input: &str,
    output: &str,
    scores: &str,
    card: Option<&Card>,
    options: &Options,
) -> Result<Option<Opened>, ModelError> {
    let labels = card.and_then(|c| c.output(output)).map(|o| o.labels.len()).filter(|n| *n > 0);
    let (Some(columns), false) =
        (labels.or_else(|| columns_of(graph, scores)), matches!(options.layer, Layer::None | Layer::Any))
    else {
        return Ok(None);
    };
    if card.is_some_and(|c| c.main_output().is_none()) {
        return Ok(None);
    }
    let layer = match &options.layer {
        Layer::None | Layer::Any => None,
        Layer::Named(name) => Some(resolve(graph, input, scores, name)),
        Layer::Auto if !without_rule(graph, scores).is_empty() => None,
        Layer::Auto => default_layer(&layers(graph, input, scores)),
    };
    let Some(layer) = layer else { return Ok(None) };
    let (bytes, wanted, opening) = match laid_open(graph, input, scores, &layer, columns) {
        Ok(made) => made,
        // A form of an operator that has no rule shows only now; nobody has asked for this layer.
        Err(_) if options.layer == Layer::Auto => return Ok(None),
        Err(e) => return Err(e),
    };
    Ok(Some((runtime(bytes, &wanted, options)?, opening)))
}
