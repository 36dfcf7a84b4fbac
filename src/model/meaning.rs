//! Meaning of an output: as the card says, or, without one, as it follows from the graph.
//!
//! The operator that makes the output says most; that probabilities add up to one is checked on rows that the graph is run
//! on; the output's name counts where the operator is silent. What follows from none of them is handed out as it comes.

use super::card::{Card, OutputKind};
use super::structure::behind;
use crate::onnx::graph::{Model as Graph, attribute, node_name, op_name};
use crate::onnx::proto::NodeProto;
use std::fmt;

/// How far a sum of probabilities in float32 may lie from one, and a probability outside 0 to 1.
const TOLERANCE: f64 = 1e-4;
/// Rows of finite numbers that tell whether an output is one of probabilities.
pub(super) const PROBES: usize = 12;
/// So many of them must come out as numbers.
const LEAST_PROBES: usize = 4;

/// What it follows from that an output holds what it is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// The card says so.
    Card,
    /// The operator that makes the output.
    Operator {
        /// The operator.
        op: String,
        /// Name of the node, or of its first output.
        node: String,
    },
    /// Its numbers lie between 0 and 1 and add up to one, whatever goes in.
    Range,
    /// Its name.
    Name,
    /// Nothing: the numbers are what the graph gives.
    Nothing,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card => f.write_str("as its card says"),
            Self::Operator { op, node } => write!(f, "as operator {op} (node \"{node}\") makes them"),
            Self::Range => f.write_str("as they lie between 0 and 1 and add up to one"),
            Self::Name => f.write_str("as its name says"),
            Self::Nothing => f.write_str("nothing says what they are"),
        }
    }
}

/// What an output holds, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// What it holds.
    pub kind: OutputKind,
    /// What that follows from.
    pub basis: Basis,
}

impl Meaning {
    /// As a card says of the output `name`, or of the main one.
    pub(super) fn of_card(card: &Card, name: &str) -> Option<Self> {
        card.output(name).map(|o| Self { kind: o.kind, basis: Basis::Card })
    }

    /// As it follows from the graph: `tensor` holds the scores of the output `name`, and `rows` are numbers that came out for
    /// inputs of all sizes.
    pub(super) fn of_graph(graph: &Graph, name: &str, tensor: &str, rows: &[Vec<f64>]) -> Self {
        let adds_up = distributions(rows);
        let several = rows.iter().all(|r| r.len() > 1);
        if let Some((kind, node)) = behind(graph, tensor).and_then(|(n, divider)| by_operator(n, divider)) {
            let fits = match kind {
                // Where the graph could not be run on any row, the operator has to do.
                OutputKind::Probabilities => adds_up.unwrap_or(true),
                OutputKind::Logits => several,
                _ => true,
            };
            if fits {
                return Self { kind, basis: Basis::Operator { op: op_name(node), node: node_name(node).to_owned() } };
            }
        }
        if adds_up == Some(true) {
            return Self { kind: OutputKind::Probabilities, basis: Basis::Range };
        }
        let logits = [name, tensor].iter().any(|n| n.to_ascii_lowercase().contains("logit"));
        if logits && several {
            return Self { kind: OutputKind::Logits, basis: Basis::Name };
        }
        Self { kind: OutputKind::Raw, basis: Basis::Nothing }
    }
}

/// What an operator makes.
fn by_operator<'a>(n: &'a NodeProto, divider: Option<&'a NodeProto>) -> Option<(OutputKind, &'a NodeProto)> {
    let has = |name: &str| attribute(n, name).is_some_and(|a| !a.floats.is_empty());
    let post = attribute(n, "post_transform").map_or(&b"NONE"[..], |a| &a.s);
    let plain = matches!(post, b"NONE" | b"");
    match n.op_type.as_str() {
        "Softmax" => Some((OutputKind::Probabilities, n)),
        "LogSoftmax" => Some((OutputKind::Logits, n)),
        "LinearRegressor" | "TreeEnsembleRegressor" | "SVMRegressor" if plain => Some((OutputKind::Regression, n)),
        // Without a transform, and without Platt's fit, these are margins or votes.
        "LinearClassifier" | "TreeEnsembleClassifier" if !plain => Some((OutputKind::Probabilities, n)),
        "SVMClassifier" if !plain || has("prob_a") => Some((OutputKind::Probabilities, n)),
        _ => divider.map(|d| (OutputKind::Probabilities, d)),
    }
}

/// Whether every row is one of probabilities; `None` where too few rows came out to tell.
fn distributions(rows: &[Vec<f64>]) -> Option<bool> {
    let one = |r: &Vec<f64>| {
        let inside = r.iter().all(|p| (-TOLERANCE..=1.0 + TOLERANCE).contains(p));
        r.len() > 1 && inside && (r.iter().sum::<f64>() - 1.0).abs() <= TOLERANCE
    };
    (rows.len() >= LEAST_PROBES).then(|| rows.iter().all(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_and_too_few_rows_tell_nothing() {
        let fine = vec![vec![0.25, 0.75]; 4];
        assert_eq!(distributions(&fine), Some(true));
        assert_eq!(distributions(&fine[..3]), None);
        assert_eq!(distributions(&[&fine[..], &[vec![0.5, 0.6]]].concat()), Some(false));
        assert_eq!(distributions(&[&fine[..], &[vec![-0.5, 1.5]]].concat()), Some(false));
        assert_eq!(distributions(&vec![vec![1.0]; 4]), Some(false), "one number is no distribution");
    }
}
