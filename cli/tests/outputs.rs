//! Outputs: never an input, complete when they appear, and under names of any bytes.

mod common;

use common::{CLIP, Folder, affect, command, ended, said};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

/// Runs; the run fails, says why, and leaves all files of the folder as they were.
fn refused(folder: &Folder, words: &[&OsStr], why: &str) {
    let all = || {
        let mut list: Vec<(OsString, Vec<u8>)> = std::fs::read_dir(&folder.0)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.is_file())
            .map(|p| (p.file_name().unwrap().to_owned(), std::fs::read(&p).unwrap()))
            .collect();
        list.sort();
        list
    };
    let before = all();
    let out = affect(words);
    assert!(out.status.code().is_some_and(|c| c == 1 || c == 2), "{words:?}: {:?} {}", out.status, said(&out));
    assert!(said(&out).contains(why), "{words:?}: {}", said(&out));
    assert!(out.stdout.is_empty(), "{words:?}");
    let names = |l: &[(OsString, Vec<u8>)]| l.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    let after = all();
    assert_eq!(names(&before), names(&after), "{words:?}");
    assert!(before == after, "{words:?} changed a file");
}

fn words<'a>(list: &'a [&'a str]) -> Vec<&'a OsStr> {
    list.iter().map(OsStr::new).collect()
}

#[test]
fn an_output_that_is_an_input_is_refused_by_identity() {
    let folder = Folder::new("inputs");
    let path = |n: &str| folder.at(n).to_str().unwrap().to_owned();
    let (a, b) = (path("a.wav"), path("b.wav"));
    std::fs::copy(common::root().join(CLIP), &a).unwrap();
    std::fs::copy(common::root().join(CLIP), &b).unwrap();
    std::fs::hard_link(&a, path("hard")).unwrap();
    std::os::unix::fs::symlink("a.wav", path("soft")).unwrap();
    std::fs::create_dir(path("sub")).unwrap();
    for out in ["a.wav", "hard", "soft", "sub/../a.wav"] {
        refused(&folder, &words(&["features", &a, &b, "--out", &path(out)]), "an input");
    }
    // `-o *.wav`: the first recording is no input any more, and still no table.
    refused(&folder, &words(&["features", "-o", &a, &b]), "not replaced");
    refused(
        &folder,
        &words(&["features", &b, "--format", "jsonl", "--baseline", "running", "--baseline-file", &b]),
        "an input",
    );
    let o = path("new");
    let both = ["features", &b, "--format", "jsonl", "--baseline", "running", "--baseline-file", &o, "--out", &o];
    refused(&folder, &words(&both), "another output");

    let table = path("m.csv");
    std::fs::write(&table, "file,speaker,emotion\na.wav,1,anger\nb.wav,2,neutral\n").unwrap();
    for out in [&table, &a] {
        refused(&folder, &words(&["train", &table, "--out", out]), "an input");
    }
    let other = path("c.wav");
    std::fs::copy(common::root().join(CLIP), &other).unwrap();
    refused(&folder, &words(&["train", &table, "--out", &other]), "not replaced");
    let config = path("study.toml");
    let text = "[[corpus]]\nname = \"x\"\nroot = \".\"\nmanifest = \"m.csv\"\n";
    std::fs::write(&config, text).unwrap();
    refused(&folder, &words(&["identify", &config, "--out", folder.0.to_str().unwrap()]), "an input");
    std::fs::write(&config, format!("{text}[[model]]\npath = \"../b.wav\"\nid = \"x\"\n")).unwrap();
    refused(&folder, &words(&["identify", &config, "--out", &path("sub")]), "an input");

    let model = path("x.onnx");
    std::fs::copy(common::root().join("tests/data/attribution/mlp/model.onnx"), &model).unwrap();
    for out in [&model, &a] {
        let why = if *out == model { "an input" } else { "not replaced" };
        let list = ["differentiate", &model, "--output", "logits", "--wrt", "features", "--out", out];
        refused(&folder, &words(&list), why);
    }
}

#[test]
fn standard_output_into_an_input_is_refused() {
    let folder = Folder::new("append");
    let model = folder.at("x.onnx");
    std::fs::copy(common::root().join("tests/data/attribution/mlp/model.onnx"), &model).unwrap();
    std::fs::copy(common::root().join(CLIP), folder.at("a.wav")).unwrap();
    std::fs::write(folder.at("t.csv"), "1,2\n").unwrap();
    let verbs: [(&[&str], &str); 5] = [
        (&["features", "a.wav"], "a.wav"),
        (&["analyze", "a.wav"], "a.wav"),
        (&["score", "x.onnx", "--features", "t.csv"], "t.csv"),
        (&["attribute", "--model", "x.onnx", "--input", "t.csv", "--method", "gradient"], "t.csv"),
        (&["explain-model", "x.onnx"], "x.onnx"),
    ];
    for (list, input) in verbs {
        let before = std::fs::read(folder.at(input)).unwrap();
        let to = std::fs::File::options().append(true).open(folder.at(input)).unwrap();
        let mut run = command();
        let child = run.current_dir(&folder.0).args(list).stdout(to).spawn().unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(!out.status.success() && said(&out).contains("an input"), "{list:?}: {}", said(&out));
        assert!(std::fs::read(folder.at(input)).unwrap() == before, "{list:?} wrote into its input");
    }
}

#[test]
fn an_output_replaces_an_earlier_one_when_it_is_complete() {
    let folder = Folder::new("replace");
    let out = folder.at("out.csv");
    std::fs::write(&out, "file,channel\nold,0\n").unwrap();
    // The second file is bad: the batch is done all the same, and so is its output.
    let run = affect(&["features", CLIP, "no-such-file.wav", "--quiet", "--out", out.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(1));
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.lines().count() == 2 && text.contains(CLIP) && !text.contains("old"));
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1, "something is left over");
    let run = affect(&["features", CLIP, "--quiet", "--out", "/dev/null"]);
    assert!(run.status.success() && Path::new("/dev/null").exists() && !Path::new("/dev/null").is_file());
}

