//! Streams that follow each other, elements that are stopped or taken out, and models that cannot change meanwhile.

mod common;

use affect::analyzer::{Analyzer, Config, Output, Segmentation};
use affect::record::{Ended, Record};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use common::{CLIP, init, json, launch, root, unique, wav};
use gst::prelude::*;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const OTHER_CLIP: &str = "tests/data/emodb/16a01Tb.wav";

fn pipeline(description: &str) -> gst::Pipeline {
    init();
    gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap()
}

/// The clip with nothing of its last second, so that somebody speaks at its end.
fn speech() -> Vec<i16> {
    let (mut samples, ..) = wav(CLIP);
    samples.truncate(samples.len() - 16_000);
    samples
}

/// What the library says of the same samples where the analysis is stopped at their end.
fn expected() -> Vec<Record> {
    let config = Config {
        segmentation: Segmentation::Utterances(UtteranceConfig { interim: 4_800, ..UtteranceConfig::default() }),
        ..Config::default()
    };
    let mut analyzer = Analyzer::new(config, 16_000, 1).unwrap();
    let mut records = Vec::new();
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            records.push(*r);
        }
    };
    analyzer.push(&Samples::s16(&speech(), 1).unwrap(), &mut take).unwrap();
    analyzer.cut(Ended::Stopped, 0, &mut take);
    records
}

/// A pipeline that has taken all samples of [`speech`] and waits for more.
fn waiting(element: &str) -> (gst::Pipeline, gst::Element) {
    let p = pipeline(&format!(
        "appsrc name=in format=time caps=audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved ! \
         {element} name=e stream=s interval=300000000 ! fakesink name=out signal-handoffs=true async=false"
    ));
    let (heard, waits) = mpsc::channel();
    p.by_name("out").unwrap().connect("handoff", false, move |args| {
        let _ = heard.send(args[1].get::<gst::Buffer>().unwrap().pts().unwrap());
        None
    });
    p.set_state(gst::State::Playing).unwrap();
    let source = p.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let mut last = gst::ClockTime::ZERO;
    for (k, part) in speech().chunks(320).enumerate() {
        let mut b = gst::Buffer::from_slice(part.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>());
        last = gst::ClockTime::from_mseconds(20 * k as u64);
        b.get_mut().unwrap().set_pts(last);
        source.push_buffer(b).unwrap();
    }
    while waits.recv_timeout(Duration::from_secs(60)).unwrap() < last {}
    let e = p.by_name("e").unwrap();
    (p, e)
}

fn messages(p: &gst::Pipeline) -> Vec<gst::Structure> {
    std::iter::from_fn(|| p.bus().unwrap().pop())
        .filter_map(|m| m.structure().filter(|s| s.name() == "affect-result").map(ToOwned::to_owned))
        .collect()
}

const WAYS: [&str; 3] = ["affectfeatures", "affectscore inference-mode=sync", "affectscore inference-mode=async"];

/// Those that analyse beside the stream as well.
fn all_ways() -> impl Iterator<Item = &'static str> {
    WAYS.into_iter().chain(["affectfeatures analysis=worker", "affectscore analysis=worker inference-mode=async"])
}

/// A stop spends this long on what waits, and leaves out what is beyond: on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_millis(500);

/// Everything that the library has when it stops there, with the last revision of the open utterance, and nothing later.
fn judge(way: &str, said: &[gst::Structure], in_time: bool) {
    let expected = expected();
    let scored = way.starts_with("affectscore");
    assert!(expected.len() >= 3 && expected.last().unwrap().ended == Ended::Stopped);
    if way.contains("worker") && !in_time {
        assert!(said.len() <= expected.len(), "{way}");
        return;
    }
    assert_eq!(said.len(), expected.len(), "{way}");
    for (s, e) in said.iter().zip(&expected) {
        let got = json(s);
        let want: serde_json::Value = serde_json::from_str(&e.to_json()).unwrap();
        for name in ["revision", "ended", "partial", "start_ns", "end_ns", "quality"] {
            assert_eq!(got[name], want[name], "{way}: {name}");
        }
        assert_eq!(got["features"], want["features"], "{way}");
        assert_eq!(got["emotion"].is_object(), scored, "{way}");
        assert_eq!(s.get::<&str>("ended").unwrap(), e.ended.name(), "{way}");
    }
}

#[test]
fn a_stop_hands_out_what_is_open() {
    for way in all_ways() {
        let (p, _) = waiting(way);
        let begun = Instant::now();
        p.set_state(gst::State::Ready).unwrap();
        let in_time = begun.elapsed() < PATIENCE;
        let said = messages(&p);
        std::thread::sleep(Duration::from_millis(300));
        assert!(messages(&p).is_empty(), "{way}: a result after the stop");
        p.set_state(gst::State::Null).unwrap();
        judge(way, &said, in_time);
    }
}

