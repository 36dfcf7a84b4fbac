//! Conversations out of the elements: the numbers of the file, on every carrier, bound by the policies.

mod common;

use affect::analyzer::{Config, ConversationConfig, Policy, Segmentation};
use affect::conversation::ConversationRecord;
use affect::segment::utterance::UtteranceConfig;
use affect_media::decode::Limits;
use affect_media::file::{Job, analyse};
use common::{CALL, Ran, json, launch, root, unique};
use gst::prelude::*;
use serde_json::Value;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn source() -> String {
    format!("filesrc location={} ! wavparse", root().join(CALL).display())
}

fn run(elements: &str) -> Ran {
    launch(&format!("{} ! {elements} ! appsink name=out", source()))
}

const ROLES: &str = "stream=s channel-roles=agent,caller interval=0";

fn is_conversation(s: &gst::Structure) -> bool {
    s.name() == "affect-conversation"
}

/// Conversations on buffers and events, each once.
fn attached(ran: &Ran) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    let own = ran.results.iter().filter(|s| is_conversation(s));
    own.filter(|s| seen.insert(s.get::<String>("id").unwrap())).map(json).collect()
}

/// Those in messages.
fn posted(ran: &Ran) -> Vec<Value> {
    // What is no result of a segment stands among the events of speech there.
    ran.speech.iter().filter(|s| is_conversation(s)).map(json).collect()
}

/// What the path of files gives.
fn of_the_file(source: &str, interval_s: u64, policy: &str) -> Vec<ConversationRecord> {
    let config = Config {
        segmentation: Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() }),
        roles: vec!["agent".into(), "caller".into()],
        stream: "s".into(),
        source: source.into(),
        policy: Policy::list(policy).unwrap(),
        conversation: Some(ConversationConfig { interval: interval_s * 16_000, ..ConversationConfig::default() }),
        ..Config::default()
    };
    common::init();
    let stop = AtomicBool::new(false);
    let limits = Limits { patience: Duration::from_secs(30), stop: &stop };
    let job = Job { config: &config, track: None, baseline: None, one_channel: false, limits };
    let heard = analyse(&root().join(CALL), &job, &mut |_, _| (), &mut |_| Ok(())).unwrap();
    heard.conversations.iter().map(affect::conversation::Conversation::record).collect()
}

/// Without the running time that only a pipeline has.
fn plain(mut line: Value) -> Value {
    line.as_object_mut().unwrap().remove("running_end_ns");
    line
}

fn lines(records: &[ConversationRecord]) -> Vec<Value> {
    records.iter().map(|r| plain(serde_json::from_str(&r.to_json()).unwrap())).collect()
}

#[test]
fn live_equals_file() {
    let expected = lines(&of_the_file("affectfeatures", 10, ""));
    assert!(expected.len() >= 4);
    for way in ["analysis=inline", "analysis=worker"] {
        let ran = run(&format!("affectfeatures {ROLES} {way} conversation=true conversation-interval=10000000000"));
        for found in [attached(&ran), posted(&ran)] {
            assert_eq!(found.into_iter().map(plain).collect::<Vec<_>>(), expected, "{way}");
        }
        let last = ran.speech.iter().rfind(|s| is_conversation(s)).unwrap();
        assert_eq!(last.get::<&str>("ended").unwrap(), "end-of-stream");
        assert_eq!(last.get::<u64>("timestamp").unwrap(), last.get::<u64>("end-time").unwrap());
        assert!(last.get::<u64>("running-end-time").is_ok() && !last.get::<bool>("partial").unwrap());
    }
}

/// Nobody who does not ask for it gets one, and who does gets the same results beside it.
#[test]
fn results_of_segments_are_the_same_with_it_and_without() {
    let (with, without) =
        (run(&format!("affectfeatures {ROLES} conversation=true")), run(&format!("affectfeatures {ROLES}")));
    assert!(attached(&without).is_empty() && posted(&without).is_empty());
    assert_eq!(attached(&with).len(), 1);
    let segments = |r: &Ran| -> Vec<Value> { r.messages.iter().map(json).collect() };
    assert_eq!(segments(&with), segments(&without));
}

/// The scores of all segments are in it, also where they are computed beside the stream and come late.
#[test]
fn scores_are_in_it() {
    let mut all = Vec::new();
    for way in ["inference-mode=sync", "inference-mode=async max-queued=1000", "analysis=worker"] {
        let ran = run(&format!("affectscore {ROLES} {way} conversation=true"));
        let found: Vec<Value> = attached(&ran).into_iter().map(plain).collect();
        assert_eq!(found.len(), 1, "{way}");
        let mean = &found[0]["measures"]["caller_dimension_arousal_mean"];
        assert!(mean.is_number() && found[0]["provenance"]["model"].is_object(), "{way}: {mean}");
        assert!(found[0]["measures"]["agent_dimension_arousal_mean"].is_null());
        assert_eq!(found[0]["reasons"]["agent_dimension_arousal_mean"], "policy");
        all.push(found);
    }
    assert!(all.windows(2).all(|w| w[0] == w[1]));
    // Talk is that of the features alone.
    let talk = lines(&of_the_file("affectfeatures", 0, ""));
    for name in ["agent_talk_s", "overlap_s", "caller_reply_gap_median_s", "caller_f0_median_hz"] {
        assert_eq!(all[0][0]["measures"][name], talk[0]["measures"][name], "{name}");
    }
}

