//! Products, sums and attention.

use super::tensor::{Tensor, indices};
use super::{Case, case, weights, wide};
use affect::onnx::build::{self, float, int, text};
use affect::onnx::proto::TensorProto;
use affect::onnx::tensor::{BOOL, float_tensor, int_tensor};

/// NumPy's product of matrices: a vector on the left is a row, one on the right a column, and what was added goes again.
fn matmul(a: &Tensor, b: &Tensor) -> Tensor {
    let wide_a = if a.shape.len() == 1 { vec![1, a.shape[0]] } else { a.shape.clone() };
    let wide_b = if b.shape.len() == 1 { vec![b.shape[0], 1] } else { b.shape.clone() };
    let (a2, b2) = (Tensor::new(&wide_a, &a.data), Tensor::new(&wide_b, &b.data));
    let (ra, rb) = (wide_a.len(), wide_b.len());
    let rank = ra.max(rb);
    let lead = |s: &[usize], k: usize| if k + s.len() < rank { 1 } else { s[k + s.len() - rank] };
    let mut shape: Vec<usize> = (0..rank - 2).map(|k| lead(&wide_a, k).max(lead(&wide_b, k))).collect();
    shape.extend([wide_a[ra - 2], wide_b[rb - 1]]);
    let own = |i: &[usize], s: &[usize], row: usize, column: usize| {
        let mut index: Vec<usize> =
            (rank - s.len()..rank - 2).map(|k| if s[k + s.len() - rank] == 1 { 0 } else { i[k] }).collect();
        index.extend([row, column]);
        index
    };
    let made = Tensor::of(&shape, |i| {
        (0..wide_a[ra - 1])
            .map(|j| a2.at(&own(i, &wide_a, i[rank - 2], j)) * b2.at(&own(i, &wide_b, j, i[rank - 1])))
            .sum()
    });
    let mut shape = made.shape.clone();
    if b.shape.len() == 1 {
        shape.pop();
    }
    if a.shape.len() == 1 {
        shape.remove(shape.len() - if b.shape.len() == 1 { 1 } else { 2 });
    }
    Tensor { shape, data: made.data }
}

/// The tensor on the left, or on the right, of weights.
fn product(name: &'static str, shape: &[usize], other: &[usize], left: bool) -> Case {
    let w = weights(other.iter().product());
    let long = |s: &[usize]| s.iter().map(|n| *n as i64).collect::<Vec<i64>>();
    let inputs = if left { ["t", "w"] } else { ["w", "t"] };
    let constants = vec![float_tensor("w", &long(other), &w)];
    let (s, o) = (shape.to_vec(), other.to_vec());
    case(name, &long(shape), vec![build::node("MatMul", &inputs, &["y"], vec![])], constants, move |x| {
        let (x, w) = (Tensor::new(&s, x), Tensor::new(&o, &wide(&w)));
        if left { matmul(&x, &w).data } else { matmul(&w, &x).data }
    })
}

fn einsum(
    name: &'static str,
    equation: &str,
    shape: &[usize],
    other: &[usize],
    f: fn(&Tensor, &Tensor) -> Tensor,
) -> Case {
    let w = weights(other.iter().product());
    let long = |s: &[usize]| s.iter().map(|n| *n as i64).collect::<Vec<i64>>();
    let constants = vec![float_tensor("w", &long(other), &w)];
    let (s, o) = (shape.to_vec(), other.to_vec());
    let nodes = vec![build::node("Einsum", &["t", "w"], &["y"], vec![text("equation", equation)])];
    case(name, &long(shape), nodes, constants, move |x| f(&Tensor::new(&s, x), &Tensor::new(&o, &wide(&w))).data)
}

/// `softmax(scale q k^T + mask) v` of heads, all taken from one tensor `[1, heads, frames, 3 width]`.
fn attend(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64, mask: impl Fn(usize, usize) -> Option<f64>) -> Tensor {
    let frames = k.shape[2];
    Tensor::of(&[q.shape[0], q.shape[1], q.shape[2], v.shape[3]], |i| {
        let score = |j: usize| {
            mask(i[2], j).map(|m| {
                (0..q.shape[3]).map(|d| q.at(&[i[0], i[1], i[2], d]) * k.at(&[i[0], i[1], j, d])).sum::<f64>() * scale
                    + m
            })
        };
        let powers: Vec<f64> = (0..frames).map(|j| score(j).map_or(0.0, f64::exp)).collect();
        let total: f64 = powers.iter().sum();
        (0..frames).map(|j| powers[j] / total * v.at(&[i[0], i[1], j, i[3]])).sum()
    })
}

