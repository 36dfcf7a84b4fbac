//! What lies outside a segment does not move its values, and neither does what is missing inside it.

mod common;
#[path = "common/voice.rs"]
mod voice;

use affect::analyzer::{Analyzer, Config, FeatureSet, Segmentation, WindowConfig};
use affect::record::Record;
use affect::signal::samples::Samples;
use common::{functionals, keep, records};
use voice::{Recipe, VOWELS, make};

const SECOND: usize = 16_000;

/// The window from 1 to 2 s.
fn window(x: &[f32]) -> Record {
    let segmentation = Segmentation::Windows(WindowConfig { length: SECOND as u64, hop: SECOND as u64 });
    let config = Config { sets: vec![FeatureSet::AffectV1], segmentation, ..Config::default() };
    let mut analyzer = Analyzer::new(config, SECOND as u32, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.finish(&mut keep(&mut out));
    records(&out)[1].clone()
}

/// A voice inside, another voice or noise around it: only what has a past may notice, and hardly.
#[test]
fn what_lies_outside_does_not_matter() {
    let long = |f0_hz, vowel| make(&Recipe { seconds: 3.0, ..Recipe::steady(f0_hz, VOWELS[vowel]) }).samples;
    let inside = long(130.0, 0);
    let around = |other: &dyn Fn(usize) -> f32| {
        let x: Vec<f32> = (0..3 * SECOND).map(|i| if i / SECOND == 1 { inside[i] } else { other(i) }).collect();
        window(&x)
    };
    let alone = around(&|i| inside[i]);
    assert!(alone.value("F0_Hz_median").is_some_and(|hz| (hz - 130.0).abs() < 0.5));
    let other = long(165.0, 1);
    let noise = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 16) as f32 / 655_360.0 - 0.05;
    for (name, got) in [("voice", around(&|i| other[i])), ("noise", around(&noise)), ("silence", around(&|_| 0.0))] {
        for (a, b) in alone.features.iter().zip(&got.features) {
            // The level of the loud parts, the average of three cepstra, the marks of the periods and the filter that removes
            // the offset have a past; the last one moves things by a thousandth, of 1 at least.
            let tolerance = match a.name.as_ref() {
                "voicingProbability_mean" => 0.005,
                "jitterLocal_percent_mean" | "jitterPPQ5_percent" => 0.05,
                n if n.starts_with("CPPS") => 0.2,
                "shimmerLocal_dB_mean" => 0.25,
                // Of values that are spread by a third of a decibel.
                "HNR_dB_iqr" => 0.005,
                // A straight line through bins that are nearly empty below the first harmonic.
                n if n.starts_with("slope0-500") => 0.2,
                "shimmerAPQ5_percent" => 2.0,
                _ => 1e-3 * a.value.map_or(0.0, f32::abs).max(1.0),
            };
            let difference = a.value.zip(b.value).map(|(x, y)| (x - y).abs());
            assert!(
                a.value == b.value || difference.is_some_and(|d| d <= tolerance),
                "{name}: {} is {:?}, alone {:?}",
                a.name,
                b.value,
                a.value
            );
        }
    }
}

/// A steady voice that grows by 10 dB per second, with 300 ms of it missing: what is left says the same, at its true times.
#[test]
fn what_is_missing_is_not_closed_up() {
    let voice = make(&Recipe { seconds: 2.0, ..Recipe::steady(130.0, VOWELS[0]) }).samples;
    let grown = |i: usize| 0.2 * voice[i] * 10f32.powf(0.5 * i as f32 / SECOND as f32);
    let whole: Vec<f32> = (800..voice.len() - 800).map(grown).collect();
    let mut holed = whole.clone();
    holed[14_000..14_000 + 4_800].fill(f32::NAN);
    let (whole, holed) = (functionals(&whole), functionals(&holed));
    assert!(holed.quality.unwrap().skipped_frames >= 30);
    let value = |r: &Record, name: &str| f64::from(r.value(name).unwrap_or_else(|| panic!("{name} is undefined")));
    for r in [&whole, &holed] {
        assert!((value(r, "levelDeclination_dBPerS") - 10.0).abs() < 0.1, "{}", value(r, "levelDeclination_dBPerS"));
        assert_eq!((value(r, "voiced_share"), value(r, "pausesPerSec")), (1.0, 0.0));
    }
    for (name, tolerance) in [
        ("F0_Hz_median", 0.05),
        ("F0semitone_stddev", 0.01),
        ("F1frequency_Hz_median", 2.0),
        ("F2frequency_Hz_median", 2.0),
        ("F3frequency_Hz_median", 5.0),
        ("HNR_dB_median", 0.5),
        ("CPPS_dB_median", 0.5),
        ("jitterLocal_percent_mean", 0.05),
        ("shimmerLocal_dB_mean", 0.1),
        ("mfcc1_deltaStddev", 0.5),
    ] {
        let (a, b) = (value(&whole, name), value(&holed, name));
        assert!((a - b).abs() < tolerance, "{name}: {b}, {a} without a hole");
    }
    assert_eq!(holed.value("F0finalMovement_st").is_some(), whole.value("F0finalMovement_st").is_some());
}
