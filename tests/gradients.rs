//! Every operator's gradient, run by every engine, against central differences of the operator's definition in float64.

use affect::model::engine::Backend;
use affect::model::{Model, Options, library};
use affect::onnx::build::{self, float, int, ints};
use affect::onnx::graph::Dim;
use affect::onnx::proto::{GraphProto, NodeProto, TensorProto};
use affect::onnx::tensor::{FLOAT, float_tensor, int_tensor};

/// Rows of three numbers, seen as one table of two rows: `[2, 3]`.
const ROWS: usize = 2;
const COLUMNS: usize = 3;

type Definition = fn(&[f64]) -> Vec<f64>;

struct Case {
    name: &'static str,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// What becomes of the table `x` (rows first): the output, rows first, `[2, n]`.
    definition: Definition,
    opset: i64,
}

fn case(name: &'static str, nodes: Vec<NodeProto>, constants: Vec<TensorProto>, definition: Definition) -> Case {
    Case { name, nodes, constants, definition, opset: 18 }
}

fn unary(op: &'static str, definition: Definition) -> Case {
    case(op, vec![build::node(op, &["x"], &["y"], vec![])], vec![], definition)
}

fn each(x: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.iter().map(|v| f(*v)).collect()
}

fn by_row(x: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    x.chunks_exact(COLUMNS).flat_map(f).collect()
}

fn softmax(r: &[f64]) -> Vec<f64> {
    let s: f64 = r.iter().map(|v| v.exp()).sum();
    r.iter().map(|v| v.exp() / s).collect()
}

/// Abramowitz and Stegun 7.1.5: the series, summed until nothing is added.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-18 {
        n += 1.0;
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

const C: [f32; 3] = [0.7, -1.3, 2.1];

