//! What is usual for a speaker: how long it is remembered, and that every second counts once.

mod common;

use affect::analyzer::{Analyzer, Config, Segmentation, Speakers, WindowConfig, two_pass};
use affect::features::baseline::{Baseline, Population};
use affect::record::{Ended, Memory, Record, SegmentKind};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use common::{Kept, keep, root, wav};
use std::sync::Arc;

const RATE: usize = 16_000;

/// So many seconds of one speaker.
fn speech(seconds: usize) -> Vec<i16> {
    let clips = ["16a01Lb", "16a01Tb", "16a01Wb", "16a04Fa"];
    let all = clips.iter().flat_map(|c| wav(&root().join(format!("tests/data/emodb/{c}.wav"))).0);
    let once: Vec<i16> = all.collect();
    once.iter().copied().cycle().take(seconds * RATE).collect()
}

fn windows(hop_s: u64) -> Segmentation {
    Segmentation::Windows(WindowConfig { length: 3 * RATE as u64, hop: hop_s * RATE as u64 })
}

fn analyzer(segmentation: Segmentation) -> Analyzer {
    Analyzer::new(Config { segmentation, baseline: true, ..Config::default() }, RATE as u32, 1).unwrap()
}

fn push(a: &mut Analyzer, audio: &[i16]) -> Vec<Record> {
    let mut out = Vec::new();
    a.push(&Samples::s16(audio, 1).unwrap(), &mut keep(&mut out)).unwrap();
    finals(out)
}

fn cut(a: &mut Analyzer, reason: Ended, origin_ns: u64) -> Vec<Record> {
    let mut out = Vec::new();
    a.cut(reason, origin_ns, &mut keep(&mut out));
    finals(out)
}

fn finals(out: Vec<Kept>) -> Vec<Record> {
    let record = |k: Kept| if let Kept::Segment(r) = k { Some(*r) } else { None };
    out.into_iter().filter_map(record).filter(|r| r.ended != Ended::Open).collect()
}

fn rests_on(r: &Record) -> f32 {
    r.baseline.as_ref().unwrap().speech_s
}

/// Records that were made without a baseline and compared afterwards are those of an analyzer that compares; who has another name, and
/// who has none in another stream, is somebody else.
#[test]
fn comparing_afterwards_is_comparing_at_once() {
    let audio = speech(30);
    let utterances =
        Segmentation::Utterances(UtteranceConfig { max_length: 5 * RATE as u64, ..UtteranceConfig::default() });
    for segmentation in [windows(3), windows(1), utterances] {
        let named = |name: &str| Config { segmentation, speakers: vec![name.into()], ..Config::default() };
        let heard = |config: Config| push(&mut Analyzer::new(config, RATE as u32, 1).unwrap(), &audio);
        let wanted = heard(Config { baseline: true, ..named("anna") });
        let plain = heard(named("anna"));
        let mut speakers = Speakers::default();
        let compared = |speakers: &mut Speakers, name: &str| {
            let mut list = plain.clone();
            list.iter_mut().for_each(|r| speakers.apply(&named(name), r));
            list
        };
        let first = compared(&mut speakers, "anna");
        assert!(first.len() > 2, "{segmentation:?}");
        for (a, b) in first.iter().zip(&wanted) {
            assert_eq!(a.baseline, b.baseline, "{segmentation:?}");
        }
        // The same times again are nothing new, but are compared with all that was heard.
        assert!(rests_on(&compared(&mut speakers, "anna")[0]) >= rests_on(first.last().unwrap()));
        assert_eq!(rests_on(&compared(&mut speakers, "ben")[0]), 0.0);
        compared(&mut speakers, "");
        assert!(rests_on(&compared(&mut speakers, "")[0]) > 0.0);
        speakers.next_stream();
        assert_eq!(rests_on(&compared(&mut speakers, "")[0]), 0.0);
        // What has been compared already stays as it is.
        let mut again = wanted.clone();
        again.iter_mut().for_each(|r| Speakers::default().apply(&named("anna"), r));
        assert_eq!(again, wanted);
    }
}

#[test]
fn a_baseline_outlives_gaps_and_cuts() {
    for segmentation in [windows(3), windows(1), Segmentation::Utterances(UtteranceConfig::default())] {
        let mut a = analyzer(segmentation);
        let first = push(&mut a, &speech(30));
        assert_eq!(rests_on(&first[0]), 0.0);
        cut(&mut a, Ended::Gap, 0);
        a.restart(30_600_000_000);
        push(&mut a, &speech(3));
        let last = cut(&mut a, Ended::EndOfStream, 0);
        let all: Vec<&Record> = last.iter().collect();
        let known = a.baseline(Some(0)).unwrap().speech_s();
        assert!(known > 20.0, "{known}");
        for r in all {
            assert!(rests_on(r) > 20.0, "{}", rests_on(r));
            assert_eq!(r.baseline.as_ref().unwrap().memory, Memory::Recent);
        }
        // The same times once more, after a seek: nothing new.
        a.restart(0);
        push(&mut a, &speech(12));
        assert!((a.baseline(Some(0)).unwrap().speech_s() - known).abs() < 3.0);
        a.reset();
        assert_eq!(a.baseline(Some(0)).unwrap().speech_s(), 0.0);
    }
}

