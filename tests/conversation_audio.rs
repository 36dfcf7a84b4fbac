//! Conversations out of audio: the one path, its laws, and the shipped call.

mod common;

use affect::analyzer::{Analyzer, ChannelMode, Config, ConversationConfig, Output, Policies, Policy, Segmentation};
use affect::conversation::{Conversation, ConversationRecord, SCHEMA_JSON, Undefined};
use affect::record::{Ended, Record};
use affect::segment::utterance::UtteranceConfig;
use affect::segment::vad::Vad;
use affect::signal::samples::Samples;
use common::{root, segmentations, wav};
use proptest::prelude::*;
use std::sync::OnceLock;

const CALL: &str = "tests/data/calls/call40_185s_2ch_pcm16.wav";

fn call() -> &'static (Vec<i16>, usize, u32) {
    static CALL_AUDIO: OnceLock<(Vec<i16>, usize, u32)> = OnceLock::new();
    CALL_AUDIO.get_or_init(|| wav(&root().join(CALL)))
}

fn settings(segmentation: Segmentation, interval_s: u64) -> Config {
    Config {
        segmentation,
        roles: vec!["agent".into(), "caller".into()],
        conversation: Some(ConversationConfig { interval: interval_s * 16_000, ..ConversationConfig::default() }),
        ..Config::default()
    }
}

fn utterances() -> Segmentation {
    Segmentation::Utterances(UtteranceConfig { interim: 0, ..UtteranceConfig::default() })
}

/// What came out.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    records: Vec<Record>,
    conversations: Vec<Conversation>,
}

impl Heard {
    fn take(&mut self) -> impl FnMut(Output<'_>) + '_ {
        |o| match o {
            Output::Segment(r) => self.records.push(*r),
            Output::Conversation(c) => self.conversations.push(*c),
            Output::Frame(_) | Output::Speech(_) => {}
        }
    }

    fn lines(&self) -> Vec<String> {
        self.conversations.iter().map(|c| c.record().to_json()).collect()
    }

    fn last(&self) -> ConversationRecord {
        self.conversations.last().expect("a conversation").record()
    }
}

fn push(a: &mut Analyzer, channels: usize, audio: &[i16], cuts: &[usize], heard: &mut Heard) {
    let mut rest = audio;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at(cut.saturating_mul(channels).min(rest.len()));
        a.push(&Samples::s16(now, channels).unwrap(), &mut heard.take()).unwrap();
        rest = later;
    }
}

fn run(config: &Config, rate: u32, channels: usize, audio: &[i16], cuts: &[usize]) -> Heard {
    let mut a = Analyzer::new(config.clone(), rate, channels).unwrap();
    let mut heard = Heard::default();
    push(&mut a, channels, audio, cuts, &mut heard);
    a.finish(&mut heard.take());
    heard
}

#[test]
fn the_call_is_told_plausibly() {
    let (audio, channels, rate) = call();
    let heard = run(&settings(utterances(), 0), *rate, *channels, audio, &[1024]);
    assert_eq!(heard.conversations.len(), 1);
    let r = heard.last();
    assert_eq!((r.ended, r.revision, r.start_ns), (Ended::EndOfStream, 0, 0));
    let n = |name: &str| r.number(name).unwrap_or_else(|| panic!("{name}: {:?}", r.measure(name)));
    println!("{}", r.to_json());
    let frames = audio.len() / channels;
    assert!((n("duration_s") - frames as f64 / f64::from(*rate)).abs() < 1e-6);
    assert!((n("caller_talk_share") - 0.57).abs() < 0.06, "{}", n("caller_talk_share"));
    assert!((n("agent_talk_share") - 0.41).abs() < 0.06, "{}", n("agent_talk_share"));
    // Frames in which the detector hears both: pauses within words and spurts are none.
    assert!((0.3..1.6).contains(&n("overlap_s")), "{}", n("overlap_s"));
    assert!(n("agent_talk_s") + n("caller_talk_s") - n("overlap_s") - n("talk_any_s") < 1e-9);
    assert!(n("talk_any_s") <= n("conversation_s") && n("conversation_s") <= n("duration_s"));
    // Turns change with a little overlap, which is no interruption.
    assert_eq!(n("agent_interruptions") + n("caller_interruptions"), 0.0);
    assert_eq!((n("lost_s"), n("shared_s")), (0.0, 0.0));
    assert!(n("agent_turns") >= 2.0 && (n("agent_turns") - n("caller_turns")).abs() <= 1.0);
    assert!((80.0..300.0).contains(&n("agent_f0_median_hz")) && (80.0..300.0).contains(&n("caller_f0_median_hz")));
    assert!((n("level_difference_db") - (n("agent_level_dbfs") - n("caller_level_dbfs"))).abs() < 1e-9);
    assert_eq!(r.measure("agent_abstained_share"), Some(Err(Undefined::Policy)));
    assert_eq!(r.measure("caller_abstained_share"), Some(Err(Undefined::NotScored)));
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA_JSON).unwrap()).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&r.to_json()).unwrap()));
}

