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
    let again = affect(&["analyze", "--quiet", "--roles", "agent,caller", CALL]);
    assert_eq!(again.status.code(), Some(0));

    let json = affect(&["analyze", "--quiet", "--json", "--roles", "agent,caller", CALL]);
    let lines: Vec<Value> = text(&json.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for r in &lines {
        assert_eq!(r.get("emotion").is_some(), r["channel"]["role"] == "caller");
    }
    assert!(lines.iter().any(|r| r["explanations"][0]["features"][0]["sentence"].is_string()));
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
    let out =
        affect(&["score", "models/affect-default.onnx", "--features", table.to_str().unwrap(), "--format", "jsonl"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let scored: Value = serde_json::from_slice(&out.stdout).unwrap();
    let out = affect(&["analyze", clip, "--quiet", "--json", "--segments", "file"]);
    let heard: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(scored["probabilities"], heard["emotion"]["probabilities"]);
    assert_eq!(scored["file"], clip);
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
