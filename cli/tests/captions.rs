//! Tiers and cues beside recordings.

mod common;

use common::{CALL, CLIP, Folder, affect, records, said};

fn text(out: &std::process::Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

/// The values behind `name = ` in a TextGrid.
fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    text.lines().filter_map(|l| l.trim().strip_prefix(name)?.strip_prefix(" = ")).collect()
}

const ROLES: [&str; 3] = ["--quiet", "--roles", "agent,caller"];

#[test]
fn tiers_and_cues_say_what_the_records_say() {
    let run = |more: &[&str]| affect(&[&["analyze", CALL], &ROLES[..], more].concat());
    let list = records(&run(&["--json"]));
    let grid = text(&run(&["--format", "textgrid"]));
    assert_eq!(values(&grid, "name"), ["\"caller\"", "\"caller, arousal\"", "\"agent\""]);
    let (starts, ends) = (values(&grid, "xmin"), values(&grid, "xmax"));
    assert!(ends[0] == "40" && ends.iter().filter(|e| **e == "40").count() == 7, "{ends:?}");
    // Document, tier, intervals; then the next tier. Each interval begins where the one before ends.
    let mut at = 1;
    for size in values(&grid, "intervals: size").iter().map(|s| s.parse::<usize>().unwrap()) {
        assert_eq!((starts[at + 1], ends[at + size]), ("0", "40"));
        for k in at + 1..at + size {
            assert_eq!(ends[k], starts[k + 1]);
        }
        at += size + 1;
    }
    let texts = values(&grid, "text");
    let of = |r: &serde_json::Value| match (&r["emotion"]["label"], r["emotion"]["confidence"].as_f64()) {
        (serde_json::Value::String(l), Some(c)) => format!("\"{l} {c:.2}\""),
        _ if r["emotion"].is_object() => "\"no label\"".to_owned(),
        _ => "\"features only\"".to_owned(),
    };
    assert!(list.iter().all(|r| texts.contains(&of(r).as_str())), "{texts:?}");

    let cues = text(&run(&["--format", "vtt"]));
    assert!(cues.starts_with("WEBVTT\n\nNOTE measures of expression by affect-default 3.0"), "{cues}");
    let ids: Vec<&str> = cues.lines().filter(|l| l.len() == 32 && l.bytes().all(|b| b.is_ascii_hexdigit())).collect();
    let mut wanted: Vec<&serde_json::Value> = list.iter().collect();
    wanted.sort_by_key(|r| (r["start_ns"].as_u64(), r["channel"]["index"].as_u64()));
    assert_eq!(ids, wanted.iter().map(|r| r["id"].as_str().unwrap()).collect::<Vec<_>>());
    assert_eq!(cues.matches("<v caller>").count() + cues.matches("<v agent>features only\n").count(), list.len());
    assert!(cues.contains("00:00:00.144 --> 00:00:15.144\n<v caller>"), "{cues}");
}

