//! Protections fail closed: what cannot be read stops inference and not the stream, and the stricter policy holds everywhere.

mod common;

use common::{CALL, CLIP, Ran, init, json, launch, root, run, wav};
use gst::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn file(path: &str) -> String {
    format!("filesrc location={} ! wavparse", root().join(path).display())
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("protection-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn records(ran: &Ran) -> Vec<Value> {
    ran.results.iter().chain(&ran.messages).map(json).collect()
}

fn scored(r: &Value) -> bool {
    r.get("emotion").is_some() || r.get("explanations").is_some() || r["provenance"].get("model").is_some()
}

fn of_channel(list: &[Value], channel: Option<i64>) -> Vec<Value> {
    list.iter().filter(|r| r["channel"]["index"].as_i64() == channel).cloned().collect()
}

/// A word that is wrong: as a property before the start it is an element error that names it.
#[test]
fn a_setting_that_cannot_be_read_is_an_error_that_names_it() {
    init();
    for (element, settings, named) in [
        ("affectfeatures", "channel-roles=agent,caller;vad-treshold=0.6", "vad-treshold"),
        ("affectfeatures", "polcy=deny", "polcy"),
        ("affectfeatures", "policy=Deny,Deny", "Deny"),
        ("affectfeatures", "window", "window"),
        ("affectscore", "channel-roles=agent,caller;vad-treshold=0.6", "vad-treshold"),
        ("affectscore", "polcy=deny", "polcy"),
        ("affectscore", "policy=Deny,Deny", "Deny"),
        ("affectscore", "policy=deny;top-k=three", "three"),
    ] {
        let p = gst::parse::launch(&format!("{} ! {element} settings=\"{settings}\" ! fakesink", file(CLIP))).unwrap();
        let bus = p.bus().unwrap();
        p.set_state(gst::State::Playing).ok();
        let m = bus.timed_pop_filtered(
            gst::ClockTime::from_seconds(20),
            &[gst::MessageType::Error, gst::MessageType::Eos, gst::MessageType::Element],
        );
        match m.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Error(e)) => assert!(e.error().to_string().contains(named), "{settings}: {e:?}"),
            other => panic!("{element} {settings}: expected an error, not {other:?}"),
        }
        p.set_state(gst::State::Null).unwrap();
    }
}

/// What is set while audio flows: all audio passes, one warning names what is wrong, nothing is inferred from then on, and once it
/// is put right results come again.
#[test]
fn a_wrong_property_while_playing_stops_inference_and_not_the_stream() {
    for (name, wrong, right, named) in [
        ("policy", "Deny,Deny", "", "Deny"),
        ("settings", "polcy=deny,deny", "policy=", "polcy"),
        ("settings", "policy=deny,deny;vad-treshold=0.6", "", "vad-treshold"),
        ("channel-mode", "left", "per-channel", "left"),
        ("channel-mode", "7", "per-channel", "7"),
        ("target", "joy", "top", "joy"),
        ("attribution", "some", "features", "some"),
    ] {
        init();
        let p = gst::parse::launch(&format!(
            "{} ! affectscore name=s segmentation=window window=1000000000 hop=500000000 attribution=none \
             inference-mode=sync ! appsink name=out",
            file(CALL)
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let element = p.by_name("s").unwrap();
        let (wrong_from, right_from) = (gst::ClockTime::from_seconds(8), gst::ClockTime::from_seconds(24));
        let step = Arc::new(AtomicUsize::new(0));
        element.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, {
            let (element, step) = (element.downgrade(), step.clone());
            move |_, info| {
                let element = element.upgrade().unwrap();
                let at = info.buffer().unwrap().pts().unwrap();
                if at >= wrong_from && step.load(Ordering::SeqCst) == 0 {
                    element.set_property(name, wrong);
                    step.store(1, Ordering::SeqCst);
                } else if at >= right_from && step.load(Ordering::SeqCst) == 1 {
                    element.set_property(name, right);
                    step.store(2, Ordering::SeqCst);
                }
                gst::PadProbeReturn::Ok
            }
        });
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let list = warnings.clone();
        p.bus().unwrap().set_sync_handler(move |_, m| {
            if let gst::MessageView::Warning(w) = m.view() {
                list.lock().unwrap().push(w.error().to_string());
            }
            gst::BusSyncReply::Pass
        });
        let counts = Arc::new(Mutex::new([0; 3]));
        element.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, {
            let counts = counts.clone();
            move |_, info| {
                let found = common::results(info.buffer().unwrap()).len();
                counts.lock().unwrap()[step.load(Ordering::SeqCst)] += found;
                gst::PadProbeReturn::Ok
            }
        });
        let ran = run(&p);
        let size: usize = ran.buffers.iter().map(|b| b.size()).sum();
        assert_eq!(size, wav(CALL).0.len() * 2, "{name}={wrong}");
        let [before, during, after] = *counts.lock().unwrap();
        assert!(before > 10 && during == 0 && after > 10, "{name}={wrong}: {before}, {during}, {after}");
        let warnings = warnings.lock().unwrap();
        assert_eq!(warnings.len(), 1, "{name}={wrong}: {warnings:?}");
        assert!(warnings[0].contains(named) && warnings[0].contains(name), "{warnings:?}");
    }
}

