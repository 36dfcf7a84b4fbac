//! Convolutions and pools.

use super::tensor::{Tensor, indices};
use super::{Case, case, weights, wide};
use affect::onnx::build::{self, int, ints, text};
use affect::onnx::tensor::float_tensor;

/// Steps, dilations, padding before and after, by spatial axis.
#[derive(Debug, Clone)]
struct Window {
    strides: Vec<i64>,
    dilations: Vec<i64>,
    before: Vec<i64>,
    after: Vec<i64>,
}

impl Window {
    fn new(strides: &[i64], dilations: &[i64], before: &[i64], after: &[i64]) -> Self {
        Self {
            strides: strides.to_vec(),
            dilations: dilations.to_vec(),
            before: before.to_vec(),
            after: after.to_vec(),
        }
    }

    fn length(&self, k: usize, length: usize, kernel: usize) -> usize {
        let room = length as i64 + self.before[k] + self.after[k] - self.dilations[k] * (kernel as i64 - 1) - 1;
        (room / self.strides[k] + 1) as usize
    }

    fn attributes(&self) -> Vec<affect::onnx::proto::AttributeProto> {
        vec![
            ints("strides", self.strides.clone()),
            ints("dilations", self.dilations.clone()),
            ints("pads", [&self.before[..], &self.after[..]].concat()),
        ]
    }
}

/// The sum over channels of the group and places under the window.
fn conv(x: &Tensor, w: &Tensor, bias: &[f64], group: usize, window: &Window) -> Tensor {
    let spatial = x.shape.len() - 2;
    let mut shape = vec![x.shape[0], w.shape[0]];
    shape.extend((0..spatial).map(|k| window.length(k, x.shape[k + 2], w.shape[k + 2])));
    let per_group = w.shape[0] / group;
    Tensor::of(&shape, |o| {
        let places = indices(&w.shape[1..]);
        let sum: f64 = places
            .iter()
            .map(|p| {
                let mut index = vec![o[0] as i64, (o[1] / per_group * w.shape[1] + p[0]) as i64];
                index.extend((0..spatial).map(|k| {
                    o[k + 2] as i64 * window.strides[k] + p[k + 1] as i64 * window.dilations[k] - window.before[k]
                }));
                x.padded(&index) * w.at(&[&[o[1]], &p[..]].concat())
            })
            .sum();
        sum + bias[o[1]]
    })
}

/// Every element spread under the window.
fn conv_transpose(x: &Tensor, w: &Tensor, group: usize, window: &Window, added: usize) -> Tensor {
    let (channels, per_group, kernel) = (x.shape[1], w.shape[1], w.shape[2]);
    let (s, d) = (window.strides[0] as usize, window.dilations[0] as usize);
    let whole = (x.shape[2] - 1) * s + d * (kernel - 1) + 1 + added;
    let length = whole - (window.before[0] + window.after[0]) as usize;
    Tensor::of(&[x.shape[0], per_group * group, length], |o| {
        let mut sum = 0.0;
        for c in 0..channels {
            if c / (channels / group) != o[1] / per_group {
                continue;
            }
            for t in 0..x.shape[2] {
                for k in 0..kernel {
                    if t * s + k * d == o[2] + window.before[0] as usize {
                        sum += x.at(&[o[0], c, t]) * w.at(&[c, o[1] % per_group, k]);
                    }
                }
            }
        }
        sum
    })
}

fn conv_case(name: &'static str, shape: [usize; 4], kernel: [usize; 4], group: usize, window: &Window) -> Case {
    // Axes of length 0 are none.
    let shape: Vec<usize> = shape.into_iter().filter(|n| *n > 0).collect();
    let kernel: Vec<usize> = kernel.into_iter().filter(|n| *n > 0).collect();
    let (w, b) = (weights(kernel.iter().product()), weights(kernel[0]));
    let dims = |s: &[usize]| s.iter().map(|n| *n as i64).collect::<Vec<i64>>();
    let mut attributes = window.attributes();
    attributes.push(int("group", group as i64));
    let constants = vec![float_tensor("w", &dims(&kernel), &w), float_tensor("b", &[kernel[0] as i64], &b)];
    let window = window.clone();
    let long = dims(&shape);
    case(name, &long, vec![build::node("Conv", &["t", "w", "b"], &["y"], attributes)], constants, move |x| {
        conv(&Tensor::new(&shape, x), &Tensor::new(&kernel, &wide(&w)), &wide(&b), group, &window).data
    })
}

fn transposed_case(name: &'static str, group: usize, window: &Window, added: i64) -> Case {
    let (shape, kernel) = ([2usize, 4, 5], [4usize, 3, 3]);
    let w = weights(kernel.iter().product());
    let mut attributes = window.attributes();
    attributes.extend([int("group", group as i64), ints("output_padding", vec![added])]);
    let window = window.clone();
    let constants = vec![float_tensor("w", &[4, 3, 3], &w)];
    case(name, &[2, 4, 5], vec![build::node("ConvTranspose", &["t", "w"], &["y"], attributes)], constants, move |x| {
        let w = Tensor::new(&kernel, &wide(&w));
        conv_transpose(&Tensor::new(&shape, x), &w, group, &window, added as usize).data
    })
}

