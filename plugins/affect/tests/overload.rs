//! Overload: an analysis that is slower than a live stream delays no audio, gives way in a stated order, and says so.

mod common;

use common::{CALL, init, json, launch, root, wav};
use gst::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// Samples of a packet of 20 ms at 8 kHz.
const PACKET: usize = 160;

/// A call leg in real time: one channel of the call in packets of 20 ms, from a live source.
struct Leg {
    pipeline: gst::Pipeline,
    element: gst::Element,
    source: gst_app::AppSrc,
    audio: Vec<i16>,
    at: usize,
    begun: Instant,
    /// Longest time that a packet took through the element.
    slowest: Arc<Mutex<Duration>>,
    /// Packets that came out, and their bytes.
    out: Arc<Mutex<Vec<u8>>>,
}

impl Leg {
    fn new(element: &str, live: bool) -> Self {
        init();
        let p = gst::parse::launch(&format!(
            "appsrc name=in ! {element} name=e ! fakesink name=out sync=false async=false"
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        let source = p.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        source.set_is_live(live);
        source.set_format(gst::Format::Time);
        source.set_caps(Some(
            &gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 8_000, 1).build().unwrap().to_caps().unwrap(),
        ));
        let e = p.by_name("e").unwrap();
        let (slowest, out) = (Arc::new(Mutex::new(Duration::ZERO)), Arc::new(Mutex::new(Vec::new())));
        let came = Arc::new(Mutex::new(BTreeMap::new()));
        let comes = came.clone();
        e.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            comes.lock().unwrap().insert(info.buffer().unwrap().pts(), Instant::now());
            gst::PadProbeReturn::Ok
        });
        let (slow, bytes) = (slowest.clone(), out.clone());
        e.static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let buffer = info.buffer().unwrap();
            let took = came.lock().unwrap().remove(&buffer.pts()).unwrap().elapsed();
            let mut slowest = slow.lock().unwrap();
            *slowest = took.max(*slowest);
            bytes.lock().unwrap().extend_from_slice(&buffer.map_readable().unwrap());
            gst::PadProbeReturn::Ok
        });
        let (samples, channels, _) = wav(CALL);
        let audio = samples.iter().skip(1).step_by(channels).copied().collect();
        p.set_state(gst::State::Playing).unwrap();
        Self { pipeline: p, element: e, source, audio, at: 0, begun: Instant::now(), slowest, out }
    }

    /// Sends the next packets, so many seconds of audio in as much time, or at once.
    fn send(&mut self, seconds: usize, real_time: bool) {
        let end = self.at + seconds * 8_000;
        while self.at < end {
            let bytes: Vec<u8> = self.audio[self.at..self.at + PACKET].iter().flat_map(|s| s.to_le_bytes()).collect();
            let mut buffer = gst::Buffer::from_slice(bytes);
            let b = buffer.get_mut().unwrap();
            b.set_pts(gst::ClockTime::from_useconds(self.at as u64 * 125));
            b.set_duration(gst::ClockTime::from_mseconds(20));
            self.at += PACKET;
            let due = self.begun + Duration::from_micros(self.at as u64 * 125);
            if real_time {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            self.source.push_buffer(buffer).unwrap();
        }
    }

    fn stats(&self, name: &str) -> u64 {
        self.element.property::<gst::Structure>("stats").get(name).unwrap()
    }

    /// Waits until something holds.
    fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {}", self.element.property::<gst::Structure>("stats"));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that has been sent has come out, as it was.
    fn audio_is_untouched(&self) {
        let sent: Vec<u8> = self.audio[..self.at].iter().flat_map(|s| s.to_le_bytes()).collect();
        self.until("all audio comes out", |l| l.out.lock().unwrap().len() == sent.len());
        assert!(*self.out.lock().unwrap() == sent, "audio changed");
    }

    /// Texts of the warnings so far, and the results.
    fn heard(&self) -> (Vec<String>, Vec<Value>) {
        let (mut warnings, mut results) = (Vec::new(), Vec::new());
        while let Some(m) = self.pipeline.bus().unwrap().pop() {
            match m.view() {
                gst::MessageView::Warning(w) => warnings.push(w.error().to_string()),
                gst::MessageView::Element(_) => results.extend(common::result_of(&m).map(|s| json(&s))),
                gst::MessageView::Error(e) => panic!("{}", e.error()),
                _ => {}
            }
        }
        (warnings, results)
    }
}

/// Runs something that must come to an end.
fn ends<T: Send + 'static>(what: &str, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waits) = mpsc::channel();
    std::thread::spawn(move || done.send(run()));
    waits.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{what}: {e}"))
}

