//! `affectfeatures`: audio untouched, and the library's own numbers at the right times.

mod common;

use affect::analyzer::{Analyzer, Config, Output, Segmentation, WindowConfig};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use common::{CALL, CLIP, init, json, launch, results, root, wav};
use gst::prelude::*;
use gst_check::Harness;

/// What the library says of a file, without any pipeline.
fn library(path: &str, segmentation: Segmentation) -> Vec<Record> {
    let (audio, channels, rate) = wav(path);
    let config = Config { segmentation, ..Config::default() };
    let mut analyzer = Analyzer::new(config, rate, channels).unwrap();
    let mut out = Vec::new();
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            out.push(*r);
        }
    };
    analyzer.push(&Samples::s16(&audio, channels).unwrap(), &mut take).unwrap();
    analyzer.finish(&mut take);
    out
}

fn same(structures: &[gst::Structure], records: &[Record]) {
    assert_eq!(structures.len(), records.len());
    for (s, r) in structures.iter().zip(records) {
        let (mut a, mut b) = (json(s), serde_json::from_str::<serde_json::Value>(&r.to_json()).unwrap());
        for v in [&mut a, &mut b] {
            let map = v.as_object_mut().unwrap();
            for key in ["id", "segment_id", "stream", "source", "running_start_ns", "running_end_ns"] {
                map.remove(key);
            }
        }
        assert_eq!(a, b);
        assert_eq!(s.get::<u64>("start-time").unwrap(), r.start_ns);
        assert_eq!(s.get::<u64>("end-time").unwrap(), r.end_ns);
        assert_eq!(s.get::<u32>("revision").unwrap(), r.revision);
        assert_eq!(s.get::<i32>("channel").unwrap(), r.channel.index.map_or(-1, |c| c as i32));
    }
}

#[test]
fn live_equals_file() {
    let file = root().join(CALL);
    let file = file.display();
    for (properties, segmentation) in [
        ("segmentation=utterance", Segmentation::Utterances(UtteranceConfig::default())),
        ("segmentation=window", Segmentation::Windows(WindowConfig::default())),
        ("segmentation=file", Segmentation::File),
    ] {
        let expected = library(CALL, segmentation);
        for cut in ["", "blocksize=333", "blocksize=100000"] {
            let ran = launch(&format!(
                "filesrc location={file} {cut} ! wavparse ! affectfeatures {properties} ! appsink name=out"
            ));
            same(&ran.results, &expected);
            assert_eq!(ran.messages.len(), expected.len());
        }
    }
}

#[test]
fn frames_carry_low_level_descriptors() {
    let file = root().join(CLIP);
    let ran = launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures segmentation=frame ! appsink name=out",
        file.display()
    ));
    let (audio, _, _) = wav(CLIP);
    assert_eq!(ran.results.len(), (audio.len() - 320) / 160 + 1);
    assert_eq!(ran.messages.len(), 0, "single frames are never posted");
    let last = json(&ran.results[10]);
    assert_eq!(last["segment"], "frame");
    assert_eq!(last["start_ns"], 100_000_000);
    assert_eq!(last["features"].as_object().unwrap().len(), 53);
}

/// Every raw format, interleaved and not, many rates and channel counts: the bytes that go in come out.
#[test]
fn audio_is_bit_identical_in_every_format() {
    init();
    let mut formats = 0;
    let list: Vec<String> = gst_audio::AUDIO_FORMATS_ALL.iter().map(|f| f.to_str().to_string()).collect();
    for (i, format) in list.iter().enumerate() {
        let rate = [8_000, 11_025, 44_100, 48_000, 96_000, 192_000][i % 6];
        let channels = 1 + i % 8;
        for layout in ["interleaved", "non-interleaved"] {
            let ran = launch(&format!(
                "audiotestsrc num-buffers=20 samplesperbuffer={} wave=pink-noise ! audioconvert ! \
                 audio/x-raw,format={format},rate={rate},channels={channels},layout={layout} ! tee name=t \
                 t. ! queue ! appsink name=before sync=false \
                 t. ! queue ! affectfeatures segmentation=window window=200000000 hop=200000000 ! appsink name=out",
                rate / 50
            ));
            formats += 1;
            assert_eq!(ran.buffers.len(), 20);
            assert_eq!(ran.results.len(), 2 * channels, "{format} {layout} {rate} {channels}");
        }
    }
    assert!(formats >= 60);
}

