//! What is not speech gets no emotion, and speech is not lost: with the shipped model, from end to end.

mod common;
#[path = "common/sounds.rs"]
mod sounds;

use affect::analyzer::{Config, FeatureSet, Scorer, ScoringConfig, Segmentation, WindowConfig};
use affect::model::engine::Backend;
use affect::model::{Model, Options};
use affect::record::Record;
use affect::segment::utterance::UtteranceConfig;
use common::{clips, records, root, run, shared, wav};
use sounds::{CALL_PROGRESS, INSTRUMENTS, Random, at_level, cadence, dtmf, fsk, music, qam, telephone};
use std::sync::Arc;

const SEGMENTATIONS: [fn() -> Segmentation; 3] = [
    || Segmentation::Utterances(UtteranceConfig::default()),
    || Segmentation::Windows(WindowConfig { length: 48_000, hop: 16_000 }),
    || Segmentation::File,
];

fn config(segmentation: Segmentation) -> Config {
    let bytes = std::fs::read(root().join("models/affect-default.onnx")).unwrap();
    let model = Model::open(bytes, None, &Options { backend: Backend::Builtin, ..Options::default() }).unwrap();
    let scorer = Scorer::new(Arc::new(model), ScoringConfig::default()).unwrap();
    Config { segmentation, scorer: Some(Arc::new(scorer)), ..Config::default() }
}

fn analysed(config: &Config, rate: u32, channels: usize, audio: &[i16]) -> Vec<Record> {
    records(&run(config, rate, channels, audio, &[usize::MAX])).into_iter().cloned().collect()
}

fn scored(r: &Record) -> bool {
    r.scored.as_ref().is_some_and(|s| s.emotion.abstained.is_none())
}

/// Segments and those that got a score, over both rates, two levels and all ways of segmenting.
fn count(name: &str, x: &[f64], totals: &mut (usize, usize)) {
    for segmentation in SEGMENTATIONS {
        let config = config(segmentation());
        for level in [-6.0, -30.0] {
            for (rate, audio) in [(16_000, at_level(x, level)), (8_000, at_level(&telephone(x), level))] {
                for r in analysed(&config, rate, 1, &audio) {
                    let quality = r.quality.unwrap();
                    totals.0 += 1;
                    if scored(&r) {
                        totals.1 += 1;
                        println!("scored: {name}, {rate} Hz, {level} dB, {} {}..{}", r.segment, r.start_ns, r.end_ns);
                    } else if quality.not_speech {
                        let emotion = &r.scored.as_ref().unwrap().emotion;
                        assert_eq!(emotion.abstained.as_deref(), Some("not-speech"));
                        assert!(emotion.probabilities.is_empty() && emotion.label.is_none());
                        let length = (r.end_ns - r.start_ns) as f32 * 1e-9;
                        assert!(quality.speech_s.unwrap() <= 0.5 * length, "{name}: {quality:?}");
                        assert!(r.to_json().contains("\"reason\":\"not-speech\""));
                    }
                }
            }
        }
    }
}

#[test]
fn tones_of_the_telephone_are_not_scored() {
    let mut totals = (0, 0);
    for (name, turn) in CALL_PROGRESS {
        count(name, &cadence(turn, 7.0), &mut totals);
    }
    assert!(totals.0 > 200, "{totals:?}");
    assert_eq!(totals.1, 0, "of {}", totals.0);
}

#[test]
fn dialling_fax_and_modems_are_not_scored() {
    let r = &mut Random(7);
    let mut totals = (0, 0);
    for (on, off) in [(0.05, 0.05), (0.1, 0.1), (0.2, 0.1), (0.1, 0.25)] {
        let x = dtmf(on, off, 5.0, r);
        count("touch tones", &x, &mut totals);
    }
    count("CNG", &cadence(&[(&[1100.0], 0.5), (&[], 3.0)], 8.0), &mut totals);
    count("CED", &cadence(&[(&[2100.0], 1.0)], 4.0), &mut totals);
    count("V.21 flags", &fsk(1650.0, 1850.0, 300.0, 4.0, |k| k % 8 != 0 && k % 8 != 7), &mut totals);
    count("V.21", &fsk(980.0, 1180.0, 300.0, 4.0, |_| r.below(2) == 0), &mut totals);
    count("V.23", &fsk(1300.0, 2100.0, 1200.0, 4.0, |_| r.below(2) == 0), &mut totals);
    count("V.32 AC", &cadence(&[(&[600.0, 3000.0], 0.3), (&[1800.0], 0.3)], 4.0), &mut totals);
    for (carrier, baud) in [(1200.0, 600.0), (2400.0, 600.0), (1800.0, 2400.0), (1829.0, 3000.0)] {
        let x = qam(carrier, baud, 4.0, r);
        count("scrambled carrier", &x, &mut totals);
    }
    assert!(totals.0 > 100, "{totals:?}");
    assert_eq!(totals.1, 0, "of {}", totals.0);
}

