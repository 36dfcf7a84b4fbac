//! Where the analysis of a pad's input is done: in the stream, or beside it by the pool.
//!
//! In the stream, audio goes on once it has been analysed: what files need, whose results are on the buffers that complete them, the
//! same in every run. Live audio does not wait: it goes on at once, and what it was goes into the element's [`Backlog`].

use super::backlog::Backlog;
use super::choices::AffectAnalysis;
use super::input::Input;
use super::notice::Notice;
use super::settings::Settings;
use crate::outbox::line::Line;
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

    /// Analyses audio, holding no lock. Only one thread does this at a time.
    fn listen(&self, buffer: &gst::BufferRef) -> Step<Self::Results>;

    /// Takes an input that is no audio, likewise.
    fn attend(&self, input: Input) -> Step<Self::Results>;

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
fn take_beside<E: Analyses>(element: &E, input: Input) -> (Step<E::Results>, gst::ClockTime) {
    let audio = if let Input::Audio(_, duration) = &input { *duration } else { gst::ClockTime::ZERO };
    let step = catch_unwind(AssertUnwindSafe(|| match input {
        Input::Audio(buffer, _) => element.listen(&buffer),
        other => element.attend(other),
    }));
    let step = step.unwrap_or_else(|_| {
        poster::error(&element_of(element), gst::LibraryError::Failed, "the analysis panicked");
        Step { results: E::Results::default(), failed: Some(gst::FlowError::Error) }
    });
    (step, audio)
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
        let run = move |input| runs.upgrade().map(|e| take_beside(&*e, input)).unwrap_or_default();
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
    let (beside, live) = outbox.with(|s| (E::backlog(s).beside(), E::backlog(s).live()));
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
            poster::warning(&element_of(element), gst::StreamError::Failed, &notice.text(), Notice::ADVICE);
        }
    } else {
        let step = element.listen(buffer);
        let said = outbox.with(|s| take_over::<E>(s, step, gst::ClockTime::ZERO));
        element.say(said);
    }
    outbox.with(|s| E::backlog(s).going())
}

/// Something else comes in, in its turn.
pub fn turn_to<E: Analyses>(element: &E, input: Input) {
    let outbox = element.outbox();
    outbox.with(|s| match &input {
        Input::Info(info) => E::backlog(s).set_info(info),
        Input::Stream(_) => E::backlog(s).doubt(),
        _ => {}
    });
    if outbox.with(|s| E::backlog(s).beside()) {
        outbox.hand_on(line::<E>, |s| E::backlog(s).line.jobs().push_back(input));
    } else {
        let step = element.attend(input);
        let said = outbox.with(|s| take_over::<E>(s, step, gst::ClockTime::ZERO));
        element.say(said);
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

/// The element stops: what has come in is analysed, as far as that is done by `until`, and what is open ends.
pub fn conclude<E: Analyses>(element: &E, until: Instant) {
    let waiting = element.outbox().hand_back(line::<E>);
    let in_time = waiting.into_iter().take_while(|_| Instant::now() < until);
    for input in in_time.chain([Input::Stop]) {
        let (step, audio) = take_beside(element, input);
        let said = element.outbox().with(|s| take_over::<E>(s, step, audio));
        element.say(said);
    }
}

/// The element stops: nothing is analysed any more.
pub fn cease<E: Analyses>(element: &E) {
    element.outbox().dismiss(line::<E>);
}
