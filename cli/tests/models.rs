//! The verbs with models, as a user calls them.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn affect(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_affect")).args(words).current_dir(root()).output().unwrap()
}

/// Near copies are one reason: no two that are listed belong to one cluster, and the sentence says what a feature and its
/// copies contribute together.
fn distinct_reasons(record: &Value) {
    let cluster = |f: &Value| affect::features::catalogue::find(f["name"].as_str().unwrap()).unwrap().cluster;
    let Some(features) = record["explanations"][0]["features"].as_array() else { return };
    for (i, f) in features.iter().enumerate() {
        assert!(cluster(f).is_none() || features[..i].iter().all(|g| cluster(g) != cluster(f)), "{features:?}");
        let copies = f["near_copies"].as_array().cloned().unwrap_or_default();
        assert!(copies.iter().all(|c| cluster(c) == cluster(f)), "{f}");
        let together: f64 = copies.iter().chain([f]).map(|c| c["contribution"].as_f64().unwrap()).sum();
        let said: f64 = f["sentence"].as_str().unwrap().rsplit_once(", ").unwrap().1.parse().unwrap();
        assert!((said - together).abs() <= 0.05, "{f}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("affect-models-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn floats(path: &str, width: usize) -> String {
    let bytes = std::fs::read(root().join(path)).unwrap();
    let all: Vec<String> =
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).to_string()).collect();
    all.chunks(width).map(|r| r.join(",") + "\n").collect()
}

const CALL: &str = "tests/data/calls/call40_185s_2ch_pcm16.wav";

#[test]
fn a_call_becomes_a_timeline_and_one_bad_file_stops_nothing() {
    let out = affect(&["analyze", "--quiet", "--roles", "agent,caller", "/no/such.wav", CALL]);
    let shown = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("/no/such.wav"));
    assert!(
        shown.contains("features only (policy)") && shown.contains("caller") && shown.contains(" SD): "),
        "{shown}"
    );
    assert!(shown.contains("no claims about feelings"));
    let utterances = shown.lines().filter(|l| l.contains(" caller ")).count();
    let doubts = shown.lines().filter(|l| l.starts_with("      With care, because of ")).count();
    assert!(doubts > 0 && doubts <= utterances && !shown.contains("[with care"), "{shown}");
    let again = affect(&["analyze", "--quiet", "--roles", "agent,caller", CALL]);
    assert_eq!(again.status.code(), Some(0));

    let json = affect(&["analyze", "--quiet", "--json", "--roles", "agent,caller", CALL]);
    let lines: Vec<Value> = text(&json.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for r in &lines {
        assert_eq!(r.get("emotion").is_some(), r["channel"]["role"] == "caller");
    }
    assert!(lines.iter().any(|r| r["explanations"][0]["features"][0]["sentence"].is_string()));
    let listed: Vec<&Value> =
        lines.iter().filter_map(|r| r["explanations"][0]["features"].as_array()).flatten().collect();
    assert!(listed.iter().any(|f| f["near_copies"].is_array()), "no near copies at all");
    for r in &lines {
        distinct_reasons(r);
    }
    for wrong in [vec!["--policy", "maybe"], vec!["--target", "joy"], vec!["--model", "/no/such.onnx"]] {
        let out = affect(&[&["analyze", CALL][..], &wrong].concat());
        assert_eq!(out.status.code(), Some(2), "{wrong:?}");
        assert!(text(&out.stderr).contains(wrong[1]), "{wrong:?}");
    }
}

#[test]
fn attributions_of_tables_add_up() {
    let dir = scratch("attribute");
    let (x, b, g) = (dir.join("x.csv"), dir.join("b.csv"), dir.join("g.json"));
    let folder = "tests/data/attribution/mlp_scaled";
    std::fs::write(&x, floats(&format!("{folder}/x.f32"), 10)).unwrap();
    std::fs::write(&b, floats(&format!("{folder}/background.f32"), 10)).unwrap();
    std::fs::write(&g, r#"{"first": [0, 1, 2, 3], "second": [4, 5, 6, 7, 8, 9]}"#).unwrap();
    let model = format!("{folder}/model.onnx");
    let [x, b, g] = [&x, &b, &g].map(|p| p.to_str().unwrap());
    for (method, count) in [("shapley", 10), ("shapley-groups", 2), ("integrated-gradients", 10), ("gradient", 10)] {
        let out = affect(&[
            "attribute",
            "--model",
            &model,
            "--input",
            x,
            "--background",
            b,
            "--method",
            method,
            "--target",
            "2",
            "--groups",
            g,
        ]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let rows: Vec<Value> = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(rows.len(), 4);
        for r in rows {
            let values: Vec<f64> = r["attributions"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            assert_eq!(values.len(), count);
            if method != "gradient" {
                let left = r["output"].as_f64().unwrap() - r["base"].as_f64().unwrap() - values.iter().sum::<f64>();
                assert!(
                    (left - r["residual"].as_f64().unwrap()).abs() < 1e-12 && left.abs() < 1e-5,
                    "{method}: {left}"
                );
            }
        }
    }
    for (wrong, word) in [
        (vec!["--method", "tree"], "tree"),
        (vec!["--method", "linear"], "linear"),
        (vec!["--method", "shapley", "--target", "9"], "below 4"),
    ] {
        let out = affect(&[&["attribute", "--model", &model, "--input", x, "--background", b][..], &wrong].concat());
        assert_eq!(out.status.code(), Some(1));
        assert!(text(&out.stderr).contains(word), "{}", text(&out.stderr));
    }
    let more = dir.join("grad.onnx");
    let out = affect(&[
        "differentiate",
        &model,
        "--output",
        "probabilities",
        "--wrt",
        "features",
        "-o",
        more.to_str().unwrap(),
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("grad_seed") && text(&out.stdout).contains("grad_features"));
    let out =
        affect(&["differentiate", &model, "--output", "nothing", "--wrt", "features", "-o", more.to_str().unwrap()]);
    assert!(out.status.code() == Some(1) && text(&out.stderr).contains("\"nothing\""));
}

/// Scores of a table of features are those of the analysis itself.
#[test]
fn tables_and_files_give_the_same_scores() {
    let dir = scratch("score");
    let table = dir.join("features.csv");
    let clip = "tests/data/emodb/16a01Wb.wav";
    let out = affect(&["features", clip, "--quiet", "--out", table.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(0));
    let score = ["score", "models/affect-default.onnx", "--features", table.to_str().unwrap(), "--format", "jsonl"];
    let out = affect(&score);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let scored: Value = serde_json::from_slice(&out.stdout).unwrap();
    let analyze = ["analyze", clip, "--quiet", "--json", "--segments", "file"];
    // A table that does not say who speaks is compared with training speakers.
    let out = affect(&[&analyze[..], &["--model-reference", "training"]].concat());
    let heard: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(scored["probabilities"], heard["emotion"]["probabilities"]);
    assert_eq!(scored["file"], clip);
    assert_eq!(scored["dimensions"]["arousal"], heard["emotion"]["dimensions"]["arousal"]);
    // How the file as a whole is compared with itself.
    let own: Value = serde_json::from_slice(&affect(&analyze).stdout).unwrap();
    assert_ne!(own["emotion"]["probabilities"], heard["emotion"]["probabilities"]);
}

/// A model out of eight recordings: trained, printed, run.
#[test]
fn a_model_is_trained_checked_and_run() {
    let dir = scratch("train");
    let (manifest, model) = (dir.join("manifest.csv"), dir.join("model.onnx"));
    let clips = [
        ("03a02Wb", "03", "tense"),
        ("03b10Ab", "03", "tense"),
        ("03a04Fd", "03", "tense"),
        ("03a01Nc", "03", "calm"),
        ("16a01Wb", "16", "tense"),
        ("16a01Lb", "16", "calm"),
        ("16a04Fa", "16", "tense"),
        ("16a01Tb", "16", "calm"),
    ];
    let rows: String = clips.iter().map(|(f, s, e)| format!("{f}.wav,{s},{e}\n")).collect();
    std::fs::write(&manifest, format!("file,speaker,emotion\n{rows}")).unwrap();
    let (m, o) = (manifest.to_str().unwrap(), model.to_str().unwrap());
    for learner in ["logistic", "boosting"] {
        for reference in ["training", "speaker"] {
            let words = [
                "train",
                m,
                "--root",
                "tests/data/emodb",
                "--out",
                o,
                "--learner",
                learner,
                "--reference",
                reference,
                "--quiet",
            ];
            let out = affect(&words);
            assert_eq!(out.status.code(), Some(0), "{learner}: {}", text(&out.stderr));
            assert!(text(&out.stdout).contains("UAR") && text(&out.stdout).contains("2 folds that share no speaker"));
            let out = affect(&["explain-model", o]);
            assert!(text(&out.stdout).contains("agrees with the graph"), "{}", text(&out.stderr));
            let out = affect(&["analyze", "tests/data/emodb/16a01Wb.wav", "--model", o, "--quiet", "--json"]);
            let r: Value = serde_json::from_slice(&out.stdout).unwrap();
            assert!(r["emotion"]["confidence"].is_number(), "{r}");
            let rests = r["emotion"].get("baseline_speech_s").is_some();
            assert_eq!(rests, reference == "speaker");
            if rests {
                assert!(r["emotion"]["abstained"].as_str().unwrap().contains("baseline"), "{r}");
            }
        }
    }
}

const FAULTS: &str = "tests/data/faults";

/// Scores of a table, row by row, as the command prints them; and what it says beside them.
fn scores(words: &[&str]) -> (Vec<String>, Vec<Vec<String>>, String) {
    let out = affect(&[&["score"][..], words].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let shown = text(&out.stdout);
    let mut lines = shown.lines().map(|l| l.split(',').map(str::to_owned).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect(), text(&out.stderr))
}

/// Models of others without a card: scikit-learn's own numbers come out, as what they are.
#[test]
fn without_a_card_the_graph_says_what_an_output_holds() {
    let x = format!("{FAULTS}/x.csv");
    let (head, rows, said) = scores(&[&format!("{FAULTS}/svc.onnx"), "--features", &x]);
    let column = |name: &str| head.iter().position(|h| h == name).unwrap();
    for (label, expected) in [("anger", 0.042_502_70), ("neutral", 0.957_271_70), ("sadness", 0.000_225_57)] {
        let found: f64 = rows[0][column(label)].parse().unwrap();
        assert!((found - expected).abs() < 1e-6, "{label}: {found}");
    }
    assert_eq!(rows[0][column("label")], "neutral", "the labels that the graph carries");
    assert!(said.contains("probabilities") && said.contains("SVMClassifier"), "{said}");

    let (head, rows, said) = scores(&[&format!("{FAULTS}/gbr.onnx"), "--features", &x]);
    assert_eq!(head, ["variable"]);
    for (row, expected) in rows.iter().zip([-0.841_701_39, 2.760_855_67, -0.655_796_11]) {
        let found: f64 = row[0].parse().unwrap();
        assert!((found - expected).abs() < 1e-6, "{row:?}");
    }
    assert!(said.contains("TreeEnsembleRegressor"), "{said}");
}

/// A fixed number of samples is the length of the windows that a file is scored by.
#[test]
fn a_fixed_time_axis_means_windows() {
    let model = format!("{FAULTS}/static.onnx");
    let out = affect(&["analyze", "tests/data/emodb/16a01Wb.wav", "--model", &model, "--json", "--quiet"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("\"arousal\""), "{}", text(&out.stdout));
    let shown = affect(&["explain-model", &model]);
    assert!(shown.status.success() && text(&shown.stdout).contains("16000"), "{}", text(&shown.stderr));
}

/// What stands in the way of an exact method has a name.
#[test]
fn the_node_in_the_way_is_named() {
    let folder = "tests/data/attribution/mlp_scaled";
    let dir = scratch("way");
    let x = dir.join("x.csv");
    std::fs::write(&x, floats(&format!("{folder}/x.f32"), 10)).unwrap();
    let (model, x) = (format!("{folder}/model.onnx"), x.to_str().unwrap());
    for method in ["linear", "tree"] {
        let out = affect(&["attribute", "--model", &model, "--input", x, "--background", x, "--method", method]);
        let said = text(&out.stderr);
        assert!(out.status.code() == Some(1) && said.contains("operator") && said.contains("node \""), "{said}");
    }
    let shown = text(&affect(&["explain-model", &model]).stdout);
    assert!(shown.lines().any(|l| l.contains("linear") && l.contains("node \"")), "{shown}");
}

/// A model that compares with the speaker gets distances, those of `affect features --baseline two-pass`; never the raw
/// numbers in their place.
#[test]
fn speaker_models_compare_tables_with_their_speakers() {
    let dir = scratch("speaker");
    let clips: Vec<String> =
        ["16a01Wb", "16a01Lb", "03a02Wb"].iter().map(|n| format!("tests/data/emodb/{n}.wav")).collect();
    let model = "models/affect-default.onnx";
    let shown = affect(&["explain-model", model, "--json"]);
    let card: Value = serde_json::from_slice(&shown.stdout).unwrap();
    // The same graph as one that knows nothing but the speaker.
    let as_card = |name: &str, normaliser: Value| {
        let mut card = card.clone();
        card["normaliser"] = normaliser;
        card["calibration"].as_object_mut().unwrap().remove("temperature_speaker");
        let path = dir.join(name);
        std::fs::write(&path, card.to_string()).unwrap();
        path.display().to_string()
    };
    let own = as_card("speaker.json", serde_json::json!({"kind": "speaker"}));
    let table = dir.join("table.csv");
    let files: Vec<&str> = clips.iter().map(String::as_str).collect();
    let t = table.to_str().unwrap();
    let made = affect(&[&["features", "--quiet", "--out", t][..], &files].concat());
    assert_eq!(made.status.code(), Some(0));
    for verb in
        [vec!["score", model, "--features", t], vec!["attribute", "--model", model, "--input", t, "--method", "linear"]]
    {
        let out = affect(&[&verb[..], &["--model-card", &own]].concat());
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{}", text(&out.stdout));
        assert!(said.contains("--baseline two-pass") && said.contains("--speaker"), "{said}");
    }

    // The same distances by another way: one file is one speaker there, and the same graph takes them as they are.
    let lines = affect(&[&["features", "--quiet", "--format", "jsonl", "--baseline", "two-pass"][..], &files].concat());
    let records: Vec<Value> = text(&lines.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let names: Vec<&String> = records[0]["features"].as_object().unwrap().keys().collect();
    let most = card["clip"].as_f64().unwrap();
    let z = |r: &Value| -> String {
        let one = |n: &&String| r["baseline"]["z"][n.as_str()].as_f64().unwrap_or(0.0).clamp(-most, most).to_string();
        names.iter().map(one).collect::<Vec<_>>().join(",")
    };
    let header = names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(",");
    let distances = dir.join("z.csv");
    let rows: Vec<String> = records.iter().map(z).collect();
    std::fs::write(&distances, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    // How much of each is speech, which the records know and the table does not.
    let bare = std::fs::read_to_string(&table).unwrap();
    let speech = records.iter().map(|r| r["quality"]["speech_s"].to_string());
    let with: Vec<String> = std::iter::once("speech_s".to_owned())
        .chain(speech)
        .zip(bare.lines())
        .map(|(s, l)| format!("{s},{l}"))
        .collect();
    assert_eq!(with.len(), 4);
    std::fs::write(&table, with.join("\n")).unwrap();
    let plain = as_card("plain.json", serde_json::json!({"kind": "none"}));
    let expected = scores(&[model, "--features", distances.to_str().unwrap(), "--model-card", &plain]);
    let own = ["--model-card", &own];
    let compared = |speaker: &str| {
        scores(&[&[model, "--features", t, "--baseline", "two-pass", "--speaker", speaker][..], &own].concat())
    };
    let found = compared("file");
    assert_eq!(found.1.len(), 3);
    let numbers = |r: &[String]| r.iter().filter_map(|c| c.parse::<f64>().ok()).collect::<Vec<_>>();
    for (f, e) in found.1.iter().zip(&expected.1) {
        let (f, e) = (numbers(&f[f.len() - 4..]), numbers(&e[e.len() - 4..]));
        assert!(f.len() == 4 && f.iter().zip(&e).all(|(f, e)| (f - e).abs() < 1e-6), "{f:?} {e:?}");
    }

    // Two files of one speaker share a baseline: other numbers than file by file.
    let who = std::fs::read_to_string(&table).unwrap();
    let mut lines = who.lines();
    let mut with = format!("speaker,{}\n", lines.next().unwrap());
    lines.for_each(|l| with.push_str(&format!("{},{l}\n", if l.contains("/16a") { "16" } else { "03" })));
    std::fs::write(&table, with).unwrap();
    let shared = compared("speaker").1;
    let tail = |r: &[String]| r[r.len() - 4..].to_vec();
    assert_ne!(tail(&shared[0]), tail(&found.1[0]));
    assert_eq!(tail(&shared[2]), tail(&found.1[2]), "who has one file has the same baseline either way");
    // A model that knows both takes the table with and without speakers, and says other things.
    let alone = scores(&[model, "--features", t]).1;
    let with = scores(&[model, "--features", t, "--baseline", "two-pass", "--speaker", "speaker"]).1;
    assert!(alone.len() == 3 && alone.iter().zip(&with).all(|(a, w)| tail(a) != tail(w)));

    let columns = card["input"]["features"].as_array().unwrap().len();
    let training = serde_json::json!({"kind": "training", "location": vec![0.0; columns], "scale": vec![1.0; columns]});
    let training = as_card("training.json", training);
    let score = ["score", model, "--features", t];
    for (options, word) in [
        (&["--baseline", "two-pass", "--speaker", "name"][..], "\"name\""),
        (&["--baseline", "two-pass"], "--speaker COLUMN"),
        (&["--baseline", "noise.npy"], "expected two-pass"),
        (&["--baseline", "two-pass", "--speaker", "speaker", "--model-card", &training], "training speakers"),
    ] {
        let out = affect(&[&score[..], options].concat());
        assert!(out.status.code() == Some(1) && text(&out.stderr).contains(word), "{}", text(&out.stderr));
    }
}

/// A model whose run fails has failed: the cause is said once for a file, and the command's code remembers it.
#[test]
fn a_model_whose_run_fails_is_said() {
    let dir = scratch("fails");
    let model = dir.join("fails.onnx");
    std::fs::write(&model, runs_up_to_a_second()).unwrap();
    let card = serde_json::json!({
        "format": "affect.card/1", "id": "fails", "version": "1",
        "input": {"kind": "waveform", "name": "signal", "rate_hz": 16000},
        "outputs": [{"name": "logits", "kind": "dimensions", "labels": ["arousal"]}],
    });
    std::fs::write(dir.join("fails.card.json"), card.to_string()).unwrap();
    let m = model.to_str().unwrap();
    let clip = "tests/data/emodb/16a01Wb.wav";
    let out = affect(&["analyze", clip, "--segments", "file", "--quiet", "--json", "--model", m]);
    let r: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    assert!(r["emotion"]["abstained"].as_str().unwrap().contains("run failed") && r["features"].is_object(), "{r}");
    let said = text(&out.stderr);
    assert!(out.status.code() == Some(1) && said.contains("run failed") && said.contains(clip), "{said}");
}

/// A waveform model with 16 000 positions, as networks with learnt positions have them: longer inputs fail in the run.
fn runs_up_to_a_second() -> Vec<u8> {
    use affect::onnx::build::{self, int};
    use affect::onnx::graph::Dim;
    use affect::onnx::proto::GraphProto;
    use affect::onnx::tensor::{FLOAT, float_tensor, int_tensor};
    let graph = GraphProto {
        name: "positions".to_owned(),
        node: vec![
            build::node("Shape", &["signal"], &["shape"], vec![]),
            build::node("Slice", &["shape", "one", "two", "zero"], &["length"], vec![]),
            build::node("Slice", &["positions", "zero", "length", "one"], &["placed"], vec![]),
            build::node("Add", &["signal", "placed"], &["sum"], vec![]),
            build::node("ReduceMean", &["sum", "one"], &["logits"], vec![int("keepdims", 1)]),
        ],
        initializer: vec![
            int_tensor("zero", &[0]),
            int_tensor("one", &[1]),
            int_tensor("two", &[2]),
            float_tensor("positions", &[1, 16_000], &[0.0; 16_000]),
        ],
        input: vec![build::value("signal", FLOAT, Some(&[Dim::Fixed(1), Dim::Named("time".to_owned())]))],
        output: vec![build::value("logits", FLOAT, Some(&[Dim::Fixed(1), Dim::Fixed(1)]))],
        ..GraphProto::default()
    };
    build::model(graph, &[("", 18)], &[])
}
