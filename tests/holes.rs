//! Laws of a stream with holes: results depend on what was lost and not on how it came, and are numbers whatever was heard.

mod common;

use affect::analyzer::{Analyzer, Config, FeatureSet, Segmentation};
use affect::signal::samples::Samples;
use common::{Kept, keep, records, root, segmentations, wav};
use proptest::prelude::*;

/// A stretch of sound or of time without any, in frames.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Heard(usize),
    Lost(usize),
}

fn config(segmentation: Segmentation) -> Config {
    Config { sets: FeatureSet::ALL.to_vec(), segmentation, ..Config::default() }
}

fn speech() -> Vec<f32> {
    let (mono, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    mono.iter().map(|s| f32::from(*s) / 32_768.0).collect()
}

/// Feeds the parts, each cut into blocks of the given sizes (cycled).
fn feed(analyzer: &mut Analyzer, audio: &[f32], parts: &[Part], cuts: &[usize], out: &mut Vec<Kept>) {
    let (mut at, mut cuts) = (0, cuts.iter().cycle());
    for part in parts {
        let (mut rest, lost) = match part {
            Part::Heard(n) => (*n, false),
            Part::Lost(n) => (*n, true),
        };
        while rest > 0 && at < audio.len() {
            let now = (*cuts.next().unwrap()).min(rest).min(audio.len() - at);
            if lost {
                analyzer.push_missing(now as u64, &mut keep(out)).unwrap();
            } else {
                analyzer.push(&Samples::f32(&audio[at..at + now], 1).unwrap(), &mut keep(out)).unwrap();
            }
            at += now;
            rest -= now;
        }
    }
}

fn run(segmentation: Segmentation, rate: u32, audio: &[f32], parts: &[Part], cuts: &[usize]) -> Vec<Kept> {
    let mut analyzer = Analyzer::new(config(segmentation), rate, 1).unwrap();
    let mut out = Vec::new();
    feed(&mut analyzer, audio, parts, cuts, &mut out);
    analyzer.finish(&mut keep(&mut out));
    out
}

/// Holes from single samples to longer than what is concealed, close together and far apart.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let heard = prop_oneof![1usize..200, 200usize..3_000];
    let lost = prop_oneof![1usize..40, 40usize..900, 900usize..2_500];
    prop::collection::vec((heard, lost), 1..14).prop_map(|list| {
        list.into_iter().flat_map(|(h, l)| [Part::Heard(h), Part::Lost(l)]).chain([Part::Heard(9_000)]).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_cut_gives_the_same_bits(
        parts in parts(),
        cuts in prop::collection::vec(1usize..700, 1..9),
        rate in prop::sample::select(vec![16_000u32, 8_000, 44_100]),
    ) {
        let audio = speech();
        for s in segmentations() {
            prop_assert_eq!(run(s, rate, &audio, &parts, &[usize::MAX]), run(s, rate, &audio, &parts, &cuts));
        }
    }

    /// Whatever was heard, garbage included: no value is not a number, and the shares are shares.
    #[test]
    fn what_comes_out_is_a_number(
        parts in parts(),
        rate in prop::sample::select(vec![16_000u32, 8_000, 48_000, 37_123]),
        seed in any::<u64>(),
        kind in 0..5,
    ) {
        let mut audio = speech();
        let n = audio.len();
        for (i, x) in audio.iter_mut().enumerate() {
            let draw = (seed ^ i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let noise = (draw >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
            match kind {
                0 => *x *= 200.0,
                1 => *x = if i < n / 2 { 0.0 } else { noise * 1e-30 },
                2 if draw.is_multiple_of(997) => *x = [f32::NAN, f32::INFINITY, -1e30][i % 3],
                3 => *x = if i % 80 == 0 { 1.0 } else { 0.0 },
                4 => *x = noise * 2.0,
                _ => {}
            }
        }
        for s in segmentations() {
            for kept in run(s, rate, &audio, &parts, &[480]) {
                match kept {
                    Kept::Frame(f) => {
                        let record = f.to_record(&config(s));
                        prop_assert!(record.features.iter().all(|f| f.value.is_none_or(f32::is_finite)));
                    }
                    Kept::Segment(r) => {
                        for f in &r.features {
                            prop_assert!(f.value.is_none_or(f32::is_finite), "{}: {:?}", f.name, f.value);
                        }
                        let q = r.quality.unwrap();
                        let (lost, concealed) = (q.lost_share.unwrap(), q.concealed_share.unwrap());
                        prop_assert!(0.0 <= concealed && concealed <= lost && lost <= 1.0, "{lost} {concealed}");
                    }
                }
            }
        }
    }
}

#[test]
fn reset_equals_new() {
    let audio = speech();
    let parts = [Part::Heard(4_000), Part::Lost(500), Part::Heard(700), Part::Lost(300), Part::Heard(20_000)];
    for s in segmentations() {
        for rate in [16_000, 22_050] {
            let expected = run(s, rate, &audio, &parts, &[777]);
            for left in [4_100, 4_520, 5_400, 9_999] {
                let mut analyzer = Analyzer::new(config(s), rate, 1).unwrap();
                let mut first = Vec::new();
                // Left in the middle of a hole, behind one, and far from any.
                let (mut some, mut rest) = (Vec::new(), left);
                for p in parts {
                    let (Part::Heard(n) | Part::Lost(n)) = p;
                    let n = n.min(rest);
                    rest -= n;
                    some.push(if matches!(p, Part::Heard(_)) { Part::Heard(n) } else { Part::Lost(n) });
                }
                feed(&mut analyzer, &audio, &some, &[333], &mut first);
                analyzer.reset();
                let mut again = Vec::new();
                feed(&mut analyzer, &audio, &parts, &[777], &mut again);
                analyzer.finish(&mut keep(&mut again));
                assert_eq!(again, expected);
            }
        }
    }
}

/// The record says how much was lost and how much of it is concealed: counted here by hand.
#[test]
fn the_quality_says_what_was_lost() {
    let audio = speech();
    let rest = audio.len() - 16_000;
    for (hole, concealed) in [(160usize, true), (960, true), (1_120, false), (3_200, false)] {
        let parts = [Part::Heard(8_000), Part::Lost(hole), Part::Heard(8_000 - hole), Part::Heard(rest)];
        let kept = run(Segmentation::File, 16_000, &audio, &parts, &[320]);
        let q = records(&kept)[0].quality.unwrap();
        // Samples count in whole hops of 10 ms in which a frame of 20 ms begins.
        let samples = ((audio.len() - 320) / 160 + 1) * 160;
        let share = hole as f32 / samples as f32;
        assert_eq!(q.lost_share, Some(share), "{hole}");
        assert_eq!(q.concealed_share, Some(if concealed { share } else { 0.0 }), "{hole}");
        assert_eq!(q.skipped_frames == 0, concealed, "{hole}: {}", q.skipped_frames);
    }
}

/// Where there is no sound on one side, a hole stays one.
#[test]
fn holes_at_the_edges_stay_holes() {
    let audio = speech();
    let all = audio.len();
    for parts in [[Part::Lost(320), Part::Heard(all)], [Part::Heard(all - 320), Part::Lost(320)]] {
        let kept = run(Segmentation::File, 16_000, &audio, &parts, &[320]);
        let q = records(&kept)[0].quality.unwrap();
        assert!(q.lost_share.unwrap() > 0.0 && q.concealed_share == Some(0.0), "{q:?}");
    }
}
