//! Normalisations.

use super::{Case, case, wide};
use affect::onnx::build::{self, float, int, ints};
use affect::onnx::tensor::{float_tensor, int_tensor};

const SCALE: [f32; 4] = [0.7, -1.3, 2.1, 0.4];
const SHIFT: [f32; 4] = [0.1, 0.2, -0.3, 0.5];
const EPSILON: f32 = 0.01;

/// Mean 0 and variance 1.
fn standard(r: &[f64]) -> Vec<f64> {
    let n = r.len() as f64;
    let m = r.iter().sum::<f64>() / n;
    let v = r.iter().map(|v| (v - m).powi(2)).sum::<f64>() / n;
    r.iter().map(|x| (x - m) / (v + f64::from(EPSILON)).sqrt()).collect()
}

/// Stretches of `length` standardised; then element `k` scaled and shifted as channel `channel(k)` says.
fn by_channel(x: &[f64], length: usize, channel: impl Fn(usize) -> usize) -> Vec<f64> {
    let (scale, shift) = (wide(&SCALE), wide(&SHIFT));
    let all: Vec<f64> = x.chunks_exact(length).flat_map(standard).collect();
    all.iter().enumerate().map(|(k, v)| v * scale[channel(k)] + shift[channel(k)]).collect()
}

/// The way of attention through a mask: a row in which everything is masked has no softmax, and 0 stands for it.
fn masked() -> Case {
    const GONE: f32 = f32::NEG_INFINITY;
    let node = build::node;
    let nodes = vec![
        node("Add", &["t", "mask"], &["scores"], vec![]),
        node("Softmax", &["scores"], &["weights"], vec![int("axis", -1)]),
        node("ReduceMax", &["scores", "last"], &["highest"], vec![int("keepdims", 1)]),
        node("Equal", &["highest", "gone"], &["nowhere"], vec![]),
        node("Where", &["nowhere", "zero", "weights"], &["y"], vec![]),
    ];
    let constants = vec![
        float_tensor("mask", &[3, 3], &[0.0, 0.5, GONE, GONE, GONE, GONE, 0.0, 0.0, 0.25]),
        int_tensor("last", &[-1]),
        float_tensor("gone", &[], &[GONE]),
        float_tensor("zero", &[], &[0.0]),
    ];
    case("Softmax with a row that is masked", &[3, 3], nodes, constants, |x| {
        let mut y = vec![0.0; 9];
        y[..2].copy_from_slice(&softmax(&[x[0], x[1] + 0.5]));
        y[6..].copy_from_slice(&softmax(&[x[6], x[7], x[8] + 0.25]));
        y
    })
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let total: f64 = x.iter().map(|v| v.exp()).sum();
    x.iter().map(|v| v.exp() / total).collect()
}

pub fn cases() -> Vec<Case> {
    let constants =
        |n: usize| vec![float_tensor("g", &[n as i64], &SCALE[..n]), float_tensor("h", &[n as i64], &SHIFT[..n])];
    let norm = |op: &str, attributes: Vec<_>| {
        let attributes = [vec![float("epsilon", EPSILON)], attributes].concat();
        vec![build::node(op, &["t", "g", "h"], &["y"], attributes)]
    };
    vec![
        masked(),
        case("InstanceNormalization", &[2, 3, 5], norm("InstanceNormalization", vec![]), constants(3), |x| {
            by_channel(x, 5, |k| k / 5 % 3)
        }),
        case(
            "InstanceNormalization of pictures",
            &[1, 2, 3, 2],
            norm("InstanceNormalization", vec![]),
            constants(2),
            |x| by_channel(x, 6, |k| k / 6 % 2),
        ),
        Case {
            opset: 21,
            ..case(
                "GroupNormalization",
                &[2, 4, 3],
                norm("GroupNormalization", vec![int("num_groups", 2)]),
                constants(4),
                |x| by_channel(x, 6, |k| k / 3 % 4),
            )
        },
        case("LayerNormalization", &[2, 3, 4], norm("LayerNormalization", vec![]), constants(4), |x| {
            by_channel(x, 4, |k| k % 4)
        }),
        case(
            "LayerNormalization over two axes",
            &[3, 2, 2],
            norm("LayerNormalization", vec![int("axis", 1)]),
            vec![float_tensor("g", &[2, 2], &SCALE), float_tensor("h", &[2, 2], &SHIFT)],
            |x| by_channel(x, 4, |k| k % 4),
        ),
        Case {
            opset: 23,
            ..case(
                "RMSNormalization",
                &[2, 3, 4],
                vec![build::node("RMSNormalization", &["t", "g"], &["y"], vec![float("epsilon", EPSILON)])],
                vec![float_tensor("g", &[4], &SCALE)],
                |x| {
                    let row = |r: &[f64]| {
                        let power = r.iter().map(|v| v * v).sum::<f64>() / 4.0 + f64::from(EPSILON);
                        (0..4).map(|k| r[k] / power.sqrt() * f64::from(SCALE[k])).collect::<Vec<_>>()
                    };
                    x.chunks_exact(4).flat_map(row).collect()
                },
            )
        },
        case(
            "LpNormalization",
            &[2, 4],
            vec![build::node("LpNormalization", &["t"], &["y"], vec![int("axis", 1), int("p", 2)])],
            vec![],
            |x| {
                let row = |r: &[f64]| {
                    let norm = r.iter().map(|v| v * v).sum::<f64>().sqrt();
                    r.iter().map(|v| v / norm).collect::<Vec<_>>()
                };
                x.chunks_exact(4).flat_map(row).collect()
            },
        ),
        Case {
            without_rten: "MeanVarianceNormalization",
            ..case(
                "MeanVarianceNormalization",
                &[2, 5],
                vec![build::node("MeanVarianceNormalization", &["t"], &["y"], vec![ints("axes", vec![1])])],
                vec![],
                |x| {
                    let row = |r: &[f64]| {
                        let m = r.iter().sum::<f64>() / 5.0;
                        let v = r.iter().map(|v| (v - m).powi(2)).sum::<f64>() / 5.0;
                        r.iter().map(|x| (x - m) / (v.sqrt() + 1e-9)).collect::<Vec<_>>()
                    };
                    x.chunks_exact(5).flat_map(row).collect()
                },
            )
        },
    ]
}
