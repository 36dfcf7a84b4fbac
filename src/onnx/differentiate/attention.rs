//! Gradient rule of scaled dot-product attention.

use super::emit::{Emit, refuse};
use super::linear::transposed;
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{Dim, attribute, float, int};
use crate::onnx::proto::NodeProto;
use crate::onnx::tensor::BOOL;

/// Operators and their rules.
pub const RULES: Rules = &[("Attention", 3, attention)];

/// Attributes that the rule knows.
const KNOWN: [&str; 7] =
    ["is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale", "softcap", "softmax_precision"];
/// What stands for minus infinity in a mask: a row of it stays one of numbers.
const NEVER: f64 = -3e38;

/// `[batch, heads, frames, width]` of queries, keys and values.
struct Heads {
    parts: [String; 3],
    /// Numbers of heads of each where the inputs have three axes.
    merged: Option<[i64; 3]>,
    /// Several queries may share the heads of keys and values.
    shared: bool,
}

fn heads(e: &mut Emit<'_>, n: &NodeProto) -> Result<Heads, OnnxError> {
    let ranks: Vec<usize> = (0..3).map(|k| e.rank(&n.input[k], n)).collect::<Result<_, _>>()?;
    let (q, kv) = (int(n, "q_num_heads", 0), int(n, "kv_num_heads", 0));
    match ranks[..] {
        [4, 4, 4] => {
            let count = |k: usize| e.shape(&n.input[k]).and_then(|s| s.get(1).cloned());
            let same = count(0) == count(1) && count(0) != Some(Dim::Any);
            Ok(Heads { parts: [0, 1, 2].map(|k| n.input[k].clone()), merged: None, shared: !same })
        }
        [3, 3, 3] if q > 0 && kv > 0 => {
            let counts = [q, kv, kv];
            let parts = [0, 1, 2].map(|k| apart(e, &n.input[k], counts[k]));
            Ok(Heads { parts, merged: Some(counts), shared: q != kv })
        }
        _ => Err(refuse(n, "expected three axes and numbers of heads, or four axes")),
    }
}

/// Heads side by side as an axis of their own.
fn apart(e: &mut Emit<'_>, x: &str, count: i64) -> String {
    let shape = e.ints(&[0, 0, count, -1]);
    let split = e.op("Reshape", &[x, &shape], vec![]);
    e.op("Transpose", &[&split], vec![build::ints("perm", vec![0, 2, 1, 3])])
}

/// Shapes on the way from heads of keys to those of queries: `[batch, heads, 1, ...]`, `[batch, heads, times, ...]`,
/// `[batch, heads times, ...]`.
fn shapes_of_copies(e: &mut Emit<'_>, x: &str, q: &str) -> [String; 3] {
    let (batch, own, rest) = (e.lengths(x, 0, 1), e.lengths(x, 1, 2), e.lengths(x, 2, 4));
    let all = e.lengths(q, 1, 2);
    let (one, times) = (e.ints(&[1]), e.div(&all, &own));
    [e.join(&[&batch, &own, &one, &rest]), e.join(&[&batch, &own, &times, &rest]), e.join(&[&batch, &all, &rest])]
}

/// Every head of keys as often as queries share it.
fn copied(e: &mut Emit<'_>, x: &str, q: &str) -> String {
    let [single, several, merged] = shapes_of_copies(e, x, q);
    let split = e.op("Reshape", &[x, &single], vec![]);
    let wide = e.op("Expand", &[&split, &several], vec![]);
    e.op("Reshape", &[&wide, &merged], vec![])
}

/// The gradient at a head: the sum over its copies.
fn summed(e: &mut Emit<'_>, g: &str, x: &str, q: &str) -> String {
    let [_, several, _] = shapes_of_copies(e, x, q);
    let split = e.op("Reshape", &[g, &several], vec![]);
    let sum = e.sum(&split, &[2]);
    e.reshape_like(&sum, x)
}

