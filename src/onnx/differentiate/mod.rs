//! Reverse-mode automatic differentiation of graphs: gradients as standard operators inside the graph.
//!
//! The graph is walked backwards from an output; for every node on a path from what is differentiated by, a rule writes
//! the vector-Jacobian product in ordinary operators. The result is the old model, byte for byte, with nodes, one input
//! (the seed) and outputs (the gradients) added, so any ONNX runtime can run it. A rule is one line in a table of its
//! family; operators without one are refused by name.

mod activations;
mod arithmetic;
mod arrange;
mod attention;
mod branches;
mod convolve;
mod einsum;
mod elementwise;
mod emit;
mod extremes;
mod inspect;
mod layers;
mod lengths;
mod linear;
mod normalise;
mod pool;
mod positions;
mod reduce;
mod scatter;
mod shapes;
mod values;

use super::build;
use super::error::OnnxError;
use super::graph::{Model, Value, ValueType, int, op_name, reads};
use super::proto::{NodeProto, TensorProto};
use super::splice::splice;
use super::tensor::{DOUBLE, FLOAT};
use branches::Walk;
use emit::{Emit, refuse};
pub use inspect::{frames, without_rule};
pub use layers::{Kind, Layers, State, layers, states};
use std::collections::{HashMap, HashSet};

/// Gradients for the inputs of a node, by index of the input.
type Gradients = Result<Vec<(usize, String)>, OnnxError>;
/// A rule: the gradient at the node's first output to those at its inputs.
type Rule = fn(&mut Emit<'_>, &NodeProto, &str) -> Gradients;
/// A family of rules: the operator, how many inputs its rule may look at without asking, the rule.
type Rules = &'static [(&'static str, usize, Rule)];

/// Name of the added input: the gradient at the output, of its shape. One row of a unit matrix picks a class; the
/// difference of two rows explains why one rather than the other.
pub const SEED: &str = "grad_seed";
/// Lowest version of the standard operators: before it, softmax flattens and axes are attributes.
pub const OLDEST_OPSET: i64 = 13;

const FAMILIES: [Rules; 14] = [
    arithmetic::RULES,
    elementwise::RULES,
    activations::RULES,
    linear::RULES,
    einsum::RULES,
    convolve::RULES,
    pool::RULES,
    normalise::RULES,
    reduce::RULES,
    extremes::RULES,
    arrange::RULES,
    positions::RULES,
    scatter::RULES,
    attention::RULES,
];

/// Operators whose gradient joins those of several outputs.
const SEVERAL: [&str; 1] = ["Split"];

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

fn rule(node: &NodeProto) -> Option<(usize, Rule)> {
    if !is_standard(node) {
        return None;
    }
    FAMILIES.iter().flat_map(|f| f.iter()).find(|(name, ..)| *name == node.op_type).map(|(_, n, r)| (*n, *r))
}

fn is_standard(node: &NodeProto) -> bool {
    node.domain.is_empty() || node.domain == "ai.onnx"
}

/// Whether a node passes no gradient on: its output is made of whole numbers or truth values, or is constant in steps.
fn stops(node: &NodeProto) -> bool {
    if !is_standard(node) {
        return false;
    }
    match node.op_type.as_str() {
        "Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
        | "LessOrEqual" | "Not" | "And" | "Or" | "Xor" | "IsNaN" | "IsInf" | "Sign" | "Floor" | "Ceil" | "Round" => {
            true
        }
        "Cast" => !matches!(int(node, "to", 0), 1 | 10 | 11 | 16..=20 | 23 | 24),
        _ => false,
    }
}

/// Adds the gradient of `output` by each tensor of `by` (inputs or tensors inside) to a model.
///
/// # Errors
/// [`OnnxError::NoSuchTensor`] for unknown names, [`OnnxError::Operator`] naming an operator without a rule or an
/// operator set that is too old, [`OnnxError::Graph`] where the output does not depend on one of the tensors.
pub fn differentiate(model: &Model, output: &str, by: &[String]) -> Result<Differentiated, OnnxError> {
    differentiate_by_seed(model, output, by, Unseeded::Nothing)
}

/// What a seed of zeros asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseeded {
    /// Gradients of zero.
    Nothing,
    /// The gradient of the largest number of each row (the first of equals): which it is need not be known before the run.
    Largest,
}

