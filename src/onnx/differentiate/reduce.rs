//! Gradient rules of sums, means and norms over axes, and of running sums.

use super::emit::Emit;
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::graph::{attribute, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("ReduceSum", 1, |e, n, g| {
        let shape = e.shape_of(&n.input[0]);
        let wide = spread(e, n, g);
        Ok(vec![(0, e.op("Expand", &[&wide, &shape], vec![]))])
    }),
    ("ReduceMean", 1, mean),
    ("ReduceSumSquare", 1, |e, n, g| {
        let twice = e.times(2.0, &n.input[0]);
        scaled(e, n, g, &twice)
    }),
    ("ReduceL1", 1, |e, n, g| {
        let sign = e.op("Sign", &[&n.input[0]], vec![]);
        scaled(e, n, g, &sign)
    }),
    ("ReduceL2", 1, norm),
    ("ReduceLogSum", 1, |e, n, g| {
        // 1 / sum = exp(-y)
        let negative = e.neg(&n.output[0]);
        let inverse = e.op("Exp", &[&negative], vec![]);
        let slope = e.mul(g, &inverse);
        let shape = e.shape_of(&n.input[0]);
        let wide = spread(e, n, &slope);
        Ok(vec![(0, e.op("Expand", &[&wide, &shape], vec![]))])
    }),
    ("ReduceLogSumExp", 1, |e, n, g| {
        let y = spread(e, n, &n.output[0]);
        let low = e.sub(&n.input[0], &y);
        let share = e.op("Exp", &[&low], vec![]);
        scaled(e, n, g, &share)
    }),
    ("CumSum", 2, running),
    ("GlobalAveragePool", 1, |e, n, g| {
        let share = share(e, &n.input[0], &n.output[0], g);
        let shape = e.shape_of(&n.input[0]);
        Ok(vec![(0, e.op("Expand", &[&share, &shape], vec![]))])
    }),
];

/// What a reduction made, with the axes that it took away back in their places.
pub fn spread(e: &mut Emit<'_>, n: &NodeProto, y: &str) -> String {
    let axes = match (attribute(n, "axes"), n.input.get(1).filter(|i| !i.is_empty())) {
        (Some(a), _) => Some(e.ints(&a.ints)),
        (None, Some(name)) => Some(name.clone()),
        (None, None) => None,
    };
    match (int(n, "keepdims", 1), axes) {
        // Over all axes: a number is broadcast to any shape.
        (0, Some(axes)) if e.constant_ints(&axes).is_none_or(|l| !l.is_empty()) => {
            e.op("Unsqueeze", &[y, &axes], vec![])
        }
        _ => y.to_owned(),
    }
}

/// The gradient times a slope of the input's shape.
fn scaled(e: &mut Emit<'_>, n: &NodeProto, g: &str, slope: &str) -> Gradients {
    let wide = spread(e, n, g);
    Ok(vec![(0, e.mul(&wide, slope))])
}

/// `g` divided by how many elements of `x` make one of `y`.
fn share(e: &mut Emit<'_>, x: &str, y: &str, g: &str) -> String {
    let (nx, ny) = (e.op("Size", &[x], vec![]), e.op("Size", &[y], vec![]));
    let (nx, ny) = (e.float(&nx), e.float(&ny));
    let count = e.div(&nx, &ny);
    e.div(g, &count)
}

fn mean(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let share = share(e, &n.input[0], &n.output[0], g);
    let shape = e.shape_of(&n.input[0]);
    let wide = spread(e, n, &share);
    Ok(vec![(0, e.op("Expand", &[&wide, &shape], vec![]))])
}

/// `x / y`, and 0 where all elements are.
fn norm(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let y = spread(e, n, &n.output[0]);
    let zero = e.scalar(0.0);
    let up = e.op("Greater", &[&y, &zero], vec![]);
    let unit = e.scalar(1.0);
    let safe = e.op("Where", &[&up, &y, &unit], vec![]);
    let slope = e.div(&n.input[0], &safe);
    scaled(e, n, g, &slope)
}

/// A running sum from the other end.
fn running(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let attributes = vec![
        build::int("exclusive", int(n, "exclusive", 0)),
        build::int("reverse", i64::from(int(n, "reverse", 0) == 0)),
    ];
    Ok(vec![(0, e.op("CumSum", &[g, &n.input[1]], attributes))])
}
