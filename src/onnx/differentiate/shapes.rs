//! Shape inference: shapes of a graph's tensors, as far as they follow from its inputs and constants.
//!
//! What is not known stays unknown: rules then compute shapes at run time.

use super::lengths::{axis, broadcast, number, reduced, reshaped, several, sliced, slid};
use super::values;
use crate::onnx::graph::{Dim, Model, ValueType, attribute, int};
use crate::onnx::proto::{NodeProto, TensorProto, TypeValue};
use std::collections::HashMap;

type Shapes = HashMap<String, Vec<Dim>>;

/// What is known of a graph before it runs.
#[derive(Debug, Default)]
pub struct Known {
    /// Shapes by tensor.
    pub shapes: Shapes,
    /// Lists of whole numbers by tensor (at most one axis).
    pub values: HashMap<String, Vec<Dim>>,
    /// Element types by tensor.
    pub types: HashMap<String, i32>,
}

/// Shapes and lists by tensor.
pub fn shapes(model: &Model, nodes: &[NodeProto], constants: &HashMap<&str, &TensorProto>) -> Known {
    let mut known = Known::default();
    for (name, t) in constants {
        known.shapes.insert((*name).to_owned(), t.dims.iter().map(|d| Dim::Fixed(*d)).collect());
        known.types.insert((*name).to_owned(), t.data_type);
        if let Some(list) = values::of_constant(t) {
            known.values.insert((*name).to_owned(), list);
        }
    }
    for v in model.inputs() {
        if let ValueType::Tensor(element, shape) = v.kind {
            known.types.insert(v.name.clone(), element);
            shape.map(|s| known.shapes.insert(v.name, s));
        }
    }
    // Exporters write wrong lengths there; the number of axes can be trusted.
    let declared: HashMap<&str, usize> = (model.graph().value_info.iter().chain(&model.graph().output))
        .filter_map(|v| match v.r#type.as_ref()?.value.as_ref()? {
            TypeValue::Tensor(t) => Some((v.name.as_str(), t.shape.as_ref()?.dim.len())),
            _ => None,
        })
        .collect();
    for node in nodes {
        let element = values::element(node, &known.types);
        let several = several(node, &known);
        for (k, out) in node.output.iter().enumerate().filter(|(_, o)| !o.is_empty()) {
            element.map(|t| known.types.entry(out.clone()).or_insert(t));
            if known.shapes.contains_key(out) {
                continue;
            }
            let inferred = match (&several, k) {
                (Some(list), k) => list.get(k).cloned(),
                (None, 0) => of(node, &known),
                _ => None,
            };
            let any = || declared.get(out.as_str()).map(|n| vec![Dim::Any; *n]);
            if let Some(shape) = inferred.or_else(any) {
                known.shapes.insert(out.clone(), shape);
            }
        }
        if let (Some(out), Some(list)) = (node.output.first(), values::of(node, &known.shapes, &known.values)) {
            known.values.entry(out.clone()).or_insert(list);
        }
    }
    known
}