#[test]
fn bytes_in_are_bytes_out() {
    init();
    for caps in [
        "audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved",
        "audio/x-raw,format=F64BE,rate=48000,channels=3,channel-mask=(bitmask)0x7,layout=interleaved",
        "audio/x-raw,format=S24LE,rate=44100,channels=2,layout=interleaved",
    ] {
        let mut h = Harness::new("affectfeatures");
        h.set_live(false);
        h.set_src_caps_str(caps);
        let mut seed = 12_345u32;
        for i in 0..50u64 {
            let bytes: Vec<u8> = (0..144 * 24)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            let mut buffer = gst::Buffer::from_slice(bytes.clone());
            {
                let b = buffer.get_mut().unwrap();
                b.set_pts(gst::ClockTime::from_mseconds(i));
                b.set_offset(i);
            }
            let before = (buffer.pts(), buffer.duration(), buffer.offset(), buffer.flags());
            // a second reference makes the memory shared: a copy of the data would show as another address
            let shared = buffer.clone();
            h.push(buffer).unwrap();
            let out = h.pull().unwrap();
            assert_eq!(out.map_readable().unwrap().as_slice(), bytes);
            assert_eq!((out.pts(), out.duration(), out.offset(), out.flags()), before);
            assert_eq!(
                out.map_readable().unwrap().as_ptr(),
                shared.map_readable().unwrap().as_ptr(),
                "the samples are not copied"
            );
        }
    }
}

#[test]
fn it_adds_no_latency() {
    init();
    let mut h = Harness::new("affectfeatures");
    h.set_live(false);
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
    h.set_upstream_latency(gst::ClockTime::from_mseconds(30));
    h.push(buffer(&[0; 160], 0)).unwrap();
    assert_eq!(h.query_latency(), Some(gst::ClockTime::from_mseconds(30)));
}

fn buffer(samples: &[i16], at_ms: u64) -> gst::Buffer {
    let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let mut b = gst::Buffer::from_slice(bytes);
    b.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(at_ms));
    b
}

/// A harness in window mode: one result per second of audio, values that depend on what was fed.
fn windows() -> Harness {
    init();
    let mut h = Harness::new_parse("affectfeatures segmentation=window window=1000000000 hop=1000000000 stream=test");
    h.set_live(false);
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
    h
}

/// Pushes `ms` milliseconds of speech starting at `from_ms` of the clip, stamped from `pts_ms` on.
fn speak(h: &mut Harness, from_ms: usize, ms: usize, pts_ms: u64) {
    let (audio, _, _) = wav(CLIP);
    for i in 0..ms / 20 {
        let at = (from_ms + 20 * i) * 16;
        let part: Vec<i16> = (at..at + 320).map(|k| audio[k % audio.len()]).collect();
        h.push(buffer(&part, pts_ms + 20 * i as u64)).unwrap();
    }
}

/// Results on everything that came out so far.
fn drain(h: &mut Harness) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    while let Some(b) = h.try_pull() {
        out.extend(results(&b).iter().map(json));
    }
    while let Some(e) = h.try_pull_event() {
        if let gst::EventView::CustomDownstream(c) = e.view() {
            out.extend(gstaffect::result::from_event(c).iter().map(json));
        }
    }
    out
}

