//! `affectscore`: audio untouched, the library's own scores, policy, audit, and a model that is slow, missing or replaced.

mod common;

use common::{CALL, CLIP, init, json, launch, root, unique, wav};
use gst::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn file(path: &str) -> String {
    format!("filesrc location={} ! wavparse", root().join(path).display())
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("affectscore-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn bytes(buffers: &[gst::Buffer]) -> Vec<u8> {
    buffers.iter().flat_map(|b| b.map_readable().unwrap().as_slice().to_vec()).collect()
}

/// Waits for an error on the bus; gives its text.
fn error_of(pipeline: &gst::Element) -> String {
    let bus = pipeline.bus().unwrap();
    let m = bus.timed_pop_filtered(gst::ClockTime::from_seconds(20), &[gst::MessageType::Error, gst::MessageType::Eos]);
    let text = match m.as_ref().map(|m| m.view()) {
        Some(gst::MessageView::Error(e)) => e.error().to_string(),
        other => panic!("expected an error, not {other:?}"),
    };
    pipeline.set_state(gst::State::Null).unwrap();
    text
}

#[test]
fn audio_is_untouched_and_scores_are_explained() {
    let ran = launch(&format!("{} ! affectscore segmentation=utterance ! appsink name=out", file(CLIP)));
    let (samples, ..) = wav(CLIP);
    let expected: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    assert!(bytes(&ran.buffers) == expected, "audio changed");
    let last = json(ran.results.iter().rfind(|s| !s.get::<bool>("partial").unwrap()).unwrap());
    let e = &last["emotion"];
    let sum: f64 = e["probabilities"].as_object().unwrap().values().map(|v| v.as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{e}");
    assert_eq!(last["provenance"]["model"]["engine"], "builtin");
    let x = &last["explanations"][0];
    let groups: f64 = x["groups"].as_array().unwrap().iter().map(|g| g["contribution"].as_f64().unwrap()).sum();
    let (base, output) = (x["base"].as_f64().unwrap(), x["output"].as_f64().unwrap());
    assert!((base + groups - output).abs() < 1e-9);
    let features = x["features"].as_array().unwrap();
    assert_eq!(features.len(), 3);
    let listed: f64 = features.iter().map(|f| f["contribution"].as_f64().unwrap()).sum();
    assert!((base + listed + x["other_features"].as_f64().unwrap() - output).abs() < 1e-9);
    assert!(
        features[0]["sentence"].as_str().unwrap().contains("towards")
            || features[0]["sentence"].as_str().unwrap().contains("away")
    );
    // The flat fields say the same, and every message was a result too.
    let s = ran.results.iter().rfind(|s| s.has_field("confidence")).unwrap();
    assert!(s.get::<f64>("confidence").unwrap() > 0.0);
    assert_eq!(unique(&ran.results), unique(&ran.messages));
}

/// Metas and messages say flatly what the record says: whose it is, why it ended, and which model was asked.
#[test]
fn flat_fields_agree_with_the_record() {
    let ran = launch(&format!("{} ! affectscore channel-roles=,caller stream=line-7 ! appsink name=out", file(CALL)));
    assert!(ran.results.len() > 20 && ran.messages.len() > 20);
    let mut seen = std::collections::BTreeSet::new();
    for s in ran.results.iter().chain(ran.messages.iter().filter(|s| s.name() == "affect-result")) {
        let r = json(s);
        let text = |name: &str| s.get::<Option<String>>(name).ok().flatten();
        let want = |pointer: &str| r.pointer(pointer).and_then(|v| v.as_str()).map(str::to_owned);
        for (field, pointer) in [
            ("stream", "/stream"),
            ("role", "/channel/role"),
            ("ended", "/ended"),
            ("model", "/provenance/model/id"),
            ("model-version", "/provenance/model/version"),
            ("label", "/emotion/label"),
        ] {
            assert_eq!(text(field), want(pointer), "{field}");
            seen.extend(text(field).map(|_| field));
        }
        assert_eq!(text("stream").unwrap(), "line-7");
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

/// Features from upstream, computed here, sync, async, or by the library alone: the same scores to the last bit; reruns are
/// byte-identical.
#[test]
fn all_ways_give_the_same_scores() {
    let scores = |description: &str| -> BTreeMap<(String, u64), String> {
        let ran = launch(description);
        ran.results
            .iter()
            .map(json)
            .filter(|r| r["emotion"].is_object())
            .map(|r| {
                // Features from upstream that come without a baseline are of another configuration, so of another identity.
                let segment = format!("{} {} {}", r["channel"], r["start_ns"], r["end_ns"]);
                let revision = r["revision"].as_u64().unwrap() & 0xffff;
                ((segment, revision), format!("{} {}", r["emotion"], r["explanations"]))
            })
            .collect()
    };
    let common = "stream=s channel-roles=,caller post-messages=false";
    let end = "appsink name=out";
    let own = scores(&format!("{} ! affectscore {common} ! {end}", file(CALL)));
    assert!(own.len() > 20, "{}", own.len());
    let again = scores(&format!("{} ! affectscore {common} ! {end}", file(CALL)));
    assert!(own == again, "a rerun differs");
    let beside =
        scores(&format!("{} ! affectscore {common} inference-mode=async max-queued=10000 ! {end}", file(CALL)));
    assert!(own == beside, "async differs");
    let upstream = scores(&format!("{} ! affectfeatures {common} ! queue ! affectscore {common} ! {end}", file(CALL)));
    assert!(own == upstream, "features from upstream give other scores");
}

/// No way leads a forbidden score out: segmentations, modes, mixes, features from upstream, and a change while running.
#[test]
fn policy_leaks_nowhere() {
    let end = "appsink name=out";
    let mut ways = Vec::new();
    for segmentation in ["utterance", "window", "file"] {
        for mode in ["sync", "async"] {
            let s = format!("segmentation={segmentation} post-messages=true");
            ways.push((format!("affectscore {s} inference-mode={mode} channel-roles=agent,caller"), 0, false));
            ways.push((format!("affectscore {s} inference-mode={mode} policy=features-only,allow"), 0, false));
            ways.push((format!("affectscore {s} inference-mode={mode} policy=deny,allow"), 0, true));
            ways.push((
                format!("affectscore {s} inference-mode={mode} channel-mode=mix channel-roles=agent,caller"),
                -1,
                false,
            ));
            ways.push((format!("affectscore {s} inference-mode={mode} channel-mode=mix policy=allow,deny"), -1, true));
            ways.push((
                format!("affectfeatures {s} channel-roles=agent,caller ! affectscore inference-mode={mode}"),
                0,
                false,
            ));
            ways.push((format!("affectfeatures {s} ! affectscore policy=deny,allow inference-mode={mode}"), 0, false));
            ways.push((
                format!("affectfeatures {s} ! affectscore channel-roles=agent inference-mode={mode}"),
                0,
                false,
            ));
        }
    }
    for (way, channel, nothing) in ways {
        let ran = launch(&format!("{} ! {way} ! {end}", file(CALL)));
        let all: Vec<serde_json::Value> = ran.results.iter().chain(&ran.messages).map(json).collect();
        let of = |r: &&serde_json::Value| r["channel"]["index"].as_i64().unwrap_or(-1) == channel;
        for r in all.iter().filter(of) {
            assert!(!nothing, "{way}: a result of a denied channel");
            assert!(r.get("emotion").is_none() && r.get("explanations").is_none(), "{way}: {r}");
            assert!(r["provenance"].get("model").is_none(), "{way}");
            let passed_on = way.contains("affectfeatures") && r["source"] == "affectscore";
            assert!(!passed_on, "{way}: features of a channel without scores are handed on once more");
        }
        for s in ran.results.iter().chain(&ran.messages) {
            if i64::from(s.get::<i32>("channel").unwrap()) == channel {
                assert!(!s.has_field("label") && !s.has_field("confidence"), "{way}");
            }
        }
        if channel == 0 {
            assert!(all.iter().any(|r| r["emotion"].is_object()), "{way}: the other channel has no score");
        }
    }
}

#[test]
fn a_start_is_audited_or_does_not_infer() {
    let dir = scratch("audit");
    let log = dir.join("audit.jsonl");
    for _ in 0..2 {
        launch(&format!(
            "{} ! affectscore audit={} purpose=\"test of the audit\" policy=allow ! appsink name=out",
            file(CLIP),
            log.display()
        ));
    }
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text.lines().count(), 2, "one record for every start");
    let r: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(r["schema"], "affect.audit/1");
    assert_eq!(r["purpose"], "test of the audit");
    assert_eq!(r["policy"], "allow");
    assert_eq!(r["model"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(r["model"]["card"]["id"], "affect-default");
    assert!(r["time_unix_ns"].as_u64().unwrap() > 0 && r["settings"]["attribution"] == "auto");

    init();
    let p =
        gst::parse::launch(&format!("{} ! affectscore name=s audit=/nowhere/at/all ! fakesink", file(CLIP))).unwrap();
    p.set_state(gst::State::Playing).ok();
    let why = error_of(&p);
    assert!(why.contains("/nowhere/at/all") && why.contains("nothing is inferred"), "{why}");
}

#[test]
fn a_model_that_cannot_be_used_is_an_error_with_path_and_reason() {
    init();
    let dir = scratch("bad");
    let broken = dir.join("broken.onnx");
    std::fs::write(&broken, b"no model at all").unwrap();
    let cut = dir.join("cut.onnx");
    std::fs::write(&cut, &affect::model::DEFAULT[..30_000]).unwrap();
    let bare = dir.join("bare.onnx");
    std::fs::copy(root().join("tests/data/attribution/mlp/model.onnx"), &bare).unwrap();
    for (path, word) in [
        (dir.join("missing.onnx"), "No such file"),
        (broken, "not an ONNX model"),
        (cut, "not an ONNX model"),
        (bare, "no card"),
    ] {
        let p =
            gst::parse::launch(&format!("{} ! affectscore model={} ! fakesink", file(CLIP), path.display())).unwrap();
        p.set_state(gst::State::Playing).ok();
        let why = error_of(&p);
        assert!(why.contains(path.to_str().unwrap()) && why.contains(word), "{why}");
    }
    for wrong in ["backend=tpu", "attribution=some", "policy=maybe", "inference-mode=later", "target=joy"] {
        let p = gst::parse::launch(&format!("{} ! affectscore {wrong} ! fakesink", file(CLIP))).unwrap();
        p.set_state(gst::State::Playing).ok();
        let why = error_of(&p);
        assert!(why.contains(wrong.split('=').nth(1).unwrap()), "{why}");
    }
}

/// A queue of one and a limit of a nanosecond: nearly all windows are dropped, all audio passes, features still come, and
/// one warning says so.
#[test]
fn a_slow_model_drops_windows_and_no_audio() {
    init();
    let p = gst::parse::launch(&format!(
        "{} ! affectscore name=s segmentation=window window=1000000000 hop=100000000 inference-mode=async max-queued=1 max-lateness=1 attribution=none ! appsink name=out sync=false",
        file(CALL)
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let sink = p.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    p.set_state(gst::State::Playing).unwrap();
    let begun = Instant::now();
    let (mut size, mut results) = (0, 0);
    while let Ok(sample) = sink.pull_sample() {
        let b = sample.buffer().unwrap();
        size += b.size();
        results += common::results(b).len();
    }
    assert_eq!(size, wav(CALL).0.len() * 2);
    let stats = p.by_name("s").unwrap().property::<gst::Structure>("stats");
    let (dropped, total) = (stats.get::<u64>("dropped").unwrap(), stats.get::<u64>("results").unwrap());
    // Two channels of 40 s, windows of 1 s every 0.1 s.
    assert!(dropped > 0 && total == 2 * 391, "{stats}");
    assert!(results > 0);
    let warnings = p.bus().unwrap().iter().filter(|m| m.type_() == gst::MessageType::Warning).count();
    let intervals = begun.elapsed().as_secs() as usize / 5;
    assert!(
        (1..=1 + intervals).contains(&warnings),
        "{warnings} warnings in {:?}: one in 5 s at most",
        begun.elapsed()
    );
    p.set_state(gst::State::Null).unwrap();
}

/// The file may go, shrink or change: those who have the model keep it.
#[test]
fn the_file_may_change_while_running() {
    init();
    let dir = scratch("change");
    let path = dir.join("model.onnx");
    std::fs::write(&path, affect::model::DEFAULT).unwrap();
    let p = gst::parse::launch(&format!(
        "{} ! affectscore name=s model={} ! appsink name=out sync=false",
        file(CALL),
        path.display()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let sink = p.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    p.set_state(gst::State::Playing).unwrap();
    let mut count = 0;
    while sink.pull_sample().is_ok() {
        count += 1;
        match count {
            20 => std::fs::write(&path, b"short").unwrap(),
            40 => std::fs::remove_file(&path).unwrap(),
            60 => std::fs::write(&path, vec![0; 1000]).unwrap(),
            _ => {}
        }
    }
    let stats = p.by_name("s").unwrap().property::<gst::Structure>("stats");
    assert!(stats.get::<u64>("scored").unwrap() > 20, "{stats}");
    p.set_state(gst::State::Null).unwrap();
}

/// Two hundred elements share one copy of a model; each gives the same.
#[test]
fn two_hundred_elements_on_one_model() {
    let many = (0..200)
        .map(|_| {
            format!(
                "{} ! affectscore segmentation=file batch-size=8 batch-timeout=1000 ! fakesink sync=false",
                file(CLIP)
            )
        })
        .collect::<Vec<_>>()
        .join("  ");
    init();
    let p = gst::parse::launch(&many).unwrap();
    p.set_state(gst::State::Playing).unwrap();
    let bus = p.bus().unwrap();
    let mut labels = Vec::new();
    loop {
        let m = bus.timed_pop(gst::ClockTime::from_seconds(60)).expect("the pipeline ends");
        match m.view() {
            gst::MessageView::Element(_) => {
                labels.extend(common::result_of(&m).map(|s| json(&s)["emotion"].to_string()));
            }
            gst::MessageView::Error(e) => panic!("{}", e.error()),
            gst::MessageView::Eos(_) => break,
            _ => {}
        }
    }
    p.set_state(gst::State::Null).unwrap();
    assert_eq!(labels.len(), 200);
    assert!(labels.windows(2).all(|w| w[0] == w[1]));
}

#[test]
fn a_thousand_cycles() {
    init();
    let p = gst::parse::launch("audiotestsrc is-live=false wave=ticks ! audio/x-raw,rate=16000,channels=1 ! affectscore name=s inference-mode=async ! fakesink sync=false").unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").map(|d| d.count()).unwrap_or(0);
    let mut before = 0;
    for k in 0..1000 {
        p.set_state(gst::State::Playing).unwrap();
        if k % 50 == 0 {
            let (_, state, _) = p.state(gst::ClockTime::from_seconds(10));
            assert_eq!(state, gst::State::Playing);
        }
        p.set_state(gst::State::Ready).unwrap();
        if k == 100 {
            before = threads();
        }
    }
    p.set_state(gst::State::Null).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(threads() <= before + 8, "threads stay behind: {} after {before}", threads());
}

/// A policy set while the stream runs holds for the buffer that comes next, and for what waits.
#[test]
fn a_policy_set_while_running_holds() {
    init();
    let p = gst::parse::launch(&format!("{} ! affectscore name=s inference-mode=async segmentation=window window=1000000000 hop=200000000 ! appsink name=out sync=false max-buffers=1", file(CALL)))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let element = p.by_name("s").unwrap();
    let changed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let counts = std::sync::Arc::new(std::sync::Mutex::new([0; 2]));
    element.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, {
        let (element, changed) = (element.downgrade(), changed.clone());
        let count = std::sync::atomic::AtomicUsize::new(0);
        move |_, _| {
            if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 200 {
                element.upgrade().unwrap().set_property("policy", "features-only,features-only");
                changed.store(true, std::sync::atomic::Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        }
    });
    element.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, {
        let (changed, counts) = (changed.clone(), counts.clone());
        move |_, info| {
            let list = common::results(info.buffer().unwrap());
            let scored = list.iter().map(json).filter(|r| r["emotion"].is_object()).count();
            counts.lock().unwrap()[usize::from(changed.load(std::sync::atomic::Ordering::SeqCst))] += scored;
            gst::PadProbeReturn::Ok
        }
    });
    let sink = p.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    p.set_state(gst::State::Playing).unwrap();
    while sink.pull_sample().is_ok() {}
    p.set_state(gst::State::Null).unwrap();
    let [before, after] = *counts.lock().unwrap();
    assert!(before > 0 && after == 0, "{before} before, {after} after");
}

/// Whoever keeps the highest revision of a segment keeps its final version: a scored interim result is followed by one, whether
/// the final one was scored, dropped, or no longer allowed to be.
#[test]
fn a_scored_interim_result_is_never_the_last_word() {
    for (way, forbid) in [
        ("affectfeatures stream=s interval=500000000 ! affectscore name=s inference-mode=sync", true),
        ("affectscore name=s stream=s interval=500000000 inference-mode=sync", true),
        (
            "affectfeatures stream=s interval=500000000 ! affectscore name=s inference-mode=async max-queued=1 \
             attribution=none batch-size=8 batch-timeout=30000000",
            false,
        ),
    ] {
        init();
        let p = gst::parse::launch(&format!("{} ! {way} ! appsink name=out", file(CALL)))
            .unwrap()
            .downcast::<gst::Pipeline>()
            .unwrap();
        if forbid {
            // As soon as an interim result has been scored.
            let s = p.by_name("s").unwrap();
            let weak = s.downgrade();
            s.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                let open = common::results(info.buffer().unwrap()).iter().map(json).any(|r| {
                    r["emotion"].is_object() && r["ended"] == "open" && r["start_ns"].as_u64() > Some(9_000_000_000)
                });
                if open {
                    weak.upgrade().unwrap().set_property("policy", "features-only");
                }
                gst::PadProbeReturn::Ok
            });
        }
        let ran = common::run(&p);
        let mut last = BTreeMap::new();
        let mut interims = 0;
        for r in ran.results.iter().map(json) {
            interims += u32::from(r["emotion"].is_object() && r["ended"] == "open");
            let kept = last.entry(r["segment_id"].to_string()).or_insert_with(|| r.clone());
            if r["revision"].as_u64() > kept["revision"].as_u64() {
                *kept = r;
            }
        }
        assert!(interims > 0, "{way}");
        for r in last.values() {
            assert_ne!(r["ended"], "open", "{way}: {} {} {}", r["start_ns"], r["end_ns"], r["revision"]);
        }
    }
}

/// Two scorers in series with different models, on features of one element upstream: each scores every segment once, none scores
/// what the other has scored, and no two results share an id.
#[test]
fn a_scored_result_is_not_scored_again() {
    let second = root().join("models/affect-seven.onnx");
    let common = "channel-roles=,caller post-messages=false inference-mode=sync attribution=none";
    let features = "affectfeatures stream=s channel-roles=,caller post-messages=false";
    let ran = launch(&format!(
        "{} ! {features} ! affectscore stream=s {common} ! affectscore stream=s {common} model={} ! appsink name=out",
        file(CALL),
        second.display()
    ));
    let mut ids = std::collections::BTreeSet::new();
    let mut by_segment: BTreeMap<(String, u64), Vec<serde_json::Value>> = BTreeMap::new();
    for r in ran.results.iter().map(json).filter(|r| ids.insert(r["id"].to_string())) {
        let segment = (r["segment_id"].to_string(), r["end_ns"].as_u64().unwrap());
        by_segment.entry(segment).or_default().push(r);
    }
    assert!(by_segment.len() > 20, "{}", by_segment.len());
    for (segment, results) in by_segment {
        let mut models: Vec<String> = results.iter().map(|r| r["provenance"]["model"]["sha256"].to_string()).collect();
        models.sort();
        let repeated = models.windows(2).any(|w| w[0] == w[1]);
        assert!(models.len() == 3 && !repeated, "{segment:?}: scored by {models:?}");
    }
}