fn cases() -> Vec<Case> {
    let c = || float_tensor("c", &[3], &C);
    let w = || float_tensor("w", &[3, 2], &[0.5, -1.0, 2.0, 0.3, -0.7, 1.1]);
    let binary = |op: &str, a: &str, b: &str| vec![build::node(op, &[a, b], &["y"], vec![])];
    let shaped = |op: &str, list: &[i64], attributes| {
        (vec![build::node(op, &["x", "s"], &["y"], attributes)], vec![int_tensor("s", list)])
    };
    let mut all = vec![
        case("Add", binary("Add", "x", "c"), vec![c()], |x| {
            by_row(x, |r| (0..3).map(|k| r[k] + f64::from(C[k])).collect())
        }),
        case("Sub", binary("Sub", "c", "x"), vec![c()], |x| {
            by_row(x, |r| (0..3).map(|k| f64::from(C[k]) - r[k]).collect())
        }),
        case("Mul", binary("Mul", "x", "x"), vec![], |x| each(x, |v| v * v)),
        case("Div", binary("Div", "c", "x"), vec![c()], |x| {
            by_row(x, |r| (0..3).map(|k| f64::from(C[k]) / r[k]).collect())
        }),
        case("Div by", binary("Div", "x", "c"), vec![c()], |x| {
            by_row(x, |r| (0..3).map(|k| r[k] / f64::from(C[k])).collect())
        }),
        case("Pow", binary("Pow", "x", "p"), vec![float_tensor("p", &[], &[3.0])], |x| each(x, |v| v.powi(3))),
        unary("Neg", |x| each(x, |v| -v)),
        unary("Exp", |x| each(x, f64::exp)),
        unary("Log", |x| each(x, f64::ln)),
        unary("Sqrt", |x| each(x, f64::sqrt)),
        unary("Abs", |x| each(x, f64::abs)),
        unary("Reciprocal", |x| each(x, |v| 1.0 / v)),
        unary("Relu", |x| each(x, |v| v.max(0.0))),
        unary("Tanh", |x| each(x, f64::tanh)),
        unary("Sigmoid", |x| each(x, |v| 1.0 / (1.0 + (-v).exp()))),
        unary("Softplus", |x| each(x, |v| (1.0 + v.exp()).ln())),
        unary("Erf", |x| each(x, erf)),
        unary("Identity", <[f64]>::to_vec),
        case("LeakyRelu", vec![build::node("LeakyRelu", &["x"], &["y"], vec![float("alpha", 0.2)])], vec![], |x| {
            each(x, |v| if v > 0.0 { v } else { f64::from(0.2f32) * v })
        }),
        case("Elu", vec![build::node("Elu", &["x"], &["y"], vec![float("alpha", 1.5)])], vec![], |x| {
            each(x, |v| if v > 0.0 { v } else { 1.5 * (v.exp() - 1.0) })
        }),
        case("Softmax", vec![build::node("Softmax", &["x"], &["y"], vec![int("axis", 1)])], vec![], |x| {
            by_row(x, softmax)
        }),
        case("LogSoftmax", vec![build::node("LogSoftmax", &["x"], &["y"], vec![int("axis", -1)])], vec![], |x| {
            by_row(x, |r| softmax(r).iter().map(|p| p.ln()).collect())
        }),
        case("MatMul", binary("MatMul", "x", "w"), vec![w()], |x| {
            by_row(x, |r| {
                let w = [0.5f32, -1.0, 2.0, 0.3, -0.7, 1.1];
                (0..2).map(|k| (0..3).map(|i| r[i] * f64::from(w[i * 2 + k])).sum()).collect()
            })
        }),
        case(
            "Gemm",
            vec![build::node(
                "Gemm",
                &["x", "w", "b"],
                &["y"],
                vec![int("transB", 1), float("alpha", 0.5), float("beta", 2.0)],
            )],
            vec![float_tensor("w", &[2, 3], &[0.5, -1.0, 2.0, 0.3, -0.7, 1.1]), float_tensor("b", &[2], &[1.0, -1.0])],
            |x| {
                by_row(x, |r| {
                    let w = [0.5f32, -1.0, 2.0, 0.3, -0.7, 1.1];
                    (0..2)
                        .map(|k| {
                            0.5 * (0..3).map(|i| r[i] * f64::from(w[k * 3 + i])).sum::<f64>() + 2.0 * [1.0, -1.0][k]
                        })
                        .collect()
                })
            },
        ),
        case(
            "LayerNormalization",
            vec![build::node("LayerNormalization", &["x", "g", "h"], &["y"], vec![float("epsilon", 0.01)])],
            vec![float_tensor("g", &[3], &C), float_tensor("h", &[3], &[0.1, 0.2, 0.3])],
            |x| {
                by_row(x, |r| {
                    let m = r.iter().sum::<f64>() / 3.0;
                    let v = r.iter().map(|v| (v - m).powi(2)).sum::<f64>() / 3.0;
                    (0..3)
                        .map(|k| {
                            (r[k] - m) / (v + f64::from(0.01f32)).sqrt() * f64::from(C[k])
                                + f64::from([0.1f32, 0.2, 0.3][k])
                        })
                        .collect()
                })
            },
        ),
        case(
            "BatchNormalization",
            vec![build::node("BatchNormalization", &["x", "g", "h", "m", "v"], &["y"], vec![])],
            vec![
                float_tensor("g", &[3], &C),
                float_tensor("h", &[3], &[0.1, 0.2, 0.3]),
                float_tensor("m", &[3], &[1.0, 0.0, -1.0]),
                float_tensor("v", &[3], &[0.5, 1.0, 2.0]),
            ],
            |x| {
                by_row(x, |r| {
                    (0..3)
                        .map(|k| {
                            let (m, v, h) = ([1.0, 0.0, -1.0][k], [0.5, 1.0, 2.0][k], f64::from([0.1f32, 0.2, 0.3][k]));
                            (r[k] - m) / (v + f64::from(1e-5f32)).sqrt() * f64::from(C[k]) + h
                        })
                        .collect()
                })
            },
        ),
        case(
            "ReduceMean kept, broadcast back",
            vec![
                build::node("ReduceMean", &["x", "s"], &["m"], vec![int("keepdims", 1)]),
                build::node("Sub", &["x", "m"], &["d"], vec![]),
                build::node("Mul", &["d", "m"], &["y"], vec![]),
            ],
            vec![int_tensor("s", &[1])],
            |x| {
                by_row(x, |r| {
                    let m = r.iter().sum::<f64>() / 3.0;
                    r.iter().map(|v| (v - m) * m).collect()
                })
            },
        ),
        case(
            "ReduceSum dropped, unsqueezed",
            vec![
                build::node("Mul", &["x", "x"], &["q"], vec![]),
                build::node("ReduceSum", &["q", "s"], &["t"], vec![int("keepdims", 0)]),
                build::node("Unsqueeze", &["t", "s"], &["y"], vec![]),
            ],
            vec![int_tensor("s", &[1])],
            |x| by_row(x, |r| vec![r.iter().map(|v| v * v).sum()]),
        ),
        case(
            "Squeeze",
            vec![
                build::node("Unsqueeze", &["x", "s"], &["u"], vec![]),
                build::node("Mul", &["u", "u"], &["q"], vec![]),
                build::node("Squeeze", &["q", "s"], &["y"], vec![]),
            ],
            vec![int_tensor("s", &[1])],
            |x| each(x, |v| v * v),
        ),
        case(
            "Transpose and a matrix product of the input with itself",
            vec![
                build::node("Unsqueeze", &["x", "s"], &["a"], vec![]),
                build::node("Transpose", &["a"], &["b"], vec![ints("perm", vec![0, 2, 1])]),
                build::node("MatMul", &["a", "b"], &["m"], vec![]),
                build::node("Flatten", &["m"], &["y"], vec![int("axis", 1)]),
            ],
            vec![int_tensor("s", &[2])],
            |x| by_row(x, |r| r.iter().flat_map(|a| r.iter().map(move |b| a * b)).collect()),
        ),
        case(
            "Concat",
            vec![
                build::node("Mul", &["x", "x"], &["q"], vec![]),
                build::node("Concat", &["x", "q", "x"], &["y"], vec![int("axis", -1)]),
            ],
            vec![],
            |x| by_row(x, |r| r.iter().copied().chain(r.iter().map(|v| v * v)).chain(r.iter().copied()).collect()),
        ),
        case(
            "Slice",
            vec![build::node("Slice", &["x", "from", "to", "axes"], &["y"], vec![])],
            vec![int_tensor("from", &[-2]), int_tensor("to", &[i64::MAX]), int_tensor("axes", &[1])],
            |x| by_row(x, |r| r[1..].to_vec()),
        ),
        case(
            "Gather with repeats",
            vec![build::node("Gather", &["x", "i"], &["y"], vec![int("axis", 1)])],
            vec![int_tensor("i", &[2, 0, 2, -1])],
            |x| by_row(x, |r| vec![r[2], r[0], r[2], r[2]]),
        ),
        case(
            "Split",
            vec![
                build::node("Split", &["x", "s"], &["a", "b"], vec![int("axis", 1)]),
                build::node("Mul", &["b", "b"], &["y"], vec![]),
            ],
            vec![int_tensor("s", &[1, 2])],
            |x| by_row(x, |r| r[1..].iter().map(|v| v * v).collect()),
        ),
        case(
            "Clip",
            vec![build::node("Clip", &["x", "lo", "hi"], &["y"], vec![])],
            vec![float_tensor("lo", &[], &[0.5]), float_tensor("hi", &[], &[1.2])],
            |x| each(x, |v| v.clamp(0.5, f64::from(1.2f32))),
        ),
        case(
            "Where",
            vec![
                build::node("Greater", &["x", "one"], &["up"], vec![]),
                build::node("Mul", &["x", "x"], &["q"], vec![]),
                build::node("Where", &["up", "q", "x"], &["y"], vec![]),
            ],
            vec![float_tensor("one", &[], &[1.0])],
            |x| each(x, |v| if v > 1.0 { v * v } else { v }),
        ),
        case(
            "Flatten",
            vec![
                build::node("Flatten", &["x"], &["f"], vec![int("axis", 1)]),
                build::node("Mul", &["f", "f"], &["y"], vec![]),
            ],
            vec![],
            |x| each(x, |v| v * v),
        ),
        Case { opset: 20, ..unary("Gelu", |x| each(x, |v| 0.5 * v * (1.0 + erf(v / 2.0f64.sqrt())))) },
    ];
    let (nodes, constants) = shaped("Reshape", &[0, 3], vec![]);
    all.push(case("Reshape", nodes, constants, <[f64]>::to_vec));
    all.push(case(
        "Expand",
        vec![
            build::node("Unsqueeze", &["x", "s"], &["u"], vec![]),
            build::node("Expand", &["u", "to"], &["w"], vec![]),
            build::node("Flatten", &["w"], &["y"], vec![int("axis", 1)]),
        ],
        vec![int_tensor("s", &[1]), int_tensor("to", &[1, 2, 1])],
        |x| by_row(x, |r| [r, r].concat()),
    ));
    all
}

