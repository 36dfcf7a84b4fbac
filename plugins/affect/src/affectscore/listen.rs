//! What `affectscore` does with what comes in on its pad, in the stream or beside it.

use super::flow::Halt;
use super::imp::{AffectScore, CAT};
use super::outcome::{Outcome, Said};
use super::state::{State, Stream};
use crate::meta;
use crate::outbox::line::Ticket;
use crate::outbox::{Outbox, poster};
use crate::properties::CLOSED_ADVICE;
use crate::tap::Trouble;
use crate::tap::analysis::{Analyses, Step};
use crate::tap::backlog::Backlog;
use crate::tap::input::Input;
use crate::tap::settings::Settings;
use affect::error::{ConfigError, InputError};
use affect::record::Ended;
use gst::subclass::prelude::*;

impl AffectScore {
    /// Whether there may be no results.
    pub(super) fn closed(&self) -> bool {
        self.outbox.with(|s| s.properties.closed().is_some())
    }

    /// Says why there are no scores. Gives the reason where the stream cannot go on.
    fn complain(&self, halt: Halt, begun: bool) -> Option<gst::FlowError> {
        let why = match halt {
            Halt::Flow(gst::FlowError::Flushing) => return None,
            Halt::Flow(e) => return Some(e),
            Halt::Settings(why) => why,
        };
        self.note(why.clone());
        if !begun {
            poster::error(&*self.obj(), gst::LibraryError::Settings, &why);
            return Some(gst::FlowError::Error);
        }
        if self.outbox.with(|s| s.properties.cannot_be_used(&why)) {
            poster::warning(&*self.obj(), gst::LibraryError::Settings, &why, CLOSED_ADVICE);
        }
        None
    }

    /// Says whether the buffer was analysed.
    fn take_buffer(
        &self,
        stream: &mut Stream,
        buffer: &gst::BufferRef,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<bool, Halt> {
        if !self.prepare(stream)? {
            return Ok(false);
        }
        if stream.upstream {
            *outcomes = self.refine(stream, &meta::read(buffer));
            return Ok(true);
        }
        let config = stream.config.clone();
        let make = |_: &str| config.as_deref().cloned().ok_or(ConfigError::Input(InputError::Finished));
        let outcome = stream.tap.buffer(buffer, &make);
        *outcomes = self.pass_ready(stream);
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

impl Analyses for AffectScore {
    type State = State;
    type Results = Vec<Outcome>;
    type Said = Said;

    fn outbox(&self) -> &Outbox<State> {
        &self.outbox
    }

    fn backlog(state: &mut State) -> &mut Backlog {
        &mut state.backlog
    }

    fn settings(state: &State) -> &Settings {
        &state.properties.values().analysis
    }

    fn listen(&self, buffer: &gst::BufferRef, ticket: Ticket) -> Step<Vec<Outcome>> {
        if self.closed() {
            self.work(Some(ticket), |_| ());
            return Step::default();
        }
        let mut results = Vec::new();
        let worked = self.work(Some(ticket), |stream| {
            let begun = stream.begun;
            let outcome = self.take_buffer(stream, buffer, &mut results);
            stream.begun |= matches!(outcome, Ok(true));
            (outcome, begun)
        });
        let Some((outcome, begun)) = worked else { return Step::default() };
        Step { results, failed: outcome.err().and_then(|halt| self.complain(halt, begun)) }
    }

    fn attend(&self, input: Input, ticket: Option<Ticket>) -> Step<Vec<Outcome>> {
        let channels = if let Input::Info(info) = &input { Some(info.channels() as usize) } else { None };
        let results = self.work(ticket, |stream| {
            match input {
                Input::LeftOut(duration) => stream.tap.leave_out(duration),
                Input::Gap(pts, duration) => stream.tap.missing_time(Some(pts), duration),
                Input::Info(info) => stream.tap.set_info(*info),
                Input::Stream(id) => {
                    stream.tap.set_stream(&id);
                    stream.speakers.next_stream();
                    let outcomes = self.pass_ready(stream);
                    // The next buffer asks again who is upstream.
                    stream.config = None;
                    return outcomes;
                }
                Input::Segment(segment) => drop(stream.tap.set_segment(segment.map(|s| *s))),
                Input::Results(structures) if stream.upstream => return self.refine(stream, &structures),
                Input::End if stream.config.is_some() => {
                    stream.tap.finish();
                    return self.pass_ready(stream);
                }
                Input::Stop if stream.config.is_some() => {
                    stream.tap.end(Ended::Stopped);
                    return self.pass_ready(stream);
                }
                Input::Audio(..) | Input::Results(_) | Input::End | Input::Stop => {}
            }
            Vec::new()
        });
        if let Some(channels) = channels {
            self.outbox.with(|s| s.channels = channels);
        }
        Step { results: results.unwrap_or_default(), failed: None }
    }

    fn keep(state: &mut State, outcomes: Vec<Outcome>) -> Said {
        let at_once = state.backlog.beside();
        state.keep_all(outcomes, at_once)
    }

    fn say(&self, said: Said) {
        self.tell(said);
    }
}
