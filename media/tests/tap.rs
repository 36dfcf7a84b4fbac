//! Buffers and events in, records out.

use affect::analyzer::{Config, Segmentation};
use affect_media::tap::{Tap, Trouble, Unfit};
use gst::ClockTime;
use std::time::Duration;

const RATE: u32 = 16_000;

fn tap() -> Tap {
    gst::init().unwrap();
    let mut tap = Tap::default();
    tap.set_stream("x");
    tap.set_info(gst_audio::AudioInfo::builder(gst_audio::AUDIO_FORMAT_S16, RATE, 1).build().unwrap());
    tap.set_segment(Some(gst::FormattedSegment::new()));
    tap
}

/// A second of noise at a time.
fn second(at: ClockTime) -> gst::Buffer {
    let bytes: Vec<u8> = (0..RATE).flat_map(|k| ((k.wrapping_mul(2_654_435_761) >> 18) as i16).to_le_bytes()).collect();
    let mut buffer = gst::Buffer::from_slice(bytes);
    buffer.get_mut().unwrap().set_pts(at);
    buffer
}

fn config(_: &str) -> Result<Config, affect::error::ConfigError> {
    Ok(Config { segmentation: Segmentation::File, ..Config::default() })
}

/// Two gaps whose sum is more than a clock can count are a long gap, not a short one of billions of years.
#[test]
fn gaps_that_overflow_cut() {
    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut tap = tap();
        tap.buffer(&second(ClockTime::ZERO), &config).unwrap();
        let short = ClockTime::from_mseconds(400);
        tap.missing_time(Some(ClockTime::SECOND), Some(short));
        // Together 200 ms, if the sum wraps.
        let huge = ClockTime::from_nseconds(u64::MAX - 200_000_000);
        tap.missing_time(Some(ClockTime::SECOND + short), Some(huge));
        tap.buffer(&second(ClockTime::from_seconds(60)), &config).unwrap();
        tap.finish();
        let _ = done.send(tap.take());
    });
    let records = end.recv_timeout(Duration::from_secs(60)).expect("the gap is bridged sample by sample");
    let starts: Vec<u64> = records.iter().map(|r| r.start_ns / 1_000_000_000).collect();
    assert_eq!(starts, [0, 60]);
}

/// Audio at the end of what a clock can count has times that go forward, not ones that begin again at zero.
#[test]
fn times_at_the_end_of_the_clock_do_not_wrap() {
    for before_the_end in [0, 300_000_000, 700_000_000] {
        let mut tap = tap();
        tap.buffer(&second(ClockTime::from_nseconds(u64::MAX - 1 - before_the_end)), &config).unwrap();
        tap.finish();
        let records = tap.take();
        assert_eq!(records.len(), 1);
        let (start, end) = (records[0].start_ns, records[0].end_ns);
        assert_eq!(end.checked_sub(start), Some(1_000_000_000), "{start} to {end}");
    }
}

#[test]
fn audio_without_times_is_said_once_and_time_brings_it_back() {
    let mut tap = tap();
    assert!(!tap.set_segment(None));
    let mut said = Vec::new();
    for k in 0..3 {
        said.push(tap.buffer(&second(ClockTime::from_seconds(k)), &config));
    }
    assert!(matches!(said[0], Err(Trouble::Audio(Unfit::Untimed))), "{said:?}");
    assert!(said[1].is_ok() && said[2].is_ok());
    assert!(Unfit::Untimed.to_string().contains("format=time"));
    assert!(tap.set_segment(Some(gst::FormattedSegment::new())));
    tap.buffer(&second(ClockTime::ZERO), &config).unwrap();
    tap.finish();
    assert_eq!(tap.take().len(), 1);
}
