//! Gradient rules of matrix products.

use super::emit::{Emit, refuse};
use super::{Gradients, Rule};
use crate::onnx::build;
use crate::onnx::graph::{float, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: &[(&str, Rule)] = &[("MatMul", matmul), ("Gemm", gemm)];

/// The last two axes swapped.
fn transposed(e: &mut Emit<'_>, n: &NodeProto, x: &str) -> Result<String, crate::onnx::error::OnnxError> {
    let rank = e.rank(x, n)?;
    if rank < 2 {
        return Err(refuse(n, "a product with a vector has no rule"));
    }
    let mut perm: Vec<i64> = (0..rank as i64).collect();
    perm.swap(rank - 2, rank - 1);
    Ok(e.op("Transpose", &[x], vec![build::ints("perm", perm)]))
}

fn matmul(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (a, b) = (&n.input[0], &n.input[1]);
    let mut out = Vec::new();
    // Batch axes are broadcast; the last two of the product already have the operand's lengths.
    let back = |e: &mut Emit<'_>, raw: String, x: &str, other: &str| {
        let plain = e.shape(x).zip(e.shape(other)).is_some_and(|(x, o)| o.len() == 2 && x.len() >= 2);
        if plain { raw } else { e.unbroadcast(raw.clone(), x, &raw) }
    };
    if e.wants(n, 0) {
        let bt = transposed(e, n, b)?;
        let raw = e.op("MatMul", &[g, &bt], vec![]);
        out.push((0, back(e, raw, a, b)));
    }
    if e.wants(n, 1) {
        let at = transposed(e, n, a)?;
        let raw = e.op("MatMul", &[&at, g], vec![]);
        out.push((1, back(e, raw, b, a)));
    }
    Ok(out)
}

fn gemm(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (ta, tb) = (int(n, "transA", 0) != 0, int(n, "transB", 0) != 0);
    let (alpha, beta) = (float(n, "alpha", 1.0), float(n, "beta", 1.0));
    let product = |e: &mut Emit<'_>, x: &str, tx: bool, y: &str, ty: bool| {
        let attributes = vec![
            build::float("alpha", alpha),
            build::int("transA", i64::from(tx)),
            build::int("transB", i64::from(ty)),
        ];
        e.op("Gemm", &[x, y], attributes)
    };
    let (a, b) = (&n.input[0], &n.input[1]);
    let mut out = Vec::new();
    if e.wants(n, 0) {
        out.push((0, if ta { product(e, b, tb, g, true) } else { product(e, g, false, b, !tb) }));
    }
    if e.wants(n, 1) {
        out.push((1, if tb { product(e, g, true, a, ta) } else { product(e, a, !ta, g, false) }));
    }
    if e.wants(n, 2) {
        let scaled = e.times(f64::from(beta), g);
        out.push((2, e.unbroadcast(scaled, &n.input[2], &n.output[0])));
    }
    Ok(out)
}