/// The operator, squared, as a model: its gradient is then another one at every place.
fn model(c: &Case, columns: usize, batch: Dim, backend: Backend) -> Result<Model, affect::model::ModelError> {
    let mut nodes = c.nodes.clone();
    nodes.push(build::node("Mul", &["y", "y"], &["z"], vec![]));
    let graph = GraphProto {
        name: "case".to_owned(),
        node: nodes,
        initializer: c.constants.clone(),
        input: vec![build::value("x", FLOAT, Some(&[batch.clone(), Dim::Fixed(COLUMNS as i64)]))],
        output: vec![build::value("z", FLOAT, Some(&[batch, Dim::Fixed(columns as i64)]))],
        ..GraphProto::default()
    };
    Model::open(build::model(graph, &[("", c.opset)], &[]), None, &Options { backend, ..Options::default() })
}

#[test]
fn every_rule_agrees_with_central_differences() {
    let mut engines = vec![Backend::Rten];
    if library::find(None).is_some() {
        engines.push(Backend::OnnxRuntime);
    } else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
    }
    let x: Vec<f32> = vec![0.31, 1.42, 0.87, 1.93, 0.64, 1.11];
    let shifted: Vec<f32> = x.iter().map(|v| v - 1.0).collect();
    for c in cases() {
        let needs_positive = matches!(c.name, "Log" | "Sqrt" | "Reciprocal" | "Div");
        let inputs = if needs_positive { vec![x.clone()] } else { vec![x.clone(), shifted.clone()] };
        for x in &inputs {
            let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            let squared = |x: &[f64]| -> Vec<f64> { (c.definition)(x).iter().map(|v| v * v).collect() };
            let columns = squared(&wide).len() / ROWS;
            for &backend in &engines {
                // With and without a number for the rows: shapes known beforehand, and computed on the way.
                for batch in [Dim::Fixed(1), Dim::Named("rows".to_owned()), Dim::Any] {
                    let what = format!("{} on {backend}, rows {batch}", c.name);
                    let m = match model(&c, columns, batch, backend) {
                        Ok(m) => m,
                        Err(e) => panic!("{what}: {e}"),
                    };
                    for k in 0..columns {
                        let found = m.gradients(x, k).unwrap_or_else(|e| panic!("{what}: {e}"));
                        for i in 0..x.len() {
                            let h = 1e-6;
                            let at = |d: f64| {
                                let mut y = wide.clone();
                                y[i] += d;
                                let z = squared(&y);
                                (0..ROWS).map(|r| z[r * columns + k]).sum::<f64>()
                            };
                            let expected = (at(h) - at(-h)) / (2.0 * h);
                            let off = (f64::from(found[i]) - expected).abs();
                            assert!(
                                off <= 2e-5 * expected.abs().max(1.0),
                                "{what}: d z[{k}] / d x[{i}] = {}, expected {expected}",
                                found[i]
                            );
                        }
                    }
                }
            }
        }
    }
}

