//! Gradient rule of sums over named axes (Einstein's notation).

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::attribute;
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[("Einsum", 1, einsum)];

/// The axes of each operand, and those of the result.
struct Equation {
    operands: Vec<Vec<char>>,
    result: Vec<char>,
}

fn equation(n: &NodeProto) -> Result<Equation, OnnxError> {
    let text = attribute(n, "equation").map_or_else(String::new, |a| String::from_utf8_lossy(&a.s).replace(' ', ""));
    if text.contains('.') {
        return Err(refuse(n, "an ellipsis in the equation has no rule"));
    }
    let (left, right) = text.split_once("->").map_or((text.as_str(), None), |(l, r)| (l, Some(r)));
    let operands: Vec<Vec<char>> = left.split(',').map(|t| t.chars().collect()).collect();
    let result = right.map_or_else(
        || {
            // Without an arrow: the axes that occur once, in order of the alphabet.
            let all: Vec<char> = operands.iter().flatten().copied().collect();
            let mut once: Vec<char> =
                all.iter().filter(|c| all.iter().filter(|d| d == c).count() == 1).copied().collect();
            once.sort_unstable();
            once
        },
        |r| r.chars().collect(),
    );
    let twice = |list: &[char]| list.iter().enumerate().any(|(k, c)| list[..k].contains(c));
    if operands.len() != n.input.len() || operands.iter().chain([&result]).any(|l| twice(l)) {
        return Err(refuse(n, &format!("equation \"{text}\" (an axis twice in one operand) has no rule")));
    }
    if operands.iter().chain([&result]).flatten().any(|c| !c.is_ascii_alphabetic()) {
        return Err(refuse(n, &format!("equation \"{text}\": expected letters")));
    }
    Ok(Equation { operands, result })
}

fn einsum(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let Equation { operands, result } = equation(n)?;
    let mut out = Vec::new();
    for (k, own) in operands.iter().enumerate().filter(|(k, _)| e.wants(n, *k)).collect::<Vec<_>>() {
        let mut inputs = vec![g];
        let mut terms = vec![result.iter().collect::<String>()];
        for (j, other) in operands.iter().enumerate().filter(|(j, _)| *j != k) {
            inputs.push(&n.input[j]);
            terms.push(other.iter().collect());
        }
        let present = |c: &&char| terms.iter().any(|t| t.contains(**c));
        let kept: String = own.iter().filter(present).collect();
        let equation = format!("{}->{kept}", terms.join(","));
        let raw = e.op("Einsum", &inputs, vec![build::text("equation", &equation)]);
        // Axes that the operand alone has were summed over: the gradient is the same all along them.
        let missing: Vec<i64> = (0..own.len()).filter(|j| !kept.contains(own[*j])).map(|j| j as i64).collect();
        let wide = if missing.is_empty() {
            raw
        } else {
            let axes = e.ints(&missing);
            e.op("Unsqueeze", &[&raw, &axes], vec![])
        };
        let shape = e.shape_of(&n.input[k]);
        out.push((k, e.op("Expand", &[&wide, &shape], vec![])));
    }
    Ok(out)
}
