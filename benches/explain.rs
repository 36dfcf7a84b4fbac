//! What explanations cost. `--export` writes trees and rows, so that a peer can be timed on the same: `scripts/bench-shap`.
//!
//! `cargo bench --bench explain [-- --export FOLDER]`

use affect::explain::sampled::Effort;
use affect::explain::trees::TreeShap;
use affect::explain::{Explainer, Unit, linear};
use affect::model::engine::Backend;
use affect::model::{Model, Options, library};
use affect::onnx::affine::{Affine, Link};
use affect::onnx::build;
use affect::onnx::graph::Dim;
use affect::onnx::proto::GraphProto;
use affect::onnx::tensor::{FLOAT, float_tensor};
use affect::onnx::trees::{Ensemble, Labels, Mode, Node, Post, Tree};
use affect::signal::random::Random;
use std::sync::Arc;
use std::time::Instant;

/// Seconds of one run: the best of several rounds.
fn best(rounds: usize, per_round: usize, mut run: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            (0..per_round).for_each(|_| run());
            begun.elapsed().as_secs_f64() / per_round as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn unit(r: &mut Random) -> f64 {
    r.bits() as f64 / u64::MAX as f64
}

fn normal(r: &mut Random) -> f32 {
    ((-2.0 * unit(r).max(1e-12).ln()).sqrt() * (unit(r) * std::f64::consts::TAU).cos()) as f32
}

/// An 88-64-64-7 network with ReLU.
fn network(r: &mut Random) -> Vec<u8> {
    let sizes = [88usize, 64, 64, 7];
    let mut graph = GraphProto { name: "mlp".to_owned(), ..GraphProto::default() };
    let mut last = "features".to_owned();
    for (k, w) in sizes.windows(2).enumerate() {
        let weights: Vec<f32> = (0..w[0] * w[1]).map(|_| normal(r) / (w[0] as f32).sqrt()).collect();
        graph.initializer.push(float_tensor(&format!("w{k}"), &[w[0] as i64, w[1] as i64], &weights));
        graph.initializer.push(float_tensor(&format!("b{k}"), &[w[1] as i64], &vec![0.1; w[1]]));
        let out = if k == 2 { "logits".to_owned() } else { format!("a{k}") };
        graph.node.push(build::node("Gemm", &[&last, &format!("w{k}"), &format!("b{k}")], &[&out], vec![]));
        last = out;
        if k < 2 {
            let h = format!("h{k}");
            graph.node.push(build::node("Relu", &[&last], &[&h], vec![]));
            last = h;
        }
    }
    let rows = |n: i64| [Dim::Named("rows".to_owned()), Dim::Fixed(n)];
    graph.input.push(build::value("features", FLOAT, Some(&rows(88))));
    graph.output.push(build::value("logits", FLOAT, Some(&rows(7))));
    build::model(graph, &[("", 17)], &[])
}

/// A full tree of depth 8 over 88 features, seven outputs.
fn tree(r: &mut Random) -> Tree {
    let inner = 255;
    let node = |k: usize, r: &mut Random| {
        if k >= inner {
            return Node::Leaf((0..7).map(|c| (c, unit(r) / 100.0)).collect());
        }
        Node::Branch {
            feature: r.below(88),
            mode: Mode::Leq,
            value: normal(r) * 0.5,
            yes: 2 * k + 1,
            no: 2 * k + 2,
            missing_yes: false,
        }
    };
    Tree { nodes: (0..2 * inner + 1).map(|k| node(k, r)).collect() }
}

fn main() {
    let r = &mut Random(42);
    let row: Vec<f32> = (0..88).map(|_| normal(r)).collect();

    let map = Affine {
        weights: (0..88 * 7).map(|_| unit(r) - 0.5).collect(),
        bias: vec![0.0; 7],
        inputs: 88,
        link: Link::Softmax,
        labels: vec![],
    };
    let mean = vec![0.1; 88];
    let t = best(5, 1000, || {
        (0..7).for_each(|k| drop(std::hint::black_box(linear::attribute(&map, &row, &mean, k))));
    });
    println!("linear 88 x 7, all classes: {:.1} us (bound 50)", t * 1e6);

    let trees: Vec<Tree> = (0..100).map(|_| tree(r)).collect();
    let e = Ensemble {
        trees,
        base: vec![0.0; 7],
        outputs: 7,
        features: 88,
        divisor: 1.0,
        post: Post::None,
        labels: Labels::Integers((0..7).collect()),
        positive: true,
    };
    let background: Vec<f32> = (0..100 * 88).map(|_| normal(r)).collect();
    let players: Vec<usize> = (0..88).collect();
    let begun = Instant::now();
    let Ok(shap) = TreeShap::new(&e, &background, 88, &players) else { return };
    println!("trees, preparing a background of 100 rows once: {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let one = best(5, 5, || drop(std::hint::black_box(shap.attribute(&row, 3))));
    let all = best(5, 5, || drop(std::hint::black_box(shap.attribute_all(&row))));
    println!(
        "trees 100 x depth 8, 100 background rows, one class: {:.3} ms; all seven: {:.3} ms",
        one * 1e3,
        all * 1e3
    );
    #[cfg(feature = "train")]
    if let Some(folder) = std::env::args().skip_while(|a| a != "--export").nth(1) {
        export(&e, &background, &row, &folder);
    }

    let bytes = network(r);
    let backends =
        if library::find(None).is_some() { vec![Backend::OnnxRuntime, Backend::Rten] } else { vec![Backend::Rten] };
    for backend in backends {
        let Ok(model) = Model::open(bytes.clone(), None, &Options { backend, ..Options::default() }) else { continue };
        let model = Arc::new(model);
        for (count, bound) in [(10usize, 1.25), (8, 1.5)] {
            let rows: Vec<f32> = (0..32 * 88).map(|_| normal(r)).collect();
            let groups: Vec<Vec<usize>> = (0..count).map(|g| (0..88).filter(|c| c % count == g).collect()).collect();
            let Ok(e) = Explainer::new(model.clone(), rows.clone(), groups) else { continue };
            let total = best(15, 1, || drop(std::hint::black_box(e.by_group(&row, 0, Unit::Score))));
            // The runtime alone: the same number of rows in runs of the same size, nothing made of what comes out.
            let block: Vec<f32> = rows.iter().copied().cycle().take(1024 * 88).collect();
            let runs = (32usize << count) / 1024;
            let alone = best(15, 1, || {
                (0..runs).for_each(|_| drop(model.engine_only(&block)));
            });
            println!(
                "exact over {count} groups, 32 rows, {backend}: {:.2} ms; runtime alone {:.2} ms; ratio {:.2} (bound {bound})",
                total * 1e3,
                alone * 1e3,
                total / alone
            );
        }
    }

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/affect-default.onnx");
    let Ok(bytes) = std::fs::read(path) else { return };
    let Ok(model) = Model::open(bytes, None, &Options::default()) else { return };
    let model = Arc::new(model);
    let Some(card) = model.card().cloned() else { return };
    let d = card.features().len();
    let groups = vec![(0..d / 2).collect(), (d / 2..d).collect()];
    let Ok(e) = Explainer::new(model.clone(), card.background.concat(), groups) else { return };
    let row = card.background[0].clone();
    let score = best(5, 200, || drop(std::hint::black_box(model.run(&row))));
    let explain = best(5, 200, || {
        drop(std::hint::black_box(e.by_group(&row, 0, Unit::Score)));
        drop(std::hint::black_box(e.by_feature(&row, 0, Unit::Score, Effort::default())));
    });
    println!("shipped model: score {:.1} us, explanation by group and feature {:.1} us", score * 1e6, explain * 1e6);
    // One second of speech costs the analysis about 1.4 ms (docs/methods.md); one result per second.
    println!(
        "explanation's share of a stream with one result per second: {:.2} %",
        100.0 * explain / (1.42e-3 + score + explain)
    );
}

#[cfg(feature = "train")]
fn export(e: &Ensemble, background: &[f32], row: &[f32], folder: &str) {
    use affect::model::card::Card;
    let card = r#"{"format":"affect.card/1","id":"bench","version":"1","input":{"kind":"features","name":"features","feature_set":"affect-v1","feature_set_version":"1","features":["x"]},"outputs":[{"name":"probabilities","kind":"probabilities","labels":["a"]}]}"#;
    let Ok(card) = Card::parse(card) else { return };
    let raw = |v: &[f32]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(format!("{folder}/{name}"), bytes).expect("write");
    write(
        "trees.onnx",
        affect::identify::export::model(&affect::identify::learners::Fitted::Trees(e.clone()), None, &card),
    );
    write("background.f32", raw(background));
    write("row.f32", raw(row));
}