fn attention(
    name: &'static str,
    mask: Option<TensorProto>,
    scale: Option<f32>,
    allowed: fn(usize, usize) -> Option<f64>,
) -> Case {
    let mut nodes = vec![build::node("Split", &["t", "parts"], &["q", "k", "v"], vec![int("axis", 3)])];
    let inputs = if mask.is_some() { vec!["q", "k", "v", "mask"] } else { vec!["q", "k", "v"] };
    nodes.push(build::node("Attention", &inputs, &["y"], scale.map(|s| float("scale", s)).into_iter().collect()));
    let mut constants = vec![int_tensor("parts", &[2, 2, 3])];
    constants.extend(mask);
    let c = case(name, &[1, 2, 3, 7], nodes, constants, move |x| {
        let x = Tensor::new(&[1, 2, 3, 7], x);
        let part = |from: usize, n: usize| Tensor::of(&[1, 2, 3, n], |i| x.at(&[0, i[1], i[2], from + i[3]]));
        attend(&part(0, 2), &part(2, 2), &part(4, 3), scale.map_or(0.5f64.sqrt(), f64::from), allowed).data
    });
    Case { opset: 23, ..c }
}

/// Three axes: heads side by side.
fn attention_merged() -> Case {
    let nodes = vec![
        build::node("Split", &["t", "parts"], &["q", "k", "v"], vec![int("axis", 2)]),
        build::node("Attention", &["q", "k", "v"], &["y"], vec![int("q_num_heads", 2), int("kv_num_heads", 2)]),
    ];
    let c = case("Attention of merged heads", &[1, 3, 12], nodes, vec![int_tensor("parts", &[4, 4, 4])], |x| {
        let x = Tensor::new(&[1, 3, 12], x);
        let part = |from: usize| Tensor::of(&[1, 2, 3, 2], |i| x.at(&[0, i[2], from + 2 * i[1] + i[3]]));
        let y = attend(&part(0), &part(4), &part(8), 0.5f64.sqrt(), |_, _| Some(0.0));
        Tensor::of(&[1, 3, 4], |i| y.at(&[0, i[2] / 2, i[1], i[2] % 2])).data
    });
    Case { opset: 23, ..c }
}

/// Two heads of queries share one of keys and values.
fn attention_shared() -> Case {
    let nodes = vec![
        build::node("Split", &["t", "parts"], &["q", "k", "v"], vec![int("axis", 2)]),
        build::node("Attention", &["q", "k", "v"], &["y"], vec![int("q_num_heads", 2), int("kv_num_heads", 1)]),
    ];
    let c = case("Attention with shared keys", &[1, 3, 8], nodes, vec![int_tensor("parts", &[4, 2, 2])], |x| {
        let x = Tensor::new(&[1, 3, 8], x);
        let part =
            |from: usize, step: usize| Tensor::of(&[1, 2, 3, 2], |i| x.at(&[0, i[2], from + step * i[1] + i[3]]));
        let y = attend(&part(0, 2), &part(4, 0), &part(6, 0), 0.5f64.sqrt(), |_, _| Some(0.0));
        Tensor::of(&[1, 3, 4], |i| y.at(&[0, i[2] / 2, i[1], i[2] % 2])).data
    });
    Case { opset: 23, ..c }
}

/// The largest and the smallest of operands that are broadcast.
fn extreme(name: &'static str, op: &str, pick: fn(f64, f64) -> f64) -> Case {
    let w = weights(3);
    let constants = vec![float_tensor("w", &[3], &w)];
    case(name, &[2, 3], vec![build::node(op, &["t", "w"], &["y"], vec![])], constants, move |x| {
        x.iter().enumerate().map(|(k, v)| pick(*v, f64::from(w[k % 3]))).collect()
    })
}

