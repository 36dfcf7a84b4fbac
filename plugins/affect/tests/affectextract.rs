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