fn attention(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let given = |k: usize| n.input.get(k).filter(|i| !i.is_empty());
    if (4..n.input.len()).any(|k| given(k).is_some()) || float(n, "softcap", 0.0) != 0.0 {
        return Err(refuse(n, "a cache of keys, padding or a soft cap has no rule"));
    }
    if int(n, "is_causal", 0) != 0 {
        return Err(refuse(n, "causal attention has no rule"));
    }
    if let Some(other) = n.attribute.iter().find(|a| !KNOWN.contains(&a.name.as_str())) {
        return Err(refuse(n, &format!("its attribute {} has no rule", other.name)));
    }
    let Heads { parts: [q, own_k, own_v], merged, shared } = heads(e, n)?;
    let (k, v) = if shared { (copied(e, &own_k, &q), copied(e, &own_v, &q)) } else { (own_k.clone(), own_v.clone()) };
    let scale = match attribute(n, "scale") {
        Some(a) => e.scalar(f64::from(a.f)),
        None => {
            let width = e.length(&q, 3);
            let width = e.float(&width);
            let root = e.op("Sqrt", &[&width], vec![]);
            e.op("Reciprocal", &[&root], vec![])
        }
    };
    let kt = transposed(e, &k, 4);
    let raw = e.op("MatMul", &[&q, &kt], vec![]);
    let mut scores = e.mul(&raw, &scale);
    if let Some(mask) = given(3) {
        let added = mask_of(e, n, mask)?;
        scores = e.add(&scores, &added);
    }
    let mut weights = e.op("Softmax", &[&scores], vec![build::int("axis", -1)]);
    if given(3).is_some() {
        // A query that may look nowhere gets zeros.
        let floor = e.scalar(NEVER / 2.0);
        let allowed = e.op("Greater", &[&scores, &floor], vec![]);
        let allowed = e.float(&allowed);
        let count = e.sum(&allowed, &[-1]);
        let zero = e.scalar(0.0);
        let any = e.op("Greater", &[&count, &zero], vec![]);
        weights = e.gate(&any, &weights);
    }
    let g = match merged {
        Some([count, ..]) => apart(e, g, count),
        None => g.to_owned(),
    };
    let mut out = Vec::new();
    if e.wants(n, 2) {
        let wt = transposed(e, &weights, 4);
        let raw = e.op("MatMul", &[&wt, &g], vec![]);
        let raw = if shared { summed(e, &raw, &own_v, &q) } else { raw };
        out.push((2, joined(e, raw, &n.input[2], merged.is_some())));
    }
    if !(e.wants(n, 0) || e.wants(n, 1) || e.wants(n, 3)) {
        return Ok(out);
    }
    let vt = transposed(e, &v, 4);
    let gw = e.op("MatMul", &[&g, &vt], vec![]);
    let product = e.mul(&gw, &weights);
    let total = e.sum(&product, &[-1]);
    let centred = e.sub(&gw, &total);
    let gs = e.mul(&weights, &centred);
    if e.wants(n, 3) {
        out.push((3, e.unbroadcast(gs.clone(), &n.input[3], &gs)));
    }
    let gs = e.mul(&gs, &scale);
    if e.wants(n, 0) {
        let raw = e.op("MatMul", &[&gs, &k], vec![]);
        out.push((0, joined(e, raw, &n.input[0], merged.is_some())));
    }
    if e.wants(n, 1) {
        let gt = transposed(e, &gs, 4);
        let raw = e.op("MatMul", &[&gt, &q], vec![]);
        let raw = if shared { summed(e, &raw, &own_k, &q) } else { raw };
        out.push((1, joined(e, raw, &n.input[1], merged.is_some())));
    }
    Ok(out)
}

/// A gradient over heads in the shape of the input.
fn joined(e: &mut Emit<'_>, raw: String, x: &str, merged: bool) -> String {
    if !merged {
        return raw;
    }
    let turned = e.op("Transpose", &[&raw], vec![build::ints("perm", vec![0, 2, 1, 3])]);
    e.reshape_like(&turned, x)
}

/// What a mask adds to the scores.
fn mask_of(e: &mut Emit<'_>, n: &NodeProto, mask: &str) -> Result<String, OnnxError> {
    match e.types.get(mask) {
        Some(&BOOL) => {
            let (zero, never) = (e.scalar(0.0), e.scalar(NEVER));
            Ok(e.op("Where", &[mask, &zero, &never], vec![]))
        }
        Some(t) if *t == e.element => Ok(mask.to_owned()),
        _ => Err(refuse(n, "whether its mask holds truth values or numbers is not known")),
    }
}
