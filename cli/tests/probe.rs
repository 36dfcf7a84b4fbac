//! `affect probe` as a user runs it, on a tiny transformer with random weights and synthetic speech.

mod common;

use common::{Folder, affect, command, said};
use serde_json::Value;
use std::path::Path;

const MODEL: &str = "tests/data/waveform/wav2vec2-torchscript-17";

/// Harmonic tones of five speakers, two labels by their pitch, and a study of them.
fn study(folder: &Folder) -> String {
    let mut table = "file,speaker,emotion\n".to_owned();
    for speaker in 0..5 {
        for k in 0..4 {
            let name = format!("{speaker}-{k}.wav");
            let f0 = 110.0 + 25.0 * speaker as f64 + if k % 2 == 0 { 0.0 } else { 60.0 } + 3.0 * k as f64;
            tone(&folder.at(&name), f0, k);
            table += &format!("{name},s{speaker},{}\n", if k % 2 == 0 { "neutral" } else { "anger" });
        }
    }
    std::fs::write(folder.at("table.csv"), table).unwrap();
    let text = "draws = 50\n[[corpus]]\nname = \"tones\"\nroot = \".\"\nmanifest = \"table.csv\"\n";
    std::fs::write(folder.at("study.toml"), text).unwrap();
    folder.at("study.toml").to_str().unwrap().to_owned()
}

fn tone(path: &Path, f0: f64, k: usize) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..12_000 {
        let t = f64::from(n) / 16_000.0;
        let phase = std::f64::consts::TAU * f0 * (t + 0.002 * (12.0 * t).sin());
        let sum: f64 = (1..20).map(|h| (f64::from(h) * phase).sin() / f64::from(h).powf(1.0 + 0.2 * k as f64)).sum();
        wav.write_sample((2_500.0 * (1.0 + 0.5 * (25.0 * t).sin()) * sum) as i16).unwrap();
    }
    wav.finalize().unwrap();
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_model_is_probed_and_the_next_run_remembers() {
    let folder = Folder::new("probe");
    let (study, out) = (study(&folder), folder.at("out"));
    let place = out.to_str().unwrap().to_owned();
    let words = [
        "probe",
        MODEL,
        &study,
        "--out",
        &place,
        "--score-layers",
        "2",
        "--score-recordings",
        "4",
        "--score-draws",
        "3",
        "--feature",
        "F0_Hz_median",
    ];
    let first = affect(&words);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let said_first = said(&first);
    for stage in ["recordings: 20 of 20", "descriptors: 20 of 20", "hidden states: 40 of 40", "probes: 48 of 48"] {
        assert!(said_first.contains(stage), "{stage}: {said_first}");
    }
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(
        text.contains("report.html")
            && text.contains("folds that share neither speaker")
            && text.contains("F0_Hz_median"),
        "{text}"
    );
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    let json: Value = serde_json::from_slice(&read("probe.json")).unwrap();
    assert_eq!(json["schema"], "affect.probe/1");
    let layers = json["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 12);
    assert!(layers.iter().all(|l| !l["features"].as_array().unwrap().is_empty()));
    let score = |k: usize| layers[k]["erased"][0]["score"]["status"].as_str().unwrap().to_owned();
    assert_eq!(
        (score(0), score(8), score(9), score(11)),
        ("not-run".into(), "measured".into(), "not-run".into(), "measured".into())
    );
    let table = String::from_utf8(read("probe.csv")).unwrap();
    assert!(table.lines().any(|l| l.starts_with("hidden-3,utterance,F0_Hz_median,frequency,")), "{}", &table[..500]);
    assert!(String::from_utf8(read("report.html")).unwrap().contains("What layers hold"));
    // The same again, from memory, to the last byte: no state is computed.
    let mut before = Vec::new();
    files(&out.join("cache"), &mut before);
    let times = |list: &[std::path::PathBuf]| -> Vec<_> {
        list.iter().map(|p| p.metadata().unwrap().modified().unwrap()).collect()
    };
    let (stamps, content) = (times(&before), read("probe.json"));
    let again = affect(&[&words[..], &["--quiet"]].concat());
    assert_eq!((again.status.code(), said(&again)), (Some(0), String::new()));
    assert_eq!(read("probe.json"), content);
    assert_eq!(times(&before), stamps);
    // A state that is half written is made anew.
    let states = before
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "states"))
        .max_by_key(|p| p.metadata().unwrap().len());
    let states = states.unwrap();
    let whole = std::fs::read(states).unwrap();
    std::fs::write(states, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(affect(&words).status.code(), Some(0));
    assert_eq!(std::fs::read(states).unwrap(), whole);
}

/// An interruption ends with its own code, writes no findings, and keeps what was computed.
#[test]
fn an_interruption_is_resumed() {
    let folder = Folder::new("probe-stop");
    let (study, out) = (study(&folder), folder.at("out"));
    let place = out.to_str().unwrap();
    let child = command().args(["probe", MODEL, &study, "--out", place]).spawn().unwrap();
    let pid = child.id().to_string();
    let states = |least: usize| {
        let mut found = Vec::new();
        if out.join("cache").is_dir() {
            files(&out.join("cache"), &mut found);
        }
        found.iter().filter(|p| p.extension().is_some_and(|e| e == "states")).count() >= least
    };
    let begun = std::time::Instant::now();
    while !states(1) && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = common::ended(child);
    assert_eq!(ended.status.code(), Some(130), "{}", said(&ended));
    assert!(said(&ended).contains("the next run goes on from there"), "{}", said(&ended));
    assert!(!out.join("probe.json").exists() && states(1));
    let again = affect(&["probe", MODEL, &study, "--out", place, "--quiet", "--score-layers", "0"]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(out.join("probe.json").exists());
}

#[test]
fn what_cannot_be_probed_is_refused_before_anything_is_written() {
    let folder = Folder::new("probe-wrong");
    let study = study(&folder);
    let out = folder.at("out");
    let place = out.to_str().unwrap();
    std::fs::write(folder.at("file"), "x").unwrap();
    let file = folder.at("file");
    let planted = folder.at("planted.toml");
    std::fs::write(&planted, "[planted]\ncarries = \"f0\"\n").unwrap();
    let planted = planted.to_str().unwrap();
    for (words, expected) in [
        (vec!["probe", "models/affect-default.onnx", &study, "--out", place], "expected a waveform model"),
        (vec!["probe", MODEL, planted, "--out", place], "expected [[corpus]] sections"),
        (vec!["probe", MODEL, "no.toml", "--out", place], "no.toml"),
        (vec!["probe", "no-model", &study, "--out", place], "no-model"),
        (vec!["probe", MODEL, &study, "--out", file.to_str().unwrap()], "expected a folder or a new name"),
        (vec!["probe", MODEL, &study, "--out", place, "--score-draws", "0"], "expected at least 1"),
    ] {
        let ended = affect(&words);
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {}", said(&ended));
        assert!(said(&ended).contains(expected), "{words:?}: {}", said(&ended));
        assert!(!out.exists() && ended.stdout.is_empty(), "{words:?}");
    }
    let unknown = affect(&["probe", MODEL, &study, "--out", place, "--quiet", "--feature", "pitch"]);
    assert!(
        unknown.status.code() == Some(1) && said(&unknown).contains("feature \"pitch\": expected one of"),
        "{}",
        said(&unknown)
    );
}