/// A model that takes 3 s for every window, of which there are ten a second: it waits that long for others to run together with.
const SLOW: &str = "affectscore inference-mode=sync segmentation=window window=1000000000 hop=100000000 attribution=none \
                    batch-size=4096 batch-timeout=3000000000 max-lag=2000000000";

/// A leg that has fallen behind its audio: some of it has been left out, and what waits is a minute's work.
fn overloaded() -> Leg {
    let mut leg = Leg::new(SLOW, true);
    leg.send(6, true);
    leg
}

/// The audio goes on while the analysis falls behind; that is counted, and said once; what is left out is stated.
#[test]
fn audio_never_waits_for_a_slow_analysis() {
    ends("an overload", || {
        let leg = overloaded();
        leg.audio_is_untouched();
        assert!(*leg.slowest.lock().unwrap() < Duration::from_secs(1), "{:?}", leg.slowest);
        assert_eq!(leg.element.property::<gst::Structure>("stats").get::<String>("analysis").unwrap(), "worker");
        let (longest, left_out) = (leg.stats("max-lag"), leg.stats("left-out-audio"));
        assert!((2_000_000_000..2_100_000_000).contains(&longest), "{longest}");
        assert!(left_out >= 1_000_000_000 && leg.stats("lag") > 500_000_000, "{left_out}");
        let (warnings, _) = leg.heard();
        let told = |word: &str| warnings.iter().filter(|w| w.contains(word)).count();
        assert_eq!((told("behind the audio"), told("were not analysed"), warnings.len()), (1, 1, 2), "{warnings:?}");
        leg.pipeline.set_state(gst::State::Null).unwrap();
    });
}

/// A flush, the end of the stream, and a stop, each in the middle of it: none waits for all the work that is left.
#[test]
fn what_interrupts_an_overload_does_not_wait() {
    ends("a flush and a stop", || {
        let leg = overloaded();
        let pad = leg.element.static_pad("sink").unwrap();
        pad.send_event(gst::event::FlushStart::new());
        pad.send_event(gst::event::FlushStop::new(false));
        assert_eq!(leg.stats("lag"), 0, "what waited is forgotten");
        let begun = Instant::now();
        leg.pipeline.set_state(gst::State::Null).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    });
    ends("the end", || {
        let leg = overloaded();
        let begun = Instant::now();
        leg.source.end_of_stream().unwrap();
        let end = leg
            .pipeline
            .bus()
            .unwrap()
            .timed_pop_filtered(gst::ClockTime::from_seconds(40), &[gst::MessageType::Eos, gst::MessageType::Error]);
        assert!(matches!(end.as_ref().map(|m| m.view()), Some(gst::MessageView::Eos(_))), "{end:?}");
        assert!(begun.elapsed() < Duration::from_secs(20) && leg.stats("lag") > 0, "{:?}", begun.elapsed());
        leg.pipeline.set_state(gst::State::Null).unwrap();
    });
}

/// Results by segment and revision, without what only live ones have.
fn by_place(results: impl IntoIterator<Item = Value>) -> BTreeMap<(u64, u64), Value> {
    results
        .into_iter()
        .map(|mut r| {
            for key in ["id", "segment_id", "stream", "running_start_ns", "running_end_ns"] {
                r.as_object_mut().unwrap().remove(key);
            }
            ((r["start_ns"].as_u64().unwrap(), r["revision"].as_u64().unwrap()), r)
        })
        .collect()
}

/// What the same audio gives where it can wait.
fn as_file(element: &str) -> BTreeMap<(u64, u64), Value> {
    let mut leg = Leg::new(element, false);
    leg.send(39, false);
    leg.audio_is_untouched();
    assert_eq!(leg.element.property::<gst::Structure>("stats").get::<String>("analysis").unwrap(), "inline");
    let results = leg.heard().1;
    leg.pipeline.set_state(gst::State::Null).unwrap();
    by_place(results)
}

/// A handler of messages that takes 0.4 s for every result, on the thread that posts it.
fn linger(p: &gst::Pipeline) {
    p.bus().unwrap().set_sync_handler(|_, m| {
        if common::result_of(m).is_some() {
            std::thread::sleep(Duration::from_millis(400));
        }
        gst::BusSyncReply::Pass
    });
}

