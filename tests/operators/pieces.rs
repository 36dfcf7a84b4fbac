//! Pieces, copies and pads.

use super::tensor::{Tensor, indices};
use super::{Case, case, weights};
use affect::onnx::build::{self, int, text};
use affect::onnx::proto::NodeProto;
use affect::onnx::tensor::{INT64, float_tensor, int_tensor};

/// The operator, its definition an index of `t` for every element of `y`; `None` for zeros.
fn moved(
    name: &'static str,
    from: &[usize],
    to: &[usize],
    nodes: Vec<NodeProto>,
    constants: Vec<affect::onnx::proto::TensorProto>,
    place: impl Fn(&[usize]) -> Option<Vec<usize>> + 'static,
) -> Case {
    let long: Vec<i64> = from.iter().map(|n| *n as i64).collect();
    let (from, to) = (from.to_vec(), to.to_vec());
    case(name, &long, nodes, constants, move |x| {
        let x = Tensor::new(&from, x);
        Tensor::of(&to, |i| place(i).map_or(0.0, |p| x.at(&p))).data
    })
}

fn pad(name: &'static str, mode: &str, pads: [i64; 4], to: [usize; 2], place: fn(i64, i64) -> i64) -> Case {
    let attributes = vec![text("mode", mode)];
    let constants = vec![int_tensor("pads", &pads)];
    moved(name, &[3, 5], &to, vec![build::node("Pad", &["t", "pads"], &["y"], attributes)], constants, move |i| {
        let index: Vec<i64> = (0..2).map(|k| place(i[k] as i64 - pads[k], [3, 5][k])).collect();
        let inside = (0..2).all(|k| (0..[3i64, 5][k]).contains(&index[k]));
        inside.then(|| index.iter().map(|v| *v as usize).collect())
    })
}

/// Bounds that the graph computes from the lengths: the last two but one, as a trim after a padded convolution.
fn computed_bounds() -> Case {
    let nodes = vec![
        build::node("Shape", &["t"], &["lengths"], vec![]),
        build::node("Gather", &["lengths", "last"], &["length"], vec![int("axis", 0)]),
        build::node("Sub", &["length", "one"], &["to"], vec![]),
        build::node("Sub", &["to", "two"], &["from"], vec![]),
        build::node("Slice", &["t", "from", "to", "last"], &["y"], vec![]),
    ];
    let constants = vec![int_tensor("last", &[2]), int_tensor("one", &[1]), int_tensor("two", &[2])];
    moved("Slice with computed bounds", &[1, 2, 5], &[1, 2, 2], nodes, constants, |i| Some(vec![i[0], i[1], i[2] + 2]))
}

