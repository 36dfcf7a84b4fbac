//! Gradient rules of matrix products.

use super::emit::Emit;
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{Dim, float, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[("MatMul", 2, matmul), ("Gemm", 2, gemm)];

/// The last two of `rank` axes swapped.
pub fn transposed(e: &mut Emit<'_>, x: &str, rank: usize) -> String {
    let mut perm: Vec<i64> = (0..rank as i64).collect();
    perm.swap(rank - 2, rank - 1);
    e.op("Transpose", &[x], vec![build::ints("perm", perm)])
}

/// An operand of a matrix product as a matrix: a vector on the left is a row, one on the right a column.
struct Operand {
    name: String,
    rank: usize,
    vector: bool,
}

fn operand(e: &mut Emit<'_>, n: &NodeProto, k: usize) -> Result<Operand, OnnxError> {
    let rank = e.rank(&n.input[k], n)?;
    if rank != 1 {
        return Ok(Operand { name: n.input[k].clone(), rank, vector: false });
    }
    let axis = e.ints(&[k as i64]);
    Ok(Operand { name: e.op("Unsqueeze", &[&n.input[k], &axis], vec![]), rank: 2, vector: true })
}

fn matmul(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (a, b) = (operand(e, n, 0)?, operand(e, n, 1)?);
    // The gradient gets back the axes that vectors have lost, whatever rank the engine gave the product.
    let wide = match (a.vector, b.vector) {
        (false, false) => g.to_owned(),
        (true, true) => {
            let shape = e.ints(&[1, 1]);
            e.op("Reshape", &[g, &shape], vec![])
        }
        (false, true) => {
            let (rows, one) = (e.lengths(&a.name, 0, a.rank as i64 - 1), e.ints(&[1]));
            let shape = e.join(&[&rows, &one]);
            e.op("Reshape", &[g, &shape], vec![])
        }
        (true, false) => {
            let rank = b.rank as i64;
            let (batch, one, columns) =
                (e.lengths(&b.name, 0, rank - 2), e.ints(&[1]), e.lengths(&b.name, rank - 1, rank));
            let shape = e.join(&[&batch, &one, &columns]);
            e.op("Reshape", &[g, &shape], vec![])
        }
    };
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let bt = transposed(e, &b.name, b.rank);
        let raw = e.op("MatMul", &[&wide, &bt], vec![]);
        out.push((0, back(e, raw, &n.input[0], &a, &n.input[1])));
    }
    if e.wants(n, 1) {
        let at = transposed(e, &a.name, a.rank);
        let raw = e.op("MatMul", &[&at, &wide], vec![]);
        out.push((1, back(e, raw, &n.input[1], &b, &n.input[0])));
    }
    Ok(out)
}

/// A gradient over the batch axes of both operands, summed to the shape of `x`. The last two axes are the operand's own.
fn back(e: &mut Emit<'_>, raw: String, x: &str, operand: &Operand, other: &str) -> String {
    if operand.vector {
        // All axes but the vector's own are batch axes or of length 1.
        let (any, own) = (e.ints(&[-1]), e.shape_of(x));
        let target = e.join(&[&any, &own]);
        let flat = e.op("Reshape", &[&raw, &target], vec![]);
        let summed = e.sum(&flat, &[0]);
        return e.reshape_like(&summed, x);
    }
    let batch = |name: &str| e.shape(name).map(|s| s[..s.len().saturating_sub(2)].to_vec());
    let own = match (batch(x), batch(other)) {
        (Some(own), Some(other)) => {
            own.len() >= other.len()
                && own[own.len() - other.len()..]
                    .iter()
                    .zip(&other)
                    .all(|(a, b)| *b == Dim::Fixed(1) || a == b && *a != Dim::Any)
        }
        _ => false,
    };
    if own { raw } else { e.unbroadcast(raw.clone(), x, &raw) }
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
