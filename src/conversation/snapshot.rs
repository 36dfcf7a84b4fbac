//! A conversation: counts of talk, and the segments of its parties.

use super::measures::Sources;
use super::record::{ConversationRecord, Party, party_names};
use super::segments::{SegmentScores, Segments};
use super::{Activity, FRAME_NS, Parameters, Talk};
use crate::record::{Ended, Fingerprint, ModelInfo, Record, SOFTWARE};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of a conversation in this process, by which its segments know it again. It is nothing that is measured.
#[derive(Debug, Clone, Copy)]
struct Number(u64);

impl Number {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl PartialEq for Number {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A conversation so far. The analyzer hands it out; scores that are computed later are added with [`Self::score`], and
/// [`Self::record`] gives the numbers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Conversation {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// Name of whoever makes the record.
    pub source: Arc<str>,
    /// The parties, in the order of their channels.
    pub parties: Vec<Party>,
    /// Start in stream time, ns.
    pub start_ns: u64,
    /// Where it is, or ends, in stream time, ns.
    pub end_ns: u64,
    /// The end in the running time of a pipeline, ns, where there is one.
    pub running_end_ns: Option<u64>,
    /// Number of the revision: interim ones count up to the final one.
    pub revision: u32,
    /// Why it ends there; [`Ended::Open`] where it goes on.
    pub ended: Ended,
    /// Fingerprint of the settings.
    pub configuration: Fingerprint,
    talk: Talk,
    segments: Segments,
    number: Number,
}

impl Conversation {
    /// Nothing yet, of these parties; it begins at `start_ns`.
    #[must_use]
    pub fn new(parties: Vec<Party>, parameters: Parameters, start_ns: u64) -> Self {
        Self {
            stream: "stream".into(),
            source: "affect".into(),
            start_ns,
            end_ns: start_ns,
            running_end_ns: None,
            revision: 0,
            ended: Ended::Open,
            configuration: Fingerprint::UNSET,
            talk: Talk::new(parties.len(), parameters),
            segments: Segments::default(),
            number: Number::next(),
            parties,
        }
    }

    /// Takes the next frame of 10 ms: what each party does in it.
    pub fn push(&mut self, activity: impl Fn(usize) -> Activity) {
        self.talk.push(activity);
        self.end_ns = self.end_ns.max(self.start_ns.saturating_add(self.talk.frames().saturating_mul(FRAME_NS)));
    }

    /// Time passes of which nothing is known, in frames.
    pub fn lose(&mut self, frames: u64) {
        self.talk.lose(frames);
    }

    /// Takes the final result of a segment of a party, which lies in these frames of the conversation. The record knows the
    /// conversation from then on: [`Self::score`]. Interim results change nothing.
    pub fn add(&mut self, party: usize, frames: (u64, u64), record: &mut Record) {
        if record.ended != Ended::Open && frames.0 < frames.1 && party < self.parties.len() {
            let segment = self.segments.add(party, frames, record);
            record.held.set_segment(segment.map(|s| (self.number.0, s)));
        }
    }

    /// Adds the scores of a record that was heard in this conversation, or in a copy of it, without them. Others change nothing, and
    /// neither do records that were read from JSON.
    pub fn score(&mut self, record: &Record) {
        if let Some(scores) = SegmentScores::of(record) {
            self.add_scores(&scores);
        }
    }

    /// The same of scores that were taken out of a record.
    pub fn add_scores(&mut self, scores: &SegmentScores) {
        let (conversation, segment) = scores.segment;
        if conversation == self.number.0 {
            self.segments.score(segment, scores);
        }
    }

    /// Counts of talk.
    #[must_use]
    pub fn talk(&self) -> &Talk {
        &self.talk
    }

    /// All numbers, as a record.
    #[must_use]
    pub fn record(&self) -> ConversationRecord {
        let duration_s = self.end_ns.saturating_sub(self.start_ns) as f64 / 1e9;
        let sources = Sources { duration_s, talk: &self.talk, segments: &self.segments, parties: &self.parties };
        ConversationRecord {
            stream: self.stream.clone(),
            source: self.source.clone(),
            parties: self.parties.clone(),
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            running_end_ns: self.running_end_ns,
            revision: self.revision,
            ended: self.ended,
            software: SOFTWARE.into(),
            configuration: self.configuration,
            model: self.model().cloned(),
            parameters: *self.talk.parameters(),
            measures: sources.measures(),
        }
    }

    fn model(&self) -> Option<&ModelInfo> {
        self.segments.model()
    }

    /// Its parties are on channels of a file with several tracks: those of track `track`, whose first channel has number `first`.
    pub fn place_in_file(&mut self, first: usize, track: Option<usize>) {
        for p in &mut self.parties {
            p.channel = p.channel.map(|c| c + first);
            p.track = track;
        }
        let named: Vec<_> = self.parties.iter().map(|p| (p.channel, p.role.as_deref())).collect();
        let names = party_names(&named);
        self.parties.iter_mut().zip(names).for_each(|(p, name)| p.name = name);
    }

    /// Begins again, as new, at `start_ns`.
    pub fn restart(&mut self, start_ns: u64) {
        self.talk.reset();
        self.segments.clear();
        (self.start_ns, self.end_ns, self.running_end_ns) = (start_ns, start_ns, None);
        (self.revision, self.ended) = (0, Ended::Open);
        self.number = Number::next();
    }
}
