//! Flow of `affectscore`: from buffers, or results of an element upstream, to scored records.

use super::imp::{AffectScore, CAT};
use super::outcome::{FinishedItem, Outcome, PendingItem, ScoringJob, ScoringResult};
use super::settings::Mode;
use super::state::{ScoreState, Stream};
use crate::UPSTREAM_QUERY;
use crate::outbox::queue::Ticket;
use crate::outbox::{pool, poster};
use affect::analyzer::{Analyzer, Policy, Scorer};
use affect::record::{Ended, Record, SegmentKind};
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Scored versions of a segment come after all that a feature element makes of it.
const SCORED_REVISION: u32 = 1 << 16;

/// Reason why there are no scores.
pub(super) enum ScoringHalt {
    Flow(gst::FlowError),
    Settings(String),
}

impl AffectScore {
    /// Works on the analysis, one thread at a time, unless the input was forgotten since its ticket was given.
    pub(super) fn work<R>(&self, ticket: Option<Ticket>, work: impl FnOnce(&mut Stream) -> R) -> Option<R> {
        let mut stream = self.outbox.with(|s| s.take_stream(ticket))?;
        let result = work(&mut stream);
        for cut in stream.tap.take_cuts() {
            if cut.is_fault() {
                gst::warning!(CAT, imp = self, "{cut}");
            } else {
                gst::info!(CAT, imp = self, "{cut}");
            }
        }
        let (speech, ticket) = (stream.tap.take_speech(), stream.ticket);
        self.outbox.with(|s| s.put_stream(stream));
        self.post_speech(speech, ticket);
        Some(result)
    }

    /// Whether an element upstream attaches the features that a model needs.
    fn comes_from_upstream(&self, scorer: &Scorer) -> bool {
        let Some(set) = scorer.set() else { return false };
        let mut query = gst::query::Custom::new(gst::Structure::new_empty(UPSTREAM_QUERY));
        if !poster::query_peer(self.obj().sink_pad(), &mut query) {
            return false;
        }
        let Some(s) = query.structure() else { return false };
        let sets = s.get::<&str>("feature-set").unwrap_or_default();
        sets.split(',').any(|n| n.trim() == set.name())
            && s.get::<&str>("segmentation").is_ok_and(|s| s != "frame")
            && s.get::<bool>("attached").unwrap_or(false)
    }

    /// Prepares the configuration for the settings and the model, where that has not been done. Returns whether the model is there.
    pub(super) fn prepare(&self, stream: &mut Stream) -> Result<bool, ScoringHalt> {
        if stream.config.is_some() && !stream.stale {
            return Ok(true);
        }
        let settings = self.outbox.with(|s| s.properties.values().clone());
        let live = self.live();
        let asynchronous = match settings.mode() {
            Ok(Mode::Async) => true,
            Ok(Mode::Auto) => live,
            _ => false,
        };
        // Only live audio cannot wait for the model: until it is there, it passes unanalysed.
        let Some(model) = self.model(!(asynchronous && live)).map_err(ScoringHalt::Flow)? else { return Ok(false) };
        let scorer = poster::unlocked(|| {
            let scoring = settings.scoring().map_err(|e| e.to_string())?;
            Scorer::new(model, scoring).map(Arc::new).map_err(|e| e.to_string())
        })
        .map_err(ScoringHalt::Settings)?;
        let config = settings.config(scorer.clone(), stream.tap.stream_id());
        stream.config = Some(Arc::new(config.map_err(|e| ScoringHalt::Settings(e.to_string()))?));
        stream.stale = false;
        stream.upstream = self.comes_from_upstream(&scorer);
        stream.asynchronous = asynchronous;
        gst::debug!(
            CAT,
            imp = self,
            "asynchronous scoring: {asynchronous}, features from upstream: {}",
            stream.upstream
        );
        if asynchronous {
            let (runner, announcer) = (self.obj().downgrade(), self.obj().downgrade());
            let run = move |item: PendingItem, _| match runner.upgrade() {
                Some(element) => element.imp().complete(item),
                None => item.unscored(true),
            };
            let store = |state: &mut ScoreState, finished| state.store_all([Outcome::Keep(finished)], true);
            let post = move |posts| {
                if let Some(element) = announcer.upgrade() {
                    element.imp().post_now(posts);
                }
            };
            let employed = self.outbox.start_worker(pool::models(), ScoreState::scores, run, store, post);
            employed.map_err(|e| ScoringHalt::Settings(format!("cannot start a thread: {e}")))?;
        }
        Ok(true)
    }

    /// Completes an item: scores a segment; a conversation is complete once its segments are.
    fn complete(&self, item: PendingItem) -> FinishedItem {
        match item {
            PendingItem::Segment(job) => FinishedItem::Segment(self.infer(job)),
            PendingItem::Conversation(c) => FinishedItem::Conversation(c),
        }
    }

