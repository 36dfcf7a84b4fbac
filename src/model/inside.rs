//! Layers of a waveform model: activations inside its graph and the gradient of a score by them, out of one run.

use super::engine::{Engine, Input};
use super::{Model, ModelError, start};
use crate::onnx::build;
use crate::onnx::differentiate::{Unseeded, differentiate_by_seed, layers};
use crate::onnx::graph::{Dim, Model as Graph};
use crate::onnx::proto::GraphProto;
use crate::onnx::splice::splice;
use crate::onnx::tensor::FLOAT;

/// Which layer is laid open when a waveform model is opened, so that one graph in one engine gives scores and what explains them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Layer {
    /// None: the graph as it is.
    #[default]
    None,
    /// None either, but one that somebody has laid open does no harm: a model that is open already is shared.
    Any,
    /// The one that is chosen where nobody names one ([`Model::default_layer`]), where there is one and its gradient has rules.
    Auto,
    /// A tensor, or a hidden state by number: `hidden-0` enters the first block with attention.
    Named(String),
}

impl Layer {
    /// As it is written in settings: `auto`, or a name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "" | "auto" => Self::Auto,
            name => Self::Named(name.to_owned()),
        }
    }
}

/// A layer that is laid open in an engine: how the graph is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    pub seed: String,
    pub layer: String,
    /// Numbers of the scores.
    pub columns: usize,
}

/// A model that gives a score, a tensor inside (or its input) and the gradient of the score by it.
#[derive(Debug)]
pub struct Inside {
    /// `None` where the model's own engine does.
    engine: Option<Box<dyn Engine>>,
    opening: Opening,
}

/// What one run gave.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    /// All scores of the graph.
    pub scores: Vec<f64>,
    /// Shape of the layer.
    pub shape: Vec<usize>,
    /// The layer's activations, the last axis running fastest.
    pub activations: Vec<f32>,
    /// The gradient of the score by them.
    pub gradient: Vec<f32>,
}

impl Inside {
    /// Name of the layer.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.opening.layer
    }
}

/// A graph that gives scores, the gradient of one of them by a layer, and the layer: its bytes and the names of these.
pub(super) fn laid_open(
    graph: &Graph,
    input: &str,
    scores: &str,
    layer: &str,
    columns: usize,
) -> Result<(Vec<u8>, Vec<String>, Opening), ModelError> {
    let with = differentiate_by_seed(graph, scores, &[layer.to_owned()], Unseeded::Largest)?;
    let mut bytes = with.bytes;
    let mut wanted = vec![scores.to_owned()];
    wanted.extend(with.gradients);
    if layer != input {
        let graph = Graph::parse(bytes)?;
        let known = graph.outputs().iter().any(|o| o.name == layer);
        let added = GraphProto { output: vec![build::value(layer, FLOAT, None)], ..GraphProto::default() };
        bytes = if known { graph.bytes().to_vec() } else { splice(&graph, &added)? };
        wanted.push(layer.to_owned());
    }
    Ok((bytes, wanted, Opening { seed: with.seed, layer: layer.to_owned(), columns }))
}

/// The tensor that a name of a layer means.
pub(super) fn resolve(graph: &Graph, input: &str, scores: &str, name: &str) -> String {
    let number = name.strip_prefix("hidden-").and_then(|k| k.parse::<usize>().ok());
    let found = number.and_then(|k| layers(graph, input, scores).hidden.get(k).cloned());
    found.unwrap_or_else(|| name.to_owned())
}

/// How many numbers a graph says an output has for each row.
pub(super) fn columns_of(graph: &Graph, output: &str) -> Option<usize> {
    let outputs = graph.outputs();
    let shape = outputs.iter().find(|o| o.name == output)?.shape()?;
    if let Some(Dim::Fixed(n)) = shape.last() { usize::try_from(*n).ok() } else { None }
}

