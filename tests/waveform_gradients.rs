//! Gradients of the operators of waveform models, run by every engine, with fixed and free axes, against central differences of
//! the operators' definitions in float64.

mod operators;

use affect::model::engine::Backend;
use affect::model::{Model, ModelError, Options, library};
use affect::onnx::build::{self, int};
use affect::onnx::graph::Dim;
use affect::onnx::proto::{GraphProto, NodeProto};
use affect::onnx::tensor::{BOOL, FLOAT, INT64, float_tensor, int_tensor};
use operators::Case;

/// Whether the lengths of the tensor that the operator gets are known before the graph runs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Axes {
    Fixed,
    Free,
}

/// A row that becomes the tensor `t`, the operator, and its result `y` as a row, squared: the gradient at every place is another.
fn model(c: &Case, axes: Axes, backend: Backend) -> Result<Model, ModelError> {
    let n: i64 = c.shape.iter().product();
    let node = build::node;
    let mut constants = c.constants.clone();
    constants.push(int_tensor("own_shape", &c.shape));
    constants.push(int_tensor("own_row", &[1, -1]));
    let mut nodes: Vec<NodeProto> = match axes {
        Axes::Fixed => vec![node("Reshape", &["x", "own_shape"], &["t"], vec![])],
        Axes::Free => {
            // The same lengths, computed from the data: nothing can know them beforehand.
            constants.push(float_tensor("own_never", &[], &[1e30]));
            constants.push(int_tensor("own_axes", &[0, 1]));
            vec![
                node("Greater", &["x", "own_never"], &["own_huge"], vec![]),
                node("Cast", &["own_huge"], &["own_counts"], vec![int("to", i64::from(FLOAT))]),
                node("ReduceSum", &["own_counts", "own_axes"], &["own_count"], vec![int("keepdims", 0)]),
                node("Cast", &["own_count"], &["own_nothing"], vec![int("to", i64::from(INT64))]),
                node("Add", &["own_shape", "own_nothing"], &["own_lengths"], vec![]),
                node("Reshape", &["x", "own_lengths"], &["t"], vec![]),
            ]
        }
    };
    nodes.extend(c.nodes.clone());
    nodes.push(node("Reshape", &["y", "own_row"], &["flat"], vec![]));
    nodes.push(node("Mul", &["flat", "flat"], &["z"], vec![]));
    let graph = GraphProto {
        name: "case".to_owned(),
        node: nodes,
        initializer: constants,
        input: vec![build::value("x", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(n)]))],
        output: vec![build::value("z", FLOAT, Some(&[Dim::Fixed(1), Dim::Any]))],
        ..GraphProto::default()
    };
    Model::open(build::model(graph, &[("", c.opset)], &[]), None, &Options { backend, ..Options::default() })
}

/// Numbers without a pattern, far from one another and from 0.
fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|k| ((k * 7919 + 13) % 199) as f32 / 100.0 - 0.9925).collect()
}

fn check(c: &Case, axes: Axes, backend: Backend) {
    let what = format!("{} on {backend}, {axes:?}", c.name);
    let x = numbers(c.shape.iter().product::<i64>() as usize);
    let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
    let squared = |x: &[f64]| -> Vec<f64> { (c.definition)(x).iter().map(|v| v * v).collect() };
    let expected = squared(&wide);
    let m = model(c, axes, backend).unwrap_or_else(|e| panic!("{what}: {e}"));
    let forward = m.run(&x).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(forward.len(), expected.len(), "{what}: as many numbers as the definition gives");
    for (f, e) in forward.iter().zip(&expected) {
        assert!((f - e).abs() <= 2e-5 * e.abs().max(1.0), "{what}: the operator gives {f}, its definition {e}");
    }
    let h = 1e-6;
    let differences: Vec<Vec<f64>> = (0..x.len())
        .map(|i| {
            let at = |d: f64| {
                let mut y = wide.clone();
                y[i] += d;
                squared(&y)
            };
            at(h).iter().zip(at(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect()
        })
        .collect();
    for k in 0..expected.len() {
        let found = m.gradients(&x, k).unwrap_or_else(|e| panic!("{what}: {e}"));
        for (i, found) in found.iter().enumerate() {
            let expected = differences[i][k];
            let off = (f64::from(*found) - expected).abs();
            assert!(
                off <= 3e-5 * expected.abs().max(1.0),
                "{what}: d z[{k}] / d x[{i}] = {found}, expected {expected}"
            );
        }
    }
}

fn check_all(cases: &[Case]) {
    let mut engines = vec![Backend::Rten];
    if library::find(None).is_some() {
        engines.push(Backend::OnnxRuntime);
    } else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
    }
    for c in cases {
        for &backend in &engines {
            for axes in [Axes::Fixed, Axes::Free] {
                if backend != Backend::Rten || c.without_rten.is_empty() {
                    check(c, axes, backend);
                    continue;
                }
                // What the engine lacks is named by it.
                let x = numbers(c.shape.iter().product::<i64>() as usize);
                let e = model(c, axes, backend).and_then(|m| m.gradients(&x, 0)).expect_err(c.name).to_string();
                assert!(e.contains(c.without_rten), "{}: {e}", c.name);
            }
        }
    }
}

#[test]
fn convolutions_and_pools() {
    check_all(&operators::windows::cases());
}

#[test]
fn normalisations() {
    check_all(&operators::norms::cases());
}

#[test]
fn pieces_copies_and_pads() {
    check_all(&operators::pieces::cases());
}

#[test]
fn products_sums_and_attention() {
    check_all(&operators::products::cases());
}

#[test]
fn functions_of_one_number() {
    check_all(&operators::functions::cases());
}

/// The branch that a constant condition takes is differentiated, captured tensors, its own constants and branches inside it
/// included; a condition that is computed is refused by name.
#[test]
fn branches_with_a_constant_condition() {
    check_all(&operators::branches::cases());
    let mut c = operators::branches::cases().remove(0);
    c.constants.retain(|t| t.data_type != BOOL);
    c.nodes.insert(0, build::node("Greater", &["first", "zero"], &["yes"], vec![]));
    c.nodes.insert(0, build::node("ReduceMax", &["t"], &["first"], vec![int("keepdims", 0)]));
    c.constants.push(float_tensor("zero", &[], &[0.0]));
    let x = numbers(c.shape.iter().product::<i64>() as usize);
    let e = model(&c, Axes::Fixed, Backend::Rten).and_then(|m| m.gradients(&x, 0)).expect_err("If").to_string();
    assert!(e.contains("If"), "{e}");
}
