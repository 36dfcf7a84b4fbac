//! Values of the whole numbers that a graph computes out of shapes (by `Shape`, `Gather`, `Concat` and the like), and types of
//! elements.

use crate::onnx::graph::{Dim, attribute, int};
use crate::onnx::proto::{NodeProto, TensorProto};
use crate::onnx::tensor::{BOOL, FLOAT, INT32, INT64, integers};
use std::collections::HashMap;

/// Longer lists are no shapes.
const LONGEST: usize = 64;

/// The list of a constant with at most one axis.
pub fn of_constant(t: &TensorProto) -> Option<Vec<Dim>> {
    if t.dims.len() > 1 || !matches!(t.data_type, INT32 | INT64) || t.dims.first().is_some_and(|n| *n > LONGEST as i64)
    {
        return None;
    }
    Some(integers(t).ok()?.into_iter().map(Dim::Fixed).collect())
}

/// The list that a node makes, where it follows from shapes and lists that are known. Lengths that are not known are
/// [`Dim::Any`].
pub fn of(
    node: &NodeProto,
    shapes: &HashMap<String, Vec<Dim>>,
    values: &HashMap<String, Vec<Dim>>,
) -> Option<Vec<Dim>> {
    let list = |k: usize| node.input.get(k).and_then(|i| values.get(i));
    let number = |d: &Dim| if let Dim::Fixed(n) = d { Some(*n) } else { None };
    let numbers = |k: usize| list(k)?.iter().map(number).collect::<Option<Vec<i64>>>();
    let place = |n: i64, len: usize| usize::try_from(if n < 0 { n + len as i64 } else { n }).ok();
    match node.op_type.as_str() {
        "Constant" => {
            if let Some(a) = attribute(node, "value_int") {
                return Some(vec![Dim::Fixed(a.i)]);
            }
            let a = attribute(node, "value_ints").filter(|a| a.ints.len() <= LONGEST)?;
            Some(a.ints.iter().map(|n| Dim::Fixed(*n)).collect())
        }
        "Shape" => {
            let shape = shapes.get(node.input.first()?)?;
            let n = shape.len() as i64;
            let bound = |v: i64| usize::try_from((if v < 0 { v + n } else { v }).clamp(0, n)).ok();
            let (from, to) = (bound(int(node, "start", 0))?, bound(int(node, "end", n))?);
            Some(shape.get(from..to.max(from))?.to_vec())
        }
        "Identity" | "Squeeze" | "Unsqueeze" => list(0).cloned(),
        "Cast" if matches!(int(node, "to", 0), 6 | 7) => list(0).cloned(),
        "Reshape" if numbers(1)? == [-1] => list(0).cloned(),
        "Gather" if int(node, "axis", 0) == 0 => {
            let from = list(0)?;
            numbers(1)?.into_iter().map(|n| from.get(place(n, from.len())?).cloned()).collect()
        }
        "Slice" => {
            let from = list(0)?;
            let (starts, ends) = (numbers(1)?, numbers(2)?);
            if numbers(4).is_some_and(|s| s != [1])
                || node.input.get(4).is_some_and(|i| !i.is_empty()) && list(4).is_none()
            {
                return None;
            }
            let n = from.len() as i64;
            let bound = |v: i64| usize::try_from((if v < 0 { v.saturating_add(n) } else { v }).clamp(0, n)).ok();
            let (a, b) = (bound(*starts.first()?)?, bound(*ends.first()?)?);
            Some(from.get(a..b.max(a))?.to_vec())
        }
        "Concat" => {
            let mut all = Vec::new();
            for k in 0..node.input.len() {
                all.extend_from_slice(list(k)?);
            }
            (all.len() <= LONGEST).then_some(all)
        }
        "Add" | "Sub" | "Mul" | "Div" => {
            let (a, b) = (list(0)?, list(1)?);
            let n = a.len().max(b.len());
            if (a.len() != n && a.len() != 1) || (b.len() != n && b.len() != 1) {
                return None;
            }
            let at = |l: &[Dim], k: usize| if l.len() == 1 { number(&l[0]) } else { number(&l[k]) };
            let one = |k: usize| {
                let (Some(x), Some(y)) = (at(a, k), at(b, k)) else { return Dim::Any };
                let z = match node.op_type.as_str() {
                    "Add" => x.checked_add(y),
                    "Sub" => x.checked_sub(y),
                    "Mul" => x.checked_mul(y),
                    // Whole numbers: the standard leaves the rounding of negative ones to the runtime.
                    _ if x >= 0 && y > 0 => Some(x / y),
                    _ => None,
                };
                z.map_or(Dim::Any, Dim::Fixed)
            };
            Some((0..n).map(one).collect())
        }
        _ => None,
    }
}

/// Element type of what a node makes, where it follows.
pub fn element(node: &NodeProto, types: &HashMap<String, i32>) -> Option<i32> {
    let of = |k: usize| node.input.get(k).and_then(|i| types.get(i)).copied();
    match node.op_type.as_str() {
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Not" | "And" | "Or" | "Xor" | "IsNaN"
        | "IsInf" => Some(BOOL),
        "Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin" => Some(INT64),
        "Cast" => i32::try_from(int(node, "to", 0)).ok(),
        "ConstantOfShape" => Some(attribute(node, "value").and_then(|a| a.t.as_ref()).map_or(FLOAT, |t| t.data_type)),
        "Where" | "CastLike" => of(1),
        "If" | "Loop" | "Scan" | "OneHot" => None,
        _ => of(0),
    }
}
