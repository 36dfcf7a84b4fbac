//! The conversation in `affect analyze`: a summary for people, records in JSON lines, and what the other forms do.

mod common;

use common::{CALL, CLIP, Folder, affect, said};
use serde_json::Value;

fn lines(words: &[&str]) -> Vec<Value> {
    let out = affect(words);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

const SCHEMA: &str = "affect.conversation/1";

#[test]
fn json_lines_have_it_where_it_is_asked_for() {
    let words = ["analyze", CALL, CLIP, "--roles", "agent,caller", "--json", "--quiet"];
    let without = lines(&words);
    let with = lines(&[&words[..], &["--conversation"]].concat());
    let (conversations, results): (Vec<Value>, Vec<Value>) = with.into_iter().partition(|v| v["schema"] == SCHEMA);
    assert_eq!(results, without, "results are the same, and in the same order");
    assert_eq!(conversations.len(), 2, "one for each file");
    let call = &conversations[0]["measures"];
    let share = |who: &str| call[format!("{who}_talk_share")].as_f64().unwrap();
    assert!((share("caller") - 0.57).abs() < 0.06 && (share("agent") - 0.41).abs() < 0.06);
    // Scores that rest on the whole file are in it.
    assert!(call["caller_dimension_arousal_mean"].is_number() && call["agent_dimension_arousal_mean"].is_null());
    assert!(conversations[0]["provenance"]["model"].is_object());
    let clip = &conversations[1];
    assert!(clip["measures"]["talk_any_s"].is_number());
    assert_eq!(clip["reasons"]["overlap_s"], "one-channel");
}

#[test]
fn every_so_many_seconds() {
    let words = ["analyze", CALL, "--json", "--quiet", "--conversation=10"];
    let own: Vec<Value> = lines(&words).into_iter().filter(|v| v["schema"] == SCHEMA).collect();
    assert!(own.len() >= 4);
    for (k, c) in own.iter().enumerate() {
        assert_eq!(c["revision"], k);
        assert_eq!(c["partial"], k + 1 < own.len());
    }
    let whole: Vec<Value> = lines(&["analyze", CALL, "--json", "--quiet", "--conversation"])
        .into_iter()
        .filter(|v| v["schema"] == SCHEMA)
        .collect();
    assert_eq!(own.last().unwrap()["measures"], whole[0]["measures"]);
    assert_eq!(own[0]["conversation_id"], whole[0]["conversation_id"]);
    for wrong in ["--conversation=0.5", "--conversation=-1", "--conversation=x"] {
        assert_eq!(affect(&["analyze", CALL, "--json", wrong]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn a_timeline_ends_with_a_summary() {
    let out = affect(&["analyze", CALL, CLIP, "--roles", "agent,caller", "--quiet"]);
    let text = String::from_utf8(out.stdout).unwrap();
    let summary: Vec<&str> = text.lines().filter(|l| l.contains("conversation of")).collect();
    assert_eq!(summary.len(), 2, "{text}");
    assert!(
        summary[0].contains("agent talks 4")
            && summary[0].contains("caller talks 5")
            && summary[0].contains("at once 0.5 s"),
        "{}",
        summary[0]
    );
    assert!(text.contains("    caller ") && text.contains("turns, median") && text.contains("interruptions"), "{text}");
    assert!(summary[1].contains("the parties cannot be told apart"), "{}", summary[1]);
    let denied = affect(&["analyze", CALL, "--policy", "deny", "--quiet"]);
    assert!(!String::from_utf8(denied.stdout).unwrap().contains("conversation of"));
}

/// Forms that hold results of segments say so, instead of leaving it out.
#[test]
fn other_forms_refuse_it() {
    let folder = Folder::new("conversation-forms");
    for (form, name) in [("parquet", "a.parquet"), ("textgrid", "a.TextGrid"), ("vtt", "a.vtt")] {
        let path = folder.at(name);
        let words = ["analyze", CALL, "--quiet", "--format", form, "--out", path.to_str().unwrap()];
        let refused = affect(&[&words[..], &["--conversation"]].concat());
        assert_eq!(refused.status.code(), Some(2), "{form}");
        assert!(
            said(&refused).contains("results of segments") && said(&refused).contains("--json"),
            "{}",
            said(&refused)
        );
        assert!(!path.exists());
    }
    let timeline = affect(&["analyze", CALL, "--quiet", "--conversation=5"]);
    assert!(timeline.status.code() == Some(2) && said(&timeline).contains("timeline"), "{}", said(&timeline));
}

#[test]
fn measures_are_listed() {
    let out = affect(&["analyze", "--list-measures"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && text.contains("\n<party>_interruptions\n  unit           1\n"), "{text}");
    let json = affect(&["analyze", "--list-measures", "--json"]);
    let all: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(all.len(), affect::conversation::catalogue::ENTRIES.len());
    assert!(all.iter().all(|e| text.contains(&format!("\n{}\n", e["name"].as_str().unwrap()))));
}
