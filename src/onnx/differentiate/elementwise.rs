//! Gradient rules of element-wise operators.

use super::emit::{Emit, refuse};
use super::{Gradients, Rule};
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{attribute, float, int};
use crate::onnx::proto::NodeProto;
use std::f64::consts::{PI, SQRT_2};

/// Operators and their rules.
pub const RULES: &[(&str, Rule)] = &[
    ("Add", add),
    ("Sub", sub),
    ("Mul", mul),
    ("Div", div),
    ("Pow", pow),
    ("Neg", |e, n, g| one(e.neg(g), n)),
    ("Identity", |_, n, g| one(g.to_owned(), n)),
    ("Dropout", dropout),
    ("Cast", cast),
    ("Relu", relu),
    ("LeakyRelu", leaky),
    ("Elu", elu),
    ("Softplus", softplus),
    ("Clip", clip),
    ("Abs", abs),
    ("Tanh", tanh),
    ("Sigmoid", sigmoid),
    ("Erf", erf),
    ("Gelu", gelu),
    ("Exp", |e, n, g| one(e.mul(g, &n.output[0]), n)),
    ("Log", |e, n, g| one(e.div(g, &n.input[0]), n)),
    ("Sqrt", sqrt),
    ("Reciprocal", reciprocal),
    ("Where", select),
];

fn one(g: String, _: &NodeProto) -> Gradients {
    Ok(vec![(0, g)])
}

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
    if e.wants(n, 1) {
        return Err(refuse(n, "an exponent that depends on the input has no rule"));
    }
    both(
        e,
        n,
        g,
        |e, n, g| {
            let one = e.scalar(1.0);
            // Exponents may be integers: brought to the graph's own type first.
            let to = crate::onnx::build::int("to", i64::from(e.element));
            let p = e.op("Cast", &[&n.input[1]], vec![to]);
            let less = e.sub(&p, &one);
            let power = e.op("Pow", &[&n.input[0], &less], vec![]);
            let scaled = e.mul(&power, &p);
            e.mul(g, &scaled)
        },
        |_, _, g| g.to_owned(),
    )
}

fn dropout(_: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if n.input.len() > 2 && !n.input[2].is_empty() {
        return Err(refuse(n, "dropout in training mode: export the model in evaluation mode"));
    }
    one(g.to_owned(), n)
}

fn cast(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if i64::from(e.element) == int(n, "to", 0) {
        return one(g.to_owned(), n);
    }
    Err(refuse(n, "a change of precision on the way has no rule"))
}

/// `g` where the condition holds, otherwise nothing.
fn gate(e: &mut Emit<'_>, condition: &str, g: &str) -> String {
    let zero = e.scalar(0.0);
    e.op("Where", &[condition, g, &zero], vec![])
}

fn relu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let zero = e.scalar(0.0);
    let up = e.op("Greater", &[&n.output[0], &zero], vec![]);
    one(gate(e, &up, g), n)
}

fn leaky(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let zero = e.scalar(0.0);
    let up = e.op("Greater", &[&n.input[0], &zero], vec![]);
    let low = e.times(f64::from(float(n, "alpha", 0.01)), g);
    one(e.op("Where", &[&up, g, &low], vec![]), n)
}

fn elu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let alpha = f64::from(float(n, "alpha", 1.0));
    let (zero, a) = (e.scalar(0.0), e.scalar(alpha));
    let up = e.op("Greater", &[&n.input[0], &zero], vec![]);
    let slope = e.op("Add", &[&n.output[0], &a], vec![]);
    let low = e.mul(g, &slope);
    one(e.op("Where", &[&up, g, &low], vec![]), n)
}

fn softplus(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let s = e.op("Sigmoid", &[&n.input[0]], vec![]);
    one(e.mul(g, &s), n)
}

fn clip(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.wants(n, 1) || e.wants(n, 2) {
        return Err(refuse(n, "limits that depend on the input have no rule"));
    }
    let mut out = g.to_owned();
    for (k, op) in [(1, "GreaterOrEqual"), (2, "LessOrEqual")] {
        if let Some(limit) = n.input.get(k).filter(|i| !i.is_empty()) {
            let inside = e.op(op, &[&n.input[0], limit], vec![]);
            out = gate(e, &inside, &out);
        }
    }
    one(out, n)
}

fn abs(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let s = e.op("Sign", &[&n.input[0]], vec![]);
    one(e.mul(g, &s), n)
}

fn tanh(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let unit = e.scalar(1.0);
    let square = e.mul(&n.output[0], &n.output[0]);
    let slope = e.sub(&unit, &square);
    one(e.mul(g, &slope), n)
}

fn sigmoid(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let unit = e.scalar(1.0);
    let rest = e.sub(&unit, &n.output[0]);
    let slope = e.mul(&n.output[0], &rest);
    one(e.mul(g, &slope), n)
}

/// `exp(-c x^2)`
fn bell(e: &mut Emit<'_>, x: &str, c: f64) -> String {
    let square = e.mul(x, x);
    let low = e.times(-c, &square);
    e.op("Exp", &[&low], vec![])
}

fn erf(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let b = bell(e, &n.input[0], 1.0);
    let slope = e.times(2.0 / PI.sqrt(), &b);
    one(e.mul(g, &slope), n)
}

fn gelu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if attribute(n, "approximate").is_some_and(|a| a.s.as_ref() == b"tanh") {
        return Err(refuse(n, "the tanh approximation has no rule"));
    }
    let x = &n.input[0];
    let u = e.times(1.0 / SQRT_2, x);
    let er = e.op("Erf", &[&u], vec![]);
    let half = e.times(0.5, &er);
    let offset = e.scalar(0.5);
    let below = e.op("Add", &[&half, &offset], vec![]);
    let b = bell(e, x, 0.5);
    let density = e.times(1.0 / (2.0 * PI).sqrt(), &b);
    let moved = e.mul(x, &density);
    let slope = e.op("Add", &[&below, &moved], vec![]);
    one(e.mul(g, &slope), n)
}

fn sqrt(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let twice = e.times(2.0, &n.output[0]);
    one(e.div(g, &twice), n)
}

fn reciprocal(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let square = e.mul(&n.output[0], &n.output[0]);
    let slope = e.neg(&square);
    one(e.mul(g, &slope), n)
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
    Ok::<_, OnnxError>(out)
}