/// What has no rule is named, before anything runs.
#[test]
fn operators_without_a_rule_are_refused_by_name() {
    let nodes = vec![build::node("Mod", &["x", "m"], &["y"], vec![int("fmod", 1)])];
    let c = case("Mod", nodes, vec![float_tensor("m", &[], &[0.7])], <[f64]>::to_vec);
    let m = model(&c, 3, Dim::Any, Backend::Rten).unwrap();
    let e = m.gradients(&[1.0, 2.0, 3.0], 0).unwrap_err().to_string();
    assert!(e.contains("Mod"), "{e}");
    let old = Case { opset: 12, ..unary("Relu", <[f64]>::to_vec) };
    let m = model(&old, 3, Dim::Any, Backend::Rten).unwrap();
    assert!(m.gradients(&[1.0, 2.0, 3.0], 0).unwrap_err().to_string().contains("13"));
}

/// What flows through the body of a branch or a loop counts: such a graph is refused by name, not differentiated without it.
#[test]
fn bodies_of_branches_and_loops_are_refused_by_name() {
    use affect::onnx::differentiate::{differentiate, without_rule};
    use affect::onnx::graph::Model as Graph;
    use affect::onnx::proto::{AttributeProto, AttributeType, GraphProto};
    let body = |nodes, input: Vec<_>, output: Vec<_>| GraphProto {
        name: "body".to_owned(),
        node: nodes,
        input,
        output,
        ..GraphProto::default()
    };
    let attribute = |name: &str, g: GraphProto| AttributeProto {
        name: name.to_owned(),
        g: Some(g),
        r#type: AttributeType::Graph as i32,
        ..AttributeProto::default()
    };
    let number = |name: &str| build::value(name, FLOAT, None);
    let square = || vec![build::node("Mul", &["x", "x"], &["inside"], vec![])];
    // Only the body reads x: y = x + branch(x), whose derivative is 1 + 2 x and not 1.
    let branch = attribute("then_branch", body(square(), vec![], vec![number("inside")]));
    let other = attribute("else_branch", body(square(), vec![], vec![number("inside")]));
    let choice = build::node("If", &["condition"], &["branch"], vec![branch, other]);
    let turn = body(
        vec![
            build::node("Identity", &["go"], &["goes"], vec![]),
            build::node("Mul", &["carried", "x"], &["inside"], vec![]),
        ],
        vec![number("turn"), number("go"), number("carried")],
        vec![number("goes"), number("inside")],
    );
    let repeat = build::node("Loop", &["two", "condition", "start"], &["branch"], vec![attribute("body", turn)]);
    for (node, name) in [(choice, "If"), (repeat, "Loop")] {
        let graph = GraphProto {
            node: vec![node, build::node("Add", &["x", "branch"], &["y"], vec![])],
            initializer: vec![
                int_tensor("condition", &[1]),
                int_tensor("two", &[2]),
                float_tensor("start", &[1], &[1.0]),
            ],
            input: vec![build::value("x", FLOAT, Some(&[Dim::Any, Dim::Fixed(3)]))],
            output: vec![build::value("y", FLOAT, Some(&[Dim::Any, Dim::Fixed(3)]))],
            ..GraphProto::default()
        };
        let graph = Graph::parse(build::model(graph, &[("", 18)], &[])).unwrap();
        let e = differentiate(&graph, "y", &["x".to_owned()]).expect_err(name).to_string();
        assert!(e.contains(name) && e.contains("/branch\""), "{e}");
        assert_eq!(without_rule(&graph, "y"), [name]);
    }
}
