//! What goes out: metas, messages, events and warnings.

use super::imp::AffectScore;
use super::state::{Finished, State};
use crate::outbox::poster;
use crate::{result, speech};
use affect::analyzer::Speech;
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

    /// Takes over a finished record of the worker, under the lock.
    pub(super) fn keep_from_worker(state: &mut State, finished: Finished) -> (Option<Record>, Option<u64>, bool) {
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

    /// Posts starts and ends of speech.
    pub(super) fn say(&self, speech: Vec<Speech>) {
        if speech.is_empty() {
            return;
        }
        let (said, bus) = self.outbox.with(|s| (s.may_say(speech), s.bus.clone()));
        said.iter().for_each(|e| bus.post(&*self.obj(), speech::message(e, &*self.obj())));
    }

    /// Posts what has not been posted, and gives all that can go out now as structures to attach.
    pub(super) fn deliver(&self) -> Vec<gst::Structure> {
        let parcels = self.outbox.with(|s| s.collect(true));
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
        if self.outbox.drain().is_ok() {
            let structures = self.deliver();
            self.push(structures);
        }
    }

    /// Another stream begins: what is open in the one before goes out ahead of it, as far as it is scored.
    pub(super) fn next_stream(&self, id: &str) {
        let beside = self.work(|stream| {
            stream.tap.set_stream(id);
            let fresh = stream.tap.take();
            self.pass_on(stream, fresh);
            // The next buffer asks again who is upstream.
            stream.config = None;
            stream.beside
        });
        // What the worker has in hand goes onto the buffers of the next stream: audio does not wait for it.
        if !beside {
            let structures = self.deliver();
            self.push(structures);
        }
    }

    /// Forgets what is pending, and what is usual for the speakers.
    pub(super) fn reset(&self) {
        self.outbox.forget(|s| {
            s.forget();
            s.stream.reset();
        });
    }

    /// A flush: forgets what is pending.
    pub(super) fn flushed(&self) {
        self.outbox.forget(State::forget);
        self.work(|stream| {
            stream.tap.restart();
            stream.seen.clear();
        });
        self.outbox.resume();
    }
}
