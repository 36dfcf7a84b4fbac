//! Reverse-mode automatic differentiation of graphs: gradients as standard operators inside the graph.
//!
//! The graph is walked backwards from an output; for every node on a path from what is differentiated by, a rule writes
//! the vector-Jacobian product in ordinary operators. The result is the old model, byte for byte, with nodes, one input
//! (the seed) and outputs (the gradients) added, so any ONNX runtime can run it. A rule is one line in a table of its
//! family; operators without one are refused by name.

mod arrange;
mod elementwise;
mod emit;
mod linear;
mod normalise;
mod shapes;

use super::build;
use super::error::OnnxError;
use super::graph::{Model, Value, ValueType, int, op_name, reads};
use super::proto::NodeProto;
use super::splice::splice;
use super::tensor::{DOUBLE, FLOAT};
use emit::{Emit, refuse};
use std::collections::{HashMap, HashSet};

/// Gradients for the inputs of a node, by index of the input.
type Gradients = Result<Vec<(usize, String)>, OnnxError>;
/// A rule: the gradient at the node's first output to those at its inputs.
type Rule = fn(&mut Emit<'_>, &NodeProto, &str) -> Gradients;

/// Name of the added input: the gradient at the output, of its shape. One row of a unit matrix picks a class; the
/// difference of two rows explains why one rather than the other.
pub const SEED: &str = "grad_seed";
/// Lowest version of the standard operators: before it, softmax flattens and axes are attributes.
pub const OLDEST_OPSET: i64 = 13;

/// A model that also computes gradients.
#[derive(Debug, Clone)]
pub struct Differentiated {
    /// The model's bytes.
    pub bytes: Vec<u8>,
    /// Name of the added input.
    pub seed: String,
    /// Names of the added outputs, in the order of what was differentiated by.
    pub gradients: Vec<String>,
}

fn rule(op: &str) -> Option<Rule> {
    let families = [elementwise::RULES, linear::RULES, normalise::RULES, arrange::RULES];
    families.iter().flat_map(|f| f.iter()).find(|(name, _)| *name == op).map(|(_, r)| *r)
}

/// How many inputs a rule may look at without asking.
fn least_inputs(node: &NodeProto) -> usize {
    match node.op_type.as_str() {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "MatMul" | "Gemm" | "Gather" | "LayerNormalization" | "Expand" => 2,
        "Where" | "Slice" => 3,
        "BatchNormalization" => 5,
        "Concat" => node.input.len().max(1),
        _ => 1,
    }
}

/// Whether a node passes no gradient on: its output is made of whole numbers or truth values.
fn stops(node: &NodeProto) -> bool {
    match node.op_type.as_str() {
        "Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
        | "LessOrEqual" | "Not" | "And" | "Or" | "Xor" | "IsNaN" | "IsInf" => true,
        "Cast" => !matches!(int(node, "to", 0), 1 | 10 | 11 | 16),
        _ => false,
    }
}

/// Adds the gradient of `output` by each tensor of `by` (inputs or tensors inside) to a model.
///
/// # Errors
/// [`OnnxError::NoSuchTensor`] for unknown names, [`OnnxError::Operator`] naming an operator without a rule or an
/// operator set that is too old, [`OnnxError::Graph`] where the output does not depend on one of the tensors.
pub fn differentiate(model: &Model, output: &str, by: &[String]) -> Result<Differentiated, OnnxError> {
    let graph = model.graph();
    let opset = model.opset("").unwrap_or(0);
    let mut names: HashSet<&str> = graph.input.iter().map(|i| i.name.as_str()).collect();
    names.extend(graph.node.iter().flat_map(|n| n.output.iter().map(String::as_str)).filter(|o| !o.is_empty()));
    for name in by.iter().map(String::as_str).chain([output]) {
        if !names.contains(name) {
            let mut known: Vec<&str> = names.iter().copied().collect();
            known.sort_unstable();
            known.truncate(40);
            return Err(OnnxError::NoSuchTensor { found: name.to_owned(), known: known.join(", ") });
        }
    }
    if by.is_empty() {
        return Err(OnnxError::Graph("nothing to differentiate by was named".to_owned()));
    }
    if opset < OLDEST_OPSET {
        return Err(OnnxError::Operator {
            op: format!("set version {opset}"),
            node: String::new(),
            why: format!("expected version {OLDEST_OPSET} or newer: export the model again"),
        });
    }
    let element = element(&model.inputs(), &model.outputs());
    let prefix = free_prefix(&names);
    let mut e = Emit::new(model.constants(), shapes::shapes(model), opset, element, format!("{prefix}_"));
    e.varying = downstream(&graph.node, by);
    if let Some(lost) = by.iter().find(|b| !reaches(&graph.node, b, output)) {
        return Err(OnnxError::Graph(format!("\"{output}\" does not depend on \"{lost}\"")));
    }

    let seed = if prefix == "grad" { SEED.to_owned() } else { format!("{prefix}_seed") };
    let shape = model.outputs().into_iter().find(|o| o.name == output).and_then(|o| match o.kind {
        ValueType::Tensor(_, shape) => shape,
        _ => None,
    });
    let shape = shape.or_else(|| e.shape(output).cloned());
    e.graph.input.push(build::value(&seed, element, shape.as_deref()));
    let mut sums: HashMap<&str, Vec<String>> = HashMap::new();
    sums.insert(output, vec![seed.clone()]);
    for node in graph.node.iter().rev() {
        let used: Vec<&String> = node.output.iter().filter(|o| sums.contains_key(o.as_str())).collect();
        if used.is_empty() || !reads(node).into_iter().any(|i| e.varying.contains(i)) || stops(node) {
            continue;
        }
        if !(node.domain.is_empty() || node.domain == "ai.onnx") {
            return Err(refuse(node, "operators outside the standard have no rule: use sampled values or occlusion"));
        }
        let parts = if node.op_type == "Split" {
            split(&mut e, node, &mut sums)?
        } else {
            if used.iter().any(|o| **o != node.output[0]) {
                return Err(refuse(node, "only its first output has a rule"));
            }
            let rule = rule(&node.op_type)
                .ok_or_else(|| refuse(node, "it has no rule: use sampled values or occlusion instead"))?;
            let needed = least_inputs(node);
            if node.input.len() < needed || node.input[..needed].iter().any(String::is_empty) {
                return Err(refuse(node, &format!("it has {} inputs: expected {needed}", node.input.len())));
            }
            let g = total(&mut e, sums.get(node.output[0].as_str()).map_or(&[][..], Vec::as_slice));
            sums.insert(&node.output[0], vec![g.clone()]);
            rule(&mut e, node, &g)?
        };
        for (k, g) in parts {
            if e.wants(node, k) {
                sums.entry(&node.input[k]).or_default().push(g);
            }
        }
    }
    let mut gradients = Vec::new();
    for target in by {
        let g = total(&mut e, sums.get(target.as_str()).map_or(&[][..], Vec::as_slice));
        let mut name = format!("{prefix}_{target}");
        while names.contains(name.as_str()) || gradients.contains(&name) {
            name.push('_');
        }
        e.graph.node.push(build::node("Identity", &[&g], &[&name], vec![]));
        let shape = e.shape(target).cloned();
        e.graph.output.push(build::value(&name, element, shape.as_deref()));
        gradients.push(name);
    }
    Ok(Differentiated { bytes: splice(model, &e.graph)?, seed, gradients })
}

/// What the graph computes in.
fn element(inputs: &[Value], outputs: &[Value]) -> i32 {
    let double = |v: &Value| matches!(v.kind, ValueType::Tensor(DOUBLE, _));
    if inputs.iter().chain(outputs).any(double) { DOUBLE } else { FLOAT }
}

/// A prefix that no name of the graph begins with.
fn free_prefix(names: &HashSet<&str>) -> String {
    let taken = |p: &str| names.iter().any(|n| n.starts_with(&format!("{p}_")));
    let mut prefix = "grad".to_owned();
    let mut k = 1;
    while taken(&prefix) {
        k += 1;
        prefix = format!("grad{k}");
    }
    prefix
}

fn downstream(nodes: &[NodeProto], by: &[String]) -> HashSet<String> {
    let mut reached: HashSet<String> = by.iter().cloned().collect();
    for n in nodes.iter().filter(|n| !stops(n)) {
        if reads(n).into_iter().any(|i| reached.contains(i)) {
            reached.extend(n.output.iter().filter(|o| !o.is_empty()).cloned());
        }
    }
    reached
}

fn reaches(nodes: &[NodeProto], from: &str, to: &str) -> bool {
    downstream(nodes, &[from.to_owned()]).contains(to)
}

/// The sum of all contributions to one tensor.
fn total(e: &mut Emit<'_>, parts: &[String]) -> String {
    match parts {
        [] => e.scalar(0.0),
        [one] => one.clone(),
        [first, rest @ ..] => rest.iter().fold(first.clone(), |sum, p| e.op("Add", &[&sum, p], vec![])),
    }
}

/// A split into pieces: its gradient joins theirs, with zeros for those that are not used.
fn split(e: &mut Emit<'_>, node: &NodeProto, sums: &mut HashMap<&str, Vec<String>>) -> Gradients {
    let mut parts = Vec::new();
    for o in &node.output {
        parts.push(match sums.get(o.as_str()) {
            Some(list) => total(e, list),
            None => {
                let (zero, shape) = (e.scalar(0.0), e.shape_of(o));
                e.op("Expand", &[&zero, &shape], vec![])
            }
        });
    }
    let gradients: Vec<&str> = parts.iter().map(String::as_str).collect();
    Ok(vec![(0, e.op("Concat", &gradients, vec![build::int("axis", int(node, "axis", 0))]))])
}

/// The operators of a graph, between its inputs and an output, that have no rule.
#[must_use]
pub fn without_rule(model: &Model, output: &str) -> Vec<String> {
    let by: Vec<String> = model.inputs().into_iter().map(|v| v.name).collect();
    let varying = downstream(&model.graph().node, &by);
    let mut needed: HashSet<&str> = HashSet::from([output]);
    let mut missing = Vec::new();
    for n in model.graph().node.iter().rev() {
        if !n.output.iter().any(|o| needed.contains(o.as_str()))
            || !reads(n).into_iter().any(|i| varying.contains(i))
            || stops(n)
        {
            continue;
        }
        needed.extend(reads(n));
        let name = op_name(n);
        let known =
            (n.domain.is_empty() || n.domain == "ai.onnx") && (rule(&n.op_type).is_some() || n.op_type == "Split");
        if !known && !missing.contains(&name) {
            missing.push(name);
        }
    }
    missing
}
