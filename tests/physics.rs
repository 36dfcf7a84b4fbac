//! Signals whose features are known from physics.

mod common;

use affect::analyzer::FrameRow;
use common::{egemaps, egemaps_rows, root, wav};
use std::f64::consts::TAU;

fn column(rows: &[FrameRow], index: usize) -> Vec<f32> {
    rows.iter().map(|r| r.columns()[index].unwrap()).collect()
}

fn harmonic(f0: f64, seconds: f64, gain: f64) -> Vec<f32> {
    (0..(seconds * 16_000.0) as usize)
        .map(|i| {
            let t = i as f64 / 16_000.0;
            (1..=15).map(|h| gain * (TAU * f0 * f64::from(h) * t).sin() / f64::from(h)).sum::<f64>() as f32
        })
        .collect()
}

#[test]
fn the_pitch_of_a_tone_is_its_fundamental() {
    for f0 in [80.0f64, 110.0, 160.0, 220.0, 320.0, 440.0] {
        let rows = egemaps_rows(&harmonic(f0, 1.0, 0.2));
        let expected = 12.0 * (f0 / 27.5).log2();
        for v in &column(&rows, 10)[2..rows.len() - 2] {
            // the set's octave axis biases by up to 5 cents
            assert!((f64::from(*v) - expected).abs() < 0.08, "{f0}: {v} {expected}");
        }
        if 16_000.0 % f0 == 0.0 {
            // elsewhere the sampling grid meets each period's peak at another place
            assert!(column(&rows, 11)[5..rows.len() - 5].iter().all(|j| *j < 1e-4), "jitter of a steady tone");
            assert!(column(&rows, 12)[5..rows.len() - 5].iter().all(|s| *s < 0.01), "shimmer of a steady tone");
        }
    }
}

#[test]
fn silence_has_the_standard_numbers() {
    let rows = egemaps_rows(&[0.0; 16_000]);
    assert_eq!(rows.len(), (16_000 - 960) / 160 + 2);
    for r in &rows {
        let c: Vec<f32> = r.columns().iter().map(|v| v.unwrap()).collect();
        assert!((c[0] - 0.001_034).abs() < 1e-6);
        assert_eq!((c[1], c[2]), (0.0, 0.0));
        assert!((c[3] - 0.112).abs() < 1e-6 && (c[4] - 0.076_363_6).abs() < 1e-6);
        assert_eq!((c[10], c[18]), (0.0, -201.0));
        assert!(r.reasons()[10].is_some() && r.reasons()[16].is_none());
    }
    let f = egemaps(&[0.0; 16_000]);
    assert_eq!(f.value("equivalentSoundLevel_dBp"), Some(-120.0));
    assert_eq!(f.quality.unwrap().level_dbfs, None);
}

/// A rise of a known slope: harmonics that fall by a constant number of dB per Hz.
#[test]
fn a_known_spectral_slope_comes_back() {
    let f0 = 31.25; // harmonics on the bins of the short frame
    for slope in [-0.02f64, -0.005, 0.004] {
        let x: Vec<f32> = (0..16_000)
            .map(|i| {
                let t = f64::from(i) / 16_000.0;
                (16..=48)
                    .map(|h| {
                        let f = f0 * f64::from(h);
                        1e-2 * 10f64.powf(slope * f / 20.0) * (TAU * f * t + f64::from(h * h)).cos()
                    })
                    .sum::<f64>() as f32
            })
            .collect();
        let measured = column(&egemaps_rows(&x), 4);
        let mean = measured[10..80].iter().map(|v| f64::from(*v)).sum::<f64>() / 70.0;
        // What the set's formula (its count one short, so that level enters) says of exactly such a line spectrum under
        // the Hamming window, whose samples sum to 0.54 * 320 - 0.46.
        let window: f64 = 0.54 * 320.0 - 0.46;
        let bins: Vec<(f64, f64)> = (16..=48)
            .map(|k| {
                let f = f0 * f64::from(k);
                (f, 20.0 * (0.5 * 1e-2 * window).log10() + slope * f)
            })
            .collect();
        let sum = |g: fn(&(f64, f64)) -> f64| bins.iter().map(g).sum::<f64>();
        let (sa, sb, sc, se) = (sum(|b| b.0), sum(|b| b.0 * b.0), sum(|b| b.0 * b.1), sum(|b| b.1));
        let expected = (32.0 * sc - sa * se) / (32.0 * sb - sa * sa);
        assert!((mean - expected).abs() < 0.003, "{slope}: {mean} {expected}");
    }
}

/// Gain moves what depends on level by what it must, and nothing else.
#[test]
fn gain_law() {
    let (s, _, _) = wav(&root().join("tests/data/emodb/03a02Wb.wav"));
    let x: Vec<f32> = s.iter().map(|v| f32::from(*v) / 32_768.0).collect();
    let (a, b) = (egemaps(&x), egemaps(&x.iter().map(|v| v * 0.5).collect::<Vec<_>>()));
    let get = |r: &affect::record::Record, n: &str| f64::from(r.value(n).unwrap());
    let level = "equivalentSoundLevel_dBp";
    assert!((get(&a, level) - get(&b, level) - 6.0206).abs() < 1e-3);
    let loudness = "loudness_sma3_percentile80.0";
    assert!((get(&b, loudness) / get(&a, loudness) - 0.25f64.powf(0.33)).abs() < 1e-4);
    for name in [
        "F0semitoneFrom27.5Hz_sma3nz_percentile50.0",
        "alphaRatioV_sma3nz_amean",
        "hammarbergIndexV_sma3nz_amean",
        "HNRdBACF_sma3nz_amean",
        "logRelF0-H1-H2_sma3nz_amean",
    ] {
        let (x, y) = (get(&a, name), get(&b, name));
        assert!((x - y).abs() < 0.02 * x.abs().max(1.0), "{name}: {x} {y}");
    }
}

/// A shift by whole hops shifts the rows and leaves their numbers alone, bit for bit, once states have settled.
#[test]
fn a_shift_by_whole_hops_shifts_rows() {
    let (s, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    let x: Vec<f32> = s.iter().map(|v| f32::from(*v) / 32_768.0).collect();
    let mut shifted = vec![0.0f32; 160 * 25];
    shifted.extend_from_slice(&x);
    let (a, b) = (egemaps_rows(&x), egemaps_rows(&shifted));
    assert_eq!(a.len() + 25, b.len());
    for (i, r) in a.iter().enumerate().skip(3) {
        // the ten descriptors without memory beyond one frame
        assert_eq!(r.columns()[..10], b[i + 25].columns()[..10], "row {i}");
        assert_eq!(r.start_ns + 250_000_000, b[i + 25].start_ns);
    }
    let same = a.iter().zip(&b[25..]).filter(|(p, q)| p.columns()[10] == q.columns()[10]).count();
    assert!(same * 100 >= a.len() * 97, "{same} of {}", a.len());
}

#[test]
fn polarity_does_not_matter() {
    let (s, _, _) = wav(&root().join("tests/data/emodb/03a01Nc.wav"));
    let x: Vec<f32> = s.iter().map(|v| f32::from(*v) / 32_768.0).collect();
    let (a, b) = (egemaps(&x), egemaps(&x.iter().map(|v| -v).collect::<Vec<_>>()));
    for (p, q) in a.features.iter().zip(&b.features) {
        let (x, y) = (p.value.unwrap(), q.value.unwrap());
        assert!((x - y).abs() <= 1e-4 * x.abs().max(1.0), "{}: {x} {y}", p.name);
    }
}
