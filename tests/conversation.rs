//! Measures of constructed conversations whose truth is known to the frame, and of random ones against a plain recomputation.

mod common;

use affect::conversation::catalogue::{ENTRIES, columns, to_markdown};
use affect::conversation::{
    Activity, Conversation, ConversationRecord, Parameters, Party, SCHEMA_JSON, Undefined, party_names,
};
use affect::record::Policy;
use common::root;
use proptest::prelude::*;
use std::sync::Arc;

fn parties(roles: &[&str]) -> Vec<Party> {
    let channels: Vec<_> = roles.iter().enumerate().map(|(c, r)| (Some(c), Some(*r))).collect();
    let role = |r: &str| Some(Arc::from(r)).filter(|_| !r.is_empty());
    let party = |(c, name)| Party { name, channel: Some(c), role: role(roles[c]), track: None, policy: Policy::Allow };
    party_names(&channels).into_iter().enumerate().map(party).collect()
}

/// A frame of each party: `s` speech, `.` silence, `=` shared, `?` unknown.
fn activity(c: u8) -> Activity {
    match c {
        b's' => Activity::Speech,
        b'=' => Activity::Shared,
        b'?' => Activity::Unknown,
        _ => Activity::Silence,
    }
}

fn heard(lines: &[&[u8]]) -> Conversation {
    let roles: Vec<&str> = ["agent", "caller", "third"].into_iter().take(lines.len()).collect();
    let mut c = Conversation::new(parties(&roles), Parameters::default(), 0);
    (0..lines[0].len()).for_each(|k| c.push(|party| activity(lines[party][k])));
    c
}

fn of(lines: &[&[u8]]) -> ConversationRecord {
    heard(lines).record()
}

/// Runs of frames: `("s", 100)` is a second of speech.
fn line(runs: &[(&str, usize)]) -> Vec<u8> {
    runs.iter().flat_map(|(what, n)| std::iter::repeat_n(what.as_bytes()[0], *n)).collect()
}

fn two(agent: &[(&str, usize)], caller: &[(&str, usize)]) -> ConversationRecord {
    let (a, c) = (line(agent), line(caller));
    assert_eq!(a.len(), c.len());
    of(&[&a, &c])
}

/// Numbers are exact to the rounding of a double.
fn is(r: &ConversationRecord, name: &str, expected: f64) {
    let found = r.measure(name).unwrap_or_else(|| panic!("no measure {name}"));
    assert!(found.is_ok_and(|v| (v - expected).abs() < 1e-9), "{name}: {found:?}, expected {expected}");
}

fn is_not(r: &ConversationRecord, name: &str, why: Undefined) {
    assert_eq!(r.measure(name), Some(Err(why)), "{name}");
}

#[test]
fn a_plain_exchange() {
    // 1 s silence, agent 3 s, 0.4 s pause, caller 2 s, 0.6 s pause, agent 1 s, 0.5 s silence.
    let r = two(
        &[(".", 100), ("s", 300), (".", 40), (".", 200), (".", 60), ("s", 100), (".", 50)],
        &[(".", 100), (".", 300), (".", 40), ("s", 200), (".", 60), (".", 100), (".", 50)],
    );
    for (name, expected) in [
        ("duration_s", 8.5),
        ("conversation_s", 7.0),
        ("lost_s", 0.0),
        ("shared_s", 0.0),
        ("talk_any_s", 6.0),
        ("overlap_s", 0.0),
        ("overlap_share", 0.0),
        ("non_talk_s", 0.0),
        ("non_talk_share", 0.0),
        ("non_talk_count", 0.0),
        ("agent_talk_s", 4.0),
        ("caller_talk_s", 2.0),
        ("agent_talk_share", 4.0 / 7.0),
        ("caller_talk_share", 2.0 / 7.0),
        ("agent_turns", 2.0),
        ("caller_turns", 1.0),
        ("agent_turns_median_s", 2.0),
        ("agent_turns_longest_s", 3.0),
        ("caller_turns_median_s", 2.0),
        ("caller_reply_gaps", 1.0),
        ("caller_reply_gap_median_s", 0.4),
        ("agent_reply_gap_median_s", 0.6),
        ("agent_interruptions", 0.0),
        ("caller_interruptions_s", 0.0),
        ("caller_backchannels", 0.0),
    ] {
        is(&r, name, expected);
    }
    is_not(&r, "non_talk_longest_s", Undefined::NoEvents);
    is_not(&r, "agent_f0_median_hz", Undefined::NoFeatures);
    is_not(&r, "agent_abstained_share", Undefined::NotScored);
    is_not(&r, "level_difference_db", Undefined::NoFeatures);
}

