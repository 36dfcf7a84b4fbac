//! Detection of affine graphs: the linear map of a graph, by constant propagation from its input to its output.

use super::error::OnnxError;
use super::graph::{Model, attribute, divides_by_sum, float, int, node_name, op_name, reads};
use super::proto::NodeProto;
use super::tensor::{elements, floats};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Most elements of a map; larger ones are not propagated.
const LARGEST: usize = 1 << 22;

/// What follows the linear map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Nothing.
    Identity,
    /// The softmax over the outputs.
    Softmax,
    /// The logistic function of each output.
    Logistic,
}

/// `y = W x + b`, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Affine {
    /// Weights, outputs by inputs.
    pub weights: Vec<f64>,
    /// Constant terms.
    pub bias: Vec<f64>,
    /// Number of inputs.
    pub inputs: usize,
    /// What follows.
    pub link: Link,
    /// Labels that a scikit-learn style operator carries.
    pub labels: Vec<String>,
}

#[derive(Clone)]
struct Map {
    weights: Vec<f64>,
    bias: Vec<f64>,
    link: Link,
    labels: Vec<String>,
}

/// What keeps a graph from being a linear map.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// A node between input and output that is not linear.
    Node {
        /// Its operator.
        op: String,
        /// Its name, or that of its first output.
        node: String,
    },
    /// How many columns the input has is not known, or too many to follow.
    Width,
    /// No path of nodes leads from the input to the output.
    Unconnected,
}

impl Obstacle {
    /// A node in the way.
    #[must_use]
    pub fn node(node: &NodeProto) -> Self {
        Self::Node { op: op_name(node), node: node_name(node).to_owned() }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { op, node } => write!(f, "operator {op} (node \"{node}\") is in the way"),
            Self::Width => f.write_str("the number of its columns is not known, or too large"),
            Self::Unconnected => f.write_str("its output does not depend on its input"),
        }
    }
}

/// The map between an input and an output of a graph, or the obstacle.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A linear map.
    Linear(Affine),
    /// Something else, and why.
    Blocked(Obstacle),
}

/// The linear map from `input` (with `width` columns) to `output`, or the first node that is not part of one.
///
/// # Errors
/// [`OnnxError::Graph`] for broken constants.
pub fn affine(model: &Model, input: &str, width: usize, output: &str) -> Result<Reading, OnnxError> {
    if width == 0 || width.checked_mul(width).is_none_or(|n| n > LARGEST) {
        return Ok(Reading::Blocked(Obstacle::Width));
    }
    let constants = model.constants();
    let constant = |name: &str| constants.get(name).copied();
    let needed = upstream(model, output);
    let mut maps: HashMap<String, Map> = HashMap::new();
    let identity = (0..width * width).map(|k| f64::from(u8::from(k / width == k % width))).collect();
    let start = Map { weights: identity, bias: vec![0.0; width], link: Link::Identity, labels: Vec::new() };
    maps.insert(input.to_owned(), start);
    let mut obstacle = Obstacle::Unconnected;
    for node in model.graph().node.iter().filter(|n| n.output.iter().any(|o| needed.contains(o.as_str()))) {
        let Some(name) = reads(node).into_iter().find(|i| maps.contains_key(*i)) else { continue };
        let Some(map) = maps.get(name) else { continue };
        if let Some((out, next)) = step(node, name, map, width, &constant)? {
            maps.insert(out, next);
        } else if obstacle == Obstacle::Unconnected {
            obstacle = Obstacle::node(node);
        }
    }
    Ok(match maps.remove(output) {
        Some(m) => {
            Reading::Linear(Affine { weights: m.weights, bias: m.bias, inputs: width, link: m.link, labels: m.labels })
        }
        None => Reading::Blocked(obstacle),
    })
}

/// Names of all tensors that `output` is made from, itself among them.
fn upstream<'a>(model: &'a Model, output: &'a str) -> HashSet<&'a str> {
    let mut needed = HashSet::from([output]);
    for node in model.graph().node.iter().rev() {
        if node.output.iter().any(|o| needed.contains(o.as_str())) {
            needed.extend(reads(node));
        }
    }
    needed
}

type Constants<'a> = &'a dyn Fn(&str) -> Option<&'a super::proto::TensorProto>;