/// The mix holds everybody's voice, wherever it was made: the record carries the policy, and who scores keeps to it.
#[test]
fn a_mix_made_upstream_is_as_protected_as_one_made_here() {
    let ran = launch(&format!(
        "{} ! affectfeatures channel-mode=mix channel-roles=agent,caller ! affectscore ! appsink name=out",
        file(CALL)
    ));
    let all = records(&ran);
    assert!(!all.is_empty());
    for r in &all {
        assert_eq!(r["policy"], "features-only", "{r}");
        assert!(!scored(r) && r["source"] == "affectfeatures", "{r}");
    }
    // The other half: what forbids nothing is scored.
    let ran = launch(&format!(
        "{} ! affectfeatures channel-mode=mix channel-roles=caller,caller ! affectscore ! appsink name=out",
        file(CALL)
    ));
    assert!(records(&ran).iter().any(scored));
    // An element that was told less, or more, than the one before it: the stricter holds.
    for (first, second) in
        [("policy=allow,features-only", "policy=allow,allow"), ("policy=allow,allow", "policy=features-only,allow")]
    {
        for mode in ["mix", "per-channel"] {
            let strict = (mode == "per-channel").then_some(i64::from(first.ends_with("only")));
            let ran = launch(&format!(
                "{} ! affectfeatures channel-mode={mode} {first} ! affectscore {second} ! affectscore ! appsink name=out",
                file(CALL)
            ));
            let attached: Vec<Value> = ran.results.iter().map(json).collect();
            let found = of_channel(&attached, strict);
            assert!(!found.is_empty() && !found.iter().any(scored), "{first} {second} {mode}");
            assert!(found.iter().all(|r| r["policy"] == "features-only"), "{first} {second} {mode}");
            if let Some(s) = strict {
                assert!(of_channel(&attached, Some(1 - s)).iter().any(scored), "{first} {second} {mode}");
            }
        }
    }
}

/// What an element upstream has attached is bound as well: nothing of a denied channel goes on, no score of one without.
#[test]
fn deny_binds_what_was_attached_upstream() {
    for (way, channel) in [
        ("affectfeatures ! affectscore policy=deny,allow", Some(0)),
        ("affectfeatures segmentation=frame ! affectscore policy=deny,allow", Some(0)),
        ("affectfeatures feature-set=egemaps-v02 ! affectscore policy=allow,deny", Some(1)),
        ("affectfeatures channel-mode=mix ! affectscore policy=allow,deny", None),
        ("affectfeatures ! affectscore inference-mode=async policy=deny,allow", Some(0)),
    ] {
        let ran = launch(&format!("{} ! {way} ! appsink name=out", file(CALL)));
        let attached: Vec<Value> = ran.results.iter().map(json).collect();
        assert_eq!(of_channel(&attached, channel).len(), 0, "{way}");
        assert_eq!(attached.is_empty(), channel.is_none(), "{way}");
    }
    let ran = launch(&format!(
        "{} ! affectscore segmentation=file ! affectscore segmentation=file policy=features-only,allow ! appsink name=out",
        file(CALL)
    ));
    let attached: Vec<Value> = ran.results.iter().map(json).collect();
    let first = of_channel(&attached, Some(0));
    assert!(!first.is_empty() && !first.iter().any(scored), "scores of an element upstream go on");
    assert!(of_channel(&attached, Some(1)).iter().any(scored));
}

