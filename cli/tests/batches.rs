//! Batches of files: several at a time, in order, named in every way.

mod common;

use common::{CALL, CLIP, Folder, affect, command, ended, mkfifo, said, signal};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

fn lines(out: &std::process::Output) -> usize {
    out.stdout.iter().filter(|b| **b == b'\n').count()
}

/// Good files, broken ones and names without a file: the same output and the same complaints, in the same order, however many are
/// analysed at a time.
#[test]
fn the_number_of_jobs_changes_nothing() {
    let files = ["tests/data/emodb", "missing.wav", CALL, "tests/data/faults", CLIP];
    for verb in [
        &["features"][..],
        &["features", "--segments", "window", "--format", "jsonl", "--baseline", "two-pass"],
        &["features", "--level", "lld"],
        &["analyze"],
        &["analyze", "--json"],
        &["analyze", "--json", "--baseline", "running"],
    ] {
        let run = |jobs: &str| affect(&[verb, &["--quiet", "--patience", "60", "-j", jobs], &files].concat());
        let one = run("1");
        assert_eq!(one.status.code(), Some(1));
        assert!(said(&one).contains("missing.wav") && lines(&one) > 12, "{verb:?}");
        for jobs in ["2", "5"] {
            let several = run(jobs);
            assert_eq!(several.status.code(), Some(1));
            assert!(one.stdout == several.stdout, "{verb:?}: other results with {jobs} jobs");
            assert_eq!(said(&one), said(&several), "{verb:?}, {jobs} jobs");
        }
    }
}

/// Folders, patterns, and lists of names from a file or standard input.
#[test]
fn files_are_named_in_every_way() {
    let folder = Folder::new("named");
    let paths: Vec<String> = std::fs::read_dir(common::root().join("tests/data/emodb"))
        .unwrap()
        .map(|e| format!("tests/data/emodb/{}", e.unwrap().file_name().display()))
        .filter(|n| n.ends_with(".wav"))
        .collect();
    let mut names = paths.clone();
    names.sort();
    let expected =
        affect(&[&["features", "--quiet"][..], &names.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    assert_eq!(lines(&expected), names.len() + 1);
    let same = |words: &[&str]| {
        let out = affect(&[&["features", "--quiet"], words].concat());
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
        assert!(out.stdout == expected.stdout, "{words:?}");
    };
    same(&["tests/data/emodb"]);
    same(&["tests/data/emodb/*.wav"]);
    let list = folder.at("list.txt");
    std::fs::write(&list, names.join("\r\n")).unwrap();
    same(&["--files-from", list.to_str().unwrap()]);
    let (first, rest) = names.split_at(3);
    std::fs::write(&list, rest.iter().map(|n| format!("{n}\0")).collect::<String>()).unwrap();
    let mut words: Vec<&str> = first.iter().map(String::as_str).collect();
    words.extend(["--files-from", list.to_str().unwrap()]);
    same(&words);

    let mut child = command().args(["features", "--quiet", "--files-from", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(names.join("\n").as_bytes()).unwrap();
    let out = ended(child);
    assert!(out.stdout == expected.stdout);

    // What names nothing is said, and costs nothing else.
    let out = affect(&["features", "--quiet", CLIP, "tests/data/*.none", folder.0.join("empty").to_str().unwrap()]);
    let why = said(&out);
    assert_eq!((out.status.code(), lines(&out)), (Some(1), 2), "{why}");
    assert!(why.contains("tests/data/*.none: no file has such a name"), "{why}");
    for (words, word) in [(&[][..], "--files-from LIST"), (&["--files-from", "/no/list"], "/no/list")] {
        let out = affect(&[&["analyze"], words].concat());
        assert!(out.status.code() == Some(2) && said(&out).contains(word), "{}", said(&out));
    }
}

/// Files that nobody feeds end with the interruption, all of them.
#[test]
fn an_interruption_ends_all_that_is_begun() {
    let folder = Folder::new("several");
    let pipes: Vec<_> = ["a", "b", "c"].map(|n| folder.at(n)).to_vec();
    pipes.iter().for_each(|p| mkfifo(p));
    let mut child = command()
        .args(["features", "-j", "2", CLIP])
        .args(&pipes)
        .env("AFFECT_LOG_SECONDS", "0.05")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("files: 1 of 4") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "no line of progress in the log");
    }
    // The first file is done, and two wait.
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(&child, "TERM");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut log, &mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("interrupted in file 3 of 4: 1 not begun"), "{rest}");
}

/// A full output ends the work instead of holding it up.
#[test]
fn a_full_output_ends_the_work() {
    let out = command()
        .args(["features", "--quiet", "--level", "lld", "-j", "3", "tests/data/calls", "tests/data/emodb"])
        .stdout(std::fs::File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("cannot write to standard output"), "{}", said(&out));
}
