//! The law of the one path: results do not depend on how the audio came.

mod common;

use affect::analyzer::{Analyzer, ChannelMode, Config, FeatureSet, Segmentation};
use affect::record::{Ended, Record};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use common::{Kept, clips, feed, keep, records, root, run, segmentations, wav};
use proptest::prelude::*;

/// Three seconds of speech in two channels, the second delayed, at the rate it is said to have.
fn speech(channels: usize) -> Vec<i16> {
    let (mono, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    let n = mono.len();
    (0..n)
        .flat_map(|i| (0..channels).map(move |c| (i, c)))
        .map(|(i, c)| if c == 0 { mono[i] } else { mono[(i + n - 3_000 * c) % n] / 2 })
        .collect()
}

fn config(segmentation: Segmentation) -> Config {
    Config { sets: FeatureSet::ALL.to_vec(), segmentation, ..Config::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn any_cut_gives_the_same_bits(
        cuts in prop::collection::vec(1usize..4_000, 1..12),
        rate in prop::sample::select(vec![16_000u32, 8_000, 44_100]),
    ) {
        let audio = speech(2);
        for s in segmentations() {
            let whole = run(&config(s), rate, 2, &audio, &[usize::MAX]);
            let cut = run(&config(s), rate, 2, &audio, &cuts);
            prop_assert_eq!(&whole, &cut);
            // at another rate the speech is too fast or slow for the detector
            prop_assert!(!whole.is_empty() || matches!(s, Segmentation::Utterances(_)));
        }
    }
}

#[test]
fn one_sample_blocks_give_the_same_bits() {
    let audio = speech(1);
    for s in segmentations() {
        for rate in [16_000, 48_000] {
            assert_eq!(run(&config(s), rate, 1, &audio, &[1]), run(&config(s), rate, 1, &audio, &[usize::MAX]));
        }
    }
}

#[test]
fn reset_equals_new() {
    let audio = speech(2);
    for s in segmentations() {
        for rate in [16_000, 22_050, 37_123] {
            let expected = run(&config(s), rate, 2, &audio, &[777]);
            let mut analyzer = Analyzer::new(config(s), rate, 2).unwrap();
            let mut first = Vec::new();
            feed(&mut analyzer, 2, &audio[..40_001 / 2 * 2], &[333], &mut first);
            analyzer.reset();
            let mut again = Vec::new();
            feed(&mut analyzer, 2, &audio, &[777], &mut again);
            analyzer.finish(&mut keep(&mut again));
            assert_eq!(again, expected);
        }
    }
}

#[test]
fn a_channel_alone_equals_the_channel_among_others() {
    let audio = speech(3);
    for s in segmentations() {
        let all = run(&config(s), 16_000, 3, &audio, &[500]);
        for c in 0..3 {
            let alone: Vec<i16> = audio.iter().skip(c).step_by(3).copied().collect();
            let strip = |k: &Kept| match k.clone() {
                Kept::Frame(mut f) => {
                    f.channel = None;
                    Kept::Frame(f)
                }
                Kept::Segment(mut r) => {
                    r.channel.index = None;
                    Kept::Segment(r)
                }
            };
            let of = |k: &&Kept| match k {
                Kept::Frame(f) => f.channel == Some(c),
                Kept::Segment(r) => r.channel.index == Some(c),
            };
            let among: Vec<Kept> = all.iter().filter(of).map(strip).collect();
            let single: Vec<Kept> = run(&config(s), 16_000, 1, &alone, &[900]).iter().map(strip).collect();
            assert_eq!(among, single);
        }
    }
}

#[test]
fn the_mix_is_the_mean_of_the_channels() {
    let audio = speech(2);
    let mean: Vec<f64> = audio.chunks(2).map(|f| (f64::from(f[0]) + f64::from(f[1])) / 2.0 / 32_768.0).collect();
    let mixed = Config { sets: vec![FeatureSet::EgemapsV02], channels: ChannelMode::Mix, ..Config::default() };
    let got = run(&mixed, 16_000, 2, &audio, &[640]);
    let mut analyzer =
        Analyzer::new(Config { sets: vec![FeatureSet::EgemapsV02], ..Config::default() }, 16_000, 1).unwrap();
    let mut expected = Vec::new();
    analyzer.push(&Samples::f64(&mean, 1).unwrap(), &mut keep(&mut expected)).unwrap();
    analyzer.finish(&mut keep(&mut expected));
    let (a, b) = (records(&got)[0], records(&expected)[0]);
    assert_eq!(a.channel.index, None);
    for (x, y) in a.features.iter().zip(&b.features) {
        let (x, y) = (x.value.unwrap(), y.value.unwrap());
        assert!((x - y).abs() <= 2e-3 * y.abs().max(0.1), "{x} {y}");
    }
}

#[test]
fn equal_inputs_give_equal_bytes_and_identities() {
    for clip in clips() {
        let (audio, channels, rate) = wav(&clip);
        for s in segmentations().into_iter().skip(1) {
            let first = run(&config(s), rate, channels, &audio, &[1024]);
            let second = run(&config(s), rate, channels, &audio, &[4096]);
            let lines = |k: &[Kept]| records(k).iter().map(|r| r.to_json()).collect::<Vec<_>>();
            assert_eq!(lines(&first), lines(&second));
            let mut ids: Vec<String> = records(&first).iter().map(|r| r.id()).collect();
            let count = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), count, "{}", clip.display());
        }
    }
}