    /// Scores a segment under the policies of this moment, on any thread, holding no lock.
    pub(super) fn infer(&self, job: ScoringJob) -> ScoringResult {
        let ScoringJob { config, mut record, refined, since } = job;
        let (channels, lateness, gathers) = self.outbox.with(|s| {
            record.policy = s.policy(&record.channel, record.policy);
            let settings = s.properties.values();
            (s.channels, Duration::from_nanos(settings.max_lateness), settings.batch_size > 1)
        });
        if !lateness.is_zero() && since.elapsed() > lateness {
            return ScoringResult { dropped: true, ..ScoringResult::unscored(record, refined) };
        }
        let begun = Instant::now();
        let mut scored = record.clone();
        let mut run = || catch_unwind(AssertUnwindSafe(|| Analyzer::score(&config, channels, &mut scored)));
        // In a batch it waits for the segments of other elements.
        let outcome = poster::unlocked(|| if gathers { pool::models().while_waiting(run) } else { run() });
        match outcome {
            Ok(_) => ScoringResult { took: begun.elapsed(), ..ScoringResult::unscored(scored, refined) },
            Err(_) => ScoringResult { failed: true, ..ScoringResult::unscored(record, refined) },
        }
    }

    /// Sends fresh records to be scored, or scores them here.
    pub(super) fn pass_on(&self, stream: &Stream, records: Vec<Record>) -> Vec<Outcome> {
        let Some(config) = &stream.config else { return Vec::new() };
        let refined = stream.upstream;
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records {
            if record.segment == SegmentKind::Frame {
                outcomes.push(Outcome::Keep(FinishedItem::Segment(ScoringResult::unscored(record, refined))));
                continue;
            }
            let job = ScoringJob { config: config.clone(), record, refined, since: Instant::now() };
            outcomes.extend(self.queue_or_complete(stream, PendingItem::Segment(job)));
        }
        outcomes
    }

    /// Passes on what is ready: segments first, and then the conversation that they are part of.
    pub(super) fn pass_on_ready(&self, stream: &mut Stream) -> Vec<Outcome> {
        let (records, conversations) = (stream.tap.take(), stream.tap.take_conversations());
        let mut outcomes = self.pass_on(stream, records);
        let pending = conversations.into_iter().map(|c| PendingItem::Conversation(Box::new(c)));
        outcomes.extend(pending.filter_map(|item| self.queue_or_complete(stream, item)));
        outcomes
    }

    /// Has an item wait for the workers, or completes it here. Returns nothing where it is kept for a stop or a flush.
    fn queue_or_complete(&self, stream: &Stream, item: PendingItem) -> Option<Outcome> {
        if stream.asynchronous {
            Some(Outcome::Queue(item))
        } else if self.outbox.interrupted() {
            self.outbox.with(|s| s.park(item, stream.ticket));
            None
        } else {
            Some(Outcome::Keep(self.complete(item)))
        }
    }

    /// Records of features that an element upstream has attached, each once, as those of this element. What a scorer upstream has
    /// made of them is its own, and is not scored again.
    pub(super) fn refine(&self, stream: &mut Stream, structures: &[gst::Structure]) -> Vec<Outcome> {
        let Some(config) = stream.config.clone() else { return Vec::new() };
        let mut records = Vec::new();
        for s in structures {
            let (Ok(id), Ok(json)) = (s.get::<&str>("id"), s.get::<&str>("json")) else { continue };
            if !stream.seen.first_time(id) {
                continue;
            }
            let mut record = match Record::from_json(json) {
                Ok(r) => r,
                Err(e) => {
                    gst::debug!(CAT, imp = self, "a result from upstream is left alone: {e}");
                    continue;
                }
            };
            if record.scored.is_some() || record.revision >= SCORED_REVISION || record.segment == SegmentKind::Frame {
                continue;
            }
            if !config.scorer.as_ref().is_some_and(|s| s.takes(&record)) {
                let (set, version) = (&record.feature_set, &record.feature_set_version);
                gst::trace!(CAT, imp = self, "a result of {set} version {version} is left alone");
                continue;
            }
            let policy = self.outbox.with(|s| s.policy(&record.channel, record.policy));
            // Nothing would be added to what is attached already. Only a final result may have to follow a scored interim one.
            if policy == Policy::Deny || (policy != Policy::Allow && record.ended == Ended::Open) {
                continue;
            }
            record.policy = policy;
            if policy == Policy::Allow && config.scorer.as_ref().is_some_and(|s| s.needs_baseline()) {
                stream.speakers.apply(&config, &mut record);
            }
            record.revision += SCORED_REVISION;
            record.source = config.source.clone();
            records.push(record);
        }
        self.pass_on(stream, records)
    }
}