fn step(
    node: &NodeProto,
    x: &str,
    map: &Map,
    width: usize,
    constant: Constants<'_>,
) -> Result<Option<(String, Map)>, OnnxError> {
    let rows = map.bias.len();
    // Of an operator's operands exactly one may be the map.
    if node.input.iter().filter(|i| !i.is_empty() && i.as_str() != x).any(|i| constant(i).is_none())
        || node.input.iter().filter(|i| i.as_str() == x).count() != 1
    {
        return Ok(None);
    }
    let out = node.output.first().cloned().unwrap_or_default();
    let operand = |k: usize| node.input.get(k).filter(|i| !i.is_empty()).and_then(|i| constant(i));
    // A constant that is added to or multiplies every row alike.
    let per_column = |k: usize| -> Result<Option<Vec<f64>>, OnnxError> {
        let Some(t) = operand(k) else { return Ok(None) };
        let flat = t.dims.iter().rev().skip(1).all(|d| *d == 1);
        Ok(match elements(&t.dims) {
            Some(1) => Some(vec![floats(t)?[0]; rows]),
            Some(n) if n == rows && flat => Some(floats(t)?),
            _ => None,
        })
    };
    let first = node.input.first().is_some_and(|i| i == x);
    let linked = map.link != Link::Identity;
    let done = |weights: Vec<f64>, bias: Vec<f64>, link: Link, labels: Vec<String>| {
        Some((out.clone(), Map { weights, bias, link, labels }))
    };
    let unchanged = || done(map.weights.clone(), map.bias.clone(), map.link, map.labels.clone());
    let scaled = |factor: &[f64], shift: &[f64]| {
        let weights = map.weights.iter().enumerate().map(|(k, w)| w * factor[k / width]).collect();
        let bias = map.bias.iter().zip(factor).zip(shift).map(|((b, f), s)| b * f + s).collect();
        done(weights, bias, Link::Identity, Vec::new())
    };
    Ok(match node.op_type.as_str() {
        "Identity" | "Dropout" if first => unchanged(),
        "Flatten" if first && int(node, "axis", 1) == 1 => unchanged(),
        "Cast" if first && matches!(int(node, "to", 0), 1 | 11) => unchanged(),
        // Probabilities that add up to one already stay what they are.
        "Normalizer"
            if divides_by_sum(node) && (map.link == Link::Softmax || map.link == Link::Logistic && pairs(map)) =>
        {
            unchanged()
        }
        _ if linked => None,
        "Softmax" if last_axis(node, -1) => {
            done(map.weights.clone(), map.bias.clone(), Link::Softmax, map.labels.clone())
        }
        "Sigmoid" => done(map.weights.clone(), map.bias.clone(), Link::Logistic, map.labels.clone()),
        "Add" => per_column(usize::from(first))?.and_then(|c| scaled(&vec![1.0; rows], &c)),
        "Mul" => per_column(usize::from(first))?.and_then(|c| scaled(&c, &vec![0.0; rows])),
        "Sub" => per_column(usize::from(first))?.and_then(|c| {
            let sign = if first { 1.0 } else { -1.0 };
            scaled(&vec![sign; rows], &c.iter().map(|v| -sign * v).collect::<Vec<_>>())
        }),
        "Div" if first => {
            per_column(1)?.and_then(|c| scaled(&c.iter().map(|v| 1.0 / v).collect::<Vec<_>>(), &vec![0.0; rows]))
        }
        "MatMul" if first => match operand(1) {
            Some(t) if t.dims.len() == 2 => product(map, width, &floats(t)?, &t.dims, false, 1.0, None)
                .and_then(|(w, b)| done(w, b, Link::Identity, Vec::new())),
            _ => None,
        },
        "Gemm" if first && int(node, "transA", 0) == 0 => match operand(1) {
            Some(t) if t.dims.len() == 2 => {
                let columns = t.dims[usize::from(int(node, "transB", 0) == 0)];
                // A constant without elements may have any length.
                if columns > LARGEST as i64 {
                    return Ok(None);
                }
                let beta = f64::from(float(node, "beta", 1.0));
                let shift = match operand(2) {
                    Some(c) => {
                        let c = floats(c)?;
                        if c.len() != 1 && c.len() as i64 != columns {
                            return Ok(None);
                        }
                        Some((0..columns as usize).map(|k| beta * c[if c.len() == 1 { 0 } else { k }]).collect())
                    }
                    None => None,
                };
                let alpha = f64::from(float(node, "alpha", 1.0));
                product(map, width, &floats(t)?, &t.dims, int(node, "transB", 0) != 0, alpha, shift)
                    .and_then(|(w, b)| done(w, b, Link::Identity, Vec::new()))
            }
            _ => None,
        },
        "Scaler" => {
            let floats_of = |name: &str| attribute(node, name).map_or_else(Vec::new, |a| a.floats.clone());
            let wide = |v: &[f32]| -> Option<Vec<f64>> {
                match v.len() {
                    1 => Some(vec![f64::from(v[0]); rows]),
                    n if n == rows => Some(v.iter().map(|v| f64::from(*v)).collect()),
                    _ => None,
                }
            };
            match (wide(&floats_of("offset")), wide(&floats_of("scale"))) {
                (Some(offset), Some(scale)) => {
                    let shift: Vec<f64> = offset.iter().zip(&scale).map(|(o, s)| -o * s).collect();
                    scaled(&scale, &shift)
                }
                _ => None,
            }
        }
        "LinearClassifier" | "LinearRegressor" => sklearn(node, map, width).and_then(|(w, b, link, labels)| {
            // The classifier's first output is the label; scores are the second.
            let out = if node.op_type == "LinearClassifier" { node.output.get(1) } else { node.output.first() };
            Some((out?.clone(), Map { weights: w, bias: b, link, labels }))
        }),
        _ => None,
    })
}

