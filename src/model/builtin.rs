//! Built-in evaluation of linear models and tree ensembles, in float64 and without a runtime.

use super::engine::{Engine, Input, Take};
use super::error::ModelError;
use crate::onnx::affine::{Affine, Link, Obstacle};
use crate::onnx::trees::{Ensemble, softmax};
use std::fmt;
use std::sync::Arc;

/// Structure of a graph, where that helps to evaluate and to explain it.
#[derive(Debug, Clone)]
pub enum Structure {
    /// A linear map, and a softmax or logistic function at most.
    Linear(Arc<Affine>),
    /// A tree ensemble.
    Trees(Arc<Ensemble>),
    /// Anything else, and what keeps it from being a linear map.
    Graph(Obstacle),
}

impl Structure {
    /// The name in words.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Trees(_) => "tree ensemble",
            Self::Graph(_) => "graph",
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Graph(obstacle) => write!(f, "neither linear nor a tree ensemble: {obstacle}"),
            other => f.write_str(other.name()),
        }
    }
}

/// Evaluates a structure. Its one output is the graph's scores.
#[derive(Debug)]
pub struct Builtin {
    structure: Structure,
    width: usize,
}

impl Builtin {
    /// For rows with `width` columns.
    ///
    /// # Errors
    /// [`ModelError::Engine`] for graphs that are neither linear nor trees.
    pub fn new(structure: Structure, width: usize) -> Result<Self, ModelError> {
        match structure {
            Structure::Graph(_) => {
                Err(ModelError::Engine { engine: "builtin".to_owned(), why: format!("it is {structure}") })
            }
            structure => Ok(Self { structure, width }),
        }
    }
}

/// The linear map itself: what is explained.
#[must_use]
pub fn linear_scores(map: &Affine, row: &[f32]) -> Vec<f64> {
    let dot = |w: &[f64]| w.iter().zip(row).map(|(w, x)| w * f64::from(*x)).sum::<f64>();
    map.weights.chunks_exact(map.inputs).zip(&map.bias).map(|(w, b)| dot(w) + b).collect()
}

/// What follows a linear map.
#[must_use]
pub fn linked(link: Link, scores: Vec<f64>) -> Vec<f64> {
    match link {
        Link::Identity => scores,
        Link::Softmax => softmax(&scores),
        Link::Logistic => scores.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect(),
    }
}

impl Engine for Builtin {
    fn name(&self) -> &str {
        "builtin"
    }

    fn run(&self, inputs: &[Input<'_>], take: Take<'_>) -> Result<(), ModelError> {
        let Some(input) = inputs.first() else { return Err(ModelError::Run("no input".to_owned())) };
        let mut numbers: Vec<f32> = Vec::new();
        let rows = input.data.len() / self.width.max(1);
        for row in input.data.chunks_exact(self.width.max(1)) {
            let scores = match &self.structure {
                Structure::Linear(map) => linked(map.link, linear_scores(map, row)),
                Structure::Trees(t) => t.scores(&t.sums(row)),
                Structure::Graph(_) => Vec::new(),
            };
            numbers.extend(scores.iter().map(|v| *v as f32));
        }
        take(0, &[rows, numbers.len() / rows.max(1)], &numbers);
        Ok(())
    }
}