/// Whoever takes an element out may stop it before or after: what it says reaches the bus of the pipeline that it was in.
#[test]
fn taking_an_element_out_hands_out_what_is_open() {
    for way in all_ways() {
        for before in [true, false] {
            let (p, e) = waiting(way);
            let (sink, src) = (e.static_pad("sink").unwrap(), e.static_pad("src").unwrap());
            sink.peer().unwrap().unlink(&sink).unwrap();
            src.unlink(&src.peer().unwrap()).unwrap();
            let begun = Instant::now();
            if before {
                e.set_state(gst::State::Null).unwrap();
            }
            p.remove(&e).unwrap();
            e.set_state(gst::State::Null).unwrap();
            let in_time = begun.elapsed() < PATIENCE;
            let said = messages(&p);
            std::thread::sleep(Duration::from_millis(300));
            assert!(messages(&p).is_empty(), "{way}: a result after the stop");
            judge(way, &said, in_time);
            p.set_state(gst::State::Null).unwrap();
        }
    }
}

/// A denied channel says nothing at a stop either, and after the end of the stream there is nothing to say.
#[test]
fn a_stop_says_nothing_that_it_may_not() {
    for way in WAYS {
        let (p, e) = waiting(way);
        messages(&p);
        e.set_property("policy", "deny");
        p.set_state(gst::State::Ready).unwrap();
        assert!(messages(&p).is_empty(), "{way}");
        p.set_state(gst::State::Null).unwrap();
        let (p, _) = waiting(way);
        p.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap().end_of_stream().unwrap();
        p.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Eos]).unwrap();
        messages(&p);
        p.set_state(gst::State::Ready).unwrap();
        assert!(messages(&p).is_empty(), "{way}");
        p.set_state(gst::State::Null).unwrap();
    }
}

/// A handler that stops everything while the element speaks of its stop.
#[test]
fn a_handler_may_stop_the_element_while_it_stops() {
    for way in WAYS {
        let (p, e) = waiting(way);
        let weak = e.downgrade();
        p.bus().unwrap().set_sync_handler(move |_, m| {
            if let (gst::MessageView::Element(_), Some(e)) = (m.view(), weak.upgrade()) {
                e.property::<gst::Structure>("stats");
            }
            gst::BusSyncReply::Pass
        });
        let (done, waits) = mpsc::channel();
        std::thread::spawn(move || {
            p.set_state(gst::State::Null).unwrap();
            done.send(()).unwrap();
        });
        waits.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{way}: no end"));
    }
}

/// What is open when another stream follows ends with a reason of its own, ahead of the new stream.
#[test]
fn a_playlist_ends_segments_with_the_new_stream() {
    let (clip, other) = (root().join(CLIP), root().join(OTHER_CLIP));
    for way in ["affectfeatures", "affectscore", "affectscore inference-mode=async"] {
        let p = pipeline(&format!(
            "concat name=c ! {way} name=e ! appsink name=out sync=false filesrc location={} ! wavparse ! c. \
             filesrc location={} ! wavparse ! c.",
            clip.display(),
            other.display()
        ));
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let list = order.clone();
        let pad = p.by_name("e").unwrap().static_pad("src").unwrap();
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            match info.event().unwrap().view() {
                gst::EventView::StreamStart(_) => list.lock().unwrap().push("stream".to_owned()),
                gst::EventView::CustomDownstream(e) => list
                    .lock()
                    .unwrap()
                    .extend(gstaffect::result::from_event(e).iter().map(|s| s.get::<String>("ended").unwrap())),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
        let ran = common::run(&p);
        let ended: Vec<String> = ran
            .messages
            .iter()
            .filter(|s| s.name() == "affect-result" && !s.get::<bool>("partial").unwrap())
            .map(|s| s.get("ended").unwrap())
            .collect();
        assert_eq!(ended, ["new-stream", "end-of-stream"], "{way}");
        assert_eq!(unique(&ran.results).len(), unique(&ran.messages).len(), "{way}");
        if !way.contains("async") {
            assert_eq!(*order.lock().unwrap(), ["stream", "new-stream", "stream", "end-of-stream"], "{way}");
        }
    }
}

/// A switch of inputs is no end of the stream.
#[test]
fn a_switch_of_inputs_is_a_new_stream() {
    let p = pipeline(&format!(
        "input-selector name=i sync-streams=false ! affectfeatures interval=300000000 speech-messages=false ! fakesink \
         async=false \
         filesrc location={} ! wavparse ! identity sync=true ! i.sink_0 \
         filesrc location={} ! wavparse ! identity sync=true ! i.sink_1",
        root().join(CLIP).display(),
        root().join(OTHER_CLIP).display()
    ));
    p.set_state(gst::State::Playing).unwrap();
    let bus = p.bus().unwrap();
    // Somebody speaks: an interim result says so.
    bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Element]).unwrap();
    let i = p.by_name("i").unwrap();
    i.set_property("active-pad", i.static_pad("sink_1").unwrap());
    let ended = loop {
        let m = bus.timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Element]).unwrap();
        let s = m.structure().unwrap();
        match s.get::<String>("ended").unwrap().as_str() {
            "open" => {}
            other => break other.to_owned(),
        }
    };
    p.set_state(gst::State::Null).unwrap();
    assert_eq!(ended, "new-stream");
}

