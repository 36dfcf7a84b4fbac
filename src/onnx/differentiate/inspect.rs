//! What can be told of a graph before it is differentiated.

use super::{branches, downstream, rule, shapes, stops};
use crate::onnx::graph::{self, Model, op_name, reads};
use crate::onnx::proto::NodeProto;
use std::collections::HashSet;

/// Frames that the convolutions behind an input of `samples` make of it, where lengths are fixed: the length after the last one
/// that takes steps of more than one.
#[must_use]
pub fn frames(model: &Model, input: &str, samples: usize) -> Option<usize> {
    let nodes = &model.graph().node;
    let known = shapes::shapes(model, nodes, &model.constants());
    let varying = downstream(nodes, &[input.to_owned()]);
    let steps = |n: &NodeProto| graph::attribute(n, "strides").is_some_and(|a| a.ints.iter().any(|s| *s > 1));
    let last = nodes
        .iter()
        .rev()
        .find(|n| n.op_type == "Conv" && steps(n) && n.input.first().is_some_and(|i| varying.contains(i)))?;
    match known.shapes.get(last.output.first()?)?.last()? {
        graph::Dim::Fixed(n) => usize::try_from(*n).ok().filter(|n| *n <= samples),
        _ => None,
    }
}

/// The operators of a graph, between its inputs and an output, that have no rule.
#[must_use]
pub fn without_rule(model: &Model, output: &str) -> Vec<String> {
    let by: Vec<String> = model.inputs().into_iter().map(|v| v.name).collect();
    let walk = branches::inline(model.graph(), &model.constants(), "grad");
    let varying = downstream(&walk.nodes, &by);
    let mut needed: HashSet<&str> = HashSet::from([output]);
    let mut missing = Vec::new();
    for n in walk.nodes.iter().rev() {
        if !n.output.iter().any(|o| needed.contains(o.as_str()))
            || !reads(n).into_iter().any(|i| varying.contains(i))
            || stops(n)
        {
            continue;
        }
        needed.extend(reads(n));
        let name = op_name(n);
        if rule(n).is_none() && !missing.contains(&name) {
            missing.push(name);
        }
    }
    missing
}