#[test]
fn names_that_are_no_text_stay_different() {
    let folder = Folder::new("names");
    let name = |byte: u8| folder.0.join(OsString::from_vec([b"x", &[byte][..], b".wav"].concat()));
    let (first, second) = (name(0xfe), name(0xff));
    for path in [&first, &second] {
        std::fs::copy(common::root().join(CLIP), path).unwrap();
    }
    let run = |format: &str| {
        let out =
            ended(command().args(["features", "--quiet", "--format", format]).args([&first, &second]).spawn().unwrap());
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
        String::from_utf8(out.stdout).unwrap()
    };
    let lines = run("jsonl");
    let records: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_ne!(records[0]["id"], records[1]["id"], "two files have one id");
    assert_ne!(records[0]["stream"], records[1]["stream"]);
    // The names in the records lead back to the files, by the rule that the documents state.
    for (record, path) in records.iter().zip([&first, &second]) {
        let byte = path.as_os_str().as_bytes().iter().find(|b| **b >= 0x80).unwrap();
        let text = record["stream"].as_str().unwrap();
        assert!(text.ends_with(&format!("x\\x{byte:02x}.wav")), "{text}");
    }
    let table = run("csv");
    assert_ne!(table.lines().nth(1), table.lines().nth(2));
    // A manifest may write the bytes, or the text.
    let mut manifest = b"file,speaker,emotion\n".to_vec();
    manifest.extend(b"x\xfe.wav,1,anger\nx\\xff.wav,2,neutral\n");
    std::fs::write(folder.at("m.csv"), manifest).unwrap();
    std::fs::write(folder.at("s.toml"), "[[corpus]]\nname = \"n\"\nroot = \".\"\nmanifest = \"m.csv\"\n").unwrap();
    let out = affect(&["identify", "--check", folder.at("s.toml").to_str().unwrap()]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("2 recordings of 2 speakers, 0 files missing"), "{text} {}", said(&out));
}
