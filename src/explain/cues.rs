//! Cues: how the low-level descriptors inside the relevant spans of an utterance differ from the rest of it.
//!
//! For every descriptor the difference of the means inside and outside, with a p value by circular shifts of the relevance curve: the
//! spans are moved round the utterance as they are, so that what a chance coincidence of two slow curves looks like is not guessed but
//! counted (a circular-shift test as for spike trains and time series). Over the list the false discovery rate is controlled
//! (Benjamini and Hochberg 1995). A group of descriptors is tested by the root mean square of its members' differences, each in its own
//! spread. What is quieter than 25 dB below the loud parts is no part of either side: pauses would make any span louder.

use crate::features::affect::dispersion::{Frame, loud};
use crate::features::catalogue::{Entry, Group, affect_llds};
use std::ops::Range;

/// Samples from one row to the next.
const HOP: i64 = 160;
/// Fewest rows on each side that a difference rests on.
const FEWEST: usize = 5;
/// Rate of false discoveries at which a cue is spoken of.
pub const RATE: f64 = 0.05;
/// Cues that a sentence names.
const NAMED: usize = 2;

/// Low-level descriptors of an utterance, a row every 10 ms.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// One row after another.
    pub frames: &'a [Frame],
    /// Sample of the utterance in the middle of the first row.
    pub first: i64,
    /// Standard deviation of each column over all that was heard of the speaker.
    pub spread: &'a [Option<f32>],
}

/// One descriptor inside the spans and in the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// Its column.
    pub column: usize,
    /// Mean inside the spans, in its unit.
    pub inside: f64,
    /// Mean in the rest.
    pub rest: f64,
    /// The difference in the speaker's standard deviations; `None` where nothing ever moved.
    pub z: Option<f64>,
    /// Share of the circular shifts that part the utterance at least as far, this one counted.
    pub p: f64,
    /// The rate of false discoveries at which it would be one.
    pub q: f64,
}

impl Cue {
    /// Inside less rest, in the descriptor's unit.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.inside - self.rest
    }
}

/// A group of descriptors.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupCue {
    /// The group.
    pub group: Group,
    /// Root mean square of its members' differences, in the speaker's standard deviations.
    pub distance: f64,
    /// As [`Cue::p`].
    pub p: f64,
    /// As [`Cue::q`], over the groups.
    pub q: f64,
}

/// All that was compared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cues {
    /// Descriptors that are defined on both sides, in the order of the catalogue.
    pub descriptors: Vec<Cue>,
    /// Groups with such descriptors.
    pub groups: Vec<GroupCue>,
}

/// Sums of a column up to each row.
struct Sums {
    values: Vec<f64>,
    counts: Vec<f64>,
}

impl Sums {
    fn new(column: impl Iterator<Item = Option<f64>>) -> Self {
        let (mut values, mut counts) = (vec![0.0], vec![0.0]);
        for v in column {
            values.push(values[values.len() - 1] + v.unwrap_or(0.0));
            counts.push(counts[counts.len() - 1] + f64::from(u8::from(v.is_some())));
        }
        Self { values, counts }
    }

    fn all(&self) -> (f64, f64) {
        (self.values[self.values.len() - 1], self.counts[self.counts.len() - 1])
    }

    /// Sum and count inside ranges that are moved round by `shift` rows.
    fn inside(&self, ranges: &[Range<usize>], shift: usize) -> (f64, f64) {
        let n = self.values.len() - 1;
        let part = |from: usize, to: usize| (self.values[to] - self.values[from], self.counts[to] - self.counts[from]);
        let mut sum = (0.0, 0.0);
        for r in ranges {
            let (from, to) = (r.start + shift, r.end + shift);
            let parts = if to <= n {
                [part(from, to), (0.0, 0.0)]
            } else if from >= n {
                [part(from - n, to - n), (0.0, 0.0)]
            } else {
                [part(from, n), part(0, to - n)]
            };
            sum = parts.iter().fold(sum, |s, p| (s.0 + p.0, s.1 + p.1));
        }
        sum
    }

    /// Means inside and outside; `None` with too few rows on a side.
    fn means(&self, ranges: &[Range<usize>], shift: usize) -> Option<(f64, f64)> {
        let (all, inside) = (self.all(), self.inside(ranges, shift));
        let outside = (all.0 - inside.0, all.1 - inside.1);
        let enough = inside.1 >= FEWEST as f64 && outside.1 >= FEWEST as f64;
        enough.then(|| (inside.0 / inside.1, outside.0 / outside.1))
    }
}

