//! Measures: all numbers of a conversation as one flat list, in the order of the catalogue.

use super::catalogue::{ENTRIES, Entry, OfScore, Own, Tells, Voice, What, Whole};
use super::events::Events;
use super::record::Party;
use super::segments::{Segments, seconds};
use super::{Talk, Undefined};
use crate::record::{Policy, Text};

/// Value of a measure, or why it has none.
pub type Value = Result<f64, Undefined>;

/// One measure of one conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Name.
    pub name: Text,
    /// Its entry in the catalogue, with unit and definition.
    pub entry: &'static Entry,
    /// Number of the party that it is of, where it is of one.
    pub party: Option<usize>,
    /// The number, in the entry's unit; always finite.
    pub value: Value,
}

impl Measure {
    /// Unit.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        self.entry.unit
    }

    /// Takes the value away where the policies of the parties forbid it.
    pub(super) fn restrict(&mut self, parties: &[Party]) {
        let policies = || parties.iter().map(|p| p.policy);
        let told_of = match (self.entry.tells, self.party.and_then(|p| parties.get(p))) {
            (Tells::Nobody, _) => Policy::Allow,
            (Tells::Party, Some(party)) => party.policy,
            (Tells::Party | Tells::Everybody, _) => policies().max().unwrap_or(Policy::Deny),
        };
        let own = self.party.and_then(|p| parties.get(p)).map_or(Policy::Allow, |p| p.policy);
        if told_of == Policy::Deny || (self.entry.of_scores() && own != Policy::Allow) {
            self.value = Err(Undefined::Policy);
        }
    }
}

/// What measures are made of.
pub(super) struct Sources<'a> {
    pub duration_s: f64,
    pub talk: &'a Talk,
    pub segments: &'a Segments,
    pub parties: &'a [Party],
}

