//! How the jobs of a run share its parts: each begins one when it has none, and who finds none left takes calls of those that are worked on.

use super::part::OpenPart;
use crate::interrupt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often who waits looks whether to leave.
const GLANCE: Duration = Duration::from_millis(100);

/// Parts of a run that are to be done.
pub struct Share<'a> {
    parts: Mutex<Parts<'a>>,
    changed: Condvar,
    halt: &'a AtomicBool,
}

struct Parts<'a> {
    todo: VecDeque<u32>,
    /// Those that are begun and not at their end.
    begun: Vec<(u32, Option<Arc<OpenPart<'a>>>)>,
}

/// What a job is to do next.
pub enum Turn<'s, 'a> {
    /// Begin this part.
    Begin(u32, Begun<'s, 'a>),
    /// Take calls of a part that another job has begun.
    Help(Arc<OpenPart<'a>>),
    /// Leave.
    Over,
}

/// A part that a job has begun; dropped, it is at its end.
pub struct Begun<'s, 'a> {
    share: &'s Share<'a>,
    number: u32,
}

impl<'a> Begun<'_, 'a> {
    /// Lets the others help with it.
    pub fn open(&self, part: Arc<OpenPart<'a>>) {
        let mut parts = self.share.parts();
        parts.begun.iter_mut().filter(|p| p.0 == self.number).for_each(|p| p.1 = Some(part.clone()));
        self.share.changed.notify_all();
    }
}

impl Drop for Begun<'_, '_> {
    fn drop(&mut self) {
        self.share.parts().begun.retain(|p| p.0 != self.number);
        self.share.changed.notify_all();
    }
}

impl<'a> Share<'a> {
    /// These parts, until somebody sets `halt`.
    pub fn new(todo: VecDeque<u32>, halt: &'a AtomicBool) -> Self {
        let parts = Parts { todo, begun: Vec::new() };
        Self { parts: Mutex::new(parts), changed: Condvar::new(), halt }
    }

    fn parts(&self) -> MutexGuard<'_, Parts<'a>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do next; waits where a part may need help later.
    pub fn turn(&self) -> Turn<'_, 'a> {
        let mut parts = self.parts();
        loop {
            if interrupt::asked() || self.halt.load(Ordering::Relaxed) {
                return Turn::Over;
            }
            if let Some(number) = parts.todo.pop_front() {
                parts.begun.push((number, None));
                return Turn::Begin(number, Begun { share: self, number });
            }
            let most = parts.begun.iter().filter_map(|p| p.1.as_ref()).max_by_key(|p| p.left());
            if let Some(part) = most.filter(|p| p.left() > 0) {
                return Turn::Help(part.clone());
            }
            // Those that are opened need help perhaps; of the others nobody has begun a call so far.
            if parts.begun.iter().all(|p| p.1.is_some()) {
                return Turn::Over;
            }
            let waited = self.changed.wait_timeout(parts, GLANCE);
            parts = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