/// Compares the rows inside spans (in samples of the utterance) with the rest of the utterance.
#[must_use]
pub fn cues(rows: &Rows<'_>, spans: &[Range<usize>]) -> Cues {
    let (entries, count) = (affect_llds(), rows.frames.len());
    let ranges = ranges(rows.first, count, spans);
    if ranges.is_empty() {
        return Cues::default();
    }
    let loud = loud(rows.frames);
    let mut sums = Vec::with_capacity(entries.len());
    for c in 0..entries.len() {
        // About a value of its own, so that sums of large numbers lose nothing.
        let at = |r: usize| rows.frames[r][c].filter(|_| loud[r]).map(f64::from);
        let about = (0..count).find_map(at).unwrap_or(0.0);
        sums.push((Sums::new((0..count).map(|r| at(r).map(|v| v - about))), about));
    }
    let found: Vec<(usize, f64, f64)> = (0..entries.len())
        .filter_map(|c| sums[c].0.means(&ranges, 0).map(|(i, o)| (c, i + sums[c].1, o + sums[c].1)))
        .collect();
    let apart = |c: usize, shift: usize| sums[c].0.means(&ranges, shift).map(|(i, o)| i - o);
    let mut descriptors: Vec<Cue> = (found.iter())
        .map(|(c, inside, rest)| {
            let p = share_of_shifts(count, |shift| apart(*c, shift).map(f64::abs));
            let z = rows.spread[*c].filter(|s| *s > 0.0).map(|s| (inside - rest) / f64::from(s));
            Cue { column: *c, inside: *inside, rest: *rest, z, p, q: 1.0 }
        })
        .collect();
    let mut groups = Vec::new();
    for group in Group::ALL {
        let members: Vec<(usize, f64)> = (descriptors.iter())
            .filter(|d| entries[d.column].group == group)
            .filter_map(|d| Some((d.column, f64::from(rows.spread[d.column].filter(|s| *s > 0.0)?))))
            .collect();
        let distance = |shift: usize| {
            let squares = members.iter().filter_map(|(c, s)| apart(*c, shift).map(|d| (d / s).powi(2)));
            let (sum, n) = squares.fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
            (n > 0.0).then(|| (sum / n).sqrt())
        };
        if let Some(d) = distance(0) {
            groups.push(GroupCue { group, distance: d, p: share_of_shifts(count, distance), q: 1.0 });
        }
    }
    let q = false_discovery_rates(&descriptors.iter().map(|d| d.p).collect::<Vec<_>>());
    descriptors.iter_mut().zip(q).for_each(|(d, q)| d.q = q);
    let q = false_discovery_rates(&groups.iter().map(|g| g.p).collect::<Vec<_>>());
    groups.iter_mut().zip(q).for_each(|(g, q)| g.q = q);
    Cues { descriptors, groups }
}

/// Ranges of rows whose middles lie inside spans of samples.
fn ranges(first: i64, count: usize, spans: &[Range<usize>]) -> Vec<Range<usize>> {
    let row = |sample: usize| {
        let at = sample as i64 - first;
        usize::try_from((at + HOP - 1).div_euclid(HOP).max(0)).unwrap_or(0).min(count)
    };
    let mut list: Vec<Range<usize>> = spans.iter().map(|s| row(s.start)..row(s.end)).collect();
    list.retain(|r| !r.is_empty());
    list.sort_by_key(|r| r.start);
    list
}

/// Share of the circular shifts, none included, whose statistic is at least that of none. Shifts without one do not count.
fn share_of_shifts(count: usize, statistic: impl Fn(usize) -> Option<f64>) -> f64 {
    let Some(own) = statistic(0) else { return 1.0 };
    let bar = own * (1.0 - 1e-12);
    let (mut all, mut as_far) = (1.0, 1.0);
    for found in (1..count).filter_map(statistic) {
        all += 1.0;
        as_far += f64::from(u8::from(found >= bar));
    }
    as_far / all
}

/// The rate of false discoveries at which each of several p values would be a discovery (Benjamini and Hochberg 1995).
#[must_use]
pub fn false_discovery_rates(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut rates = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (k, place) in order.iter().enumerate() {
        let rank = p.len() - k;
        least = least.min(p[*place] * p.len() as f64 / rank as f64);
        rates[*place] = least;
    }
    rates
}

