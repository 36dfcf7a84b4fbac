//! `affect-v1` against voices whose properties are known, one disturbance at a time.

mod common;
#[path = "common/voice.rs"]
mod voice;

use affect::record::Record;
use common::{functionals, shared, wav};
use voice::{Recipe, VOWELS, Vowel, make};

fn value(r: &Record, name: &str) -> f64 {
    r.value(name).map_or(f64::NAN, f64::from)
}

/// The middle one; what is undefined counts as infinitely wrong.
fn median(mut v: Vec<f64>) -> f64 {
    v.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = f64::INFINITY);
    v.sort_unstable_by(f64::total_cmp);
    v[v.len() / 2]
}

fn over_vowels(mut error: impl FnMut(Vowel) -> f64) -> (f64, f64) {
    let errors: Vec<f64> = VOWELS.iter().map(|v| error(*v)).collect();
    (median(errors.clone()), errors.iter().copied().fold(0.0, f64::max))
}

const F0S: [f64; 12] = [60.0, 75.0, 90.0, 110.0, 130.0, 155.0, 180.0, 210.0, 250.0, 320.0, 400.0, 500.0];

/// F0 within 0.3 % and no octave error; F1 within 3 %, F2 and F3 within 2 % up to 250 Hz; bandwidths within 30 % up to
/// 180 Hz (medians over vowels); H1-H2 within 0.5 dB.
#[test]
fn steady_voices() {
    println!("F0: relative errors in %, median over vowels (worst)");
    for f0 in F0S {
        let records: Vec<Record> = VOWELS.iter().map(|v| functionals(&make(&Recipe::steady(f0, *v)).samples)).collect();
        let of = |v: Vowel| &records[VOWELS.iter().position(|w| w.name == v.name).unwrap()];
        let (pitch, worst_pitch) = over_vowels(|v| (value(of(v), "F0_Hz_median") / f0 - 1.0).abs());
        assert!(worst_pitch < 3e-3, "{f0}: {worst_pitch}");
        assert!(records.iter().all(|r| value(r, "F0semitone_range5-95") < 0.1), "{f0}");
        let mut line = format!("{f0:>5}  F0 {:.2} ({:.2})", 100.0 * pitch, 100.0 * worst_pitch);
        for i in 0..3 {
            let name = format!("F{}frequency_Hz_median", i + 1);
            let (middle, worst) = over_vowels(|v| (value(of(v), &name) / v.hz[i] - 1.0).abs());
            line += &format!("  F{} {:.2} ({:.1})", i + 1, 100.0 * middle, 100.0 * worst);
            let bar = if i == 0 { 0.03 } else { 0.02 };
            assert!(f0 > 250.0 || middle < bar, "{f0} {name}: {middle}");
        }
        for i in 0..3 {
            let name = format!("F{}bandwidth_Hz_median", i + 1);
            let (middle, worst) = over_vowels(|v| (value(of(v), &name) / v.bandwidth_hz[i] - 1.0).abs());
            line += &format!("  B{} {:.1} ({:.0})", i + 1, 100.0 * middle, 100.0 * worst);
            assert!(f0 > 180.0 || middle < 0.3, "{f0} {name}: {middle}");
        }
        let (_, h1_h2) = over_vowels(|v| {
            let voice = make(&Recipe { seconds: 0.1, ..Recipe::steady(f0, v) });
            (value(of(v), "H1-H2_dB_median") - (voice.level_db(f0) - voice.level_db(2.0 * f0))).abs()
        });
        assert!(h1_h2 < 0.5, "{f0}: H1-H2 off by {h1_h2} dB");
        println!("{line}  H1-H2 ({h1_h2:.2} dB)");
    }
}

