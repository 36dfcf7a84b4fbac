//! The law "file equals live": for every container and fault file the command gives the records of the element in a pipeline.

mod common;

use common::{CALL, CLIP, Folder, affect, records, root, said, skipped};
use gst::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn init() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        gst::init().unwrap();
        gstaffect::plugin_register_static().unwrap();
    });
}

/// An element of its own for every audio track of a file, as a host would build it: tracks in the order of their pads, and those of
/// a chained file's next part linked to the same elements.
fn live(file: &Path, stream: &str, segmentation: &str) -> Vec<Vec<Value>> {
    init();
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc").property("location", file).build().unwrap();
    // decodebin loses the beginning of AIFF files now and then.
    let aiff = std::fs::read(file).unwrap().starts_with(b"FORM");
    let decoder = gst::ElementFactory::make(if aiff { "aiffparse" } else { "decodebin" }).build().unwrap();
    pipeline.add_many([&source, &decoder]).unwrap();
    source.link(&decoder).unwrap();
    let elements: Arc<Mutex<Vec<gst::Element>>> = Arc::default();
    let (list, stream, segmentation) = (elements.clone(), stream.to_owned(), segmentation.to_owned());
    let make = move |pipeline: &gst::Pipeline, list: &mut Vec<gst::Element>| {
        let element = gst::ElementFactory::make("affectfeatures")
            .name(format!("track{}", list.len()))
            .property("stream", &stream)
            .property_from_str("segmentation", &segmentation)
            .property("interval", 0u64)
            .build()
            .unwrap();
        let sink =
            gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build().unwrap();
        pipeline.add_many([&element, &sink]).unwrap();
        element.link(&sink).unwrap();
        sink.sync_state_with_parent().unwrap();
        element.sync_state_with_parent().unwrap();
        list.push(element.clone());
        element
    };
    if aiff {
        let element = make(&pipeline, &mut list.lock().unwrap());
        decoder.link(&element).unwrap();
    } else {
        let weak = pipeline.downgrade();
        decoder.connect_pad_added(move |_, pad| {
            let caps = pad.current_caps().unwrap();
            if !caps.structure(0).unwrap().name().starts_with("audio/x-raw") {
                return;
            }
            let pipeline = weak.upgrade().unwrap();
            let mut list = list.lock().unwrap();
            let free = list.iter().find(|e| !e.static_pad("sink").unwrap().is_linked()).cloned();
            let element = free.unwrap_or_else(|| make(&pipeline, &mut list));
            pad.link(&element.static_pad("sink").unwrap()).unwrap();
        });
    }
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    loop {
        let message = bus.timed_pop(gst::ClockTime::from_seconds(60)).expect("the pipeline hangs");
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(e) => panic!("{}: {} {:?}", file.display(), e.error(), e.debug()),
            gst::MessageView::Element(e) if e.structure().is_some_and(|s| s.name() == "affect-result") => {
                let json = e.structure().unwrap().get::<String>("json").unwrap();
                let name = e.src().unwrap().name().to_string();
                found.entry(name).or_default().push(serde_json::from_str(&json).unwrap());
            }
            _ => {}
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    let count = elements.lock().unwrap().len();
    (0..count).map(|k| found.remove(&format!("track{k}")).unwrap_or_default()).collect()
}

/// A record without what says who made it, and without the place of its track.
fn plain(record: &Value, several: bool) -> Value {
    let mut r = record.clone();
    let o = r.as_object_mut().unwrap();
    o.remove("source");
    if several {
        // Identities hold the number of the channel in the file.
        ["id", "segment_id", "channel"].iter().for_each(|k| drop(o.remove(*k)));
    }
    r
}

/// Where two values differ.
fn differences(at: &str, a: &Value, b: &Value) -> String {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let names: std::collections::BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            let of = |o: &serde_json::Map<String, Value>, n: &String| o.get(n).cloned().unwrap_or_default();
            names.into_iter().map(|n| differences(&format!("{at}/{n}"), &of(x, n), &of(y, n))).collect()
        }
        (a, b) if a == b => String::new(),
        (a, b) => format!("{at}: {a} and {b}; "),
    }
}