/// Steady noise on the line is nobody's talk, though the detector takes it for speech.
#[test]
fn noise_on_the_line_is_nobodys_talk() {
    let (audio, channels, rate) = call();
    let power = audio.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / audio.len() as f64;
    let shares = |noise_db: Option<f64>| {
        let mut state = 1u64;
        let mut normal = || {
            // A sum of uniform values is nearly normal.
            let uniform = |s: &mut u64| {
                *s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (*s >> 40) as f64 / (1u64 << 24) as f64
            };
            (0..12).map(|_| uniform(&mut state)).sum::<f64>() - 6.0
        };
        let height = noise_db.map_or(0.0, |db| (power * 10f64.powf(-db / 10.0)).sqrt());
        let noisy: Vec<i16> = audio.iter().map(|x| (f64::from(*x) + height * normal()) as i16).collect();
        let r = run(&settings(Segmentation::File, 0), *rate, *channels, &noisy, &[1024]).last();
        let n = |name: &str| r.number(name).unwrap();
        [n("agent_talk_s"), n("caller_talk_s"), n("overlap_s")]
    };
    let clean = shares(None);
    for db in [20.0, 15.0] {
        let [agent, caller, overlap] = shares(Some(db));
        // Soft sounds drown in noise; pauses do not become talk.
        assert!((0.75..1.05).contains(&(agent / clean[0])), "{db} dB: {agent} s of {} s", clean[0]);
        assert!((0.65..1.05).contains(&(caller / clean[1])), "{db} dB: {caller} s of {} s", clean[1]);
        assert!(overlap <= clean[2] + 0.5, "{db} dB: {overlap} s at once, {} s without noise", clean[2]);
    }
}

