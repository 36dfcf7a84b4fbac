//! Models of others by a card beside them, and models that are wrong: refused with what was expected and what came.

use affect::model::card::{Card, OutputKind};
use affect::model::engine::Backend;
use affect::model::{Model, Options, library};
use affect::onnx::build::{self, int, ints};
use affect::onnx::graph::Dim;
use affect::onnx::proto::{AttributeProto, AttributeType, GraphProto};
use affect::onnx::tensor::{FLOAT, float_tensor, int_tensor};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::time::Duration;

fn engines() -> Vec<Backend> {
    let mut list = vec![Backend::Rten];
    if library::find(None).is_some() {
        list.push(Backend::OnnxRuntime);
    } else {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
    }
    list
}

fn open(bytes: &[u8], card: &Value, backend: Backend) -> Result<Model, String> {
    let options = Options { backend, ..Options::default() };
    Model::open(bytes.to_vec(), Some(&card.to_string()), &options).map_err(|e| e.to_string())
}

/// A stand-in of the published wav2vec 2.0 model of dimensions: input `signal` [1, n] at 16 kHz; outputs `hidden_states`
/// [1, d] and `logits` [1, 3] in the order arousal, dominance, valence.
fn waveform() -> Vec<u8> {
    let graph = GraphProto {
        name: "stand-in".to_owned(),
        node: vec![
            build::node("Mul", &["signal", "signal"], &["power"], vec![]),
            build::node("ReduceMean", &["power", "axis"], &["mean"], vec![int("keepdims", 1)]),
            build::node("Mul", &["mean", "spread"], &["hidden_states"], vec![]),
            build::node("MatMul", &["hidden_states", "weights"], &["logits"], vec![]),
        ],
        initializer: vec![
            int_tensor("axis", &[1]),
            float_tensor("spread", &[1, 4], &[1.0, 2.0, 3.0, 4.0]),
            float_tensor("weights", &[4, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        ],
        input: vec![build::value("signal", FLOAT, Some(&[Dim::Fixed(1), Dim::Named("time".to_owned())]))],
        output: vec![
            build::value("hidden_states", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(4)])),
            build::value("logits", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(3)])),
        ],
        ..GraphProto::default()
    };
    build::model(graph, &[("", 18)], &[])
}

fn waveform_card() -> Value {
    json!({
        "format": "affect.card/1", "id": "stand-in", "version": "1",
        "input": {"kind": "waveform", "name": "signal", "rate_hz": 16000},
        "outputs": [
            {"name": "hidden_states", "kind": "hidden-states"},
            {"name": "logits", "kind": "dimensions", "labels": ["arousal", "dominance", "valence"]},
        ],
    })
}

#[test]
fn a_waveform_model_needs_a_sidecar_and_nothing_else() {
    for backend in engines() {
        let m = open(&waveform(), &waveform_card(), backend).unwrap();
        assert_eq!(
            (m.kind(), m.labels()),
            (OutputKind::Dimensions, &["arousal", "dominance", "valence"].map(str::to_owned)[..])
        );
        let found = m.waveform(&[0.5; 16_000]).unwrap();
        for (f, e) in found.iter().zip([0.25, 0.5, 0.75]) {
            assert!((f - e).abs() < 1e-6, "{found:?}");
        }
        let mut card = waveform_card();
        card["input"]["normalisation"] = json!("zero-mean-unit-variance");
        let m = open(&waveform(), &card, backend).unwrap();
        let x: Vec<f32> = (0..16_000).map(|k| if k % 2 == 0 { 0.3 } else { 0.1 }).collect();
        assert!((m.waveform(&x).unwrap()[0] - 1.0).abs() < 1e-4);
    }
}