#[test]
fn several_recordings_go_to_a_folder() {
    let folder = Folder::new("captions");
    let out = folder.0.to_str().unwrap();
    let run =
        |files: &[&str], more: &[&str]| affect(&[&["analyze", "--quiet", "--format", "vtt"], files, more].concat());
    let refused = run(&[CALL, CLIP], &[]);
    assert!(refused.status.code() == Some(2) && said(&refused).contains("--out FOLDER"), "{}", said(&refused));
    let done = run(&[CALL, CLIP], &["--out", out]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    for file in [CALL, CLIP] {
        let name = std::path::Path::new(file).file_name().unwrap().to_str().unwrap();
        let made = std::fs::read_to_string(folder.at(&format!("{name}.vtt"))).unwrap();
        assert_eq!(made, text(&run(&[file], &[])), "{name}");
    }
    // Two recordings of one name: the second is said, and nothing is lost.
    let twice = run(&[CLIP, CLIP], &["--out", out]);
    assert!(twice.status.code() == Some(1) && said(&twice).contains("of this name"), "{}", said(&twice));
    // Silence has a document too.
    let silence = folder.at("silence.wav");
    let samples = vec![0u8; 32_000];
    std::fs::write(&silence, common::wav(&[common::chunk(b"data", 32_000, &samples)])).unwrap();
    let quiet = affect(&["analyze", "--quiet", "--format", "textgrid", silence.to_str().unwrap()]);
    assert!(text(&quiet).contains("xmax = 1\ntiers? <absent>"), "{}", text(&quiet));
}

/// The document for call analytics says what the records of the same call say.
#[test]
fn a_call_document_says_what_the_records_say() {
    let run = |more: &[&str]| affect(&[&["analyze", CALL], &ROLES[..], more].concat());
    let list = records(&run(&["--json", "--conversation"]));
    let (conversations, results): (Vec<_>, Vec<_>) =
        list.iter().partition(|r| r["schema"].as_str().unwrap().starts_with("affect.conversation/"));
    let measures = &conversations[0]["measures"];
    let document: serde_json::Value = serde_json::from_str(&text(&run(&["--format", "call-json"]))).unwrap();
    let ms = |name: &str| (measures[name].as_f64().unwrap() * 1000.0).round();
    let of = |pointer: &str| document.pointer(&format!("/ConversationCharacteristics/{pointer}")).unwrap();
    assert_eq!(of("Measures"), measures);
    assert_eq!(of("Undefined"), &conversations[0]["reasons"]);
    assert_eq!(of("TotalConversationDurationMillis").as_f64().unwrap(), ms("conversation_s"));
    assert_eq!(of("TalkTime/DetailsByParticipant/AGENT/TotalTimeMillis").as_f64().unwrap(), ms("agent_talk_s"));
    assert_eq!(of("TalkTime/DetailsByParticipant/CUSTOMER/TotalTimeMillis").as_f64().unwrap(), ms("caller_talk_s"));
    assert_eq!(of("Interruptions/TotalCount").as_f64().unwrap(), 0.0);
    assert_eq!(of("Interruptions/InterruptionsByInterrupter/AGENT"), &serde_json::json!([]));
    assert_eq!(
        of("NonTalkTime/Instances").as_array().unwrap().len() as f64,
        measures["non_talk_count"].as_f64().unwrap()
    );
    assert_eq!(document["DurationMillis"], 40_000);
    let parties: Vec<&str> =
        document["Participants"].as_array().unwrap().iter().map(|p| p["ParticipantRole"].as_str().unwrap()).collect();
    assert_eq!(parties, ["AGENT", "CUSTOMER"]);
    let expressions = document["Expressions"].as_array().unwrap();
    assert_eq!(expressions.len(), results.len());
    for r in results {
        let e = expressions.iter().find(|e| e["Id"] == r["id"]).unwrap();
        assert_eq!(e["BeginOffsetMillis"].as_u64().unwrap(), (r["start_ns"].as_u64().unwrap() + 500_000) / 1_000_000);
        if r["channel"]["role"] == "agent" {
            assert!(e["ParticipantRole"] == "AGENT" && e.get("Label").is_none() && e.get("Reasons").is_none(), "{e}");
            continue;
        }
        assert_eq!(
            (&e["Label"], &e["Dimensions"]["arousal"]),
            (&r["emotion"]["label"], &r["emotion"]["dimensions"]["arousal"])
        );
        let sentence = &r["explanations"][0]["features"][0]["sentence"];
        assert_eq!(&e["Reasons"][r["explanations"][0]["target"].as_str().unwrap()][0], sentence);
    }
    // A denied party is named, and nothing is told that tells of it.
    let denied: serde_json::Value =
        serde_json::from_str(&text(&run(&["--format", "call-json", "--policy", "deny,allow"]))).unwrap();
    let of = |pointer: &str| denied.pointer(&format!("/ConversationCharacteristics/{pointer}")).unwrap();
    assert!(of("Interruptions/TotalCount").is_null() && of("NonTalkTime/Instances").is_null(), "{denied}");
    assert!(of("TalkTime/DetailsByParticipant/AGENT/TotalTimeMillis").is_null());
    assert!(denied["Expressions"].as_array().unwrap().iter().all(|e| e["ParticipantRole"] == "CUSTOMER"));
    // One channel: nobody is told apart.
    let mono = affect(&["analyze", "--quiet", "--format", "call-json", CLIP]);
    let mono: serde_json::Value = serde_json::from_str(&text(&mono)).unwrap();
    assert!(mono.pointer("/ConversationCharacteristics/Interruptions/TotalCount").unwrap().is_null(), "{mono}");
}