#[test]
fn a_baseline_set_by_hand_stays_until_a_reset() {
    let mut known = Baseline::new(Population::affect());
    known.push(&vec![Some(1.0); known.names().len()], 40.0);
    let mut a = analyzer(windows(3));
    assert!(a.set_baseline(Some(0), known.clone()));
    a.restart(5);
    cut(&mut a, Ended::Discont, 7);
    assert_eq!(a.baseline(Some(0)), Some(&known));
    a.forget_speakers();
    assert_eq!(a.baseline(Some(0)).unwrap().speech_s(), 0.0);
    // What was learnt elsewhere is not mistaken for this stream.
    push(&mut a, &speech(6));
    let heard = a.baseline(Some(0)).unwrap().clone();
    assert!(a.set_baseline(Some(0), known));
    a.restart(0);
    push(&mut a, &speech(6));
    assert!((a.baseline(Some(0)).unwrap().speech_s() - 40.0 - heard.speech_s()).abs() < 1e-6);
}

#[test]
fn names_tell_who_goes_on() {
    let with = |stream: &str, speaker: &str| {
        let config = Config {
            segmentation: windows(3),
            baseline: true,
            stream: stream.into(),
            speakers: vec![Arc::from(speaker)],
            ..Config::default()
        };
        Analyzer::new(config, RATE as u32, 1).unwrap()
    };
    let known = |a: &Analyzer| a.baseline(Some(0)).unwrap().speech_s();
    for (name, next, next_stream, goes_on) in [
        ("", "", "one", true),
        ("", "", "two", false),
        ("anna", "anna", "one", true),
        ("anna", "anna", "two", true),
        ("anna", "bert", "one", false),
        ("", "anna", "one", false),
    ] {
        let mut a = with("one", name);
        push(&mut a, &speech(12));
        assert!(known(&a) > 5.0);
        let mut b = with(next_stream, next);
        b.adopt(&a);
        assert_eq!(known(&b), if goes_on { known(&a) } else { 0.0 }, "{name} {next} {next_stream}");
        // In the same stream the same times are the same audio; in another they are not.
        push(&mut b, &speech(12));
        let again = known(&b) - if goes_on { known(&a) } else { 0.0 };
        assert!(
            if goes_on && next_stream == "one" { again == 0.0 } else { again > 5.0 },
            "{name} {next} {next_stream}: {again}"
        );
    }
}

/// Windows of 3 s every 1 s: the seconds that the detector finds in the whole are those that the baseline rests on.
#[test]
fn overlapping_windows_count_every_second_once() {
    let audio = speech(40);
    let whole = Analyzer::new(Config::default(), RATE as u32, 1);
    let mut whole = whole.unwrap();
    push(&mut whole, &audio);
    let truth = cut(&mut whole, Ended::EndOfStream, 0)[0].quality.unwrap().speech_s.unwrap();
    assert!(truth > 25.0);
    for hop_s in [1, 2, 3] {
        let mut a = analyzer(windows(hop_s));
        let mut records = push(&mut a, &audio);
        let live = a.baseline(Some(0)).unwrap().speech_s() as f32;
        assert!((live / truth - 1.0).abs() < 0.06, "every {hop_s} s: {live} of {truth}");
        let after = two_pass(&mut records)[&Some(0)].speech_s() as f32;
        assert!((after - live).abs() < 1e-3, "{after} {live}");
        assert!(records.iter().all(|r| rests_on(r) == after && r.baseline.as_ref().unwrap().memory == Memory::All));
    }
}

/// The middle of all that was said, not of its end.
#[test]
fn two_passes_know_the_whole_recording() {
    let mut a = analyzer(windows(3));
    let pattern = push(&mut a, &speech(6)).remove(0);
    let place = pattern.features.iter().position(|f| f.name == "F0_Hz_median").unwrap();
    let mut records: Vec<Record> = (0..200u64)
        .map(|i| {
            let mut r = pattern.clone();
            (r.start_ns, r.end_ns) = (i * 3_000_000_000, (i + 1) * 3_000_000_000);
            r.features[place].value = Some(if i < 100 { 100.0 } else { 200.0 });
            r
        })
        .collect();
    two_pass(&mut records);
    for r in &records {
        assert_eq!(r.segment, SegmentKind::Window);
        let usual = r.baseline.as_ref().unwrap().usual[place].unwrap();
        assert!((usual - 150.0).abs() < 10.0, "{usual}");
        let line: serde_json::Value = serde_json::from_str(&r.to_json()).unwrap();
        assert_eq!(line["baseline"]["memory"], "all");
        assert_eq!(Record::from_json(&r.to_json()).unwrap().baseline.unwrap().memory, Memory::All);
    }
}
