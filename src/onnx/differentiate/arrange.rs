//! Gradient rules of operators that move or repeat all elements (reshape, transpose, expand, tile, concatenate, split).

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::graph::{attribute, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Reshape", 1, reshape),
    ("Flatten", 1, reshape),
    ("Squeeze", 1, reshape),
    ("Unsqueeze", 1, reshape),
    ("Transpose", 1, transpose),
    ("Expand", 2, expand),
    ("Tile", 2, tile),
    ("Concat", 1, concat),
    ("Split", 1, split),
    ("ReverseSequence", 2, |e, n, g| Ok(vec![(0, e.op("ReverseSequence", &[g, &n.input[1]], n.attribute.clone()))])),
    ("Trilu", 1, trilu),
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

/// The copies along each axis become an axis of their own, which is summed over.
fn tile(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (x, times) = (&n.input[0], &n.input[1]);
    let rank = e.rank(x, n)? as i64;
    let shape = e.shape_of(x);
    let one = e.ints(&[1]);
    let (times, lengths) = (e.op("Unsqueeze", &[times, &one], vec![]), e.op("Unsqueeze", &[&shape, &one], vec![]));
    let pairs = e.op("Concat", &[&times, &lengths], vec![build::int("axis", 1)]);
    let target = e.flat(&pairs);
    let apart = e.op("Reshape", &[g, &target], vec![]);
    if rank == 0 {
        return Ok(vec![(0, e.reshape_like(g, x))]);
    }
    let summed = e.sum(&apart, &(0..rank).map(|k| 2 * k).collect::<Vec<_>>());
    Ok(vec![(0, e.op("Reshape", &[&summed, &shape], vec![]))])
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
        let to = e.add(&from, &length);
        if e.wants(n, k) {
            out.push((k, e.op("Slice", &[g, &from, &to, &axes], vec![])));
        }
        from = to;
    }
    Ok(out)
}

/// Joins the gradients of the parts, with zeros for those that nobody uses.
fn split(e: &mut Emit<'_>, n: &NodeProto, _: &str) -> Gradients {
    let mut parts = Vec::new();
    for o in &n.output {
        if o.is_empty() {
            return Err(refuse(n, "a part without a name has no rule"));
        }
        parts.push(match e.gradient(o) {
            Some(g) => g,
            None => e.zeros_like(o),
        });
    }
    let gradients: Vec<&str> = parts.iter().map(String::as_str).collect();
    Ok(vec![(0, e.op("Concat", &gradients, vec![build::int("axis", int(n, "axis", 0))]))])
}

/// What is set to 0 passes nothing on.
fn trilu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let inputs: Vec<&str> = [g].into_iter().chain(n.input[1..].iter().map(String::as_str)).collect();
    Ok(vec![(0, e.op("Trilu", &inputs, n.attribute.clone()))])
}