/// Jitter and shimmer within 10 % of what was really put in, where that is above 0.2 % and 0.1 dB (medians over
/// vowels), up to 200 Hz; above, where the period is shorter than the resonances ring, the error is printed.
#[test]
fn perturbed_voices() {
    for f0 in [60.0, 80.0, 120.0, 160.0, 200.0, 250.0, 320.0, 400.0, 500.0] {
        let mut line = format!("{f0:>5}  jitter");
        for jitter in [0.003, 0.01, 0.02] {
            let (middle, worst) = over_vowels(|v| {
                let voice = make(&Recipe { jitter, hnr_db: None, seconds: 2.0, ..Recipe::steady(f0, v) });
                (value(&functionals(&voice.samples), "jitterLocal_percent_mean") / voice.jitter_percent - 1.0).abs()
            });
            line += &format!(" {:.0} ({:.0})", 100.0 * middle, 100.0 * worst);
            assert!(f0 > 200.0 || middle <= 0.1, "{f0} {jitter}: {middle}");
        }
        line += "  shimmer";
        for shimmer_db in [0.15, 0.5, 1.2] {
            let (middle, worst) = over_vowels(|v| {
                let voice = make(&Recipe { shimmer_db, hnr_db: None, seconds: 2.0, ..Recipe::steady(f0, v) });
                (value(&functionals(&voice.samples), "shimmerLocal_dB_mean") / voice.shimmer_db - 1.0).abs()
            });
            line += &format!(" {:.0} ({:.0})", 100.0 * middle, 100.0 * worst);
            assert!(f0 > 200.0 || middle <= 0.1, "{f0} {shimmer_db} dB: {middle}");
        }
        println!("{line}  % of what was put in, median over vowels (worst)");
    }
}

/// HNR within 1.5 dB from 0 to 30 dB.
#[test]
fn noisy_voices() {
    for f0 in [60.0, 80.0, 120.0, 200.0, 300.0, 500.0] {
        let mut line = format!("{f0:>5}");
        for hnr in [0.0, 5.0, 10.0, 20.0, 30.0] {
            let (middle, worst) = over_vowels(|v| {
                let voice = make(&Recipe { hnr_db: Some(hnr), ..Recipe::steady(f0, v) });
                (value(&functionals(&voice.samples), "HNR_dB_median") - hnr).abs()
            });
            line += &format!("  {hnr} dB: {middle:.2} ({worst:.2})");
            assert!(middle < 1.5, "{f0} {hnr}: {middle}");
            assert!(worst < 1.5, "{f0} {hnr}: {worst}");
        }
        println!("{line}");
    }
}

/// The supplied voices, made by another hand.
#[test]
fn supplied_voices() {
    let Some(folder) = shared("reference/egemaps") else { return };
    for name in ["vowel_a_120", "vowel_u_110", "vowel_i_210"] {
        let (samples, ..) = wav(&folder.join("audio").join(format!("{name}.wav")));
        let x: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
        let text = std::fs::read_to_string(folder.join("truth").join(format!("{name}.json"))).unwrap();
        let truth: serde_json::Value = serde_json::from_str(&text).unwrap();
        let r = functionals(&x);
        assert!((value(&r, "F0_Hz_median") / truth["mean_f0_hz"].as_f64().unwrap() - 1.0).abs() < 3e-3);
        for i in 0..3 {
            let (hz, b) = (truth["formants_hz"][i].as_f64().unwrap(), truth["bandwidths_hz"][i].as_f64().unwrap());
            let (f, w) = (
                value(&r, &format!("F{}frequency_Hz_median", i + 1)),
                value(&r, &format!("F{}bandwidth_Hz_median", i + 1)),
            );
            println!("{name} F{}: {f:.0} of {hz}, bandwidth {w:.0} of {b}", i + 1);
            assert!((f / hz - 1.0).abs() < if i == 0 { 0.03 } else { 0.02 }, "{name} F{}: {f} {hz}", i + 1);
            assert!((w / b - 1.0).abs() < 0.3 || name.contains("210"), "{name} B{}: {w} {b}", i + 1);
        }
    }
}
