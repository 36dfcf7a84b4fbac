//! A line that loses packets, with the elements that receive it: nothing is cut, whatever the jitterbuffer is set to.

mod common;

use common::{init, json};
use gst::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sends ten seconds as RTP, loses a share of the packets, and returns records and the number of cuts and packets lost.
fn over_rtp(element: &str, share: f64, do_lost: bool) -> (Vec<serde_json::Value>, u64, u64) {
    init();
    let pipeline = gst::parse::launch(&format!(
        "audiotestsrc is-live=true samplesperbuffer=160 num-buffers=500 wave=saw freq=140 \
         ! audio/x-raw,format=S16LE,rate=8000,channels=1 ! mulawenc \
         ! rtppcmupay name=pay min-ptime=20000000 max-ptime=20000000 ! rtpjitterbuffer latency=60 do-lost={do_lost} \
         ! rtppcmudepay ! mulawdec ! {element} name=a segmentation=window window=2000000000 hop=2000000000 \
         ! appsink name=out sync=false"
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let (sent, lost) = (AtomicU64::new(0), std::sync::Arc::new(AtomicU64::new(0)));
    let count = lost.clone();
    pipeline.by_name("pay").unwrap().static_pad("src").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let k = sent.fetch_add(1, Ordering::Relaxed);
        let draw = (k.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 53) as f64;
        if k == 0 || k == 499 || draw >= share {
            return gst::PadProbeReturn::Ok;
        }
        count.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Drop
    });
    let ran = common::run(&pipeline);
    let cuts = pipeline.by_name("a").unwrap().property::<gst::Structure>("stats").get::<u64>("cuts").unwrap();
    (ran.results.iter().map(json).collect(), cuts, lost.load(Ordering::Relaxed))
}

#[test]
fn lost_packets_cut_nothing() {
    let runs: Vec<_> = [("affectfeatures", 0.05), ("affectscore", 0.2)]
        .into_iter()
        .flat_map(|(element, share)| [(element, share, false), (element, share, true)])
        .map(|(element, share, do_lost)| {
            (
                format!("{element}, {share}, do-lost={do_lost}"),
                std::thread::spawn(move || over_rtp(element, share, do_lost)),
            )
        })
        .collect();
    for (what, run) in runs {
        let (list, cuts, lost) = run.join().unwrap();
        assert!(lost >= 15, "{what}: {lost} packets lost");
        assert_eq!(cuts, 0, "{what}");
        let scheduled = list.iter().filter(|r| r["ended"] == "scheduled").count();
        assert_eq!((scheduled, list.len()), (5, 5), "{what}");
        assert!(list.iter().all(|r| r["discont"] == false), "{what}");
        let told: f64 =
            list.iter().map(|r| r["quality"]["lost_share"].as_f64().unwrap()).sum::<f64>() / list.len() as f64;
        assert!((told - lost as f64 / 500.0).abs() < 0.03, "{what}: lost_share {told}, {lost} of 500 packets");
    }
}

/// A cut is logged with its reason and size.
#[test]
fn cuts_are_logged() {
    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    init();
    gst::log::set_threshold_for_name("affectfeatures", gst::DebugLevel::Info);
    gst::log::add_log_function(|category, level, _, _, _, _, message| {
        if category.name() == "affectfeatures"
            && let Some(text) = message.get()
        {
            LINES.lock().unwrap().push(format!("{level:?} {text}"));
        }
    });
    let mut h = gst_check::Harness::new("affectfeatures");
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
    for at_ms in [0, 100, 3_200, 3_100] {
        let mut buffer = gst::Buffer::from_slice([0u8; 3_200]);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(at_ms));
        h.push(buffer).unwrap();
    }
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved");
    let parts = [
        "Warning the analysis is cut at 0:00:00.200000000: the next buffer is 3000.000 ms later",
        "Warning the analysis is cut at 0:00:03.300000000: the next buffer is 200.000 ms earlier",
        "Info the analysis is cut at 0:00:03.200000000: another form of audio begins",
    ];
    // Live audio is analysed beside the stream: what is logged comes when that gets there.
    let since = std::time::Instant::now();
    let lines = loop {
        let lines = LINES.lock().unwrap().clone();
        let there = parts.iter().all(|p| lines.iter().any(|l| l.starts_with(p)));
        if there || since.elapsed().as_secs() >= 20 {
            break lines;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    drop(h);
    for part in parts {
        assert_eq!(lines.iter().filter(|l| l.starts_with(part)).count(), 1, "{part}: {lines:?}");
    }
}
