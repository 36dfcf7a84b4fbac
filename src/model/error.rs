//! What can be wrong with a model: each variant says what was expected and what came.

use crate::onnx::error::OnnxError;
use std::error::Error;
use std::fmt;

/// A model that cannot be used, or a run of it that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// A file that cannot be read.
    File {
        /// Its path.
        path: String,
        /// Why.
        why: String,
    },
    /// The graph.
    Onnx(OnnxError),
    /// The card cannot be read, or contradicts itself.
    Card(String),
    /// There is no card, in the model or beside it.
    NoCard,
    /// Card and graph (or what is asked and what the model does) disagree.
    Mismatch {
        /// What it is about.
        what: String,
        /// What the one side says.
        expected: String,
        /// What the other side says.
        found: String,
    },
    /// The run-time library cannot be used.
    Library(String),
    /// An engine cannot run the model.
    Engine {
        /// Which engine.
        engine: String,
        /// Why; an operator that it lacks is named.
        why: String,
    },
    /// A run failed.
    Run(String),
    /// The model gave a number that is not finite.
    NotFinite {
        /// Name of the output.
        output: String,
    },
    /// A feature that the model needs is undefined, and the card does not say what to put in its place.
    Undefined {
        /// Name of the feature.
        feature: String,
    },
}

impl ModelError {
    /// A disagreement.
    pub fn mismatch(what: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Mismatch { what: what.into(), expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, why } => write!(f, "{path}: {why}"),
            Self::Onnx(e) => e.fmt(f),
            Self::Card(why) => write!(f, "model card: {why}"),
            Self::NoCard => write!(
                f,
                "the model has no card: expected metadata \"{}\" in the file or a file MODEL.card.json beside it (docs/models.md)",
                super::card::METADATA_KEY
            ),
            Self::Mismatch { what, expected, found } => write!(f, "{what}: expected {expected}, found {found}"),
            Self::Library(why) => write!(f, "ONNX Runtime: {why}"),
            Self::Engine { engine, why } => write!(f, "{engine} cannot run this model: {why}"),
            Self::Run(why) => write!(f, "the model's run failed: {why}"),
            Self::NotFinite { output } => write!(f, "the model's output \"{output}\" is not finite: expected numbers"),
            Self::Undefined { feature } => {
                write!(f, "{feature} is undefined here, and the model's card says nothing to put in its place")
            }
        }
    }
}

impl Error for ModelError {}

impl From<OnnxError> for ModelError {
    fn from(e: OnnxError) -> Self {
        Self::Onnx(e)
    }
}