/// The analyzer scores segments with it, and the samples it gets are those of the segment.
#[test]
fn segments_are_scored_from_their_samples() {
    use affect::analyzer::{Analyzer, Config, Output, Scorer, ScoringConfig, Segmentation, WindowConfig};
    use affect::signal::samples::Samples;
    let m = open(&waveform(), &waveform_card(), Backend::Rten).unwrap();
    let scorer = Scorer::new(Arc::new(m), ScoringConfig::default()).unwrap();
    // Full scale falls from window to window.
    let x: Vec<f32> = (0..48_000).map(|k| if k % 2 == 0 { 1.0 } else { -1.0 } * 0.5f32.powi(k / 16_000)).collect();
    for segmentation in [Segmentation::Windows(WindowConfig { length: 16_000, hop: 16_000 }), Segmentation::File] {
        let config = Config {
            segmentation,
            scorer: Some(Arc::new(Scorer::new(scorer.model().clone(), ScoringConfig::default()).unwrap())),
            ..Config::default()
        };
        let mut a = Analyzer::new(config, 16_000, 1).unwrap();
        let mut found = Vec::new();
        let mut take = |o: Output<'_>| {
            if let Output::Segment(r) = o {
                assert!(!r.holds_samples(), "samples stay inside");
                found.push(r.scored.unwrap().emotion.dimensions[0].1);
            }
        };
        x.chunks(777).for_each(|c| a.push(&Samples::f32(c, 1).unwrap(), &mut take).unwrap());
        a.finish(&mut take);
        let expected: &[f64] =
            if segmentation == Segmentation::File { &[(1.0 + 0.25 + 0.0625) / 3.0] } else { &[1.0, 0.25, 0.0625] };
        assert_eq!(found.len(), expected.len());
        // Integer full scale is one step short of 1.
        found.iter().zip(expected).for_each(|(f, e)| assert!((f - e).abs() < 1e-3, "{found:?}"));
    }
}

fn sklearn() -> (Vec<u8>, Value) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/models");
    let truth = std::fs::read_to_string(folder.join("sklearn.json")).unwrap();
    (std::fs::read(folder.join("sklearn.onnx")).unwrap(), serde_json::from_str(&truth).unwrap())
}

fn sklearn_card() -> Value {
    json!({
        "format": "affect.card/1", "id": "theirs", "version": "1",
        "input": {"kind": "features", "name": "X", "feature_set": "affect-v1", "feature_set_version": "1",
            "features": affect::features::catalogue::affect_functionals()[..4].iter().map(|e| &e.name).collect::<Vec<_>>()},
        "outputs": [
            {"name": "output_label", "kind": "label"},
            {"name": "output_probability", "kind": "probabilities", "labels": ["bright", "calm", "tense"]},
        ],
    })
}

/// As scikit-learn's converter writes it: scaler, linear classifier, a sequence of maps. Seen as linear, run by all.
#[test]
fn a_scikit_learn_export_needs_a_sidecar_and_nothing_else() {
    let (bytes, truth) = sklearn();
    let mut backends = vec![Backend::Auto];
    if library::find(None).is_some() {
        backends.push(Backend::OnnxRuntime);
    }
    for backend in backends {
        let m = open(&bytes, &sklearn_card(), backend).unwrap();
        assert_eq!(m.structure().name(), "linear");
        for (row, expected) in truth["rows"].as_array().unwrap().iter().zip(truth["probabilities"].as_array().unwrap())
        {
            let row: Vec<f32> = row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
            let found = m.run(&row).unwrap();
            for (f, e) in found.iter().zip(expected.as_array().unwrap()) {
                assert!((f - e.as_f64().unwrap()).abs() < 1e-5, "{backend}: {found:?} {expected}");
            }
        }
    }
}

/// A part of a card that is changed, what it becomes, and words of the answer.
type Wrong = (&'static str, Value, [&'static str; 2]);

#[test]
fn cards_that_disagree_are_refused_with_both_sides() {
    let wrong: Vec<Wrong> = vec![
        ("/input/name", json!("x"), ["\"x\"", "\"X\""]),
        ("/input/features", json!(["a", "b"]), ["4", "2"]),
        ("/input/features", json!(["a", "b", "c", "d"]), ["affect-v1", "\"a\""]),
        ("/input/feature_set", json!("compare"), ["affect-v1", "compare"]),
        ("/input/feature_set_version", json!("9"), ["1", "9"]),
        ("/outputs/1/labels", json!(["bright", "calm"]), ["3", "2"]),
        ("/outputs/1/labels", json!(["tense", "calm", "bright"]), ["bright", "card"]),
        ("/outputs/1/name", json!("logits"), ["logits", "output_probability"]),
        ("/format", json!("affect.card/9"), ["affect.card/9", "affect.card/1"]),
        ("/outputs", json!([]), ["no output", "logits"]),
    ];
    let (bytes, _) = sklearn();
    for (at, value, words) in wrong {
        let mut card = sklearn_card();
        *card.pointer_mut(at).unwrap() = value.clone();
        let e = open(&bytes, &card, Backend::Auto).expect_err(at);
        assert!(words.iter().all(|w| e.contains(w)), "{at} = {value}: {e}");
    }
    let mut card = sklearn_card();
    for (key, value, word) in [
        ("background", json!([[1.0]]), "background"),
        ("normaliser", json!({"kind": "training", "location": [0.0], "scale": [1.0]}), "normaliser"),
        ("calibration", json!({"temperature": 0.0}), "temperature"),
        ("clip", json!(-1.0), "clip"),
    ] {
        card[key] = value;
        let e = open(&bytes, &card, Backend::Auto).expect_err(key);
        assert!(e.contains(word), "{e}");
        card.as_object_mut().unwrap().remove(key);
    }
    let mut card = waveform_card();
    card["input"]["rate_hz"] = json!(44_100);
    assert!(open(&waveform(), &card, Backend::Rten).unwrap_err().contains("16000"));
}

