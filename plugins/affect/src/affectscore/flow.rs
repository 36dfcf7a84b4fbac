//! From buffers, or results of an element upstream, to scored records.

use super::imp::{AffectScore, CAT, State};
use super::results::Out;
use super::settings::Mode;
use super::worker::{Job, Worker};
use crate::tap::{Trouble, lock};
use crate::{UPSTREAM_QUERY, meta};
use affect::analyzer::{Analyzer, Policy, Scorer, upstream};
use affect::error::InputError;
use affect::record::{Record, SegmentKind};
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Scored versions of a segment come after all that a feature element makes of it.
const SCORED_REVISION: u32 = 1 << 16;

/// Why the stream cannot go on. Said on the bus by whoever holds no lock.
enum Stop {
    Flow(gst::FlowError),
    Error(String),
}

impl AffectScore {
    /// Whether an element upstream attaches the features that a model needs.
    pub(super) fn comes_from_upstream(&self, scorer: &Scorer) -> bool {
        let Some(set) = scorer.set() else { return false };
        let mut query = gst::query::Custom::new(gst::Structure::new_empty(UPSTREAM_QUERY));
        if !self.obj().sink_pad().peer_query(&mut query) {
            return false;
        }
        let Some(s) = query.structure() else { return false };
        let sets = s.get::<&str>("feature-set").unwrap_or_default();
        sets.split(',').any(|n| n.trim() == set.name())
            && s.get::<&str>("segmentation").is_ok_and(|s| s != "frame")
            && s.get::<bool>("attached").unwrap_or(false)
            && (!scorer.needs_baseline() || s.get::<bool>("speaker-baseline").unwrap_or(false))
    }

    /// Gets everything ready for the settings and the model, where that has not been done.
    fn prepare(&self, state: &mut State) -> Result<bool, Stop> {
        if state.config.is_some() && !state.stale {
            return Ok(true);
        }
        let settings = lock(&self.settings).clone();
        let live = self.live();
        let deferred = match settings.mode() {
            Ok(Mode::Async) => true,
            Ok(Mode::Auto) => live,
            _ => false,
        };
        // Only live audio cannot wait for the model: until it is there, it passes unanalysed.
        let Some(model) = self.model(!(live && deferred)).map_err(Stop::Flow)? else { return Ok(false) };
        let made = settings
            .scoring()
            .map_err(|e| e.to_string())
            .and_then(|c| Scorer::new(model, c).map_err(|e| e.to_string()))
            .map(Arc::new)
            .and_then(|s| settings.config(s, deferred, state.tap.stream_id()).map_err(|e| e.to_string()));
        let config = Arc::new(made.map_err(Stop::Error)?);
        if state.stale {
            // What was asked under the old settings (a policy, say) is not answered any more.
            if let Some(w) = &state.worker {
                w.clear();
            }
            lock(&self.made).clear();
            state.tap.outdated();
        }
        let scorer = config.scorer.clone();
        state.upstream = Some(scorer.is_some_and(|s| self.comes_from_upstream(&s)));
        gst::debug!(CAT, imp = self, "deferred: {deferred}, features from upstream: {:?}", state.upstream);
        state.deferred = deferred;
        state.config = Some(config);
        state.stale = false;
        if deferred && state.worker.is_none() {
            let weak = self.obj().downgrade();
            let worker = Worker::new(move |outcome| {
                if let Some(e) = weak.upgrade() {
                    e.imp().made(outcome);
                }
            });
            state.worker = Some(worker.map_err(|e| Stop::Error(format!("cannot start a thread: {e}")))?);
        }
        Ok(true)
    }

    /// Sends fresh records to be scored, or makes those ready that are.
    pub(super) fn pass_on(&self, state: &mut State, records: Vec<Record>) {
        let Some(config) = state.config.clone() else { return };
        let channels = state.tap.channels();
        let (most, lateness) = {
            let s = lock(&self.settings);
            (s.max_queued as usize, Duration::from_nanos(s.max_lateness))
        };
        for mut record in records {
            let pending = state.deferred && record.scored.is_none() && record.segment != SegmentKind::Frame;
            if let (true, Some(w)) = (pending, &state.worker) {
                let refined = state.upstream == Some(true);
                let job = Job { config: config.clone(), channels, record, refined, since: Instant::now() };
                if let Some(old) = w.push(job, most, lateness) {
                    state.dropped += 1;
                    if !old.refined {
                        let mut old = old.record;
                        old.audio = None;
                        self.count(&old);
                        state.ready.push(old);
                    }
                }
                continue;
            }
            record.audio = None;
            self.count(&record);
            state.ready.push(record);
        }
    }

