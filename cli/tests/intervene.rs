//! `affect intervene`: what is found and written, what is remembered, and what is refused.

mod common;
#[path = "../../tests/common/planted_models.rs"]
mod planted_models;

use common::{CLIP, Folder, affect, command, ended, said};
use planted_models::SCORES;
use serde_json::Value;
use std::path::Path;

const CLIPS: &str = "tests/data/emodb";

/// The planted models in a folder, with their cards beside them.
fn models(folder: &Folder) -> [String; 2] {
    let write = |name: &str, bytes: Vec<u8>, card: String| {
        let place = folder.at(&format!("{name}.onnx"));
        std::fs::write(&place, bytes).unwrap();
        std::fs::write(folder.at(&format!("{name}.card.json")), card).unwrap();
        place.to_str().unwrap().to_owned()
    };
    [
        write("waveform", planted_models::waveform(), planted_models::waveform_card()),
        write("features", planted_models::features(), planted_models::features_card()),
    ]
}

fn json(out: &str) -> Value {
    serde_json::from_slice(&std::fs::read(Path::new(out).join("interventions.json")).unwrap()).unwrap()
}

/// The first property of every planted score.
fn firsts(found: &Value) -> Vec<String> {
    (0..5)
        .map(|k| {
            let list = found["properties"].as_array().unwrap();
            let first = list.iter().find(|p| p["effects"][k]["rank"] == 1).unwrap();
            first["property"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn properties_are_found_told_and_remembered() {
    let folder = Folder::new("intervene");
    let [waveform, _] = models(&folder);
    let out = folder.at("out").to_str().unwrap().to_owned();
    let words = |doses: &str| {
        let list = ["intervene", &waveform, CLIPS, "--backend", "rten", "--out", &out, "--doses", doses];
        [&list[..], &["--properties", "level,tilt", "--pairs", "level+tilt", "--quiet"]]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect::<Vec<_>>()
    };
    let first = affect(&words("level=-6,6"));
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    assert!(text.contains("level: most moved by level (+2.1") && text.contains("inert: no property"), "{text}");
    let found = json(&out);
    assert_eq!((&found["schema"], &found["sample"]["unit"]), (&"affect.interventions/1".into(), &"recordings".into()));
    assert_eq!(found["scores"].as_array().unwrap().len(), SCORES.len());
    // Level and tilt do not act on each other.
    for i in found["interactions"].as_array().unwrap().iter().filter(|i| i["score"] == "level") {
        assert!(i["per_deviations"]["value"].as_f64().unwrap().abs() < 1e-4, "{i}");
    }
    let report = std::fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
    assert!(report.contains("What waveform.onnx listens to") && report.contains("Interactions"));
    let responses = std::fs::read_to_string(Path::new(&out).join("responses.csv")).unwrap();
    assert_eq!(responses.lines().count(), 1 + (2 + 4) * SCORES.len());
    // Again: nothing is asked anew, and everything is the same.
    let cached = || {
        let files = walkdir::WalkDir::new(Path::new(&out).join("cache")).into_iter().map(Result::unwrap);
        let mut list: Vec<_> = files
            .filter(|f| f.file_type().is_file())
            .map(|f| (f.path().to_owned(), f.metadata().unwrap().modified().unwrap()))
            .collect();
        list.sort();
        list
    };
    let before = cached();
    assert_eq!(before.len(), 8);
    let again = affect(&words("level=-6,6"));
    assert_eq!((again.status.code(), json(&out)), (Some(0), found.clone()));
    assert_eq!(cached(), before);
    // Another dose is added to what is there.
    let more = affect(&words("level=-6,3,6"));
    assert_eq!(more.status.code(), Some(0), "{}", said(&more));
    assert_eq!(json(&out)["properties"][0]["doses"].as_array().unwrap().len(), 3);
    let kept = |f: &Value| {
        f["properties"].as_array().unwrap().iter().find(|p| p["property"] == "tilt").unwrap()["doses"].clone()
    };
    assert_eq!(kept(&json(&out)), kept(&found));
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    let folder = Folder::new("intervene-refused");
    let [waveform, features] = models(&folder);
    let out = folder.at("out").to_str().unwrap().to_owned();
    let refused = |words: &[&str], part: &str| {
        let o = affect(&[&["intervene"], words, &["--out", &out, "--quiet"]].concat());
        assert_eq!(o.status.code(), Some(1), "{words:?}");
        assert!(said(&o).contains(part), "{words:?}: {}", said(&o));
        assert!(!folder.at("out").join("interventions.json").exists(), "{words:?}");
    };
    refused(&[&waveform, CLIP, "--properties", "pitch"], "expected one of f0, f0-range");
    refused(&[&waveform, CLIP, "--doses", "f0=20"], "expected -12 to 12st");
    refused(&[&waveform, CLIP, "--pairs", "f0"], "such as f0+tilt");
    refused(&[&waveform, CLIP, "--semitones"], "for every frame");
    refused(&[&waveform, CLIP, "--sure", "confidence"], "such as confidence=0.9");
    refused(&[&waveform, CLIP, "--channel", "3"], "no recording could be asked about");
    refused(&[&waveform, "nothing.wav"], "nothing.wav");
    refused(&[&features, "README.md"], "no recording could be asked about");
    refused(&["nothing.onnx", CLIP], "nothing.onnx");
    // A model of features without a card.
    let bare = folder.at("bare.onnx");
    std::fs::copy(&features, &bare).unwrap();
    refused(&[bare.to_str().unwrap(), CLIP], "card");
    // An output among the inputs.
    let o = affect(&["intervene", &waveform, CLIP, "--out", CLIP, "--quiet"]);
    assert_eq!(o.status.code(), Some(1), "{}", said(&o));
}

/// Stopped in the middle, it goes on from there.
#[test]
fn an_interruption_keeps_what_was_heard() {
    let folder = Folder::new("intervene-stop");
    let [waveform, _] = models(&folder);
    let out = folder.at("out").to_str().unwrap().to_owned();
    let words = [
        "intervene",
        &waveform,
        CLIPS,
        "--backend",
        "rten",
        "--properties",
        "level,rate",
        "--threads",
        "1",
        "--out",
        &out,
        "--quiet",
    ];
    let child = command().args(words).spawn().unwrap();
    let begun = std::time::Instant::now();
    let cache = folder.at("out").join("cache");
    let count = || {
        walkdir::WalkDir::new(&cache)
            .into_iter()
            .filter_map(Result::ok)
            .filter(|f| f.path().extension().is_some_and(|e| e == "json"))
            .count()
    };
    while count() < 2 && begun.elapsed().as_secs() < 100 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let o = ended(child);
    assert_eq!(o.status.code(), Some(130), "{}", said(&o));
    assert!(said(&o).contains("goes on from there"), "{}", said(&o));
    // Recordings that were begun are there with what was heard of them until then: not everything yet.
    let versions = || {
        let files = walkdir::WalkDir::new(&cache).into_iter().map(Result::unwrap).filter(|f| f.file_type().is_file());
        let of = |f: walkdir::DirEntry| -> Value { serde_json::from_slice(&std::fs::read(f.path()).unwrap()).unwrap() };
        files.map(|f| of(f)["versions"].as_array().unwrap().len()).sum::<usize>()
    };
    let (all, heard) = (8 * 8, versions());
    assert!((2 * 8..all).contains(&heard), "{heard} of {all}");
    assert!(!folder.at("out").join("interventions.json").exists());
    let rest = affect(&words);
    assert_eq!((rest.status.code(), count(), versions()), (Some(0), 8, all), "{}", said(&rest));
    let fresh = folder.at("fresh").to_str().unwrap().to_owned();
    let mut anew = words;
    anew[10] = &fresh;
    assert_eq!(affect(&anew).status.code(), Some(0));
    assert_eq!(json(&fresh), json(&out));
}

/// The planted property comes first in 99 of a hundred runs, each with other recordings of EmoDB (`AFFECT_RUNS` runs; none without it).
#[test]
fn the_planted_property_comes_first_in_99_of_100_runs() {
    let Some(runs) = std::env::var("AFFECT_RUNS").ok().and_then(|n| n.parse::<usize>().ok()) else {
        return common::skipped("runs on EmoDB: AFFECT_RUNS is not set");
    };
    let corpus = common::root().join("../shared/corpora/emodb");
    if !corpus.is_dir() {
        return common::skipped("runs on EmoDB: the corpus is not there");
    }
    let folder = Folder::new("intervene-runs");
    let study = folder.at("study.toml");
    let root = corpus.canonicalize().unwrap();
    // Every fourth recording: what is asked once serves all runs.
    let table = std::fs::read_to_string(root.join("manifest.csv")).unwrap();
    let quarter = table.lines().enumerate().filter(|(k, _)| *k == 0 || k % 4 == 1).map(|l| l.1);
    let manifest = folder.at("manifest.csv");
    std::fs::write(&manifest, quarter.collect::<Vec<_>>().join("\n")).unwrap();
    std::fs::write(&study, format!("[[corpus]]\nname = \"emodb\"\nroot = {:?}\nmanifest = {manifest:?}\n", root))
        .unwrap();
    let cache = std::env::temp_dir().join("affect-intervene-runs");
    for model in models(&folder) {
        let (mut right, mut wrong, mut flagged) = ([0usize; 5], Vec::new(), [0usize; 2]);
        for run in 0..runs {
            let out = folder.at("out");
            let seed = (run + 1).to_string();
            let o = ended(
                command()
                    .args(["intervene", &model, study.to_str().unwrap(), "--sample", "20", "--seed", &seed, "--quiet"])
                    .args(["--draws", "200", "--out", out.to_str().unwrap(), "--cache", cache.to_str().unwrap()])
                    .spawn()
                    .unwrap(),
            );
            assert_eq!(o.status.code(), Some(0), "{}", said(&o));
            let found = json(out.to_str().unwrap());
            for (k, (first, planted)) in firsts(&found).iter().zip(SCORES).enumerate() {
                right[k] += usize::from(first == planted);
                if first != planted {
                    wrong.push(format!("{planted}: {first} in run {seed}"));
                }
            }
            for (k, count) in flagged.iter_mut().enumerate() {
                let any = |p: &Value| p["effects"][5 + k]["beyond_chance"] == true;
                *count += usize::from(found["properties"].as_array().unwrap().iter().any(any));
            }
        }
        eprintln!(
            "{model}: {runs} runs, first {right:?} of {:?}; inert and chaos beyond chance {flagged:?}; {wrong:?}",
            &SCORES[..5]
        );
        assert!(right.iter().all(|n| 100 * n >= 99 * runs), "{right:?}");
        assert!(flagged[0] == 0 && 100 * flagged[1] <= 8 * runs.max(50), "{flagged:?}");
    }
}