#[test]
fn one_policy_holds_for_all_channels() {
    for element in ["affectfeatures", "affectscore"] {
        let ran = launch(&format!("{} ! {element} policy=deny ! appsink name=out", file(CALL)));
        assert_eq!(records(&ran).len(), 0, "{element}");
    }
    let ran = launch(&format!("{} ! affectscore policy=features-only ! appsink name=out", file(CALL)));
    let all = records(&ran);
    for channel in [0, 1] {
        let list = of_channel(&all, Some(channel));
        assert!(!list.is_empty() && !list.iter().any(scored), "channel {channel}");
    }
}

#[test]
fn roles_that_are_no_known_word_have_features_only() {
    for (roles, policies) in [
        ("agnet,caller", ["features-only", "allow"]),
        ("Agent,Caller", ["features-only", "allow"]),
        ("customer,supervisor", ["allow", "features-only"]),
        (",caller", ["allow", "allow"]),
    ] {
        let ran = launch(&format!("{} ! affectscore channel-roles={roles} ! appsink name=out", file(CALL)));
        for (channel, policy) in (0..).zip(policies) {
            let list = of_channel(&records(&ran), Some(channel));
            assert!(!list.is_empty() && list.iter().all(|r| r["policy"] == policy), "{roles} {channel}");
            assert_eq!(list.iter().any(scored), policy == "allow", "{roles} {channel}");
        }
    }
}

/// Set at the last moment, the end of the stream itself: what is still pending is bound.
#[test]
fn a_policy_binds_what_is_pending() {
    for (mode, policy) in [("sync", "deny"), ("async", "deny"), ("sync", "features-only"), ("async", "features-only")] {
        for segmentation in ["file", "utterance"] {
            init();
            let p = gst::parse::launch(&format!(
                "{} ! affectscore name=s segmentation={segmentation} inference-mode={mode} ! appsink name=out",
                file(CALL)
            ))
            .unwrap()
            .downcast::<gst::Pipeline>()
            .unwrap();
            let element = p.by_name("s").unwrap();
            let ended = Arc::new(AtomicUsize::new(0));
            element.static_pad("sink").unwrap().add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, {
                let (element, ended) = (element.downgrade(), ended.clone());
                move |_, info| {
                    if info.event().unwrap().type_() == gst::EventType::Eos {
                        element.upgrade().unwrap().set_property("policy", policy);
                        ended.store(1, Ordering::SeqCst);
                    }
                    gst::PadProbeReturn::Ok
                }
            });
            let late = Arc::new(Mutex::new(Vec::new()));
            element.static_pad("src").unwrap().add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, {
                let late = late.clone();
                move |_, info| {
                    if let gst::EventView::CustomDownstream(e) = info.event().unwrap().view() {
                        late.lock().unwrap().extend(gstaffect::result::from_event(e).iter().map(json));
                    }
                    gst::PadProbeReturn::Ok
                }
            });
            p.bus().unwrap().set_sync_handler({
                let (late, ended) = (late.clone(), ended.clone());
                move |_, m| {
                    if let (Some(s), 1) = (common::result_of(m), ended.load(Ordering::SeqCst)) {
                        late.lock().unwrap().push(json(&s));
                    }
                    gst::BusSyncReply::Pass
                }
            });
            run(&p);
            let late = late.lock().unwrap();
            assert_eq!(late.is_empty(), policy == "deny", "{mode} {policy} {segmentation}");
            assert!(!late.iter().any(scored), "{mode} {policy} {segmentation}");
        }
    }
}