#[test]
fn a_turn_change_that_overlaps_a_little_is_no_interruption() {
    let r = two(&[("s", 300), (".", 300)], &[(".", 272), ("s", 328)]);
    is(&r, "overlap_s", 0.28);
    is(&r, "caller_interruptions", 0.0);
    is(&r, "caller_backchannels", 0.0);
    is(&r, "caller_turns", 1.0);
    is(&r, "caller_turns_longest_s", 3.28);
    is(&r, "agent_turns_longest_s", 3.0);
    is(&r, "caller_reply_gaps", 0.0);
    is_not(&r, "caller_reply_gap_median_s", Undefined::NoEvents);
}

/// Each threshold of an interruption, just reached and just missed.
#[test]
fn an_interruption_has_three_conditions() {
    let count = |into: usize, overlap: usize, after: usize| {
        let r = two(
            &[(".", 50), ("s", into), ("s", overlap), (".", after), (".", 100)],
            &[(".", 50), (".", into), ("s", overlap), ("s", after), (".", 100)],
        );
        is(&r, "agent_interruptions", 0.0);
        (r.number("caller_interruptions").unwrap(), r.number("caller_interruptions_s").unwrap())
    };
    assert_eq!(count(100, 50, 100), (1.0, 0.5));
    assert_eq!(count(400, 130, 250), (1.0, 1.3));
    assert_eq!(count(99, 50, 100), (0.0, 0.0));
    assert_eq!(count(100, 49, 100), (0.0, 0.0));
    assert_eq!(count(100, 50, 99), (0.0, 0.0));
}

