//! `affect alter`: what is written, what is said of it, and what is refused.

mod common;

use common::{CALL, CLIP, Folder, affect, said};
use serde_json::Value;
use std::path::Path;

fn wav(path: &Path) -> (hound::WavSpec, Vec<i16>) {
    let mut reader = hound::WavReader::open(path).unwrap();
    (reader.spec(), reader.samples::<i16>().map(Result::unwrap).collect())
}

fn lines(out: &std::process::Output) -> Vec<Value> {
    String::from_utf8_lossy(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_dose_is_written_and_told() {
    let folder = Folder::new("alter");
    let place = folder.at("higher.wav");
    let path = place.to_str().unwrap();
    let out = affect(&["alter", CLIP, "--f0", "+2st", "--tilt", "-3dB/oct", "--out", path, "--format", "jsonl"]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let told = lines(&out);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0]["schema"].as_str(), told[0]["channel"].as_u64()), (Some("affect.alteration/1"), Some(0)));
    let doses = told[0]["doses"].as_array().unwrap();
    for (dose, (property, unit, asked)) in doses.iter().zip([("f0", "st", 2.0), ("tilt", "dB/oct", -3.0)]) {
        assert_eq!((dose["property"].as_str(), dose["unit"].as_str()), (Some(property), Some(unit)));
        assert_eq!(dose["asked"].as_f64(), Some(asked));
        assert!((dose["came"].as_f64().unwrap() - asked).abs() < 0.3, "{dose}");
    }
    assert!(told[0]["moved"]["voice-quality"].is_number() && told[0]["features"].as_array().unwrap().len() > 100);
    let mut reader = hound::WavReader::open(&place).unwrap();
    let (spec, samples) = (reader.spec(), reader.samples::<f32>().map(Result::unwrap).collect::<Vec<_>>());
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 16_000, 32));
    assert_eq!(samples.len(), wav(&common::root().join(CLIP)).1.len());
    // The same in words, beside the file that is there: that is not replaced.
    let again = affect(&["alter", CLIP, "--f0", "2", "--out", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("is not replaced"), "{}", said(&again));
    let other = folder.at("other.wav");
    let words = affect(&["alter", CLIP, "--f0", "2", "--out", other.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(text.contains("asked 2st, came 2.0") || text.contains("asked 2st, came 1.9"), "{text}");
    assert!(text.contains("voice quality"), "{text}");
}

/// One channel of a call; the other stays, bit for bit. Neutral doses give the file back.
#[test]
fn one_channel_of_many() {
    let folder = Folder::new("alter-channel");
    let place = folder.at("call.wav");
    let path = place.to_str().unwrap();
    let out = affect(&[
        "alter",
        CALL,
        "--channel",
        "1",
        "--level",
        "-6",
        "--out",
        path,
        "--format",
        "jsonl",
        "--sample-format",
        "s16",
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let (own, altered) = (wav(&common::root().join(CALL)).1, wav(&place).1);
    assert_eq!(own.len(), altered.len());
    let gain = 10f64.powf(-0.3);
    for (a, b) in own.chunks(2).zip(altered.chunks(2)) {
        assert_eq!(a[0], b[0]);
        assert!((f64::from(a[1]) * gain - f64::from(b[1])).abs() <= 0.51);
    }
    let came = lines(&out)[0]["doses"][0]["came"].as_f64().unwrap();
    assert!((came + 6.0).abs() < 0.05, "{came}");
    let same = folder.at("same.wav");
    let out =
        affect(&["alter", CALL, "--f0", "0", "--rate", "1", "--out", same.to_str().unwrap(), "--sample-format", "s16"]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    assert!(wav(&same).1 == own);
}

#[test]
fn lists_of_doses_make_versions() {
    let folder = Folder::new("alter-list");
    let place = folder.at("versions");
    let out = affect(&[
        "alter",
        CLIP,
        "--f0",
        "-2,0,+2",
        "--f0-range",
        "0.5,1",
        "--quiet",
        "--out",
        place.to_str().unwrap(),
        "--format",
        "jsonl",
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let told = lines(&out);
    assert_eq!(told.len(), 6);
    let mut names: Vec<String> =
        std::fs::read_dir(&place).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let stem = Path::new(CLIP).file_stem().unwrap().to_str().unwrap();
    let mut expected: Vec<String> =
        ["-2", "+0", "+2"].iter().flat_map(|f| ["0.5", "1"].map(|r| format!("{stem}.f0{f}.f0-range{r}.wav"))).collect();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_written() {
    let folder = Folder::new("alter-wrong");
    let place = folder.at("x.wav");
    let path = place.to_str().unwrap();
    for (words, expected) in [
        (vec!["alter", CLIP, "--out", path], "expected a dose"),
        (
            vec!["alter", CLIP, "--f0", "high", "--out", path],
            "\"high\" is no dose of f0: expected a number, such as +2st",
        ),
        (vec!["alter", CLIP, "--f0", "40", "--out", path], "expected -12 to 12st"),
        (vec!["alter", CLIP, "--rate", "-1", "--out", path], "expected 0.5 to 2"),
        (vec!["alter", CLIP, "--f0", "0,-0", "--out", path], "every dose of a list once"),
        (vec!["alter", CLIP, "--hnr", "3,40", "--out", path], "noise is added, never taken away"),
        (vec!["alter", CLIP, "--f0", "1", "--out", "no/such/x.wav"], "expected a folder no/such that is there"),
        (vec!["alter", CLIP, "--f0", "1,1", "--out", path], "every dose of a list once"),
        (vec!["alter", CLIP, "--f0", "1", "--out", "x.mp3"], "ends in .wav"),
        (vec!["alter", CLIP, "--f0", "1,2", "--out", CLIP], "expected a folder for 2 versions"),
        (vec!["alter", CLIP, "--f0", "1", "--out", CLIP], "is an output and"),
        (vec!["alter", CLIP, "--f0", "1", "--channel", "3", "--out", path], "--channel 3: expected 0 to 0"),
        (vec!["alter", CALL, "--rate", "1.1", "--channel", "0", "--out", path], "expected all channels"),
        (vec!["alter", CLIP, "--hnr", "40", "--out", path], "noise is added, never taken away"),
        (vec!["alter", CLIP, "--level", "40", "--sample-format", "s16", "--out", path], "lie beyond full scale"),
        (vec!["alter", "nothing.wav", "--f0", "1", "--out", path], "nothing.wav"),
    ] {
        let out = affect(&words);
        assert_eq!(out.status.code(), Some(1), "{words:?}: {}", said(&out));
        assert!(said(&out).contains(expected), "{words:?}: {}", said(&out));
        assert!(!place.exists() && out.stdout.is_empty(), "{words:?}");
    }
    let loud = affect(&["alter", CLIP, "--level", "40", "--out", path]);
    assert_eq!(loud.status.code(), Some(0), "{}", said(&loud));
    assert_eq!(hound::WavReader::open(&place).unwrap().spec().sample_format, hound::SampleFormat::Float);
}
