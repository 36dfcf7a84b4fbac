//! What the tests of the elements share.
#![allow(dead_code, reason = "each test takes a part")]

use gst::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Starts GStreamer with the elements of this crate.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().unwrap();
        gstaffect::plugin_register_static().unwrap();
    });
}

/// Says that a test does not run, past the test runner's capture of output.
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}");
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub const CALL: &str = "tests/data/calls/call40_185s_2ch_pcm16.wav";
pub const CLIP: &str = "tests/data/emodb/16a01Wb.wav";

/// Samples of a 16-bit wav file of the test data: interleaved, channels, rate.
pub fn wav(path: &str) -> (Vec<i16>, usize, u32) {
    let bytes = std::fs::read(root().join(path)).unwrap();
    let rate = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
    let samples = bytes[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
    (samples, usize::from(bytes[22]), rate)
}

/// A record in a structure, as JSON.
pub fn json(structure: &gst::Structure) -> serde_json::Value {
    serde_json::from_str(structure.get::<&str>("json").unwrap()).unwrap()
}

/// The result that a message is about, if it is about one.
pub fn result_of(message: &gst::MessageRef) -> Option<gst::Structure> {
    message.structure().filter(|s| s.name() == "affect-result").map(ToOwned::to_owned)
}

/// Results on a buffer.
pub fn results(buffer: &gst::BufferRef) -> Vec<gst::Structure> {
    gstaffect::meta::read(buffer)
}

/// Runs a pipeline description with an appsink named `out` until its end. Returns all buffers, all results of metas
/// and events in order (with repetitions), and the messages of results.
pub struct Ran {
    pub buffers: Vec<gst::Buffer>,
    pub results: Vec<gst::Structure>,
    pub messages: Vec<gst::Structure>,
    /// Starts and ends of speech.
    pub speech: Vec<gst::Structure>,
}

pub fn launch(description: &str) -> Ran {
    init();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    run(&pipeline)
}

pub fn run(pipeline: &gst::Pipeline) -> Ran {
    run_for(pipeline, gst::ClockTime::ZERO)
}

/// As [`run`], and until the last sink has ended too: others may still be at work on what their queues hold. Not for pipelines with an
/// appsink that nobody pulls from, which never end.
pub fn run_to_the_end(description: &str) -> Ran {
    init();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    run_for(&pipeline, gst::ClockTime::from_seconds(60))
}

/// Waits so long for what is posted after the end of `out`.
fn run_for(pipeline: &gst::Pipeline, patience: gst::ClockTime) -> Ran {
    let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    sink.set_sync(false);
    let events = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let list = events.clone();
    sink.static_pad("sink").unwrap().add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::PadProbeData::Event(e)) = &info.data
            && let gst::EventView::CustomDownstream(c) = e.view()
        {
            list.lock().unwrap().extend(gstaffect::result::from_event(c));
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut buffers = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        buffers.push(sample.buffer_owned().unwrap());
    }
    let bus = pipeline.bus().unwrap();
    let mut messages = Vec::new();
    while let Some(m) = bus.timed_pop(patience) {
        match m.view() {
            gst::MessageView::Eos(_) if patience > gst::ClockTime::ZERO => break,
            gst::MessageView::Error(e) => panic!("{} ({:?})", e.error(), e.debug()),
            gst::MessageView::Element(e) => messages.extend(e.structure().map(ToOwned::to_owned)),
            _ => {}
        }
    }
    pipeline.set_state(gst::State::Null).unwrap();
    let mut all: Vec<gst::Structure> = buffers.iter().flat_map(|b| results(b)).collect();
    all.extend(events.lock().unwrap().drain(..));
    let (messages, speech) = messages.into_iter().partition(|m: &gst::Structure| m.name() == "affect-result");
    Ran { buffers, results: all, messages, speech }
}

/// Ids without repetition, in order.
pub fn unique(list: &[gst::Structure]) -> Vec<String> {
    let mut seen = HashSet::new();
    list.iter().map(|s| s.get::<String>("id").unwrap()).filter(|id| seen.insert(id.clone())).collect()
}