#[test]
fn notes_and_chords_are_not_scored() {
    let r = &mut Random(11);
    let mut totals = (0, 0);
    for instrument in INSTRUMENTS {
        for chords in [false, true] {
            for bpm in [70.0, 110.0, 150.0] {
                let x = music(instrument, chords, bpm, 9.0, r);
                count(&format!("{instrument:?}, chords {chords}, {bpm} bpm"), &x, &mut totals);
            }
        }
    }
    assert!(totals.0 > 400, "{totals:?}");
    assert!(totals.1 * 200 <= totals.0, "{totals:?}");
}

#[test]
fn noise_and_hum_are_not_scored() {
    let r = &mut Random(13);
    let mut totals = (0, 0);
    let mut slow = 0.0;
    let n = 6 * 16_000;
    let white: Vec<f64> = (0..n).map(|_| r.noise()).collect();
    let brown: Vec<f64> = white
        .iter()
        .map(|x| {
            slow = 0.98 * slow + x;
            slow
        })
        .collect();
    let hum = |hz: f64| {
        let of = |i: usize| {
            (1..12)
                .map(|k| (std::f64::consts::TAU * hz * f64::from(k) * i as f64 / 16e3).sin() / f64::from(k))
                .sum::<f64>()
        };
        white.iter().enumerate().map(|(i, w)| of(i) + 0.05 * w).collect::<Vec<_>>()
    };
    for (name, x) in [("white", &white), ("brown", &brown), ("50 Hz", &hum(50.0)), ("60 Hz", &hum(60.0))] {
        count(name, x, &mut totals);
    }
    assert!(totals.0 > 60, "{totals:?}");
    assert_eq!(totals.1, 0, "of {}", totals.0);
}

/// Two to sixteen clicks a second, as strong as speech, which a telephone line rounds.
#[test]
fn clicks_are_not_scored() {
    let r = &mut Random(17);
    let mut totals = (0, 0);
    for gap in [1_000, 2_000, 4_000, 8_000] {
        let clicks: Vec<f64> = (0..6 * 16_000)
            .map(|_| {
                let w = r.noise();
                if r.below(gap) == 0 { 20.0 * w } else { 0.01 * w }
            })
            .collect();
        count(&format!("clicks, one in {gap} samples"), &clicks, &mut totals);
    }
    assert!(totals.0 > 60, "{totals:?}");
    assert_eq!(totals.1, 0, "of {}", totals.0);
}

#[test]
fn recorded_speech_stays_speech() {
    for path in clips() {
        let (audio, channels, rate) = wav(&path);
        for segmentation in SEGMENTATIONS {
            let mut seen = 0;
            for r in analysed(&config(segmentation()), rate, channels, &audio) {
                let q = r.quality.unwrap();
                // The line alone, 45 dB below the voices of the call, is none.
                if q.level_dbfs.unwrap() < -60.0 {
                    continue;
                }
                // Windows in which the detector hears a word or less tell too little to be held to.
                let short = r.segment == affect::record::SegmentKind::Window && q.speech_s.unwrap() < 1.0;
                let where_ = format!("{} {} {}..{}", path.display(), r.segment, r.start_ns, r.end_ns);
                assert!(!q.not_speech || short, "{where_}");
                seen += 1;
            }
            assert!(seen > 0, "{}", path.display());
        }
    }
}

/// The decision hangs on the sound alone: not on the sets that are asked for, nor on how the samples came.
#[test]
fn sets_and_blocks_do_not_matter() {
    let busy = at_level(&cadence(&[(&[425.0], 0.48), (&[], 0.48)], 5.0), -12.0);
    let (speech, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    for audio in [busy, speech] {
        for segmentation in SEGMENTATIONS {
            let of = |sets: &[FeatureSet], cuts: &[usize]| -> Vec<_> {
                let config = Config { sets: sets.to_vec(), segmentation: segmentation(), ..Config::default() };
                let kept = run(&config, 16_000, 1, &audio, cuts);
                let list = records(&kept);
                let one = list.iter().filter(|r| r.feature_set == sets[0].name());
                one.map(|r| (r.start_ns, r.revision, r.quality.unwrap().not_speech, r.quality.unwrap().speech_s))
                    .collect()
            };
            let expected = of(&[FeatureSet::AffectV1], &[usize::MAX]);
            assert!(!expected.is_empty());
            assert_eq!(of(&[FeatureSet::AffectV1], &[7, 160, 1]), expected);
            assert_eq!(of(&[FeatureSet::EgemapsV02], &[333]), expected);
            assert_eq!(of(&FeatureSet::ALL, &[4_000]), expected);
        }
    }
}

#[test]
fn faults_that_were_scored() {
    for name in ["busy425_5s.wav", "comfort_noise_5s.wav"] {
        let Some(path) = shared(&format!("faults/{name}")) else { return };
        let (audio, channels, rate) = wav(&path);
        for segmentation in SEGMENTATIONS {
            let found = analysed(&config(segmentation()), rate, channels, &audio);
            assert!(found.iter().all(|r| !scored(r)), "{name}");
        }
    }
}