/// A window's functionals are those of a fresh computation over the continuous stream's frames: two windows that
/// differ only in where the grid begins agree where they cover the same samples.
#[test]
fn a_window_does_not_depend_on_the_windows_before_it() {
    use affect::analyzer::WindowConfig;
    let (audio, _, _) = wav(&root().join("tests/data/emodb/03b10Ab.wav"));
    let with = |hop| config(Segmentation::Windows(WindowConfig { length: 16_000, hop }));
    let (fine, coarse) = (run(&with(1_600), 16_000, 1, &audio, &[320]), run(&with(8_000), 16_000, 1, &audio, &[320]));
    let mut compared = 0;
    for c in records(&coarse) {
        for f in records(&fine)
            .iter()
            .filter(|f| (f.start_ns, f.end_ns, &f.feature_set) == (c.start_ns, c.end_ns, &c.feature_set))
        {
            assert_eq!(f.features, c.features);
            compared += 1;
        }
    }
    assert!(compared >= 3);
}

/// What an analysis that has fallen behind leaves out moves nothing in what it hands out: not the final results, and not what is learnt
/// of the speakers.
#[test]
fn interim_results_that_are_left_out_move_nothing() {
    let (audio, channels, rate) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    let settings = Config {
        segmentation: Segmentation::Utterances(UtteranceConfig { interim: 8_000, ..UtteranceConfig::default() }),
        baseline: true,
        ..Config::default()
    };
    let block = channels * 160;
    let hear = |wanted: &dyn Fn(usize) -> bool| {
        let mut analyzer = Analyzer::new(settings.clone(), rate, channels).unwrap();
        let mut kept = Vec::new();
        for (k, part) in audio.chunks(block).enumerate() {
            analyzer.set_interim(wanted(k));
            feed(&mut analyzer, channels, part, &[usize::MAX], &mut kept);
            if k % 500 == 499 {
                // The first result after a jump says so, whether or not an interim one was left out before it.
                analyzer.cut(Ended::Discont, 0, &mut keep(&mut kept));
            }
        }
        let left_out = analyzer.left_out();
        analyzer.finish(&mut keep(&mut kept));
        (records(&kept).into_iter().cloned().collect::<Vec<Record>>(), left_out)
    };
    let (all, none_left_out) = hear(&|_| true);
    let finals: Vec<_> = all.iter().filter(|r| r.ended != Ended::Open).collect();
    assert!(none_left_out == 0 && all.len() > 2 * finals.len() && finals.iter().any(|r| r.discont));
    let ways: [&dyn Fn(usize) -> bool; 2] = [&|_| false, &|k| k % 700 > 350];
    for wanted in ways {
        let (some, left_out) = hear(wanted);
        assert!(left_out > 10);
        assert_eq!(some.len() + left_out as usize, all.len());
        assert_eq!(some.iter().filter(|r| r.ended != Ended::Open).collect::<Vec<_>>(), finals);
        let mut every = all.iter();
        assert!(some.iter().all(|r| every.any(|a| a == r)), "an interim result that is there is another one");
    }
}
