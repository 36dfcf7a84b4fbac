//! What goes out: metas, messages, events and warnings.

use super::imp::AffectScore;
use super::outcome::Said;
use super::state::State;
use crate::outbox::line::Ticket;
use crate::outbox::poster;
use crate::tap::analysis;
use crate::tap::input::Input;
use crate::{result, speech};
use affect::analyzer::Speech;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

impl AffectScore {
    /// Says what there is to say at once, and sees to it that what waits for its score gets one.
    pub(super) fn tell(&self, said: Said) {
        let Said { items, drops, failed, queued } = said;
        if queued {
            self.outbox.hand_on(State::scores, |_| ());
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
    pub(super) fn say_speech(&self, speech: Vec<Speech>, ticket: Ticket) {
        for event in speech {
            if let Some(said) = self.outbox.with(|s| s.may_say(event, ticket)) {
                self.post(speech::message(&said, &*self.obj()));
            }
        }
    }

    /// Posts a message, also where the element has been taken out of its bin and has not stopped yet.
    pub(super) fn post(&self, message: gst::Message) {
        let bus = self.outbox.with(|s| s.bus.clone());
        bus.post(&*self.obj(), message);
    }

    /// Posts what has not been posted, and gives all that can go out now as structures to attach.
    pub(super) fn deliver(&self) -> Vec<gst::Structure> {
        let parcels = self.outbox.with(|s| s.collect(true));
        let mut attached = Vec::with_capacity(parcels.len());
        for p in parcels {
            if p.post {
                self.post(p.item.message(&*self.obj()));
            }
            if p.attach {
                attached.push(p.item.structure());
            }
        }
        attached
    }

    /// The stream ends (or a part of it): everything that is pending goes out ahead of the event.
    pub(super) fn finish(&self) {
        analysis::turn_to(self, Input::End);
        self.send_rest();
    }

    /// Waits for everything that is pending, and pushes what no buffer carries.
    pub(super) fn send_rest(&self) {
        let waited = analysis::catch_up(self).and_then(|until| self.outbox.drain(State::scores, until));
        // Interrupted, what is pending is forgotten by the flush or stop that did it.
        let Ok(in_time) = waited else { return };
        if !in_time {
            let late = self.outbox.with(State::give_up);
            self.tell(late);
        }
        self.push_ready();
    }

    /// Another stream begins: what is ready of the one before goes out ahead of it. What waits beside the stream goes onto the buffers
    /// of the next one: audio does not wait for it.
    pub(super) fn next_stream(&self, id: &str) {
        analysis::turn_to(self, Input::Stream(id.to_owned()));
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
        self.outbox.with(State::forget);
        self.outbox.resume();
    }
}
