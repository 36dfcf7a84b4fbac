//! Progress of a study: how many of its steps are done, and whether it shall end.

use super::error::TrainError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Called after every step with its name, how many are done, and out of how many; `false` ends the study.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) -> bool + Sync);

/// Steps of a study, counted over its threads.
pub(super) struct Steps<'a> {
    progress: Progress<'a>,
    total: usize,
    done: AtomicUsize,
    ended: AtomicBool,
}

impl<'a> Steps<'a> {
    pub(super) const fn new(progress: Progress<'a>, total: usize) -> Self {
        Self { progress, total, done: AtomicUsize::new(0), ended: AtomicBool::new(false) }
    }

    /// Does a step and tells of it, whatever comes out; nothing is begun any more once the study shall end.
    pub(super) fn step<T>(&self, what: &str, work: impl FnOnce() -> Result<T, TrainError>) -> Result<T, TrainError> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted);
        }
        let outcome = work();
        self.tell(what, (self.done.fetch_add(1, Ordering::Relaxed) + 1).min(self.total))?;
        outcome
    }

    /// Tells that everything is done, also what was left out.
    pub(super) fn finish(&self, what: &str) -> Result<(), TrainError> {
        self.tell(what, self.total)
    }

    fn tell(&self, what: &str, done: usize) -> Result<(), TrainError> {
        if (self.progress)(what, done, self.total) {
            return Ok(());
        }
        self.ended.store(true, Ordering::Relaxed);
        Err(TrainError::Interrupted)
    }
}
