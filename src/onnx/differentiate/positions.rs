//! Gradient rules of operators that pick elements: the operator picks positions the same way, and the gradient is put there.

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{attribute, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Slice", 3, slice),
    ("Pad", 2, pad),
    ("Gather", 2, gather),
    ("GatherND", 2, |e, n, g| picked(e, n, g, false)),
    ("GatherElements", 2, gather_elements),
    ("Compress", 2, |e, n, g| picked(e, n, g, true)),
    ("TopK", 2, top_k),
];

/// From this set on what is put in one place can be added up.
const ADDS: i64 = 16;

/// Each element's number, in the shape of `x`.
fn positions(e: &mut Emit<'_>, x: &str) -> String {
    let size = e.op("Size", &[x], vec![]);
    let (zero, one) = (e.int(0), e.int(1));
    let all = e.op("Range", &[&zero, &size, &one], vec![]);
    e.reshape_like(&all, x)
}

/// Zeros of the shape of `x` with `g` at the places given as numbers of elements. `spare` places more take what is dropped.
fn put(
    e: &mut Emit<'_>,
    n: &NodeProto,
    x: &str,
    places: &str,
    g: &str,
    unique: bool,
    spare: bool,
) -> Result<String, OnnxError> {
    if !unique && e.opset < ADDS {
        return Err(refuse(n, "its gradient needs opset 16 or newer: export the model with a newer one"));
    }
    let size = e.size_of(x);
    let one = e.ints(&[1]);
    let length = if spare { e.add(&size, &one) } else { size.clone() };
    let zero = e.scalar(0.0);
    let empty = e.op("Expand", &[&zero, &length], vec![]);
    let (places, updates) = (e.flat(places), e.flat(g));
    let mut attributes = vec![build::int("axis", 0)];
    if !unique {
        attributes.push(build::text("reduction", "add"));
    }
    let mut out = e.op("ScatterElements", &[&empty, &places, &updates], attributes);
    if spare {
        let (from, axes) = (e.ints(&[0]), e.ints(&[0]));
        out = e.op("Slice", &[&out, &from, &size, &axes], vec![]);
    }
    Ok(e.reshape_like(&out, x))
}

/// The operator with positions in the place of its first input.
fn places(e: &mut Emit<'_>, n: &NodeProto) -> String {
    let all = positions(e, &n.input[0]);
    let inputs: Vec<&str> = [all.as_str()].into_iter().chain(n.input[1..].iter().map(String::as_str)).collect();
    e.op(&n.op_type, &inputs, n.attribute.clone())
}

fn picked(e: &mut Emit<'_>, n: &NodeProto, g: &str, unique: bool) -> Gradients {
    let at = places(e, n);
    Ok(vec![(0, put(e, n, &n.input[0], &at, g, unique, false)?)])
}

/// Zeros before and after: where the piece begins follows from the bounds, where it ends from the gradient's own length.
fn slice(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let x = &n.input[0];
    let given = |k: usize| n.input.get(k).filter(|i| !i.is_empty());
    let integers = |e: &Emit<'_>, k: usize, default: Option<Vec<i64>>| match given(k) {
        None => default,
        Some(name) => e.constant_ints(name),
    };
    let starts = integers(e, 1, None);
    let count = starts.as_ref().map_or(0, Vec::len);
    let axes = integers(e, 3, Some((0..count as i64).collect()));
    let steps = integers(e, 4, Some(vec![1; count]));
    let (Some(starts), Some(axes), Some(rank), true) =
        (starts, axes, e.shape(x).map(Vec::len), steps.is_some_and(|s| s.iter().all(|s| *s == 1)))
    else {
        // Bounds that are computed, and steps: whatever they are.
        return picked(e, n, g, true);
    };
    let mut out = g.to_owned();
    for (start, axis) in starts.iter().zip(&axes) {
        let axis = if *axis < 0 { axis + rank as i64 } else { *axis };
        let length = e.length(x, axis);
        // Where the piece began: counted from the end if negative, and never beyond the ends.
        let s = e.ints(&[*start]);
        let s = if *start < 0 { e.add(&s, &length) } else { s };
        let zero = e.ints(&[0]);
        let s = e.op("Max", &[&s, &zero], vec![]);
        let s = e.op("Min", &[&s, &length], vec![]);
        let taken = e.length(&out, axis);
        let rest = e.sub(&length, &s);
        let rest = e.sub(&rest, &taken);
        let (before, after) = (e.zeros(&out, axis, &s), e.zeros(&out, axis, &rest));
        out = e.op("Concat", &[&before, &out, &after], vec![build::int("axis", axis)]);
    }
    Ok(vec![(0, out)])
}

