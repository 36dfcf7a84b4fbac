//! What goes out: metas, messages, events and warnings.

use super::imp::AffectScore;
use super::state::{Finished, State};
use crate::outbox::poster;
use crate::result;
use affect::record::Record;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

impl AffectScore {
    /// Takes over finished records of the streaming thread; they go out with [`Self::deliver`].
    pub(super) fn keep(&self, finished: impl IntoIterator<Item = Finished>) {
        let (mut drops, mut failed) = (None, false);
        self.outbox.with(|s| {
            let before = s.stats.dropped;
            for f in finished {
                failed |= f.failed;
                s.keep(f, false);
            }
            drops = s.drops_to_tell(before);
        });
        self.tell(None, drops, failed);
    }

    /// Takes over a finished record of the pool, under the lock.
    pub(super) fn keep_from_pool(state: &mut State, finished: Finished) -> (Option<Record>, Option<u64>, bool) {
        let (before, failed) = (state.stats.dropped, finished.failed);
        let record = state.keep(finished, true);
        (record, state.drops_to_tell(before), failed)
    }

    /// Says what there is to say at once.
    pub(super) fn tell(&self, record: Option<Record>, drops: Option<u64>, failed: bool) {
        if failed {
            poster::error(&*self.obj(), gst::LibraryError::Failed, "the model's engine panicked");
        }
        if let Some(total) = drops {
            poster::warning(
                &*self.obj(),
                gst::StreamError::Failed,
                &format!("The model is slower than the stream: {total} windows were dropped"),
                "Their features are handed out unscored. Use a longer hop, a smaller model, or attribution=groups.",
            );
        }
        if let Some(record) = record {
            poster::post(&*self.obj(), result::message(&record, &*self.obj()));
        }
    }

    /// Posts what has not been posted, and gives all that can go out now as structures to attach.
    pub(super) fn deliver(&self) -> Vec<gst::Structure> {
        let parcels = self.outbox.with(State::collect);
        let mut attached = Vec::with_capacity(parcels.len());
        for p in parcels {
            if p.post {
                poster::post(&*self.obj(), result::message(&p.record, &*self.obj()));
            }
            if p.attach {
                attached.push(result::structure(&p.record));
            }
        }
        attached
    }

    /// Pushes structures that no buffer carries.
    pub(super) fn push(&self, structures: Vec<gst::Structure>) {
        if !structures.is_empty() {
            poster::push_event(self.obj().src_pad(), result::event(structures));
        }
    }

    /// The stream ends (or a part of it): everything that is pending goes out ahead of the event.
    pub(super) fn finish(&self) {
        self.work(|stream| {
            if stream.config.is_some() {
                stream.tap.finish();
                let fresh = stream.tap.take();
                self.pass_on(stream, fresh);
            }
        });
        // Interrupted, what is pending is forgotten by the flush or stop that did it.
        if self.outbox.drain(State::scores, None).is_ok() {
            let structures = self.deliver();
            self.push(structures);
        }
    }

    /// Forgets what is pending, and what is usual for the speakers.
    pub(super) fn reset(&self) {
        self.outbox.with(|s| {
            s.forget();
            s.stream.reset();
        });
    }

    /// A flush: forgets what is pending.
    pub(super) fn flushed(&self) {
        self.outbox.with(State::forget);
        self.work(|stream| {
            stream.tap.restart();
            stream.seen.clear();
        });
        self.outbox.resume();
    }
}