fn spans(list: &[serde_json::Value]) -> Vec<(u64, u64, String, bool)> {
    list.iter()
        .map(|v| {
            (
                v["start_ns"].as_u64().unwrap() / 1_000_000,
                v["end_ns"].as_u64().unwrap() / 1_000_000,
                v["ended"].as_str().unwrap().to_owned(),
                v["discont"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn span(start: u64, end: u64, ended: &str, discont: bool) -> (u64, u64, String, bool) {
    (start, end, ended.to_owned(), discont)
}

#[test]
fn the_end_of_the_stream_hands_out_the_rest() {
    let mut h = windows();
    speak(&mut h, 0, 1_500, 0);
    assert_eq!(spans(&drain(&mut h)), [span(0, 1_000, "scheduled", false)]);
    h.push_event(gst::event::Eos::new());
    let rest = drain(&mut h);
    assert_eq!(spans(&rest), [span(1_000, 1_500, "end-of-stream", false)]);
    assert_eq!(rest[0]["partial"], true);
}

#[test]
fn a_segment_places_results_in_stream_and_running_time() {
    init();
    let mut h = windows();
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_start(gst::ClockTime::from_seconds(100));
    segment.set_time(gst::ClockTime::from_seconds(7));
    segment.set_base(gst::ClockTime::from_seconds(50));
    h.push_event(gst::event::Segment::new(&segment));
    speak(&mut h, 0, 2_600, 100_200);
    let list = drain(&mut h);
    assert_eq!(spans(&list), [span(7_200, 8_200, "scheduled", false), span(8_200, 9_200, "scheduled", false)]);
    assert_eq!(list[0]["running_start_ns"], 50_200_000_000u64);
    assert_eq!(list[1]["running_end_ns"], 52_200_000_000u64);
}

#[test]
fn a_flush_forgets_what_was_pending() {
    let mut h = windows();
    speak(&mut h, 0, 900, 0);
    h.push_event(gst::event::FlushStart::new());
    h.push_event(gst::event::FlushStop::new(true));
    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    speak(&mut h, 300, 1_600, 5_000);
    let after = drain(&mut h);
    assert_eq!(spans(&after), [span(5_000, 6_000, "scheduled", false)]);
    // and its numbers are those of a fresh element that heard the same
    let mut fresh = windows();
    speak(&mut fresh, 300, 1_600, 5_000);
    assert_eq!(after, drain(&mut fresh));
}

#[test]
fn a_jump_in_time_cuts_and_is_told() {
    let mut h = windows();
    speak(&mut h, 0, 1_400, 0);
    speak(&mut h, 0, 1_400, 10_000);
    let list = drain(&mut h);
    assert_eq!(
        spans(&list),
        [
            span(0, 1_000, "scheduled", false),
            span(1_000, 1_400, "discont", false),
            span(10_000, 11_000, "scheduled", true),
        ]
    );
    assert_eq!(list[0]["features"], list[2]["features"], "a cut starts afresh");
    // jitter of timestamps within 40 ms is no jump
    let mut steady = windows();
    speak(&mut steady, 0, 600, 0);
    speak(&mut steady, 600, 600, 635);
    assert_eq!(spans(&drain(&mut steady)), [span(0, 1_000, "scheduled", false)]);
}

/// Every revision of the segment after a jump says so, and only that segment's.
#[test]
fn all_revisions_of_a_segment_tell_of_the_jump() {
    init();
    let mut h = Harness::new_parse("affectfeatures interval=300000000 max-length=1500000000 stream=test");
    h.set_live(false);
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
    speak(&mut h, 0, 1_600, 0);
    drain(&mut h);
    speak(&mut h, 0, 6_000, 20_000);
    h.push_event(gst::event::Eos::new());
    let list: Vec<serde_json::Value> =
        drain(&mut h).into_iter().filter(|r| r["start_ns"].as_u64().unwrap() >= 20_000_000_000).collect();
    let first = &list[0]["segment_id"];
    let revisions = list.iter().filter(|r| r["segment_id"] == *first).count();
    assert!(revisions >= 3 && revisions < list.len(), "{:?}", spans(&list));
    for r in &list {
        assert_eq!(r["discont"] == true, r["segment_id"] == *first, "{:?}", spans(&list));
    }
}

#[test]
fn short_gaps_are_bridged_and_long_ones_cut() {
    let mut h = windows();
    let gap = |at: u64, ms: u64| {
        gst::event::Gap::builder(gst::ClockTime::from_mseconds(at)).duration(gst::ClockTime::from_mseconds(ms)).build()
    };
    speak(&mut h, 0, 500, 0);
    h.push_event(gap(500, 200));
    speak(&mut h, 500, 500, 700);
    let list = drain(&mut h);
    assert_eq!(spans(&list), [span(0, 1_000, "scheduled", false)]);
    assert!(list[0]["quality"]["skipped_frames"].as_u64().unwrap() >= 20);

    let mut h = windows();
    speak(&mut h, 0, 1_200, 0);
    h.push_event(gap(1_200, 3_000));
    speak(&mut h, 0, 1_400, 4_200);
    assert_eq!(
        spans(&drain(&mut h)),
        [span(0, 1_000, "scheduled", false), span(1_000, 1_200, "gap", false), span(4_200, 5_200, "scheduled", false)]
    );
}

#[test]
fn gap_buffers_advance_time() {
    let mut h = windows();
    speak(&mut h, 0, 500, 0);
    let mut silent = buffer(&[0; 3_200], 500);
    silent.get_mut().unwrap().set_flags(gst::BufferFlags::GAP);
    h.push(silent).unwrap();
    speak(&mut h, 500, 500, 700);
    let list = drain(&mut h);
    assert_eq!(spans(&list), [span(0, 1_000, "scheduled", false)]);
    assert!(list[0]["quality"]["skipped_frames"].as_u64().unwrap() >= 20);
}

#[test]
fn new_caps_cut_and_go_on() {
    let mut h = windows();
    speak(&mut h, 0, 1_400, 0);
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved");
    let tone: Vec<i16> = (0..12_000)
        .map(|i| ((f64::from(i) * 200.0 / 8_000.0 * std::f64::consts::TAU).sin() * 9_000.0) as i16)
        .collect();
    h.push(buffer(&tone, 1_400)).unwrap();
    let list = drain(&mut h);
    assert_eq!(
        spans(&list),
        [
            span(0, 1_000, "scheduled", false),
            span(1_000, 1_400, "reset", false),
            span(1_400, 2_400, "scheduled", false),
        ]
    );
    let pitch = list[2]["features"]["F0semitoneFrom27.5Hz_median"].as_f64().unwrap();
    assert!((pitch - 12.0 * (200.0f64 / 27.5).log2()).abs() < 0.1);
}

#[test]
fn reverse_playback_passes_audio_without_results() {
    let mut h = windows();
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_rate(-1.0);
    segment.set_stop(gst::ClockTime::from_seconds(5));
    h.push_event(gst::event::Segment::new(&segment));
    speak(&mut h, 0, 2_000, 1_000);
    assert_eq!(h.buffers_in_queue(), 100);
    assert!(drain(&mut h).is_empty());
}

#[test]
fn rates_that_cannot_be_analysed_pass_with_one_warning() {
    init();
    let mut h = Harness::new("affectfeatures");
    h.set_live(false);
    let bus = gst::Bus::new();
    h.element().unwrap().set_bus(Some(&bus));
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=4000,channels=1,layout=interleaved");
    for i in 0..20 {
        h.push(buffer(&[7; 400], 100 * i)).unwrap();
    }
    assert_eq!(h.buffers_in_queue(), 20);
    assert!(drain(&mut h).is_empty());
    let warnings: Vec<gst::Message> =
        std::iter::from_fn(|| bus.pop_filtered(&[gst::MessageType::Warning, gst::MessageType::Error])).collect();
    assert_eq!(warnings.len(), 1);
    let gst::MessageView::Warning(w) = warnings[0].view() else { panic!("{:?}", warnings[0]) };
    assert!(w.error().to_string().contains("4000 Hz"));
    h.element().unwrap().set_bus(None);
}

#[test]
fn settings_can_change_while_playing() {
    let mut h = windows();
    let element = h.find_element("affectfeatures").unwrap();
    speak(&mut h, 0, 1_400, 0);
    element.set_property("settings", "window=500000000; hop=500000000");
    assert_eq!(element.property::<u64>("window"), 500_000_000);
    speak(&mut h, 1_400, 1_000, 1_400);
    let list = drain(&mut h);
    assert_eq!(spans(&list)[1..], [span(1_000, 1_400, "reset", false), span(1_400, 1_900, "scheduled", false)]);
    // what is wrong changes nothing and is told
    for wrong in ["window=1", "window=abc", "nothing=1", "window", "stats=1", "segmentation=phrase"] {
        element.set_property("settings", wrong);
        assert_eq!(element.property::<u64>("window"), 500_000_000);
        let stats = element.property::<gst::Structure>("stats");
        assert!(stats.get::<String>("last-error").unwrap().starts_with("settings:"), "{wrong}");
    }
}

#[test]
fn settings_that_cannot_work_are_an_error_before_data_flow() {
    init();
    for (name, value) in [("feature-set", "nothing"), ("channel-mode", "left")] {
        let element = gst::ElementFactory::make("affectfeatures").property(name, value).build().unwrap();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        assert!(element.set_state(gst::State::Paused).is_err());
        let error = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
        let gst::MessageView::Error(e) = error.view() else { panic!() };
        assert!(e.error().to_string().contains(value) || e.debug().unwrap_or_default().contains(value));
        element.set_bus(None);
        element.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn the_reset_signal_starts_afresh() {
    let mut h = windows();
    let element = h.find_element("affectfeatures").unwrap();
    speak(&mut h, 0, 700, 0);
    element.emit_by_name::<()>("reset", &[]);
    speak(&mut h, 700, 1_500, 700);
    assert_eq!(spans(&drain(&mut h)), [span(700, 1_700, "scheduled", false)]);
}

/// A harness that compares windows of 3 s with the speaker, after 30 s of speech.
fn after_half_a_minute(properties: &str) -> (Harness, gst::Element) {
    init();
    let mut h = Harness::new_parse(&format!(
        "affectfeatures name=f segmentation=window window=3000000000 hop=3000000000 speaker-baseline=true {properties}"
    ));
    h.set_live(false);
    h.set_src_caps_str("audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved");
    let element = h.find_element("affectfeatures").unwrap();
    speak(&mut h, 0, 30_000, 0);
    let list = drain(&mut h);
    assert_eq!(list[0]["baseline"]["speech_s"], 0.0);
    assert_eq!(list[0]["baseline"]["memory"], "recent");
    (h, element)
}

/// 3.2 s of speech at a time, and the seconds that its last result rests on.
fn rests_on(h: &mut Harness, at_ms: u64) -> f64 {
    speak(h, 0, 3_200, at_ms);
    let list = drain(h);
    let all: Vec<f64> = list
        .iter()
        .filter(|r| r["start_ns"].as_u64().unwrap() >= at_ms.saturating_sub(1_000) * 1_000_000)
        .map(|r| r["baseline"]["speech_s"].as_f64().unwrap())
        .collect();
    *all.last().unwrap_or_else(|| panic!("{:?}", spans(&list)))
}

fn segment(rate: f64) -> gst::Event {
    let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
    segment.set_rate(rate);
    segment.set_stop(gst::ClockTime::from_seconds(1_000));
    gst::event::Segment::new(&segment)
}

/// Its name, and what it does.
type Interruption<'a> = (&'a str, &'a dyn Fn(&mut Harness, &gst::Element));

/// Only a reset, or another name, makes the element forget the speaker.
#[test]
fn the_speaker_outlives_what_interrupts() {
    let gap = gst::event::Gap::builder(gst::ClockTime::from_seconds(30)).duration(gst::ClockTime::from_mseconds(600));
    let gap = gap.build();
    let silence = || {
        let mut b = buffer(&[0; 9_600], 30_000);
        b.get_mut().unwrap().set_flags(gst::BufferFlags::GAP);
        b
    };
    let done = gst::event::SegmentDone::new(gst::ClockTime::from_seconds(30));
    let interruptions: [Interruption<'_>; 7] = [
        ("a gap event", &|h, _| assert!(h.push_event(gap.clone()))),
        ("a gap buffer", &|h, _| assert!(h.push(silence()).is_ok())),
        ("a jump", &|_, _| {}),
        ("SEGMENT_DONE", &|h, _| assert!(h.push_event(done.clone()))),
        ("reverse playback", &|h, _| {
            assert!(h.push_event(segment(-1.0)));
            assert!(h.push_event(segment(1.0)));
        }),
        ("a flush", &|h, _| {
            h.push_event(gst::event::FlushStart::new());
            h.push_event(gst::event::FlushStop::new(true));
            h.push_event(segment(1.0));
        }),
        ("other settings", &|_, e| e.set_property("vad-threshold", 0.6)),
    ];
    for (name, interrupt) in interruptions {
        let (mut h, element) = after_half_a_minute("");
        interrupt(&mut h, &element);
        let known = rests_on(&mut h, 30_600);
        assert!(known > 20.0, "{name}: {known}");
    }
    let (mut h, element) = after_half_a_minute("speakers=anna");
    element.set_property("speakers", "anna,bert");
    assert!(rests_on(&mut h, 31_000) > 20.0, "the first channel's speaker is the same");
    element.set_property("speakers", "carla");
    assert_eq!(rests_on(&mut h, 36_000), 0.0);
    // Another stream has times of its own, whatever it is called; a name is known again there, and nobody else is.
    for (properties, known) in [("stream=call", false), ("stream=call speakers=anna", true)] {
        let (mut h, _) = after_half_a_minute(properties);
        assert!(h.push_event(gst::event::StreamStart::new("another")));
        assert!(h.push_event(segment(1.0)));
        // What was open in the stream before has come ahead of this one.
        drain(&mut h);
        let first = rests_on(&mut h, 0);
        assert_eq!(first > 20.0, known, "{properties}: {first}");
        assert!(rests_on(&mut h, 3_200) > first, "{properties}: it learns on");
    }
    let (mut h, element) = after_half_a_minute("");
    element.emit_by_name::<()>("reset", &[]);
    assert_eq!(rests_on(&mut h, 31_000), 0.0);
}

#[test]
fn what_is_attached_and_posted_can_be_chosen() {
    let file = root().join(CALL);
    let run = |properties: &str| {
        let ran = launch(&format!(
            "filesrc location={} ! wavparse ! affectfeatures {properties} ! appsink name=out",
            file.display()
        ));
        (ran.results.len(), ran.messages.len())
    };
    let all = library(CALL, Segmentation::Utterances(UtteranceConfig::default()));
    let finals = all.iter().filter(|r| !r.partial).count();
    assert!(finals < all.len());
    assert_eq!(run(""), (all.len(), all.len()));
    assert_eq!(run("attach=final post-messages=false"), (finals, 0));
    assert_eq!(run("attach=none post=final"), (0, finals));
    let library_without =
        library(CALL, Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() }));
    assert_eq!(run("interval=0"), (library_without.len(), library_without.len()));
}

#[test]
fn messages_follow_the_conventions_of_analysers() {
    let file = root().join(CLIP);
    let ran = launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures segmentation=file stream=clip ! appsink name=out",
        file.display()
    ));
    let m = &ran.messages[0];
    assert_eq!(m.name(), "affect-result");
    let (start, end) = (m.get::<u64>("start-time").unwrap(), m.get::<u64>("end-time").unwrap());
    assert_eq!((start, end), (0, wav(CLIP).0.len() as u64 * 62_500));
    assert_eq!(m.get::<u64>("stream-time").unwrap(), start);
    assert_eq!(m.get::<u64>("timestamp").unwrap(), start);
    assert_eq!(m.get::<u64>("duration").unwrap(), end - start);
    assert_eq!(m.get::<u64>("endtime").unwrap(), end);
    assert_eq!(m.get::<u64>("running-time").unwrap(), 0);
    assert_eq!(json(m)["stream"], "clip");
}

#[test]
fn roles_and_channels() {
    let file = root().join(CALL);
    let ran = launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures segmentation=file channel-roles=agent,caller channel-mode=1 ! \
         appsink name=out",
        file.display()
    ));
    assert_eq!(ran.results.len(), 1);
    assert_eq!(json(&ran.results[0])["channel"], serde_json::json!({"index": 1, "role": "caller"}));
    let mixed = launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures segmentation=file channel-mode=mix ! appsink name=out",
        file.display()
    ));
    assert_eq!(json(&mixed.results[0])["channel"]["index"], serde_json::Value::Null);
}