fn of(node: &NodeProto, known: &Known) -> Option<Vec<Dim>> {
    if !(node.domain.is_empty() || node.domain == "ai.onnx" || node.domain == "ai.onnx.ml") {
        return None;
    }
    if node.op_type == "Constant" {
        let list = ["value_ints", "value_floats"].into_iter().find_map(|n| attribute(node, n));
        let scalar = ["value_int", "value_float"].into_iter().any(|n| attribute(node, n).is_some());
        return match list {
            Some(a) => Some(vec![Dim::Fixed((a.ints.len() + a.floats.len()) as i64)]),
            None => scalar.then(Vec::new),
        };
    }
    let shape = |k: usize| node.input.get(k).and_then(|i| known.shapes.get(i));
    let list = |k: usize| node.input.get(k).and_then(|i| known.values.get(i));
    let ints = |k: usize| list(k)?.iter().map(number).collect::<Option<Vec<i64>>>();
    if node.op_type == "Range" {
        return Some(vec![Dim::Any]);
    }
    if matches!(node.op_type.as_str(), "ConstantOfShape") {
        return match (list(0), shape(0).map(Vec::as_slice)) {
            (Some(l), _) => Some(l.clone()),
            (None, Some([Dim::Fixed(n)])) => Some(vec![Dim::Any; usize::try_from(*n).ok().filter(|n| *n < 64)?]),
            _ => None,
        };
    }
    let x = shape(0)?;
    match node.op_type.as_str() {
        "Identity"
        | "Relu"
        | "LeakyRelu"
        | "PRelu"
        | "ThresholdedRelu"
        | "Elu"
        | "Celu"
        | "Selu"
        | "Tanh"
        | "Sigmoid"
        | "HardSigmoid"
        | "HardSwish"
        | "Swish"
        | "Mish"
        | "Softplus"
        | "Softsign"
        | "Erf"
        | "Gelu"
        | "Exp"
        | "Log"
        | "Sqrt"
        | "Neg"
        | "Abs"
        | "Sin"
        | "Cos"
        | "Tan"
        | "Asin"
        | "Acos"
        | "Atan"
        | "Sinh"
        | "Cosh"
        | "Asinh"
        | "Acosh"
        | "Atanh"
        | "Reciprocal"
        | "Cast"
        | "CastLike"
        | "Dropout"
        | "Clip"
        | "Softmax"
        | "LogSoftmax"
        | "LayerNormalization"
        | "RMSNormalization"
        | "BatchNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "LpNormalization"
        | "MeanVarianceNormalization"
        | "CumSum"
        | "Trilu"
        | "Not"
        | "Floor"
        | "Ceil"
        | "Round"
        | "Sign"
        | "IsNaN"
        | "IsInf"
        | "ScatterElements"
        | "ScatterND"
        | "Scaler"
        | "Normalizer" => Some(x.clone()),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "Equal" | "Greater" | "GreaterOrEqual" | "Less"
        | "LessOrEqual" | "And" | "Or" | "Xor" | "Min" | "Max" | "Sum" | "Mean" | "Where" => {
            (1..node.input.len()).try_fold(x.clone(), |all, k| Some(broadcast(&all, shape(k)?)))
        }
        "Shape" => Some(vec![Dim::Fixed(values::of(node, &known.shapes, &known.values)?.len() as i64)]),
        "Size" => Some(Vec::new()),
        "Gemm" => {
            let w = shape(1)?;
            let rows = x.get(usize::from(int(node, "transA", 0) != 0))?;
            let columns = w.get(usize::from(int(node, "transB", 0) == 0))?;
            Some(vec![rows.clone(), columns.clone()])
        }
        "MatMul" => {
            let w = shape(1)?;
            let (a, b) = (x.len(), w.len());
            if a == 0 || b == 0 {
                return None;
            }
            let mut out = broadcast(&x[..a.saturating_sub(2)], &w[..b.saturating_sub(2)]);
            out.extend((a > 1).then(|| x[a - 2].clone()));
            out.extend((b > 1).then(|| w[b - 1].clone()));
            Some(out)
        }
        "Transpose" => match attribute(node, "perm") {
            Some(p) => p.ints.iter().map(|k| x.get(usize::try_from(*k).ok()?).cloned()).collect(),
            None => Some(x.iter().rev().cloned().collect()),
        },
        "Reshape" => match list(1) {
            Some(target) => Some(reshaped(x, target, int(node, "allowzero", 0) != 0)),
            None => match shape(1)?.as_slice() {
                [Dim::Fixed(n)] => Some(vec![Dim::Any; usize::try_from(*n).ok().filter(|n| *n < 64)?]),
                _ => None,
            },
        },
        op if op.starts_with("Reduce") => reduced(node, x, known),
        "Unsqueeze" => {
            let axes = ints(1)?;
            let rank = x.len() + axes.len();
            let axes: Vec<usize> = axes.iter().map(|a| axis(*a, rank)).collect::<Option<_>>()?;
            let mut rest = x.iter();
            let one = |k| if axes.contains(&k) { Dim::Fixed(1) } else { rest.next().cloned().unwrap_or(Dim::Any) };
            Some((0..rank).map(one).collect())
        }
        "Squeeze" => {
            let axes: Vec<usize> = match node.input.get(1).filter(|i| !i.is_empty()) {
                Some(_) => ints(1)?.iter().map(|a| axis(*a, x.len())).collect::<Option<_>>()?,
                None => {
                    let all: Option<Vec<i64>> = x.iter().map(number).collect();
                    all?.iter().enumerate().filter(|(_, n)| **n == 1).map(|(k, _)| k).collect()
                }
            };
            Some(x.iter().enumerate().filter(|(k, _)| !axes.contains(k)).map(|(_, d)| d.clone()).collect())
        }
        "Flatten" => {
            let rank = x.len() as i64;
            let place = int(node, "axis", 1);
            let place = usize::try_from(if place < 0 { place + rank } else { place }).ok().filter(|p| *p <= x.len())?;
            let merged = |s: &[Dim]| match s {
                [one] => one.clone(),
                s => s.iter().map(number).try_fold(1i64, |a, b| a.checked_mul(b?)).map_or(Dim::Any, Dim::Fixed),
            };
            Some(vec![merged(&x[..place]), merged(&x[place..])])
        }
        "Concat" => {
            let place = axis(int(node, "axis", 0), x.len())?;
            let parts: Option<Vec<&Vec<Dim>>> = (0..node.input.len()).map(shape).collect();
            let lengths = parts?.iter().map(|p| number(p.get(place)?)).try_fold(0i64, |a, b| a.checked_add(b?));
            let mut out = x.clone();
            out[place] = lengths.map_or(Dim::Any, Dim::Fixed);
            Some(out)
        }
        "Gather" => {
            let place = axis(int(node, "axis", 0), x.len())?;
            Some(x[..place].iter().chain(shape(1)?).chain(&x[place + 1..]).cloned().collect())
        }
        "GatherElements" => shape(1).cloned(),
        "Expand" => match (list(1), shape(1).map(Vec::as_slice)) {
            (Some(target), _) => {
                let zero = target.contains(&Dim::Fixed(0));
                Some(broadcast(x, target)).filter(|_| !zero)
            }
            (None, Some([Dim::Fixed(n)])) => {
                Some(vec![Dim::Any; usize::try_from(*n).ok().filter(|n| *n < 64)?.max(x.len())])
            }
            _ => None,
        },
        "Tile" => match list(1) {
            Some(times) if times.len() == x.len() => {
                let one = |(d, t): (&Dim, &Dim)| number(d)?.checked_mul(number(t)?);
                Some(x.iter().zip(times).map(|p| one(p).map_or(Dim::Any, Dim::Fixed)).collect())
            }
            _ => Some(vec![Dim::Any; x.len()]),
        },
        "Slice" => sliced(node, x, known),
        "Pad" => {
            let mut out = vec![Dim::Any; x.len()];
            if let (Some(pads), None) = (ints(1), node.input.get(3).filter(|i| !i.is_empty()))
                && pads.len() == 2 * x.len()
            {
                for (k, d) in out.iter_mut().enumerate() {
                    *d = number(&x[k]).map_or(Dim::Any, |n| {
                        Dim::Fixed(n.saturating_add(pads[k]).saturating_add(pads[k + x.len()]).max(0))
                    });
                }
            }
            Some(out)
        }
        "Conv" | "MaxPool" | "AveragePool" | "LpPool" => {
            let conv = node.op_type == "Conv";
            let w = if conv { Some(shape(1)?) } else { None };
            let kernel = attribute(node, "kernel_shape");
            let mut out = vec![x.first()?.clone(), w.map_or_else(|| x.get(1).cloned(), |w| w.first().cloned())?];
            for k in 0..x.len().saturating_sub(2) {
                let width = match kernel.and_then(|a| a.ints.get(k)) {
                    Some(n) => Some(*n),
                    None => w.and_then(|w| w.get(k + 2)).and_then(number),
                };
                out.push(width.map_or(Dim::Any, |n| slid(node, &x[k + 2], n, k, x.len() - 2)));
            }
            Some(out)
        }
        "ConvTranspose" => Some([&x[..1], &vec![Dim::Any; x.len() - 1]].concat()),
        "GlobalAveragePool" | "GlobalMaxPool" => {
            Some(x.iter().enumerate().map(|(k, d)| if k < 2 { d.clone() } else { Dim::Fixed(1) }).collect())
        }
        // The last length is that of the values.
        "Attention" if x.len() == 4 => Some([&x[..3], std::slice::from_ref(shape(2)?.get(3)?)].concat()),
        "Attention" => Some(vec![x.first()?.clone(), x.get(1)?.clone(), Dim::Any]),
        _ => None,
    }
}
