//! Dual mono: channels that carry the same samples are analysed once, and those that differ are not taken for the same.

mod common;

use affect::analyzer::{Analyzer, Config, Policies, Policy, Segmentation, WindowConfig};
use affect::record::{Ended, Record};
use affect::segment::utterance::UtteranceConfig;
use common::{Kept, feed, keep, records, root, run, wav};
use proptest::prelude::*;
use std::sync::LazyLock;

/// The caller of the call, 8 kHz.
static CALLER: LazyLock<Vec<i16>> = LazyLock::new(|| call(1));
static AGENT: LazyLock<Vec<i16>> = LazyLock::new(|| call(0));

fn call(channel: usize) -> Vec<i16> {
    let (audio, channels, rate) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    assert_eq!((channels, rate), (2, 8_000));
    audio.into_iter().skip(channel).step_by(2).collect()
}

fn interleaved(left: &[i16], right: &[i16]) -> Vec<i16> {
    left.iter().zip(right).flat_map(|(l, r)| [*l, *r]).collect()
}

fn utterances() -> Config {
    Config { segmentation: Segmentation::Utterances(UtteranceConfig::default()), ..Config::default() }
}

fn owned(kept: &[Kept]) -> Vec<Record> {
    records(kept).into_iter().cloned().collect()
}

fn of(list: &[Record], channel: usize) -> Vec<Record> {
    list.iter().filter(|r| r.channel.index == Some(channel)).cloned().collect()
}

/// A record as one of channel 0 alone.
fn plain(r: &Record) -> String {
    let mut r = r.clone();
    r.channel.index = Some(0);
    r.channel.same_as.clear();
    r.to_json()
}

fn all_plain(list: &[Record]) -> Vec<String> {
    list.iter().map(plain).collect()
}

/// The first channel is what it is alone, and what the second one would say is said once, by itself or by the first.
#[test]
fn equal_channels_are_analysed_once() {
    let windows = Segmentation::Windows(WindowConfig::default());
    for segmentation in [utterances().segmentation, windows, Segmentation::File] {
        let config = Config { segmentation, ..Config::default() };
        let alone = owned(&run(&config, 8_000, 1, &CALLER, &[160]));
        let both = owned(&run(&config, 8_000, 2, &interleaved(&CALLER, &CALLER), &[160]));
        let (first, second) = (of(&both, 0), of(&both, 1));
        assert_eq!(all_plain(&first), all_plain(&alone), "{segmentation:?}");
        let together = first.iter().filter(|r| r.channel.same_as == [1]);
        let mut said: Vec<String> = together.chain(&second).map(plain).collect();
        let mut due = all_plain(&alone);
        said.sort();
        due.sort();
        assert_eq!(said, due, "{segmentation:?}");
        // Decided after a second of sound, or over the whole stream.
        let late = second.iter().map(|r| r.end_ns).max().unwrap_or(0);
        let limit = match segmentation {
            Segmentation::File => 0,
            _ => 2_000_000_000,
        };
        assert!(late <= limit, "{segmentation:?}: {late}");
        assert!(first.iter().filter(|r| r.channel.same_as == [1]).count() > first.len() / 2, "{segmentation:?}");
    }
}

/// A difference brings the second channel back, from there and afresh; the first one is not cut.
#[test]
fn a_difference_brings_the_channel_back() {
    // Not at the edge of a piece of 10 ms; nobody takes the difference for the same any more.
    let at = 20 * 8_000 + 37;
    let mut right = CALLER[..at].to_vec();
    right.extend(&AGENT[at..]);
    let alone = owned(&run(&utterances(), 8_000, 1, &CALLER, &[160]));
    let mut analyzer = Analyzer::new(utterances(), 8_000, 2).unwrap();
    let mut kept = Vec::new();
    feed(&mut analyzer, 2, &interleaved(&CALLER, &right), &[160], &mut kept);
    analyzer.finish(&mut keep(&mut kept));
    assert_eq!(analyzer.dual_mono(), [(0, 1)]);
    let both = owned(&kept);
    assert_eq!(all_plain(&of(&both, 0)), all_plain(&alone), "the first channel");
    let piece = at / 80 * 80;
    let mut fresh = Analyzer::new(utterances(), 8_000, 1).unwrap();
    fresh.restart(piece as u64 * 125_000);
    let mut kept = Vec::new();
    feed(&mut fresh, 1, &right[piece..], &[160], &mut kept);
    fresh.finish(&mut keep(&mut kept));
    let second: Vec<Record> = of(&both, 1).into_iter().filter(|r| r.start_ns >= piece as u64 * 125_000).collect();
    assert!(second.len() >= 2 && second.iter().all(|r| r.channel.same_as.is_empty()));
    assert_eq!(all_plain(&second), all_plain(&owned(&kept)), "the second channel, from there");
    // Nobody stands for the other where they differ, also in a segment that began before.
    for r in of(&both, 0) {
        assert!(r.channel.same_as.is_empty() || r.end_ns <= at as u64 * 125_000, "{}", r.to_json());
    }
    assert!(of(&both, 0).iter().any(|r| r.channel.same_as == [1] && r.ended != Ended::Open));
}