/// Numbers that are none never get out, and what one engine lacks is named.
#[test]
fn outputs_that_are_no_numbers_are_refused() {
    let graph = |op: &str| {
        let g = GraphProto {
            node: vec![build::node(op, &["x"], &["logits"], vec![])],
            input: vec![build::value("x", FLOAT, Some(&[Dim::Any, Dim::Fixed(2)]))],
            output: vec![build::value("logits", FLOAT, Some(&[Dim::Any, Dim::Fixed(2)]))],
            ..GraphProto::default()
        };
        build::model(g, &[("", 18)], &[])
    };
    for backend in engines() {
        let m = Model::open(graph("Log"), None, &Options { backend, ..Options::default() }).unwrap();
        assert!(m.run(&[1.0, 2.0]).is_ok());
        assert!(m.run(&[1.0, -2.0]).unwrap_err().to_string().contains("\"logits\" is not finite"));
        assert!(m.run(&[1.0]).unwrap_err().to_string().contains("2 values"));
        let e = Model::open(graph("NoSuchOperator"), None, &Options { backend, ..Options::default() }).unwrap_err();
        assert!(e.to_string().contains("NoSuchOperator"), "{e}");
    }
    let e = Model::open(graph("Log"), None, &Options { backend: Backend::Builtin, ..Options::default() }).unwrap_err();
    assert!(e.to_string().contains("neither linear"), "{e}");
    let nowhere =
        Options { backend: Backend::OnnxRuntime, library: Some("/no/such/library.so".into()), ..Options::default() };
    let e = Model::open(graph("Log"), None, &nowhere).unwrap_err().to_string();
    assert!(e.contains("/no/such/library.so"), "{e}");
}

/// All that run a model give the same scores.
#[test]
fn engines_agree() {
    let default = std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/affect-default.onnx")).unwrap();
    let with = |backend| Model::open(default.clone(), None, &Options { backend, ..Options::default() }).unwrap();
    let own = with(Backend::Builtin);
    for row in &own.card().unwrap().background {
        let expected = own.run(row).unwrap();
        for backend in engines() {
            let found = with(backend).run(row).unwrap();
            assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-5 * e.abs().max(1.0)), "{backend}");
        }
    }
}

