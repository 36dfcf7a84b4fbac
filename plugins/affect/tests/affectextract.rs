//! `affectextract`: a sparse stream of its own, with gaps, times that never run backwards, and no repetition.

mod common;

use common::{CALL, init, root};
use gst::prelude::*;

struct Sidecar {
    lines: Vec<serde_json::Value>,
    times: Vec<gst::ClockTime>,
    gaps: Vec<(gst::ClockTime, gst::ClockTime)>,
    stream_id: String,
    caps: String,
    sparse: bool,
    eos: bool,
}

fn extract(before: &str) -> (usize, Sidecar) {
    init();
    let pipeline = gst::parse::launch(&format!(
        "filesrc location={} ! wavparse ! {before} ! affectextract name=x x.src ! queue ! appsink name=audio sync=false \
         x.results ! queue max-size-time=0 max-size-buffers=0 ! appsink name=out sync=false",
        root().join(CALL).display()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let (audio, out) = (
        pipeline.by_name("audio").unwrap().downcast::<gst_app::AppSink>().unwrap(),
        pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap(),
    );
    let found = std::sync::Arc::new(std::sync::Mutex::new(Sidecar {
        lines: Vec::new(),
        times: Vec::new(),
        gaps: Vec::new(),
        stream_id: String::new(),
        caps: String::new(),
        sparse: false,
        eos: false,
    }));
    let list = found.clone();
    out.static_pad("sink").unwrap().add_probe(
        gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER,
        move |_, info| {
            let mut s = list.lock().unwrap();
            match &info.data {
                Some(gst::PadProbeData::Buffer(b)) => {
                    let map = b.map_readable().unwrap();
                    let text = std::str::from_utf8(&map).unwrap();
                    assert!(text.ends_with('\n'));
                    s.lines.push(serde_json::from_str(text).unwrap());
                    s.times.extend(b.pts());
                }
                Some(gst::PadProbeData::Event(e)) => match e.view() {
                    gst::EventView::StreamStart(e) => {
                        s.stream_id = e.stream_id().to_owned();
                        s.sparse = e.stream_flags().contains(gst::StreamFlags::SPARSE);
                    }
                    gst::EventView::Caps(c) => s.caps = c.caps().to_string(),
                    gst::EventView::Gap(g) => {
                        let (at, length) = g.get();
                        s.gaps.push((at, length.unwrap()));
                    }
                    gst::EventView::Eos(_) => s.eos = true,
                    _ => {}
                },
                _ => {}
            }
            gst::PadProbeReturn::Ok
        },
    );
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut buffers = 0;
    while audio.pull_sample().is_ok() {
        buffers += 1;
    }
    while out.pull_sample().is_ok() {}
    pipeline.set_state(gst::State::Null).unwrap();
    let sidecar = std::mem::replace(
        &mut *found.lock().unwrap(),
        Sidecar {
            lines: Vec::new(),
            times: Vec::new(),
            gaps: Vec::new(),
            stream_id: String::new(),
            caps: String::new(),
            sparse: false,
            eos: false,
        },
    );
    (buffers, sidecar)
}

#[test]
fn results_come_as_a_sparse_stream() {
    let (buffers, s) = extract("affectfeatures stream=call");
    assert!(buffers > 100);
    assert!(s.lines.len() >= 20);
    assert!(s.lines.iter().all(|l| l["schema"] == "affect.result/2"));
    assert!(s.stream_id.ends_with("/affect-results") && s.sparse && s.eos);
    assert!(s.caps.contains("application/x-json") && s.caps.contains("affect-result"));
    assert!(s.times.windows(2).all(|w| w[0] <= w[1]));
    // between results the stream is never silent for long
    assert!(s.gaps.len() > 50);
    assert!(s.gaps.iter().all(|(_, length)| *length >= gst::ClockTime::from_mseconds(200)));
    // what ends with the stream is there too
    assert!(s.lines.iter().any(|l| l["ended"] == "end-of-stream"));
}

#[test]
fn repeated_results_are_left_out() {
    let (_, plain) = extract("affectfeatures stream=call segmentation=window");
    let (_, split) = extract(
        "affectfeatures stream=call segmentation=window ! audioconvert ! audioresample ! audio/x-raw,rate=48000 ! \
         opusenc ! opusdec",
    );
    let ids = |s: &Sidecar| {
        let mut v: Vec<String> = s.lines.iter().map(|l| l["id"].as_str().unwrap().to_owned()).collect();
        v.sort();
        v
    };
    assert_eq!(ids(&plain), ids(&split));
}

#[test]
fn without_a_results_pad_audio_passes() {
    init();
    let mut h = gst_check::Harness::with_padnames("affectextract", Some("sink"), Some("src"));
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
    for _ in 0..5 {
        h.push(gst::Buffer::with_size(320).unwrap()).unwrap();
    }
    assert_eq!(h.buffers_in_queue(), 5);
}

#[test]
fn there_is_one_results_pad_and_it_can_come_again() {
    init();
    let element = gst::ElementFactory::make("affectextract").build().unwrap();
    let pad = element.request_pad_simple("results").unwrap();
    let template = element.pad_template("results").unwrap();
    assert!(element.request_pad(&template, None, None).is_none());
    element.release_request_pad(&pad);
    let again = element.request_pad_simple("results").unwrap();
    element.release_request_pad(&again);
}

/// The records of a stream, in order.
fn records_of(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn ids(list: &[serde_json::Value]) -> Vec<&str> {
    list.iter().map(|r| r["id"].as_str().unwrap()).collect()
}

/// Runs a pipeline to its end, which has to come.
fn plays(description: &str) {
    init();
    let p = gst::parse::launch(description).unwrap();
    p.set_state(gst::State::Playing).unwrap();
    let last = p
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Eos, gst::MessageType::Error]);
    let ended = matches!(last.as_ref().map(|m| m.view()), Some(gst::MessageView::Eos(_)));
    p.set_state(gst::State::Null).unwrap();
    assert!(ended, "{description}: {last:?}");
}

/// Texts of the subtitle track of a file, with their times and durations, as the demuxer gives them.
fn subtitles(demuxer: &str, path: &std::path::Path) -> Vec<(String, gst::ClockTime, gst::ClockTime)> {
    let p = gst::parse::launch(&format!(
        "filesrc location={} ! {demuxer} name=d d.subtitle_0 ! queue ! appsink name=out sync=false d.audio_0 ! queue ! \
         fakesink",
        path.display()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let out = p.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    p.set_state(gst::State::Playing).unwrap();
    let mut texts = Vec::new();
    while let Ok(sample) = out.pull_sample() {
        let markup = sample.caps().unwrap().to_string().contains("pango-markup");
        let b = sample.buffer().unwrap();
        let map = b.map_readable().unwrap();
        let text = std::str::from_utf8(&map).unwrap();
        // The demuxer gives plain text as markup.
        let text = if markup {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&apos;", "'")
                .replace("&amp;", "&")
        } else {
            text.to_owned()
        };
        if !text.trim_matches(['\0', '\n', ' ']).is_empty() {
            texts.push((text, b.pts().unwrap(), b.duration().unwrap()));
        }
    }
    p.set_state(gst::State::Null).unwrap();
    texts
}

/// A file keeps its results as a subtitle track, and gives them back as they were.
#[test]
fn a_recorded_file_keeps_the_results_as_a_text_track() {
    let folder = std::env::temp_dir().join(format!("affectextract-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (lines, call) = (folder.join("lines.jsonl"), root().join(CALL));
    let analysis =
        format!("filesrc location={} ! wavparse ! affectscore stream=call channel-roles=,caller", call.display());
    plays(&format!("{analysis} ! affectsink location={}", lines.display()));
    let whole = records_of(&std::fs::read_to_string(&lines).unwrap());
    assert!(whole.len() > 20);
    // Matroska takes raw audio; MP4 needs a codec, and no limit to the audio that waits for the sparse track.
    let muxers = [
        ("matroskamux", "matroskademux", "queue"),
        (
            "mp4mux",
            "qtdemux",
            "audioconvert ! audioresample ! opusenc ! queue max-size-time=0 max-size-bytes=0 max-size-buffers=0",
        ),
    ];
    for (muxer, demuxer, audio) in muxers {
        let file = folder.join(muxer);
        plays(&format!(
            "{muxer} name=m ! filesink location={} {analysis} ! affectextract name=x x.src ! {audio} ! m. \
             x.results ! queue ! m.subtitle_0",
            file.display()
        ));
        let texts = subtitles(demuxer, &file);
        let read: Vec<serde_json::Value> = texts.iter().map(|t| serde_json::from_str(&t.0).unwrap()).collect();
        assert_eq!(ids(&read), ids(&whole), "{muxer}");
        assert!(read == whole, "{muxer}: a record has changed");
        assert!(texts.windows(2).all(|w| w[0].1 <= w[1].1), "{muxer}");
        if muxer == "matroskamux" {
            for (record, (_, at, duration)) in read.iter().zip(&texts) {
                let ms = |name: &str| record[name].as_u64().unwrap() / 1_000_000;
                let length = ms("end_ns") - ms("start_ns");
                assert!(duration.mseconds().abs_diff(length) <= 1, "{muxer}: {duration} for {length} ms");
                // It came with a buffer, of 128 ms, that reaches beyond what it is about.
                assert!(at.mseconds() + 129 >= ms("end_ns"), "{muxer}: {at}");
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Whoever takes both forms gets JSON, and whoever takes text alone gets text without a line break.
#[test]
fn the_form_is_what_the_peer_takes() {
    for (caps, text) in [("ANY", false), ("application/x-json", false), ("text/x-raw,format=utf8", true)] {
        init();
        let p = gst::parse::launch(&format!(
            "filesrc location={} ! wavparse ! affectfeatures ! affectextract name=x x.src ! queue ! fakesink \
             x.results ! queue ! appsink name=out sync=false caps=\"{caps}\"",
            root().join(common::CLIP).display()
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let out = p.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        p.set_state(gst::State::Playing).unwrap();
        let mut count = 0;
        while let Ok(sample) = out.pull_sample() {
            let name = sample.caps().unwrap().structure(0).unwrap().name().to_string();
            assert_eq!(name, if text { "text/x-raw" } else { "application/x-json" }, "{caps}");
            let map = sample.buffer().unwrap().map_readable().unwrap();
            assert_eq!(map.ends_with(b"\n"), !text);
            assert!(sample.buffer().unwrap().duration().is_some_and(|d| d > gst::ClockTime::ZERO));
            count += 1;
        }
        p.set_state(gst::State::Null).unwrap();
        assert!(count > 0, "{caps}");
    }
}