impl Sources<'_> {
    /// All measures.
    pub fn measures(&self) -> Vec<Measure> {
        let events = self.talk.events();
        let scores = self.segments.score_names();
        let inseparable = self.inseparable();
        let mut out = Vec::with_capacity(ENTRIES.len() * 2 * (1 + scores.len()));
        let mut add = |entry: &'static Entry, party: Option<usize>, score: &str| {
            let party_name = party.map_or("", |p| &*self.parties[p].name);
            let value = match inseparable.filter(|_| entry.needs_parties) {
                Some(why) => Err(why),
                None => self.value(entry.which, party.unwrap_or(0), score, events.as_ref()),
            };
            // A number that is not finite is none.
            let value = value.and_then(|v| if v.is_finite() { Ok(v) } else { Err(Undefined::NoFeatures) });
            let name =
                if entry.per_party() { Text::Owned(entry.name_for(party_name, score)) } else { entry.name.into() };
            let mut measure = Measure { name, entry, party, value };
            measure.restrict(self.parties);
            out.push(measure);
        };
        ENTRIES.iter().filter(|e| !e.per_party()).for_each(|e| add(e, None, ""));
        for party in 0..self.parties.len() {
            ENTRIES.iter().filter(|e| e.per_party() && !e.per_score()).for_each(|e| add(e, Some(party), ""));
            for score in &scores {
                ENTRIES.iter().filter(|e| e.per_score()).for_each(|e| add(e, Some(party), score));
            }
        }
        out
    }

    /// Why parties cannot be told apart, if they cannot.
    fn inseparable(&self) -> Option<Undefined> {
        if self.parties.len() < 2 {
            return Some(Undefined::OneChannel);
        }
        (10 * self.talk.shared() > self.talk.any()).then_some(Undefined::SameSound)
    }

    fn value(&self, which: What, party: usize, score: &str, events: Option<&Events>) -> Value {
        match which {
            What::Whole(w) => self.whole(w),
            What::Own(o) => self.own(o, party, events),
            What::Score(s) => self.score(s, party, score),
        }
    }

    fn whole(&self, which: Whole) -> Value {
        let talk = self.talk;
        let (start, end) = match (which, talk.spoken()) {
            (Whole::Duration, _) => return Ok(self.duration_s),
            (Whole::Lost, _) => return Ok(seconds(talk.lost())),
            (Whole::Shared, _) => return Ok(seconds(talk.shared())),
            (Whole::TalkAny, _) => return Ok(seconds(talk.any())),
            (Whole::Overlap, _) => return Ok(seconds(talk.overlap())),
            (Whole::LevelDifference, _) => return self.level_difference(),
            (_, Some(spoken)) => spoken,
            (_, None) => return Err(Undefined::NoSpeech),
        };
        let non_talk = talk.non_talk();
        match which {
            Whole::Conversation => Ok(seconds(end - start)),
            Whole::OverlapShare => share(talk.overlap(), talk.any()),
            Whole::NonTalk => Ok(seconds(non_talk.frames)),
            Whole::NonTalkShare => share(non_talk.frames, talk.heard().0),
            Whole::NonTalkCount => Ok(non_talk.count as f64),
            Whole::NonTalkLongest if non_talk.count == 0 => Err(Undefined::NoEvents),
            Whole::NonTalkLongest => Ok(seconds(non_talk.longest)),
            Whole::Duration
            | Whole::Lost
            | Whole::Shared
            | Whole::TalkAny
            | Whole::Overlap
            | Whole::LevelDifference => Err(Undefined::NoSpeech),
        }
    }

    fn level_difference(&self) -> Value {
        if self.parties.len() != 2 {
            return Err(Undefined::NotTwoParties);
        }
        Ok(self.voice(0, Voice::Level)? - self.voice(1, Voice::Level)?)
    }

    fn voice(&self, party: usize, voice: Voice) -> Value {
        if self.segments.is_overfull() {
            return Err(Undefined::TooLong);
        }
        self.segments.voice(party, voice).ok_or(Undefined::NoFeatures)
    }

    fn own(&self, which: Own, party: usize, events: Option<&Events>) -> Value {
        let own = || events.and_then(|e| e.0.get(party)).ok_or(Undefined::TooLong);
        match which {
            Own::Talk => Ok(seconds(self.talk.of(party))),
            Own::TalkShare if self.talk.spoken().is_none() => Err(Undefined::NoSpeech),
            Own::TalkShare => share(self.talk.of(party), self.talk.heard().1),
            Own::Interruptions => Ok(own()?.interruptions.len() as f64),
            Own::InterruptionTime => Ok(seconds(own()?.interruptions.iter().map(|s| s.end - s.start).sum())),
            Own::Backchannels => Ok(own()?.backchannels as f64),
            Own::Turns => Ok(own()?.turns.len() as f64),
            Own::TurnMedian => median(&own()?.turns),
            Own::TurnLongest => own()?.turns.iter().max().map(|t| seconds(*t)).ok_or(Undefined::NoEvents),
            Own::ReplyGaps => Ok(own()?.reply_gaps.len() as f64),
            Own::ReplyGapMedian => median(&own()?.reply_gaps),
            Own::Voice(v) => self.voice(party, v),
            Own::Abstained if self.segments.is_overfull() => Err(Undefined::TooLong),
            Own::Abstained => self.segments.abstained_share(party).ok_or(Undefined::NotScored),
        }
    }

    fn score(&self, which: OfScore, party: usize, name: &str) -> Value {
        if self.segments.is_overfull() {
            return Err(Undefined::TooLong);
        }
        match which {
            OfScore::Mean => self.mean(party, name, (f64::NEG_INFINITY, f64::INFINITY)),
            OfScore::Quarter(k) => self.quarter(party, name, k),
            OfScore::Trend => Ok(self.quarter(party, name, 3)? - self.quarter(party, name, 0)?),
        }
    }

    fn quarter(&self, party: usize, name: &str, quarter: u8) -> Value {
        let (start, end) = self.talk.spoken().ok_or(Undefined::NoSpeech)?;
        let at = |k: u8| start as f64 + (end - start) as f64 * f64::from(k) / 4.0;
        self.mean(party, name, (at(quarter), at(quarter + 1)))
    }

    fn mean(&self, party: usize, name: &str, frames: (f64, f64)) -> Value {
        let (mean, speech_s) = self.segments.score_mean(party, name, frames);
        let least_s = seconds(u64::from(self.talk.parameters().score_speech));
        match mean {
            // Sums of single precision: a millisecond makes no difference.
            Some(mean) if speech_s + 1e-3 >= least_s => Ok(mean),
            Some(_) => Err(Undefined::NotEnoughSpeech),
            None if self.segments.score_mean(party, name, (f64::NEG_INFINITY, f64::INFINITY)).0.is_some() => {
                Err(Undefined::NotEnoughSpeech)
            }
            None => Err(Undefined::NotScored),
        }
    }
}

fn share(part: u64, of: u64) -> Value {
    if of == 0 { Err(Undefined::NoSpeech) } else { Ok(part as f64 / of as f64) }
}

/// Median of lengths in frames, in seconds: of an even number the mean of the middle two.
fn median(frames: &[u64]) -> Value {
    let mut sorted = frames.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => Err(Undefined::NoEvents),
        Some(&upper) if sorted.len() % 2 == 1 => Ok(seconds(upper)),
        Some(&upper) => Ok(seconds(sorted[middle - 1] + upper) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), Err(Undefined::NoEvents));
        assert_eq!(median(&[300, 100]), Ok(2.0));
        assert_eq!(median(&[300, 100, 150]), Ok(1.5));
    }
}
