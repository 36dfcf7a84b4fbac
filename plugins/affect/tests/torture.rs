//! The torture list: odd sizes, seek storms, many cycles, many elements, orders of events, loss.

mod common;

use common::{CALL, CLIP, init, root, run, unique, wav};
use gst::prelude::*;
use gst_check::Harness;
use std::process::Command;

const MONO: &str = "audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved";

fn buffer(samples: &[i16], at: u64) -> gst::Buffer {
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let mut b = gst::Buffer::from_slice(bytes);
    b.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(at * 62_500));
    b
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Ids of all results when the clip comes in buffers of the given sizes (cycled).
fn ids(sizes: &[usize]) -> Vec<String> {
    init();
    let (audio, _, _) = wav(CLIP);
    let mut h = Harness::new_parse("affectfeatures segmentation=window window=500000000 hop=250000000 stream=s");
    h.set_live(false);
    h.set_src_caps_str(MONO);
    let (mut at, mut k) = (0, 0);
    let mut out = Vec::new();
    while at < audio.len() {
        let n = sizes[k % sizes.len()].clamp(1, audio.len() - at);
        h.push(buffer(&audio[at..at + n], at as u64)).unwrap();
        at += n;
        k += 1;
        while let Some(b) = h.try_pull() {
            out.extend(common::results(&b).iter().map(|s| s.get::<String>("json").unwrap()));
        }
    }
    out
}

#[test]
fn buffers_of_one_sample_ten_seconds_and_random_sizes() {
    let expected = ids(&[320]);
    assert!(expected.len() >= 6);
    let mut seed = 42;
    let sizes: Vec<usize> = (0..500).map(|_| 1 + (random(&mut seed) % 3_000) as usize).collect();
    for other in [ids(&[1]), ids(&[160_000]), ids(&sizes)] {
        let n = other.len().min(expected.len());
        // a large buffer hands out at its end what small ones hand out earlier; the records are the same
        assert_eq!(other[..n], expected[..n]);
        assert!(n + 1 >= expected.len());
    }
}

#[test]
fn numbers_that_are_none() {
    init();
    let mut h = Harness::new_parse("affectfeatures segmentation=window window=200000000 hop=200000000");
    h.set_live(false);
    h.set_src_caps_str("audio/x-raw,format=F32LE,rate=48000,channels=2,layout=interleaved");
    for (i, v) in [f32::NAN, f32::INFINITY, -f32::INFINITY, 1e-40, 1e30, 0.0].into_iter().enumerate() {
        let bytes: Vec<u8> = (0..24_000).flat_map(|_| v.to_le_bytes()).collect();
        let mut b = gst::Buffer::from_slice(bytes.clone());
        b.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(250 * i as u64));
        h.push(b).unwrap();
        let out = h.pull().unwrap();
        assert_eq!(out.map_readable().unwrap().as_slice(), bytes);
        for s in common::results(&out) {
            assert!(!s.get::<String>("json").unwrap().contains("NaN"));
        }
    }
}

