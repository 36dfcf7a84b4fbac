//! The command as a user runs it.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn affect(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_affect")).current_dir(root()).args(words).output().unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

const CLIP: &str = "tests/data/emodb/03a01Nc.wav";
const CALL: &str = "tests/data/calls/call40_185s_2ch_pcm16.wav";

#[test]
fn functionals_as_csv() {
    let out = affect(&["features", CLIP, CALL]);
    assert_eq!(out.status.code(), Some(0));
    let text = text(&out);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "a row for the clip and one for each side of the call");
    assert!(lines[0].starts_with("file,channel,start_ns,end_ns,F0_Hz_median,"));
    assert!(lines.iter().all(|l| l.split(',').count() == 4 + 136));
    assert!(lines[1].starts_with(&format!("{CLIP},0,0,1611250000,")));
    assert!(lines[3].starts_with(&format!("{CALL},1,0,40000000000,")));
    same_as_json(lines[0], &lines[1..], &[CLIP, CALL]);
}

/// The cells of a table are the numbers of the records of the same files, under the same names; empty where a record has a reason.
fn same_as_json(header: &str, rows: &[&str], files: &[&str]) {
    let out = affect(&[&["features", "--format", "jsonl", "--quiet"][..], files].concat());
    let text = text(&out);
    let records: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rows.len(), records.len());
    let mut defined = 0;
    for (row, record) in rows.iter().zip(&records) {
        for (name, cell) in header.split(',').zip(row.split(',')).skip(4) {
            let expected = record["features"][name].as_f64();
            // Both are float32 written so that they can be read back.
            assert_eq!(cell.parse::<f32>().ok(), expected.map(|v| v as f32), "{name}: \"{cell}\"");
            assert_eq!(cell.is_empty(), record["reasons"][name].is_string(), "{name}: \"{cell}\"");
            defined += usize::from(!cell.is_empty());
        }
    }
    assert!(defined > 100 * rows.len(), "{defined} numbers in {} rows", rows.len());
}

#[test]
fn descriptors_as_csv() {
    let out = affect(&["features", CLIP, "--level", "lld", "--quiet"]);
    let text = text(&out);
    let lines: Vec<&str> = text.lines().collect();
    // one row per 20 ms frame
    assert_eq!(lines.len() - 1, (25_780 - 320) / 160 + 1);
    assert!(lines[0].starts_with("file,channel,start_ns,end_ns,F0_Hz,"));
    assert!(lines[11].starts_with(&format!("{CLIP},0,100000000,120000000,")));
    assert!(lines.iter().all(|l| l.split(',').count() == 4 + 53));
    // The median over voiced frames of what is in the column is the functional of that name.
    let column = lines[0].split(',').position(|n| n == "F0_Hz").unwrap();
    let mut voiced: Vec<f32> =
        lines[1..].iter().filter_map(|l| l.split(',').nth(column).unwrap().parse().ok()).collect();
    voiced.sort_unstable_by(f32::total_cmp);
    let (low, high) = (voiced[(voiced.len() - 1) / 2], voiced[voiced.len() / 2]);
    let record: serde_json::Value =
        serde_json::from_slice(&affect(&["features", CLIP, "--format", "jsonl", "--quiet"]).stdout).unwrap();
    let median = record["features"]["F0_Hz_median"].as_f64().unwrap() as f32;
    assert!((low..=high).contains(&median), "{median}: {low} to {high} of {} frames", voiced.len());
}

#[test]
fn json_lines_to_a_file() {
    let path = std::env::temp_dir().join(format!("affect-cli-{}.jsonl", std::process::id()));
    let out = affect(&[
        "features",
        CALL,
        "--format",
        "jsonl",
        "--segments",
        "utterance",
        "--roles",
        "agent,caller",
        "--out",
        path.to_str().unwrap(),
    ]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(0), 0));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut ids = HashSet::new();
    for l in text.lines() {
        let v: serde_json::Value = serde_json::from_str(l).unwrap();
        assert_eq!(v["segment"], "utterance");
        assert!(v["channel"]["role"] == "agent" || v["channel"]["role"] == "caller");
        assert!(ids.insert(v["id"].as_str().unwrap().to_owned()));
        // Between 24 and 26 s there is line noise at -67 dBFS alone in channel 1.
        let start_s = v["start_ns"].as_u64().unwrap() / 1_000_000_000;
        assert!(v["channel"]["index"] != 1 || !(24..26).contains(&start_s), "line noise is an utterance");
    }
    assert!(ids.len() >= 7);
}