/// Compares; returns the number of records.
fn equal(file: &Path, segments: &str) -> usize {
    let name = file.to_str().unwrap();
    let out = affect(&["features", name, "--quiet", "--format", "jsonl", "--segments", segments]);
    assert_eq!(out.status.code(), Some(0), "{name}: {}", said(&out));
    let command = records(&out);
    let element = live(file, name, segments);
    let several = element.len() > 1;
    for (track, own) in element.iter().enumerate() {
        let of_track = |r: &&Value| !several || r["channel"]["track"] == track;
        let list: Vec<Value> = command.iter().filter(of_track).map(|r| plain(r, several)).collect();
        assert_eq!(list.len(), own.len(), "{name}, {segments}, track {track}");
        for (c, e) in list.iter().zip(own) {
            let e = plain(e, several);
            assert!(*c == e, "{name}, {segments}, track {track}: {}", differences("", c, &e));
        }
    }
    assert_eq!(command.len(), element.iter().map(Vec::len).sum::<usize>(), "{name}, {segments}");
    command.len()
}

#[test]
fn for_the_fault_files() {
    for (name, utterances) in [
        ("aiff_named.wav", 1),
        ("audio_starts_at_20s.webm", 1),
        ("chained_8k_then_24k.ogg", 2),
        ("gap_7.5_to_60s_opus.mka", 2),
        ("two_audio_tracks.mka", 2),
    ] {
        let file = root().join("tests/data/faults").join(name);
        init();
        if name.starts_with("aiff") && gst::ElementFactory::find("aiffparse").is_none() {
            skipped(&format!("{name}: aiffparse (gstreamer1.0-plugins-bad) is not installed"));
            continue;
        }
        assert_eq!(equal(&file, "utterance"), utterances, "{name}");
        assert!(equal(&file, "window") > 0, "{name}");
        assert!(equal(&file, "file") >= 1, "{name}");
    }
}

/// Times of the truth: where the speech lies in the file by how the files were made.
#[test]
fn times_are_those_of_the_file() {
    let start = |name: &str| -> Vec<f64> {
        let file = format!("tests/data/faults/{name}");
        let out = affect(&["features", &file, "--quiet", "--format", "jsonl", "--segments", "utterance"]);
        records(&out).iter().map(|r| r["start_ns"].as_f64().unwrap() / 1e9).collect()
    };
    let near = |found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 0.2), "{found:?}: expected {expected:?}");
    };
    near(&start("gap_7.5_to_60s_opus.mka"), &[0.0, 60.0]);
    near(&start("audio_starts_at_20s.webm"), &[20.0]);
    near(&start("chained_8k_then_24k.ogg"), &[0.0, 7.5]);
}

#[test]
fn for_every_container() {
    init();
    let folder = Folder::new("containers");
    let mut made = 0;
    for (name, encode) in [
        ("flac", "flacenc"),
        ("ogg", "vorbisenc ! oggmux"),
        ("opus", "audioresample ! opusenc ! oggmux"),
        ("mka", "flacenc ! matroskamux"),
        ("webm", "audioresample ! opusenc ! webmmux"),
        ("mp4", "voaacenc ! mp4mux"),
        ("mp3", "lamemp3enc ! xingmux"),
        ("wv", "wavpackenc"),
        ("aiff", "aiffmux"),
        ("au", "audioconvert ! audio/x-raw,format=S16BE ! avmux_au"),
        ("alaw.wav", "alawenc ! wavenc"),
        ("avi", "audioconvert ! avimux"),
        ("ts", "voaacenc ! aacparse ! mpegtsmux"),
    ] {
        for (what, source) in [("clip", CLIP), ("call", CALL)] {
            let file = folder.at(&format!("{what}.{name}"));
            let line = format!(
                "filesrc location={} ! wavparse ! audioconvert ! {encode} ! filesink location={}",
                root().join(source).display(),
                file.display()
            );
            let Ok(pipeline) = gst::parse::launch(&line) else {
                skipped(&format!("{name}: {encode} is not installed"));
                break;
            };
            pipeline.set_state(gst::State::Playing).unwrap();
            let ends = [gst::MessageType::Eos, gst::MessageType::Error];
            let bus = pipeline.bus().unwrap();
            let end = bus.timed_pop_filtered(gst::ClockTime::try_from(Duration::from_secs(60)).unwrap(), &ends);
            let done = matches!(end.as_ref().map(|m| m.view()), Some(gst::MessageView::Eos(_)));
            pipeline.set_state(gst::State::Null).unwrap();
            if !done {
                skipped(&format!("{name}: {encode} does not take a {what}"));
                continue;
            }
            assert!(equal(&file, "utterance") >= 1, "{name}");
            made += 1;
        }
    }
    assert!(equal(&root().join(CALL), "utterance") >= 7);
    assert!(made >= 8, "only {made} files could be made");
}
