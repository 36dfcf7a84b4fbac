//! Output of `affectscore`: metas, messages, events and warnings.

use super::imp::AffectScore;
use super::outcome::Posts;
use super::state::ScoreState;
use crate::outbox::poster;
use crate::outbox::queue::Ticket;
use crate::tap::analysis;
use crate::tap::input::Input;
use crate::{result, speech};
use affect::analyzer::Speech;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

impl AffectScore {
    /// Posts messages, and schedules the items that wait for scores.
    pub(super) fn post_now(&self, posts: Posts) {
        let Posts { items, drops, failed, queued } = posts;
        if queued {
            self.outbox.change_and_schedule(ScoreState::scores, |_| ());
        }
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
        for item in items {
            self.post(item.message(&*self.obj()));
        }
    }

    /// Posts starts and ends of speech.
    pub(super) fn post_speech(&self, speech: Vec<Speech>, ticket: Ticket) {
        for event in speech {
            if let Some(speech) = self.outbox.with(|s| s.may_post_speech(event, ticket)) {
                self.post(speech::message(&speech, &*self.obj()));
            }
        }
    }

    /// Posts a message, also where the element has been taken out of its bin and has not stopped yet.
    pub(super) fn post(&self, message: gst::Message) {
        let bus = self.outbox.with(|s| s.bus.clone());
        bus.post(&*self.obj(), message);
    }

    /// Posts what has not been posted. Returns the structures of all that can be attached now.
    pub(super) fn deliver(&self) -> Vec<gst::Structure> {
        let outgoing = self.outbox.with(|s| s.collect(true));
        let mut attached = Vec::with_capacity(outgoing.len());
        for o in outgoing {
            if o.post {
                self.post(o.item.message(&*self.obj()));
            }
            if o.attach {
                attached.push(o.item.structure());
            }
        }
        attached
    }

    /// Ends the analysis of a stream or a part of it: all that is pending goes out ahead of the event.
    pub(super) fn finish(&self) {
        analysis::handle_input(self, Input::End);
        self.push_pending();
    }

    /// Waits for everything that is pending, and pushes what no buffer carries.
    pub(super) fn push_pending(&self) {
        let waited = analysis::wait_until_analysed(self).and_then(|until| self.outbox.drain(ScoreState::scores, until));
        // Interrupted, what is pending is forgotten by the flush or stop that did it.
        let Ok(in_time) = waited else { return };
        if !in_time {
            let late = self.outbox.with(ScoreState::give_up_waiting);
            self.post_now(late);
        }
        self.push_ready();
    }

    /// Another stream begins: what is ready of the one before goes out ahead of it. What waits for its score goes onto the buffers
    /// of the next one: audio does not wait for it.
    pub(super) fn next_stream(&self, id: &str) {
        analysis::handle_input(self, Input::Stream(id.to_owned()));
        self.push_ready();
    }

    fn push_ready(&self) {
        let structures = self.deliver();
        if !structures.is_empty() {
            poster::push_event(self.obj().src_pad(), result::event(structures));
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
        self.outbox.with(ScoreState::forget);
        self.outbox.resume();
    }
}
