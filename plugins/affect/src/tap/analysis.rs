//! Where the analysis of a pad's input is done: in the stream, or beside it by the pool.
//!
//! In the stream, audio goes on once it has been analysed: what files need, whose results are on the buffers that complete them, the
//! same in every run. Live audio does not wait: it goes on at once, and what it was goes into the element's [`Backlog`].

use super::backlog::Backlog;
use super::choices::AffectAnalysis;
use super::input::Input;
use super::notice::Notice;
use super::settings::Settings;
use crate::outbox::line::{Line, Ticket};
use crate::outbox::{Interrupted, Outbox, pool, poster};
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The end of a live stream waits this long for what is pending, at most.
const END: Duration = Duration::from_secs(5);

/// A stop may spend this long on what has come in and waits.
pub const CONCLUSION: Duration = Duration::from_millis(500);

/// What comes of an input.
pub struct Step<R> {
    /// The results, and what is to become of them.
    pub results: R,
    /// Why the stream cannot go on.
    pub failed: Option<gst::FlowError>,
}

impl<R: Default> Default for Step<R> {
    fn default() -> Self {
        Self { results: R::default(), failed: None }
    }
}

/// An element that analyses what comes in on its pad.
pub trait Analyses: ObjectSubclass<Type: IsA<gst_base::BaseTransform>> + Send + Sync {
    /// What its threads share.
    type State: Default + Send + 'static;
    /// What comes of an input.
    type Results: Default + 'static;
    /// What is to be said of it.
    type Said: 'static;

    /// What its threads share.
    fn outbox(&self) -> &Outbox<Self::State>;

    /// The backlog in it.
    fn backlog(state: &mut Self::State) -> &mut Backlog;

    /// The properties of the analysis.
    fn settings(state: &Self::State) -> &Settings;

    /// Analyses audio, holding no lock, unless it was forgotten since its ticket was given. Only one thread does this at a time.
    fn listen(&self, buffer: &gst::BufferRef, ticket: Ticket) -> Step<Self::Results>;

    /// Takes an input that is no audio, likewise; without a ticket it is never forgotten.
    fn attend(&self, input: Input, ticket: Option<Ticket>) -> Step<Self::Results>;

    /// Takes results over, under the lock.
    fn keep(state: &mut Self::State, results: Self::Results) -> Self::Said;

    /// Posts what there is to say at once, holding no lock.
    fn say(&self, said: Self::Said);
}

fn line<E: Analyses>(state: &mut E::State) -> &mut Line<Input> {
    &mut E::backlog(state).line
}

/// Takes over what has come of an input, and how much audio it was.
fn take_over<E: Analyses>(state: &mut E::State, step: Step<E::Results>, audio: gst::ClockTime) -> E::Said {
    let backlog = E::backlog(state);
    backlog.done(audio);
    backlog.fail(step.failed);
    E::keep(state, step.results)
}

/// Takes an input in, on a thread of the pool. A panic ends the stream, as one in the stream does.
fn take_beside<E: Analyses>(element: &E, input: Input, ticket: Ticket) -> (Step<E::Results>, gst::ClockTime) {
    let audio = input.audio();
    let step = catch_unwind(AssertUnwindSafe(|| match input {
        Input::Audio(buffer, _) => element.listen(&buffer, ticket),
        other => {
            let ticket = (!other.outlives_a_flush()).then_some(ticket);
            element.attend(other, ticket)
        }
    }));
    let step = step.unwrap_or_else(|_| {
        poster::error(&element_of(element), gst::LibraryError::Failed, "the analysis panicked");
        Step { results: E::Results::default(), failed: Some(gst::FlowError::Error) }
    });
    (step, audio)
}

/// Takes over what has come of an input, unless it was forgotten meanwhile, and says what there is to say of it.
fn settle<E: Analyses>(element: &E, step: Step<E::Results>, audio: gst::ClockTime, ticket: Ticket) {
    let said = element.outbox().with(|s| E::backlog(s).holds(ticket).then(|| take_over::<E>(s, step, audio)));
    if let Some(said) = said {
        element.say(said);
    }
}

/// The element itself.
fn element_of<E: Analyses>(element: &E) -> gst::Element {
    let transform: gst_base::BaseTransform = element.obj().clone().upcast();
    transform.upcast()
}

/// Whether audio comes as time passes.
pub fn is_live(element: &gst_base::BaseTransform) -> bool {
    let mut query = gst::query::Latency::new();
    poster::ask(element.sink_pad(), &mut query) && query.result().0
}