    /// Records of an element upstream, each once, as those of this element.
    pub(super) fn refine(&self, state: &mut State, structures: &[gst::Structure]) -> Vec<Record> {
        let Some(config) = state.config.clone() else { return Vec::new() };
        let channels = state.tap.channels();
        let mut out = Vec::new();
        for s in structures {
            let (Ok(id), Ok(json)) = (s.get::<&str>("id"), s.get::<&str>("json")) else { continue };
            if !state.seen.first_time(id) {
                continue;
            }
            let mut record = match upstream::record(json) {
                Ok(r) => r,
                Err(e) => {
                    gst::debug!(CAT, imp = self, "a result from upstream is left alone: {e}");
                    continue;
                }
            };
            if !config.scorer.as_ref().is_some_and(|s| s.takes(record.feature_set)) {
                continue;
            }
            record.revision = record.revision.saturating_add(SCORED_REVISION);
            record.source = config.source.clone();
            if Analyzer::policy_for(&config, channels, &record) != Policy::Allow {
                // What is attached already is all that may be told, or more; nothing is added.
                continue;
            }
            if state.deferred {
                out.push(record);
            } else {
                let begun = Instant::now();
                if Analyzer::score(&config, channels, &mut record) {
                    out.push(record);
                }
                lock(&self.stats).scoring += begun.elapsed();
            }
        }
        out
    }

    /// Analyses a buffer. Nothing is posted while the state is locked: whoever hears a message may ask for statistics.
    pub(super) fn analyse(&self, buffer: &gst::BufferRef) -> Result<Vec<Record>, gst::FlowError> {
        self.await_model();
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let mut trouble = None;
        let mut stop = None;
        match self.prepare(state) {
            Ok(false) => {}
            Ok(true) if state.upstream == Some(true) => {
                let fresh = self.refine(state, &meta::read(buffer));
                self.pass_on(state, fresh);
            }
            Ok(true) => {
                let config = state.config.clone();
                let make =
                    |_: &str| config.as_deref().cloned().ok_or(affect::error::ConfigError::Input(InputError::Finished));
                trouble = state.tap.buffer(buffer, &make).err();
                let fresh = state.tap.take();
                self.pass_on(state, fresh);
            }
            Err(e) => stop = Some(e),
        }
        let out = self.collect(state);
        drop(guard);
        let records = self.told(out);
        if let Some(Trouble::Settings(e)) = &trouble {
            stop = Some(Stop::Error(e.to_string()));
        }
        match stop {
            None => {}
            Some(Stop::Flow(e)) => return Err(e),
            Some(Stop::Error(e)) => {
                lock(&self.stats).last_error = Some(e.clone());
                gst::element_imp_error!(self, gst::LibraryError::Settings, ("{e}"));
                return Err(gst::FlowError::Error);
            }
        }
        match trouble {
            Some(Trouble::Audio(e)) => {
                lock(&self.stats).last_error = Some(e.to_string());
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Format,
                    ("No scores: {e}"),
                    ["Audio passes through unchanged. Put audioresample before this element."]
                );
            }
            Some(Trouble::Buffer(e)) => {
                gst::warning!(CAT, imp = self, "{e}");
                lock(&self.stats).last_error = Some(e);
            }
            Some(Trouble::Settings(_)) | None => {}
        }
        Ok(records)
    }

    /// Everything that can go out now.
    pub(super) fn collect(&self, state: &mut State) -> Out {
        Out {
            fresh: std::mem::take(&mut state.ready),
            made: std::mem::take(&mut lock(&self.made)),
            dropped: std::mem::take(&mut state.dropped),
        }
    }
}
