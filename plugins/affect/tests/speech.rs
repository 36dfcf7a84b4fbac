//! Messages `affect-speech-started` and `affect-speech-ended`: soon, where the utterances are, and never of a denied channel.

mod common;

use common::{CALL, init, json, launch, root};
use gst::prelude::*;
use std::sync::{Arc, Mutex};

fn source() -> String {
    format!("filesrc location={} ! wavparse ! audiomixer output-buffer-duration=20000000", root().join(CALL).display())
}

const WAYS: [&str; 3] = ["affectfeatures", "affectscore", "affectscore inference-mode=async"];

/// When each message came, as the time up to which the element had been given audio.
fn timed(description: &str) -> Vec<(u64, gst::Structure)> {
    init();
    let p = gst::parse::launch(&format!("{} ! {description} name=e ! fakesink", source())).unwrap();
    let p = p.downcast::<gst::Pipeline>().unwrap();
    let position = Arc::new(Mutex::new(0));
    let heard = position.clone();
    p.by_name("e").unwrap().static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let b = info.buffer().unwrap();
        *heard.lock().unwrap() = (b.pts().unwrap() + b.duration().unwrap()).nseconds();
        gst::PadProbeReturn::Ok
    });
    let list = Arc::new(Mutex::new(Vec::new()));
    let said = list.clone();
    p.bus().unwrap().set_sync_handler(move |_, m| {
        if let Some(s) = m.structure().filter(|s| s.name().starts_with("affect-")) {
            said.lock().unwrap().push((*position.lock().unwrap(), s.to_owned()));
        }
        gst::BusSyncReply::Pass
    });
    p.set_state(gst::State::Playing).unwrap();
    let wait = [gst::MessageType::Eos, gst::MessageType::Error];
    let last = p.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &wait).unwrap();
    assert_eq!(last.type_(), gst::MessageType::Eos);
    p.set_state(gst::State::Null).unwrap();
    std::mem::take(&mut *list.lock().unwrap())
}

fn time(s: &gst::Structure, name: &str) -> u64 {
    s.get::<u64>(name).unwrap()
}

fn is(s: &gst::Structure, name: &str) -> bool {
    s.name() == name
}

/// Starts come within 0.2 s of the speech, ends within 0.2 s of the pause that decides, each where an utterance begins or ends; on
/// every channel they take turns.
#[test]
fn speech_is_told_at_once_and_where_the_utterances_are() {
    for way in WAYS {
        let all = timed(&format!("{way} stream=call channel-roles=agent,caller"));
        let (hangover, pause, late) = (100_000_000, 500_000_000, 200_000_000);
        for channel in 0..2 {
            let own: Vec<&(u64, gst::Structure)> =
                all.iter().filter(|(_, s)| s.get::<i32>("channel").unwrap() == channel).collect();
            let speech: Vec<&(u64, gst::Structure)> =
                own.iter().filter(|(_, s)| s.name() != "affect-result").copied().collect();
            assert!(speech.len() >= 8, "{way}: {}", speech.len());
            let mut spans = Vec::new();
            for pair in speech.chunks(2) {
                let [(at, started), (then, ended)] = pair else { panic!("{way}: a start without an end") };
                assert!(is(started, "affect-speech-started") && is(ended, "affect-speech-ended"), "{way}");
                let (from, to) = (time(started, "stream-time"), time(ended, "stream-time"));
                assert!(
                    from < to && *at >= from && at - from <= late,
                    "{way}: told {} ms later",
                    (at - from) / 1_000_000
                );
                let decided = to - hangover + pause;
                // What the end of the stream ends is told then.
                let at_the_end = *then >= 40_000_000_000;
                assert!(
                    at_the_end || (*then >= decided && then - decided <= late),
                    "{way}: end at {to}, told at {then}"
                );
                for s in [started, ended] {
                    assert_eq!(s.get::<&str>("stream").unwrap(), "call");
                    assert_eq!(s.get::<&str>("role").unwrap(), ["agent", "caller"][channel as usize]);
                    assert_eq!(time(s, "timestamp"), time(s, "stream-time"));
                    assert_eq!(time(s, "running-time"), time(s, "stream-time"), "a file's times are equal");
                }
                spans.push((from, to, ended.get::<bool>("utterance").unwrap()));
            }
            // Utterances that were cut for their length are one stretch of speech.
            let mut utterances: Vec<(u64, u64)> = Vec::new();
            let mut goes_on = false;
            let finals = own.iter().filter(|(_, s)| s.name() == "affect-result" && !s.get::<bool>("partial").unwrap());
            let mut finals: Vec<serde_json::Value> = finals.map(|(_, s)| json(s)).collect();
            finals.sort_by_key(|r| r["start_ns"].as_u64());
            for r in finals {
                let (start, end) = (r["start_ns"].as_u64().unwrap(), r["end_ns"].as_u64().unwrap());
                match utterances.last_mut() {
                    Some(last) if goes_on && last.1 == start => last.1 = end,
                    _ => utterances.push((start, end)),
                }
                goes_on = r["ended"] == "max-length";
            }
            let told: Vec<(u64, u64)> = spans.iter().filter(|s| s.2).map(|s| (s.0, s.1)).collect();
            assert_eq!(told, utterances, "{way}, channel {channel}");
        }
    }
}

#[test]
fn a_denied_channel_gives_none_and_they_can_be_switched_off() {
    let count = |properties: &str| {
        WAYS.map(|way| {
            let ran = launch(&format!("{} ! {way} {properties} ! appsink name=out", source()));
            [0, 1].map(|c| ran.speech.iter().filter(|s| s.get::<i32>("channel").unwrap() == c).count())
        })
    };
    assert!(count("").iter().flatten().all(|n| *n >= 8));
    assert!(count("policy=deny,allow").iter().all(|n| n[0] == 0 && n[1] >= 8));
    assert!(count("policy=features-only").iter().flatten().all(|n| *n >= 8), "no score is in them");
    for off in ["speech-messages=false", "post-messages=false", "segmentation=window"] {
        assert!(count(off).iter().flatten().all(|n| *n == 0), "{off}");
    }
}

/// Whoever analyses says it: with features from upstream the scorer is silent.
#[test]
fn one_element_of_a_chain_says_it() {
    let ran = launch(&format!("{} ! affectfeatures ! affectscore ! appsink name=out", source()));
    let alone = launch(&format!("{} ! affectfeatures ! appsink name=out", source()));
    assert_eq!(ran.speech.len(), alone.speech.len());
}

/// Denied while somebody speaks, nothing more is said of them.
#[test]
fn a_policy_set_while_somebody_speaks_holds() {
    for way in ["affectfeatures", "affectscore"] {
        init();
        let p = gst::parse::launch(&format!("{} ! {way} name=e ! fakesink", source())).unwrap();
        let p = p.downcast::<gst::Pipeline>().unwrap();
        let e = p.by_name("e").unwrap();
        let (list, weak) = (Arc::new(Mutex::new(Vec::new())), e.downgrade());
        let said = list.clone();
        p.bus().unwrap().set_sync_handler(move |_, m| {
            if let Some(s) = m.structure().filter(|s| s.name().starts_with("affect-speech")) {
                let mut list = said.lock().unwrap();
                list.push(s.name().to_string());
                if list.len() == 1 {
                    weak.upgrade().unwrap().set_property("policy", "deny");
                }
            }
            gst::BusSyncReply::Pass
        });
        p.set_state(gst::State::Playing).unwrap();
        p.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Eos]).unwrap();
        p.set_state(gst::State::Null).unwrap();
        assert_eq!(*list.lock().unwrap(), ["affect-speech-started"], "{way}");
    }
}
