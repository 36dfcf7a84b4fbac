//! Shape inference: shapes of a graph's tensors, as far as they follow from its inputs and constants.
//!
//! What is not known stays unknown: rules then compute shapes at run time.

use crate::onnx::graph::{Dim, Model, ValueType, attribute, int};
use crate::onnx::proto::NodeProto;
use crate::onnx::tensor::integers;
use std::collections::HashMap;

type Shapes = HashMap<String, Vec<Dim>>;

/// Known shapes by tensor.
pub fn shapes(model: &Model) -> Shapes {
    let mut known: Shapes = HashMap::new();
    for (name, t) in model.constants() {
        known.insert(name.to_owned(), t.dims.iter().map(|d| Dim::Fixed(*d)).collect());
    }
    for v in model.inputs() {
        if let ValueType::Tensor(_, Some(shape)) = v.kind {
            known.insert(v.name, shape);
        }
    }
    // Exporters write wrong lengths there; the number of axes can be trusted.
    let declared: HashMap<&str, usize> = model
        .graph()
        .value_info
        .iter()
        .filter_map(|v| match v.r#type.as_ref()?.value.as_ref()? {
            crate::onnx::proto::TypeValue::Tensor(t) => Some((v.name.as_str(), t.shape.as_ref()?.dim.len())),
            _ => None,
        })
        .collect();
    for node in &model.graph().node {
        let Some(out) = node.output.first() else { continue };
        if known.contains_key(out) {
            continue;
        }
        let inferred = of(model, node, &known).or_else(|| declared.get(out.as_str()).map(|n| vec![Dim::Any; *n]));
        if let Some(shape) = inferred {
            known.insert(out.clone(), shape);
        }
    }
    known
}

fn broadcast(a: &[Dim], b: &[Dim]) -> Vec<Dim> {
    let n = a.len().max(b.len());
    let aligned = |s: &[Dim], k: usize| if k + s.len() < n { Dim::Fixed(1) } else { s[k + s.len() - n].clone() };
    (0..n)
        .map(|k| match (aligned(a, k), aligned(b, k)) {
            (x, y) if x == y => x,
            (Dim::Fixed(1), y) => y,
            (x, Dim::Fixed(1)) => x,
            (Dim::Fixed(n), _) | (_, Dim::Fixed(n)) => Dim::Fixed(n),
            _ => Dim::Any,
        })
        .collect()
}

fn axis(a: i64, rank: usize) -> Option<usize> {
    usize::try_from(if a < 0 { a + rank as i64 } else { a }).ok().filter(|a| *a < rank)
}

