//! Scores beside the stream: a thread with a short queue. A slow model never delays the audio.

use affect::analyzer::{Analyzer, Config};
use affect::record::Record;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A segment that waits for its score.
pub(super) struct Job {
    pub config: Arc<Config>,
    pub channels: usize,
    pub record: Record,
    /// The record came from upstream: without a score it has nothing new to say.
    pub refined: bool,
    /// When it came.
    pub since: Instant,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Counts up whenever everything that waits is forgotten.
    generation: u64,
    busy: bool,
    stop: bool,
    /// Longest time a job may wait; none if zero.
    lateness: Duration,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// What becomes of a job.
pub(super) enum Outcome {
    /// It was scored (or its policy did not allow it), in this time.
    Done(Record, Duration),
    /// It waited too long: the record as it came.
    Dropped(Record),
    /// It came from upstream and got no score; whether because it waited too long.
    Nothing { dropped: bool },
    /// The model panicked.
    Failed(Record),
}

/// The thread and its queue.
pub(super) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Starts the thread; `take` gets every outcome, on that thread.
    pub fn new(take: impl Fn(Outcome) + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = shared.clone();
        let thread = std::thread::Builder::new().name("affectscore".to_owned()).spawn(move || work(&own, &take))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues a job; beyond `most` the oldest is handed back.
    pub fn push(&self, job: Job, most: usize, lateness: Duration) -> Option<Job> {
        let mut state = lock(&self.shared);
        state.lateness = lateness;
        state.queue.push_back(job);
        let dropped = if state.queue.len() > most.max(1) { state.queue.pop_front() } else { None };
        self.shared.changed.notify_all();
        dropped
    }

    /// Number of jobs that wait.
    pub fn queued(&self) -> usize {
        lock(&self.shared).queue.len()
    }

    /// Forgets all that waits, and what is being scored just now.
    pub fn clear(&self) {
        let mut state = lock(&self.shared);
        state.queue.clear();
        state.generation += 1;
        self.shared.changed.notify_all();
    }

    /// Waits until nothing waits any more.
    pub fn drain(&self) {
        let mut state = lock(&self.shared);
        while (state.busy || !state.queue.is_empty()) && !state.stop {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.shared);
            state.stop = true;
            state.queue.clear();
            state.generation += 1;
        }
        self.shared.changed.notify_all();
        // The thread drops its last reference to the element itself in the end: it cannot wait for itself.
        if let Some(t) = self.thread.take().filter(|t| t.thread().id() != std::thread::current().id()) {
            // A panic of the thread has been reported where it happened.
            let _ = t.join();
        }
    }
}

fn work(shared: &Shared, take: &impl Fn(Outcome)) {
    let mut state = lock(shared);
    loop {
        if state.stop {
            return;
        }
        let Some(job) = state.queue.pop_front() else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        state.busy = true;
        let (generation, lateness) = (state.generation, state.lateness);
        drop(state);
        let late = !lateness.is_zero() && job.since.elapsed() > lateness;
        let refined = job.refined;
        let outcome = if late && refined {
            Outcome::Nothing { dropped: true }
        } else if late {
            Outcome::Dropped(job.record)
        } else {
            let begun = Instant::now();
            let Job { config, channels, record, .. } = job;
            let mut scored = record.clone();
            let ran = catch_unwind(AssertUnwindSafe(|| Analyzer::score(&config, channels, &mut scored)));
            match ran {
                Ok(false) if refined => Outcome::Nothing { dropped: false },
                Ok(_) => Outcome::Done(scored, begun.elapsed()),
                Err(_) => Outcome::Failed(record),
            }
        };
        state = lock(shared);
        if state.generation == generation {
            drop(state);
            take(outcome);
            state = lock(shared);
        }
        state.busy = false;
        shared.changed.notify_all();
    }
}
