//! `affectscore` with a waveform model: where in each utterance it looked, in the stream and beside it, under policies, with an audit.

mod common;

use common::{CALL, CLIP, launch, root, unique};
use serde_json::Value;
use std::collections::BTreeMap;

const MODEL: &str = "tests/data/waveform/hubert-torchscript-16";

fn line(clip: &str, properties: &str) -> String {
    let at = |path: &str| root().join(path).display().to_string();
    format!(
        "filesrc location={} ! wavparse ! affectscore model={} {properties} ! appsink name=out",
        at(clip),
        at(MODEL)
    )
}

/// Records by their identity, as text.
fn records(properties: &str, clip: &str) -> BTreeMap<String, String> {
    let ran = launch(&line(clip, properties));
    let mut out = BTreeMap::new();
    for s in ran.results.iter().chain(&ran.messages) {
        out.insert(s.get::<String>("id").unwrap(), s.get::<String>("json").unwrap());
    }
    assert!(!out.is_empty());
    assert_eq!(unique(&ran.results), unique(&ran.messages));
    out
}

fn frames(record: &Value) -> &Value {
    &record["explanations"][0]["frames"]
}

/// Interim and final results say where the model looked; reruns are byte-identical, and so is what is scored beside the stream.
#[test]
fn reruns_and_modes_say_the_same() {
    let properties = "reliability=5 interval=2000000000 channel-roles=caller,caller";
    let sync = records(&format!("{properties} inference-mode=sync"), CALL);
    assert_eq!(sync, records(&format!("{properties} inference-mode=sync"), CALL), "a rerun");
    assert_eq!(
        sync,
        records(&format!("{properties} inference-mode=async max-queued=10000"), CALL),
        "beside the stream"
    );
    let all: Vec<Value> = sync.values().map(|t| serde_json::from_str(t).unwrap()).collect();
    let scored: Vec<&Value> = all.iter().filter(|r| r["explanations"].is_array()).collect();
    assert!(scored.len() > 20, "{} of {}", scored.len(), all.len());
    let open = |r: &&&Value| r["ended"] == "open";
    assert!(scored.iter().filter(open).count() > 5);
    let mut with_cues = 0;
    for r in &scored {
        let f = frames(r);
        assert_eq!(r["explanations"][0]["method"], "grad-cam");
        let spans = f["spans"].as_array().unwrap();
        let begins = if spans.is_empty() { "Nothing in it speaks for " } else { "It leaned on " };
        assert!(f["sentence"].as_str().unwrap().starts_with(begins), "{f}");
        assert!(spans.len() <= 3 && f["relevance"].is_null());
        with_cues += usize::from(f["cues"].as_array().is_some_and(|c| c.len() > 40));
        assert!(r["ended"] != "open" || f["reliability"].is_null(), "interim results are not tested");
    }
    assert!(with_cues > 10, "{with_cues} of {}", scored.len());
    assert!(scored.iter().any(|r| frames(r)["reliability"]["random_spans"] == 5));
}

/// All spans and the whole curve with `top-k=0`, another layer by number, and silence about layers that are not there.
#[test]
fn properties_choose_what_is_told() {
    let all = records("top-k=0 layer=hidden-1 segmentation=window", CLIP);
    for r in all.values() {
        let r: Value = serde_json::from_str(r).unwrap();
        if r["explanations"].is_null() {
            continue;
        }
        let f = frames(&r);
        let length = r["end_ns"].as_u64().unwrap() - r["start_ns"].as_u64().unwrap();
        assert_eq!(f["relevance"]["values"].as_array().unwrap().len() as u64, length.div_ceil(20_000_000));
        assert!(f["layer"].as_str().unwrap().contains("layers.0"), "{f}");
    }
    let none = records("attribution=none", CLIP);
    assert!(none.values().all(|r| !r.contains("explanations")) && none.values().any(|r| r.contains("probabilities")));
}

/// An agent's channel has features and no score; the audit says which layer is looked at.
#[test]
fn policy_and_audit_hold() {
    let audit = std::env::temp_dir().join(format!("affect-waveform-audit-{}", std::process::id()));
    let list = records(&format!("channel-roles=agent,caller audit={}", audit.display()), CALL);
    let mut scored = 0;
    for r in list.values() {
        let r: Value = serde_json::from_str(r).unwrap();
        assert!(r["channel"]["role"] != "agent" || r["emotion"].is_null() && r["explanations"].is_null());
        scored += usize::from(r["explanations"].is_array());
    }
    assert!(scored > 5);
    let text = std::fs::read_to_string(&audit).unwrap();
    // What is left behind in the temporary directory harms nobody.
    let _ = std::fs::remove_file(&audit);
    let entry: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&entry["settings"]["layer"], &entry["settings"]["attribution"]), (&"auto".into(), &"auto".into()));
}

/// What a model of features has is refused by a model of waveforms, before anything is analysed.
#[test]
fn a_foreign_attribution_is_an_error() {
    use gst::prelude::*;
    common::init();
    let pipeline = gst::parse::launch(&line(CLIP, "attribution=groups")).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let m = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Error, gst::MessageType::Eos]);
    let text = match m.as_ref().map(|m| m.view()) {
        Some(gst::MessageView::Error(e)) => e.error().to_string(),
        other => panic!("expected an error, not {other:?}"),
    };
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(text.contains("frames") && text.contains("groups"), "{text}");
}
