//! From buffers, or results of an element upstream, to scored records.

use super::imp::{AffectScore, CAT};
use super::outcome::{Finished, Job, Made, Outcome, Score};
use super::settings::Mode;
use super::state::{State, Stream};
use crate::UPSTREAM_QUERY;
use crate::outbox::line::Ticket;
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

/// Why there are no scores.
pub(super) enum Halt {
    Flow(gst::FlowError),
    Settings(String),
}

impl AffectScore {
    /// Works on the stream, which one thread at a time does, unless what it is for was forgotten since its ticket was given.
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
        self.say_speech(speech, ticket);
        Some(result)
    }

    /// Whether an element upstream attaches the features that a model needs.
    fn comes_from_upstream(&self, scorer: &Scorer) -> bool {
        let Some(set) = scorer.set() else { return false };
        let mut query = gst::query::Custom::new(gst::Structure::new_empty(UPSTREAM_QUERY));
        if !poster::ask(self.obj().sink_pad(), &mut query) {
            return false;
        }
        let Some(s) = query.structure() else { return false };
        let sets = s.get::<&str>("feature-set").unwrap_or_default();
        sets.split(',').any(|n| n.trim() == set.name())
            && s.get::<&str>("segmentation").is_ok_and(|s| s != "frame")
            && s.get::<bool>("attached").unwrap_or(false)
    }

    /// Gets everything ready for the settings and the model, where that has not been done. Says whether the model is there.
    pub(super) fn prepare(&self, stream: &mut Stream) -> Result<bool, Halt> {
        if stream.config.is_some() && !stream.stale {
            return Ok(true);
        }
        let settings = self.outbox.with(|s| s.properties.values().clone());
        let live = self.live();
        let beside = match settings.mode() {
            Ok(Mode::Async) => true,
            Ok(Mode::Auto) => live,
            _ => false,
        };
        // Only live audio cannot wait for the model: until it is there, it passes unanalysed.
        let Some(model) = self.model(!(beside && live)).map_err(Halt::Flow)? else { return Ok(false) };
        let scorer = poster::outside(|| {
            let scoring = settings.scoring().map_err(|e| e.to_string())?;
            Scorer::new(model, scoring).map(Arc::new).map_err(|e| e.to_string())
        })
        .map_err(Halt::Settings)?;
        let config = settings.config(scorer.clone(), stream.tap.stream_id());
        stream.config = Some(Arc::new(config.map_err(|e| Halt::Settings(e.to_string()))?));
        stream.stale = false;
        stream.upstream = self.comes_from_upstream(&scorer);
        stream.beside = beside;
        gst::debug!(CAT, imp = self, "beside the stream: {beside}, features from upstream: {}", stream.upstream);
        if beside {
            let (runs, tells) = (self.obj().downgrade(), self.obj().downgrade());
            let run = move |job: Job, _| match runs.upgrade() {
                Some(element) => element.imp().work_off(job),
                None => job.unscored(true),
            };
            let keep = |state: &mut State, made| state.keep_all([Outcome::Keep(made)], true);
            let tell = move |said| {
                if let Some(element) = tells.upgrade() {
                    element.imp().tell(said);
                }
            };
            let employed = self.outbox.employ(pool::models(), State::scores, run, keep, tell);
            employed.map_err(|e| Halt::Settings(format!("cannot start a thread: {e}")))?;
        }
        Ok(true)
    }

    /// Does what stands in the line of the model.
    fn work_off(&self, job: Job) -> Made {
        match job {
            Job::Score(score) => Made::Segment(self.infer(score)),
            Job::Conversation(c) => Made::Conversation(c),
        }
    }

    /// Scores a segment, on whichever thread it is, holding no lock: under the policies of this moment.
    pub(super) fn infer(&self, score: Score) -> Finished {
        let Score { config, mut record, refined, since } = score;
        let (channels, lateness, gathers) = self.outbox.with(|s| {
            record.policy = s.policy(&record.channel, record.policy);
            let settings = s.properties.values();
            (s.channels, Duration::from_nanos(settings.max_lateness), settings.batch_size > 1)
        });
        if !lateness.is_zero() && since.elapsed() > lateness {
            return Finished { dropped: true, ..Finished::unscored(record, refined) };
        }
        let begun = Instant::now();
        let mut scored = record.clone();
        let mut run = || catch_unwind(AssertUnwindSafe(|| Analyzer::score(&config, channels, &mut scored)));
        // In a batch it waits for the segments of other elements.
        let outcome = poster::outside(|| if gathers { pool::models().waiting(run) } else { run() });
        match outcome {
            Ok(_) => Finished { took: begun.elapsed(), ..Finished::unscored(scored, refined) },
            Err(_) => Finished { failed: true, ..Finished::unscored(record, refined) },
        }
    }

    /// Sends fresh records to be scored, or scores them here.
    pub(super) fn pass_on(&self, stream: &Stream, records: Vec<Record>) -> Vec<Outcome> {
        let Some(config) = &stream.config else { return Vec::new() };
        let refined = stream.upstream;
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records {
            if record.segment == SegmentKind::Frame {
                outcomes.push(Outcome::Keep(Made::Segment(Finished::unscored(record, refined))));
                continue;
            }
            let score = Score { config: config.clone(), record, refined, since: Instant::now() };
            outcomes.extend(self.send(stream, Job::Score(score)));
        }
        outcomes
    }

    /// Sends what is ready to be scored: segments first, and the conversation that they are part of.
    pub(super) fn pass_ready(&self, stream: &mut Stream) -> Vec<Outcome> {
        let (records, conversations) = (stream.tap.take(), stream.tap.take_conversations());
        let mut outcomes = self.pass_on(stream, records);
        outcomes.extend(conversations.into_iter().filter_map(|c| self.send(stream, Job::Conversation(Box::new(c)))));
        outcomes
    }

    /// A job waits in the line, or is done here. Gives nothing where a stop or a flush keeps it.
    fn send(&self, stream: &Stream, job: Job) -> Option<Outcome> {
        if stream.beside {
            Some(Outcome::Queue(job))
        } else if self.outbox.interrupted() {
            self.outbox.with(|s| s.park(job, stream.ticket));
            None
        } else {
            Some(Outcome::Keep(self.work_off(job)))
        }
    }

    /// Records of features that an element upstream has attached, each once, as those of this element. What a scorer upstream has
    /// made of them is its own, and is not scored again.
    pub(super) fn refine(&self, stream: &mut Stream, structures: &[gst::Structure]) -> Vec<Outcome> {
        let Some(config) = stream.config.clone() else { return Vec::new() };
        let mut fresh = Vec::new();
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
            // What is attached already is all that may be told. Only a final result may have to follow a scored interim one.
            if policy == Policy::Deny || (policy != Policy::Allow && record.ended == Ended::Open) {
                continue;
            }
            record.policy = policy;
            if policy == Policy::Allow && config.scorer.as_ref().is_some_and(|s| s.needs_baseline()) {
                stream.speakers.apply(&config, &mut record);
            }
            record.revision += SCORED_REVISION;
            record.source = config.source.clone();
            fresh.push(record);
        }
        self.pass_on(stream, fresh)
    }
}
