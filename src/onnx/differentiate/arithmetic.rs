//! Gradient rules of arithmetic with broadcasting, and of operators that hand on what they get.

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::graph::int;
use crate::onnx::proto::NodeProto;
use crate::onnx::tensor::BOOL;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Add", 2, add),
    ("Sub", 2, sub),
    ("Mul", 2, mul),
    ("Div", 2, div),
    ("Pow", 2, pow),
    ("Sum", 1, |e, n, g| all(e, n, g, 1.0)),
    ("Mean", 1, |e, n, g| all(e, n, g, 1.0 / n.input.len() as f64)),
    ("Where", 3, select),
    ("Identity", 1, |_, _, g| Ok(vec![(0, g.to_owned())])),
    ("Dropout", 1, dropout),
    ("Cast", 1, cast),
    ("CastLike", 2, cast_like),
];

/// Gradients for both operands of a broadcasting operator, each made only where it is wanted.
fn both(
    e: &mut Emit<'_>,
    n: &NodeProto,
    g: &str,
    left: fn(&mut Emit<'_>, &NodeProto, &str) -> String,
    right: fn(&mut Emit<'_>, &NodeProto, &str) -> String,
) -> Gradients {
    let mut out = Vec::new();
    for (k, rule) in [left, right].into_iter().enumerate() {
        if e.wants(n, k) {
            let raw = rule(e, n, g);
            out.push((k, e.unbroadcast(raw, &n.input[k], &n.output[0])));
        }
    }
    Ok(out)
}

fn add(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    both(e, n, g, |_, _, g| g.to_owned(), |_, _, g| g.to_owned())
}

fn sub(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    both(e, n, g, |_, _, g| g.to_owned(), |e, _, g| e.neg(g))
}

fn mul(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    both(e, n, g, |e, n, g| e.mul(g, &n.input[1]), |e, n, g| e.mul(g, &n.input[0]))
}

fn div(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    both(
        e,
        n,
        g,
        |e, n, g| e.div(g, &n.input[1]),
        |e, n, g| {
            let gy = e.mul(g, &n.output[0]);
            let q = e.div(&gy, &n.input[1]);
            e.neg(&q)
        },
    )
}

fn pow(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    both(
        e,
        n,
        g,
        |e, n, g| {
            let one = e.scalar(1.0);
            // Exponents may be integers: brought to the graph's own type first.
            let p = e.float(&n.input[1]);
            let less = e.sub(&p, &one);
            let power = e.op("Pow", &[&n.input[0], &less], vec![]);
            let scaled = e.mul(&power, &p);
            // x^0 is 1 for all x, 0 among them.
            let zero = e.scalar(0.0);
            let flat = e.op("Equal", &[&p, &zero], vec![]);
            let slope = e.op("Where", &[&flat, &zero, &scaled], vec![]);
            e.mul(g, &slope)
        },
        |e, n, g| {
            let log = e.op("Log", &[&n.input[0]], vec![]);
            let slope = e.mul(&n.output[0], &log);
            // Powers of what is not above 0 do not change smoothly with the exponent.
            let zero = e.scalar(0.0);
            let up = e.op("Greater", &[&n.input[0], &zero], vec![]);
            let slope = e.gate(&up, &slope);
            e.mul(g, &slope)
        },
    )
}

/// A sum of any number of operands, times a factor.
fn all(e: &mut Emit<'_>, n: &NodeProto, g: &str, factor: f64) -> Gradients {
    let scaled = if factor == 1.0 { g.to_owned() } else { e.times(factor, g) };
    let wanted: Vec<usize> = (0..n.input.len()).filter(|k| e.wants(n, *k)).collect();
    Ok(wanted.into_iter().map(|k| (k, e.unbroadcast(scaled.clone(), &n.input[k], &n.output[0]))).collect())
}

fn select(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let zero = e.scalar(0.0);
    let mut out = Vec::new();
    for k in [1, 2] {
        if e.wants(n, k) {
            let (yes, no) = if k == 1 { (g, zero.as_str()) } else { (zero.as_str(), g) };
            let raw = e.op("Where", &[&n.input[0], yes, no], vec![]);
            out.push((k, e.unbroadcast(raw, &n.input[k], &n.output[0])));
        }
    }
    Ok(out)
}

fn dropout(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let off = |name: &String| {
        e.constants.get(name.as_str()).is_some_and(|t| {
            t.data_type == BOOL && t.raw_data.iter().all(|b| *b == 0) && t.int32_data.iter().all(|v| *v == 0)
        })
    };
    match n.input.get(2).filter(|i| !i.is_empty()) {
        Some(mode) if !off(mode) => Err(refuse(n, "dropout in training mode: export the model in evaluation mode")),
        _ => Ok(vec![(0, g.to_owned())]),
    }
}

fn cast(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if i64::from(e.element) == int(n, "to", 0) {
        return Ok(vec![(0, g.to_owned())]);
    }
    Err(refuse(n, "a change of precision on the way has no rule"))
}

fn cast_like(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.types.get(&n.input[1]) == Some(&e.element) {
        return Ok(vec![(0, g.to_owned())]);
    }
    Err(refuse(n, "a change of precision on the way has no rule"))
}