#[test]
fn backchannels_lie_within_the_others_speech_and_take_no_turn() {
    let count = |length: usize| {
        let r = two(
            &[("s", 200), ("s", length), ("s", 200), (".", 50)],
            &[(".", 200), ("s", length), (".", 200), (".", 50)],
        );
        is(&r, "agent_turns", 1.0);
        is(&r, "caller_turns", 0.0);
        is(&r, "overlap_s", length as f64 / 100.0);
        is(&r, "caller_interruptions", 0.0);
        is_not(&r, "caller_turns_median_s", Undefined::NoEvents);
        r.number("caller_backchannels").unwrap()
    };
    assert_eq!([9, 10, 50, 100, 101].map(count), [0.0, 1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn short_pauses_belong_to_a_spurt_and_are_no_talk() {
    // 0.19 s of pause does not end a spurt, 0.2 s does: the caller's 0.5 s then are a backchannel of 0.25 s and one of 0.25 s.
    for (pause, count) in [(19, 1.0), (20, 2.0)] {
        let r = two(&[("s", 400)], &[(".", 100), ("s", 25), (".", pause), ("s", 25), (".", 250 - pause)]);
        is(&r, "caller_backchannels", count);
        is(&r, "caller_talk_s", 0.5);
    }
}

#[test]
fn long_silence_counts_beyond_three_seconds_and_between_words_only() {
    let r = two(
        &[(".", 500), ("s", 100), (".", 300), ("s", 100), (".", 301), (".", 50), (".", 400), ("s", 20), (".", 900)],
        &[(".", 500), (".", 100), (".", 300), (".", 100), (".", 301), ("s", 50), (".", 400), (".", 20), (".", 900)],
    );
    is(&r, "non_talk_count", 2.0);
    is(&r, "non_talk_s", 7.01);
    is(&r, "non_talk_longest_s", 4.0);
    is(&r, "non_talk_share", 7.01 / 12.71);
    is(&r, "conversation_s", 12.71);
}

#[test]
fn what_is_lost_is_neither_talk_nor_silence_and_ends_what_it_cuts() {
    // Without the hole the silence would be 4 s, and the caller's reply would come after it.
    let r = two(
        &[("s", 200), (".", 200), ("?", 100), (".", 100), (".", 200)],
        &[(".", 200), (".", 200), ("?", 100), (".", 100), ("s", 200)],
    );
    is(&r, "lost_s", 1.0);
    is(&r, "non_talk_count", 0.0);
    is(&r, "caller_turns", 1.0);
    is_not(&r, "caller_reply_gap_median_s", Undefined::NoEvents);
    is(&r, "agent_talk_share", 2.0 / 7.0);
    is(&r, "conversation_s", 8.0);
    // Silence that was heard counts, although a hole follows.
    let r = two(
        &[("s", 200), (".", 310), ("?", 100), (".", 100), ("s", 200)],
        &[(".", 200), (".", 310), ("?", 100), (".", 100), (".", 200)],
    );
    is(&r, "non_talk_s", 3.1);
    is(&r, "agent_turns", 2.0);
    // A hole as short as a pause within a spurt is bridged.
    let r = two(
        &[("s", 200), ("?", 19), ("s", 100), (".", 50), (".", 100)],
        &[(".", 200), ("?", 19), (".", 100), (".", 50), ("s", 100)],
    );
    is(&r, "agent_turns_longest_s", 3.19);
    is(&r, "agent_talk_s", 3.0);
    is(&r, "caller_reply_gap_median_s", 0.5);
}

/// An onset that a hole hides is not known: neither a backchannel nor an interruption is made of it.
#[test]
fn edges_of_holes_are_no_onsets() {
    let r = two(&[("s", 200), ("?", 50), ("s", 300), (".", 50)], &[(".", 200), ("?", 50), ("s", 50), (".", 300)]);
    is(&r, "caller_backchannels", 0.0);
    is(&r, "caller_talk_s", 0.5);
}

#[test]
fn one_channel_has_no_parties() {
    let mono = line(&[(".", 100), ("s", 300), (".", 400), ("s", 100), (".", 50)]);
    let mut c = Conversation::new(parties(&[""]), Parameters::default(), 0);
    mono.iter().for_each(|a| c.push(|_| activity(*a)));
    let r = c.record();
    is(&r, "duration_s", 9.5);
    is(&r, "conversation_s", 8.0);
    is(&r, "talk_any_s", 4.0);
    is(&r, "non_talk_s", 4.0);
    is(&r, "non_talk_share", 0.5);
    for m in &r.measures {
        if m.entry.needs_parties {
            assert_eq!(m.value, Err(Undefined::OneChannel), "{}", m.name);
        }
    }
    assert!(r.measure("channel_0_talk_s").is_some() && r.measure("overlap_s") == Some(Err(Undefined::OneChannel)));
}

#[test]
fn the_same_sound_on_two_channels_has_no_parties_either() {
    let same = line(&[("=", 300), (".", 400), ("=", 100)]);
    let r = of(&[&same, &same]);
    is(&r, "talk_any_s", 4.0);
    is(&r, "shared_s", 4.0);
    is(&r, "non_talk_s", 4.0);
    is_not(&r, "agent_talk_s", Undefined::SameSound);
    is_not(&r, "overlap_s", Undefined::SameSound);
    is_not(&r, "caller_turns", Undefined::SameSound);
    // An announcement on both channels, of a tenth of the talk, is nobody's.
    let r = two(
        &[("=", 100), (".", 50), ("s", 500), (".", 50), (".", 400)],
        &[("=", 100), (".", 50), (".", 500), (".", 50), ("s", 400)],
    );
    is(&r, "talk_any_s", 10.0);
    is(&r, "shared_s", 1.0);
    is(&r, "agent_talk_s", 5.0);
    is(&r, "agent_talk_share", 5.0 / 10.0);
    is(&r, "overlap_s", 0.0);
    is_not(&r, "agent_reply_gap_median_s", Undefined::NoEvents);
    is(&r, "caller_reply_gap_median_s", 0.5);
}

#[test]
fn nobody_speaks() {
    let silent = line(&[(".", 1000)]);
    let r = of(&[&silent, &silent]);
    is(&r, "duration_s", 10.0);
    is(&r, "talk_any_s", 0.0);
    is(&r, "agent_talk_s", 0.0);
    is(&r, "agent_turns", 0.0);
    for name in
        ["conversation_s", "overlap_share", "non_talk_s", "non_talk_share", "non_talk_longest_s", "agent_talk_share"]
    {
        is_not(&r, name, Undefined::NoSpeech);
    }
    let r = Conversation::new(parties(&["a", "b"]), Parameters::default(), 0).record();
    is(&r, "duration_s", 0.0);
    is_not(&r, "conversation_s", Undefined::NoSpeech);
}

#[test]
fn policies_hold_for_everything_that_tells_of_a_party() {
    let open = two(&[("s", 300), (".", 50), (".", 200)], &[(".", 300), (".", 50), ("s", 200)]);
    let mut r = open.clone();
    assert!(r.bind(|p| if &*p.name == "agent" { Policy::Deny } else { Policy::Allow }));
    is(&r, "duration_s", 5.5);
    is(&r, "lost_s", 0.0);
    is(&r, "caller_talk_s", 2.0);
    for m in &r.measures {
        use affect::conversation::catalogue::Tells;
        let theirs = m.party == Some(0) || m.entry.tells == Tells::Everybody;
        assert_eq!(m.value == Err(Undefined::Policy), theirs, "{}: {:?}", m.name, m.value);
    }
    assert_eq!(r.parties.iter().map(|p| p.policy).collect::<Vec<_>>(), [Policy::Deny, Policy::Allow]);
    let mut r = open.clone();
    assert!(r.bind(|_| Policy::FeaturesOnly));
    is(&r, "agent_talk_s", 3.0);
    is_not(&r, "agent_abstained_share", Undefined::Policy);
    let mut r = open;
    assert!(!r.bind(|_| Policy::Deny));
    // What was bound once stays bound.
    r.bind(|_| Policy::Allow);
    is_not(&r, "agent_talk_s", Undefined::Policy);
}

#[test]
fn three_parties_are_one_against_the_others() {
    let r = of(&[
        &line(&[("s", 200), (".", 300), (".", 100)]),
        &line(&[(".", 100), ("s", 250), (".", 150), (".", 100)]),
        &line(&[(".", 350), (".", 50), ("s", 200)]),
    ]);
    // The second one begins 1 s into the first one's speech, overlaps it by 1 s and goes on.
    is(&r, "caller_interruptions", 1.0);
    is(&r, "overlap_s", 1.0);
    is(&r, "third_reply_gap_median_s", 0.5);
    is(&r, "third_turns", 1.0);
    is_not(&r, "level_difference_db", Undefined::NotTwoParties);
}

/// What a person would count with a pencil: frame by frame, without any of the library's own steps.
struct Naive {
    interruptions: [u64; 2],
    overlap_in_them: [u64; 2],
    backchannels: [u64; 2],
    turns: [Vec<u64>; 2],
    gaps: [Vec<u64>; 2],
}

/// Spurts as flags: pauses shorter than 0.2 s filled, then runs with less than 0.1 s of speech taken out.
fn spurt_flags(line: &[u8]) -> Vec<bool> {
    let n = line.len();
    let speech: Vec<bool> = line.iter().map(|c| *c == b's').collect();
    let mut filled = speech.clone();
    for i in 0..n {
        let before = (0..i).rev().take(19).find(|k| speech[*k]);
        let after = (i..n).take(20).find(|k| speech[*k]);
        if let (false, Some(b), Some(a)) = (speech[i], before, after) {
            filled[i] = a - b - 1 < 20;
        }
    }
    for (start, end) in runs(&filled) {
        if speech[start..end].iter().filter(|s| **s).count() < 10 {
            filled[start..end].fill(false);
        }
    }
    filled
}

fn runs(flags: &[bool]) -> Vec<(usize, usize)> {
    let edge = |k: usize| flags[k] && (k == 0 || !flags[k - 1]);
    let end = |s: usize| (s..flags.len()).find(|k| !flags[*k]).unwrap_or(flags.len());
    (0..flags.len()).filter(|k| edge(*k)).map(|s| (s, end(s))).collect()
}

fn naive(lines: [&[u8]; 2]) -> Naive {
    let n = lines[0].len();
    let unclear: Vec<bool> = (0..n).map(|k| lines.iter().any(|l| l[k] == b'?' || l[k] == b'=')).collect();
    let mut clear = vec![true; n];
    runs(&unclear).into_iter().filter(|r| r.1 - r.0 >= 20).for_each(|(s, e)| clear[s..e].fill(false));
    let flags = lines.map(spurt_flags);
    let mut out = Naive {
        interruptions: [0; 2],
        overlap_in_them: [0; 2],
        backchannels: [0; 2],
        turns: [const { Vec::new() }; 2],
        gaps: [const { Vec::new() }; 2],
    };
    for (from, to) in runs(&clear) {
        let part = [0, 1].map(|p| flags[p][from..to].to_vec());
        for p in 0..2 {
            let (own, other) = (&part[p], &part[1 - p]);
            for (s, e) in runs(own) {
                // The other speaks in the frame before the onset, and in that of the onset.
                if s == 0 || !other[s] || !other[s - 1] {
                    continue;
                }
                let into = other[..s].iter().rev().take_while(|o| **o).count();
                let stop = (s..other.len()).find(|k| !other[*k]).unwrap_or(other.len());
                if e < stop {
                    out.backchannels[p] += u64::from(e - s <= 100);
                } else if into >= 100 && stop - s >= 50 && e - stop >= 100 {
                    out.interruptions[p] += 1;
                    out.overlap_in_them[p] += (stop - s) as u64;
                }
            }
        }
        // Who holds the floor, frame by frame.
        let mut floor: Option<(usize, usize, usize)> = None;
        for k in 0..part[0].len() {
            let alone = (0..2).find(|p| part[*p][k] && !part[1 - p][k]);
            if let Some(p) = alone.filter(|p| floor.is_none_or(|f| f.0 != *p)) {
                let onset = k - part[p][..k].iter().rev().take_while(|s| **s).count();
                if let Some((other, start, end)) = floor {
                    out.turns[other].push((end - start) as u64);
                    if onset >= end {
                        out.gaps[p].push((onset - end) as u64);
                    }
                }
                floor = Some((p, onset, onset));
            }
            if let Some((p, _, end)) = &mut floor
                && part[*p][k]
            {
                *end = k + 1;
            }
        }
        if let Some((p, start, end)) = floor {
            out.turns[p].push((end - start) as u64);
        }
    }
    out
}

fn middle(list: &[u64]) -> Option<f64> {
    let mut list = list.to_vec();
    list.sort_unstable();
    let n = list.len();
    (n > 0).then(|| (list[(n - 1) / 2] + list[n / 2]) as f64 / 200.0)
}

fn random_line() -> impl Strategy<Value = Vec<(u8, usize)>> {
    let what = prop::sample::select(vec![b's', b's', b's', b'.', b'.', b'.', b'?', b'=']);
    let length = prop_oneof![1usize..30, 30usize..140, 100usize..420];
    prop::collection::vec((what, length), 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn random_conversations_are_counted_as_with_a_pencil(agent in random_line(), caller in random_line()) {
        let spread = |l: &[(u8, usize)]| -> Vec<u8> { l.iter().flat_map(|(c, n)| std::iter::repeat_n(*c, *n)).collect() };
        let (mut a, mut b) = (spread(&agent), spread(&caller));
        let n = a.len().max(b.len());
        a.resize(n, b'.');
        b.resize(n, b'.');
        let r = of(&[&a, &b]);
        let frames = |f: &dyn Fn(u8, u8) -> bool| a.iter().zip(&b).filter(|(x, y)| f(**x, **y)).count() as f64 / 100.0;
        let value = |name: &str| r.measure(name).unwrap();
        let close = |name: &str, expected: f64| match value(name) {
            Ok(v) => (v - expected).abs() < 1e-9,
            Err(_) => false,
        };
        prop_assert!(close("duration_s", n as f64 / 100.0));
        prop_assert!(close("lost_s", frames(&|x, y| x == b'?' || y == b'?')));
        prop_assert!(close("shared_s", frames(&|x, y| x == b'=' || y == b'=')));
        let talks = |x: u8| x == b's' || x == b'=';
        prop_assert!(close("talk_any_s", frames(&|x, y| talks(x) || talks(y))));
        let spoken: Vec<usize> = (0..n).filter(|k| talks(a[*k]) || talks(b[*k])).collect();
        let (Some(&first), Some(&last)) = (spoken.first(), spoken.last()) else {
            prop_assert_eq!(value("conversation_s"), Err(Undefined::NoSpeech));
            return Ok(());
        };
        prop_assert!(close("conversation_s", (last + 1 - first) as f64 / 100.0));
        let quiet: Vec<bool> = (first..=last).map(|k| a[k] == b'.' && b[k] == b'.').collect();
        let long: Vec<usize> = runs(&quiet).into_iter().map(|(s, e)| e - s).filter(|l| *l > 300).collect();
        prop_assert!(close("non_talk_count", long.len() as f64));
        prop_assert!(close("non_talk_s", long.iter().sum::<usize>() as f64 / 100.0));
        let silences: Vec<(usize, usize)> = runs(&quiet).into_iter().filter(|(s, e)| e - s > 300).collect();
        let silences: Vec<(u64, u64)> = silences.into_iter().map(|(s, e)| ((first + s) as u64, (first + e) as u64)).collect();
        let talk = heard(&[&a, &b]);
        let stretches: Vec<(u64, u64)> = talk.talk().non_talk_stretches().iter().map(|s| (s.start, s.end)).collect();
        prop_assert_eq!(stretches, silences);
        prop_assert_eq!(value("non_talk_longest_s").ok(), long.iter().max().map(|l| *l as f64 / 100.0));
        let heard = (first..=last).filter(|k| a[*k] != b'?' && b[*k] != b'?').count() as f64 / 100.0;
        if heard > 0.0 {
            prop_assert!(close("non_talk_share", long.iter().sum::<usize>() as f64 / 100.0 / heard));
        }
        if 10 * spoken.iter().filter(|k| a[**k] == b'=' || b[**k] == b'=').count() > spoken.len() {
            prop_assert_eq!(value("agent_talk_s"), Err(Undefined::SameSound));
            return Ok(());
        }
        prop_assert!(close("overlap_s", frames(&|x, y| talks(x) && talks(y) && (x, y) != (b'=', b'='))));
        let expected = naive([&a, &b]);
        for (p, who) in ["agent", "caller"].into_iter().enumerate() {
            let name = |what: &str| format!("{who}_{what}");
            let own = [&a, &b][p].iter().filter(|c| **c == b's').count() as f64 / 100.0;
            prop_assert!(close(&name("talk_s"), own));
            prop_assert!(close(&name("interruptions"), expected.interruptions[p] as f64), "{:?}", value(&name("interruptions")));
            prop_assert!(close(&name("interruptions_s"), expected.overlap_in_them[p] as f64 / 100.0));
            prop_assert!(close(&name("backchannels"), expected.backchannels[p] as f64));
            prop_assert!(close(&name("turns"), expected.turns[p].len() as f64), "{:?} {:?}", value(&name("turns")), expected.turns[p]);
            prop_assert_eq!(value(&name("turns_median_s")).ok(), middle(&expected.turns[p]));
            prop_assert_eq!(value(&name("turns_longest_s")).ok(), expected.turns[p].iter().max().map(|t| *t as f64 / 100.0));
            prop_assert!(close(&name("reply_gaps"), expected.gaps[p].len() as f64));
            prop_assert_eq!(value(&name("reply_gap_median_s")).ok(), middle(&expected.gaps[p]));
        }
    }

    /// Asking changes nothing, and what was asked in between is what a conversation that ends there gives.
    #[test]
    fn measures_at_any_time_are_those_of_a_conversation_that_ends_there(agent in random_line(), at in 0.0f64..1.0) {
        let a: Vec<u8> = agent.iter().flat_map(|(c, n)| std::iter::repeat_n(*c, *n)).collect();
        let b: Vec<u8> = a.iter().rev().copied().collect();
        let cut = (a.len() as f64 * at) as usize;
        let mut c = Conversation::new(parties(&["agent", "caller"]), Parameters::default(), 0);
        let mut so_far = None;
        for k in 0..a.len() {
            if k == cut {
                so_far = Some(c.record());
            }
            c.push(|p| activity([&a, &b][p][k]));
        }
        prop_assert_eq!(so_far.map(|r| r.measures), Some(of(&[&a[..cut], &b[..cut]]).measures).filter(|_| !a.is_empty()));
        let all = of(&[&a, &b]);
        prop_assert_eq!(&c.record().measures, &all.measures);
        c.restart(0);
        (0..a.len()).for_each(|k| c.push(|p| activity([&a, &b][p][k])));
        prop_assert_eq!(&c.record().measures, &all.measures, "again is as new");
    }

    /// Nobody is favoured: exchanged parties have exchanged measures.
    #[test]
    fn parties_are_alike(agent in random_line(), caller in random_line()) {
        let spread = |l: &[(u8, usize)]| -> Vec<u8> { l.iter().flat_map(|(c, n)| std::iter::repeat_n(*c, *n)).take(800).collect() };
        let (mut a, mut b) = (spread(&agent), spread(&caller));
        a.resize(800, b'.');
        b.resize(800, b'.');
        let (one, other) = (of(&[&a, &b]), of(&[&b, &a]));
        for m in &one.measures {
            let exchanged = if let Some(rest) = m.name.strip_prefix("agent_") {
                format!("caller_{rest}")
            } else if let Some(rest) = m.name.strip_prefix("caller_") {
                format!("agent_{rest}")
            } else {
                m.name.to_string()
            };
            prop_assert_eq!(other.measure(&exchanged), Some(m.value), "{}", m.name);
        }
    }
}

/// The catalogue is the list: same names, same order.
#[test]
fn the_list_of_measures_is_the_catalogue() {
    let r = two(&[("s", 10)], &[(".", 10)]);
    let expected = columns(&["agent", "caller"], &[]);
    assert_eq!(r.measures.len(), expected.len());
    for (m, (name, entry)) in r.measures.iter().zip(&expected) {
        assert_eq!((m.name.as_ref(), m.entry), (name.as_str(), *entry));
        assert_eq!(m.unit(), entry.unit);
    }
    assert_eq!(ENTRIES.iter().filter(|e| !e.per_score()).count(), 35);
}

#[test]
fn the_document_is_current() {
    let path = root().join("docs/conversation.md");
    let text = to_markdown();
    if std::env::var_os("AFFECT_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/conversation.md is stale: run `make bless`"
    );
}

#[test]
fn records_are_valid_under_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mono = line(&[("s", 100)]);
    for r in [two(&[("s", 300), ("?", 50)], &[(".", 300), ("?", 50)]), of(&[&mono])] {
        let json: serde_json::Value = serde_json::from_str(&r.to_json()).unwrap();
        if let Err(e) = validator.validate(&json) {
            panic!("{e} in {json}");
        }
        let (numbers, reasons) = (json["measures"].as_object().unwrap(), json["reasons"].as_object().unwrap());
        assert!(numbers.iter().all(|(name, v)| v.is_null() == reasons.contains_key(name)));
        assert_eq!(numbers.len(), r.measures.len());
        for (pointer, wrong) in [
            ("/schema", serde_json::json!("affect.conversation/2")),
            ("/measures/overlap_s", serde_json::json!("much")),
            ("/ended", serde_json::json!("pause")),
            ("/reasons/overlap_s", serde_json::json!("because")),
            ("/parties", serde_json::json!([])),
        ] {
            let mut bad = json.clone();
            match bad.pointer_mut(pointer) {
                Some(place) => *place = wrong,
                None => bad["reasons"]["overlap_s"] = wrong,
            }
            assert!(!validator.is_valid(&bad), "{pointer}");
        }
    }
    let list = |pointer: &str| -> Vec<&str> {
        schema.pointer(pointer).unwrap().as_array().unwrap().iter().filter_map(|v| v.as_str()).collect()
    };
    assert_eq!(list("/properties/reasons/additionalProperties/enum"), Undefined::ALL.map(Undefined::name));
    assert_eq!(list("/properties/parameters/required"), Parameters::default().named().map(|n| n.0));
}

/// Identities tell conversations apart, and revisions of one keep its own.
#[test]
fn identities() {
    let base = two(&[("s", 10)], &[(".", 10)]);
    let other = |change: &dyn Fn(&mut ConversationRecord)| {
        let mut r = base.clone();
        change(&mut r);
        r
    };
    let revision = other(&|r| r.revision = 1);
    assert!(revision.id() != base.id() && revision.conversation_id() == base.conversation_id());
    let longer = other(&|r| r.end_ns += 1);
    assert!(longer.id() != base.id() && longer.conversation_id() == base.conversation_id());
    for r in [other(&|r| r.stream = "x".into()), other(&|r| r.start_ns = 7), other(&|r| r.parties[1].channel = Some(5))]
    {
        assert!(r.id() != base.id() && r.conversation_id() != base.conversation_id());
    }
    assert_eq!(base.clone().to_json(), base.to_json());
}