fn audit(path: &std::path::Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// What is allowed while the stream runs is accounted for, or it is not allowed.
#[test]
fn a_change_of_policy_is_audited_or_nothing_is_inferred() {
    for writable in [true, false] {
        init();
        let folder = scratch(&format!("audit-{writable}"));
        let log = folder.join("audit.jsonl");
        let p = gst::parse::launch(&format!(
            "{} ! affectscore name=s segmentation=window window=1000000000 hop=500000000 attribution=none audit={} \
             policy=features-only ! appsink name=out",
            file(CALL),
            log.display()
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let element = p.by_name("s").unwrap();
        let count = AtomicUsize::new(0);
        element.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, {
            let (element, folder) = (element.downgrade(), folder.clone());
            move |_, _| {
                let element = element.upgrade().unwrap();
                match count.fetch_add(1, Ordering::SeqCst) {
                    20 => {
                        if !writable {
                            std::fs::remove_dir_all(&folder).unwrap();
                        }
                        element.set_property("policy", "allow,deny");
                    }
                    40 => element.set_property("settings", "channel-roles=caller,agent"),
                    // What changes nothing of the policy has no line of its own.
                    50 => element.set_property("top-k", 5u32),
                    _ => {}
                }
                gst::PadProbeReturn::Ok
            }
        });
        let ran = run(&p);
        let all = records(&ran);
        assert_eq!(all.iter().any(scored), writable);
        if writable {
            let lines = audit(&log);
            let said: Vec<(&str, &str, &str)> = lines
                .iter()
                .map(|l| {
                    let text = |k: &str| l[k].as_str().unwrap();
                    (text("event"), text("policy"), text("roles"))
                })
                .collect();
            assert_eq!(
                said,
                [
                    ("start", "features-only", ""),
                    ("policy", "allow,deny", ""),
                    ("policy", "allow,deny", "caller,agent"),
                ]
            );
        }
    }
}

/// What an element upstream posts passes no other element: that its policy is looser than the one here is said once, and what is
/// attached says the stricter one, single frames too.
#[test]
fn a_looser_policy_upstream_is_said() {
    for (way, warns, strictest) in [
        ("affectfeatures ! affectscore attribution=none policy=deny,allow", true, None),
        ("affectfeatures ! affectscore attribution=none channel-roles=agent,caller", true, Some("features-only")),
        (
            "affectfeatures segmentation=frame ! affectscore attribution=none policy=features-only,allow",
            true,
            Some("features-only"),
        ),
        (
            "affectscore attribution=none ! affectscore attribution=none policy=features-only,allow",
            true,
            Some("features-only"),
        ),
        (
            "affectfeatures channel-roles=agent,caller ! affectscore attribution=none channel-roles=agent,caller",
            false,
            Some("features-only"),
        ),
        ("affectfeatures policy=deny,allow ! affectscore attribution=none policy=deny,allow", false, None),
        ("affectfeatures policy=deny,allow ! affectscore attribution=none", false, None),
    ] {
        init();
        let p = gst::parse::launch(&format!("{} ! {way} ! appsink name=out", file(CALL)))
            .unwrap()
            .downcast::<gst::Pipeline>()
            .unwrap();
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let list = warnings.clone();
        p.bus().unwrap().set_sync_handler(move |_, m| {
            if let gst::MessageView::Warning(w) = m.view() {
                list.lock().unwrap().push(w.error().to_string());
            }
            gst::BusSyncReply::Pass
        });
        let attached: Vec<Value> = run(&p).results.iter().map(json).collect();
        let warnings = warnings.lock().unwrap();
        assert_eq!(warnings.len(), usize::from(warns), "{way}: {warnings:?}");
        assert!(warnings.iter().all(|w| w.contains("channel 0") && w.contains("upstream")), "{way}: {warnings:?}");
        let first = of_channel(&attached, Some(0));
        assert_eq!(first.is_empty(), strictest.is_none(), "{way}");
        assert!(first.iter().all(|r| Some(r["policy"].as_str().unwrap()) == strictest && !scored(r)), "{way}");
        let second = of_channel(&attached, Some(1));
        assert!(!second.is_empty() && second.iter().all(|r| r["policy"] == "allow"), "{way}");
    }
}

/// Audit records go into no file that the pipeline reads or writes, whatever it is called, and no results into an audit file.
#[test]
fn an_audit_file_is_no_other_file_of_the_pipeline() {
    init();
    let folder = scratch("audit-identity");
    let at = |name: &str| folder.join(name);
    let link = |from: &str, to: &str| {
        let _ = std::fs::remove_file(at(to));
        std::fs::hard_link(at(from), at(to)).unwrap();
    };
    std::fs::copy(root().join(CLIP), at("recording.wav")).unwrap();
    std::fs::write(at("model.onnx"), affect::model::DEFAULT).unwrap();
    let card = affect::model::Model::open(affect::model::DEFAULT.to_vec(), None, &affect::model::Options::default());
    std::fs::write(at("model.onnx.card.json"), card.unwrap().card().unwrap().to_json()).unwrap();
    std::fs::write(at("audit.jsonl"), "{}\n").unwrap();
    link("recording.wav", "hard.wav");
    let _ = std::fs::remove_file(at("soft.wav"));
    std::os::unix::fs::symlink("hard.wav", at("soft.wav")).unwrap();
    let [model, recording] = [at("model.onnx"), at("recording.wav")].map(|p| p.display().to_string());
    let read = format!("filesrc location={recording} ! wavparse ! affectscore name=s attribution=none");
    let audit = |name: &str| format!("audit={}", at(name).display());
    for (description, target, named) in [
        (format!("{read} {} ! fakesink", audit("recording.wav")), "recording.wav", "filesrc"),
        (format!("{read} {} ! fakesink", audit("soft.wav")), "recording.wav", "filesrc"),
        (format!("{read} model={model} {} ! fakesink", audit("model.onnx")), "model.onnx", "s"),
        (format!("{read} model={model} {} ! fakesink", audit("model.onnx.card.json")), "model.onnx.card.json", "s"),
        (
            format!("{read} {} ! affectsink location={}", audit("new.jsonl"), at("./new.jsonl").display()),
            "new.jsonl",
            "affectsink",
        ),
        (
            format!("{read} {} ! affectsink location={}", audit("audit.jsonl"), at("audit.jsonl").display()),
            "audit.jsonl",
            "s",
        ),
        (
            format!(
                "{read} {} ! affectsink append=true location={}",
                audit("audit.jsonl"),
                at("audit.jsonl").display()
            ),
            "audit.jsonl",
            "s",
        ),
    ] {
        let before = std::fs::read(at(target)).unwrap_or_default();
        let p = gst::parse::launch(&description).unwrap();
        let bus = p.bus().unwrap();
        p.set_state(gst::State::Playing).ok();
        let kinds = [gst::MessageType::Error, gst::MessageType::Eos];
        let m = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
        match m.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Error(e)) => {
                let said = e.error().to_string();
                assert!(said.contains(named) && said.contains("of this pipeline"), "{description}: {said}");
            }
            other => panic!("{description}: expected an error, not {other:?}"),
        }
        p.set_state(gst::State::Null).unwrap();
        assert!(std::fs::read(at(target)).unwrap_or_default() == before, "{description}: {target} was written to");
    }
    // Several elements, and a device, may have one place for their records.
    let shared = audit("shared.jsonl");
    for audit in [&shared, "audit=/dev/null"] {
        launch(&format!("{read} {audit} ! affectscore attribution=none {audit} ! appsink name=out"));
    }
    assert_eq!(std::fs::read_to_string(at("shared.jsonl")).unwrap().lines().count(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}