/// Rows of many threads in common runs: each gets its own answer, a bad one spoils no other.
#[test]
fn batches_keep_rows_apart() {
    let m = Arc::new(open(&sklearn().0, &sklearn_card(), Backend::Auto).unwrap());
    let barrier = Arc::new(Barrier::new(16));
    let threads: Vec<_> = (0..16)
        .map(|k| {
            let (m, barrier) = (m.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                for step in 0..50 {
                    let row = [k as f32, step as f32, 1.0, -2.0];
                    let together = m.run_together(&row, 8, Duration::from_micros(200)).unwrap();
                    assert_eq!(together, m.run(&row).unwrap());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
}

/// Gradients of whatever can be read: written or refused, and what was written can be read.
fn gradients(bytes: &[u8]) {
    use affect::onnx::differentiate::differentiate;
    let Ok(graph) = affect::onnx::graph::Model::parse(bytes.to_vec()) else { return };
    let inputs: Vec<String> = graph.inputs().into_iter().map(|v| v.name).collect();
    for output in graph.outputs() {
        if let Ok(made) = differentiate(&graph, &output.name, &inputs) {
            affect::onnx::graph::Model::parse(made.bytes).unwrap();
        }
    }
}

/// Ten thousand files and cards with random damage: refused or read, never a panic, and soon.
#[test]
fn malformed_files_are_refused() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let read = |p: &str| std::fs::read(root.join(p)).unwrap();
    let files = [
        read("tests/data/attribution/mlp_scaled/model.onnx"),
        read("tests/data/attribution/tree_gb_binary/model.onnx"),
        read("tests/data/models/sklearn.onnx"),
        waveform(),
    ];
    let card = sklearn_card().to_string();
    let mut random = affect::signal::random::Random(3);
    let mut damage = |bytes: &mut Vec<u8>| {
        for _ in 0..1 + random.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = random.below(bytes.len());
            match random.below(5) {
                0 => bytes[at] = random.bits() as u8,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes.truncate(at),
                3 => {
                    let end = (at + random.below(64)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                _ => drop(bytes.drain(at..(at + random.below(64)).min(bytes.len()))),
            }
        }
    };
    // What a fuzzer once found, and what it began with.
    let mut found = 0;
    for entry in std::fs::read_dir(root.join("fuzz/seeds/onnx")).unwrap() {
        gradients(&std::fs::read(entry.unwrap().path()).unwrap());
        found += 1;
    }
    assert!(found >= 5, "{found} seeds");
    let (mut read, mut refused) = (0, 0);
    for k in 0..6_000 {
        let mut bytes = files[k % files.len()].clone();
        damage(&mut bytes);
        gradients(&bytes);
        for backend in [Backend::Builtin, Backend::Rten] {
            let options = Options { backend, width: Some(4), ..Options::default() };
            match Model::open(bytes.clone(), None, &options) {
                Ok(_) => read += 1,
                Err(e) => refused += usize::from(!e.to_string().is_empty()),
            }
        }
    }
    for _ in 0..4_000 {
        let mut bytes = card.clone().into_bytes();
        damage(&mut bytes);
        match Card::parse(&String::from_utf8_lossy(&bytes)) {
            Ok(_) => read += 1,
            Err(e) => refused += usize::from(!e.to_string().is_empty()),
        }
    }
    assert_eq!(read + refused, 16_000);
    assert!(read > 100 && refused > 4_000, "{read} read, {refused} refused");
}

/// A graph that the built-in evaluation sees as linear though it is written as a chain of operators.
#[test]
fn chains_of_constants_are_linear() {
    let g = GraphProto {
        node: vec![
            build::node("Sub", &["x", "m"], &["a"], vec![]),
            build::node("Div", &["a", "s"], &["b"], vec![]),
            build::node("MatMul", &["b", "w"], &["c"], vec![]),
            build::node("Transpose", &["c"], &["t"], vec![ints("perm", vec![0, 1])]),
            build::node("Add", &["c", "h"], &["logits"], vec![]),
        ],
        initializer: vec![
            float_tensor("m", &[2], &[1.0, 2.0]),
            float_tensor("s", &[2], &[2.0, 4.0]),
            float_tensor("w", &[2, 2], &[1.0, 0.0, -1.0, 3.0]),
            float_tensor("h", &[2], &[0.5, -0.5]),
        ],
        input: vec![build::value("x", FLOAT, Some(&[Dim::Any, Dim::Fixed(2)]))],
        output: vec![build::value("logits", FLOAT, Some(&[Dim::Any, Dim::Fixed(2)]))],
        ..GraphProto::default()
    };
    let m = Model::open(build::model(g, &[("", 18)], &[]), None, &Options::default()).unwrap();
    assert_eq!((m.structure().name(), m.engine()), ("linear", "builtin"));
    // ((3-1)/2) - ((6-2)/4) + 0.5, and 3 (6-2)/4 - 0.5
    assert_eq!(m.run(&[3.0, 6.0]).unwrap(), [0.5, 2.5]);
}

/// A `Normalizer` divides by the largest value, the sum or the length: only the sum leaves probabilities as they are. All
/// engines that can run it give what the operator's definition gives.
#[test]
fn a_normalizer_is_no_identity() {
    if library::find(None).is_none() {
        eprintln!("SKIPPED: ONNX Runtime's library is not installed (scripts/setup)");
        return;
    }
    let text = |name: &str, value: &'static [u8]| AttributeProto {
        name: name.to_owned(),
        s: value.into(),
        r#type: AttributeType::String as i32,
        ..AttributeProto::default()
    };
    type Norm = fn(&[f64]) -> f64;
    let norms: [(Option<&'static [u8]>, Norm); 4] = [
        (None, |v| v.iter().fold(0.0, |m, x| x.abs().max(m))),
        (Some(b"MAX"), |v| v.iter().fold(0.0, |m, x| x.abs().max(m))),
        (Some(b"L1"), |v| v.iter().map(|x| x.abs()).sum()),
        (Some(b"L2"), |v| v.iter().map(|x| x * x).sum::<f64>().sqrt()),
    ];
    for (link, linear) in [("Softmax", true), ("Sigmoid", false)] {
        for (norm, divisor) in norms {
            let mut normalizer =
                build::node("Normalizer", &["linked"], &["y"], norm.map(|n| text("norm", n)).into_iter().collect());
            normalizer.domain = "ai.onnx.ml".to_owned();
            let g = GraphProto {
                node: vec![
                    build::node("MatMul", &["x", "w"], &["sum"], vec![]),
                    build::node(link, &["sum"], &["linked"], vec![]),
                    normalizer,
                ],
                initializer: vec![float_tensor("w", &[2, 3], &[1.0, -2.0, 0.5, 0.25, 1.0, -1.0])],
                input: vec![build::value("x", FLOAT, Some(&[Dim::Any, Dim::Fixed(2)]))],
                output: vec![build::value("y", FLOAT, Some(&[Dim::Any, Dim::Fixed(3)]))],
                ..GraphProto::default()
            };
            let bytes = build::model(g, &[("", 18), ("ai.onnx.ml", 3)], &[]);
            let row = [0.7f32, -1.2];
            let sums: Vec<f64> = [0.7 - 0.25 * 1.2, -1.4 - 1.2, 0.35 + 1.2].to_vec();
            let linked: Vec<f64> = if link == "Softmax" {
                let parts: Vec<f64> = sums.iter().map(|v| v.exp()).collect();
                parts.iter().map(|p| p / parts.iter().sum::<f64>()).collect()
            } else {
                sums.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect()
            };
            let expected: Vec<f64> = linked.iter().map(|v| v / divisor(&linked)).collect();
            let what = format!("{link}, {:?}", norm.map(String::from_utf8_lossy));
            for backend in [Backend::Auto, Backend::OnnxRuntime] {
                let m = Model::open(bytes.clone(), None, &Options { backend, ..Options::default() }).unwrap();
                let found = m.run(&row).unwrap();
                let off = found.iter().zip(&expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
                assert!(off < 1e-6, "{what} on {backend}: {found:?} {expected:?}");
                let same = linear && norm == Some(&b"L1"[..]);
                assert_eq!(m.structure().name(), if same { "linear" } else { "graph" }, "{what}");
                let probabilities = norm == Some(&b"L1"[..]);
                assert_eq!(m.kind() == OutputKind::Probabilities, probabilities, "{what}: {:?}", m.meaning());
            }
        }
    }
}

/// What the output of a graph without a card is taken for, and by what; nothing is made of numbers of which nothing is said.
#[test]
fn outputs_without_a_card_are_what_the_graph_says() {
    let ends: [(&str, &str, OutputKind, &str); 5] = [
        ("Softmax", "y", OutputKind::Probabilities, "Softmax"),
        ("LogSoftmax", "y", OutputKind::Logits, "LogSoftmax"),
        ("Identity", "logits", OutputKind::Logits, "name"),
        ("Identity", "y", OutputKind::Raw, "nothing"),
        ("Sigmoid", "probabilities", OutputKind::Raw, "nothing"),
    ];
    for backend in engines() {
        for (op, name, kind, word) in ends {
            let g = GraphProto {
                node: vec![
                    build::node("MatMul", &["x", "w"], &["sum"], vec![]),
                    build::node(op, &["sum"], &[name], vec![]),
                ],
                initializer: vec![float_tensor("w", &[2, 3], &[1.0, -2.0, 0.5, 0.25, 1.0, -1.0])],
                input: vec![build::value("x", FLOAT, Some(&[Dim::Any, Dim::Fixed(2)]))],
                output: vec![build::value(name, FLOAT, Some(&[Dim::Any, Dim::Fixed(3)]))],
                ..GraphProto::default()
            };
            let options = Options { backend, ..Options::default() };
            let m = Model::open(build::model(g, &[("", 18)], &[]), None, &options).unwrap();
            assert_eq!(m.kind(), kind, "{op} -> {name}");
            assert!(m.meaning().basis.to_string().contains(word), "{op} -> {name}: {}", m.meaning().basis);
            let raw = m.run(&[0.7, -1.2]).unwrap();
            let scores = m.scores(raw.clone());
            match kind {
                OutputKind::Probabilities => assert_eq!(scores.probabilities, raw, "not softmaxed again"),
                OutputKind::Raw => assert!(scores.probabilities.is_empty() && scores.top().is_none()),
                _ => assert!((scores.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12),
            }
        }
    }
}

/// A number of rows that is fixed in the graph fits no segment.
#[test]
fn a_fixed_number_of_rows_is_refused() {
    let g = GraphProto {
        node: vec![build::node("Relu", &["x"], &["y"], vec![])],
        input: vec![build::value("x", FLOAT, Some(&[Dim::Fixed(8), Dim::Fixed(2)]))],
        output: vec![build::value("y", FLOAT, Some(&[Dim::Fixed(8), Dim::Fixed(2)]))],
        ..GraphProto::default()
    };
    let e = Model::open(build::model(g, &[("", 18)], &[]), None, &Options::default()).unwrap_err().to_string();
    assert!(e.contains("\"x\"") && e.contains("any number of rows") && e.contains('8'), "{e}");
}
