//! Shared state of the threads of `affectscore`: properties, model, analysis, and results on their way out.

use super::audited_policies::AuditedPolicies;
use super::loading::Loading;
use super::outcome::{FinishedItem, Outcome, OutgoingItem, PendingItem, Posts, ScoringJob, ScoringResult};
use super::settings::ScoreSettings;
use crate::item::Item;
use crate::outbox::poster::LastBus;
use crate::outbox::queue::{JobQueue, Ticket};
use crate::outbox::workspace::Workspace;
use crate::properties::{Properties, Values};
use crate::seen::Seen;
use crate::tap::Tap;
use crate::tap::backlog::Backlog;
use affect::analyzer::{Config, Policies, Policy, Speakers, Speech};
use affect::conversation::{Conversation, SegmentScores};
use affect::record::{Channel, Ended, Record};
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
    /// Segments that a flush or a stop has kept from the model, and conversations with them. A flush forgets them, a stop hands them out.
    parked: Vec<PendingItem>,
    /// Segments that wait for their scores by workers, and conversations behind theirs.
    pub scores: JobQueue<PendingItem>,
    /// Results that no buffer or event has taken yet.
    undelivered: Vec<OutgoingItem>,
    /// Segments of upstream of which a scored interim result of this element's model has gone out, and no final one yet.
    interim: Seen<SEGMENTS>,
    /// Segments of upstream whose final result has passed.
    ended: Seen<SEGMENTS>,
    /// Scores of the segments of the open conversation.
    segment_scores: Vec<SegmentScores>,
    pub stats: ScoreStats,
}

impl ScoreState {
    /// The queue of items that wait for scores.
    pub fn scores(&mut self) -> &mut JobQueue<PendingItem> {
        &mut self.scores
    }