#[test]
fn policies_bind_it() {
    let expected = lines(&of_the_file("affectfeatures", 0, "deny,allow"));
    let ran = run(&format!("affectfeatures {ROLES} conversation=true policy=deny,allow"));
    assert_eq!(attached(&ran).into_iter().map(plain).collect::<Vec<_>>(), expected);
    assert!(expected[0]["measures"]["agent_talk_s"].is_null() && expected[0]["measures"]["caller_talk_s"].is_number());
    let none = run(&format!("affectfeatures {ROLES} conversation=true policy=deny"));
    assert!(attached(&none).is_empty() && posted(&none).is_empty());
    // A scorer downstream lets through what its own policies allow, and nothing else.
    let upstream = format!("affectfeatures {ROLES} conversation=true");
    let passed = run(&format!("{upstream} ! affectscore {ROLES}"));
    assert_eq!(attached(&passed).len(), 1);
    let bound = attached(&run(&format!("{upstream} ! affectscore {ROLES} policy=deny,allow")));
    assert_eq!(bound.len(), 1);
    for part in ["measures", "reasons", "parties"] {
        assert_eq!(bound[0][part], expected[0][part], "{part}");
    }
    let stopped = run(&format!("{upstream} ! affectscore {ROLES} policy=deny"));
    assert!(attached(&stopped).is_empty());
    // Of parties with features only no scores go on.
    let scored = format!("affectscore {ROLES} conversation=true policy=allow");
    let all = attached(&run(&scored));
    assert!(all[0]["measures"]["agent_dimension_arousal_mean"].is_number(), "{}", all[0]);
    let without = attached(&run(&format!("{scored} ! affectscore {ROLES} policy=features-only")));
    assert!(without[0]["measures"]["agent_dimension_arousal_mean"].is_null(), "{}", without[0]);
    assert_eq!(without[0]["measures"]["agent_talk_s"], all[0]["measures"]["agent_talk_s"]);
    assert!(without[0]["provenance"].get("model").is_none());
}

#[test]
fn sinks_carry_it_as_they_carry_results() {
    common::init();
    let path = std::env::temp_dir().join(format!("affect-conversation-{}.jsonl", std::process::id()));
    let ran = common::run_to_the_end(&format!(
        "{} ! affectfeatures {ROLES} conversation=true ! tee name=t ! queue ! affectsink location={} t. ! queue ! appsink name=out",
        source(),
        path.display()
    ));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let written: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let own: Vec<&Value> = written.iter().filter(|v| v["schema"] == "affect.conversation/1").collect();
    assert_eq!(own, attached(&ran).iter().collect::<Vec<_>>());
    assert_eq!(written.len(), unique(&ran.results).len());
    // A pad of its own, where it lasts no time.
    let pipeline = gst::parse::launch(&format!(
        "{} ! affectfeatures {ROLES} conversation=true ! affectextract name=x x.src ! queue ! fakesink sync=false \
         x.results ! queue max-size-time=0 max-size-buffers=0 ! appsink name=out sync=false",
        source()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let extracted = common::run(&pipeline);
    let last = extracted.buffers.last().unwrap();
    let line: Value = serde_json::from_slice(&last.map_readable().unwrap()).unwrap();
    assert_eq!(&line, own[0]);
    assert_eq!(last.duration(), Some(gst::ClockTime::ZERO));
}

/// A stop in the middle says what there is, as a message.
#[test]
fn a_stop_tells_of_the_conversation_so_far() {
    common::init();
    let (audio, channels, rate) = common::wav(CALL);
    let seconds = 12;
    let part = &audio[..seconds * rate as usize * channels];
    for element in ["affectfeatures", "affectscore"] {
        let pipeline = gst::parse::launch(&format!(
            "appsrc name=src format=time caps=audio/x-raw,format=S16LE,rate={rate},channels={channels},layout=interleaved ! \
             {element} {ROLES} conversation=true ! fakesink name=out signal-handoffs=true sync=false async=false"
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let (say, hear) = std::sync::mpsc::channel();
        pipeline.by_name("out").unwrap().connect("handoff", false, move |_| {
            let _ = say.send(());
            None
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let source = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        for (k, second) in part.chunks(rate as usize * channels).enumerate() {
            let bytes: Vec<u8> = second.iter().flat_map(|s| s.to_le_bytes()).collect();
            let mut buffer = gst::Buffer::from_slice(bytes);
            let b = buffer.get_mut().unwrap();
            b.set_pts(gst::ClockTime::from_seconds(k as u64));
            b.set_duration(gst::ClockTime::SECOND);
            source.push_buffer(buffer).unwrap();
        }
        (0..seconds).for_each(|_| hear.recv_timeout(Duration::from_secs(60)).unwrap());
        let bus = pipeline.bus().unwrap();
        pipeline.set_state(gst::State::Ready).unwrap();
        let mut found = Vec::new();
        while let Some(m) = bus.pop() {
            found.extend(m.structure().filter(|s| s.name() == "affect-conversation").map(ToOwned::to_owned));
        }
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(found.len(), 1, "{element}");
        assert_eq!(found[0].get::<&str>("ended").unwrap(), "stopped");
        assert_eq!(json(&found[0])["measures"]["duration_s"], seconds as f64);
    }
}

/// Settings that cannot be used are an error at the start.
#[test]
fn an_interval_below_a_second_is_refused() {
    common::init();
    let pipeline = gst::parse::launch(&format!(
        "{} ! affectfeatures conversation=true conversation-interval=1000 ! fakesink",
        source()
    ))
    .unwrap();
    let refused = pipeline.set_state(gst::State::Paused);
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(refused.is_err());
}
