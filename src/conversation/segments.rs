//! Segments of the parties: how they sound and how they are scored, weighted by speech.

use super::FRAMES_PER_SECOND;
use super::catalogue::Voice;
use crate::record::{Emotion, ModelInfo, Record, Scored};
use std::sync::Arc;

/// Segments kept of one conversation, at most.
const MOST: usize = 1 << 14;

/// Scores of a segment.
#[derive(Debug, Clone, PartialEq)]
struct Scores {
    model: ModelInfo,
    abstained: bool,
    /// Numbers under the names that measures are made of.
    values: Vec<(Arc<str>, f64)>,
}

/// A segment of one party, as far as measures rest on it.
#[derive(Debug, Clone, PartialEq)]
struct Segment {
    /// Number of the party.
    party: usize,
    /// Where it begins and ends, in frames from the beginning of the conversation.
    frames: (u64, u64),
    /// Seconds of speech in it.
    speech_s: f32,
    voice: [Option<f32>; Voice::ALL.len()],
    scores: Option<Scores>,
}

/// Scores of a segment that was heard in a conversation without them.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentScores {
    /// Which segment of which conversation it is.
    pub(super) segment: (u64, u32),
    scores: Scores,
}

impl SegmentScores {
    /// The scores in a record that an analyzer has handed out; `None` for one without scores, and for one that was heard in no conversation,
    /// as those that were read from JSON.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        Some(Self { segment: record.held.segment()?, scores: scores(record.scored.as_ref()?) })
    }
}

/// All segments of a conversation, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Segments {
    all: Vec<Segment>,
    overfull: bool,
}

/// What a model says: what it learnt by itself wherever it is given, and the rest where the model answers.
fn values(emotion: &Emotion) -> Vec<(Arc<str>, f64)> {
    let answered = emotion.abstained.is_none();
    let learnt = |name: &Arc<str>| emotion.intervals.iter().any(|i| i.0 == *name);
    let dimensions = emotion.dimensions.iter().filter(|(name, _)| answered || learnt(name));
    let labels = emotion.probabilities.iter().filter(|_| answered);
    let named = |kind: &str, (name, value): &(Arc<str>, f64)| (score_name(kind, name), *value);
    let all = dimensions.map(|d| named("dimension", d)).chain(labels.map(|l| named("probability", l)));
    all.filter(|(_, v)| v.is_finite()).collect()
}

/// Names of the scores that a model with these dimensions and labels gives, as measures are named after them.
#[must_use]
pub fn score_names(dimensions: &[String], labels: &[String]) -> Vec<Arc<str>> {
    let dimensions = dimensions.iter().map(|d| score_name("dimension", d));
    dimensions.chain(labels.iter().map(|l| score_name("probability", l))).collect()
}

fn score_name(kind: &str, name: &str) -> Arc<str> {
    format!("{kind}_{}", slug(name)).into()
}

/// A name in lower case, of letters and digits with `_` between.
pub(super) fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

fn scores(scored: &Scored) -> Scores {
    let Scored { model, emotion, .. } = scored;
    Scores { model: model.clone(), abstained: emotion.abstained.is_some(), values: values(emotion) }
}

impl Segments {
    /// Takes the final result of a segment of a party, which lies in these frames. Further results of the same segment (other feature
    /// sets) add to it. Gives its number, for scores that come later; `None` for what tells nothing of anybody's speech.
    pub fn add(&mut self, party: usize, frames: (u64, u64), record: &Record) -> Option<u32> {
        let quality = record.quality.as_ref().filter(|q| !q.not_speech)?;
        let speech_s = quality.speech_s.filter(|s| s.is_finite() && *s > 0.0)?;
        let same = |s: &Segment| s.party == party && s.frames == frames;
        let number = match self.all.iter().rev().take(8).position(same) {
            Some(back) => self.all.len() - 1 - back,
            None if self.all.len() < MOST => {
                self.all.push(Segment { party, frames, speech_s, voice: [None; Voice::ALL.len()], scores: None });
                self.all.len() - 1
            }
            None => {
                self.overfull = true;
                return None;
            }
        };
        let segment = &mut self.all[number];
        for (slot, voice) in segment.voice.iter_mut().zip(Voice::ALL) {
            *slot = slot.or(voice.of(record).filter(|v| v.is_finite()));
        }
        if let Some(scored) = &record.scored {
            segment.scores = Some(scores(scored));
        }
        u32::try_from(number).ok()
    }