    /// Appends an item to that queue. Where more than `most` segments wait, one is returned: the oldest interim one, or else the oldest.
    /// Conversations stay: they take no time.
    fn enqueue(&mut self, item: PendingItem, most: usize) -> Option<ScoringJob> {
        let jobs = self.scores.jobs();
        jobs.push_back(item);
        let segment = |i: &PendingItem| matches!(i, PendingItem::Segment(_));
        if jobs.iter().filter(|i| segment(i)).count() <= most.max(1) {
            return None;
        }
        let interim = |i: &PendingItem| matches!(i, PendingItem::Segment(j) if j.record.ended == Ended::Open);
        match jobs.remove(jobs.iter().position(interim).or_else(|| jobs.iter().position(segment))?)? {
            PendingItem::Segment(job) => Some(job),
            PendingItem::Conversation(_) => None,
        }
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

    /// Keeps an item from the workers, unless it was forgotten since its ticket was given.
    pub fn park(&mut self, item: PendingItem, ticket: Ticket) {
        if self.backlog.holds(ticket) {
            self.parked.push(item);
        }
    }

    /// Items that were kept from the workers.
    pub fn take_parked(&mut self) -> Vec<PendingItem> {
        std::mem::take(&mut self.parked)
    }

    fn bind(&self, item: &mut Item) -> bool {
        self.properties.closed().is_none() && self.policies.bind(item, self.channels)
    }

    /// Takes over the policies that follow from the properties.
    pub fn follow_policies(&mut self) {
        let policies = self.properties.values().policies().unwrap_or_else(|_| Policies::nothing());
        self.policies.change(policies);
    }

    /// Stores items, or queues them for their scores. Returns what is to be posted at once, where messages go out `at_once`.
    pub fn store_all(&mut self, outcomes: impl IntoIterator<Item = Outcome>, at_once: bool) -> Posts {
        let mut posts = Posts::default();
        let before = self.stats.dropped;
        for outcome in outcomes {
            let finished = match outcome {
                Outcome::Queue(item) => {
                    posts.queued = true;
                    let most = self.properties.values().max_queued as usize;
                    let Some(ScoringJob { record, refined, .. }) = self.enqueue(item, most) else { continue };
                    FinishedItem::Segment(ScoringResult { dropped: true, ..ScoringResult::unscored(record, refined) })
                }
                Outcome::Keep(finished) => finished,
            };
            match finished {
                FinishedItem::Segment(result) => {
                    posts.failed |= result.failed;
                    posts.items.extend(self.store_segment(result, at_once));
                }
                FinishedItem::Conversation(c) => posts.items.extend(self.store_conversation(*c, at_once)),
            }
        }
        posts.drops = self.drops_to_report(before);
        posts
    }

    /// Stores all items that wait for scores, segments as unscored.
    pub fn give_up_waiting(&mut self) -> Posts {
        let late = std::mem::take(self.scores.jobs());
        let unscored = |item: PendingItem| match item {
            PendingItem::Segment(j) => {
                FinishedItem::Segment(ScoringResult { dropped: true, ..ScoringResult::unscored(j.record, j.refined) })
            }
            PendingItem::Conversation(c) => FinishedItem::Conversation(c),
        };
        self.store_all(late.into_iter().map(|item| Outcome::Keep(unscored(item))), false)
    }

    /// Stores a finished segment. Returns its record where it is to be posted at once.
    fn store_segment(&mut self, finished: ScoringResult, at_once: bool) -> Option<Item> {
        let ScoringResult { mut record, refined, dropped, took, .. } = finished;
        self.stats.scoring += took;
        self.stats.dropped += u64::from(dropped);
        record.release();
        let mut item = Item::from(record);
        if !self.bind(&mut item) {
            return None;
        }
        if let Item::Segment(record) = &item {
            if refined && !self.deserves_revision(record) {
                return None;
            }
            self.segment_scores.extend(SegmentScores::of(record));
            if let Some(s) = &record.scored {
                self.stats.scored += 1;
                self.stats.abstained += u64::from(s.emotion.abstained.is_some());
            }
        }
        self.add_undelivered(item, at_once)
    }

    /// Stores a conversation with the scores of its segments, which were stored before it. Returns its record where it is to be posted at
    /// once.
    fn store_conversation(&mut self, mut conversation: Conversation, at_once: bool) -> Option<Item> {
        self.segment_scores.iter().for_each(|s| conversation.add_scores(s));
        if conversation.ended != Ended::Open {
            self.segment_scores.clear();
        }
        let mut item = Item::from(conversation.record());
        self.bind(&mut item).then(|| self.add_undelivered(item, at_once)).flatten()
    }

    /// Adds a result to those that no buffer or event has taken yet. Returns it where it is to be posted at once.
    fn add_undelivered(&mut self, item: Item, at_once: bool) -> Option<Item> {
        self.stats.results += 1;
        let post = at_once && self.posts(&item);
        self.stats.posted += u64::from(post);
        let to_post = post.then(|| item.clone());
        self.undelivered.push(OutgoingItem { item, posted: at_once, post: false, attach: false });
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

    fn posts(&self, item: &Item) -> bool {
        let s = &self.properties.values().analysis;
        s.post_messages && s.post.takes(item.is_interim()) && !item.is_frame()
    }

    /// All results that can go out now, with the policies enforced once more: they may have changed since. Where nothing carries
    /// them, at a stop, they can be posted only.
    pub fn collect(&mut self, carried: bool) -> Vec<OutgoingItem> {
        let mut outgoing = std::mem::take(&mut self.undelivered);
        outgoing.retain_mut(|o| self.bind(&mut o.item));
        let attach = self.properties.values().analysis.attach;
        for o in &mut outgoing {
            o.post = !o.posted && self.posts(&o.item);
            o.attach = carried && attach.takes(o.item.is_interim());
            self.stats.posted += u64::from(o.post);
            self.stats.attached += u64::from(o.attach);
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

    /// Forgets all results and inputs on their way (flush, reset).
    pub fn forget(&mut self) {
        self.backlog.forget();
        self.stream.restart();
        self.scores.forget();
        self.parked.clear();
        self.undelivered.clear();
        self.interim.clear();
        self.ended.clear();
        self.segment_scores.clear();
    }
}
