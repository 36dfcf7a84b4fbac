//! Agreement of graph and card: which input and output are used, and whether the card says the same of them.

use super::card::{self, Card};
use super::contract::MASK;
use super::error::ModelError;
use super::structure;
use super::waveform::LEAST;
use crate::features::catalogue;
use crate::onnx::graph::{Dim, Model as Graph, Value, ValueType};
use crate::onnx::rewrite::filled;
use crate::onnx::tensor::FLOAT;

fn names(list: &[Value]) -> String {
    list.iter().map(|v| format!("\"{}\" {}", v.name, v.describe())).collect::<Vec<_>>().join(", ")
}

/// The graph with its one input. A mask beside it (`attention_mask`) lets everything through: it is made inside the graph.
pub(super) fn pick_input(graph: Graph, card: Option<&Card>) -> Result<(Graph, Value), ModelError> {
    let mask = |v: &Value| v.name == MASK && v.shape().is_none_or(|s| s.len() == 2);
    let inputs = graph.inputs();
    let (masks, others): (Vec<&Value>, Vec<&Value>) = inputs.iter().partition(|v| mask(v));
    let named = match (card, others.as_slice()) {
        (Some(c), all) => all.iter().find(|v| v.name == c.input_name()),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    let expected = card.map_or("one input".to_owned(), |c| format!("\"{}\" as the card says", c.input_name()));
    let input = named
        .filter(|_| others.len() == 1)
        .ok_or_else(|| ModelError::mismatch("inputs of the graph", expected, names(&inputs)))?;
    if !input.is_float() {
        return Err(ModelError::mismatch(format!("input \"{}\"", input.name), "float32", input.describe()));
    }
    let input = (*input).clone();
    if masks.is_empty() {
        return Ok((graph, input));
    }
    let graph = filled(&graph, MASK, &input.name)?;
    Ok((graph, input))
}

pub(super) fn pick_output(graph: &Graph, card: Option<&Card>, asked: Option<&str>) -> Result<Value, ModelError> {
    let outputs = graph.outputs();
    let readable = |v: &&Value| v.is_float() || v.kind == ValueType::SequenceOfMaps;
    if let Some(c) = card {
        for o in &c.outputs {
            if !outputs.iter().any(|v| v.name == o.name) {
                let expected = format!("\"{}\" as the card says", o.name);
                return Err(ModelError::mismatch("outputs of the graph", expected, names(&outputs)));
            }
        }
    }
    let wanted = asked.or_else(|| card.and_then(Card::main_output).map(|o| o.name.as_str()));
    let named = match wanted {
        Some(name) => match outputs.iter().find(|v| v.name == name) {
            Some(v) => Some(v.clone()),
            // A tensor inside the graph is as good, as long as it is one of numbers.
            None => graph.producer(name).map(|_| Value { name: name.to_owned(), kind: ValueType::Tensor(FLOAT, None) }),
        },
        None => outputs.iter().find(readable).cloned(),
    };
    let expected = wanted.map_or("one with float32 scores".to_owned(), |n| format!("\"{n}\""));
    let value = named.ok_or_else(|| ModelError::mismatch("outputs of the graph", expected, names(&outputs)))?;
    if !readable(&&value) {
        return Err(ModelError::mismatch(format!("output \"{}\"", value.name), "float32 scores", value.describe()));
    }
    Ok(value)
}

/// Whether the input has a shape that rows (or a waveform) of any number fit, and the card's features are known.
pub(super) fn check_input(card: Option<&Card>, graph: &Graph, input: &Value) -> Result<(), ModelError> {
    let what = format!("shape of input \"{}\"", input.name);
    if let Some(Dim::Fixed(n)) = input.shape().and_then(<[Dim]>::first).filter(|d| **d != Dim::Fixed(1)) {
        let expected = format!("any number of rows, or one: export it without a fixed number ({n})");
        return Err(ModelError::mismatch(what, expected, input.describe()));
    }
    let Some(card) = card else { return Ok(()) };
    match &card.input {
        card::Input::Waveform { .. } => match input.shape() {
            // A number of samples that is fixed is the length of the windows.
            None | Some([_, Dim::Named(_) | Dim::Any]) => {}
            Some([_, Dim::Fixed(n)]) if *n >= LEAST as i64 => {}
            Some(_) => return Err(ModelError::mismatch(what, "[1, samples]", input.describe())),
        },
        card::Input::Features { feature_set, feature_set_version, features, .. } => {
            let d = features.len();
            if structure::width_of(graph, input).is_some_and(|n| n != d) || input.shape().is_some_and(|s| s.len() != 2)
            {
                return Err(ModelError::mismatch(
                    what,
                    format!("[rows, {d}], as many as the card has features"),
                    input.describe(),
                ));
            }
            let (version, list) = match feature_set.as_str() {
                crate::features::affect::NAME => (crate::features::affect::VERSION, catalogue::affect_functionals()),
                crate::features::egemaps::NAME => (crate::features::egemaps::VERSION, catalogue::egemaps_functionals()),
                other => {
                    let known = [crate::features::affect::NAME, crate::features::egemaps::NAME].join(" or ");
                    return Err(ModelError::mismatch("feature set of the card", known, other));
                }
            };
            if feature_set_version != version {
                return Err(ModelError::mismatch(
                    format!("version of {feature_set}"),
                    version,
                    feature_set_version.as_str(),
                ));
            }
            if let Some(missing) = features.iter().find(|f| !list.iter().any(|e| e.name == **f)) {
                return Err(ModelError::mismatch(
                    "features of the card",
                    format!("names of {feature_set}"),
                    format!("\"{missing}\""),
                ));
            }
        }
    }
    Ok(())
}
