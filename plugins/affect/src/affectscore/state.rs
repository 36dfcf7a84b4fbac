//! Shared state of the threads of `affectscore`: properties, model, analysis, and records on their way out.

use super::audited_policies::AuditedPolicies;
use super::loading::Loading;
use super::outcome::{Outcome, OutgoingRecord, Posts, ScoringJob, ScoringResult};
use super::settings::ScoreSettings;
use crate::outbox::poster::LastBus;
use crate::outbox::queue::{JobQueue, Ticket};
use crate::outbox::workspace::Workspace;
use crate::properties::{Properties, Values};
use crate::seen::Seen;
use crate::tap::Tap;
use crate::tap::backlog::Backlog;
use affect::analyzer::{Config, Policies, Policy, Speakers, Speech};
use affect::record::{Channel, Ended, Record, SegmentKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Least time between two warnings about dropped segments.
const WARNING_INTERVAL: Duration = Duration::from_secs(5);

/// Number of upstream segments remembered: far more than are with the model at a time.
const SEGMENTS: usize = 1_024;

/// Analysis of the stream, used by one thread at a time.
#[derive(Default)]
pub struct Stream {
    pub tap: Tap,
    /// Configuration for the model; `None` before the first buffer.
    pub config: Option<Arc<Config>>,
    /// Properties have changed since: the next buffer is analysed with a new configuration.
    pub stale: bool,
    /// The settings have worked since this start.
    pub begun: bool,
    /// Scores are computed by workers.
    pub asynchronous: bool,
    /// Features come from upstream.
    pub upstream: bool,
    /// Results of upstream that were seen.
    pub seen: Seen,
    /// What is usual for the speakers in features from upstream that come without it.
    pub speakers: Speakers,
    /// Ticket for its results.
    pub ticket: Ticket,
}

/// Counters for the property `stats`.
#[derive(Default)]
pub struct ScoreStats {
    pub results: u64,
    pub scored: u64,
    pub abstained: u64,
    pub dropped: u64,
    pub attached: u64,
    pub posted: u64,
    pub scoring: Duration,
    pub cuts: u64,
    pub audio_ns: u64,
    pub processing: Duration,
    pub max_delay: u64,
    pub left_out: u64,
    pub asynchronous: bool,
    pub upstream: bool,
    pub last_error: Option<String>,
    /// When it was said last that segments were dropped.
    warned: Option<Instant>,
    /// It was said that an element upstream works under a looser policy.
    pub warned_of_upstream: bool,
}

/// Shared state of the element.
#[derive(Default)]
pub struct ScoreState {
    pub properties: Properties<ScoreSettings>,
    pub running: bool,
    pub loading: Loading,
    pub policies: AuditedPolicies,
    /// Channels of the audio; 0 before caps.
    pub channels: usize,
    pub stream: Workspace<Stream>,
    pub backlog: Backlog,
    /// Bus of the element while it runs.
    pub bus: LastBus,
    /// When the stop began.
    pub stopping: Option<Instant>,
    /// Segments that a flush or a stop has kept from the model. A flush forgets them, a stop hands them out.
    parked: Vec<ScoringJob>,
    /// Segments that wait for their scores by workers.
    pub scores: JobQueue<ScoringJob>,
    /// Results that no buffer or event has taken yet.
    undelivered: Vec<OutgoingRecord>,
    /// Segments of upstream of which a scored interim result of this element's model has gone out, and no final one yet.
    interim: Seen<SEGMENTS>,
    /// Segments of upstream whose final result has passed.
    ended: Seen<SEGMENTS>,
    pub stats: ScoreStats,
}

impl ScoreState {
    /// The queue of segments that wait for their scores.
    pub fn scores(&mut self) -> &mut JobQueue<ScoringJob> {
        &mut self.scores
    }

    /// Appends a segment to that queue. Where more than `most` wait, one is returned: the oldest interim one, or else the oldest.
    fn enqueue(&mut self, job: ScoringJob, most: usize) -> Option<ScoringJob> {
        let jobs = self.scores.jobs();
        jobs.push_back(job);
        if jobs.len() <= most.max(1) {
            return None;
        }
        jobs.remove(jobs.iter().position(|j| j.record.ended == Ended::Open).unwrap_or(0))
    }

    /// Takes the analysis to work on it, unless the input was forgotten since its ticket was given.
    pub fn take_stream(&mut self, ticket: Option<Ticket>) -> Option<Box<Stream>> {
        if ticket.is_some_and(|t| !self.backlog.holds(t)) {
            return None;
        }
        let (mut stream, notes) = self.stream.take();
        if notes.restart || notes.reset {
            stream.tap.restart();
            stream.seen.clear();
        }
        if notes.reset {
            stream.tap.reset();
            stream.speakers.reset();
        }
        if notes.stale {
            stream.stale = true;
            stream.tap.outdated();
        }
        if self.properties.closed().is_some() {
            // What was heard under settings that cannot be read has no results later either.
            stream.tap.restart();
        }
        stream.tap.hurry(self.backlog.hurried());
        stream.ticket = self.backlog.ticket();
        Some(stream)
    }

    pub fn put_stream(&mut self, stream: Box<Stream>) {
        let (counts, stats) = (&stream.tap.counts, &mut self.stats);
        stats.cuts = counts.cuts;
        stats.audio_ns = counts.audio.nseconds();
        stats.processing = counts.processing;
        stats.max_delay = counts.max_delay;
        stats.left_out = counts.left_out;
        stats.asynchronous = stream.asynchronous;
        stats.upstream = stream.upstream;
        self.stream.put(stream);
    }

    /// The policy of a channel and of those that carry the same samples, for a record that was made under another one.
    pub fn policy(&self, channel: &Channel, carried: Policy) -> Policy {
        if self.properties.closed().is_some() {
            return Policy::Deny;
        }
        self.policies.policy_of(channel, self.channels).max(carried)
    }

    /// A start or end of speech, where the policies in force let it be posted and it was not forgotten since its ticket was given.
    pub fn may_post_speech(&self, mut speech: Speech, ticket: Ticket) -> Option<Speech> {
        let policy = self.policy(&speech.channel, speech.policy);
        let posts = self.backlog.holds(ticket) && self.properties.values().analysis.posts_speech(&mut speech, policy);
        posts.then_some(speech)
    }

    /// Keeps a segment from the model, unless it was forgotten since its ticket was given.
    pub fn park(&mut self, job: ScoringJob, ticket: Ticket) {
        if self.backlog.holds(ticket) {
            self.parked.push(job);
        }
    }

    /// Segments that were kept from the model.
    pub fn take_parked(&mut self) -> Vec<ScoringJob> {
        std::mem::take(&mut self.parked)
    }

    fn bind(&self, record: &mut Record) -> bool {
        self.properties.closed().is_none() && self.policies.bind(record, self.channels)
    }

    /// Takes over the policies that follow from the properties.
    pub fn follow_policies(&mut self) {
        let policies = self.properties.values().policies().unwrap_or_else(|_| Policies::nothing());
        self.policies.change(policies);
    }

    /// Stores segments, or queues them for their scores. Returns what is to be posted at once, where messages go out `at_once`.
    pub fn store_all(&mut self, outcomes: impl IntoIterator<Item = Outcome>, at_once: bool) -> Posts {
        let mut posts = Posts::default();
        let before = self.stats.dropped;
        for outcome in outcomes {
            let finished = match outcome {
                Outcome::Queue(job) => {
                    posts.queued = true;
                    let most = self.properties.values().max_queued as usize;
                    let Some(ScoringJob { record, refined, .. }) = self.enqueue(job, most) else { continue };
                    ScoringResult { dropped: true, ..ScoringResult::unscored(record, refined) }
                }
                Outcome::Keep(finished) => finished,
            };
            posts.failed |= finished.failed;
            posts.records.extend(self.store(finished, at_once));
        }
        posts.drops = self.drops_to_report(before);
        posts
    }

    /// Stores all segments that wait for their scores as unscored.
    pub fn give_up_waiting(&mut self) -> Posts {
        let late = std::mem::take(self.scores.jobs());
        let unscored = |j: ScoringJob| ScoringResult { dropped: true, ..ScoringResult::unscored(j.record, j.refined) };
        self.store_all(late.into_iter().map(|j| Outcome::Keep(unscored(j))), false)
    }

    /// Stores a finished record. Returns it where it is to be posted at once.
    fn store(&mut self, finished: ScoringResult, at_once: bool) -> Option<Record> {
        let ScoringResult { mut record, refined, dropped, took, .. } = finished;
        self.stats.scoring += took;
        self.stats.dropped += u64::from(dropped);
        record.release();
        if !self.bind(&mut record) {
            return None;
        }
        if refined && !self.deserves_revision(&record) {
            return None;
        }
        self.stats.results += 1;
        if let Some(s) = &record.scored {
            self.stats.scored += 1;
            self.stats.abstained += u64::from(s.emotion.abstained.is_some());
        }
        let post = at_once && self.posts(&record);
        self.stats.posted += u64::from(post);
        let to_post = post.then(|| record.clone());
        self.undelivered.push(OutgoingRecord { record, posted: at_once, post: false, attach: false });
        to_post
    }

    /// Whether a record that upstream has handed out already deserves a further revision: because it has a score now, or because
    /// it is the final one of a segment whose scored interim result would be the highest revision otherwise.
    fn deserves_revision(&mut self, record: &Record) -> bool {
        let segment = record.segment_id();
        let scored = record.scored.is_some();
        if record.ended == Ended::Open {
            // One that was with the model while its final result was dropped comes too late.
            let deserves_revision = scored && !self.ended.has(&segment);
            if deserves_revision {
                self.interim.first_time(&segment);
            }
            return deserves_revision;
        }
        let follows = self.interim.forget(&segment);
        self.ended.first_time(&segment);
        scored || follows
    }

    fn posts(&self, record: &Record) -> bool {
        let s = &self.properties.values().analysis;
        s.post_messages && s.post.takes(record.ended == Ended::Open) && record.segment != SegmentKind::Frame
    }

    /// All records that can go out now, with the policies enforced once more: they may have changed since. Where nothing carries
    /// them, at a stop, they can be posted only.
    pub fn collect(&mut self, carried: bool) -> Vec<OutgoingRecord> {
        let mut outgoing = std::mem::take(&mut self.undelivered);
        outgoing.retain_mut(|p| self.bind(&mut p.record));
        let attach = self.properties.values().analysis.attach;
        for p in &mut outgoing {
            p.post = !p.posted && self.posts(&p.record);
            p.attach = carried && attach.takes(p.record.ended == Ended::Open);
            self.stats.posted += u64::from(p.post);
            self.stats.attached += u64::from(p.attach);
        }
        outgoing
    }

    /// Number of segments dropped so far, where a warning is due.
    fn drops_to_report(&mut self, before: u64) -> Option<u64> {
        let s = &mut self.stats;
        if s.dropped == before || s.warned.is_some_and(|w| w.elapsed() < WARNING_INTERVAL) {
            return None;
        }
        s.warned = Some(Instant::now());
        Some(s.dropped)
    }

    /// Forgets all records and inputs on their way (flush, reset).
    pub fn forget(&mut self) {
        self.backlog.forget();
        self.stream.restart();
        self.scores.forget();
        self.parked.clear();
        self.undelivered.clear();
        self.interim.clear();
        self.ended.clear();
    }
}
