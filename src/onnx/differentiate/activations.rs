//! Gradient rules of activation functions.

use super::elementwise::bell;
use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::graph::{attribute, float};
use crate::onnx::proto::NodeProto;
use std::f64::consts::{PI, SQRT_2};

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Relu", 1, relu),
    ("LeakyRelu", 1, |e, n, g| {
        let low = e.times(f64::from(float(n, "alpha", 0.01)), g);
        above(e, n, 0.0, g, &low)
    }),
    ("PRelu", 2, prelu),
    ("ThresholdedRelu", 1, |e, n, g| {
        let zero = e.scalar(0.0);
        above(e, n, f64::from(float(n, "alpha", 1.0)), g, &zero)
    }),
    ("Elu", 1, elu),
    ("Celu", 1, celu),
    ("Selu", 1, selu),
    ("Softplus", 1, softplus),
    ("Softsign", 1, softsign),
    ("Sigmoid", 1, sigmoid),
    ("HardSigmoid", 1, hard_sigmoid),
    ("HardSwish", 1, hard_swish),
    ("Swish", 1, swish),
    ("Mish", 1, mish),
    ("Gelu", 1, gelu),
    ("Clip", 1, clip),
];

fn one(g: String) -> Gradients {
    Ok(vec![(0, g)])
}

/// One gradient above a threshold of the input, another elsewhere.
fn above(e: &mut Emit<'_>, n: &NodeProto, threshold: f64, high: &str, low: &str) -> Gradients {
    let at = e.scalar(threshold);
    let up = e.op("Greater", &[&n.input[0], &at], vec![]);
    one(e.op("Where", &[&up, high, low], vec![]))
}

fn relu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let zero = e.scalar(0.0);
    let up = e.op("Greater", &[&n.output[0], &zero], vec![]);
    one(e.gate(&up, g))
}

fn prelu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let zero = e.scalar(0.0);
    let up = e.op("Greater", &[&n.input[0], &zero], vec![]);
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let low = e.mul(g, &n.input[1]);
        out.push((0, e.op("Where", &[&up, g, &low], vec![])));
    }
    if e.wants(n, 1) {
        let low = e.mul(g, &n.input[0]);
        let raw = e.op("Where", &[&up, &zero, &low], vec![]);
        out.push((1, e.unbroadcast(raw, &n.input[1], &n.output[0])));
    }
    Ok(out)
}

/// `g (y + alpha)` below 0, where `y = alpha (exp(x) - 1)`.
fn elu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let a = e.scalar(f64::from(float(n, "alpha", 1.0)));
    let slope = e.add(&n.output[0], &a);
    let low = e.mul(g, &slope);
    above(e, n, 0.0, g, &low)
}

/// `g exp(x / alpha)` below 0.
fn celu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let scaled = e.times(1.0 / f64::from(float(n, "alpha", 1.0)), &n.input[0]);
    let slope = e.op("Exp", &[&scaled], vec![]);
    let low = e.mul(g, &slope);
    above(e, n, 0.0, g, &low)
}

fn selu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    // Klambauer et al. 2017, rounded as the standard has them.
    let alpha = f64::from(float(n, "alpha", 1.673_263_2));
    let gamma = f64::from(float(n, "gamma", 1.050_701));
    let high = e.times(gamma, g);
    let power = e.op("Exp", &[&n.input[0]], vec![]);
    let slope = e.times(alpha, &power);
    let low = e.mul(&high, &slope);
    above(e, n, 0.0, &high, &low)
}

fn softplus(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let s = e.op("Sigmoid", &[&n.input[0]], vec![]);
    one(e.mul(g, &s))
}

/// `g / (1 + |x|)^2`
fn softsign(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let size = e.op("Abs", &[&n.input[0]], vec![]);
    let unit = e.scalar(1.0);
    let more = e.add(&size, &unit);
    let square = e.mul(&more, &more);
    one(e.div(g, &square))
}

/// `s (1 - s)`
fn logistic_slope(e: &mut Emit<'_>, s: &str) -> String {
    let unit = e.scalar(1.0);
    let rest = e.sub(&unit, s);
    e.mul(s, &rest)
}

fn sigmoid(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let slope = logistic_slope(e, &n.output[0]);
    one(e.mul(g, &slope))
}

