//! Hidden states of a waveform model out of one run, and the rest of its graph from one of them on.

use super::engine::{Engine, Input};
use super::{Model, ModelError, Options, start};
use crate::onnx::build;
use crate::onnx::cut::cut;
use crate::onnx::differentiate::State;
use crate::onnx::graph::Model as Graph;
use crate::onnx::proto::GraphProto;
use crate::onnx::redraw::redrawn;
use crate::onnx::splice::splice;
use crate::onnx::tensor::FLOAT;

/// An engine that gives a model's scores and some of the tensors inside it.
#[derive(Debug)]
pub struct States {
    engine: Box<dyn Engine>,
}

/// A tensor as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements, the last axis running fastest.
    pub values: Vec<f32>,
}

/// An engine that runs a model's graph from a tensor inside it on.
#[derive(Debug)]
pub struct Rest {
    engine: Box<dyn Engine>,
    tensor: String,
}

impl Model {
    /// Hidden states of the graph, in order; none where it takes features, or has let go of its weights for a layer.
    #[must_use]
    pub fn hidden_states(&self) -> Vec<State> {
        if self.waveform.is_none() || self.opening.is_some() {
            return Vec::new();
        }
        crate::onnx::differentiate::states(&self.graph, &self.input, &self.tensor)
    }

    /// An engine that gives some tensors beside the scores. Loads the graph once more.
    ///
    /// # Errors
    /// [`ModelError`] for tensors that the graph does not make, and graphs that no engine runs.
    pub fn states(&self, tensors: &[&str]) -> Result<States, ModelError> {
        let known: Vec<String> = self.graph.outputs().into_iter().map(|o| o.name).collect();
        let wanted: Vec<String> =
            std::iter::once(self.tensor.as_str()).chain(tensors.iter().copied()).map(str::to_owned).collect();
        if let Some(unknown) = wanted.iter().find(|t| self.graph.producer(t).is_none()) {
            return Err(ModelError::mismatch("tensor", "one that a node of the graph makes", unknown.clone()));
        }
        let output = wanted.iter().filter(|t| !known.contains(t)).map(|t| build::value(t, FLOAT, None)).collect();
        let bytes = splice(&self.graph, &GraphProto { output, ..GraphProto::default() })?;
        Ok(States { engine: start::runtime(bytes, &wanted, &self.options)? })
    }

    /// Scores and tensors of one window of samples as they enter the graph.
    ///
    /// # Errors
    /// [`ModelError`] for failed runs, more samples than go in at once, and numbers that are not finite.
    pub fn look_at_states(&self, states: &States, samples: &[f32]) -> Result<(Vec<f64>, Vec<Tensor>), ModelError> {
        let data = self.one_window(samples)?;
        let (mut scores, mut tensors) = (Vec::new(), Vec::new());
        let input = Input { name: &self.input, shape: &[1, data.len()], data: &data };
        states.engine.run(&[input], &mut |k, shape, values| {
            if k == 0 {
                scores = values.iter().map(|v| f64::from(*v)).collect();
            } else {
                tensors.push(Tensor { shape: shape.to_vec(), values: values.to_vec() });
            }
        })?;
        let finite =
            scores.iter().all(|v| v.is_finite()) && tensors.iter().all(|t| t.values.iter().all(|v| v.is_finite()));
        if finite { Ok((scores, tensors)) } else { Err(ModelError::NotFinite { output: "hidden states".to_owned() }) }
    }

    /// The graph from a tensor on, which has three axes. Loads what lies behind it.
    ///
    /// # Errors
    /// [`ModelError`] for tensors that the scores do not depend on, and graphs that no engine runs.
    pub fn rest(&self, tensor: &str) -> Result<Rest, ModelError> {
        let bytes = cut(&self.graph, tensor, 3, &self.tensor)?;
        let engine = start::runtime(bytes, std::slice::from_ref(&self.tensor), &self.options)?;
        Ok(Rest { engine, tensor: tensor.to_owned() })
    }

    /// Scores of one window of samples with another tensor in the place of the one that they would make.
    ///
    /// # Errors
    /// As [`Self::look_at_states`].
    pub fn run_rest(&self, rest: &Rest, samples: &[f32], tensor: &Tensor) -> Result<Vec<f64>, ModelError> {
        let data = self.one_window(samples)?;
        let mut scores = Vec::new();
        let inputs = [
            Input { name: &self.input, shape: &[1, data.len()], data: &data },
            Input { name: &rest.tensor, shape: &tensor.shape, data: &tensor.values },
        ];
        rest.engine.run(&inputs, &mut |_, _, values| scores = values.iter().map(|v| f64::from(*v)).collect())?;
        let finite = scores.iter().all(|v| v.is_finite());
        if finite { Ok(scores) } else { Err(ModelError::NotFinite { output: self.tensor.clone() }) }
    }

    /// The same architecture with weights drawn anew; `None` where it has none.
    ///
    /// # Errors
    /// [`ModelError`] for weights that cannot be read, or a graph that gives numbers that are not finite with others.
    pub fn redrawn(&self, seed: u64) -> Result<Option<Self>, ModelError> {
        let Some(bytes) = redrawn(&Graph::parse(self.graph.bytes().clone())?, seed)? else { return Ok(None) };
        let card = self.card.as_ref().map(super::card::Card::to_json);
        let options = Options { output: Some(self.picked.clone()), ..self.options.clone() };
        Self::open(bytes, card.as_deref(), &options).map(Some)
    }

    fn one_window<'a>(&self, samples: &'a [f32]) -> Result<std::borrow::Cow<'a, [f32]>, ModelError> {
        let w = self.waveform.as_ref().ok_or_else(|| ModelError::mismatch("input", "features", "a waveform"))?;
        if let Some(most) = w.longest().filter(|n| *n < samples.len()) {
            let expected = format!("at most {most} samples, which go in at once");
            return Err(ModelError::mismatch("length of the waveform", expected, samples.len().to_string()));
        }
        Ok(self.filled_up(w, samples))
    }
}
