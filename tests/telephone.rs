//! F0 of `affect-v1` where a line has taken the fundamental away, of pure tones, and under an offset.

mod common;
#[path = "common/voice.rs"]
mod voice;

use affect::analyzer::{Analyzer, Config};
use affect::record::Record;
use affect::signal::samples::Samples;
use common::{keep, records, root, wav};
use std::f64::consts::{PI, TAU};
use voice::{Recipe, VOWELS, make};

fn analysed(x: &[f32], rate_hz: u32) -> Record {
    let mut analyzer = Analyzer::new(Config::default(), rate_hz, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.finish(&mut keep(&mut out));
    records(&out)[0].clone()
}

/// A windowed-sinc band pass of 50 ms: steeper than any line.
fn band(x: &[f32], low_hz: f64, high_hz: f64) -> Vec<f32> {
    const HALF: isize = 400;
    let low_pass = |hz: f64, i: isize| {
        let (w, t) = (TAU * hz / 16_000.0, i as f64);
        if i == 0 { w / PI } else { (w * t).sin() / (PI * t) }
    };
    let taps: Vec<f64> = (-HALF..=HALF)
        .map(|i| {
            let fade = 0.5 * (1.0 + (PI * i as f64 / (HALF as f64 + 1.0)).cos());
            fade * (low_pass(high_hz, i) - if low_hz > 0.0 { low_pass(low_hz, i) } else { 0.0 })
        })
        .collect();
    let at = |i: isize| x.get(usize::try_from(i).unwrap_or(usize::MAX)).copied().map_or(0.0, f64::from);
    (0..x.len() as isize)
        .map(|n| taps.iter().enumerate().map(|(k, t)| t * at(n + HALF - k as isize)).sum::<f64>() as f32)
        .collect()
}

/// Five vowels, twelve voices, four bands, at 8 kHz: the median within 1 % and no octave error.
#[test]
fn vowels_without_their_low_harmonics() {
    let mut wrong = Vec::new();
    for low_hz in [0.0, 200.0, 300.0, 400.0] {
        for f0 in [60.0, 75.0, 95.0, 120.0, 150.0, 185.0, 220.0, 260.0, 310.0, 370.0, 440.0, 500.0] {
            for vowel in VOWELS {
                let x = band(&make(&Recipe { seconds: 0.8, ..Recipe::steady(f0, vowel) }).samples, low_hz, 3400.0);
                let slow: Vec<f32> = x.iter().step_by(2).copied().collect();
                let r = analysed(&slow, 8_000);
                let hz = r.value("F0_Hz_median").map_or(f64::NAN, f64::from);
                let range = r.value("F0semitone_range5-95").map_or(f64::NAN, f64::from);
                if (hz / f0 - 1.0).abs() > 0.01 || hz.is_nan() || range > 1.0 {
                    wrong.push(format!(
                        "/{}/ {f0} Hz from {low_hz} Hz: {hz:.1} Hz, range {range:.1} semitones",
                        vowel.name
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 240:\n{}", wrong.len(), wrong.join("\n"));
}

/// Pure tones from 60 to 600 Hz, within 0.3 %.
#[test]
fn pure_tones() {
    let mut wrong = Vec::new();
    for rate in [8_000u32, 16_000, 48_000] {
        for hz in [60.0, 67.0, 80.0, 100.0, 130.0, 147.0, 180.0, 233.0, 311.0, 400.0, 487.0, 555.0, 600.0] {
            let tone = |i: u32| (0.3 * (f64::from(i) * hz / f64::from(rate) * TAU).sin()) as f32;
            let x: Vec<f32> = (0..rate).map(tone).collect();
            let got = analysed(&x, rate).value("F0_Hz_median").map_or(f64::NAN, f64::from);
            if (got / hz - 1.0).abs() > 3e-3 || got.is_nan() {
                wrong.push(format!("{hz} Hz at {rate}: {got}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An offset of up to 0.2 of full scale moves nothing by more than 0.1 %.
#[test]
fn an_offset_moves_nothing() {
    for name in ["16a01Lb", "03a01Nc", "16a04Fa"] {
        let (clip, _, rate) = wav(&root().join(format!("tests/data/emodb/{name}.wav")));
        let x: Vec<f32> = clip.iter().map(|s| f32::from(*s) / 32_768.0 * 0.5).collect();
        let plain = analysed(&x, rate);
        for offset in [0.05f32, -0.2, 0.2] {
            let moved = analysed(&x.iter().map(|v| v + offset).collect::<Vec<_>>(), rate);
            for (a, b) in plain.features.iter().zip(&moved.features) {
                let same = match (a.value, b.value) {
                    (Some(v), Some(w)) => (v - w).abs() <= 1e-3 * v.abs().max(1e-3),
                    (v, w) => v == w,
                };
                assert!(same, "{name}, {offset}: {} is {:?}, without {:?}", a.name, b.value, a.value);
            }
            let (q, p) = (moved.quality.unwrap(), plain.quality.unwrap());
            assert!((q.level_dbfs.unwrap() - p.level_dbfs.unwrap()).abs() < 1e-3);
        }
    }
}
