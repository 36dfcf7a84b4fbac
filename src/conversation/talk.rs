//! Talk: counts of frames, and the spurts that turns and interruptions follow from.

use super::events::{Events, events};
use super::spurts::{Spurt, Spurts};
use super::{Activity, Parameters};

/// Spurts and breaks kept of one conversation, at most: more than fifty hours of talk.
const MOST_SPURTS: usize = 1 << 17;

/// Stretches in which all parties are silent for longer than a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NonTalk {
    /// Their number.
    pub count: u64,
    /// Frames of all of them.
    pub frames: u64,
    /// Frames of the longest one.
    pub longest: u64,
}

impl NonTalk {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.frames += other.frames;
        self.longest = self.longest.max(other.longest);
    }
}

/// What was not heard, or not told apart, in a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Unclear {
    lost: u64,
    shared: u64,
}

/// Counts of one conversation: takes a frame of 10 ms of all parties at a time. Allocates only to note a spurt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    parameters: Parameters,
    frames: u64,
    lost: u64,
    shared: u64,
    /// The first frame in which anybody speaks, and one past the last one.
    spoken: Option<(u64, u64)>,
    any: u64,
    overlap: u64,
    each: Vec<u64>,
    /// What is unclear between the first and the last speech, and what may turn out to be.
    inside: Unclear,
    since_speech: Unclear,
    non_talk: NonTalk,
    /// Silence that is non-talk if anybody speaks again.
    pending: NonTalk,
    /// The stretches of both, and how many of them are non-talk for certain.
    silences: Vec<Spurt>,
    certain: usize,
    /// Frames for which all have been silent.
    silent: u64,
    spurts: Vec<Spurts>,
    /// Stretches in which it is not clear who speaks, longer than a pause within a spurt: nothing is read across them.
    breaks: Vec<Spurt>,
    unclear: u64,
    noted: usize,
    overfull: bool,
}

impl Talk {
    /// Nothing yet, of so many parties.
    #[must_use]
    pub fn new(parties: usize, parameters: Parameters) -> Self {
        Self {
            parameters,
            frames: 0,
            lost: 0,
            shared: 0,
            spoken: None,
            any: 0,
            overlap: 0,
            each: vec![0; parties],
            inside: Unclear::default(),
            since_speech: Unclear::default(),
            non_talk: NonTalk::default(),
            pending: NonTalk::default(),
            silences: Vec::new(),
            certain: 0,
            silent: 0,
            spurts: vec![Spurts::default(); parties],
            breaks: Vec::new(),
            unclear: 0,
            noted: 0,
            overfull: false,
        }
    }

    /// Takes the next frame: what each party does in it. Parties beyond those that there are count for nothing, and missing ones are unknown.
    pub fn push(&mut self, activity: impl Fn(usize) -> Activity) {
        let frame = self.frames;
        self.frames += 1;
        let (mut talking, mut shared, mut lost) = (0, false, false);
        for (party, spurts) in self.spurts.iter_mut().enumerate() {
            let now = activity(party);
            match now {
                Activity::Silence => {}
                Activity::Speech => {
                    talking += 1;
                    self.each[party] += 1;
                }
                Activity::Shared => shared = true,
                Activity::Unknown => lost = true,
            }
            if !self.overfull && spurts.push(frame, now, &self.parameters) {
                self.noted += 1;
            }
        }
        self.lost += u64::from(lost);
        self.shared += u64::from(shared);
        // What channels share is one voice.
        let voices = talking + u32::from(shared);
        self.any += u64::from(voices > 0);
        self.overlap += u64::from(voices > 1);
        self.since_speech.lost += u64::from(lost);
        self.since_speech.shared += u64::from(shared);
        self.hear_silence(frame, voices > 0, lost);
        self.note_break(frame, lost || shared);
    }

    /// So many frames pass of which nothing is known of anybody.
    pub fn lose(&mut self, frames: u64) {
        (0..frames).for_each(|_| self.push(|_| Activity::Unknown));
    }