/// One sample that differs is enough in a whole stream, and silence is nothing that channels have in common.
#[test]
fn different_channels_are_never_the_same() {
    let file = Config::default();
    let mut right = CALLER.clone();
    *right.last_mut().unwrap() ^= 1;
    let both = owned(&run(&file, 8_000, 2, &interleaved(&CALLER, &right), &[1024]));
    assert!(both.len() == 2 && both.iter().all(|r| r.channel.same_as.is_empty()));
    let silence = vec![0i16; 80_000];
    let both = owned(&run(&file, 8_000, 2, &interleaved(&silence, &silence), &[1024]));
    assert_eq!(both.len(), 2);
    for config in [utterances(), Config { segmentation: Segmentation::Windows(WindowConfig::default()), ..file }] {
        let two = owned(&run(&config, 8_000, 2, &interleaved(&AGENT, &CALLER), &[160]));
        for (c, own) in [(0, &AGENT), (1, &CALLER)] {
            let alone = owned(&run(&config, 8_000, 1, own, &[160]));
            assert_eq!(all_plain(&of(&two, c)), all_plain(&alone));
            assert!(of(&two, c).iter().all(|r| r.channel.same_as.is_empty()));
        }
    }
}

/// The stricter policy of the two binds both, also that of a channel which is not analysed at all.
#[test]
fn the_stricter_policy_binds() {
    let audio = interleaved(&CALLER, &CALLER);
    let with = |roles: &[&str], policy: &str| {
        let roles = roles.iter().map(|r| (*r).into()).collect();
        let config = Config { roles, policy: Policy::list(policy).unwrap(), ..utterances() };
        owned(&run(&config, 8_000, 2, &audio, &[160]))
    };
    let together =
        |list: &[Record]| -> Vec<Record> { list.iter().filter(|r| !r.channel.same_as.is_empty()).cloned().collect() };
    let agent = together(&with(&["agent", "caller"], ""));
    assert!(agent.len() > 5 && agent.iter().all(|r| r.policy == Policy::FeaturesOnly));
    assert!(agent.iter().all(|r| r.channel.role.as_deref() == Some("agent") && r.channel.same_as == [1]));
    let second = together(&with(&[], "allow,features-only"));
    assert!(second.len() > 5 && second.iter().all(|r| r.policy == Policy::FeaturesOnly));
    let allowed = together(&with(&["caller", "customer"], ""));
    assert!(allowed.iter().all(|r| r.policy == Policy::Allow));
    // Whoever is denied is heard on the other channel too: from the decision on there is nothing.
    for policy in ["allow,deny", "deny,allow"] {
        let list = with(&[], policy);
        assert!(list.iter().all(|r| r.channel.same_as.is_empty()));
        assert!(list.iter().all(|r| r.end_ns < 2_000_000_000), "{policy}");
        let off = Config { collapse_dual_mono: false, policy: Policy::list(policy).unwrap(), ..utterances() };
        let off = owned(&run(&off, 8_000, 2, &audio, &[160]));
        assert!(off.iter().any(|r| r.start_ns > 20_000_000_000), "{policy}: unless that is switched off");
    }
    // Whoever binds such a record later sees both channels.
    let mut record = allowed[0].clone();
    assert!(!Policies::new(Vec::new(), Policy::list("allow,deny").unwrap()).bind(&mut record, 2));
    let mut record = allowed[0].clone();
    assert!(Policies::new(Vec::new(), Policy::list("allow,features-only").unwrap()).bind(&mut record, 2));
    assert_eq!(record.policy, Policy::FeaturesOnly);
}

#[test]
fn switched_off_every_channel_is_analysed() {
    let config = Config { collapse_dual_mono: false, ..utterances() };
    let both = owned(&run(&config, 8_000, 2, &interleaved(&CALLER, &CALLER), &[160]));
    assert_eq!(all_plain(&of(&both, 0)), all_plain(&of(&both, 1)));
    assert!(both.iter().all(|r| r.channel.same_as.is_empty()));
    assert_eq!(config.fingerprint(), utterances().fingerprint(), "results say the same");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// However the input is cut and wherever the channels part and meet again, the results are the same.
    #[test]
    fn results_do_not_depend_on_blocks(
        cuts in prop::collection::vec(1usize..4_000, 1..6), part in 8_000usize..80_000, length in 1usize..40_000, missing in any::<bool>(),
    ) {
        let mut right = CALLER[..160_000].to_vec();
        right[part..(part + length).min(160_000)].copy_from_slice(&AGENT[part..(part + length).min(160_000)]);
        let audio = interleaved(&CALLER[..160_000], &right);
        let through = |cuts: &[usize]| {
            let mut analyzer = Analyzer::new(utterances(), 8_000, 2).unwrap();
            let mut kept = Vec::new();
            feed(&mut analyzer, 2, &audio[..200_000], cuts, &mut kept);
            if missing {
                analyzer.push_missing(321, &mut keep(&mut kept)).unwrap();
            }
            feed(&mut analyzer, 2, &audio[200_000..], cuts, &mut kept);
            analyzer.finish(&mut keep(&mut kept));
            let again = {
                analyzer.reset();
                let mut kept = Vec::new();
                feed(&mut analyzer, 2, &audio[..200_000], cuts, &mut kept);
                kept.len()
            };
            (owned(&kept).iter().map(Record::to_json).collect::<Vec<_>>(), again)
        };
        prop_assert_eq!(through(&cuts), through(&[160]));
    }
}