/// Decides where the analysis belongs, where that is not known.
fn place<E: Analyses>(element: &E) -> Result<(), gst::FlowError> {
    let (unsure, was_beside, wish) =
        element.outbox().with(|s| (E::backlog(s).unsure(), E::backlog(s).beside(), E::settings(s).analysis));
    if !unsure {
        return Ok(());
    }
    let live = is_live(element.obj().upcast_ref());
    let beside = match wish {
        AffectAnalysis::Auto => live,
        AffectAnalysis::Inline => false,
        AffectAnalysis::Worker => true,
    };
    if beside {
        let (runs, says) = (element.ref_counted().downgrade(), element.ref_counted().downgrade());
        let run = move |input, ticket| runs.upgrade().map(|e| take_beside(&*e, input, ticket)).unwrap_or_default();
        let keep = |state: &mut E::State, (step, audio)| take_over::<E>(state, step, audio);
        let say = move |said| {
            if let Some(e) = says.upgrade() {
                e.say(said);
            }
        };
        if let Err(e) = element.outbox().employ(pool::analysis(), line::<E>, run, keep, say) {
            poster::error(&element_of(element), gst::ResourceError::Failed, &format!("cannot start a thread: {e}"));
            return Err(gst::FlowError::Error);
        }
    } else if was_beside && element.outbox().drain(line::<E>, None).is_err() {
        return Err(gst::FlowError::Flushing);
    }
    element.outbox().with(|s| E::backlog(s).decide(beside, live));
    Ok(())
}

/// Audio comes in: it is analysed, or waits for that.
///
/// # Errors
/// Where the stream cannot go on.
pub fn hear<E: Analyses>(element: &E, buffer: &gst::BufferRef) -> Result<(), gst::FlowError> {
    place(element)?;
    let outbox = element.outbox();
    let (beside, live, ticket) = outbox.with(|s| {
        let backlog = E::backlog(s);
        (backlog.beside(), backlog.live(), backlog.ticket())
    });
    if beside {
        let limit = |s: &E::State| E::settings(s).max_lag;
        if !live {
            let room = |s: &mut E::State| {
                let limit = limit(s);
                E::backlog(s).has_room(limit).then_some(())
            };
            outbox.wait(room).map_err(|Interrupted| gst::FlowError::Flushing)?;
        }
        // A copy of the buffer, not of what it holds.
        let buffer = buffer.to_owned();
        let notice = outbox.hand_on(line::<E>, |s| {
            let limit = limit(s);
            E::backlog(s).push(buffer, limit)
        });
        if let Some(notice) = notice {
            poster::warning(&element_of(element), gst::StreamError::Failed, &notice.text(), notice.advice());
        }
    } else {
        let step = element.listen(buffer, ticket);
        settle(element, step, gst::ClockTime::ZERO, ticket);
    }
    outbox.with(|s| E::backlog(s).going())
}

/// Something else comes in, in its turn.
pub fn turn_to<E: Analyses>(element: &E, input: Input) {
    let outbox = element.outbox();
    let (beside, ticket) = outbox.with(|s| {
        let backlog = E::backlog(s);
        match &input {
            Input::Info(info) => backlog.set_info(info),
            Input::Stream(_) => backlog.doubt(),
            _ => {}
        }
        (backlog.beside(), backlog.ticket())
    });
    if beside {
        outbox.hand_on(line::<E>, |s| E::backlog(s).line.jobs().push_back(input));
    } else {
        let step = element.attend(input, Some(ticket));
        settle(element, step, gst::ClockTime::ZERO, ticket);
    }
}

/// Waits until everything that has come in is analysed. Gives the time by which a live stream is to go on, whatever is pending.
///
/// # Errors
/// [`Interrupted`] if the element flushes or stops first.
pub fn catch_up<E: Analyses>(element: &E) -> Result<Option<Instant>, Interrupted> {
    let outbox = element.outbox();
    let until = outbox.with(|s| E::backlog(s).live()).then(|| Instant::now() + END);
    outbox.drain(line::<E>, until)?;
    Ok(until)
}

/// The element stops: what has come in is analysed, as far as that is done by `until`, and what is open ends. Audio that is left is
/// counted, and there is something to hear of it.
pub fn conclude<E: Analyses>(element: &E, until: Instant) -> Option<Notice> {
    let outbox = element.outbox();
    let waiting = outbox.hand_back(line::<E>);
    let ticket = outbox.with(|s| E::backlog(s).ticket());
    let mut rest = gst::ClockTime::ZERO;
    for input in waiting.into_iter().chain([Input::Stop]) {
        if !matches!(input, Input::Stop) && Instant::now() >= until {
            rest = rest.saturating_add(input.audio());
            continue;
        }
        let (step, audio) = take_beside(element, input, ticket);
        settle(element, step, audio, ticket);
    }
    outbox.with(|s| E::backlog(s).leave(rest));
    (!rest.is_zero()).then_some(Notice::Stopped(rest))
}

/// The element stops: nothing is analysed any more.
pub fn cease<E: Analyses>(element: &E) {
    element.outbox().dismiss(line::<E>);
}
