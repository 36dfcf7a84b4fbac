//! Waveform models by the command: cards, attributions in full precision, calls.

mod common;

use common::{Folder, root, skipped};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TINY: &str = "tests/data/waveform";

fn affect(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_affect")).args(words).current_dir(root()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn said(words: &[&str]) -> String {
    let out = affect(words);
    assert!(out.status.code() == Some(1) && out.stdout.is_empty(), "{words:?}: {}", text(&out.stdout));
    text(&out.stderr)
}

fn json(words: &[&str]) -> Value {
    let out = affect(words);
    assert!(out.status.success(), "{words:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn npy(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance * largest, "{what}: off by {:.1e} of the largest value", worst / largest);
}

/// The card that was understood, and it wins once it lies beside the model.
#[test]
fn the_card_of_a_folder() {
    let folder = format!("{TINY}/wav2vec2-dynamo-23");
    let card = json(&["card", &folder]);
    assert_eq!(card["input"]["name"], "input_values");
    assert_eq!(card["input"]["normalisation"], "zero-mean-unit-variance");
    assert_eq!(card["outputs"][0]["labels"][3], "sadness");
    let dir = Folder::new("card");
    for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.at(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    let beside = dir.at("model.onnx.card.json");
    let changed = card.to_string().replace("\"sadness\"", "\"sorrow\"");
    std::fs::write(&beside, changed).unwrap();
    let again = json(&["card", dir.0.to_str().unwrap()]);
    assert_eq!(again["outputs"][0]["labels"][3], "sorrow");
    let e = said(&["card", "tests/data/attribution/mlp/model.onnx"]);
    assert!(e.contains("config.json"), "{e}");
}

/// Every method, against what PyTorch computes in float64.
#[test]
fn attributions_in_full_precision() {
    for name in ["wav2vec2-torchscript-17", "hubert-dynamo-20"] {
        let folder = format!("{TINY}/{name}");
        let at = |file: &str| root().join(&folder).join(file);
        let about: Value = serde_json::from_str(&std::fs::read_to_string(at("vectors.json")).unwrap()).unwrap();
        let target = about["target"].to_string();
        let x = format!("{folder}/x.npy");
        let base = ["attribute", "--model", &folder, "--input", &x, "--target", &target, "--format", "json"];
        let run = |more: &[&str]| json(&[&base[..], more].concat())[0].clone();
        let layer = about["tensors"]["block_mid"].as_str().unwrap();
        let values = |v: &Value| numbers(&v["attributions"]);
        let found = run(&["--method", "gradient"]);
        close(&values(&found), &npy(&at("gradient_waveform.npy")), 2e-5, name);
        assert!(found["base"].is_null() && found["residual"].is_null());
        let found = run(&["--method", "gradient", "--layer", layer]);
        close(&values(&found), &npy(&at("gradient_block_mid.npy")), 2e-5, name);
        assert_eq!(found["shape"], about["shapes"]["gradient_block_mid"]);
        let found = run(&["--method", "grad-cam", "--layer", layer, "--signed"]);
        let expected = npy(&at("grad_cam_block_mid.npy"));
        close(&values(&found), &expected, 2e-5, name);
        assert_eq!(found["layout"], "frames-by-channels");
        let found = run(&["--method", "grad-cam", "--layer", layer]);
        close(&values(&found), &expected.iter().map(|v| v.max(0.0)).collect::<Vec<_>>(), 2e-5, name);
        let baseline = format!("{folder}/baseline.npy");
        let found = run(&["--method", "integrated-gradients", "--baseline", &baseline, "--steps", "32"]);
        close(&values(&found), &npy(&at("integrated_gradients.npy")), 2e-5, name);
        let sum: f64 = values(&found).iter().sum();
        let number = |key: &str| found[key].as_f64().unwrap();
        assert!((number("base") + sum + number("residual") - number("output")).abs() < 1e-9, "{found}");
        let found = run(&["--method", "occlusion", "--segment-ms", "100"]);
        close(&values(&found), &npy(&at("occlusion.npy")), 2e-4, name);
    }
}

/// Options that mean nothing for a method or a model are refused, with what is expected.
#[test]
fn wrong_options_are_refused() {
    let folder = format!("{TINY}/wav2vec2-torchscript-17");
    let x = format!("{folder}/x.npy");
    let base = ["attribute", "--model", &folder, "--input", &x];
    let refused = |more: &[&str], word: &str| {
        let e = said(&[&base[..], more].concat());
        assert!(e.contains(word), "{more:?}: {e}");
    };
    refused(&["--method", "grad-cam"], "--layer");
    refused(&["--method", "grad-cam", "--layer", "no such tensor"], "no such tensor");
    refused(&["--method", "grad-cam", "--layer", "logits"], "frames");
    refused(&["--method", "gradient", "--signed"], "grad-cam");
    refused(&["--method", "gradient", "--baseline", &x], "integrated-gradients");
    refused(&["--method", "occlusion", "--layer", "logits"], "gradient");
    refused(&["--method", "tree"], "waveform");
    refused(&["--method", "gradient", "--target", "boredom"], "sadness");
    let mlp = ["attribute", "--model", "tests/data/attribution/mlp/model.onnx", "--input", &x];
    let e = said(&[&mlp[..], &["--method", "occlusion"]].concat());
    assert!(e.contains("waveform"), "{e}");
}

/// A model with a fixed time axis takes windows of that length; a folder is as good as a file.
#[test]
fn files_are_scored_by_folders() {
    for model in [format!("{TINY}/fixed-torchscript-17"), format!("{TINY}/hubert-dynamo-20")] {
        let out = affect(&["analyze", "tests/data/emodb/16a01Wb.wav", "--model", &model, "--json", "--quiet"]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        let shown = text(&out.stdout);
        let record: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
        assert_eq!(record["emotion"]["probabilities"].as_object().unwrap().len(), 5, "{shown}");
    }
    let encoder = format!("{TINY}/encoder-dynamo-18");
    let out = affect(&["analyze", "tests/data/emodb/16a01Wb.wav", "--model", &encoder, "--json", "--quiet"]);
    let shown = text(&out.stdout);
    assert!(out.status.success() && shown.contains("hidden states and no scores"), "{}{shown}", text(&out.stderr));
    let shown = text(&affect(&["explain-model", &format!("{TINY}/int8-torchscript-17")]).stdout);
    let line = |name: &str| shown.lines().find(|l| l.trim_start().starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("grad-cam").contains("no") && line("grad-cam").contains("occlusion"), "{shown}");
    assert!(line("occlusion").contains("yes"), "{shown}");
}

/// The reference models as they are: graphs without a card or configuration.
#[test]
fn bare_graphs_take_waveforms() {
    let reference: PathBuf = root().join("../shared/reference/attribution/w2v_prenorm");
    if !reference.exists() {
        skipped("../shared/reference is not there");
        return;
    }
    let dir = Folder::new("bare");
    let bytes = std::fs::read(reference.join("case0_x.f32")).unwrap();
    let cells: Vec<String> =
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).to_string()).collect();
    std::fs::write(dir.at("x.csv"), cells.join(",") + "\n").unwrap();
    let (model, x) = (reference.join("model.onnx"), dir.at("x.csv"));
    let base = ["attribute", "--model", model.to_str().unwrap(), "--input", x.to_str().unwrap(), "--target", "2"];
    let found = json(&[&base[..], &["--method", "gradient"]].concat());
    let bytes = std::fs::read(reference.join("case0_grad_waveform.f64")).unwrap();
    let expected: Vec<f64> = bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    close(&numbers(&found[0]["attributions"]), &expected, 2e-5, "gradient");
}

/// The layers of a model, and where it looked, as the timeline says it and as a picture of one utterance.
#[test]
fn where_a_model_looked() {
    let model = format!("{TINY}/wav2vec2-torchscript-17");
    let out = affect(&["explain-model", &model]);
    let about = text(&out.stdout);
    let last = about.lines().find(|l| l.contains("(auto)")).unwrap_or_else(|| panic!("{about}"));
    assert!(last.contains("hidden-3") && last.contains("layers.2/final_layer_norm"), "{last}");
    assert!(about.contains("last convolution") && about.contains("a frame every 320 samples"), "{about}");
    let clip = "tests/data/emodb/03a01Nc.wav";
    let out = affect(&["analyze", clip, "--model", &model, "--quiet"]);
    let timeline = text(&out.stdout);
    assert!(
        timeline.contains("It leaned on ") && timeline.contains("Silencing") | timeline.contains("silencing"),
        "{timeline}"
    );
    let dir = Folder::new("picture");
    let svg = dir.at("one.svg");
    let out = affect(&["picture", clip, "--model", &model, "--out", svg.to_str().unwrap(), "--reliability", "3"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).starts_with("It leaned on "), "{}", text(&out.stdout));
    let drawn = std::fs::read_to_string(&svg).unwrap();
    for what in ["waveform", "F0, Hz", "relevance for ", "seconds", "It leaned on ", "<circle", "<rect"] {
        assert!(drawn.contains(what), "{what}");
    }
    let wrong = said(&["picture", clip, "--model", &model, "--out", svg.to_str().unwrap(), "--utterance", "9"]);
    assert!(wrong.contains("--utterance 9") && wrong.contains("at most 1"), "{wrong}");
    let wrong = said(&["picture", clip, "--model", "models/affect-default.onnx", "--out", svg.to_str().unwrap()]);
    assert!(wrong.contains("frames") && wrong.contains("features"), "{wrong}");
}