impl Model {
    /// The model with the gradient by a tensor inside (or a hidden state by number); by its input without one. Loads the graph once
    /// more, unless it was opened with this layer.
    ///
    /// # Errors
    /// [`ModelError`] for unknown tensors, naming those that there are, for operators without a rule, and for models that were opened
    /// with another layer: they have let go of their weights.
    pub fn inside(&self, layer: Option<&str>) -> Result<Inside, ModelError> {
        let layer = match layer {
            None => self.input.clone(),
            Some(name) => resolve(&self.graph, &self.input, &self.tensor, name),
        };
        if let Some(opening) = self.opening.clone().filter(|o| o.layer == layer) {
            return Ok(Inside { engine: None, opening });
        }
        if let Some(open) = self.open_layer() {
            let expected = format!("{open}, which the model was opened with");
            return Err(ModelError::mismatch("layer", expected, layer));
        }
        let columns = self.labels.len().max(1);
        let (bytes, wanted, opening) = laid_open(&self.graph, &self.input, &self.tensor, &layer, columns)?;
        let engine = start::runtime(bytes, &wanted, &self.options)?;
        Ok(Inside { engine: Some(engine), opening })
    }

    /// The layer that it was opened with.
    #[must_use]
    pub fn open_layer(&self) -> Option<&str> {
        self.opening.as_ref().map(|o| o.layer.as_str())
    }

    /// Hidden states in their order, last convolution and samples a frame.
    #[must_use]
    pub fn layers(&self) -> crate::onnx::differentiate::Layers {
        layers(&self.graph, &self.input, &self.tensor)
    }

    /// The layer that is explained where nobody names one; `None` where no layer was found.
    #[must_use]
    pub fn default_layer(&self) -> Option<String> {
        default_layer(&self.layers())
    }

    /// Runs it on samples as they enter the graph, for one of the scores.
    ///
    /// # Errors
    /// [`ModelError`] for failed runs, numbers that are not finite, and more samples than go in at once.
    pub fn look_inside(&self, inside: &Inside, samples: &[f32], target: usize) -> Result<Ran, ModelError> {
        self.look(inside, samples, Some(target))
    }

    /// The same for a score, or for the largest of them, which is found out in the same run.
    ///
    /// # Errors
    /// As [`Self::look_inside`].
    pub fn look(&self, inside: &Inside, samples: &[f32], target: Option<usize>) -> Result<Ran, ModelError> {
        let w = self.waveform.as_ref().ok_or_else(|| ModelError::mismatch("input", "features", "a waveform"))?;
        if let Some(most) = w.longest().filter(|n| *n < samples.len()) {
            let expected = format!("at most {most} samples, which go in at once");
            return Err(ModelError::mismatch("length of the waveform", expected, samples.len().to_string()));
        }
        let Opening { seed: name, layer, columns } = &inside.opening;
        let columns = (*columns).max(target.map_or(1, |t| t + 1));
        let mut seed = vec![0.0; columns];
        if let Some(t) = target {
            seed[t] = 1.0;
        }
        let data = self.filled_up(w, samples);
        let inputs = [
            Input { name: &self.input, shape: &[1, data.len()], data: &data },
            Input { name, shape: &[1, columns], data: &seed },
        ];
        let mut ran = Ran::default();
        let engine = inside.engine.as_deref().unwrap_or(&*self.engine);
        engine.run(&inputs, &mut |k, shape, values| match k {
            0 => ran.scores = values.iter().map(|v| f64::from(*v)).collect(),
            1 => {
                ran.shape = shape.to_vec();
                ran.gradient = values.to_vec();
            }
            _ => ran.activations = values.to_vec(),
        })?;
        if *layer == self.input {
            ran.activations = data.into_owned();
        }
        if ran.scores.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: self.tensor.clone() });
        }
        if ran.gradient.len() != ran.activations.len() || ran.gradient.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: format!("gradient by {layer}") });
        }
        Ok(ran)
    }
}

/// Which of a model's layers predicts best what silencing parts of the samples does to a score: measured, `docs/models.md`.
pub(super) fn default_layer(layers: &crate::onnx::differentiate::Layers) -> Option<String> {
    layers.hidden.last().cloned()
}