/// A model that is set while the element runs is refused, said so, and the property shows the one in use.
#[test]
fn another_model_is_refused_while_the_element_runs() {
    let other = root().join("models/affect-seven.onnx");
    for (name, value) in [
        ("model", other.display().to_string()),
        ("backend", "rten".to_owned()),
        ("settings", format!("top-k=7;model={}", other.display())),
    ] {
        let (p, e) = waiting("affectscore");
        let before = (e.property::<String>("model"), e.property::<String>("backend"), e.property::<u32>("top-k"));
        e.set_property(name, &value);
        let after = (e.property::<String>("model"), e.property::<String>("backend"), e.property::<u32>("top-k"));
        assert_eq!(before, after, "{name}");
        let m = p.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(5), &[gst::MessageType::Warning]);
        let said = match m.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Warning(w)) => w.error().to_string(),
            other => panic!("{name}: no warning but {other:?}"),
        };
        assert!(said.contains(if name == "settings" { "model" } else { name }), "{said}");
        // The same value is no change, and results go on.
        e.set_property("model", &before.0);
        p.set_state(gst::State::Ready).unwrap();
        let last = messages(&p).pop().unwrap();
        assert_eq!((last.get::<&str>("ended").unwrap(), json(&last)["emotion"].is_object()), ("stopped", true));
        // Stopped, it takes another one.
        e.set_property("model", other.display().to_string());
        assert_eq!(e.property::<String>("model"), other.display().to_string());
        p.set_state(gst::State::Null).unwrap();
    }
}

/// Each of three scorers in series scores what the features say, once, and no other one's output.
#[test]
fn three_scorers_in_series_score_each_segment_once() {
    let model = |name: &str| root().join("models").join(name).display().to_string();
    let (a, b) = (model("affect-seven.onnx"), model("research/affect-research-cc-by-nc-sa-4.0.onnx"));
    let ran = launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures stream=s speaker-baseline=true ! affectscore name=one ! \
         affectscore name=two model={a} ! affectscore name=three model={b} ! appsink name=out",
        root().join(CLIP).display()
    ));
    let mut seen = std::collections::HashSet::new();
    let mut by_revision = std::collections::BTreeMap::<(String, u64), Vec<String>>::new();
    let by_id = unique(&ran.results);
    for r in ran.results.iter().filter(|s| seen.insert(s.get::<String>("id").unwrap())) {
        let model = r.get::<String>("model").unwrap_or_default();
        let key = (r.get::<String>("segment-id").unwrap(), u64::from(r.get::<u32>("revision").unwrap()) & 0xffff);
        by_revision.entry(key).or_default().push(model);
    }
    assert!(!by_revision.is_empty());
    for (key, mut models) in by_revision {
        models.sort();
        models.dedup();
        let count = models.len();
        assert_eq!(
            (count, models[0].as_str()),
            (4, ""),
            "{key:?}: the features, and what each made of them: {models:?}"
        );
    }
    assert_eq!(by_id.len(), seen.len());
}

/// Run in a child process under the leaks tracer: stops in the middle, removals, new streams, results as text.
#[test]
fn endings_for_the_leaks_tracer() {
    if std::env::var_os("AFFECT_LEAKS_CHILD").is_none() {
        return;
    }
    for way in all_ways() {
        for removed in [false, true] {
            let (p, e) = waiting(way);
            if removed {
                let (sink, src) = (e.static_pad("sink").unwrap(), e.static_pad("src").unwrap());
                sink.peer().unwrap().unlink(&sink).unwrap();
                src.unlink(&src.peer().unwrap()).unwrap();
                p.remove(&e).unwrap();
                e.set_state(gst::State::Null).unwrap();
            }
            p.set_state(gst::State::Null).unwrap();
        }
        let (clip, other) = (root().join(CLIP), root().join(OTHER_CLIP));
        let p = pipeline(&format!(
            "concat name=c ! {way} ! affectextract name=x matroskamux name=m ! fakesink x.src ! queue ! m. \
             x.results ! queue ! m.subtitle_0 filesrc location={} ! wavparse ! c. filesrc location={} ! wavparse ! c.",
            clip.display(),
            other.display()
        ));
        p.set_state(gst::State::Playing).unwrap();
        let wait = [gst::MessageType::Eos, gst::MessageType::Error];
        let last = p.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &wait).unwrap();
        p.set_state(gst::State::Null).unwrap();
        assert_eq!(last.type_(), gst::MessageType::Eos);
    }
    // SAFETY: all pipelines are gone, and nothing in this process uses GStreamer after this.
    unsafe { gst::deinit() };
}

#[test]
fn endings_leak_nothing() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "endings_for_the_leaks_tracer", "--test-threads=1"])
        .envs([
            ("AFFECT_LEAKS_CHILD", "1"),
            ("GST_TRACERS", "leaks"),
            ("GST_DEBUG", "GST_TRACER:7"),
            ("GST_DEBUG_NO_COLOR", "1"),
        ])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{log}");
    let alive =
        log.lines().filter(|l| l.contains("object-alive, type-name=(string)") && !l.contains("new format string"));
    let alive: Vec<&str> = alive.collect();
    assert!(alive.is_empty(), "{} leaks, for example {}", alive.len(), alive[0]);
}