/// Talk by its definition: the detector alone on each channel, without the analyzer.
#[test]
fn talk_is_what_the_detector_says_of_each_channel() {
    let (clip, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    let n = clip.len() / 160 * 160;
    let other = |i: usize| clip[(i + n / 3) % n] / 2;
    let audio: Vec<i16> = (0..n).flat_map(|i| [clip[i], other(i)]).collect();
    let r = run(&settings(Segmentation::File, 0), 16_000, 2, &audio, &[777]).last();
    let decide = |x: &mut dyn Iterator<Item = i16>| {
        // The analyzer takes an offset off before; these recordings have none to speak of.
        let x: Vec<f32> = x.map(|s| f32::from(s) / 32_768.0).collect();
        let mut frames = Vec::new();
        Vad::default().push(&x, |p| frames.push(p >= 0.5));
        let piece = |k: usize| frames[((k * 160 + 80) / 256).min(frames.len() - 1)];
        (0..n / 160).map(piece).collect::<Vec<bool>>()
    };
    let one = decide(&mut clip[..n].iter().copied());
    let two = decide(&mut (0..n).map(other));
    let count =
        |f: &dyn Fn(bool, bool) -> bool| one.iter().zip(&two).filter(|(a, b)| f(**a, **b)).count() as f64 / 100.0;
    for (name, expected) in [
        ("agent_talk_s", count(&|a, _| a)),
        ("caller_talk_s", count(&|_, b| b)),
        ("talk_any_s", count(&|a, b| a || b)),
        ("overlap_s", count(&|a, b| a && b)),
    ] {
        let found = r.number(name).unwrap();
        assert!(expected > 0.3 && (found - expected).abs() <= 0.1, "{name}: {found}, by the detector alone {expected}");
    }
}

/// All other results are the same with the conversation and without, to the last bit.
#[test]
fn the_conversation_changes_no_other_result() {
    let (audio, channels, rate) = call();
    let part = &audio[..20 * *rate as usize * channels];
    for segmentation in segmentations() {
        for voice_activity in [true, false] {
            for keep in [true, false] {
                let with = Config { voice_activity, collapse_dual_mono: keep, ..settings(segmentation, 3) };
                let without = Config { conversation: None, ..with.clone() };
                let lines = |c: &Config| {
                    let heard = run(c, *rate, *channels, part, &[800]);
                    (heard.records.iter().map(Record::to_json).collect::<Vec<_>>(), heard.conversations.len())
                };
                let ((a, several), (b, none)) = (lines(&with), lines(&without));
                assert_eq!(a, b, "{segmentation:?}");
                assert_eq!((several, none), (7, 0));
                assert_eq!(with.fingerprint(), without.fingerprint());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn any_cut_gives_the_same_conversations(
        cuts in prop::collection::vec(1usize..4_000, 1..12),
        lost in prop::collection::vec((0usize..100_000, 1u64..6_000), 0..4),
    ) {
        let (audio, channels, rate) = call();
        let part = &audio[..12 * *rate as usize * channels];
        let hear = |cuts: &[usize]| {
            let mut a = Analyzer::new(settings(utterances(), 2), *rate, *channels).unwrap();
            let mut heard = Heard::default();
            let mut lost = lost.clone();
            lost.sort_unstable();
            let mut from = 0;
            for (at, frames) in lost {
                let at = (at * channels).min(part.len());
                push(&mut a, *channels, &part[from..at.max(from)], cuts, &mut heard);
                a.push_missing(frames, &mut heard.take()).unwrap();
                from = at.max(from);
            }
            push(&mut a, *channels, &part[from..], cuts, &mut heard);
            a.finish(&mut heard.take());
            heard
        };
        let (whole, cut) = (hear(&[usize::MAX]), hear(&cuts));
        prop_assert_eq!(&whole, &cut);
        prop_assert_eq!(whole.lines(), cut.lines());
        prop_assert!(whole.conversations.len() >= 6);
    }
}

#[test]
fn reset_equals_new_and_a_flush_forgets() {
    let (audio, channels, rate) = call();
    let part = &audio[..8 * *rate as usize * channels];
    let config = settings(utterances(), 3);
    let expected = run(&config, *rate, *channels, part, &[777]);
    for again in [Analyzer::reset as fn(&mut Analyzer), |a| a.restart(0)] {
        let mut a = Analyzer::new(config.clone(), *rate, *channels).unwrap();
        let mut before = Heard::default();
        push(&mut a, *channels, &part[..60_002], &[333], &mut before);
        assert!(!before.conversations.is_empty());
        again(&mut a);
        let mut heard = Heard::default();
        push(&mut a, *channels, part, &[500], &mut heard);
        a.finish(&mut heard.take());
        assert_eq!(heard.lines(), expected.lines());
    }
}

/// Interim ones count up, grow, and are the same conversation; the last one does not depend on them.
#[test]
fn interim_conversations_are_revisions() {
    let (audio, channels, rate) = call();
    let some = run(&settings(utterances(), 10), *rate, *channels, audio, &[1024]);
    let records: Vec<_> = some.conversations.iter().map(Conversation::record).collect();
    assert!(records.len() >= 4);
    for (k, r) in records.iter().enumerate() {
        assert_eq!((r.revision as usize, r.conversation_id()), (k, records[0].conversation_id()));
        let last = k + 1 == records.len();
        assert_eq!(r.ended, if last { Ended::EndOfStream } else { Ended::Open });
        if !last {
            assert_eq!(r.end_ns, (k as u64 + 1) * 10_000_000_000);
            assert!((r.number("duration_s").unwrap() - 10.0 * (k + 1) as f64).abs() < 1e-9);
        }
    }
    let none = run(&settings(utterances(), 0), *rate, *channels, audio, &[4096]).last();
    assert_eq!(records.last().unwrap().measures, none.measures);
    assert_eq!(records[0].conversation_id(), none.conversation_id());
    let mut ids: Vec<String> = records.iter().map(ConversationRecord::id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), records.len());
    // What an analysis that has fallen behind leaves out moves nothing in the others.
    let mut a = Analyzer::new(settings(utterances(), 10), *rate, *channels).unwrap();
    a.set_interim(false);
    let mut heard = Heard::default();
    push(&mut a, *channels, audio, &[1024], &mut heard);
    a.finish(&mut heard.take());
    assert_eq!(a.left_out(), records.len() as u64 - 1);
    assert_eq!(heard.lines(), [records.last().unwrap().to_json()]);
}

#[test]
fn a_conversation_outlives_gaps_and_says_what_was_lost() {
    let (audio, channels, rate) = call();
    let second = *rate as usize * channels;
    let config = settings(utterances(), 0);
    let hear = |cut: &dyn Fn(&mut Analyzer, &mut Heard)| {
        let mut a = Analyzer::new(config.clone(), *rate, *channels).unwrap();
        let mut heard = Heard::default();
        push(&mut a, *channels, &audio[..10 * second], &[1024], &mut heard);
        cut(&mut a, &mut heard);
        push(&mut a, *channels, &audio[12 * second..20 * second], &[1024], &mut heard);
        a.finish(&mut heard.take());
        heard.conversations.iter().map(Conversation::record).collect::<Vec<_>>()
    };
    const S: u64 = 1_000_000_000;
    // The new time comes with the cut, or after it, as where a gap is.
    type Way<'a> = &'a dyn Fn(&mut Analyzer, &mut Heard);
    let ways: [Way<'_>; 3] = [
        &|a, h| a.cut(Ended::Overload, 12 * S, &mut h.take()),
        &|a, h| a.cut(Ended::Discont, 12 * S, &mut h.take()),
        &|a, h| {
            a.cut(Ended::Gap, 0, &mut h.take());
            a.resume(12 * S);
        },
    ];
    let mut same = Vec::new();
    for way in ways {
        let all = hear(way);
        assert_eq!(all.len(), 1);
        let r = &all[0];
        assert_eq!((r.start_ns, r.end_ns, r.ended), (0, 20 * S, Ended::EndOfStream));
        assert_eq!((r.number("duration_s"), r.number("lost_s")), (Some(20.0), Some(2.0)));
        same.push(r.measures.clone());
    }
    assert!(same.windows(2).all(|w| w[0] == w[1]));
    // A hole in the stream is the same as a jump over it.
    let missing = hear(&|a, h| a.push_missing(2 * u64::from(*rate), &mut h.take()).unwrap());
    let lost = missing[0].number("lost_s").unwrap();
    assert!((1.95..2.1).contains(&lost), "{lost}");
    // Backwards, too far, or another stream: it has ended, and another one begins.
    for (reason, origin, why) in [
        (Ended::Discont, 5 * S, Ended::Discont),
        (Ended::Gap, 400 * S, Ended::Gap),
        (Ended::NewStream, 0, Ended::NewStream),
        (Ended::Reset, 12 * S, Ended::Reset),
        (Ended::Stopped, 12 * S, Ended::Stopped),
    ] {
        let all = hear(&|a, h| a.cut(reason, origin, &mut h.take()));
        assert_eq!(all.iter().map(|r| r.ended).collect::<Vec<_>>(), [why, Ended::EndOfStream], "{reason:?}");
        assert_eq!((all[0].start_ns, all[0].end_ns), (0, 10 * S));
        assert_eq!((all[1].start_ns, all[1].end_ns), (origin, origin + 8 * S));
        assert!(all.iter().all(|r| r.number("lost_s") == Some(0.0)));
    }
    // A stream that ends with a gap ends where it was heard.
    let mut a = Analyzer::new(config.clone(), *rate, *channels).unwrap();
    let mut heard = Heard::default();
    push(&mut a, *channels, &audio[..10 * second], &[1024], &mut heard);
    a.cut(Ended::Gap, 0, &mut heard.take());
    a.resume(50 * S);
    a.finish(&mut heard.take());
    let r = heard.last();
    assert_eq!((heard.conversations.len(), r.end_ns, r.ended), (1, 10 * S, Ended::EndOfStream));
}

#[test]
fn one_channel_or_the_same_on_two_has_no_parties() {
    let (audio, channels, rate) = call();
    let mono: Vec<i16> = audio.chunks(*channels).take(20 * *rate as usize).map(|f| f[1]).collect();
    let twice: Vec<i16> = mono.iter().flat_map(|s| [*s, *s]).collect();
    let alone = run(&settings(utterances(), 0), *rate, 1, &mono, &[999]).last();
    assert_eq!(alone.measure("overlap_s"), Some(Err(Undefined::OneChannel)));
    assert_eq!(alone.measure("agent_talk_s"), Some(Err(Undefined::OneChannel)));
    assert!(alone.number("agent_snr_db").is_some(), "the channel's quality is the same whoever speaks on it");
    let any = alone.number("talk_any_s").unwrap();
    assert!(any > 2.0);
    for collapse_dual_mono in [true, false] {
        let config = Config { collapse_dual_mono, ..settings(utterances(), 0) };
        let r = run(&config, *rate, 2, &twice, &[999]).last();
        assert_eq!(r.measure("overlap_s"), Some(Err(Undefined::SameSound)), "{collapse_dual_mono}");
        assert_eq!(r.measure("caller_talk_s"), Some(Err(Undefined::SameSound)));
        // But for what the detector hears before the first sound there is.
        assert!((r.number("talk_any_s").unwrap() - any).abs() < 1e-9);
        assert!((r.number("shared_s").unwrap() - any).abs() < 0.2, "{:?}", r.number("shared_s"));
        assert_eq!(r.number("non_talk_s"), alone.number("non_talk_s"));
    }
    // The mean of all is one channel too, and so is one of several.
    for mode in [ChannelMode::Mix, ChannelMode::List(vec![1])] {
        let config = Config { channels: mode, ..settings(utterances(), 0) };
        let r = run(&config, *rate, *channels, &audio[..160_000], &[999]).last();
        assert_eq!((r.parties.len(), r.measure("overlap_s")), (1, Some(Err(Undefined::OneChannel))));
    }
}

/// An announcement that both hear first: it is nobody's, and the rest is told.
#[test]
fn channels_that_part_are_told_from_there_on() {
    let (audio, channels, rate) = call();
    let rate_n = *rate as usize;
    let announcement = audio.chunks(*channels).skip(2 * rate_n).take(4 * rate_n).flat_map(|f| [f[1], f[1]]);
    let apart = audio.iter().copied().take(audio.len() / channels * channels);
    let both: Vec<i16> = announcement.chain(apart).collect();
    let parted = run(&settings(utterances(), 0), *rate, 2, &both, &[801]).last();
    // The first channel is heard throughout: what it says is the agent's, or what both hear.
    let first: Vec<i16> = both.chunks(2).map(|f| f[0]).collect();
    let alone = run(&settings(utterances(), 0), *rate, 1, &first, &[801]).last();
    let n = |name: &str| parted.number(name).unwrap();
    assert!((n("agent_talk_s") + n("shared_s") - alone.number("talk_any_s").unwrap()).abs() < 1e-9);
    // The second one is heard afresh from where they part, as in the call by itself.
    let plain = run(&settings(utterances(), 0), *rate, 2, audio, &[801]).last();
    assert!((n("caller_talk_s") - plain.number("caller_talk_s").unwrap()).abs() < 0.1);
    assert!(parted.number("shared_s").unwrap() > 0.5);
}

#[test]
fn policies_are_kept_inside_the_analyzer() {
    let (audio, channels, rate) = call();
    let part = &audio[..20 * *rate as usize * channels];
    let with = |policy: &str| {
        let config = Config { policy: Policy::list(policy).unwrap(), ..settings(utterances(), 0) };
        run(&config, *rate, *channels, part, &[640])
    };
    let (open, r) = (with("allow,allow").last(), with("deny,allow").last());
    for m in &r.measures {
        use affect::conversation::catalogue::Tells;
        let told = m.party != Some(0) && m.entry.tells != Tells::Everybody;
        assert_eq!(m.value == Err(Undefined::Policy), !told, "{}: {:?}", m.name, m.value);
        if told {
            assert_eq!(open.measure(&m.name), Some(m.value), "{}", m.name);
        }
    }
    assert!(with("deny,deny").conversations.is_empty());
    // Whoever hands it on binds it to stricter policies the same way.
    let mut bound = open;
    assert!(Policies::new(Vec::new(), Policy::list("deny,allow").unwrap()).bind_conversation(&mut bound, 2));
    assert_eq!(bound.measures, r.measures);
    // The same sound on a denied channel and one that is not: nothing is told of it.
    let twice: Vec<i16> = part.chunks(2).flat_map(|f| [f[1], f[1]]).collect();
    let config = Config { policy: Policy::list("allow,deny").unwrap(), ..settings(utterances(), 0) };
    let r = run(&config, *rate, 2, &twice, &[640]).last();
    let told: Vec<_> = r.measures.iter().filter(|m| m.value.is_ok()).map(|m| m.name.as_ref()).collect();
    assert_eq!(told, ["duration_s", "lost_s"]);
}

#[test]
fn settings_have_ranges() {
    let with = |interval| {
        let c = ConversationConfig { interval, ..ConversationConfig::default() };
        Config { conversation: Some(c), ..Config::default() }.check()
    };
    assert!(with(0).is_ok() && with(16_000).is_ok());
    for wrong in [1, 15_999, ConversationConfig::LONGEST + 1, u64::MAX] {
        assert!(with(wrong).is_err(), "{wrong}");
    }
}

/// Scores: computed at once, or added later, in whatever order.
#[cfg(feature = "model")]
mod scores {
    use super::*;
    use affect::analyzer::{Scorer, ScoringConfig};
    use affect::model::{Options, pool};
    use std::sync::Arc;

    fn scorer() -> Arc<Scorer> {
        let model = pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &Options::default()).unwrap();
        Arc::new(Scorer::new(model, ScoringConfig::default()).unwrap())
    }

    #[test]
    fn scores_that_come_later_are_the_same() {
        let (audio, channels, rate) = call();
        let base = Config { scorer: Some(scorer()), ..settings(utterances(), 15) };
        let at_once = run(&base, *rate, *channels, audio, &[1024]);
        let deferred = Config { deferred: true, ..base.clone() };
        let mut later = run(&deferred, *rate, *channels, audio, &[333]);
        assert!(later.conversations.iter().all(|c| c.record().model.is_none()));
        for r in later.records.iter_mut().rev() {
            Analyzer::score(&deferred, *channels, r);
        }
        for c in &mut later.conversations {
            later.records.iter().for_each(|r| c.score(r));
        }
        assert_eq!(at_once.lines(), later.lines());
        let r = at_once.last();
        assert!(r.model.is_some());
        println!("{}", r.to_json());
        // The agent has features only; the caller's numbers are means of what the records say.
        let arousal = |who: &str, what: &str| r.measure(&format!("{who}_dimension_arousal_{what}")).unwrap();
        assert_eq!(arousal("agent", "mean"), Err(Undefined::Policy));
        let callers = at_once.records.iter().filter(|r| r.channel.index == Some(1) && r.ended != Ended::Open);
        let scored: Vec<(f64, f64, f64, f64)> = callers
            .filter_map(|r| {
                let e = &r.scored.as_ref()?.emotion;
                let value = e.dimensions.iter().find(|d| &*d.0 == "arousal")?.1;
                let quality = r.quality.as_ref().filter(|q| !q.not_speech)?;
                let s = |ns: u64| ns as f64 * 1e-9;
                Some((value, f64::from(quality.speech_s?), s(r.start_ns), s(r.end_ns)))
            })
            .collect();
        assert!(scored.len() > 2);
        let mean = |from: f64, to: f64| {
            let weight = |x: &(f64, f64, f64, f64)| x.1 * ((x.3.min(to) - x.2.max(from)).max(0.0) / (x.3 - x.2));
            let total: f64 = scored.iter().map(weight).sum();
            (scored.iter().map(|x| x.0 * weight(x)).sum::<f64>() / total, total)
        };
        let expected = mean(f64::NEG_INFINITY, f64::INFINITY).0;
        assert!((arousal("caller", "mean").unwrap() - expected).abs() < 1e-6);
        let spoken = at_once.conversations.last().unwrap().talk().spoken().unwrap();
        let (start, end) = (spoken.0 as f64 / 100.0, spoken.1 as f64 / 100.0);
        let quarters = [0.0, 1.0, 2.0, 3.0].map(|k| {
            let quarter = (end - start) / 4.0;
            mean(start + k * quarter, start + (k + 1.0) * quarter)
        });
        for (k, (mean, speech_s)) in quarters.iter().enumerate() {
            let found = arousal("caller", &format!("q{}", k + 1));
            match found {
                // Segments lie on frames of 10 ms here, and on samples there.
                Ok(v) => assert!(*speech_s > 2.9 && (v - mean).abs() < 0.02, "q{k}: {v} and {mean}"),
                Err(why) => assert!(*speech_s < 3.1 && why == Undefined::NotEnoughSpeech, "q{k}: {why} {speech_s}"),
            }
        }
        if let (Ok(first), Ok(last)) = (arousal("caller", "q1"), arousal("caller", "q4")) {
            assert_eq!(arousal("caller", "trend"), Ok(last - first));
        }
        let share = r.number("caller_abstained_share").unwrap();
        assert!((0.0..=1.0).contains(&share));
    }
}

/// What is written of a conversation is read back, with policies and reasons; what is no such record is refused and says why.
#[test]
fn records_of_a_conversation_come_back() {
    let (audio, channels, rate) = call();
    let mut lists = vec![run(&settings(utterances(), 10), *rate, *channels, audio, &[4096]).conversations];
    let denied = Config { policy: vec![Some(Policy::Deny), Some(Policy::Allow)], ..settings(utterances(), 0) };
    lists.push(run(&denied, *rate, *channels, audio, &[4096]).conversations);
    let mono: Vec<i16> = audio.chunks_exact(2).map(|f| f[0]).collect();
    let unnamed = Config { roles: vec!["agent agent".into()], ..settings(Segmentation::File, 0) };
    lists.push(run(&unnamed, *rate, 1, &mono, &[4096]).conversations);
    for record in lists.iter().flatten().map(Conversation::record) {
        let json = record.to_json();
        let back = ConversationRecord::from_json(&json).unwrap();
        assert_eq!(back, record);
        assert_eq!((back.to_json(), back.id()), (json, record.id()));
    }
    let json: serde_json::Value = serde_json::from_str(&lists[0].last().unwrap().record().to_json()).unwrap();
    let changed = |pointer: &str, value: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        ConversationRecord::from_json(&json.to_string()).map_err(|e| e.to_string())
    };
    let refused = |pointer: &str, value: serde_json::Value, word: &str| {
        let why = changed(pointer, value).unwrap_err();
        assert!(why.contains(word), "{pointer}: {why}");
    };
    refused("/schema", "affect.conversation/2".into(), "expected affect.conversation/1");
    refused("/schema", "affect.result/2".into(), "affect.result/2");
    refused("/measures/overlap_s", serde_json::Value::Null, "neither a number nor a reason");
    refused("/measures/overlap_s", "much".into(), "affect.conversation/1");
    refused("/parameters/non_talk_s", 1e9.into(), "parameters.non_talk_s");
    refused("/ended", "gladly".into(), "gladly");
    // A measure of a later version is left out.
    let mut later = json.clone();
    later["measures"]["agent_sighs"] = 3.into();
    let read = ConversationRecord::from_json(&later.to_string()).unwrap();
    assert_eq!(read.measure("agent_sighs"), None);
    assert_eq!(read.number("overlap_s"), json["measures"]["overlap_s"].as_f64());
    assert!(ConversationRecord::from_json("").is_err());
}
