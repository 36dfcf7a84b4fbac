//! One wild sample: it touches what lies around it, and deafens nothing afterwards.

mod common;

use affect::analyzer::FrameRow;
use affect::analyzer::FeatureSet;
use common::{root, rows_of, wav};

/// Columns of F0 in Hz and of the voicing probability.
const F0: usize = 0;
const VOICING: usize = 2;
/// Rows on each side of a click that its 60 ms frames and the smoothing over 150 ms reach.
const NEAR: usize = 15;

fn speech() -> Vec<f32> {
    let (s, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    let once: Vec<f32> = s.iter().map(|v| f32::from(*v) / 32_768.0).collect();
    once.repeat(3)
}

fn voiced(rows: &[FrameRow]) -> Vec<bool> {
    rows.iter().map(|r| r.columns()[F0].is_some()).collect()
}

#[test]
fn one_wild_sample_deafens_nothing() {
    let clean = speech();
    let expected = rows_of(FeatureSet::AffectV1, &clean);
    let is = voiced(&expected);
    assert!(is.iter().filter(|v| **v).count() > 200);
    for size in [1e6f32, 1e3, 100.0, 10.0] {
        for place in [400usize, 8_000, 20_000, 30_000] {
            let mut x = clean.clone();
            x[place] = if place % 3 == 0 { size } else { -size };
            let got = rows_of(FeatureSet::AffectV1, &x);
            let far = |k: usize| k.abs_diff(place / 160) > NEAR;
            let changed: Vec<usize> = (0..is.len()).filter(|&k| far(k) && voiced(&got)[k] != is[k]).collect();
            assert!(changed.is_empty(), "{size} at {place}: voicing of rows {changed:?}");
            for k in (0..is.len()).filter(|&k| far(k)) {
                let p = |rows: &[FrameRow]| rows[k].columns()[VOICING].unwrap();
                assert!((p(&got) - p(&expected)).abs() < 0.1, "{size} at {place}, row {k}: {} {}", p(&got), p(&expected));
            }
        }
    }
}
