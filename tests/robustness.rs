//! Odd input: defined results, reasons instead of plausible wrong numbers, no panic.

mod common;

use affect::analyzer::{Analyzer, ChannelMode, Config, FeatureSet, Segmentation};
use affect::error::{ConfigError, InputError};
use affect::record::{Ended, Record};
use affect::signal::samples::Samples;
use common::{Kept, egemaps, egemaps_rows, keep, records, root, segmentations, wav};
use proptest::prelude::*;

fn only_egemaps() -> Config {
    Config { sets: vec![FeatureSet::EgemapsV02], ..Config::default() }
}

fn speech() -> Vec<f32> {
    let (s, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    s.iter().map(|v| f32::from(*v) / 32_768.0).collect()
}

fn all_finite(record: &Record) {
    for f in &record.features {
        match f.value {
            Some(v) => assert!(v.is_finite(), "{}", f.name),
            None => assert!(f.reason.is_some(), "{} is undefined without a reason", f.name),
        }
    }
}

#[test]
fn nothing_and_nearly_nothing() {
    for n in [0usize, 1, 2, 159, 160, 319, 320, 959] {
        let audio = vec![0.25f32; n];
        for s in segmentations() {
            let config = Config { sets: FeatureSet::ALL.to_vec(), segmentation: s, ..Config::default() };
            let mut analyzer = Analyzer::new(config, 16_000, 1).unwrap();
            let mut out = Vec::new();
            analyzer.push(&Samples::f32(&audio, 1).unwrap(), &mut keep(&mut out)).unwrap();
            analyzer.finish(&mut keep(&mut out));
            let egemaps = |k: &Kept| matches!(k, Kept::Frame(f) if f.set == FeatureSet::EgemapsV02);
            assert!(!out.iter().any(egemaps), "no rows of egemaps-v02 below 60 ms");
            for r in records(&out) {
                assert!(r.features.iter().all(|f| f.value.is_none() && f.reason.as_deref() == Some("too-short")));
            }
            if s == Segmentation::File {
                assert_eq!(out.len(), 2 * usize::from(n > 0));
            }
        }
    }
    assert_eq!(egemaps_rows(&[0.1; 960]).len(), 2);
    assert!(egemaps(&[0.1; 960]).features.iter().all(|f| f.value.is_some()));
}

#[test]
fn what_is_no_number_touches_only_its_own_frames() {
    let clean = speech();
    let expected = egemaps_rows(&clean);
    for garbage in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
        let mut x = clean.clone();
        x[16_000] = garbage;
        let got = egemaps_rows(&x);
        assert_eq!(got.len(), expected.len());
        let mut undefined = 0;
        for (k, (a, b)) in got.iter().zip(&expected).enumerate() {
            // frames of 60 ms that touch sample 16000, and their neighbours through smoothing
            if (93..=103).contains(&k) {
                undefined += usize::from(a.columns().iter().all(Option::is_none));
            } else {
                assert!(a.columns().iter().all(|v| v.is_some_and(f32::is_finite)), "row {k}");
                assert_eq!(a.columns()[..10], b.columns()[..10], "row {k}");
            }
        }
        assert!((7..=11).contains(&undefined), "{undefined}");
        let f = egemaps(&x);
        all_finite(&f);
        assert!(f.quality.unwrap().skipped_frames > 0);
        let level = |r: &Record| r.value("equivalentSoundLevel_dBp").unwrap();
        assert!((level(&f) - level(&egemaps(&clean))).abs() < 0.5);
    }
    let nothing = egemaps(&vec![f32::NAN; 16_000]);
    assert!(nothing.features.iter().all(|f| f.value.is_none() && f.reason.as_deref() == Some("bad-input")));
}

#[test]
fn denormals_are_silence() {
    let quiet = egemaps(&vec![1e-42f32; 16_000]);
    assert_eq!(quiet.features, egemaps(&[0.0; 16_000]).features);
}

#[test]
fn direct_current_and_clipping_are_survived_and_reported() {
    let offset: Vec<f32> = speech().iter().map(|x| x * 0.5 + 0.4).collect();
    all_finite(&egemaps(&offset));
    all_finite(&egemaps(&[0.7; 32_000]));
    let clipped: Vec<f32> = speech().iter().map(|x| (x * 20.0).clamp(-1.0, 1.0)).collect();
    let share = clipped.iter().filter(|x| x.abs() >= 1.0).count() as f32 / clipped.len() as f32;
    let r = egemaps(&clipped);
    all_finite(&r);
    assert!((r.quality.unwrap().clipping_share.unwrap() - share).abs() < 0.01 && share > 0.05);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Any bit patterns as floats: no panic, no number that is none.
    #[test]
    fn any_bits(bits in prop::collection::vec(any::<u32>(), 1..6_000), rate in 8_000u32..192_000) {
        let x: Vec<f32> = bits.iter().map(|b| f32::from_bits(*b)).collect();
        for s in segmentations() {
            let mut analyzer = Analyzer::new(Config { sets: FeatureSet::ALL.to_vec(), segmentation: s, ..Config::default() }, rate, 1).unwrap();
            let mut out = Vec::new();
            analyzer.push(&Samples::f32(&x, 1).unwrap(), &mut keep(&mut out)).unwrap();
            analyzer.finish(&mut keep(&mut out));
            for r in records(&out) {
                all_finite(r);
            }
            for k in &out {
                if let Kept::Frame(f) = k {
                    prop_assert!(f.columns().iter().all(|v| v.is_none_or(f32::is_finite)));
                }
            }
        }
    }
}

