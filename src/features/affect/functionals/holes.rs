//! Functionals of rows with holes: what is known stays as it is, and what a hole hides is not made up.

use super::{Rows, functionals};
use crate::descriptors::pulses::Period;
use crate::features::affect::row::{Row, Shape, Tract, Voice};
use crate::features::catalogue::affect_functionals;
use crate::features::reason::Reason;
use proptest::prelude::*;

/// A voiced row whose F0, level, first formant and MFCC 1 rise steadily: by 5 semitones, 10 dB, 3 semitones and 20 per
/// second.
fn rising(i: usize) -> Row {
    let t = i as f32 * 0.01;
    let shape = Shape {
        alpha_ratio_db: 0.0,
        hammarberg_db: 20.0,
        low_db_per_khz: 0.0,
        middle_db_per_khz: 0.0,
        whole_db_per_octave: -6.0,
        centroid_hz: 700.0,
        change: Some(0.1),
        mfcc: [20.0 * t; 12],
    };
    let tract = Tract {
        hz: [400.0 * (t * 3.0 / 12.0).exp2(), 1500.0, 2500.0],
        bandwidth_hz: [60.0, 80.0, 120.0],
        level_db: [0.0; 3],
        h1_h2_corrected_db: 1.0,
        h1_a3_db: 20.0,
        h1_a3_corrected_db: 18.0,
    };
    let mut row = Row {
        mean_square: 10f32.powf(-4.0 + t),
        loudness: 1.0,
        shape: Some(shape),
        voicing: 0.9,
        voice: Some(Voice {
            f0_hz: 100.0 * (t * 5.0 / 12.0).exp2(),
            hnr_db: Some(20.0),
            cpps_db: 15.0,
            h1_h2_db: 2.0,
            tract: Some(tract),
        }),
        ..Row::default()
    };
    row.periods.push(Period { seconds: 0.01, amplitude: 0.1, follows: true });
    row
}

/// The rows with what lies in the holes replaced by garbage that is marked as such; each from a row up to another.
fn torn(rows: &[Row], holes: &[(usize, usize)]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    for &(from, to) in holes {
        for row in &mut rows[from..to] {
            *row = Row { bad: true, mean_square: 9.0, ..rising(900) };
        }
    }
    rows
}

fn value(rows: &[Row], name: &str) -> Result<f64, Reason> {
    let all = functionals(&Rows::new([&rows[..rows.len() / 3], &rows[rows.len() / 3..]]));
    let index = affect_functionals().iter().position(|e| e.name == name).unwrap();
    all.values[index].ok_or_else(|| all.reasons.iter().find(|r| r.0 == index).unwrap().1)
}

fn near(rows: &[Row], name: &str, expected: f64, tolerance: f64) {
    let got = value(rows, name).unwrap_or(f64::NAN);
    assert!((got - expected).abs() <= tolerance, "{name}: {got}, expected {expected}");
}

#[test]
fn slopes_and_rates_are_those_of_what_is_known() {
    let whole: Vec<Row> = (0..200).map(rising).collect();
    let rows = torn(&whole, &[(40, 46), (80, 130), (150, 153)]);
    near(&rows, "F0declination_stPerS", 5.0, 1e-3);
    near(&rows, "F0stretchSlope_stPerS_mean", 5.0, 1e-3);
    near(&rows, "F0stretchSlope_stPerS_stddev", 0.0, 1e-3);
    near(&rows, "F0rate_stPerS_percentile90", 5.0, 1e-2);
    near(&rows, "F1rate_stPerS_median", 3.0, 1e-2);
    near(&rows, "mfcc1_deltaStddev", 0.0, 1e-3);
    // Only at the edges of a piece does the average over five rows know fewer.
    near(&rows, "levelDeclination_dBPerS", 10.0, 0.05);
    assert_eq!(value(&rows, "F0turningPointsPerSec"), Ok(0.0));
    // A hole at the end hides the final movement.
    assert!(value(&rows, "F0finalMovement_st").is_ok());
    assert_eq!(value(&torn(&whole, &[(195, 197)]), "F0finalMovement_st"), Err(Reason::BadInput));
}

/// A voiced row, or one of the pause.
fn speaking(voiced: bool, level_db: f64) -> Row {
    let row = rising(0);
    Row {
        mean_square: 10f64.powf(0.1 * level_db) as f32,
        voice: row.voice.filter(|_| voiced),
        periods: if voiced { row.periods } else { Default::default() },
        ..row
    }
}

