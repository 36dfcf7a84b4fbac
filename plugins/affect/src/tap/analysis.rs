//! Threads of the analysis: the streaming thread, or the pool's workers.
//!
//! On the streaming thread, audio goes on once it has been analysed: what files need, whose results are on the buffers that complete them,
//! the same in every run. Live audio does not wait: it goes on at once, and a reference to it goes into the element's [`Backlog`].

use super::backlog::Backlog;
use super::choices::AffectAnalysis;
use super::input::Input;
use super::notice::Notice;
use super::settings::AnalysisSettings;
use crate::outbox::queue::{JobQueue, Ticket};
use crate::outbox::{Interrupted, Outbox, pool, poster};
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Longest time that the end of a live stream waits for what is pending.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Longest time that a stop spends on inputs that wait.
pub const LONGEST_STOP: Duration = Duration::from_millis(500);

/// Outcome of one input.
pub struct Step<R> {
    /// The results.
    pub results: R,
    /// Why the stream cannot go on.
    pub failed: Option<gst::FlowError>,
}

impl<R: Default> Default for Step<R> {
    fn default() -> Self {
        Self { results: R::default(), failed: None }
    }
}

/// Element that analyses the audio of its sink pad.
pub trait AudioAnalysis: ObjectSubclass<Type: IsA<gst_base::BaseTransform>> + Send + Sync {
    /// State that its threads share.
    type State: Default + Send + 'static;
    /// Results of one input.
    type Results: Default + 'static;
    /// Messages to be posted at once.
    type Posts: 'static;

    /// The shared state.
    fn outbox(&self) -> &Outbox<Self::State>;

    /// The backlog in it.
    fn backlog(state: &mut Self::State) -> &mut Backlog;

    /// The properties of the analysis.
    fn settings(state: &Self::State) -> &AnalysisSettings;

    /// AudioAnalysis audio, holding no lock, unless it was forgotten since its ticket was given. Only one thread does this at a time.
    fn analyse(&self, buffer: &gst::BufferRef, ticket: Ticket) -> Step<Self::Results>;

    /// Handles an input that is no audio, likewise; without a ticket it is never forgotten.
    fn handle(&self, input: Input, ticket: Option<Ticket>) -> Step<Self::Results>;

    /// Stores results in the state, under the lock. Returns what is to be posted at once.
    fn store(state: &mut Self::State, results: Self::Results) -> Self::Posts;

    /// Posts messages, holding no lock.
    fn post_all(&self, posts: Self::Posts);
}

fn queue<E: AudioAnalysis>(state: &mut E::State) -> &mut JobQueue<Input> {
    &mut E::backlog(state).queue
}

/// Stores the outcome of an input, of which `audio` was audio.
fn store_step<E: AudioAnalysis>(state: &mut E::State, step: Step<E::Results>, audio: gst::ClockTime) -> E::Posts {
    let backlog = E::backlog(state);
    backlog.done(audio);
    backlog.fail(step.failed);
    E::store(state, step.results)
}

/// Analyses or handles an input on a thread of the pool. A panic ends the stream, as one on the streaming thread does.
fn process_on_worker<E: AudioAnalysis>(
    element: &E,
    input: Input,
    ticket: Ticket,
) -> (Step<E::Results>, gst::ClockTime) {
    let audio = input.audio();
    let step = catch_unwind(AssertUnwindSafe(|| match input {
        Input::Audio(buffer, _) => element.analyse(&buffer, ticket),
        other => {
            let ticket = (!other.outlives_a_flush()).then_some(ticket);
            element.handle(other, ticket)
        }
    }));
    let step = step.unwrap_or_else(|_| {
        poster::error(&element_of(element), gst::LibraryError::Failed, "the analysis panicked");
        Step { results: E::Results::default(), failed: Some(gst::FlowError::Error) }
    });
    (step, audio)
}

/// Stores the outcome of an input, unless it was forgotten meanwhile, and posts its messages.
fn store_and_post<E: AudioAnalysis>(element: &E, step: Step<E::Results>, audio: gst::ClockTime, ticket: Ticket) {
    let posts = element.outbox().with(|s| E::backlog(s).holds(ticket).then(|| store_step::<E>(s, step, audio)));
    if let Some(posts) = posts {
        element.post_all(posts);
    }
}

/// The element itself.
fn element_of<E: AudioAnalysis>(element: &E) -> gst::Element {
    let transform: gst_base::BaseTransform = element.obj().clone().upcast();
    transform.upcast()
}

/// Whether the pipeline is live, by its LATENCY query.
pub fn is_live(element: &gst_base::BaseTransform) -> bool {
    let mut query = gst::query::Latency::new();
    poster::query_peer(element.sink_pad(), &mut query) && query.result().0
}

