//! Flushes: nothing of what was before them comes after them, also of a job in hand, and what was posted before them stands.

mod common;

use common::{CALL, init, wav};
use gst::prelude::*;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Twenty seconds of the caller, in which several utterances end, as one buffer.
fn speech() -> gst::Buffer {
    let (samples, channels, rate) = wav(CALL);
    let caller = samples.iter().skip(1).step_by(channels).take(20 * rate as usize);
    let mut buffer = gst::Buffer::from_slice(caller.flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>());
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::ZERO);
    buffer
}

/// A pipeline that analyses beside its stream, and the names of the element's messages so far.
fn live(element: &str, hears: impl Fn(&str) + Send + Sync + 'static) -> (gst::Pipeline, Arc<Mutex<Vec<String>>>) {
    init();
    let p = gst::parse::launch(&format!(
        "appsrc name=in is-live=true format=time caps=audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved \
         ! identity name=before ! {element} name=e stream=s analysis=worker max-lag=60000000000 ! fakesink sync=false async=false"
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let list = said.clone();
    p.bus().unwrap().set_sync_handler(move |_, m| {
        if let Some(s) = m.structure().filter(|s| s.name().starts_with("affect-")) {
            list.lock().unwrap().push(s.name().to_string());
            hears(s.name());
        }
        gst::BusSyncReply::Pass
    });
    (p, said)
}

fn play(p: &gst::Pipeline) {
    p.set_state(gst::State::Playing).unwrap();
    // Live audio does not wait for a model.
    let stats = || p.by_name("e").unwrap().property::<gst::Structure>("stats");
    let begun = Instant::now();
    while stats().get::<String>("engine").is_ok_and(|e| e.is_empty()) {
        assert!(begun.elapsed() < PATIENCE, "no model: {}", stats());
        std::thread::sleep(Duration::from_millis(5));
    }
    p.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap().push_buffer(speech()).unwrap();
}

fn flush(p: &gst::Pipeline) {
    let pad = p.by_name("e").unwrap().static_pad("sink").unwrap();
    pad.send_event(gst::event::FlushStart::new());
    pad.send_event(gst::event::FlushStop::new(false));
}

/// What blocks a thread once, and what lets it go.
struct Block {
    came: mpsc::Sender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Block {
    fn new() -> (Self, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((came, comes), (lets, go)) = (mpsc::channel(), mpsc::channel());
        (Self { came, go: Mutex::new(go) }, comes, lets)
    }

    /// Waits the first time.
    fn pass(&self) {
        let _ = self.came.send(());
        let _ = self.go.lock().unwrap().recv_timeout(PATIENCE);
    }
}

/// The analysis has the stream in hand and asks upstream for features; meanwhile there is a flush, and perhaps a stop has begun.
fn flushed_while_asking(element: &str, stops: bool) -> Vec<String> {
    let (p, said) = live(element, |_| ());
    let (block, comes, lets) = Block::new();
    let pad = p.by_name("before").unwrap().static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::QUERY_UPSTREAM, move |_, info| {
        if matches!(info.query().map(|q| q.view()), Some(gst::QueryView::Custom(_))) {
            block.pass();
        }
        gst::PadProbeReturn::Ok
    });
    play(&p);
    comes.recv_timeout(PATIENCE).unwrap();
    flush(&p);
    std::thread::scope(|scope| {
        let stop = || p.set_state(gst::State::Ready).unwrap();
        if stops {
            let stopping = scope.spawn(stop);
            // By now it waits for the job in hand.
            std::thread::sleep(Duration::from_millis(500));
            drop(lets);
            stopping.join().unwrap();
        } else {
            drop(lets);
            stop();
        }
    });
    p.set_state(gst::State::Null).unwrap();
    std::mem::take(&mut *said.lock().unwrap())
}

#[test]
fn a_flush_forgets_the_job_in_hand() {
    for mode in ["inference-mode=sync", "inference-mode=async"] {
        let element = format!("affectscore attribution=none {mode}");
        for stops in [false, true] {
            let said = flushed_while_asking(&element, stops);
            assert!(said.is_empty(), "{mode}, stop at the same time: {stops}: {said:?}");
        }
    }
}

/// The first of several messages is on its way when the flush comes.
#[test]
fn no_speech_is_told_after_a_flush() {
    for element in ["affectfeatures", "affectscore attribution=none inference-mode=sync"] {
        let run = |flushes: bool| {
            let (block, comes, lets) = Block::new();
            let (p, said) = live(element, move |name| {
                if name.starts_with("affect-speech") {
                    block.pass();
                }
            });
            play(&p);
            comes.recv_timeout(PATIENCE).unwrap();
            if flushes {
                flush(&p);
            }
            drop(lets);
            p.set_state(gst::State::Ready).unwrap();
            p.set_state(gst::State::Null).unwrap();
            let said = said.lock().unwrap();
            (said.iter().filter(|n| n.starts_with("affect-speech")).count(), said.len())
        };
        let (speech, all) = run(false);
        assert!(speech > 3 && all > speech, "{element}: {speech} of {all}");
        assert_eq!(run(true), (1, 1), "{element}");
    }
}

/// The results of an analysis and of a scorer after it: what is posted and what is attached, as ids and features.
struct Chain {
    harness: gst_check::Harness,
    bus: gst::Bus,
}

type Results = Vec<(String, String, u64, String, String)>;

impl Chain {
    fn new() -> Self {
        init();
        let mut harness = gst_check::Harness::new_parse(
            "affectfeatures stream=s interval=300000000 ! affectscore stream=s inference-mode=sync attribution=none",
        );
        let bus = gst::Bus::new();
        harness.element().unwrap().set_bus(Some(&bus));
        harness.set_live(false);
        harness.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
        Self { harness, bus }
    }

    fn hear(&mut self, samples: &[i16]) {
        for (k, part) in (0u64..).zip(samples.chunks(320)) {
            let mut b = gst::Buffer::from_slice(part.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>());
            b.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(20 * k));
            self.harness.push(b).unwrap();
        }
    }

    /// What has been posted, and what has been attached, since the last call.
    fn results(&mut self) -> [Results; 2] {
        let row = |s: &gst::Structure| {
            let record = common::json(s);
            let text = |name: &str| record[name].as_str().unwrap().to_owned();
            let revision = record["revision"].as_u64().unwrap();
            (text("id"), text("segment_id"), revision, text("ended"), record["features"].to_string())
        };
        let posted = std::iter::from_fn(|| self.bus.pop()).filter_map(|m| common::result_of(&m));
        let posted = posted.map(|s| row(&s)).collect();
        let mut attached: Results = Vec::new();
        while let Some(b) = self.harness.try_pull() {
            attached.extend(common::results(&b).iter().map(row));
        }
        while let Some(e) = self.harness.try_pull_event() {
            if let gst::EventView::CustomDownstream(c) = e.view() {
                attached.extend(gstaffect::result::from_event(c).iter().map(row));
            }
        }
        [posted, attached]
    }
}

/// Nobody takes back a message. What is heard once more after a seek has the ids that it had before, of the element upstream and of
/// the one that scores; and a segment that nobody hears once more stays at its last interim result.
#[test]
fn a_flush_takes_nothing_back_and_what_is_heard_again_is_a_repetition() {
    let (mut samples, _, _) = wav(common::CLIP);
    samples.truncate(samples.len() - 16_000);
    let mut chain = Chain::new();
    chain.hear(&samples);
    let before = chain.results();
    let flush = |chain: &mut Chain| {
        chain.harness.push_event(gst::event::FlushStart::new());
        chain.harness.push_event(gst::event::FlushStop::new(true));
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        chain.harness.push_event(gst::event::Segment::new(&segment));
    };
    flush(&mut chain);
    assert!(chain.results().iter().all(Vec::is_empty), "a flush says nothing");
    chain.hear(&samples);
    let again = chain.results();
    chain.harness.push_event(gst::event::Eos::new());
    let rest = chain.results();
    for (before, (again, rest)) in before.iter().zip(again.iter().zip(&rest)) {
        let last = before.last().unwrap();
        assert!(before.len() > 4 && last.3 == "open", "{before:?}");
        assert_eq!(again, before, "what is heard again");
        assert!(rest.iter().any(|r| r.1 == last.1 && r.3 != "open" && r.2 > last.2), "it ends this time");
    }
    // Scored versions are among them, above those of the element upstream.
    for list in &before {
        assert!(list.iter().any(|r| r.2 >= 1 << 16) && list.iter().any(|r| r.2 < 1 << 16));
    }
    let mut elsewhere = Chain::new();
    elsewhere.hear(&samples);
    flush(&mut elsewhere);
    elsewhere.results();
    elsewhere.hear(&vec![0; 16_000]);
    elsewhere.harness.push_event(gst::event::Eos::new());
    assert!(elsewhere.results().iter().all(Vec::is_empty), "nothing of what was forgotten");
}