/// As [`differentiate`], with a meaning for a seed of zeros.
///
/// # Errors
/// As [`differentiate`].
pub fn differentiate_by_seed(
    model: &Model,
    output: &str,
    by: &[String],
    unseeded: Unseeded,
) -> Result<Differentiated, OnnxError> {
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
    let walk = branches::inline(graph, &model.constants(), &prefix);
    let constants = constants(model, &walk);
    let known = shapes::shapes(model, &walk.nodes, &constants);
    let mut e = Emit::new(constants, known, opset, element, format!("{prefix}_"));
    e.graph.node.extend(walk.added.iter().cloned());
    e.graph.initializer.extend(walk.constants.iter().cloned());
    e.varying = downstream(&walk.nodes, by);
    e.unmasked = unmasked(&walk.nodes);
    if let Some(lost) = by.iter().find(|b| !downstream(&walk.nodes, std::slice::from_ref(b)).contains(output)) {
        return Err(OnnxError::Graph(format!("\"{output}\" does not depend on \"{lost}\"{}", ends(&walk.nodes, lost))));
    }

    let seed = if prefix == "grad" { SEED.to_owned() } else { format!("{prefix}_seed") };
    let shape = model.outputs().into_iter().find(|o| o.name == output).and_then(|o| match o.kind {
        ValueType::Tensor(_, shape) => shape,
        _ => None,
    });
    let shape = shape.or_else(|| e.shape(output).cloned());
    e.graph.input.push(build::value(&seed, element, shape.as_deref()));
    let from = if unseeded == Unseeded::Largest { largest_where_zero(&mut e, output, &seed) } else { seed.clone() };
    e.arrived.insert(output.to_owned(), vec![from]);
    for node in walk.nodes.iter().rev() {
        backward(&mut e, node)?;
    }
    let mut gradients = Vec::new();
    for target in by {
        let g = match e.gradient(target) {
            Some(g) => g,
            None => e.zeros_like(target),
        };
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

/// The seed, or, where it is all zeros, 1 at the largest number of each row of `output`.
fn largest_where_zero(e: &mut Emit<'_>, output: &str, seed: &str) -> String {
    let size = e.op("Abs", &[seed], vec![]);
    let flat = e.flat(&size);
    let total = e.sum(&flat, &[0]);
    let zero = e.scalar(0.0);
    let unseeded = e.op("Equal", &[&total, &zero], vec![]);
    let place = e.op("ArgMax", &[output], vec![build::int("axis", -1), build::int("keepdims", 0)]);
    let shape = e.shape_of(output);
    let last = e.int(-1);
    let depth = e.op("Gather", &[&shape, &last], vec![build::int("axis", 0)]);
    let unit = super::tensor::float_tensor("", &[2], &[0.0, 1.0]);
    let unit = e.op("Constant", &[], vec![build::constant("value", unit)]);
    let picked = e.op("OneHot", &[&place, &depth, &unit], vec![build::int("axis", -1)]);
    let picked = if e.element == DOUBLE { e.float(&picked) } else { picked };
    e.op("Where", &[&unseeded, &picked, seed], vec![])
}

/// Hands the gradient at a node's outputs on to its inputs.
fn backward(e: &mut Emit<'_>, node: &NodeProto) -> Result<(), OnnxError> {
    let used: Vec<&String> = node.output.iter().filter(|o| e.arrived.contains_key(o.as_str())).collect();
    if used.is_empty() || !reads(node).into_iter().any(|i| e.varying.contains(i)) || stops(node) {
        return Ok(());
    }
    if !is_standard(node) {
        return Err(refuse(node, "operators outside the standard have no rule: use sampled values or occlusion"));
    }
    let (needed, rule) =
        rule(node).ok_or_else(|| refuse(node, "it has no rule: use sampled values or occlusion instead"))?;
    let several = SEVERAL.contains(&node.op_type.as_str());
    if !several && used.iter().any(|o| **o != node.output[0]) {
        return Err(refuse(node, "only its first output has a rule"));
    }
    if node.input.len() < needed || node.input[..needed].iter().any(String::is_empty) {
        return Err(refuse(node, &format!("it has {} inputs: expected {needed}", node.input.len())));
    }
    // What flows through a body beside the inputs would be lost.
    if reads(node).into_iter().any(|i| e.varying.contains(i) && !node.input.iter().any(|n| n == i)) {
        return Err(refuse(node, "its body takes what is differentiated from the graph around it"));
    }
    let g = e.gradient(&node.output[0]).unwrap_or_default();
    for (k, g) in rule(e, node, &g)? {
        if e.wants(node, k) {
            e.arrived.entry(node.input[k].clone()).or_default().push(g);
        }
    }
    Ok(())
}

/// Products of finite factors, and what is only scaled or arranged anew of them.
fn unmasked(nodes: &[NodeProto]) -> HashSet<String> {
    let mut found: HashSet<String> = HashSet::new();
    for n in nodes.iter().filter(|n| is_standard(n)) {
        let own = match n.op_type.as_str() {
            "MatMul" | "Gemm" | "Conv" => true,
            "Mul" | "Div" | "Reshape" | "Transpose" | "Cast" | "Identity" | "Unsqueeze" | "Squeeze" => {
                n.input.first().is_some_and(|i| found.contains(i))
            }
            _ => false,
        };
        if own {
            found.extend(n.output.first().cloned());
        }
    }
    found
}

/// All constants: the graph's and those of the branches that are taken.
fn constants<'a>(model: &'a Model, walk: &'a Walk) -> HashMap<&'a str, &'a TensorProto> {
    let mut all = model.constants();
    all.extend(walk.constants.iter().map(|t| (t.name.as_str(), t)));
    for n in walk.added.iter().filter(|n| n.op_type == "Constant") {
        if let (Some(t), Some(o)) = (super::graph::attribute(n, "value").and_then(|a| a.t.as_ref()), n.output.first()) {
            all.insert(o, t);
        }
    }
    all
}

/// Where the ways from a tensor end without a gradient, in words.
fn ends(nodes: &[NodeProto], from: &str) -> String {
    let reached = downstream(nodes, &[from.to_owned()]);
    let mut ops: Vec<String> = Vec::new();
    for n in nodes.iter().filter(|n| stops(n) && reads(n).into_iter().any(|i| reached.contains(i))) {
        if !ops.contains(&op_name(n)) {
            ops.push(op_name(n));
        }
    }
    if ops.is_empty() { String::new() } else { format!(" in a way that has a gradient (operator {})", ops.join(", ")) }
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