fn of(model: &Model, node: &NodeProto, all: &Shapes) -> Option<Vec<Dim>> {
    let shape = |k: usize| node.input.get(k).and_then(|i| all.get(i));
    let constants = model.constants();
    let ints = |k: usize| -> Option<Vec<i64>> { integers(constants.get(node.input.get(k)?.as_str())?).ok() };
    let x = shape(0)?;
    match node.op_type.as_str() {
        "Identity"
        | "Relu"
        | "LeakyRelu"
        | "Tanh"
        | "Sigmoid"
        | "Erf"
        | "Exp"
        | "Log"
        | "Sqrt"
        | "Neg"
        | "Abs"
        | "Cast"
        | "Dropout"
        | "Softmax"
        | "LogSoftmax"
        | "LayerNormalization"
        | "BatchNormalization"
        | "InstanceNormalization"
        | "Gelu"
        | "Clip"
        | "Softplus"
        | "Elu"
        | "Reciprocal"
        | "Scaler"
        | "Normalizer" => Some(x.clone()),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => Some(broadcast(x, shape(1)?)),
        "Gemm" => {
            let w = shape(1)?;
            let rows = x.get(usize::from(int(node, "transA", 0) != 0))?;
            let columns = w.get(usize::from(int(node, "transB", 0) == 0))?;
            Some(vec![rows.clone(), columns.clone()])
        }
        "MatMul" => {
            let w = shape(1)?;
            let (a, b) = (x.len(), w.len());
            if a < 2 || b < 2 {
                return None;
            }
            let mut out = broadcast(&x[..a - 2], &w[..b - 2]);
            out.extend([x[a - 2].clone(), w[b - 1].clone()]);
            Some(out)
        }
        "Transpose" => match attribute(node, "perm") {
            Some(p) => p.ints.iter().map(|k| x.get(usize::try_from(*k).ok()?).cloned()).collect(),
            None => Some(x.iter().rev().cloned().collect()),
        },
        "Reshape" => {
            let target = ints(1)?;
            let one = target.iter().filter(|t| **t == -1).count();
            let dim = |(k, t): (usize, &i64)| match *t {
                0 => x.get(k).cloned(),
                n if n > 0 => Some(Dim::Fixed(n)),
                _ => Some(Dim::Any),
            };
            let out: Option<Vec<Dim>> = target.iter().enumerate().map(dim).collect();
            // The one open length is the input's open length where all others cancel.
            out.map(|mut out| {
                let fixed = |d: &Dim| if let Dim::Fixed(n) = d { *n } else { 1 };
                let product = |s: &[Dim]| s.iter().map(fixed).fold(1i64, i64::saturating_mul);
                let open: Vec<&Dim> = x.iter().filter(|d| !matches!(d, Dim::Fixed(_))).collect();
                let copied = target.contains(&0) && open.len() == 1 && out.iter().any(|d| d == open[0]);
                if one == 1 && (open.is_empty() || copied) && product(&out) > 0 && product(x) % product(&out) == 0 {
                    let n = product(x) / product(&out);
                    if let Some(d) = out.iter_mut().find(|d| **d == Dim::Any) {
                        *d = Dim::Fixed(n);
                    }
                } else if one == 1
                    && open.len() == 1
                    && product(x) == product(&out)
                    && let Some(d) = out.iter_mut().find(|d| **d == Dim::Any)
                {
                    *d = open[0].clone();
                }
                out
            })
        }
        "ReduceMean" | "ReduceSum" => {
            let axes = match attribute(node, "axes") {
                Some(a) => Some(a.ints.clone()),
                None if node.input.get(1).is_some_and(|i| !i.is_empty()) => Some(ints(1)?),
                None => None,
            };
            let keep = int(node, "keepdims", 1) != 0;
            let axes: Vec<usize> = match axes {
                Some(list) => list.iter().map(|a| axis(*a, x.len())).collect::<Option<_>>()?,
                None if int(node, "noop_with_empty_axes", 0) != 0 => return Some(x.clone()),
                None => (0..x.len()).collect(),
            };
            let reduced = x.iter().enumerate().filter(|(k, _)| keep || !axes.contains(k));
            Some(reduced.map(|(k, d)| if axes.contains(&k) { Dim::Fixed(1) } else { d.clone() }).collect())
        }
        "Unsqueeze" => {
            let axes = ints(1)?;
            let rank = x.len() + axes.len();
            let axes: Vec<usize> = axes.iter().map(|a| axis(*a, rank)).collect::<Option<_>>()?;
            let mut rest = x.iter();
            Some(
                (0..rank)
                    .map(|k| if axes.contains(&k) { Dim::Fixed(1) } else { rest.next().cloned().unwrap_or(Dim::Any) })
                    .collect(),
            )
        }
        "Squeeze" => {
            let axes: Vec<usize> = ints(1)?.iter().map(|a| axis(*a, x.len())).collect::<Option<_>>()?;
            Some(x.iter().enumerate().filter(|(k, _)| !axes.contains(k)).map(|(_, d)| d.clone()).collect())
        }
        "Flatten" => {
            let place = axis(int(node, "axis", 1), x.len() + 1)?;
            let merged = |s: &[Dim]| {
                let fixed: Option<Vec<i64>> =
                    s.iter().map(|d| if let Dim::Fixed(n) = d { Some(*n) } else { None }).collect();
                if s.len() == 1 {
                    s[0].clone()
                } else {
                    fixed.map_or(Dim::Any, |f| Dim::Fixed(f.into_iter().fold(1, i64::saturating_mul)))
                }
            };
            Some(vec![merged(&x[..place]), merged(&x[place..])])
        }
        "Concat" => {
            let place = axis(int(node, "axis", 0), x.len())?;
            let parts: Option<Vec<&Vec<Dim>>> = (0..node.input.len()).map(shape).collect();
            let lengths = parts?
                .iter()
                .map(|p| if let Some(Dim::Fixed(n)) = p.get(place) { Some(*n) } else { None })
                .try_fold(0i64, |a, b| a.checked_add(b?));
            let mut out = x.clone();
            out[place] = lengths.map_or(Dim::Any, Dim::Fixed);
            Some(out)
        }
        "Gather" => {
            let place = axis(int(node, "axis", 0), x.len())?;
            let indices = shape(1)?;
            Some(x[..place].iter().chain(indices).chain(&x[place + 1..]).cloned().collect())
        }
        "Slice" => {
            let axes = ints(3).unwrap_or_else(|| (0..x.len() as i64).collect());
            let mut out = x.clone();
            for (k, a) in axes.iter().enumerate() {
                let a = axis(*a, x.len())?;
                out[a] = match (&x[a], ints(1), ints(2)) {
                    (Dim::Fixed(n), Some(from), Some(to)) => {
                        let place = |v: i64| (if v < 0 { v.saturating_add(*n) } else { v }).clamp(0, *n);
                        Dim::Fixed((place(*to.get(k)?) - place(*from.get(k)?)).max(0))
                    }
                    _ => Dim::Any,
                };
            }
            Some(out)
        }
        _ => None,
    }
}
