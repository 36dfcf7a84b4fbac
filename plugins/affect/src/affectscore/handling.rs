//! Handling of the inputs of `affectscore`, on the streaming thread or by workers.

use super::flow::ScoringHalt;
use super::imp::{AffectScore, CAT};
use super::outcome::{Outcome, Posts};
use super::state::{ScoreState, Stream};
use crate::meta;
use crate::outbox::queue::Ticket;
use crate::outbox::{Outbox, poster};
use crate::properties::CLOSED_ADVICE;
use crate::tap::Trouble;
use crate::tap::analysis::{AudioAnalysis, Step};
use crate::tap::backlog::Backlog;
use crate::tap::input::Input;
use crate::tap::settings::AnalysisSettings;
use affect::error::{ConfigError, InputError};
use affect::record::Ended;
use gst::subclass::prelude::*;

impl AffectScore {
    /// Whether results are withheld, because a property cannot be read.
    pub(super) fn closed(&self) -> bool {
        self.outbox.with(|s| s.properties.closed().is_some())
    }

    /// Reports why there are no scores. Returns the flow error where the stream cannot go on.
    fn report_trouble(&self, halt: ScoringHalt, begun: bool) -> Option<gst::FlowError> {
        let why = match halt {
            ScoringHalt::Flow(gst::FlowError::Flushing) => return None,
            ScoringHalt::Flow(e) => return Some(e),
            ScoringHalt::Settings(why) => why,
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

    /// Analyses a buffer, or refines the results on it. Returns whether the model was there for that.
    fn take_buffer(
        &self,
        stream: &mut Stream,
        buffer: &gst::BufferRef,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<bool, ScoringHalt> {
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
        *outcomes = self.pass_on_ready(stream);
        match outcome {
            Ok(()) => {}
            Err(Trouble::Settings(e)) => return Err(ScoringHalt::Settings(e.to_string())),
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

impl AudioAnalysis for AffectScore {
    type State = ScoreState;
    type Results = Vec<Outcome>;
    type Posts = Posts;

    fn outbox(&self) -> &Outbox<ScoreState> {
        &self.outbox
    }

    fn backlog(state: &mut ScoreState) -> &mut Backlog {
        &mut state.backlog
    }

    fn settings(state: &ScoreState) -> &AnalysisSettings {
        &state.properties.values().analysis
    }

    fn analyse(&self, buffer: &gst::BufferRef, ticket: Ticket) -> Step<Vec<Outcome>> {
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
        Step { results, failed: outcome.err().and_then(|halt| self.report_trouble(halt, begun)) }
    }

    fn handle(&self, input: Input, ticket: Option<Ticket>) -> Step<Vec<Outcome>> {
        let channels = if let Input::Info(info) = &input { Some(info.channels() as usize) } else { None };
        let results = self.work(ticket, |stream| {
            match input {
                Input::LeftOut(duration) => stream.tap.leave_out(duration),
                Input::Gap(pts, duration) => stream.tap.missing_time(Some(pts), duration),
                Input::Info(info) => stream.tap.set_info(*info),
                Input::Stream(id) => {
                    stream.tap.set_stream(&id);
                    stream.speakers.next_stream();
                    let outcomes = self.pass_on_ready(stream);
                    // The next buffer asks again who is upstream.
                    stream.config = None;
                    return outcomes;
                }
                Input::Segment(segment) => drop(stream.tap.set_segment(segment.map(|s| *s))),
                Input::Results(structures) if stream.upstream => return self.refine(stream, &structures),
                Input::End if stream.config.is_some() => {
                    stream.tap.finish();
                    return self.pass_on_ready(stream);
                }
                Input::Stop if stream.config.is_some() => {
                    stream.tap.end(Ended::Stopped);
                    return self.pass_on_ready(stream);
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

    fn store(state: &mut ScoreState, outcomes: Vec<Outcome>) -> Posts {
        let at_once = state.backlog.on_workers();
        state.store_all(outcomes, at_once)
    }

    fn post_all(&self, posts: Posts) {
        self.post_now(posts);
    }
}
