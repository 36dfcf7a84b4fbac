//! Flushes while a job is in hand: nothing of what was before them comes after them, whatever follows.

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