/// Weights whose length is divided out in the graph, as `weight_norm` leaves them: `g v / |v|`.
fn weight_norm() -> Case {
    let (v, g) = (weights(2 * 3 * 4), weights(4));
    let nodes = vec![
        build::node("ReduceL2", &["v", "axes"], &["norm"], vec![int("keepdims", 1)]),
        build::node("Div", &["v", "norm"], &["direction"], vec![]),
        build::node("Mul", &["direction", "g"], &["w"], vec![]),
        build::node(
            "Conv",
            &["t", "w"],
            &["y"],
            vec![ints("pads", vec![2, 2]), ints("strides", vec![1]), ints("dilations", vec![1])],
        ),
    ];
    let constants = vec![
        float_tensor("v", &[2, 3, 4], &v),
        float_tensor("g", &[1, 1, 4], &g),
        affect::onnx::tensor::int_tensor("axes", &[0, 1]),
    ];
    case("weight norm", &[1, 3, 6], nodes, constants, move |x| {
        let v = Tensor::new(&[2, 3, 4], &wide(&v));
        let norm = |k: usize| (0..6).map(|i| v.at(&[i / 3, i % 3, k]).powi(2)).sum::<f64>().sqrt();
        let w = Tensor::of(&[2, 3, 4], |i| v.at(i) / norm(i[2]) * f64::from(g[i[2]]));
        conv(&Tensor::new(&[1, 3, 6], x), &w, &[0.0; 2], 1, &Window::new(&[1], &[1], &[2], &[2])).data
    })
}

/// The mean under a window, with or without the padding.
fn average(name: &'static str, include: bool) -> Case {
    let attributes = vec![
        ints("kernel_shape", vec![3]),
        ints("strides", vec![2]),
        ints("pads", vec![1, 1]),
        int("count_include_pad", i64::from(include)),
    ];
    case(name, &[2, 2, 6], vec![build::node("AveragePool", &["t"], &["y"], attributes)], vec![], move |x| {
        let x = Tensor::new(&[2, 2, 6], x);
        let window = Window::new(&[2], &[1], &[1], &[1]);
        let length = window.length(0, 6, 3);
        Tensor::of(&[2, 2, length], |o| {
            let places: Vec<i64> = (0..3).map(|k| o[2] as i64 * 2 + k - 1).collect();
            let inside = places.iter().filter(|p| (0..6).contains(*p)).count();
            let sum: f64 = places.iter().map(|p| x.padded(&[o[0] as i64, o[1] as i64, *p])).sum();
            sum / if include { 3.0 } else { inside as f64 }
        })
        .data
    })
}

pub fn cases() -> Vec<Case> {
    let one = |s, d, before, after| Window::new(&[s], &[d], &[before], &[after]);
    let mut same = conv_case("Conv, same length", [2, 3, 7, 0], [2, 3, 4, 0], 1, &one(1, 1, 1, 2));
    same.nodes[0].attribute.retain(|a| a.name != "pads");
    same.nodes[0].attribute.push(text("auto_pad", "SAME_UPPER"));
    vec![
        conv_case("Conv", [2, 3, 7, 0], [4, 3, 3, 0], 1, &one(1, 1, 0, 0)),
        conv_case("Conv, padded", [2, 3, 7, 0], [4, 3, 4, 0], 1, &one(1, 1, 2, 1)),
        // (11 - 10) mod 5 leaves a sample that no window covers.
        conv_case("Conv, first layer of wav2vec 2.0", [1, 1, 31, 0], [3, 1, 10, 0], 1, &one(5, 1, 0, 0)),
        conv_case("Conv, stride 2 with a rest", [2, 2, 8, 0], [2, 2, 3, 0], 1, &one(2, 1, 0, 0)),
        conv_case("Conv, stride 3 padded", [1, 2, 9, 0], [2, 2, 2, 0], 1, &one(3, 1, 1, 1)),
        conv_case("Conv, dilated", [1, 2, 9, 0], [2, 2, 3, 0], 1, &one(1, 2, 2, 1)),
        conv_case("Conv, dilated stride 2", [1, 2, 10, 0], [2, 2, 3, 0], 1, &one(2, 2, 1, 0)),
        conv_case("Conv, groups", [2, 4, 6, 0], [6, 2, 3, 0], 2, &one(1, 1, 1, 1)),
        conv_case("Conv, groups, stride 2", [1, 4, 7, 0], [4, 2, 4, 0], 2, &one(2, 1, 1, 2)),
        conv_case("Conv, depthwise", [1, 3, 6, 0], [3, 1, 2, 0], 3, &one(1, 1, 0, 1)),
        conv_case("Conv of pictures", [1, 2, 5, 6], [3, 2, 2, 3], 1, &Window::new(&[2, 1], &[1, 2], &[1, 0], &[0, 1])),
        same,
        transposed_case("ConvTranspose", 1, &one(1, 1, 0, 0), 0),
        transposed_case("ConvTranspose, stride 2", 2, &one(2, 1, 1, 0), 1),
        transposed_case("ConvTranspose, dilated", 1, &one(3, 2, 1, 2), 2),
        weight_norm(),
        average("AveragePool", false),
        average("AveragePool with its padding", true),
        case(
            "GlobalAveragePool",
            &[2, 2, 3],
            vec![build::node("GlobalAveragePool", &["t"], &["y"], vec![])],
            vec![],
            |x| x.chunks_exact(3).map(|r| r.iter().sum::<f64>() / 3.0).collect(),
        ),
        Case {
            ..case(
                "MaxPool with overlap",
                &[1, 2, 7],
                vec![build::node(
                    "MaxPool",
                    &["t"],
                    &["y"],
                    vec![ints("kernel_shape", vec![3]), ints("strides", vec![2])],
                )],
                vec![],
                |x| {
                    let x = Tensor::new(&[1, 2, 7], x);
                    let largest =
                        |o: &[usize]| (0..3).map(|k| x.at(&[o[0], o[1], o[2] * 2 + k])).fold(f64::MIN, f64::max);
                    Tensor::of(&[1, 2, 3], largest).data
                },
            )
        },
    ]
}
