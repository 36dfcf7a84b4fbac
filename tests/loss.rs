//! Lost packets: what concealment keeps of the results, and what the record says of it.
#![cfg(feature = "model")]

mod common;

use affect::analyzer::{Analyzer, Config, Scorer, ScoringConfig, Segmentation, WindowConfig};
use affect::record::Record;
use affect::signal::samples::Samples;
use common::{keep, records, root, wav};
use std::sync::Arc;

const WINDOW_S: usize = 5;

/// Uniform numbers, 0 to 1 (splitmix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn config() -> Config {
    let model = affect::model::pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &Default::default()).unwrap();
    let scorer = Arc::new(Scorer::new(model, ScoringConfig::default()).unwrap());
    let length = (WINDOW_S * 16_000) as u64;
    Config {
        scorer: Some(scorer),
        segmentation: Segmentation::Windows(WindowConfig { length, hop: length }),
        ..Config::default()
    }
}

/// Windows of mono audio of which a share of packets of 20 ms is lost.
fn lose(config: &Config, rate: u32, audio: &[i16], share: f64, seed: u64) -> Vec<Record> {
    let mut analyzer = Analyzer::new(config.clone(), rate, 1).unwrap();
    let (mut out, mut draws) = (Vec::new(), Draws(seed));
    for packet in audio.chunks(rate as usize / 50) {
        if draws.next() < share {
            analyzer.push_missing(packet.len() as u64, &mut keep(&mut out)).unwrap();
        } else {
            analyzer.push(&Samples::s16(packet, 1).unwrap(), &mut keep(&mut out)).unwrap();
        }
    }
    analyzer.finish(&mut keep(&mut out));
    records(&out).into_iter().cloned().collect()
}

fn label(r: &Record) -> Option<&str> {
    r.scored.as_ref()?.emotion.label.as_deref()
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

/// How the results of lossy audio compare: equal labels, compared windows, and median relative errors.
#[derive(Debug)]
struct Outcome {
    same: usize,
    windows: usize,
    errors: Vec<(&'static str, f64)>,
}

const COMPARED: [&str; 7] = [
    "HNR_dB_median",
    "jitterLocal_percent_mean",
    "shimmerLocal_dB_mean",
    "F0_Hz_median",
    "loudness_median",
    "CPPS_dB_median",
    "F1frequency_Hz_median",
];

fn compare(config: &Config, rate: u32, audio: &[i16], share: f64, seeds: std::ops::Range<u64>) -> Outcome {
    let whole = lose(config, rate, audio, 0.0, 0);
    let mut outcome = Outcome { same: 0, windows: 0, errors: Vec::new() };
    let mut errors = vec![Vec::new(); COMPARED.len()];
    for seed in seeds {
        let lossy = lose(config, rate, audio, share, seed);
        assert_eq!(lossy.len(), whole.len());
        for (a, b) in lossy.iter().zip(&whole) {
            outcome.windows += 1;
            outcome.same += usize::from(label(a) == label(b));
            for (name, list) in COMPARED.iter().zip(&mut errors) {
                if let (Some(a), Some(b)) = (a.value(name), b.value(name).filter(|b| *b != 0.0)) {
                    list.push(f64::from((a - b).abs() / b.abs()));
                }
            }
        }
    }
    outcome.errors = COMPARED.into_iter().zip(errors).map(|(n, v)| (n, median(v))).collect();
    outcome
}

/// The caller of the shipped call.
fn caller() -> (Vec<i16>, u32) {
    let (audio, channels, rate) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    (audio.into_iter().skip(1).step_by(channels).collect(), rate)
}

/// All sentences of a corpus, joined: several voices.
fn sentences() -> (Vec<i16>, u32) {
    let list = std::fs::read_dir(root().join("tests/data/emodb")).unwrap().map(|e| e.unwrap().path());
    let mut names: Vec<_> = list.filter(|p| p.extension().is_some_and(|e| e == "wav")).collect();
    names.sort();
    (names.iter().flat_map(|n| wav(n).0).collect(), 16_000)
}

/// Shares of packets lost, and how many labels of 24 are those without loss.
const BARS: [(f64, usize); 4] = [(0.01, 21), (0.05, 20), (0.1, 20), (0.2, 19)];
/// Largest median of the relative errors of HNR and jitter.
const MOST_ERROR: f64 = 0.09;

/// `steady` is the largest share of packets lost at which the jitter of these voices keeps the bar.
fn survives(what: &str, (audio, rate): (Vec<i16>, u32), seeds: u64, steady: f64) {
    let config = config();
    for (share, least) in BARS {
        let o = compare(&config, rate, &audio, share, 0..seeds);
        println!("{what}, {share}: {} of {} labels, {:?}", o.same, o.windows, o.errors);
        assert!(o.windows >= 24 && 24 * o.same >= least * o.windows, "{what}, {share}: {} of {}", o.same, o.windows);
        let error = |name: &str| o.errors.iter().find(|e| e.0 == name).unwrap().1;
        assert!(error("HNR_dB_median") <= MOST_ERROR, "{what}, {share}: {:?}", o.errors);
        if share <= steady {
            assert!(error("jitterLocal_percent_mean") <= MOST_ERROR, "{what}, {share}: {:?}", o.errors);
        }
    }
}

/// The caller of the shipped call. With one packet in five lost the jitter of this voice moves by more than the bar: by 10 % in the median
/// of 64 windows.
#[test]
fn results_of_a_call_survive_loss() {
    survives("the call", caller(), 8, 0.1);
}

#[test]
fn results_of_other_voices_survive_loss() {
    survives("sentences", sentences(), 8, 0.2);
}

/// Where too much is lost, that is said, and no model asked.
#[test]
fn a_model_is_not_asked_about_what_is_lost() {
    let (config, (audio, rate)) = (config(), caller());
    let abstained = |share: f64| {
        let list = lose(&config, rate, &audio, share, 1);
        let why = |r: &Record| r.scored.as_ref().and_then(|s| s.emotion.abstained.clone()).unwrap_or_default();
        list.iter().filter(|r| why(r).contains("of the audio was lost")).count()
    };
    assert_eq!((abstained(0.2), abstained(0.7)), (0, 8));
}