    /// Takes the scores of segment `number`.
    pub fn score(&mut self, number: u32, scores: &SegmentScores) {
        if let Some(segment) = self.all.get_mut(number as usize) {
            segment.scores = Some(scores.scores.clone());
        }
    }

    pub fn clear(&mut self) {
        self.all.clear();
        self.overfull = false;
    }

    /// Whether there were more than are kept.
    pub fn is_overfull(&self) -> bool {
        self.overfull
    }

    fn of(&self, party: usize) -> impl Iterator<Item = &Segment> {
        self.all.iter().filter(move |s| s.party == party)
    }

    /// The model that scored any of them.
    pub fn model(&self) -> Option<&ModelInfo> {
        self.all.iter().find_map(|s| s.scores.as_ref()).map(|s| &s.model)
    }

    /// Names of all scores, in the order in which they came up.
    pub fn score_names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for (name, _) in self.all.iter().filter_map(|s| s.scores.as_ref()).flat_map(|s| &s.values) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Mean of a property of a party's voice, weighted by speech.
    pub fn voice(&self, party: usize, voice: Voice) -> Option<f64> {
        let place = Voice::ALL.iter().position(|v| *v == voice)?;
        weighted(self.of(party).filter_map(|s| Some((f64::from(s.voice[place]?), f64::from(s.speech_s))))).0
    }

    /// Mean of a score of a party within frames `start .. end`, weighted by speech, and how many seconds of speech it rests on. The speech of
    /// a segment is taken as spread evenly over it.
    pub fn score_mean(&self, party: usize, name: &str, (start, end): (f64, f64)) -> (Option<f64>, f64) {
        weighted(self.of(party).filter_map(|s| {
            let value = s.scores.as_ref()?.values.iter().find(|(n, _)| **n == *name)?.1;
            let (from, to) = (s.frames.0 as f64, s.frames.1 as f64);
            let inside = (to.min(end) - from.max(start)).max(0.0);
            Some((value, f64::from(s.speech_s) * inside / (to - from).max(1.0)))
        }))
    }

    /// Share of a party's scored speech of which the model says nothing.
    pub fn abstained_share(&self, party: usize) -> Option<f64> {
        let scored = self.of(party).filter_map(|s| Some((s.scores.as_ref()?.abstained, f64::from(s.speech_s))));
        weighted(scored.map(|(abstained, weight)| (f64::from(u8::from(abstained)), weight))).0
    }
}

/// Weighted mean of values, and the sum of the weights.
fn weighted(all: impl Iterator<Item = (f64, f64)>) -> (Option<f64>, f64) {
    let (sum, weight) = all.fold((0.0, 0.0), |(s, w), (value, weight)| (s + value * weight, w + weight));
    (Some(sum / weight).filter(|m| weight > 0.0 && m.is_finite()), weight)
}

/// Seconds of so many frames.
pub(super) fn seconds(frames: u64) -> f64 {
    frames as f64 / FRAMES_PER_SECOND as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_scores_are_words_of_a_column() {
        for (name, expected) in
            [("joy", "joy"), ("valence (derived)", "valence_derived"), ("No Label!", "no_label"), ("", "")]
        {
            assert_eq!(slug(name), expected);
        }
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(weighted(std::iter::empty()), (None, 0.0));
        assert_eq!(weighted([(7.0, 0.0)].into_iter()), (None, 0.0));
        assert_eq!(weighted([(1.0, 1.0), (4.0, 2.0)].into_iter()), (Some(3.0), 3.0));
    }
}
