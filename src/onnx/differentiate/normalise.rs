//! Gradient rules of operators that reduce or normalise over axes.

use super::emit::{Emit, refuse};
use super::{Gradients, Rule};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{attribute, float, int};
use crate::onnx::proto::NodeProto;

/// More axes than any tensor has.
const MOST_AXES: i64 = 64;

/// Operators and their rules.
pub const RULES: &[(&str, Rule)] = &[
    ("Softmax", softmax),
    ("LogSoftmax", log_softmax),
    ("ReduceSum", |e, n, g| spread(e, n, g, false)),
    ("ReduceMean", |e, n, g| spread(e, n, g, true)),
    ("LayerNormalization", layer),
    ("BatchNormalization", batch),
];

fn softmax(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axis = int(n, "axis", -1);
    let y = &n.output[0];
    let gy = e.mul(g, y);
    let total = e.sum(&gy, &[axis]);
    let centred = e.sub(g, &total);
    Ok(vec![(0, e.mul(y, &centred))])
}

fn log_softmax(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axis = int(n, "axis", -1);
    let p = e.op("Exp", &[&n.output[0]], vec![]);
    let total = e.sum(g, &[axis]);
    let share = e.mul(&p, &total);
    Ok(vec![(0, e.sub(g, &share))])
}

/// A sum or mean: its gradient goes to all that entered it.
fn spread(e: &mut Emit<'_>, n: &NodeProto, g: &str, mean: bool) -> Gradients {
    let (x, y) = (&n.input[0], &n.output[0]);
    let axes = match (attribute(n, "axes"), n.input.get(1).filter(|i| !i.is_empty())) {
        (Some(a), _) => Some(e.ints(&a.ints)),
        (None, Some(name)) => Some(name.clone()),
        (None, None) => None,
    };
    if axes.is_none() && int(n, "noop_with_empty_axes", 0) != 0 {
        return Ok(vec![(0, g.to_owned())]);
    }
    let mut wide = g.to_owned();
    if let (0, Some(axes)) = (int(n, "keepdims", 1), &axes) {
        wide = e.op("Unsqueeze", &[&wide, axes], vec![]);
    }
    if mean {
        let to = || build::int("to", 0);
        let (nx, ny) = (e.op("Size", &[x], vec![]), e.op("Size", &[y], vec![]));
        let float = |e: &mut Emit<'_>, s: &str| {
            let mut attribute = to();
            attribute.i = i64::from(e.element);
            e.op("Cast", &[s], vec![attribute])
        };
        let (nx, ny) = (float(e, &nx), float(e, &ny));
        let count = e.div(&nx, &ny);
        wide = e.div(&wide, &count);
    }
    let shape = e.shape_of(x);
    Ok(vec![(0, e.op("Expand", &[&wide, &shape], vec![]))])
}

/// `inv * (gx - mean(gx) - xh * mean(gx * xh))` with `xh` the normalised input.
fn normalised(e: &mut Emit<'_>, x: &str, gx: &str, axes: &[i64], epsilon: f64) -> String {
    let mu = e.mean(x, axes);
    let centred = e.sub(x, &mu);
    let square = e.mul(&centred, &centred);
    let variance = e.mean(&square, axes);
    let small = e.scalar(epsilon);
    let safe = e.op("Add", &[&variance, &small], vec![]);
    let sigma = e.op("Sqrt", &[&safe], vec![]);
    let xh = e.div(&centred, &sigma);
    let m1 = e.mean(gx, axes);
    let gxh = e.mul(gx, &xh);
    let m2 = e.mean(&gxh, axes);
    let pull = e.mul(&xh, &m2);
    let a = e.sub(gx, &m1);
    let b = e.sub(&a, &pull);
    e.div(&b, &sigma)
}

fn layer(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.wants(n, 1) || e.wants(n, 2) {
        return Err(refuse(n, "a scale or shift that depends on the input has no rule"));
    }
    let axes: Vec<i64> = match int(n, "axis", -1) {
        // Nothing has that many axes; a file may say so all the same.
        a if a < -MOST_AXES => return Err(refuse(n, "its axis lies beyond the tensor")),
        a if a < 0 => (a..0).collect(),
        a => (a..e.rank(&n.input[0], n)? as i64).collect(),
    };
    let gx = e.mul(g, &n.input[1]);
    let epsilon = f64::from(float(n, "epsilon", 1e-5));
    Ok(vec![(0, normalised(e, &n.input[0], &gx, &axes, epsilon))])
}

fn batch(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if (1..5).any(|k| e.wants(n, k)) || int(n, "training_mode", 0) != 0 {
        return Err(refuse(n, "only the inference form with constant statistics has a rule"));
    }
    let rank = e.rank(&n.input[0], n)?;
    let small = e.scalar(f64::from(float(n, "epsilon", 1e-5)));
    let safe = e.op("Add", &[&n.input[4], &small], vec![]);
    let sigma = e.op("Sqrt", &[&safe], vec![]);
    let factor = e.div(&n.input[1], &sigma);
    let mut shape = vec![-1];
    shape.extend(std::iter::repeat_n(1, rank.saturating_sub(2)));
    let shape = e.ints(&shape);
    let factor = e.op("Reshape", &[&factor, &shape], vec![]);
    Ok::<_, OnnxError>(vec![(0, e.mul(g, &factor))])
}
