//! From buffers, or results of an element upstream, to scored records.

use super::imp::{ADVICE, AffectScore, CAT};
use super::settings::Mode;
use super::state::{Finished, Job, State, Stream};
use crate::outbox::poster;
use crate::tap::Trouble;
use crate::{UPSTREAM_QUERY, meta};
use affect::analyzer::{Analyzer, Policy, Scorer};
use affect::error::{ConfigError, InputError};
use affect::record::{Ended, Record, SegmentKind};
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Scored versions of a segment come after all that a feature element makes of it.
const SCORED_REVISION: u32 = 1 << 16;

/// Why there are no scores.
enum Halt {
    Flow(gst::FlowError),
    Settings(String),
}

impl AffectScore {
    /// Works on the stream, which only the streaming thread does.
    pub(super) fn work<R>(&self, work: impl FnOnce(&mut Stream) -> R) -> R {
        let mut stream = self.outbox.with(State::take_stream);
        let result = work(&mut stream);
        for cut in stream.tap.take_cuts() {
            if cut.is_fault() {
                gst::warning!(CAT, imp = self, "{cut}");
            } else {
                gst::info!(CAT, imp = self, "{cut}");
            }
        }
        self.outbox.with(|s| s.put_stream(stream));
        result
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
            && (!scorer.needs_baseline() || s.get::<bool>("speaker-baseline").unwrap_or(false))
    }

    /// Gets everything ready for the settings and the model, where that has not been done. Says whether the model is there.
    fn prepare(&self, stream: &mut Stream) -> Result<bool, Halt> {
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
            let run = move |job: Job| match runs.upgrade() {
                Some(element) => element.imp().infer(job),
                None => Finished::unscored(job.record, true),
            };
            let started =
                self.outbox.start("affectscore", run, Self::keep_from_worker, move |(record, drops, failed)| {
                    if let Some(element) = tells.upgrade() {
                        element.imp().tell(record, drops, failed);
                    }
                });
            started.map_err(|e| Halt::Settings(format!("cannot start a thread: {e}")))?;
        }
        Ok(true)
    }

    /// Scores a segment, on whichever thread it is, holding no lock: under the policies of this moment.
    fn infer(&self, job: Job) -> Finished {
        let Job { config, mut record, refined, since } = job;
        let (channels, lateness) = self.outbox.with(|s| {
            record.policy = s.policy(record.channel.index, record.policy);
            (s.channels, Duration::from_nanos(s.properties.values().max_lateness))
        });
        if !lateness.is_zero() && since.elapsed() > lateness {
            return Finished { dropped: true, ..Finished::unscored(record, refined) };
        }
        let begun = Instant::now();
        let mut scored = record.clone();
        let run = || catch_unwind(AssertUnwindSafe(|| Analyzer::score(&config, channels, &mut scored)));
        match poster::outside(run) {
            Ok(_) => Finished { took: begun.elapsed(), ..Finished::unscored(scored, refined) },
            Err(_) => Finished { failed: true, ..Finished::unscored(record, refined) },
        }
    }

    /// Sends fresh records to be scored, or scores them here.
    pub(super) fn pass_on(&self, stream: &Stream, records: Vec<Record>) {
        let Some(config) = &stream.config else { return };
        for record in records {
            let refined = stream.upstream;
            if record.segment == SegmentKind::Frame {
                self.keep([Finished::unscored(record, refined)]);
                continue;
            }
            let job = Job { config: config.clone(), record, refined, since: Instant::now() };
            if stream.beside {
                let most = self.outbox.with(|s| s.properties.values().max_queued as usize);
                let dropped = self.outbox.queue(job, most);
                self.keep(dropped.map(|j| Finished { dropped: true, ..Finished::unscored(j.record, j.refined) }));
            } else if self.outbox.interrupted() {
                // A flush or a stop: it forgets what is pending.
                return;
            } else {
                let finished = self.infer(Job { since: Instant::now(), ..job });
                self.keep([finished]);
            }
        }
    }

    /// Records of features that an element upstream has attached, each once, as those of this element. What a scorer upstream has
    /// made of them is its own, and is not scored again.
    pub(super) fn refine(&self, stream: &mut Stream, structures: &[gst::Structure]) {
        let Some(config) = stream.config.clone() else { return };
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
            let policy = self.outbox.with(|s| s.policy(record.channel.index, record.policy));
            // What is attached already is all that may be told. Only a final result may have to follow a scored interim one.
            if policy == Policy::Deny || (policy != Policy::Allow && record.ended == Ended::Open) {
                continue;
            }
            record.policy = policy;
            record.revision += SCORED_REVISION;
            record.source = config.source.clone();
            fresh.push(record);
        }
        self.pass_on(stream, fresh);
    }

    /// Analyses a buffer.
    ///
    /// # Errors
    /// Where the stream cannot go on: before anything was analysed, for settings that cannot be used.
    pub(super) fn analyse(&self, buffer: &gst::BufferRef) -> Result<(), gst::FlowError> {
        if self.outbox.with(|s| s.properties.closed().is_some()) {
            self.work(|_| ());
            return Ok(());
        }
        self.await_model();
        let (outcome, begun) = self.work(|stream| {
            let begun = stream.begun;
            let outcome = self.take_buffer(stream, buffer);
            stream.begun |= matches!(outcome, Ok(true));
            (outcome, begun)
        });
        let why = match outcome {
            Ok(_) => return Ok(()),
            Err(Halt::Flow(e)) => return Err(e),
            Err(Halt::Settings(why)) => why,
        };
        self.note(why.clone());
        if !begun {
            poster::error(&*self.obj(), gst::LibraryError::Settings, &why);
            return Err(gst::FlowError::Error);
        }
        if self.outbox.with(|s| s.properties.cannot_be_used(&why)) {
            poster::warning(&*self.obj(), gst::LibraryError::Settings, &why, ADVICE);
        }
        Ok(())
    }

    /// Says whether the buffer was analysed.
    fn take_buffer(&self, stream: &mut Stream, buffer: &gst::BufferRef) -> Result<bool, Halt> {
        if !self.prepare(stream)? {
            return Ok(false);
        }
        if stream.upstream {
            self.refine(stream, &meta::read(buffer));
            return Ok(true);
        }
        let config = stream.config.clone();
        let make = |_: &str| config.as_deref().cloned().ok_or(ConfigError::Input(InputError::Finished));
        let outcome = stream.tap.buffer(buffer, &make);
        let fresh = stream.tap.take();
        self.pass_on(stream, fresh);
        match outcome {
            Ok(()) => {}
            Err(Trouble::Settings(e)) => return Err(Halt::Settings(e.to_string())),
            Err(Trouble::Audio(e)) => {
                self.note(e.to_string());
                let advice = "Audio passes through unchanged. Put audioresample before this element.";
                poster::warning(&*self.obj(), gst::StreamError::Format, &format!("No scores: {e}"), advice);
            }
            Err(Trouble::Buffer(e)) => {
                gst::warning!(CAT, imp = self, "{e}");
                self.note(e);
            }
        }
        Ok(true)
    }
}