#[test]
fn a_seek_storm_ends_well() {
    init();
    let pipeline = gst::parse::launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures name=f ! fakesink sync=true",
        root().join(CALL).display()
    ))
    .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline.state(gst::ClockTime::from_seconds(10)).0.unwrap();
    let mut seed = 7;
    for _ in 0..150 {
        let at = gst::ClockTime::from_mseconds(random(&mut seed) % 39_000);
        let rate = if random(&mut seed).is_multiple_of(5) { -1.0 } else { 1.0 };
        let (start, stop) = if rate > 0.0 { (at, gst::ClockTime::NONE) } else { (gst::ClockTime::ZERO, Some(at)) };
        let _ = pipeline.seek(
            rate,
            gst::SeekFlags::FLUSH,
            gst::SeekType::Set,
            start,
            if stop.is_some() { gst::SeekType::Set } else { gst::SeekType::None },
            stop,
        );
    }
    let bus = pipeline.bus().unwrap();
    assert!(bus.pop_filtered(&[gst::MessageType::Error]).is_none());
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_thousand_cycles() {
    init();
    let pipeline = gst::parse::launch(
        "audiotestsrc num-buffers=100000 is-live=false ! affectfeatures name=e segmentation=window ! fakesink sync=true",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    for k in 0..1_000 {
        // Every other time beside the stream.
        let way = if k % 2 == 0 { "analysis=inline" } else { "analysis=worker" };
        pipeline.by_name("e").unwrap().set_property("settings", way);
        pipeline.set_state(gst::State::Playing).unwrap();
        pipeline.set_state(gst::State::Ready).unwrap();
    }
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn two_hundred_elements() {
    init();
    let mut description =
        String::from("audiotestsrc num-buffers=60 wave=pink-noise ! audio/x-raw,rate=16000,channels=1");
    for _ in 0..200 {
        description
            .push_str(" ! affectfeatures segmentation=window window=200000000 hop=1000000000 post-messages=false");
    }
    description.push_str(" ! appsink name=out");
    let pipeline = gst::parse::launch(&description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let ran = run(&pipeline);
    // all elements say the same of the same stream: the ids are equal, and merging keeps one of each
    assert_eq!(unique(&ran.results).len(), ran.results.len());
    assert!(!ran.results.is_empty());
}

#[test]
fn the_end_before_caps_and_data() {
    init();
    for name in ["affectfeatures", "affectextract"] {
        let mut h = Harness::with_padnames(name, Some("sink"), Some("src"));
        h.push_event(gst::event::StreamStart::new("s"));
        assert!(h.push_event(gst::event::Eos::new()));
    }
}

#[test]
fn any_order_of_events() {
    init();
    let (audio, _, _) = wav(CLIP);
    // Live, the analysis is beside the stream.
    for (case, live) in (0..40u64).flat_map(|k| [(k, false), (k, true)]) {
        let mut seed = case * 7_919 + 1;
        let mut h = Harness::new_parse("affectfeatures segmentation=utterance");
        h.set_live(live);
        h.set_src_caps_str(MONO);
        let mut at = 0u64;
        for _ in 0..120 {
            match random(&mut seed) % 12 {
                0 => {
                    h.push_event(gst::event::FlushStart::new());
                    h.push_event(gst::event::FlushStop::new(random(&mut seed).is_multiple_of(2)));
                    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
                }
                1 => {
                    let mut s = gst::FormattedSegment::<gst::ClockTime>::new();
                    s.set_start(gst::ClockTime::from_nseconds(random(&mut seed) % 5_000_000_000));
                    if random(&mut seed).is_multiple_of(3) {
                        s.set_rate(-1.0);
                    }
                    h.push_event(gst::event::Segment::new(&s));
                }
                2 => {
                    let g = gst::event::Gap::builder(gst::ClockTime::from_nseconds(at * 62_500))
                        .duration(gst::ClockTime::from_nseconds(random(&mut seed) % 2_000_000_000));
                    h.push_event(g.build());
                }
                3 => {
                    let rate = [4_000, 8_000, 16_000, 48_000][(random(&mut seed) % 4) as usize];
                    h.set_src_caps_str(&format!("audio/x-raw,format=S16LE,rate={rate},channels=1,layout=interleaved"));
                }
                4 => at += random(&mut seed) % 40_000,
                _ => {
                    let n = 1 + (random(&mut seed) % 3_000) as usize;
                    let from = (random(&mut seed) as usize) % (audio.len() - n);
                    h.push(buffer(&audio[from..from + n], at)).unwrap();
                    at += n as u64;
                }
            }
        }
        assert!(h.push_event(gst::event::Eos::new()));
        while let Some(b) = h.try_pull() {
            for s in common::results(&b) {
                assert!(s.get::<u64>("end-time").unwrap() > s.get::<u64>("start-time").unwrap());
            }
        }
    }
}

#[test]
fn rtp_with_a_fifth_of_the_packets_lost() {
    init();
    let pipeline = gst::parse::launch(&format!(
        "filesrc location={} ! wavparse ! audioconvert ! audioresample ! audio/x-raw,rate=48000 ! opusenc ! rtpopuspay ! \
         identity drop-probability=0.2 ! rtpopusdepay ! opusdec plc=true ! affectfeatures segmentation=window ! \
         appsink name=out",
        root().join(CALL).display()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let ran = run(&pipeline);
    assert!(ran.results.len() > 20);
}

/// Run in a child process under the leaks tracer.
#[test]
fn cycles_for_the_leaks_tracer() {
    if std::env::var_os("AFFECT_LEAKS_CHILD").is_none() {
        return;
    }
    init();
    for k in 0..200 {
        let way = if k % 2 == 0 { "inline" } else { "worker" };
        let pipeline = gst::parse::launch(&format!(
            "filesrc location={} ! wavparse ! affectfeatures analysis={way} segmentation=window window=300000000 ! affectextract name=x \
             x.src ! queue ! affectsink location=/dev/null x.results ! queue ! affectsink location=/dev/null",
            root().join(CLIP).display()
        ))
        .unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let bus = pipeline.bus().unwrap();
        let end =
            bus.timed_pop_filtered(gst::ClockTime::from_seconds(30), &[gst::MessageType::Eos, gst::MessageType::Error]);
        assert!(matches!(end.unwrap().view(), gst::MessageView::Eos(_)));
        pipeline.set_state(gst::State::Null).unwrap();
    }
    // SAFETY: all pipelines are gone, and nothing in this process uses GStreamer after this.
    unsafe { gst::deinit() };
}

#[test]
fn nothing_leaks_in_200_cycles() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cycles_for_the_leaks_tracer", "--test-threads=1"])
        .env("AFFECT_LEAKS_CHILD", "1")
        .env("GST_TRACERS", "leaks")
        .env("GST_DEBUG", "GST_TRACER:7")
        .env("GST_DEBUG_NO_COLOR", "1")
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{log}");
    let alive: Vec<&str> = log
        .lines()
        .filter(|l| l.contains("object-alive, type-name=(string)") && !l.contains("new format string"))
        .collect();
    assert!(alive.is_empty(), "{} leaks, for example {}", alive.len(), alive[0]);
}
