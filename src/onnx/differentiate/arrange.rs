//! Gradient rules of operators that only move elements (reshape, transpose, slice, gather, concatenate).

use super::emit::{Emit, refuse};
use super::{Gradients, Rule};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{attribute, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: &[(&str, Rule)] = &[
    ("Reshape", reshape),
    ("Flatten", reshape),
    ("Squeeze", reshape),
    ("Unsqueeze", reshape),
    ("Transpose", transpose),
    ("Expand", expand),
    ("Concat", concat),
    ("Slice", slice),
    ("Gather", gather),
];

fn reshape(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    // The forward target may hold 0 and -1: the input's own shape is what counts.
    Ok(vec![(0, e.reshape_like(g, &n.input[0]))])
}

fn transpose(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let attributes = match attribute(n, "perm") {
        None => vec![],
        Some(p) => {
            let mut inverse = vec![0; p.ints.len()];
            for (k, to) in p.ints.iter().enumerate() {
                let place = usize::try_from(*to).ok().and_then(|t| inverse.get_mut(t));
                *place.ok_or_else(|| refuse(n, "its permutation is none"))? = k as i64;
            }
            vec![build::ints("perm", inverse)]
        }
    };
    Ok(vec![(0, e.op("Transpose", &[g], attributes))])
}

fn expand(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    Ok(vec![(0, e.unbroadcast(g.to_owned(), &n.input[0], &n.output[0]))])
}

fn concat(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axis = int(n, "axis", 0);
    let axes = e.ints(&[axis]);
    let mut from = e.ints(&[0]);
    let mut out = Vec::new();
    for k in 0..n.input.len() {
        let length = if axis >= 0 {
            e.length(&n.input[k], axis)
        } else {
            // Counted from the end: ranks of all parts agree.
            e.length(&n.input[k], axis + e.rank(&n.input[k], n)? as i64)
        };
        let to = e.op("Add", &[&from, &length], vec![]);
        if e.wants(n, k) {
            out.push((k, e.op("Slice", &[g, &from, &to, &axes], vec![])));
        }
        from = to;
    }
    Ok(out)
}

/// Zeros with the shape of `like`, but of length `length` along an axis.
fn zeros(e: &mut Emit<'_>, like: &str, axis: i64, length: &str) -> String {
    let shape = e.shape_of(like);
    let axis_tensor = e.ints(&[axis]);
    let changed = e.op("ScatterElements", &[&shape, &axis_tensor, length], vec![build::int("axis", 0)]);
    let zero = e.scalar(0.0);
    e.op("Expand", &[&zero, &changed], vec![])
}

fn slice(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let x = &n.input[0];
    let rank = e.rank(x, n)?;
    let given = |k: usize| n.input.get(k).filter(|i| !i.is_empty());
    let integers = |e: &Emit<'_>, k: usize, default: Vec<i64>| match given(k) {
        None => Ok(default),
        Some(name) => e.constant_ints(name).ok_or_else(|| refuse(n, "its bounds are not constant")),
    };
    let starts = integers(e, 1, vec![])?;
    let axes = integers(e, 3, (0..starts.len() as i64).collect())?;
    if integers(e, 4, vec![1; starts.len()])?.iter().any(|s| *s != 1) {
        return Err(refuse(n, "only steps of 1 have a rule"));
    }
    let mut out = g.to_owned();
    for (start, axis) in starts.iter().zip(&axes) {
        let axis = if *axis < 0 { axis + rank as i64 } else { *axis };
        let length = e.length(x, axis);
        // Where the piece began: counted from the end if negative, and never beyond the ends.
        let s = e.ints(&[*start]);
        let s = if *start < 0 { e.op("Add", &[&s, &length], vec![]) } else { s };
        let zero = e.ints(&[0]);
        let s = e.op("Max", &[&s, &zero], vec![]);
        let s = e.op("Min", &[&s, &length], vec![]);
        let taken = e.length(&out, axis);
        let rest = e.sub(&length, &s);
        let rest = e.sub(&rest, &taken);
        let (before, after) = (zeros(e, &out, axis, &s), zeros(e, &out, axis, &rest));
        out = e.op("Concat", &[&before, &out, &after], vec![build::int("axis", axis)]);
    }
    Ok(vec![(0, out)])
}

fn gather(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.opset < 16 {
        return Err(refuse(n, "its gradient needs opset 16 or newer: export the model with a newer one"));
    }
    let (x, indices) = (&n.input[0], &n.input[1]);
    let rank = e.rank(x, n)?;
    let axis = int(n, "axis", 0);
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    // The gradient with the axes of the indices merged into one, in the place of the axis that was gathered from.
    let any = e.ints(&[-1]);
    let flat = e.op("Reshape", &[indices, &any], vec![]);
    let count = e.op("Shape", &[&flat], vec![]);
    let shape = e.shape_of(x);
    let axis_tensor = e.ints(&[axis]);
    let merged = e.op("ScatterElements", &[&shape, &axis_tensor, &count], vec![build::int("axis", 0)]);
    let updates = e.op("Reshape", &[g, &merged], vec![]);
    let mut lengths = vec![1; rank];
    *usize::try_from(axis).ok().and_then(|a| lengths.get_mut(a)).ok_or_else(|| refuse(n, "no such axis"))? = -1;
    let lengths = e.ints(&lengths);
    let column = e.op("Reshape", &[&flat, &lengths], vec![]);
    let places = e.op("Expand", &[&column, &merged], vec![]);
    let zero = e.scalar(0.0);
    let empty = e.op("Expand", &[&zero, &shape], vec![]);
    let attributes = vec![build::int("axis", axis), build::text("reduction", "add")];
    Ok::<_, OnnxError>(vec![(0, e.op("ScatterElements", &[&empty, &places, &updates], attributes))])
}
