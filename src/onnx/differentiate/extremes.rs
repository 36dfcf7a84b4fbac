//! Gradient rules of largest and smallest elements. Equal ones share the gradient.

use super::emit::Emit;
use super::reduce::spread;
use super::{Gradients, Rules};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Max", 1, among),
    ("Min", 1, among),
    ("ReduceMax", 1, along),
    ("ReduceMin", 1, along),
    ("GlobalMaxPool", 1, |e, n, g| {
        let axes: Vec<i64> = (2..e.rank(&n.input[0], n)? as i64).collect();
        let hit = hits(e, &n.input[0], &n.output[0]);
        let count = e.sum(&hit, &axes);
        let share = e.div(g, &count);
        Ok(vec![(0, e.mul(&hit, &share))])
    }),
];

/// 1 where an element is the one that was picked, 0 elsewhere.
fn hits(e: &mut Emit<'_>, x: &str, y: &str) -> String {
    let same = e.op("Equal", &[x, y], vec![]);
    e.float(&same)
}

/// The largest or smallest of several operands.
fn among(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let y = &n.output[0];
    let hit: Vec<String> = n.input.iter().map(|x| hits(e, x, y)).collect();
    let count = hit[1..].iter().fold(hit[0].clone(), |sum, h| e.add(&sum, h));
    let share = e.div(g, &count);
    let mut out = Vec::new();
    for (k, h) in hit.iter().enumerate() {
        if e.wants(n, k) {
            let raw = e.mul(h, &share);
            out.push((k, e.unbroadcast(raw, &n.input[k], y)));
        }
    }
    Ok(out)
}

/// The largest or smallest element along axes.
fn along(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let y = spread(e, n, &n.output[0]);
    let hit = hits(e, &n.input[0], &y);
    // Counted over the same axes.
    let keep = crate::onnx::build::int("keepdims", 1);
    let noop = crate::onnx::build::int("noop_with_empty_axes", crate::onnx::graph::int(n, "noop_with_empty_axes", 0));
    let count = match crate::onnx::graph::attribute(n, "axes") {
        Some(a) => e.sum(&hit, &a.ints),
        None => {
            let inputs: Vec<&str> = [hit.as_str()]
                .into_iter()
                .chain(n.input.get(1).map(String::as_str).filter(|i| !i.is_empty()))
                .collect();
            e.op("ReduceSum", &inputs, vec![keep, noop])
        }
    };
    let wide = spread(e, n, g);
    let share = e.div(&wide, &count);
    Ok(vec![(0, e.mul(&hit, &share))])
}
