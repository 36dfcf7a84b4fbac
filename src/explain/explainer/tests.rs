use super::*;
use crate::model::Options;
use crate::model::engine::{Backend, Engine, Input, Take};
use crate::onnx::build;
use crate::onnx::graph::Dim;
use crate::onnx::proto::GraphProto;
use crate::onnx::tensor::{FLOAT, float_tensor};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Columns of the models here: more than are explained exactly one by one.
const WIDTH: usize = 14;

/// Counts the rows that it runs.
#[derive(Debug)]
struct Counting {
    engine: Box<dyn Engine>,
    rows: Arc<AtomicUsize>,
}

impl Engine for Counting {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn run(&self, inputs: &[Input<'_>], take: Take<'_>) -> Result<(), ModelError> {
        self.rows.fetch_add(inputs[0].shape[0], Ordering::Relaxed);
        self.engine.run(inputs, take)
    }
}

/// `tanh(x W)` (or `x W`) with three outputs.
fn graph(bent: bool, outputs: usize) -> Vec<u8> {
    let weights: Vec<f32> = (0..WIDTH * outputs).map(|k| ((k * 37 % 23) as f32 - 11.0) / 20.0).collect();
    let mut node = vec![build::node("MatMul", &["x", "w"], &[if bent { "sum" } else { "logits" }], vec![])];
    if bent {
        node.push(build::node("Tanh", &["sum"], &["logits"], vec![]));
    }
    let graph = GraphProto {
        node,
        initializer: vec![float_tensor("w", &[WIDTH as i64, outputs as i64], &weights)],
        input: vec![build::value("x", FLOAT, Some(&[Dim::Any, Dim::Fixed(WIDTH as i64)]))],
        output: vec![build::value("logits", FLOAT, Some(&[Dim::Any, Dim::Fixed(outputs as i64)]))],
        ..GraphProto::default()
    };
    build::model(graph, &[("", 18)], &[])
}

fn row() -> Vec<f32> {
    (0..WIDTH).map(|k| (k as f32 - 6.0) / 4.0).collect()
}

fn background() -> Vec<f32> {
    (0..2 * WIDTH).map(|k| ((k * 5 % 7) as f32 - 3.0) / 3.0).collect()
}

fn thirds() -> Vec<Vec<usize>> {
    vec![(0..5).collect(), (5..10).collect(), (10..WIDTH).collect()]
}

/// The coalitions of an explanation are run once, whether features are asked for as well and however many scores.
#[test]
fn coalitions_are_run_once() {
    let rows = Arc::new(AtomicUsize::new(0));
    let model = Model::open(graph(true, 3), None, &Options { backend: Backend::Rten, ..Options::default() }).unwrap();
    let model = model.wrap_engine(|engine| Box::new(Counting { engine, rows: rows.clone() }));
    let e = Explainer::new(Arc::new(model), background(), thirds()).unwrap();
    let effort = Effort { relative_error: 0.5, most_rows: 1000 };
    let count = |run: &dyn Fn()| {
        let before = rows.load(Ordering::Relaxed);
        run();
        rows.load(Ordering::Relaxed) - before
    };
    let coalitions = count(&|| drop(e.by_group(&row(), 0, Unit::Score).unwrap()));
    assert_eq!(coalitions, 2 << 3, "two background rows in eight coalitions of three groups");
    let groups = e.by_group(&row(), 0, Unit::Score).unwrap();
    let walks = count(&|| drop(e.sampled(&row(), 0, Unit::Score, effort, Some(&groups)).unwrap()));
    let both = count(&|| drop(e.explain(&row(), &[0], Unit::Score, Some(effort)).unwrap()));
    assert_eq!(both, coalitions + walks);
    let several = count(&|| drop(e.explain(&row(), &[0, 1, 2], Unit::Score, None).unwrap()));
    assert_eq!(several, coalitions);
}

fn card(kind: &str, outputs: usize) -> Value {
    let names: Vec<&String> =
        crate::features::catalogue::affect_functionals()[..WIDTH].iter().map(|e| &e.name).collect();
    let labels: Vec<String> = (0..outputs).map(|k| format!("label {k}")).collect();
    let rows: Vec<Vec<f32>> = background().chunks(WIDTH).map(<[f32]>::to_vec).collect();
    json!({
        "format": "affect.card/1", "id": "test", "version": "1", "calibration": {"temperature": 2.0}, "background": rows,
        "input": {"kind": "features", "name": "x", "feature_set": "affect-v1", "feature_set_version": "1", "features": names},
        "outputs": [{"name": "logits", "kind": kind, "labels": labels}],
    })
}

fn with_card(bytes: Vec<u8>, kind: &str) -> Arc<Model> {
    let options = Options { backend: Backend::Rten, ..Options::default() };
    Arc::new(Model::open(bytes, Some(&card(kind, 3).to_string()), &options).unwrap())
}

/// The temperature divides what a softmax follows, by every method alike, and nothing else.
#[test]
fn the_temperature_is_applied_evenly() {
    for (kind, divisor) in [("logits", 2.0), ("dimensions", 1.0), ("regression", 1.0)] {
        for bent in [false, true] {
            let model = with_card(graph(bent, 3), kind);
            let output = model.run(&row()).unwrap()[1] / divisor;
            let e = Explainer::new(model, background(), thirds()).unwrap();
            let effort = Effort { relative_error: 0.1, most_rows: 50_000 };
            let all = e.explain(&row(), &[1], Unit::Score, Some(effort)).unwrap().remove(0);
            let (groups, features) = (all.groups, all.features.unwrap());
            let path = e.integrated(&row(), 1, Rule::GaussLegendre, 64).unwrap();
            let slope = e.gradient(&row(), 1).unwrap();
            let plain = e.sampled(&row(), 1, Unit::Score, effort, None).unwrap();
            for a in [&groups, &features, &path, &slope, &plain] {
                assert!((a.output - output).abs() < 1e-5, "{kind}, bent {bent}, {:?}: {} {output}", a.method, a.output);
            }
            for a in [&groups, &features, &path, &plain] {
                let sum: f64 = a.base + a.values.iter().sum::<f64>();
                assert!((sum - output).abs() < 1e-4, "{kind}, bent {bent}, {:?}: {sum} {output}", a.method);
            }
        }
    }
}

/// Numbers that are no probabilities are not explained as such.
#[test]
fn probabilities_that_there_are_not_are_refused() {
    let e = Explainer::new(with_card(graph(true, 3), "dimensions"), background(), thirds()).unwrap();
    for wrong in [
        e.by_group(&row(), 0, Unit::Probability).map(|_| ()),
        e.sampled(&row(), 0, Unit::Probability, Effort::default(), None).map(|_| ()),
        e.check(Unit::Probability),
    ] {
        assert!(wrong.unwrap_err().to_string().contains("no probabilities"));
    }
    assert_eq!(e.check(Unit::Score), Ok(()));
}

/// What a card's explanations need is prepared once for all who share the model, and goes with it.
#[test]
fn explanations_are_prepared_once_for_a_model() {
    let model = with_card(graph(false, 3), "logits");
    let (a, b) = (Explainer::of_card(model.clone()).unwrap(), Explainer::of_card(model.clone()).unwrap());
    assert!(Arc::ptr_eq(&a.prepared, &b.prepared));
    let prepared = Arc::downgrade(&a.prepared);
    drop((a, b));
    assert!(prepared.upgrade().is_some(), "the model keeps it");
    let weak = Arc::downgrade(&model);
    drop(model);
    assert!(weak.upgrade().is_none() && prepared.upgrade().is_none(), "and nothing keeps the model");
}