/// One sentence: which spans, in seconds of the utterance, and what is heard there.
#[must_use]
pub fn sentence(cues: &Cues, spans_s: &[(f64, f64)], target: &str) -> String {
    let entries = affect_llds();
    if spans_s.is_empty() {
        return format!("Nothing in it speaks for {target}");
    }
    let mut places: Vec<(f64, f64)> = spans_s.to_vec();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    let places: Vec<String> = places.iter().map(|(a, b)| format!("{a:.2}-{b:.2} s")).collect();
    let mut named: Vec<&Cue> =
        cues.descriptors.iter().filter(|c| c.q <= RATE && is_heard(&entries[c.column])).collect();
    named.sort_by(|a, b| b.z.unwrap_or(0.0).abs().total_cmp(&a.z.unwrap_or(0.0).abs()).then(a.column.cmp(&b.column)));
    let mut groups: Vec<Group> = Vec::new();
    named.retain(|c| {
        let group = entries[c.column].group;
        let new = !groups.contains(&group);
        groups.push(group);
        new
    });
    let heard: Vec<String> = named.iter().take(NAMED).map(|c| heard(&entries[c.column], c.difference())).collect();
    let what = if cues.descriptors.is_empty() {
        "there is too little speech in that to be compared with the rest".to_owned()
    } else if heard.is_empty() {
        "nothing that is measured differs there from the rest by more than chance".to_owned()
    } else {
        format!("there {} than in the rest", series(&heard))
    };
    format!("It leaned on {}: {what}", series(&places))
}

/// Whether a difference of it can be heard as such; what says the same as another in another unit is not said twice.
fn is_heard(entry: &Entry) -> bool {
    entry.group != Group::Cepstral && !matches!(entry.name.as_str(), "F0_Hz" | "loudness")
}

/// `the voice is higher (pitch 2.1 semitones higher)`
fn heard(entry: &Entry, difference: f64) -> String {
    let w = &entry.wording;
    let phrase = if difference > 0.0 { &w.when_it_rises } else { &w.when_it_falls };
    let (subject, how) = phrase.split_once(' ').unwrap_or((phrase, ""));
    let verb = match subject {
        _ if how.starts_with("rings") => "",
        "vowels" | "lips" => "are ",
        _ => "is ",
    };
    format!("the {subject} {verb}{how} ({})", w.distance.words(difference))
}