#[test]
fn a_pause_counts_once_and_its_length_needs_both_ends() {
    let talk = |from: usize, to: usize| (from..to).map(|_| speaking(true, -20.0));
    let rows: Vec<Row> = talk(0, 100).chain((0..60).map(|_| speaking(false, -80.0))).chain(talk(160, 260)).collect();
    // Smoothing leaves 58 rows more than 20 dB below the loud ones: two rows at either end see the voice.
    near(&rows, "pauseLength_s_mean", 0.56, 0.021);
    near(&rows, "pausesPerSec", 1.0 / 2.6, 1e-9);
    let rows = torn(&rows, &[(125, 135)]);
    assert_eq!(value(&rows, "pauseLength_s_mean"), Err(Reason::TooFewRuns));
    assert_eq!(value(&rows, "unvoicedStretchLength_s_mean"), Err(Reason::TooFewRuns));
    near(&rows, "pausesPerSec", 1.0 / 2.5, 1e-9);
    near(&rows, "voiced_share", 2.0 / 2.5, 1e-9);
    near(&rows, "pause_share", 0.46 / 2.5, 0.021 / 2.5);
    near(&rows, "voicedStretchLength_s_mean", 1.0, 1e-9);
    near(&rows, "voicedStretchesPerSec", 2.0 / 2.5, 1e-9);
    // A hole in the voice: its pieces are no stretches of known length.
    assert_eq!(value(&torn(&rows, &[(40, 50), (200, 210)]), "voicedStretchLength_s_mean"), Err(Reason::TooFewRuns));
}

#[test]
fn syllables_are_counted_over_observed_time_and_not_across_holes() {
    // Five a second, 10 dB deep.
    let wave = |i: usize| -20.0 - 5.0 + 5.0 * (i as f64 * std::f64::consts::TAU / 20.0).sin();
    let rows: Vec<Row> = (0..400).map(|i| speaking(true, wave(i))).collect();
    let holed = torn(&rows, &[(95, 127), (240, 253)]);
    let rate = value(&holed, "nucleiPerSec").unwrap();
    assert!((rate - 5.0).abs() < 0.35, "{rate}");
    near(&holed, "nucleiInterval_nPVI", 0.0, 1e-6);
    let whole = value(&rows, "attack_dBPerS_median").unwrap();
    near(&holed, "attack_dBPerS_median", whole, 0.02 * whole);
    // Each piece begins as if its first value had always been there, which costs a little of the first period.
    near(&holed, "modulation4-8Hz_dB", value(&rows, "modulation4-8Hz_dB").unwrap(), 0.5);
}

/// Periods of 10 ms before a hole and of 9 ms after it: no pair differs.
#[test]
fn no_period_follows_another_across_a_hole() {
    let rows: Vec<Row> = (0..60)
        .map(|i| {
            let mut row = speaking(true, -20.0);
            row.periods = Default::default();
            let (seconds, amplitude) = if i < 30 { (0.01, 0.1) } else { (0.009, 0.12) };
            row.periods.push(Period { seconds, amplitude, follows: i > 0 });
            row
        })
        .collect();
    assert!(value(&rows, "jitterLocal_percent_mean").unwrap() > 0.1);
    let holed = torn(&rows, &[(29, 31)]);
    near(&holed, "jitterLocal_percent_mean", 0.0, 1e-9);
    near(&holed, "shimmerLocal_dB_mean", 0.0, 1e-9);
    near(&holed, "jitterPPQ5_percent", 0.0, 1e-4);
}

#[test]
fn what_is_left_decides_whether_there_is_enough() {
    let rows: Vec<Row> = (0..200).map(rising).collect();
    let nothing = torn(&rows, &[(0, 97), (102, 200)]);
    assert_eq!(value(&nothing, "F0_Hz_median"), Err(Reason::BadInput));
    assert_eq!(value(&rows[..5], "F0_Hz_median"), Err(Reason::TooShort));
}

proptest! {
    /// Whatever holes do, every value is finite or has a reason, and what lies in them does not matter.
    #[test]
    fn any_holes(holes in prop::collection::vec((0usize..300, 1usize..40), 0..12), seed in any::<u32>()) {
        let rows: Vec<Row> = (0..340)
            .map(|i| {
                let noise = (seed ^ (i as u32)).wrapping_mul(2_654_435_761) >> 20;
                speaking(noise % 5 > 1, -20.0 - f64::from(noise % 64))
            })
            .collect();
        let holes: Vec<_> = holes.into_iter().map(|(from, n)| (from, from + n)).collect();
        let torn = torn(&rows, &holes);
        let zeros: Vec<Row> = torn.iter().map(|r| if r.bad { Row { bad: true, ..Row::default() } } else { *r }).collect();
        let all = functionals(&Rows::new([&torn[..]]));
        for (i, v) in all.values.iter().enumerate() {
            prop_assert!(v.map_or_else(|| all.reasons.iter().any(|r| r.0 == i), f64::is_finite));
        }
        prop_assert_eq!(all, functionals(&Rows::new([&zeros[..]])));
    }
}
