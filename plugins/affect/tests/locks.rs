//! Nothing hangs: handlers that ask, stops and flushes while something waits, readers that stall.

mod common;

use common::{CALL, CLIP, init, root};
use gst::prelude::*;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs something that must come to an end.
fn ends<T: Send + 'static>(what: &str, within: Duration, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, waits) = mpsc::channel();
    std::thread::spawn(move || done.send(run()));
    match waits.recv_timeout(within) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("{what}: no end after {within:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("{what}: it panicked"),
    }
}

fn pipeline(description: &str) -> gst::Pipeline {
    init();
    gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap()
}

fn file(path: &str) -> String {
    format!("filesrc location={} ! wavparse", root().join(path).display())
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("locks-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir.join(name)
}

fn eos(p: &gst::Pipeline) {
    let m = p
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(40), &[gst::MessageType::Eos, gst::MessageType::Error]);
    assert!(matches!(m.as_ref().map(|m| m.view()), Some(gst::MessageView::Eos(_))), "{m:?}");
}

/// Whoever hears a message may ask the element that posts it.
#[test]
fn a_handler_may_ask_for_statistics() {
    for way in [
        "affectscore inference-mode=async segmentation=file",
        "affectscore inference-mode=async",
        "affectscore inference-mode=sync",
        "affectfeatures",
    ] {
        ends(way, PATIENCE, move || {
            let p = pipeline(&format!("{} ! {way} ! fakesink", file(CALL)));
            p.bus().unwrap().set_sync_handler(|_, m| {
                if let (gst::MessageView::Element(_), Some(e)) = (m.view(), m.src()) {
                    e.property::<gst::Structure>("stats");
                    e.set_property("settings", "");
                }
                gst::BusSyncReply::Pass
            });
            p.set_state(gst::State::Playing).unwrap();
            eos(&p);
            p.set_state(gst::State::Null).unwrap();
        });
    }
}

/// Whoever is asked by the element may ask back.
#[test]
fn a_query_upstream_may_ask_for_statistics() {
    ends("a query", PATIENCE, || {
        let p = pipeline(&format!("{} ! identity name=i ! affectscore name=s ! fakesink", file(CLIP)));
        let s = p.by_name("s").unwrap().downgrade();
        p.by_name("i").unwrap().static_pad("src").unwrap().add_probe(gst::PadProbeType::QUERY_UPSTREAM, move |_, _| {
            if let Some(s) = s.upgrade() {
                s.property::<gst::Structure>("stats");
            }
            gst::PadProbeReturn::Ok
        });
        p.set_state(gst::State::Playing).unwrap();
        eos(&p);
        p.set_state(gst::State::Null).unwrap();
    });
}

/// A model that takes 10 s for every segment: it waits that long for others to run together with.
const SLOW: &str = "segmentation=window window=1000000000 hop=1000000000 attribution=none batch-size=4096 \
                    batch-timeout=10000000000 max-queued=1000";

/// Plays until the end of the stream has reached the element, or until its first segment is with the model.
fn busy(mode: &str) -> gst::Pipeline {
    let p = pipeline(&format!("{} ! affectscore name=s inference-mode={mode} {SLOW} ! fakesink", file(CALL)));
    let (ended, waits) = mpsc::channel();
    let s = p.by_name("s").unwrap();
    s.static_pad("sink").unwrap().add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if info.event().unwrap().type_() == gst::EventType::Eos {
            let _ = ended.send(());
        }
        gst::PadProbeReturn::Ok
    });
    p.set_state(gst::State::Playing).unwrap();
    if mode == "async" {
        waits.recv_timeout(PATIENCE).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1_500));
    p
}

/// Seventy segments wait at the end of the stream, ten minutes' work. A stop waits for the one in hand at most.
#[test]
fn a_stop_does_not_wait_for_what_is_queued() {
    for mode in ["async", "sync"] {
        ends(mode, PATIENCE, move || busy(mode).set_state(gst::State::Null).unwrap());
    }
}

