//! Gradient rules of operators that put elements into places.

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::graph::{attribute, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[("ScatterElements", 3, elements), ("ScatterND", 3, nd)];

/// Whether what is put adds up; otherwise it replaces.
fn adds(n: &NodeProto) -> Result<bool, crate::onnx::error::OnnxError> {
    match attribute(n, "reduction").map_or(&b"none"[..], |a| &a.s) {
        b"none" | b"" => Ok(false),
        b"add" => Ok(true),
        other => Err(refuse(n, &format!("reduction \"{}\" has no rule", String::from_utf8_lossy(other)))),
    }
}

/// What was replaced passes nothing on; what replaced it gets the gradient of its place.
fn rule(e: &mut Emit<'_>, n: &NodeProto, g: &str, put: &str, take: &str) -> Gradients {
    let adds = adds(n)?;
    let axis = if put == "ScatterElements" { vec![build::int("axis", int(n, "axis", 0))] } else { vec![] };
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let kept = if adds {
            g.to_owned()
        } else {
            let zeros = e.zeros_like(&n.input[2]);
            e.op(put, &[g, &n.input[1], &zeros], axis.clone())
        };
        out.push((0, kept));
    }
    if e.wants(n, 2) {
        out.push((2, e.op(take, &[g, &n.input[1]], axis)));
    }
    Ok(out)
}

fn elements(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    rule(e, n, g, "ScatterElements", "GatherElements")
}

fn nd(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    rule(e, n, g, "ScatterND", "GatherND")
}
