//! Parquet tables of the command: the records of the JSON lines, to the last byte.

mod common;

use affect_archive::read;
use common::{CALL, CLIP, Folder, affect, said};

#[test]
fn tables_hold_what_the_json_lines_say() {
    let folder = Folder::new("tables");
    for (k, words) in [
        &["analyze", "--roles", "agent,caller", "--target", "all"][..],
        &["analyze", "--baseline", "running", "--segments", "window"],
        &["features", "--baseline", "two-pass", "--segments", "utterance", "--interval", "1"],
        &["features", "--set", "egemaps-v02"],
        &["features", "--level", "lld"],
    ]
    .into_iter()
    .enumerate()
    {
        let out = folder.at(&format!("{k}.parquet"));
        let run = |more: &[&str]| affect(&[words, &["--quiet", CALL, CLIP], more].concat());
        let made = run(&["--format", "parquet", "--out", out.to_str().unwrap()]);
        assert_eq!((made.status.code(), made.stdout.len()), (Some(0), 0), "{}", said(&made));
        let lines = String::from_utf8(run(&["--format", "jsonl"]).stdout).unwrap();
        let mut rows = 0;
        for (row, line) in read(std::fs::File::open(&out).unwrap()).unwrap().zip(lines.lines()) {
            assert_eq!(row.unwrap().to_json(), line, "{words:?}");
            rows += 1;
        }
        assert_eq!(rows, lines.lines().count(), "{words:?}");
        assert!(rows > 1);
    }
}

/// A table takes the place of a table, and of nothing else; a file is no longer an output than it is complete.
#[test]
fn only_tables_are_replaced() {
    let folder = Folder::new("replaced");
    let (table, text) = (folder.at("a.parquet"), folder.at("b.txt"));
    std::fs::write(&text, "notes\n").unwrap();
    let run = |out: &std::path::Path| {
        affect(&["features", CLIP, "--quiet", "--format", "parquet", "--out", out.to_str().unwrap()])
    };
    assert_eq!(run(&table).status.code(), Some(0));
    let first = std::fs::read(&table).unwrap();
    assert_eq!(run(&table).status.code(), Some(0));
    assert!(first == std::fs::read(&table).unwrap(), "the same bytes again");
    let refused = run(&text);
    assert!(refused.status.code() == Some(1) && said(&refused).contains("b.txt"), "{}", said(&refused));
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "notes\n");
    let both = affect(&["features", CLIP, "--set", "affect-v1,egemaps-v02", "--format", "parquet"]);
    assert!(both.status.code() == Some(2) && said(&both).contains("jsonl for several"), "{}", said(&both));
    // A timeline can go to a file as well.
    let shown = folder.at("call.txt");
    let out = affect(&["analyze", CLIP, "--quiet", "--out", shown.to_str().unwrap()]);
    assert!(
        out.status.code() == Some(0) && std::fs::read_to_string(&shown).unwrap().contains("measures of expression")
    );
}