/// Decides which threads analyse the stream, where that is not known.
fn choose_threads<E: AudioAnalysis>(element: &E) -> Result<(), gst::FlowError> {
    let (undecided, was_on_workers, wanted) =
        element.outbox().with(|s| (E::backlog(s).undecided(), E::backlog(s).on_workers(), E::settings(s).analysis));
    if !undecided {
        return Ok(());
    }
    let live = is_live(element.obj().upcast_ref());
    let on_workers = match wanted {
        AffectAnalysis::Auto => live,
        AffectAnalysis::Inline => false,
        AffectAnalysis::Worker => true,
    };
    if on_workers {
        let (runner, announcer) = (element.ref_counted().downgrade(), element.ref_counted().downgrade());
        let run =
            move |input, ticket| runner.upgrade().map(|e| process_on_worker(&*e, input, ticket)).unwrap_or_default();
        let store = |state: &mut E::State, (step, audio)| store_step::<E>(state, step, audio);
        let post = move |posts| {
            if let Some(e) = announcer.upgrade() {
                e.post_all(posts);
            }
        };
        if let Err(e) = element.outbox().start_worker(pool::analysis(), queue::<E>, run, store, post) {
            poster::error(&element_of(element), gst::ResourceError::Failed, &format!("cannot start a thread: {e}"));
            return Err(gst::FlowError::Error);
        }
    } else if was_on_workers && element.outbox().drain(queue::<E>, None).is_err() {
        return Err(gst::FlowError::Flushing);
    }
    element.outbox().with(|s| E::backlog(s).decide(on_workers, live));
    Ok(())
}

/// Analyses a buffer, or puts it into the backlog.
///
/// # Errors
/// Where the stream cannot go on.
pub fn analyse_buffer<E: AudioAnalysis>(element: &E, buffer: &gst::BufferRef) -> Result<(), gst::FlowError> {
    choose_threads(element)?;
    let outbox = element.outbox();
    let (on_workers, live, ticket) = outbox.with(|s| {
        let backlog = E::backlog(s);
        (backlog.on_workers(), backlog.live(), backlog.ticket())
    });
    if on_workers {
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
        let notice = outbox.change_and_schedule(queue::<E>, |s| {
            let limit = limit(s);
            E::backlog(s).push(buffer, limit)
        });
        if let Some(notice) = notice {
            poster::warning(&element_of(element), gst::StreamError::Failed, &notice.text(), notice.advice());
        }
    } else {
        let step = element.analyse(buffer, ticket);
        store_and_post(element, step, gst::ClockTime::ZERO, ticket);
    }
    outbox.with(|s| E::backlog(s).check_flow())
}

/// Handles an input that is no audio, in its turn.
pub fn handle_input<E: AudioAnalysis>(element: &E, input: Input) {
    let outbox = element.outbox();
    let (on_workers, ticket) = outbox.with(|s| {
        let backlog = E::backlog(s);
        match &input {
            Input::Info(info) => backlog.set_info(info),
            Input::Stream(_) => backlog.expect_another_stream(),
            _ => {}
        }
        (backlog.on_workers(), backlog.ticket())
    });
    if on_workers {
        outbox.change_and_schedule(queue::<E>, |s| E::backlog(s).queue.jobs().push_back(input));
    } else {
        let step = element.handle(input, Some(ticket));
        store_and_post(element, step, gst::ClockTime::ZERO, ticket);
    }
}

/// Waits until all inputs are analysed. Returns the time by which a live stream goes on, whatever is pending.
///
/// # Errors
/// [`Interrupted`] if the element flushes or stops first.
pub fn wait_until_analysed<E: AudioAnalysis>(element: &E) -> Result<Option<Instant>, Interrupted> {
    let outbox = element.outbox();
    let until = outbox.with(|s| E::backlog(s).live()).then(|| Instant::now() + LONGEST_END);
    outbox.drain(queue::<E>, until)?;
    Ok(until)
}

/// Ends the analysis at a stop: inputs that wait are analysed as far as that is done by `until`, and open segments end. Audio that is
/// left is counted, and there is a warning of it.
pub fn finish_until<E: AudioAnalysis>(element: &E, until: Instant) -> Option<Notice> {
    let outbox = element.outbox();
    let waiting = outbox.reclaim(queue::<E>);
    let ticket = outbox.with(|s| E::backlog(s).ticket());
    let mut unanalysed = gst::ClockTime::ZERO;
    for input in waiting.into_iter().chain([Input::Stop]) {
        if !matches!(input, Input::Stop) && Instant::now() >= until {
            unanalysed = unanalysed.saturating_add(input.audio());
            continue;
        }
        let (step, audio) = process_on_worker(element, input, ticket);
        store_and_post(element, step, audio, ticket);
    }
    outbox.with(|s| E::backlog(s).abandon(unanalysed));
    (!unanalysed.is_zero()).then_some(Notice::Stopped(unanalysed))
}

/// Ends the pool's work for an element that stops.
pub fn stop_workers<E: AudioAnalysis>(element: &E) {
    element.outbox().stop_worker(queue::<E>);
}