fn reduction(name: &'static str, op: &str, keep: bool, f: fn(&[f64]) -> f64) -> Case {
    let nodes = vec![build::node(op, &["t", "axes"], &["y"], vec![int("keepdims", i64::from(keep))])];
    case(name, &[2, 2, 4], nodes, vec![int_tensor("axes", &[-1])], move |x| x.chunks_exact(4).map(f).collect())
}

pub fn cases() -> Vec<Case> {
    let mut may = float_tensor("mask", &[3, 3], &[]);
    may.data_type = BOOL;
    may.raw_data = vec![1, 1, 0, 0, 1, 1, 1, 0, 1].into();
    let added = float_tensor("mask", &[1, 1, 3, 3], &[0.5, -0.25, -1.0].repeat(3));
    let mut last = int_tensor("last", &[1]);
    last.dims.clear();
    let by_row = |f: fn(&[f64]) -> Vec<f64>| move |x: &[f64]| x.chunks_exact(4).flat_map(f).collect::<Vec<_>>();
    vec![
        product("MatMul, vector and three axes", &[3], &[2, 3, 2], true),
        product("MatMul, three axes and vector", &[2, 2, 3], &[3], true),
        product("MatMul, weights of three axes and vector", &[3], &[2, 2, 3], false),
        product("MatMul, vector and weights", &[2, 3, 2], &[3], false),
        product("MatMul, two vectors", &[3], &[3], true),
        product("MatMul, batch broadcast", &[1, 2, 3], &[2, 2, 3, 2], true),
        product("MatMul, weights broadcast", &[2, 2, 3], &[3, 2], true),
        product("MatMul, tensor on the right", &[2, 3, 2], &[2, 3], false),
        einsum("Einsum, product of batches", "bij, bjk -> bik", &[2, 2, 3], &[2, 3, 2], |a, b| {
            Tensor::of(&[2, 2, 2], |i| (0..3).map(|j| a.at(&[i[0], i[1], j]) * b.at(&[i[0], j, i[2]])).sum())
        }),
        einsum("Einsum, an axis of its own summed", "bij,j->b", &[2, 2, 3], &[3], |a, b| {
            Tensor::of(&[2], |i| indices(&[2, 3]).iter().map(|p| a.at(&[i[0], p[0], p[1]]) * b.at(&[p[1]])).sum())
        }),
        attention("Attention", None, None, |_, _| Some(0.0)),
        attention("Attention with a scale and added mask", Some(added), Some(0.3), |_, j| Some([0.5, -0.25, -1.0][j])),
        attention("Attention with a mask of truth values", Some(may), None, |i, j| {
            [[true, true, false], [false, true, true], [true, false, true]][i][j].then_some(0.0)
        }),
        attention_merged(),
        attention_shared(),
        extreme("Max", "Max", f64::max),
        extreme("Min", "Min", f64::min),
        reduction("ReduceMax", "ReduceMax", false, |r| r.iter().copied().fold(f64::MIN, f64::max)),
        reduction("ReduceMin", "ReduceMin", true, |r| r.iter().copied().fold(f64::MAX, f64::min)),
        reduction("ReduceL1", "ReduceL1", true, |r| r.iter().map(|v| v.abs()).sum()),
        reduction("ReduceL2", "ReduceL2", false, |r| r.iter().map(|v| v * v).sum::<f64>().sqrt()),
        reduction("ReduceSumSquare", "ReduceSumSquare", true, |r| r.iter().map(|v| v * v).sum()),
        reduction("ReduceLogSumExp", "ReduceLogSumExp", false, |r| r.iter().map(|v| v.exp()).sum::<f64>().ln()),
        case(
            "CumSum",
            &[2, 4],
            vec![build::node("CumSum", &["t", "last"], &["y"], vec![])],
            vec![last],
            by_row(|r| (0..4).map(|k| r[..=k].iter().sum()).collect()),
        ),
        case(
            "Mean",
            &[2, 4],
            vec![
                build::node("Mul", &["t", "t"], &["q"], vec![]),
                build::node("Mean", &["t", "q", "t"], &["y"], vec![]),
            ],
            vec![],
            |x| x.iter().map(|v| (2.0 * v + v * v) / 3.0).collect(),
        ),
    ]
}
