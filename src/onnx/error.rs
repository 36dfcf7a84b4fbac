//! Errors of graphs.

use std::error::Error;
use std::fmt;

/// A graph that cannot be read, or cannot be treated as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnnxError {
    /// The bytes are no ONNX model.
    Format(String),
    /// The graph contradicts itself.
    Graph(String),
    /// An operator, or a form of one, for which there is no rule.
    Operator {
        /// The operator, with its domain where that is not the standard one.
        op: String,
        /// Name or first output of the node.
        node: String,
        /// What of it is not handled.
        why: String,
    },
    /// A tensor that was asked for does not exist.
    NoSuchTensor {
        /// The name that came.
        found: String,
        /// Names that there are.
        known: String,
    },
}

impl fmt::Display for OnnxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(why) => write!(f, "not an ONNX model: {why}"),
            Self::Graph(why) => write!(f, "broken ONNX graph: {why}"),
            Self::Operator { op, node, why } => write!(f, "operator {op} (node \"{node}\"): {why}"),
            Self::NoSuchTensor { found, known } => {
                write!(f, "no tensor \"{found}\" in the graph: expected one of {known}")
            }
        }
    }
}

impl Error for OnnxError {}