    fn hear_silence(&mut self, frame: u64, speech: bool, lost: bool) {
        if !speech && !lost {
            self.silent += u64::from(self.spoken.is_some());
            return;
        }
        let silent = std::mem::take(&mut self.silent);
        if silent > u64::from(self.parameters.non_talk) {
            self.pending.add(NonTalk { count: 1, frames: silent, longest: silent });
            if self.silences.len() < MOST_SPURTS {
                self.silences.push(Spurt { start: frame - silent, end: frame });
            }
        }
        if !speech {
            return;
        }
        let unclear = std::mem::take(&mut self.since_speech);
        match &mut self.spoken {
            Some((_, end)) => {
                *end = frame + 1;
                self.inside.lost += unclear.lost;
                self.inside.shared += unclear.shared;
            }
            // What was before the first word is no part of the conversation.
            None => {
                self.spoken = Some((frame, frame + 1));
                self.inside.lost = u64::from(lost);
                self.inside.shared = unclear.shared;
            }
        }
        self.non_talk.add(std::mem::take(&mut self.pending));
        self.certain = self.silences.len();
    }

    fn note_break(&mut self, frame: u64, unclear: bool) {
        if !unclear || self.overfull {
            self.unclear = 0;
            return;
        }
        self.unclear += 1;
        let least = u64::from(self.parameters.spurt_pause);
        if self.unclear == least {
            self.breaks.push(Spurt { start: frame + 1 - least, end: frame + 1 });
            self.noted += 1;
        } else if let Some(b) = self.breaks.last_mut().filter(|_| self.unclear > least) {
            b.end = frame + 1;
        }
        self.overfull |= self.noted > MOST_SPURTS;
    }

    /// Number of parties.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.each.len()
    }

    /// The thresholds.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Frames so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that were lost of one party at least.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Frames of speech that channels share.
    #[must_use]
    pub fn shared(&self) -> u64 {
        self.shared
    }

    /// Frames in which anybody speaks.
    #[must_use]
    pub fn any(&self) -> u64 {
        self.any
    }

    /// Frames in which two or more speak.
    #[must_use]
    pub fn overlap(&self) -> u64 {
        self.overlap
    }

    /// Frames in which a party speaks; 0 for one that there is not.
    #[must_use]
    pub fn of(&self, party: usize) -> u64 {
        self.each.get(party).copied().unwrap_or(0)
    }

    /// The first frame in which anybody speaks, and one past the last one; `None` where nobody does.
    #[must_use]
    pub fn spoken(&self) -> Option<(u64, u64)> {
        self.spoken
    }

    /// Frames between first and last speech that were heard, and those of them of which it is clear who speaks.
    #[must_use]
    pub fn heard(&self) -> (u64, u64) {
        let length = self.spoken.map_or(0, |(start, end)| end - start);
        let heard = length.saturating_sub(self.inside.lost);
        (heard, heard.saturating_sub(self.inside.shared))
    }

    /// Silence of all parties between two words that is longer than the threshold.
    #[must_use]
    pub fn non_talk(&self) -> NonTalk {
        self.non_talk
    }

    /// Its stretches in order, as many as are kept of one conversation.
    #[must_use]
    pub fn non_talk_stretches(&self) -> &[Spurt] {
        &self.silences[..self.certain]
    }

    /// What follows from the spurts so far; `None` where there were more than are kept.
    #[must_use]
    pub fn events(&self) -> Option<Events> {
        let all: Vec<Vec<Spurt>> = self.spurts.iter().map(|s| s.all(&self.parameters).collect()).collect();
        (!self.overfull).then(|| events(&all, &self.breaks, self.frames, &self.parameters))
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        let mut spurts = std::mem::take(&mut self.spurts);
        spurts.iter_mut().for_each(Spurts::clear);
        *self = Self { spurts, ..Self::new(self.each.len(), self.parameters) };
    }
}
