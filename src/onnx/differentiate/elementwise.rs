//! Gradient rules of element-wise functions of one operand.

use super::emit::Emit;
use super::{Gradients, Rules};
use crate::onnx::proto::NodeProto;
use std::f64::consts::PI;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Neg", 1, |e, _, g| one(e.neg(g))),
    ("Exp", 1, |e, n, g| one(e.mul(g, &n.output[0]))),
    ("Log", 1, |e, n, g| one(e.div(g, &n.input[0]))),
    ("Sqrt", 1, sqrt),
    ("Reciprocal", 1, reciprocal),
    ("Abs", 1, abs),
    ("Erf", 1, erf),
    ("Sin", 1, |e, n, g| along(e, n, g, "Cos", 1.0)),
    ("Cos", 1, |e, n, g| along(e, n, g, "Sin", -1.0)),
    ("Sinh", 1, |e, n, g| along(e, n, g, "Cosh", 1.0)),
    ("Cosh", 1, |e, n, g| along(e, n, g, "Sinh", 1.0)),
    ("Tan", 1, tan),
    ("Tanh", 1, tanh),
    ("Asin", 1, |e, n, g| over_root(e, n, g, -1.0, 1.0)),
    ("Acos", 1, acos),
    ("Asinh", 1, |e, n, g| over_root(e, n, g, 1.0, 1.0)),
    ("Acosh", 1, |e, n, g| over_root(e, n, g, 1.0, -1.0)),
    ("Atan", 1, |e, n, g| over(e, n, g, 1.0)),
    ("Atanh", 1, |e, n, g| over(e, n, g, -1.0)),
];

fn one(g: String) -> Gradients {
    Ok(vec![(0, g)])
}

/// `g` times another function of the input, times a sign.
fn along(e: &mut Emit<'_>, n: &NodeProto, g: &str, op: &str, sign: f64) -> Gradients {
    let slope = e.op(op, &[&n.input[0]], vec![]);
    let signed = if sign < 0.0 { e.neg(&slope) } else { slope };
    one(e.mul(g, &signed))
}

fn sqrt(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let twice = e.times(2.0, &n.output[0]);
    one(e.div(g, &twice))
}

fn reciprocal(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let square = e.mul(&n.output[0], &n.output[0]);
    let slope = e.neg(&square);
    one(e.mul(g, &slope))
}

fn abs(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let s = e.op("Sign", &[&n.input[0]], vec![]);
    one(e.mul(g, &s))
}

/// `exp(-c x^2)`
pub fn bell(e: &mut Emit<'_>, x: &str, c: f64) -> String {
    let square = e.mul(x, x);
    let low = e.times(-c, &square);
    e.op("Exp", &[&low], vec![])
}

fn erf(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let b = bell(e, &n.input[0], 1.0);
    let slope = e.times(2.0 / PI.sqrt(), &b);
    one(e.mul(g, &slope))
}

/// `1 + y^2`
fn tan(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let unit = e.scalar(1.0);
    let square = e.mul(&n.output[0], &n.output[0]);
    let slope = e.add(&unit, &square);
    one(e.mul(g, &slope))
}

/// `1 - y^2`
fn tanh(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let unit = e.scalar(1.0);
    let square = e.mul(&n.output[0], &n.output[0]);
    let slope = e.sub(&unit, &square);
    one(e.mul(g, &slope))
}

/// `sign x^2 + offset`
fn parabola(e: &mut Emit<'_>, x: &str, sign: f64, offset: f64) -> String {
    let square = e.mul(x, x);
    let signed = if sign < 0.0 { e.neg(&square) } else { square };
    let offset = e.scalar(offset);
    e.add(&signed, &offset)
}

/// `g / sqrt(sign x^2 + offset)`
fn over_root(e: &mut Emit<'_>, n: &NodeProto, g: &str, sign: f64, offset: f64) -> Gradients {
    let p = parabola(e, &n.input[0], sign, offset);
    let root = e.op("Sqrt", &[&p], vec![]);
    one(e.div(g, &root))
}

fn acos(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let negative = e.neg(g);
    over_root(e, n, &negative, -1.0, 1.0)
}

/// `g / (1 + sign x^2)`
fn over(e: &mut Emit<'_>, n: &NodeProto, g: &str, sign: f64) -> Gradients {
    let p = parabola(e, &n.input[0], sign, 1.0);
    one(e.div(g, &p))
}