#[test]
fn misuse_is_refused_and_loses_nothing() {
    let bad = |rate, channels| Analyzer::new(Config::default(), rate, channels).err();
    assert_eq!(bad(7_999, 1), Some(ConfigError::Input(InputError::Rate { found: 7_999 })));
    assert_eq!(bad(16_000, 0), Some(ConfigError::Input(InputError::NoChannels)));
    let list = Config { channels: ChannelMode::List(vec![0, 5]), ..Config::default() };
    assert_eq!(Analyzer::new(list, 16_000, 2).err(), Some(ConfigError::NoSuchChannel { found: 5, channels: 2 }));
    let x = speech();
    let mut analyzer = Analyzer::new(only_egemaps(), 16_000, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(&x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    let stereo = Samples::f32(&[0.0; 4], 2).unwrap();
    assert_eq!(analyzer.push(&stereo, &mut keep(&mut out)), Err(InputError::Channels { expected: 1, found: 2 }));
    analyzer.finish(&mut keep(&mut out));
    assert_eq!(records(&out)[0].features, egemaps(&x).features);
    assert_eq!(analyzer.push(&Samples::f32(&x, 1).unwrap(), &mut keep(&mut out)), Err(InputError::Finished));
    assert_eq!(analyzer.push_missing(1, &mut keep(&mut out)), Err(InputError::Finished));
    assert_eq!(out.len(), 1);
}

#[test]
fn a_cut_hands_out_what_is_pending_and_moves_time() {
    let x = speech();
    let mut analyzer = Analyzer::new(only_egemaps(), 16_000, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(&x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.cut(Ended::Discont, 10_000_000_000, &mut keep(&mut out));
    analyzer.push(&Samples::f32(&x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.finish(&mut keep(&mut out));
    let r = records(&out);
    assert_eq!((r[0].ended, r[0].discont, r[0].start_ns), (Ended::Discont, false, 0));
    assert_eq!((r[1].ended, r[1].discont, r[1].start_ns), (Ended::EndOfStream, true, 10_000_000_000));
    assert_eq!(r[0].features, r[1].features);
    assert_ne!(r[0].id(), r[1].id());
}

#[test]
fn missing_audio_is_left_out_of_the_statistics() {
    let x = speech();
    let mut analyzer = Analyzer::new(only_egemaps(), 16_000, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(&x[..16_000], 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.push_missing(3_200, &mut keep(&mut out)).unwrap();
    analyzer.push(&Samples::f32(&x[16_000..], 1).unwrap(), &mut keep(&mut out)).unwrap();
    assert_eq!(analyzer.position_ns(), (x.len() as u64 + 3_200) * 62_500);
    analyzer.finish(&mut keep(&mut out));
    let (with, without) = (records(&out)[0], egemaps(&x));
    assert!(with.quality.unwrap().skipped_frames >= 40);
    let level = |r: &Record| r.value("equivalentSoundLevel_dBp").unwrap();
    assert!((level(with) - level(&without)).abs() < 0.3, "silence would have lowered it by 0.4 dB or more");
}

#[test]
fn an_hour_of_audio() {
    // An hour at 16 kHz in windows: the last windows equal those of the same speech heard fresh.
    use affect::analyzer::WindowConfig;
    let (clip, _, _) = wav(&root().join("tests/data/emodb/03a02Wb.wav"));
    let unit: Vec<i16> = clip[..32_000].to_vec();
    let config = Config {
        segmentation: Segmentation::Windows(WindowConfig { length: 32_000, hop: 160_000 }),
        voice_activity: false,
        ..Config::default()
    };
    let mut analyzer = Analyzer::new(config, 16_000, 1).unwrap();
    let mut values: Vec<Record> = Vec::new();
    let hour = 3_600 * 16_000 / unit.len();
    for _ in 0..hour {
        let mut out = Vec::new();
        analyzer.push(&Samples::s16(&unit, 1).unwrap(), &mut keep(&mut out)).unwrap();
        values.extend(records(&out).into_iter().cloned());
    }
    assert_eq!(values.len(), 360);
    let last = values.last().unwrap();
    assert_eq!(last.end_ns, 3_592_000_000_000);
    for (a, b) in values[1].features.iter().zip(&last.features) {
        assert_eq!(a.value, b.value, "{}", a.name);
    }
}