/// `a`, `a and b`, `a, b and c`.
fn series(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one span is a list of spans too")]
mod tests {
    use super::*;
    use crate::features::affect::LLDS;
    use crate::signal::random::Random;

    /// A table with slow movements in every column, and one column that is 3 higher where `planted` is.
    fn table(count: usize, seed: u64, planted: Option<(usize, Range<usize>)>) -> Vec<Frame> {
        let mut random = Random(seed);
        let mut state = [0.0; LLDS];
        let mut frames = Vec::with_capacity(count);
        for r in 0..count {
            frames.push(std::array::from_fn(|c| {
                state[c] = 0.9 * state[c] + random.normal();
                let bump = planted.as_ref().is_some_and(|(column, rows)| *column == c && rows.contains(&r));
                Some((state[c] + if bump { 6.0 } else { 0.0 }) as f32)
            }));
        }
        frames
    }

    fn compare(frames: &[Frame], spans: &[Range<usize>]) -> Cues {
        cues(&Rows { frames, first: 0, spread: &[Some(2.0); LLDS] }, spans)
    }

    /// What is planted is found, with its size by the definition; what is not is not.
    #[test]
    fn a_planted_difference_is_found_and_named() {
        let entries = affect_llds();
        let pitch = entries.iter().position(|e| e.name == "F0semitoneFrom27.5Hz").unwrap();
        let values = table(600, 3, Some((pitch, 200..290)));
        let spans = [200 * 160..290 * 160];
        let found = compare(&values, &spans);
        let cue = found.descriptors.iter().find(|c| c.column == pitch).unwrap();
        let level = entries.iter().position(|e| e.name == "level_dBFS").unwrap();
        let mean = |rows: &mut dyn Iterator<Item = usize>| {
            let list: Vec<f64> = rows.map(|r| f64::from(values[r][pitch].unwrap())).collect();
            list.iter().sum::<f64>() / list.len() as f64
        };
        // No row of this table is far quieter than the others.
        let lowest = (0..600).map(|r| values[r][level].unwrap()).fold(f32::INFINITY, f32::min);
        assert!(lowest > -20.0);
        let inside = mean(&mut (200..290));
        let rest = mean(&mut (0..200).chain(290..600));
        assert!((cue.inside - inside).abs() < 1e-9 && (cue.rest - rest).abs() < 1e-9, "{cue:?} {inside} {rest}");
        assert!((cue.z.unwrap() - (inside - rest) / 2.0).abs() < 1e-9);
        assert!(cue.q <= RATE, "{cue:?}");
        // By brute force: the same question for every shift.
        let apart = |shift: usize| {
            let moved = |r: usize| (200..290).contains(&((r + 600 - shift) % 600));
            (mean(&mut (0..600).filter(|r| moved(*r))) - mean(&mut (0..600).filter(|r| !moved(*r)))).abs()
        };
        let as_far = (0..600).filter(|s| apart(*s) >= apart(0) - 1e-9).count();
        assert!((cue.p - as_far as f64 / 600.0).abs() < 1e-12, "{} {as_far}", cue.p);
        let said = sentence(&found, &[(2.0, 2.9)], "anger");
        assert!(said.starts_with("It leaned on 2.00-2.90 s: there the voice is higher (pitch "), "{said}");
        let group = found.groups.iter().find(|g| g.group == Group::Frequency).unwrap();
        assert!(group.p < 0.05, "{group:?}");
    }

    /// Spans that have nothing to do with slow curves: p is below 0.05 in about one of twenty.
    #[test]
    fn chance_is_as_rare_as_it_says() {
        let (mut all, mut low, mut named) = (0.0, 0.0, 0);
        for seed in 0..40 {
            let found = compare(&table(300, 100 + seed, None), &[9_600..17_600, 32_000..36_000]);
            all += found.descriptors.len() as f64;
            low += found.descriptors.iter().filter(|c| c.p <= 0.05).count() as f64;
            named += usize::from(found.descriptors.iter().any(|c| c.q <= RATE));
        }
        assert!(all > 2_000.0 && (0.035..=0.065).contains(&(low / all)), "{} of {all}", low / all);
        assert!(named <= 4, "{named} of 40 utterances");
    }

    /// The textbook's definition: the largest k whose p is at most `rate k / n`.
    #[test]
    fn rates_are_those_of_the_step_up_rule() {
        let mut random = Random(5);
        for n in [1usize, 2, 7, 53] {
            let p: Vec<f64> = (0..n).map(|_| random.uniform().powi(3)).collect();
            let rates = false_discovery_rates(&p);
            for rate in [0.01, 0.05, 0.2, 0.7] {
                let mut sorted = p.clone();
                sorted.sort_by(f64::total_cmp);
                let most = (1..=n).rev().find(|k| sorted[k - 1] <= rate * *k as f64 / n as f64);
                let bar = most.map_or(-1.0, |k| sorted[k - 1]);
                for (p, q) in p.iter().zip(&rates) {
                    assert_eq!(*q <= rate, *p <= bar, "{p} {q} at {rate}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert_eq!(compare(&table(100, 1, None), &[]), Cues::default());
        assert_eq!(sentence(&Cues::default(), &[], "anger"), "Nothing in it speaks for anger");
        let nothing = sentence(&Cues::default(), &[(1.0, 1.5), (0.2, 0.4)], "anger");
        assert!(nothing.starts_with("It leaned on 0.20-0.40 s and 1.00-1.50 s: there is too little"), "{nothing}");
        let alike = compare(&vec![[Some(1.0); LLDS]; 200], &[1_600..4_800]);
        assert_eq!(alike.descriptors.len(), LLDS);
        let nothing = sentence(&alike, &[(0.1, 0.3)], "anger");
        assert!(nothing.starts_with("It leaned on 0.10-0.30 s: nothing that is measured"), "{nothing}");
        // A column without values on one side has no cue; the others do.
        let mut values = table(100, 2, None);
        (0..50).for_each(|r| values[r][0] = None);
        let found = compare(&values, &[0..8_000]);
        assert!(found.descriptors.iter().all(|c| c.column != 0) && found.descriptors.len() == LLDS - 1);
        assert_eq!(compare(&[], &[0..8_000]), Cues::default());
    }
}