/// The same with a flush.
#[test]
fn a_flush_does_not_wait_for_what_is_queued() {
    ends("a flush", PATIENCE, || {
        let p = busy("async");
        let pad = p.by_name("s").unwrap().static_pad("sink").unwrap();
        pad.send_event(gst::event::FlushStart::new());
        pad.send_event(gst::event::FlushStop::new(true));
        p.set_state(gst::State::Null).unwrap();
    });
}

/// While a model runs, statistics are there.
#[test]
fn statistics_do_not_wait_for_the_model() {
    let p = busy("sync");
    let s = p.by_name("s").unwrap();
    // By now the first window is with the model, for 10 s.
    ends("statistics", Duration::from_secs(5), move || drop(s.property::<gst::Structure>("stats")));
    ends("the stop", PATIENCE, move || p.set_state(gst::State::Null).unwrap());
}

/// Settings, statistics and audio at the same time, from three threads.
#[test]
fn settings_and_statistics_from_many_threads() {
    for element in ["affectfeatures", "affectscore"] {
        ends(element, PATIENCE, move || {
            let p = pipeline(&format!(
                "audiotestsrc num-buffers=6000 samplesperbuffer=160 ! audio/x-raw,rate=16000,channels=1 ! \
                 {element} name=e segmentation=window window=100000000 hop=10000000 post-messages=false ! fakesink"
            ));
            let e = p.by_name("e").unwrap();
            p.set_state(gst::State::Playing).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| (0..20_000).for_each(|_| drop(e.property::<gst::Structure>("stats"))));
                scope.spawn(|| {
                    (0..5_000).for_each(|_| {
                        e.set_property("settings", "nothing=1");
                        e.set_property("settings", "");
                    })
                });
            });
            eos(&p);
            p.set_state(gst::State::Null).unwrap();
        });
    }
}

/// The end of the stream waits downstream of the results; a flush sets it free.
#[test]
fn a_flush_passes_while_the_end_is_pushed() {
    ends("a flush", PATIENCE, || {
        let p = pipeline(
            "audiotestsrc num-buffers=5 ! affectextract name=x x.src ! fakesink async=false \
             x.results ! identity name=i ! fakesink async=false",
        );
        let x = p.by_name("x").unwrap();
        let (blocked, waits) = mpsc::channel();
        x.static_pad("results").unwrap().add_probe(
            gst::PadProbeType::BLOCK | gst::PadProbeType::EVENT_DOWNSTREAM,
            move |_, info| match info.event() {
                Some(e) if e.type_() == gst::EventType::Eos => {
                    let _ = blocked.send(());
                    gst::PadProbeReturn::Ok
                }
                _ => gst::PadProbeReturn::Pass,
            },
        );
        p.set_state(gst::State::Playing).unwrap();
        waits.recv_timeout(Duration::from_secs(20)).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(x.static_pad("sink").unwrap().send_event(gst::event::FlushStart::new()));
        p.set_state(gst::State::Null).unwrap();
    });
}

/// A reader that stops reading.
fn stalled() -> (gst::Pipeline, std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let p = pipeline(&format!(
        "{} ! affectfeatures segmentation=window window=100000000 hop=10000000 stream=s post-messages=false ! \
         affectsink name=k fd={}",
        file(CALL),
        writer.as_raw_fd()
    ));
    p.set_state(gst::State::Playing).unwrap();
    let k = p.by_name("k").unwrap();
    let written = || k.property::<gst::Structure>("stats").get::<u64>("written").unwrap();
    // Until the pipe is full (64 kB) and no line goes through any more.
    let mut before = u64::MAX;
    while before != written() || before == 0 {
        before = written();
        std::thread::sleep(Duration::from_millis(300));
    }
    (p, reader, writer)
}

#[test]
fn a_sink_stops_while_its_reader_stalls() {
    ends("a stop", PATIENCE, || {
        let (p, reader, _writer) = stalled();
        p.set_state(gst::State::Null).unwrap();
        drop(reader);
    });
}

