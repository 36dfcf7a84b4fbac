//! What goes out: metas, messages, events, counters and warnings.

use super::imp::{AffectScore, State};
use super::worker::Outcome;
use crate::result;
use crate::tap::lock;
use affect::record::{Ended, Record, SegmentKind};
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

/// Warnings about dropped windows come no closer than this.
const WARNING_INTERVAL: Duration = Duration::from_secs(5);

/// What goes out with a buffer or event.
#[derive(Default)]
pub(super) struct Out {
    /// Not posted yet.
    pub fresh: Vec<Record>,
    /// Posted by the worker already.
    pub made: Vec<Record>,
    pub dropped: usize,
}

impl AffectScore {
    /// Takes what the worker has made, on its thread: messages go out at once, metas with the next buffer.
    pub(super) fn made(&self, outcome: Outcome) {
        let record = match outcome {
            Outcome::Done(record, took) => {
                lock(&self.stats).scoring += took;
                record
            }
            Outcome::Dropped(mut record) => {
                record.audio = None;
                self.dropped(1);
                record
            }
            Outcome::Nothing { dropped } => {
                self.dropped(usize::from(dropped));
                return;
            }
            Outcome::Failed(record) => {
                gst::element_imp_error!(self, gst::LibraryError::Failed, ("the model's engine panicked"));
                record
            }
        };
        self.count(&record);
        self.post(std::slice::from_ref(&record));
        lock(&self.made).push(record);
    }

    /// Says that windows were dropped, not too often.
    pub(super) fn dropped(&self, count: usize) {
        let mut stats = lock(&self.stats);
        stats.dropped += count as u64;
        if count == 0 || stats.warned.is_some_and(|w| w.elapsed() < WARNING_INTERVAL) {
            return;
        }
        stats.warned = Some(Instant::now());
        let total = stats.dropped;
        drop(stats);
        gst::element_imp_warning!(
            self,
            gst::StreamError::Failed,
            ("The model is slower than the stream: {total} windows were dropped"),
            ["Their features are handed out unscored. Use a longer hop, a smaller model, or attribution=groups."]
        );
    }

    pub(super) fn count(&self, record: &Record) {
        let mut stats = lock(&self.stats);
        stats.results += 1;
        if let Some(s) = &record.scored {
            stats.scored += 1;
            stats.abstained += u64::from(s.emotion.abstained.is_some());
        }
    }

    /// Posts what has not been posted, and gives all of it to be attached.
    pub(super) fn told(&self, out: Out) -> Vec<Record> {
        self.dropped(out.dropped);
        self.post(&out.fresh);
        let mut all = out.fresh;
        all.extend(out.made);
        all
    }

    /// Posts messages. Called without any lock that the application could want.
    pub(super) fn post(&self, records: &[Record]) {
        let (post, messages) = {
            let s = lock(&self.settings);
            (s.analysis.post, s.analysis.post_messages)
        };
        for record in records {
            if messages && post.takes(record.ended == Ended::Open) && record.segment != SegmentKind::Frame {
                // Fails only without a bus, and then nobody listens.
                let _ = self.obj().post_message(result::message(record, &*self.obj()));
                lock(&self.stats).posted += 1;
            }
        }
    }

    pub(super) fn structures(&self, records: &[Record]) -> Vec<gst::Structure> {
        let attach = lock(&self.settings).analysis.attach;
        let out: Vec<gst::Structure> =
            records.iter().filter(|r| attach.takes(r.ended == Ended::Open)).map(result::structure).collect();
        lock(&self.stats).attached += out.len() as u64;
        out
    }

    /// The stream ends (or a part of it): everything that is pending goes out ahead of the event.
    pub(super) fn finish(&self) {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        if state.config.is_none() {
            return;
        }
        state.tap.finish();
        let fresh = state.tap.take();
        let records = self.all(guard, fresh);
        self.push(&records);
    }

    /// Everything that there is with these fresh records, once the worker has done its part.
    pub(super) fn all(&self, mut guard: MutexGuard<'_, State>, fresh: Vec<Record>) -> Vec<Record> {
        self.pass_on(&mut guard, fresh);
        if let Some(w) = &guard.worker {
            w.drain();
        }
        let out = self.collect(&mut guard);
        drop(guard);
        self.told(out)
    }

    pub(super) fn push(&self, records: &[Record]) {
        let structures = self.structures(records);
        if !structures.is_empty() {
            self.obj().src_pad().push_event(result::event(structures));
        }
    }

    /// Forgets what is pending, and what is usual for the speakers.
    pub(super) fn reset(&self) {
        lock(&self.state).tap.reset();
        self.forget();
    }

    /// Forgets what is pending.
    pub(super) fn forget(&self) {
        let mut state = lock(&self.state);
        state.tap.restart();
        state.ready.clear();
        state.seen.clear();
        if let Some(w) = &state.worker {
            w.clear();
        }
        drop(state);
        lock(&self.made).clear();
    }
}
