//! One wild sample: it touches what lies around it, and deafens nothing afterwards.

mod common;

use affect::analyzer::{Analyzer, Config, FeatureSet, FrameRow, Segmentation};
use affect::signal::samples::Samples;
use common::{Kept, keep, root, wav};

/// Columns of F0 in Hz and of the voicing probability.
const F0: usize = 0;
const VOICING: usize = 2;
/// Rows on each side of a click that its 60 ms frames, the resampler and the median over 110 ms reach.
const NEAR: usize = 20;

fn rows(x: &[f32], rate: u32) -> Vec<FrameRow> {
    let config = Config { sets: vec![FeatureSet::AffectV1], segmentation: Segmentation::Frames, ..Config::default() };
    let mut analyzer = Analyzer::new(config, rate, 1).unwrap();
    let mut out = Vec::new();
    analyzer.push(&Samples::f32(x, 1).unwrap(), &mut keep(&mut out)).unwrap();
    analyzer.finish(&mut keep(&mut out));
    let row = |k: Kept| if let Kept::Frame(f) = k { Some(f) } else { None };
    out.into_iter().filter_map(row).collect()
}

/// The last channel, the first 10 s.
fn speech(path: &str) -> (Vec<f32>, u32) {
    let (s, channels, rate) = wav(&root().join("tests/data").join(path));
    let one = s.iter().skip(channels - 1).step_by(channels).take(10 * rate as usize);
    (one.map(|v| f32::from(*v) / 32_768.0).collect(), rate)
}

#[test]
fn one_wild_sample_deafens_nothing() {
    for path in ["emodb/16a01Wb.wav", "emodb/03a01Nc.wav", "thorsten/neutral.wav", "calls/call40_185s_2ch_pcm16.wav"] {
        let (clean, rate) = speech(path);
        let expected = rows(&clean, rate);
        let voiced = |r: &[FrameRow], k: usize| r[k].columns()[F0].is_some();
        assert!((0..expected.len()).filter(|k| voiced(&expected, *k)).count() > 50, "{path}");
        for size in [1e6f32, 1e3, 100.0, 10.0] {
            for share in [0.02, 0.2, 0.5, 0.7] {
                let place = (share * clean.len() as f64) as usize;
                let mut x = clean.clone();
                x[place] = if place.is_multiple_of(2) { size } else { -size };
                let got = rows(&x, rate);
                let click = place * 100 / rate as usize;
                let far: Vec<usize> = (0..expected.len()).filter(|k| k.abs_diff(click) > NEAR).collect();
                let changed: Vec<usize> =
                    far.iter().copied().filter(|k| voiced(&got, *k) != voiced(&expected, *k)).collect();
                // Where a loud frame was lost, one that lay on the verge may fall to the other side.
                assert!(50 * changed.len() <= far.len(), "{path}, {size} at row {click}: voicing of rows {changed:?}");
                let p = |r: &[FrameRow], k: usize| f64::from(r[k].columns()[VOICING].unwrap());
                let most = far.iter().map(|k| (p(&got, *k) - p(&expected, *k)).abs()).fold(0.0, f64::max);
                assert!(most < 0.1, "{path}, {size} at row {click}: {most}");
            }
        }
    }
}