#[test]
fn reference_timestamps_are_carried() {
    let mut h = windows();
    let (audio, _, _) = wav(CLIP);
    let clock = gst::Caps::new_empty_simple("timestamp/x-ntp");
    for i in 0..80u64 {
        let mut b = buffer(&audio[i as usize * 320..(i as usize + 1) * 320], 20 * i);
        gst::ReferenceTimestampMeta::add(
            b.get_mut().unwrap(),
            &clock,
            gst::ClockTime::from_seconds(4_000_000) + gst::ClockTime::from_mseconds(20 * i),
            gst::ClockTime::NONE,
        );
        h.push(b).unwrap();
    }
    let list = drain(&mut h);
    assert_eq!(
        list[0]["reference"],
        serde_json::json!({"clock": "timestamp/x-ntp", "start_ns": 4_000_000_000_000_000u64})
    );
}

#[test]
fn a_second_stream_has_a_name_of_its_own() {
    init();
    let mut h = Harness::new_parse("affectfeatures segmentation=file");
    h.set_live(false);
    h.push_event(gst::event::StreamStart::new("one"));
    h.push_event(gst::event::Caps::new(
        &"audio/x-raw,format=S16LE,rate=16000,channels=1,layout=interleaved".parse::<gst::Caps>().unwrap(),
    ));
    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    speak(&mut h, 0, 500, 0);
    h.push_event(gst::event::StreamStart::new("two"));
    h.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    speak(&mut h, 0, 500, 0);
    h.push_event(gst::event::Eos::new());
    let list = drain(&mut h);
    assert_eq!(list.iter().map(|v| v["stream"].as_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
    assert_ne!(list[0]["id"], list[1]["id"]);
}

#[test]
fn statistics_count() {
    let mut h = windows();
    speak(&mut h, 0, 2_600, 0);
    let results = drain(&mut h).len() as u64;
    let stats = h.find_element("affectfeatures").unwrap().property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("results").unwrap(), results);
    assert_eq!(stats.get::<u64>("attached").unwrap(), results);
    assert_eq!(stats.get::<u64>("audio-time").unwrap(), 2_600_000_000);
    assert!(stats.get::<f64>("real-time-factor").unwrap() > 1.0);
    // decision, smoothing and one buffer
    let delay = stats.get::<u64>("max-result-delay").unwrap();
    assert!((20_000_000..=480_000_000).contains(&delay), "{delay}");
}

#[test]
fn documentation_is_complete() {
    init();
    let names: Vec<_> = gst::Registry::get().features_by_plugin("affect").iter().map(|f| f.name()).collect();
    assert!(names.iter().any(|n| n == "affectscore") && names.len() >= 4, "{names:?}");
    for name in names {
        let element = gst::ElementFactory::make(&name).build().unwrap();
        let factory = element.factory().unwrap();
        for key in ["long-name", "klass", "description", "author"] {
            assert!(!factory.metadata(key).unwrap_or_default().is_empty(), "{name} {key}");
        }
        for p in element.list_properties() {
            assert!(p.blurb().is_some_and(|b| b.len() > 5) && !p.nick().is_empty(), "{name} {}", p.name());
        }
    }
}
