//! What a real line does to times: packets that are lost, clocks that drift, times that are moved. Nothing of it cuts, and the
//! times of results stay near those of the buffers.

use affect::analyzer::{Config, Segmentation, WindowConfig};
use affect::record::{Ended, Record};
use affect_media::tap::{CutReason, Tap};
use gst::ClockTime;

const RATE: u32 = 8_000;
const PACKET_MS: u64 = 20;
const SECOND: u64 = 1_000_000_000;

/// A tap for windows of two seconds, at its beginning.
fn tap() -> Tap {
    gst::init().unwrap();
    let mut tap = Tap::default();
    tap.set_stream("x");
    tap.set_info(gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_S16, RATE, 1).build().unwrap());
    tap.set_segment(Some(gst::FormattedSegment::new()));
    tap
}

fn config(_: &str) -> Result<Config, affect::error::ConfigError> {
    let segmentation = Segmentation::Windows(WindowConfig { length: 32_000, hop: 32_000 });
    Ok(Config { segmentation, voice_activity: false, ..Config::default() })
}

/// The `index`th packet of a buzz, at `at_ns`.
fn packet(index: u64, at_ns: u64, flags: gst::BufferFlags) -> gst::Buffer {
    let n = u64::from(RATE) * PACKET_MS / 1000;
    let sample = |k: u64| (8_000.0 * (0.98f64.powi((k % 67) as i32) - 0.5)) as i16;
    let bytes: Vec<u8> = (index * n..(index + 1) * n).flat_map(|k| sample(k).to_le_bytes()).collect();
    let mut buffer = gst::Buffer::from_slice(bytes);
    let b = buffer.get_mut().unwrap();
    b.set_pts(ClockTime::from_nseconds(at_ns));
    b.set_flags(flags);
    buffer
}

fn plain(tap: &mut Tap, index: u64, at_ns: u64) {
    tap.buffer(&packet(index, at_ns, gst::BufferFlags::empty()), &config).unwrap();
}

fn at(index: u64) -> u64 {
    index * PACKET_MS * 1_000_000
}

fn ended(mut tap: Tap) -> (Tap, Vec<Record>) {
    tap.finish();
    let records = tap.take();
    (tap, records)
}

/// Every record ends where the next begins, and none is cut short but the last.
fn assert_unbroken(records: &[Record]) {
    assert!(records.len() > 2);
    for w in records.windows(2) {
        assert_eq!(w[0].end_ns, w[1].start_ns);
        assert!(w[0].ended == Ended::Scheduled && !w[1].discont);
    }
}

/// Lost packets of which no event tells, one in five: the stream goes on, and its time is right.
#[test]
fn lost_packets_do_not_cut() {
    for discont in [false, true] {
        let mut tap = tap();
        let mut lost = false;
        for k in 0..500u64 {
            let draw = k.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            if draw.is_multiple_of(5) && k > 0 {
                lost = true;
                continue;
            }
            let flags = if discont && lost { gst::BufferFlags::DISCONT } else { gst::BufferFlags::empty() };
            tap.buffer(&packet(k, at(k), flags), &config).unwrap();
            lost = false;
        }
        plain(&mut tap, 500, at(500));
        let (mut tap, records) = ended(tap);
        assert_eq!(tap.counts.cuts, 0);
        assert!(tap.take_cuts().is_empty());
        assert_unbroken(&records);
        assert_eq!(records.last().unwrap().end_ns, at(501));
    }
}

/// Half a second is bridged, more is a cut with its size.
#[test]
fn only_a_jump_beyond_half_a_second_cuts() {
    for (jump_ms, cut) in [(480, false), (500, false), (520, true)] {
        let mut tap = tap();
        (0..50).for_each(|k| plain(&mut tap, k, at(k)));
        (50..200).for_each(|k| plain(&mut tap, k, at(k) + jump_ms * 1_000_000));
        assert_eq!(tap.counts.cuts, u64::from(cut), "{jump_ms}");
        let cuts = tap.take_cuts();
        assert_eq!(cuts.len(), usize::from(cut));
        if let Some(c) = cuts.first() {
            assert_eq!(
                (c.reason, c.at),
                (CutReason::Ahead(ClockTime::from_mseconds(jump_ms)), ClockTime::from_nseconds(at(50)))
            );
            assert!(c.is_fault() && c.to_string().contains("520.000 ms later"), "{c}");
        }
        let (_, records) = ended(tap);
        assert_eq!(records.iter().any(|r| r.discont), cut);
        assert_eq!(records.last().unwrap().end_ns, at(200) + jump_ms * 1_000_000);
    }
}