fn pad(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.wants(n, 2) {
        return Err(refuse(n, "a fill value that depends on the input has no rule"));
    }
    let x = &n.input[0];
    let axes = n.input.get(3).filter(|i| !i.is_empty());
    let filled = attribute(n, "mode").is_none_or(|a| matches!(&a.s[..], b"constant" | b""));
    if !filled {
        // Reflected, repeated or wrapped: the same elements stand in several places. There is nothing to fill in.
        let all = positions(e, x);
        let inputs: Vec<&str> = [all.as_str(), &n.input[1], "", axes.map_or("", String::as_str)]
            [..if axes.is_some() { 4 } else { 2 }]
            .to_vec();
        let at = e.op("Pad", &inputs, n.attribute.clone());
        return Ok(vec![(0, put(e, n, x, &at, g, false, false)?)]);
    }
    if let (Some(pads), None, Some(rank)) = (e.constant_ints(&n.input[1]), axes, e.shape(x).map(Vec::len))
        && pads.len() == 2 * rank
        && pads.iter().all(|p| *p >= 0)
    {
        let mut out = g.to_owned();
        for k in (0..rank).filter(|k| pads[*k] != 0 || pads[k + rank] != 0) {
            let (from, axis, length) = (e.ints(&[pads[k]]), e.ints(&[k as i64]), e.length(x, k as i64));
            let to = e.add(&from, &length);
            out = e.op("Slice", &[&out, &from, &to, &axis], vec![]);
        }
        return Ok(vec![(0, out)]);
    }
    // Whatever the pads are: what is filled in comes from one place more, which is dropped.
    let (all, size) = (positions(e, x), e.op("Size", &[x], vec![]));
    let mut inputs: Vec<&str> = vec![&all, &n.input[1], &size];
    inputs.extend(axes.map(String::as_str));
    let at = e.op("Pad", &inputs, n.attribute.clone());
    Ok(vec![(0, put(e, n, x, &at, g, true, true)?)])
}

fn gather(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (x, indices) = (&n.input[0], &n.input[1]);
    let constant = e.constants.get(indices.as_str()).and_then(|t| crate::onnx::tensor::integers(t).ok());
    let distinct = constant.is_some_and(|list| {
        let mut sorted = list.clone();
        sorted.sort_unstable();
        sorted.dedup();
        // Counted from both ends, two numbers may be one place.
        sorted.len() == list.len() && (list.iter().all(|v| *v >= 0) || list.iter().all(|v| *v < 0))
    });
    if e.opset < ADDS {
        return picked(e, n, g, distinct);
    }
    let rank = e.rank(x, n)?;
    let axis = int(n, "axis", 0);
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    // The gradient with the axes of the indices merged into one, in the place of the axis that was gathered from.
    let flat = e.flat(indices);
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
    let empty = e.zeros_like(x);
    let attributes = vec![build::int("axis", axis), build::text("reduction", "add")];
    Ok(vec![(0, e.op("ScatterElements", &[&empty, &places, &updates], attributes))])
}

fn gather_elements(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.opset < ADDS {
        return picked(e, n, g, false);
    }
    let empty = e.zeros_like(&n.input[0]);
    let attributes = vec![build::int("axis", int(n, "axis", 0)), build::text("reduction", "add")];
    Ok(vec![(0, e.op("ScatterElements", &[&empty, &n.input[1], g], attributes))])
}

fn top_k(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let Some(places) = n.output.get(1).filter(|o| !o.is_empty()) else {
        return Err(refuse(n, "without its output of places it has no rule"));
    };
    let empty = e.zeros_like(&n.input[0]);
    let attributes = vec![build::int("axis", int(n, "axis", -1))];
    Ok(vec![(0, e.op("ScatterElements", &[&empty, places, g], attributes))])
}
