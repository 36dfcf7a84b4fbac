//! Layers of a waveform model: activations inside its graph and the gradient of a score by them, out of one run.

use super::engine::{Engine, Input};
use super::{Model, ModelError, start};
use crate::onnx::build;
use crate::onnx::differentiate::differentiate;
use crate::onnx::graph::Model as Graph;
use crate::onnx::proto::GraphProto;
use crate::onnx::splice::splice;
use crate::onnx::tensor::FLOAT;

/// A model that gives a score, a tensor inside (or its input) and the gradient of the score by it.
#[derive(Debug)]
pub struct Inside {
    engine: Box<dyn Engine>,
    seed: String,
    layer: String,
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
        &self.layer
    }
}

impl Model {
    /// The model with the gradient by a tensor inside; by its input without one. Loads the graph once more.
    ///
    /// # Errors
    /// [`ModelError`] for unknown tensors, naming those that there are, and for operators without a rule.
    pub fn inside(&self, layer: Option<&str>) -> Result<Inside, ModelError> {
        let layer = layer.unwrap_or(&self.input).to_owned();
        let with = differentiate(&self.graph, &self.tensor, std::slice::from_ref(&layer))?;
        let mut bytes = with.bytes;
        let mut wanted = vec![self.tensor.clone()];
        wanted.extend(with.gradients);
        if layer != self.input {
            let graph = Graph::parse(bytes)?;
            let known = graph.outputs().iter().any(|o| o.name == layer);
            let added = GraphProto { output: vec![build::value(&layer, FLOAT, None)], ..GraphProto::default() };
            bytes = if known { graph.bytes().to_vec() } else { splice(&graph, &added)? };
            wanted.push(layer.clone());
        }
        let engine = start::runtime(bytes, &wanted, &self.options)?;
        Ok(Inside { engine, seed: with.seed, layer })
    }

    /// Runs it on samples as they enter the graph, for one of the scores.
    ///
    /// # Errors
    /// [`ModelError`] for failed runs, numbers that are not finite, and more samples than go in at once.
    pub fn look_inside(&self, inside: &Inside, samples: &[f32], target: usize) -> Result<Ran, ModelError> {
        let w = self.waveform.as_ref().ok_or_else(|| ModelError::mismatch("input", "features", "a waveform"))?;
        if let Some(most) = w.longest().filter(|n| *n < samples.len()) {
            let expected = format!("at most {most} samples, which go in at once");
            return Err(ModelError::mismatch("length of the waveform", expected, samples.len().to_string()));
        }
        let columns = self.labels.len().max(target + 1);
        let mut seed = vec![0.0; columns];
        seed[target] = 1.0;
        let data = self.filled_up(w, samples);
        let inputs = [
            Input { name: &self.input, shape: &[1, data.len()], data: &data },
            Input { name: &inside.seed, shape: &[1, columns], data: &seed },
        ];
        let mut ran = Ran::default();
        inside.engine.run(&inputs, &mut |k, shape, values| match k {
            0 => ran.scores = values.iter().map(|v| f64::from(*v)).collect(),
            1 => {
                ran.shape = shape.to_vec();
                ran.gradient = values.to_vec();
            }
            _ => ran.activations = values.to_vec(),
        })?;
        if inside.layer == self.input {
            ran.activations = data.into_owned();
        }
        if ran.scores.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: self.tensor.clone() });
        }
        if ran.gradient.len() != ran.activations.len() || ran.gradient.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: format!("gradient by {}", inside.layer) });
        }
        Ok(ran)
    }
}