#[test]
fn small_moves_back_do_not_cut_and_large_ones_do() {
    for (back_ms, cut) in [(10u64, false), (39, false), (60, true)] {
        let mut tap = tap();
        (0..50).for_each(|k| plain(&mut tap, k, SECOND + at(k)));
        (50..350).for_each(|k| plain(&mut tap, k, SECOND + at(k) - back_ms * 1_000_000));
        assert_eq!(tap.counts.cuts, u64::from(cut), "{back_ms}");
        assert_eq!(tap.take_cuts().iter().any(|c| c.reason == CutReason::Back(ClockTime::from_mseconds(back_ms))), cut);
        let (_, records) = ended(tap);
        let end = records.last().unwrap().end_ns;
        assert!(end.abs_diff(SECOND + at(350) - back_ms * 1_000_000) <= 16_000_000, "{back_ms}: {end}");
        assert!(records.windows(2).all(|w| w[1].start_ns >= w[0].end_ns || cut));
    }
}

/// A sender's clock that is not the receiver's: no cut in an hour, and times that follow.
#[test]
fn drift_does_not_cut() {
    for (ppm, seconds) in [(200i64, 3_600u64), (-200, 600), (100, 600), (50, 600)] {
        let mut tap = tap();
        let stamp = |k: u64| (at(k) as i64 + at(k) as i64 / 1_000_000 * ppm) as u64;
        let packets = seconds * 1000 / PACKET_MS;
        let mut records = Vec::new();
        for k in 0..packets {
            // Silence: the analysis of an hour of speech is not what is tested.
            let mut silent = gst::Buffer::from_slice([0u8; 320]);
            silent.get_mut().unwrap().set_pts(ClockTime::from_nseconds(stamp(k)));
            tap.buffer(&silent, &config).unwrap();
            records.append(&mut tap.take());
        }
        let (mut tap, rest) = ended(tap);
        records.extend(rest);
        assert_eq!((tap.counts.cuts, tap.take_cuts()), (0, vec![]), "{ppm} ppm");
        assert_unbroken(&records);
        for (i, r) in records.iter().enumerate() {
            let right = stamp(100 * i as u64);
            assert!(r.start_ns.abs_diff(right) <= 17_000_000, "{ppm} ppm: {} for {right}", r.start_ns);
        }
        let end = records.last().unwrap().end_ns;
        assert!(end.abs_diff(stamp(packets)) <= 17_000_000, "{ppm} ppm: {end} for {}", stamp(packets));
    }
}

/// The first seconds of a webrtcbin session: a jitterbuffer moves the times by 5 to 10 ms a buffer while it learns the skew.
#[test]
fn times_that_a_jitterbuffer_moves_do_not_cut() {
    for sign in [-1i64, 1] {
        let mut tap = tap();
        let moved = |k: u64| {
            let steps: i64 = (0..k.min(40)).map(|i| 5_000_000 + (i * 37 % 6) as i64 * 1_000_000).sum();
            (2 * SECOND as i64 + at(k) as i64 + sign * steps) as u64
        };
        for k in 0..600 {
            let flags = if k % 7 == 0 { gst::BufferFlags::DISCONT } else { gst::BufferFlags::empty() };
            tap.buffer(&packet(k, moved(k), flags), &config).unwrap();
        }
        let (mut tap, records) = ended(tap);
        assert_eq!((tap.counts.cuts, tap.take_cuts()), (0, vec![]), "{sign}");
        assert_unbroken(&records);
        let end = records.last().unwrap().end_ns;
        assert!(end.abs_diff(moved(600)) <= 17_000_000, "{sign}: {end} for {}", moved(600));
    }
}

/// A burst at the start of a session: times move back by 8 ms a buffer, until the jitterbuffer gives its estimate up and they jump by a
/// second. The audio goes on, and so does the analysis; the same jump of steady times cuts.
#[test]
fn a_burst_does_not_cut() {
    for moving in [true, false] {
        let mut tap = tap();
        let moved = |k: u64| {
            let steps = if moving { 8_000_000 * k.min(60) } else { 0 };
            let jump = if k >= 60 { 1_005_000_000 } else { 0 };
            3 * SECOND + at(k) - steps - jump
        };
        (0..600).for_each(|k| plain(&mut tap, k, moved(k)));
        let (mut tap, records) = ended(tap);
        let cuts = tap.take_cuts();
        assert_eq!((tap.counts.cuts, cuts.len()), (u64::from(!moving), usize::from(!moving)), "{cuts:?}");
        if moving {
            assert_unbroken(&records);
            let end = records.last().unwrap().end_ns;
            assert!(end.abs_diff(moved(600)) <= 17_000_000, "{end} for {}", moved(600));
        }
    }
}

/// Times that jitter without going anywhere change nothing, to the bit.
#[test]
fn jitter_leaves_results_as_they_are() {
    let run = |jitter: bool| {
        let mut tap = tap();
        for k in 0..500u64 {
            let moved = if jitter { k.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 12_000_000 } else { 0 };
            plain(&mut tap, k, SECOND + at(k) + if k == 0 { 0 } else { moved });
        }
        ended(tap).1
    };
    assert_eq!(run(true), run(false));
}