/// `g` times a slope where `0 < alpha x + beta < 1`.
fn hard_sigmoid(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (zero, unit) = (e.scalar(0.0), e.scalar(1.0));
    let low = e.op("Greater", &[&n.output[0], &zero], vec![]);
    let high = e.op("Less", &[&n.output[0], &unit], vec![]);
    let inside = e.op("And", &[&low, &high], vec![]);
    let scaled = e.times(f64::from(float(n, "alpha", 0.2)), g);
    one(e.gate(&inside, &scaled))
}

/// `x max(0, min(1, x / 6 + 1/2))`: its slope is 0 below -3, 1 above 3, and `x / 3 + 1/2` between.
fn hard_swish(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let third = e.times(1.0 / 3.0, &n.input[0]);
    let half = e.scalar(0.5);
    let slope = e.add(&third, &half);
    let between = e.mul(g, &slope);
    let (low, high) = (e.scalar(-3.0), e.scalar(3.0));
    let up = e.op("Greater", &[&n.input[0], &low], vec![]);
    let inside = e.gate(&up, &between);
    let beyond = e.op("GreaterOrEqual", &[&n.input[0], &high], vec![]);
    one(e.op("Where", &[&beyond, g, &inside], vec![]))
}

/// `x s(alpha x)`: `s + alpha x s (1 - s)`.
fn swish(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let scaled = e.times(f64::from(float(n, "alpha", 1.0)), &n.input[0]);
    let s = e.op("Sigmoid", &[&scaled], vec![]);
    let slope = logistic_slope(e, &s);
    let moved = e.mul(&scaled, &slope);
    let whole = e.add(&s, &moved);
    one(e.mul(g, &whole))
}

/// `x tanh(softplus(x))`: `t + x (1 - t^2) s`.
fn mish(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let x = &n.input[0];
    let soft = e.op("Softplus", &[x], vec![]);
    let t = e.op("Tanh", &[&soft], vec![]);
    let s = e.op("Sigmoid", &[x], vec![]);
    let square = e.mul(&t, &t);
    let unit = e.scalar(1.0);
    let rest = e.sub(&unit, &square);
    let slope = e.mul(&rest, &s);
    let moved = e.mul(x, &slope);
    let whole = e.add(&t, &moved);
    one(e.mul(g, &whole))
}

fn gelu(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let x = &n.input[0];
    let slope = match attribute(n, "approximate").map_or(&b"none"[..], |a| &a.s) {
        b"none" | b"" => {
            let u = e.times(1.0 / SQRT_2, x);
            let er = e.op("Erf", &[&u], vec![]);
            let half = e.times(0.5, &er);
            let offset = e.scalar(0.5);
            let below = e.add(&half, &offset);
            let b = bell(e, x, 0.5);
            let density = e.times(1.0 / (2.0 * PI).sqrt(), &b);
            let moved = e.mul(x, &density);
            e.add(&below, &moved)
        }
        b"tanh" => {
            // 0.5 (1 + t) + 0.5 x (1 - t^2) u' with t = tanh(u), u = sqrt(2/pi) (x + 0.044715 x^3)
            let c = (2.0 / PI).sqrt();
            let square = e.mul(x, x);
            let cubic = e.times(0.044_715, &square);
            let unit = e.scalar(1.0);
            let factor = e.add(&cubic, &unit);
            let inner = e.mul(x, &factor);
            let u = e.times(c, &inner);
            let t = e.op("Tanh", &[&u], vec![]);
            let more = e.add(&t, &unit);
            let below = e.times(0.5, &more);
            let three = e.times(3.0 * 0.044_715 * c, &square);
            let at = e.scalar(c);
            let inner_slope = e.add(&three, &at);
            let t2 = e.mul(&t, &t);
            let rest = e.sub(&unit, &t2);
            let moved = e.mul(&rest, &inner_slope);
            let moved = e.mul(&moved, x);
            let moved = e.times(0.5, &moved);
            e.add(&below, &moved)
        }
        other => return Err(refuse(n, &format!("approximation \"{}\" has no rule", String::from_utf8_lossy(other)))),
    };
    one(e.mul(g, &slope))
}

fn clip(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.wants(n, 1) || e.wants(n, 2) {
        return Err(refuse(n, "limits that depend on the input have no rule"));
    }
    let mut out = g.to_owned();
    for (k, op) in [(1, "GreaterOrEqual"), (2, "LessOrEqual")] {
        if let Some(limit) = n.input.get(k).filter(|i| !i.is_empty()) {
            let inside = e.op(op, &[&n.input[0], limit], vec![]);
            out = e.gate(&inside, &out);
        }
    }
    one(out)
}