#[test]
fn a_sink_flushes_while_its_reader_stalls() {
    ends("a flush", PATIENCE, || {
        let (p, reader, _writer) = stalled();
        let pad = p.by_name("k").unwrap().static_pad("sink").unwrap();
        pad.send_event(gst::event::FlushStart::new());
        pad.send_event(gst::event::FlushStop::new(true));
        p.set_state(gst::State::Null).unwrap();
        drop(reader);
    });
}

/// A pause in the middle of a line, with the reader asleep: all lines come, each whole and once.
#[test]
fn no_line_is_cut_or_lost_by_a_pause() {
    let text = ends("a pause", PATIENCE, || {
        let (p, mut reader, writer) = stalled();
        p.set_state(gst::State::Paused).unwrap();
        p.set_state(gst::State::Playing).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        p.set_state(gst::State::Paused).unwrap();
        let reads = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        p.set_state(gst::State::Playing).unwrap();
        eos(&p);
        p.set_state(gst::State::Null).unwrap();
        drop(writer);
        reads.join().unwrap()
    });
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let path = scratch("whole.jsonl");
    let p = pipeline(&format!(
        "{} ! affectfeatures segmentation=window window=100000000 hop=10000000 stream=s post-messages=false ! \
         affectsink location={}",
        file(CALL),
        path.display()
    ));
    p.set_state(gst::State::Playing).unwrap();
    eos(&p);
    p.set_state(gst::State::Null).unwrap();
    let whole = std::fs::read_to_string(path).unwrap();
    let expected: Vec<serde_json::Value> = whole.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), expected.len());
    assert!(lines == expected);
}

fn fifo(name: &str) -> PathBuf {
    let path = scratch(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// A named pipe that nobody reads: the pipeline starts, and stops.
#[test]
fn a_pipe_without_a_reader_stops() {
    let path = fifo("nobody");
    ends("a stop", PATIENCE, move || {
        let p = pipeline(&format!("{} ! affectfeatures ! affectsink location={}", file(CALL), path.display()));
        p.set_state(gst::State::Playing).unwrap();
        std::thread::sleep(Duration::from_secs(2));
        p.set_state(gst::State::Null).unwrap();
    });
}

/// A start that was called off while its model was still being read says nothing and leaves no record.
#[test]
fn a_loader_that_was_cancelled_keeps_silent() {
    let (path, log) = (fifo("model.onnx"), scratch("cancelled.jsonl"));
    let messages = ends("a stop", PATIENCE, {
        let (path, log) = (path.clone(), log.clone());
        move || {
            let p = pipeline(&format!(
                "{} ! affectscore name=s model={} audit={} ! fakesink",
                file(CLIP),
                path.display(),
                log.display()
            ));
            let loaders = || {
                let names = std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
                names
                    .filter(|t| {
                        std::fs::read_to_string(t.path().join("comm")).is_ok_and(|n| n.starts_with("affectscore-loa"))
                    })
                    .count()
            };
            p.set_state(gst::State::Paused).unwrap();
            // The model arrives as soon as somebody reads it: this opens once the loader does.
            let mut model = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            p.set_state(gst::State::Ready).unwrap();
            while p.bus().unwrap().pop().is_some() {}
            let _ = model.write_all(affect::model::DEFAULT);
            drop(model);
            while loaders() > 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
            let messages: Vec<String> = std::iter::from_fn(|| p.bus().unwrap().pop())
                .filter(|m| m.src().is_some_and(|s| s.name() == "s"))
                .filter(|m| m.type_() != gst::MessageType::StateChanged)
                .map(|m| format!("{m:?}"))
                .collect();
            p.set_state(gst::State::Null).unwrap();
            messages
        }
    });
    assert_eq!(messages, Vec::<String>::new());
    assert!(!log.exists(), "an audit record of a start that never was");
}