pub fn cases() -> Vec<Case> {
    let node = build::node;
    let slice = |from: i64, to: i64, step: i64| {
        let constants = vec![
            int_tensor("from", &[from]),
            int_tensor("to", &[to]),
            int_tensor("axes", &[1]),
            int_tensor("step", &[step]),
        ];
        (vec![node("Slice", &["t", "from", "to", "axes", "step"], &["y"], vec![])], constants)
    };
    let (stepped, stepped_bounds) = slice(1, 7, 2);
    let (reversed, reversed_bounds) = slice(-1, -8, -1);
    let (trimmed, trimmed_bounds) = slice(0, -1, 1);
    let mut all = vec![
        computed_bounds(),
        moved("Slice with steps", &[2, 7], &[2, 3], stepped, stepped_bounds, |i| Some(vec![i[0], 1 + 2 * i[1]])),
        moved("Slice backwards", &[2, 7], &[2, 7], reversed, reversed_bounds, |i| Some(vec![i[0], 6 - i[1]])),
        moved("Slice that trims", &[2, 7], &[2, 6], trimmed, trimmed_bounds, |i| Some(i.to_vec())),
        pad("Pad with zeros", "constant", [1, 2, 0, 3], [4, 10], |i, _| i),
        pad("Pad that cuts", "constant", [0, -1, 1, -2], [4, 2], |i, _| i),
        pad("Pad by reflection", "reflect", [0, 2, 0, 1], [3, 8], |i, n| {
            let i = i.abs();
            if i >= n { 2 * n - 2 - i } else { i }
        }),
        pad("Pad with the edge", "edge", [0, 2, 0, 1], [3, 8], |i, n| i.clamp(0, n - 1)),
        moved(
            "Tile",
            &[2, 3],
            &[4, 9],
            vec![node("Tile", &["t", "times"], &["y"], vec![])],
            vec![int_tensor("times", &[2, 3])],
            |i| Some(vec![i[0] % 2, i[1] % 3]),
        ),
        moved(
            "Expand",
            &[2, 1, 3],
            &[2, 2, 4, 3],
            vec![node("Expand", &["t", "to"], &["y"], vec![])],
            vec![int_tensor("to", &[2, 1, 4, 1])],
            |i| Some(vec![i[1], 0, i[3]]),
        ),
        moved(
            "Split into three, one unused",
            &[2, 6],
            &[2, 4],
            vec![
                node("Split", &["t", "parts"], &["a", "b", "c"], vec![int("axis", -1)]),
                node("Concat", &["c", "a"], &["y"], vec![int("axis", 1)]),
            ],
            vec![int_tensor("parts", &[1, 2, 3])],
            |i| Some(vec![i[0], if i[1] < 3 { i[1] + 3 } else { 0 }]),
        ),
        moved(
            "Gather of one frame",
            &[2, 4, 3],
            &[2, 3],
            vec![node("Gather", &["t", "first"], &["y"], vec![int("axis", 1)])],
            vec![{
                let mut t = int_tensor("first", &[0]);
                t.dims.clear();
                t
            }],
            |i| Some(vec![i[0], 0, i[1]]),
        ),
        moved(
            "GatherElements",
            &[2, 3],
            &[2, 2],
            vec![node("GatherElements", &["t", "at"], &["y"], vec![int("axis", 1)])],
            vec![{
                let mut t = int_tensor("at", &[2, 2, 0, 1]);
                t.dims = vec![2, 2];
                t
            }],
            |i| Some(vec![i[0], [[2, 2], [0, 1]][i[0]][i[1]]]),
        ),
        moved("Trilu", &[3, 4], &[3, 4], vec![node("Trilu", &["t"], &["y"], vec![int("upper", 0)])], vec![], |i| {
            (i[1] <= i[0]).then(|| i.to_vec())
        }),
    ];
    // The same gather in an operator set that cannot add up what meets in one place.
    let old = moved(
        "Gather of one frame, opset 14",
        &[2, 4, 3],
        &[2, 1, 3],
        vec![node("Gather", &["t", "first"], &["y"], vec![int("axis", 1)])],
        vec![int_tensor("first", &[-1])],
        |i| Some(vec![i[0], 3, i[2]]),
    );
    all.push(Case { opset: 14, ..old });
    all.extend([where_case(), scatter_case()]);
    all
}

/// One operand is broadcast.
fn where_case() -> Case {
    let w = weights(3);
    let nodes = vec![
        build::node("Greater", &["t", "zero"], &["up"], vec![]),
        build::node("ReduceSum", &["t", "axes"], &["sums"], vec![int("keepdims", 1)]),
        build::node("Where", &["up", "sums", "w"], &["a"], vec![]),
        build::node("Add", &["a", "t"], &["y"], vec![]),
    ];
    let constants = vec![float_tensor("zero", &[], &[0.0]), int_tensor("axes", &[1]), float_tensor("w", &[3], &w)];
    case("Where with broadcasting", &[2, 3], nodes, constants, move |x| {
        let row = |r: &[f64]| {
            let sum: f64 = r.iter().sum();
            (0..3).map(|k| if r[k] > 0.0 { sum + r[k] } else { f64::from(w[k]) + r[k] }).collect::<Vec<_>>()
        };
        x.chunks_exact(3).flat_map(row).collect()
    })
}

/// What is put replaces, and comes from the tensor itself.
fn scatter_case() -> Case {
    let nodes = vec![
        build::node("Slice", &["t", "from", "to", "axes"], &["part"], vec![]),
        build::node("Cast", &["places"], &["at"], vec![int("to", i64::from(INT64))]),
        build::node("ScatterElements", &["t", "at", "part"], &["y"], vec![int("axis", 1)]),
    ];
    let mut places = float_tensor("places", &[2, 2], &[3.0, 1.0, 0.0, 2.0]);
    places.name = "places".to_owned();
    let constants = vec![int_tensor("from", &[1]), int_tensor("to", &[3]), int_tensor("axes", &[1]), places];
    case("ScatterElements", &[2, 4], nodes, constants, |x| {
        let (x, at) = (Tensor::new(&[2, 4], x), [[3, 1], [0, 2]]);
        let mut y = x.clone();
        for i in indices(&[2, 2]) {
            y.data[i[0] * 4 + at[i[0]][i[1]]] = x.at(&[i[0], i[1] + 1]);
        }
        y.data
    })
}