/// Interim results give way first: the final ones come, all of them, and are those of the file bit for bit.
#[test]
fn interim_results_give_way_first() {
    for (element, file) in [
        ("affectfeatures interval=100000000", "affectfeatures interval=100000000"),
        (
            "affectscore interval=100000000 inference-mode=sync attribution=none",
            "affectscore interval=100000000 attribution=none",
        ),
    ] {
        ends(element, move || {
            let mut leg = Leg::new(&format!("{element} max-lag=60000000000"), true);
            linger(&leg.pipeline);
            leg.send(39, false);
            leg.audio_is_untouched();
            assert!(*leg.slowest.lock().unwrap() < Duration::from_secs(1), "{:?}", leg.slowest);
            leg.until("it catches up", |l| l.stats("lag") == 0);
            let (warnings, results) = leg.heard();
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            let (here, there) = (by_place(results), as_file(file));
            let finals = |all: &BTreeMap<(u64, u64), Value>| {
                // The leg ends before the file does.
                all.values()
                    .filter(|r| r["ended"] == "pause" || r["ended"] == "max-length")
                    .cloned()
                    .collect::<Vec<_>>()
            };
            let (ours, theirs) = (finals(&here), finals(&there));
            assert!(ours.len() >= 4 && ours == theirs, "{} and {} final results", ours.len(), theirs.len());
            assert!(leg.stats("left-out-interim") > 20 && leg.stats("left-out-audio") == 0);
            assert!(here.len() + 20 < there.len(), "{} {}", here.len(), there.len());
            leg.pipeline.set_state(gst::State::Null).unwrap();
        });
    }
}

/// What is left out cuts the analysis, and the records say why.
#[test]
fn a_hole_is_stated() {
    ends("a hole", || {
        let mut leg =
            Leg::new("affectfeatures segmentation=window window=500000000 hop=100000000 max-lag=1000000000", true);
        linger(&leg.pipeline);
        leg.send(10, true);
        leg.audio_is_untouched();
        leg.until("it catches up", |l| l.stats("lag") == 0);
        let (warnings, results) = leg.heard();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let ended = results.iter().filter(|r| r["ended"] == "overload").count() as u64;
        let after = results.iter().filter(|r| r["discont"] == true).count() as u64;
        let (cuts, left_out) = (leg.stats("cuts"), leg.stats("left-out-audio"));
        // Each hole of half a second ends a window, and the first one after it says that something is missing before it.
        assert!(
            cuts > 3 && (cuts - 2..=cuts).contains(&ended) && (cuts - 2..=cuts).contains(&after),
            "{cuts} cuts, {ended} before, {after} after"
        );
        assert!((cuts * 500_000_000..cuts * 600_000_000).contains(&left_out), "{cuts} cuts, {left_out} ns");
        leg.pipeline.set_state(gst::State::Null).unwrap();
    });
}

/// A stop spends half a second on what waits: all audio is either analysed or counted as left out, and that is said.
#[test]
fn what_a_stop_leaves_is_counted() {
    for element in ["affectfeatures", "affectscore inference-mode=sync attribution=none"] {
        ends(element, move || {
            let mut leg = Leg::new(&format!("{element} max-lag=60000000000"), true);
            // Starts and ends of speech come soon.
            leg.pipeline.bus().unwrap().set_sync_handler(|_, m| {
                if m.structure().is_some_and(|s| s.name().starts_with("affect-speech")) {
                    std::thread::sleep(Duration::from_millis(400));
                }
                gst::BusSyncReply::Pass
            });
            leg.send(39, false);
            leg.audio_is_untouched();
            leg.pipeline.set_state(gst::State::Ready).unwrap();
            let (analysed, left_out) = (leg.stats("audio-time"), leg.stats("left-out-audio"));
            assert!(left_out > 10_000_000_000, "{element}: {left_out} ns left out");
            assert_eq!(
                (analysed + left_out, leg.stats("lag")),
                (39_000_000_000, 0),
                "{element}: {left_out} ns left out"
            );
            let (warnings, _) = leg.heard();
            let said: Vec<&String> = warnings.iter().filter(|w| w.contains("stopped before all audio")).collect();
            let seconds = format!("the last {:.1} s", left_out as f64 * 1e-9);
            assert!(said.len() == 1 && said[0].contains(&seconds), "{element}: {warnings:?}");
            leg.pipeline.set_state(gst::State::Null).unwrap();
        });
    }
}

/// Audio that can wait does: workers beside a file lose nothing, and say what the stream itself says.
#[test]
fn workers_beside_a_file_lose_nothing() {
    for element in [
        "affectfeatures",
        "affectfeatures segmentation=frame",
        "affectscore",
        "affectscore inference-mode=async max-queued=10000",
    ] {
        let run = |way: &str| {
            let ran = launch(&format!(
                "filesrc location={} ! wavparse ! {element} stream=s {way} ! appsink name=out",
                root().join(CALL).display()
            ));
            let bytes: usize = ran.buffers.iter().map(|b| b.size()).sum();
            let mut results: Vec<String> = ran.results.iter().map(|s| s.get("json").unwrap()).collect();
            results.sort();
            results.dedup();
            (bytes, results)
        };
        let (inline, beside) = (run("analysis=inline"), run("analysis=worker max-lag=1000000000"));
        assert!(inline.1.len() > 20 && inline == beside, "{element}");
    }
}
