//! Rows of several streams in one run: whoever comes first waits a little for the others and runs for all.

use super::{Model, ModelError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Queue {
    /// Rows that wait, with their tickets.
    rows: Vec<(u64, Vec<f32>)>,
    /// Answers that wait to be fetched.
    answers: Vec<(u64, Result<Vec<f64>, ModelError>)>,
    tickets: u64,
    /// Somebody collects rows.
    led: bool,
}

/// Where rows meet.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Batcher {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn run(&self, model: &Model, row: &[f32], size: usize, wait: Duration) -> Result<Vec<f64>, ModelError> {
        let mut queue = self.lock();
        let ticket = queue.tickets;
        queue.tickets += 1;
        queue.rows.push((ticket, row.to_vec()));
        self.changed.notify_all();
        loop {
            if let Some(k) = queue.answers.iter().position(|a| a.0 == ticket) {
                return queue.answers.swap_remove(k).1;
            }
            if queue.led || !queue.rows.iter().any(|r| r.0 == ticket) {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.led = true;
            let end = Instant::now() + wait;
            while queue.rows.len() < size {
                let Some(left) = end.checked_duration_since(Instant::now()).filter(|l| !l.is_zero()) else { break };
                queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            let count = queue.rows.len().min(size);
            let taken: Vec<(u64, Vec<f32>)> = queue.rows.drain(..count).collect();
            queue.led = false;
            drop(queue);
            // The next rows may already gather while these run.
            self.changed.notify_all();
            let all: Vec<f32> = taken.iter().flat_map(|(_, r)| r.iter().copied()).collect();
            let mut answers: Vec<Vec<f64>> = Vec::with_capacity(count);
            let mut outcome = model.each(&all, &mut |v| answers.push(v.iter().map(|v| f64::from(*v)).collect()));
            if answers.len() != count && outcome.is_ok() {
                outcome = Err(ModelError::Run("an answer is missing".to_owned()));
            }
            queue = self.lock();
            match outcome {
                Ok(()) => queue.answers.extend(taken.into_iter().map(|(t, _)| t).zip(answers.into_iter().map(Ok))),
                // One bad row must not cost the others theirs.
                Err(_) => queue.answers.extend(taken.into_iter().map(|(t, r)| (t, model.run(&r)))),
            }
            self.changed.notify_all();
        }
    }
}
