//! Flow of `affectfeatures`: from audio and events to results, and on to buffers, events and messages.

use super::imp::{AffectFeatures, CAT};
use super::state::{FeaturesState, Stream};
use crate::item::Item;
use crate::outbox::queue::Ticket;
use crate::outbox::{Outbox, poster};
use crate::properties::CLOSED_ADVICE;
use crate::tap::analysis::{self, AudioAnalysis, Step};
use crate::tap::backlog::Backlog;
use crate::tap::input::Input;
use crate::tap::settings::AnalysisSettings;
use crate::tap::{Tap, Trouble};
use crate::{result, speech};
use affect::analyzer::Speech;
use affect::record::Ended;
use gst::subclass::prelude::*;
use gst_base::prelude::*;

impl AffectFeatures {
    /// Works on the analysis, one thread at a time, unless the input was forgotten since its ticket was given.
    fn work<R>(&self, ticket: Option<Ticket>, work: impl FnOnce(&mut Stream) -> R) -> Option<R> {
        let (mut stream, ticket) = self.outbox.with(|s| s.take_stream(ticket))?;
        let result = work(&mut stream);
        for cut in stream.tap.take_cuts() {
            if cut.is_fault() {
                gst::warning!(CAT, imp = self, "{cut}");
            } else {
                gst::info!(CAT, imp = self, "{cut}");
            }
        }
        let speech = stream.tap.take_speech();
        self.outbox.with(|s| s.put_stream(stream));
        self.post_speech(speech, ticket);
        Some(result)
    }

    /// Posts starts and ends of speech.
    fn post_speech(&self, speech: Vec<Speech>, ticket: Ticket) {
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

    pub(super) fn note(&self, error: String) {
        self.outbox.with(|s| s.stats.last_error = Some(error));
    }

    /// Structures of all results that can go onto a buffer now.
    pub(super) fn deliver(&self) -> Vec<gst::Structure> {
        self.outbox.with(FeaturesState::collect).iter().map(Item::structure).collect()
    }

    /// Ends the analysis and pushes what no buffer will carry, ahead of the end of the stream.
    pub(super) fn push_pending(&self) {
        analysis::handle_input(self, Input::End);
        // Interrupted, what is pending is forgotten by the flush or stop that did it.
        if analysis::wait_until_analysed(self).is_ok() {
            self.push_ready();
        }
    }

    /// Another stream begins: what is ready of the one before goes out ahead of it.
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

    /// Reports trouble as a warning, an error or in the log. Returns the flow error where the stream cannot go on.
    fn report_trouble(&self, trouble: Trouble, begun: bool) -> Option<gst::FlowError> {
        match trouble {
            Trouble::Audio(e) => {
                self.note(e.to_string());
                let advice = "Audio passes through unchanged. Put audioresample before this element.";
                poster::warning(&*self.obj(), gst::StreamError::Format, &format!("No features: {e}"), advice);
            }
            Trouble::Settings(e) => {
                let why = e.to_string();
                self.note(why.clone());
                if !begun {
                    poster::error(&*self.obj(), gst::LibraryError::Settings, &why);
                    return Some(gst::FlowError::Error);
                }
                if self.outbox.with(|s| s.properties.cannot_be_used(&why)) {
                    poster::warning(&*self.obj(), gst::LibraryError::Settings, &why, CLOSED_ADVICE);
                }
            }
            Trouble::Buffer(e) => {
                // The audio goes on; what cannot be analysed is no reason to stop it.
                gst::warning!(CAT, imp = self, "{e}");
                self.note(e);
            }
        }
        None
    }
}

/// Takes what is ready: the results of segments first, and then the conversation that they are part of.
fn take_ready(tap: &mut Tap) -> Vec<Item> {
    let mut items: Vec<Item> = tap.take().into_iter().map(Item::from).collect();
    items.extend(tap.take_conversations().iter().map(|c| Item::from(c.record())));
    items
}

impl AudioAnalysis for AffectFeatures {
    type State = FeaturesState;
    type Results = Vec<Item>;
    type Posts = Vec<Item>;

    fn outbox(&self) -> &Outbox<FeaturesState> {
        &self.outbox
    }

    fn backlog(state: &mut FeaturesState) -> &mut Backlog {
        &mut state.backlog
    }

    fn settings(state: &FeaturesState) -> &AnalysisSettings {
        state.properties.values()
    }

    fn analyse(&self, buffer: &gst::BufferRef, ticket: Ticket) -> Step<Vec<Item>> {
        if self.outbox.with(|s| s.properties.closed().is_some()) {
            self.work(Some(ticket), |_| ());
            return Step::default();
        }
        let make = |stream: &str| self.outbox.with(|s| s.properties.values().config(stream, "affectfeatures"));
        let worked = self.work(Some(ticket), |stream| {
            let outcome = stream.tap.buffer(buffer, &make);
            let begun = stream.begun;
            stream.begun |= outcome.is_ok();
            (outcome, take_ready(&mut stream.tap), begun)
        });
        let Some((outcome, results, begun)) = worked else { return Step::default() };
        Step { results, failed: outcome.err().and_then(|trouble| self.report_trouble(trouble, begun)) }
    }

    fn handle(&self, input: Input, ticket: Option<Ticket>) -> Step<Vec<Item>> {
        let channels = if let Input::Info(info) = &input { Some(info.channels() as usize) } else { None };
        let results = self.work(ticket, |stream| {
            let tap = &mut stream.tap;
            match input {
                Input::LeftOut(duration) => tap.leave_out(duration),
                Input::Gap(pts, duration) => tap.missing_time(Some(pts), duration),
                Input::Info(info) => tap.set_info(*info),
                Input::Stream(id) => {
                    tap.set_stream(&id);
                    return take_ready(tap);
                }
                Input::Segment(segment) => {
                    if segment.is_none() {
                        gst::warning!(CAT, imp = self, "segment is not in time format: no features");
                    }
                    if !tap.set_segment(segment.map(|s| *s)) {
                        gst::info!(CAT, imp = self, "reverse playback: audio passes, no features");
                    }
                }
                Input::End => {
                    tap.finish();
                    return take_ready(tap);
                }
                Input::Stop => {
                    tap.end(Ended::Stopped);
                    return take_ready(tap);
                }
                // Results of elements upstream are none of this one's.
                Input::Audio(..) | Input::Results(_) => {}
            }
            Vec::new()
        });
        if let Some(channels) = channels {
            self.outbox.with(|s| s.channels = channels);
        }
        Step { results: results.unwrap_or_default(), failed: None }
    }

    fn store(state: &mut FeaturesState, items: Vec<Item>) -> Vec<Item> {
        state.store(items)
    }

    fn post_all(&self, items: Vec<Item>) {
        for item in items {
            self.post(item.message(&*self.obj()));
        }
    }
}
