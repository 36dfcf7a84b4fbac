//! What the threads of `affectscore` share, and what becomes of a record on its way out.

use super::loading::Loading;
use super::outcome::{Finished, Job, Outcome, Parcel, Said};
use super::rules::Rules;
use super::settings::Settings;
use crate::outbox::line::{Line, Ticket};
use crate::outbox::poster::LastBus;
use crate::outbox::workspace::Workspace;
use crate::properties::{Properties, Values};
use crate::seen::Seen;
use crate::tap::Tap;
use crate::tap::backlog::Backlog;
use affect::analyzer::{Config, Policies, Policy, Speakers, Speech};
use affect::record::{Channel, Ended, Record, SegmentKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Warnings about dropped segments come no closer than this.
const WARNING_INTERVAL: Duration = Duration::from_secs(5);

/// Segments of upstream remembered: far more than are with the model at a time.
const SEGMENTS: usize = 1_024;

/// What the analysis works on.
#[derive(Default)]
pub struct Stream {
    pub tap: Tap,
    /// The settings for the model; none before the first buffer.
    pub config: Option<Arc<Config>>,
    /// Others have been set since: the next buffer is analysed with those.
    pub stale: bool,
    /// Settings have worked for this start.
    pub begun: bool,
    /// Scores are computed beside the stream.
    pub beside: bool,
    /// Features come from upstream.
    pub upstream: bool,
    /// Results of upstream that were seen.
    pub seen: Seen,
    /// What is usual for the speakers in features from upstream that come without it.
    pub speakers: Speakers,
    /// Of what comes of the work on it.
    pub ticket: Ticket,
}

#[derive(Default)]
pub struct Stats {
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
    pub beside: bool,
    pub upstream: bool,
    pub last_error: Option<String>,
    /// When it was said last that segments were dropped.
    warned: Option<Instant>,
    /// It was said that an element upstream works under a looser policy.
    pub warned_of_upstream: bool,
}

#[derive(Default)]
pub struct State {
    pub properties: Properties<Settings>,
    pub running: bool,
    pub loading: Loading,
    pub rules: Rules,
    /// Channels of the audio; 0 before caps.
    pub channels: usize,
    pub stream: Workspace<Stream>,
    pub backlog: Backlog,
    /// Where the element speaks while it runs.
    pub bus: LastBus,
    /// When the stop began.
    pub stopping: Option<Instant>,
    /// Segments that a flush or a stop has kept from the model. A flush forgets them, a stop hands them out.
    parked: Vec<Job>,
    /// Segments that wait for their scores, beside the stream.
    pub scores: Line<Job>,
    /// Results that no buffer or event has taken yet.
    undelivered: Vec<Parcel>,
    /// Segments of upstream of which a scored interim result of this element's model has gone out, and no final one yet.
    interim: Seen<SEGMENTS>,
    /// Segments of upstream whose final result has passed.
    ended: Seen<SEGMENTS>,
    pub stats: Stats,
}

impl State {
    /// The line of segments that wait for their scores.
    pub fn scores(&mut self) -> &mut Line<Job> {
        &mut self.scores
    }

    /// Takes a segment into that line; beyond `most` that wait one is handed back: the oldest interim one, or else the oldest.
    fn queue(&mut self, job: Job, most: usize) -> Option<Job> {
        let jobs = self.scores.jobs();
        jobs.push_back(job);
        if jobs.len() <= most.max(1) {
            return None;
        }
        jobs.remove(jobs.iter().position(|j| j.record.ended == Ended::Open).unwrap_or(0))
    }

    /// Takes the stream to work on it, unless what that is for was forgotten since its ticket was given.
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
        stats.beside = stream.beside;
        stats.upstream = stream.upstream;
        self.stream.put(stream);
    }

    /// The policy of a channel and of those that carry the same samples, for a record that was made under another one.
    pub fn policy(&self, channel: &Channel, carried: Policy) -> Policy {
        if self.properties.closed().is_some() {
            return Policy::Deny;
        }
        self.rules.of(channel, self.channels).max(carried)
    }

    /// A start or end of speech, where it may be told under the policies in force and was not forgotten since its ticket was given.
    pub fn may_say(&self, mut speech: Speech, ticket: Ticket) -> Option<Speech> {
        let policy = self.policy(&speech.channel, speech.policy);
        let says = self.backlog.holds(ticket) && self.properties.values().analysis.says(&mut speech, policy);
        says.then_some(speech)
    }

    /// Keeps a segment from the model, unless it was forgotten since its ticket was given.
    pub fn park(&mut self, job: Job, ticket: Ticket) {
        if self.backlog.holds(ticket) {
            self.parked.push(job);
        }
    }

    /// Segments that were kept from the model.
    pub fn take_parked(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.parked)
    }

    fn bind(&self, record: &mut Record) -> bool {
        self.properties.closed().is_none() && self.rules.bind(record, self.channels)
    }

    /// Other policies may follow from the properties. Says whether an audit record is due.
    pub fn follow_policies(&mut self) {
        let policies = self.properties.values().policies().unwrap_or_else(|_| Policies::nothing());
        self.rules.change(policies);
    }

    /// Takes over what has become of segments; where messages go out at once, those to be posted are given.
    pub fn keep_all(&mut self, outcomes: impl IntoIterator<Item = Outcome>, at_once: bool) -> Said {
        let mut said = Said::default();
        let before = self.stats.dropped;
        for outcome in outcomes {
            let finished = match outcome {
                Outcome::Queue(job) => {
                    said.queued = true;
                    let most = self.properties.values().max_queued as usize;
                    let Some(Job { record, refined, .. }) = self.queue(job, most) else { continue };
                    Finished { dropped: true, ..Finished::unscored(record, refined) }
                }
                Outcome::Keep(finished) => finished,
            };
            said.failed |= finished.failed;
            said.records.extend(self.keep(finished, at_once));
        }
        said.drops = self.drops_to_tell(before);
        said
    }

    /// What still waits for its score goes out without.
    pub fn give_up(&mut self) -> Said {
        let late = std::mem::take(self.scores.jobs());
        let unscored = |j: Job| Finished { dropped: true, ..Finished::unscored(j.record, j.refined) };
        self.keep_all(late.into_iter().map(|j| Outcome::Keep(unscored(j))), false)
    }

    /// Takes over a finished record. Gives it to be posted at once, where its messages go out.
    fn keep(&mut self, finished: Finished, at_once: bool) -> Option<Record> {
        let Finished { mut record, refined, dropped, took, .. } = finished;
        self.stats.scoring += took;
        self.stats.dropped += u64::from(dropped);
        record.release();
        if !self.bind(&mut record) {
            return None;
        }
        if refined && !self.says_more(&record) {
            return None;
        }
        self.stats.results += 1;
        if let Some(s) = &record.scored {
            self.stats.scored += 1;
            self.stats.abstained += u64::from(s.emotion.abstained.is_some());
        }
        let post = at_once && self.posts(&record);
        self.stats.posted += u64::from(post);
        let now = post.then(|| record.clone());
        self.undelivered.push(Parcel { record, posted: at_once, post: false, attach: false });
        now
    }

    /// Whether a record that upstream has handed out already is worth a further revision: because it has a score now, or because
    /// it is the final one of a segment whose scored interim result would be the last word otherwise.
    fn says_more(&mut self, record: &Record) -> bool {
        let segment = record.segment_id();
        let scored = record.scored.is_some();
        if record.ended == Ended::Open {
            // One that was with the model while its final result was dropped comes too late.
            let says_more = scored && !self.ended.has(&segment);
            if says_more {
                self.interim.first_time(&segment);
            }
            return says_more;
        }
        let follows = self.interim.forget(&segment);
        self.ended.first_time(&segment);
        scored || follows
    }

    fn posts(&self, record: &Record) -> bool {
        let s = &self.properties.values().analysis;
        s.post_messages && s.post.takes(record.ended == Ended::Open) && record.segment != SegmentKind::Frame
    }

    /// Everything that can go out now, bound once more: policies may have changed since it was made. Where nothing carries it, at
    /// a stop, it can be posted only.
    pub fn collect(&mut self, carried: bool) -> Vec<Parcel> {
        let mut parcels = std::mem::take(&mut self.undelivered);
        parcels.retain_mut(|p| self.bind(&mut p.record));
        let attach = self.properties.values().analysis.attach;
        for p in &mut parcels {
            p.post = !p.posted && self.posts(&p.record);
            p.attach = carried && attach.takes(p.record.ended == Ended::Open);
            self.stats.posted += u64::from(p.post);
            self.stats.attached += u64::from(p.attach);
        }
        parcels
    }

    /// How many segments were dropped, where it is time to say so.
    fn drops_to_tell(&mut self, before: u64) -> Option<u64> {
        let s = &mut self.stats;
        if s.dropped == before || s.warned.is_some_and(|w| w.elapsed() < WARNING_INTERVAL) {
            return None;
        }
        s.warned = Some(Instant::now());
        Some(s.dropped)
    }

    /// A flush, or a reset: forgets what is on its way.
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