#[test]
fn other_formats_decode() {
    // What this GStreamer cannot decode is a message for that file, not a failure of the test.
    let out = affect(&["features", "tests/data/emogator/000001-02-1.mp3"]);
    if out.status.code() == Some(0) {
        numbers_of_sound(&text(&out));
    } else {
        // past the test runner's capture of output
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"\nSKIPPED: no MP3 decoder is installed\n");
        assert!(!out.stderr.is_empty());
    }
    let ogg = affect(&["features", "tests/data/noise/dog_bark_1-100032-A.ogg"]);
    assert_eq!(ogg.status.code(), Some(0));
    numbers_of_sound(&text(&ogg));
}

/// One row of a table whose recording has a length and a level below full scale.
fn numbers_of_sound(table: &str) {
    let rows: Vec<Vec<&str>> = table.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!(rows.len(), 2, "{table}");
    let cell = |name: &str| rows[1][rows[0].iter().position(|n| *n == name).unwrap()].parse::<f64>().unwrap();
    assert!(cell("end_ns") - cell("start_ns") > 1e8, "{table}");
    let level = cell("level_dBFS_equivalent");
    assert!((-70.0..0.0).contains(&level), "{level} dB re full scale");
}

#[test]
fn one_bad_file_never_stops_the_rest() {
    let out = affect(&["features", "no-such-file.wav", "README.md", CLIP]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(text(&out).lines().count(), 2);
    let errors = String::from_utf8(out.stderr).unwrap();
    assert!(errors.contains("no-such-file.wav: No such file") && errors.contains("README.md: "), "{errors}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for words in [
        &["features"][..],
        &["features", CLIP, "--set", "gemaps"],
        &["features", CLIP, "--level", "lld", "--segments", "window"],
        &["features", CLIP, "--segments", "window", "--window", "0"],
        &["nothing"],
    ] {
        assert_eq!(affect(words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    let out = affect(&["features", CLIP, "--out", "/nonexistent/x.csv"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8(out.stderr).unwrap().contains("/nonexistent/x.csv"));
}

#[test]
fn a_closed_pipe_is_success() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_affect"))
        .current_dir(root())
        .args(["features", CALL, "--level", "lld", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0u8; 64];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn the_catalogue_is_printed() {
    let json: serde_json::Value =
        serde_json::from_slice(&affect(&["features", "--list", "--format", "json"]).stdout).unwrap();
    assert_eq!(json["lld"].as_array().unwrap().len(), 53);
    assert_eq!(json["functionals"].as_array().unwrap().len(), 136);
    for e in json["functionals"].as_array().unwrap() {
        for key in ["name", "unit", "group", "what", "when_it_rises", "when_it_falls", "definition", "source"] {
            assert!(e[key].as_str().is_some_and(|s| !s.is_empty()), "{e}");
        }
    }
    let plain = text(&affect(&["features", "--list"]));
    assert!(plain.contains("jitterLocal_percent_mean") && plain.contains("when it rises"));
    let help = text(&affect(&["features", "--help"]));
    assert!(help.contains("modulationCentroid_Hz"));
}

/// Both ways of comparing with the speaker's usual, and going on from a saved baseline.
#[test]
fn a_speaker_is_compared_with_themselves() {
    let folder = std::env::temp_dir().join(format!("affect-baseline-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let saved = folder.join("speaker.json");
    let saved = saved.to_str().unwrap();
    let run = |options: &[&str]| {
        let base =
            ["features", CLIP, "--segments", "window", "--window", "1", "--hop", "0.5", "--format", "jsonl", "--quiet"];
        let lines = text(&affect(&[&base[..], options].concat()));
        lines.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()).collect::<Vec<_>>()
    };
    let speech = |r: &serde_json::Value| r["baseline"]["speech_s"].as_f64().unwrap();
    let first = run(&["--baseline", "running", "--baseline-file", saved]);
    assert_eq!(speech(&first[0]), 0.0);
    assert!(first[0]["baseline"]["z"].as_object().unwrap().len() > 50);
    assert!(first.windows(2).all(|w| speech(&w[0]) <= speech(&w[1])));
    let second = run(&["--baseline", "running", "--baseline-file", saved]);
    assert!(speech(&second[0]) >= speech(first.last().unwrap()) && speech(&second[0]) > 0.0);
    let whole = run(&["--baseline", "two-pass"]);
    assert!(whole.iter().all(|r| speech(r) == speech(&whole[0])) && speech(&whole[0]) > 0.5);
    assert!(run(&[]).iter().all(|r| r.get("baseline").is_none()));
    std::fs::write(saved, "{}").unwrap();
    let broken = affect(&["features", CLIP, "--format", "jsonl", "--baseline", "running", "--baseline-file", saved]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("not a baseline"));
    std::fs::remove_dir_all(folder).unwrap();
}