/// Whether the two outputs are each other's negative, so that their logistic functions add up to one.
fn pairs(map: &Map) -> bool {
    let half = map.weights.len() / 2;
    map.bias.len() == 2 && map.bias[0] == -map.bias[1] && (0..half).all(|k| map.weights[k] == -map.weights[half + k])
}

fn last_axis(node: &NodeProto, default: i64) -> bool {
    matches!(int(node, "axis", default), -1 | 1)
}

/// The map times a constant matrix.
fn product(
    map: &Map,
    width: usize,
    matrix: &[f64],
    dims: &[i64],
    transposed: bool,
    alpha: f64,
    shift: Option<Vec<f64>>,
) -> Option<(Vec<f64>, Vec<f64>)> {
    let (inner, columns) = if transposed { (dims[1], dims[0]) } else { (dims[0], dims[1]) };
    let (inner, columns) = (usize::try_from(inner).ok()?, usize::try_from(columns).ok()?);
    if inner != map.bias.len() || columns.checked_mul(width).is_none_or(|n| n > LARGEST) {
        return None;
    }
    let element = |i: usize, c: usize| alpha * if transposed { matrix[c * inner + i] } else { matrix[i * columns + c] };
    let mut weights = vec![0.0; columns * width];
    let mut bias = shift.unwrap_or_else(|| vec![0.0; columns]);
    for c in 0..columns {
        for i in 0..inner {
            let m = element(i, c);
            bias[c] += m * map.bias[i];
            let row = &map.weights[i * width..][..width];
            weights[c * width..][..width].iter_mut().zip(row).for_each(|(w, r)| *w += m * r);
        }
    }
    Some((weights, bias))
}

type Linear = (Vec<f64>, Vec<f64>, Link, Vec<String>);

fn sklearn(node: &NodeProto, map: &Map, width: usize) -> Option<Linear> {
    let floats_of =
        |name: &str| attribute(node, name).map_or_else(Vec::new, |a| a.floats.iter().map(|v| f64::from(*v)).collect());
    let (coefficients, mut shift): (Vec<f64>, Vec<f64>) = (floats_of("coefficients"), floats_of("intercepts"));
    let inner = map.bias.len();
    if coefficients.is_empty() || coefficients.len() % inner != 0 {
        return None;
    }
    let outputs = coefficients.len() / inner;
    if shift.is_empty() {
        shift = vec![0.0; outputs];
    }
    if shift.len() != outputs {
        return None;
    }
    let link = match attribute(node, "post_transform").map_or(&b"NONE"[..], |a| &a.s) {
        b"NONE" | b"" => Link::Identity,
        b"SOFTMAX" => Link::Softmax,
        b"LOGISTIC" => Link::Logistic,
        _ => return None,
    };
    let texts = attribute(node, "classlabels_strings").map_or_else(Vec::new, |a| {
        a.strings.iter().map(|s| String::from_utf8_lossy(s).into_owned()).collect::<Vec<_>>()
    });
    let numbers = attribute(node, "classlabels_ints")
        .map_or_else(Vec::new, |a| a.ints.iter().map(ToString::to_string).collect::<Vec<_>>());
    let labels = if texts.is_empty() { numbers } else { texts };
    if node.op_type == "LinearClassifier" && labels.len() != outputs {
        return None;
    }
    let dims = [outputs as i64, inner as i64];
    let (weights, bias) = product(map, width, &coefficients, &dims, true, 1.0, Some(shift))?;
    Some((weights, bias, link, labels))
}
