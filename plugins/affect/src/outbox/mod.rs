//! Shared state of an element: one mutex, and the threads that wait on it. Job queues ([`mod@queue`]) are parts of the state; the
//! threads that run the jobs are shared by all elements of the process ([`pool`]).
//!
//! Order of locks: an element has this one and no other. It is held inside [`Outbox::with`] and its like alone, for as long as
//! plain values are read or written; GStreamer's own locks (the stream lock, the preroll lock, the object lock) may be held when
//! it is taken and are never taken while it is held. Whatever may call back into the element, or takes long (pushing, posting,
//! querying a peer, running a model, reading a file), happens unlocked: the functions of [`poster`] do it, and in debug builds
//! they assert that the thread holds no lock of any element.

pub mod pool;
pub mod poster;
pub mod queue;
pub mod workspace;

use std::cell::Cell;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

thread_local! {
    /// Number of element locks that this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Asserts, in debug builds, that this thread holds no lock of an element. A panic that passes is left to pass.
pub fn assert_no_lock_held() {
    debug_assert!(
        HELD.get() == 0 || std::thread::panicking(),
        "an element's lock is held while it pushes, posts, queries or infers"
    );
}

/// Guard that counts a lock as held, also while a panic unwinds.
struct HeldLock;

impl HeldLock {
    fn new() -> Self {
        debug_assert!(HELD.get() == 0 || std::thread::panicking(), "an element's lock is taken inside another");
        HELD.set(HELD.get() + 1);
        Self
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
    }
}

/// A wait that was broken off, because the element flushes or stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// Mutex around the state `S` of an element, with interruptible waits on it.
pub struct Outbox<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    core: Mutex<Core<S>>,
    changed: Condvar,
}

struct Core<S> {
    state: S,
    interrupted: bool,
    /// Threads that wait for a change.
    waiting: usize,
    /// Pipe that is written to at an interruption, for threads that wait for a file descriptor.
    wake: Option<std::io::PipeWriter>,
}

impl<S: Default> Default for Outbox<S> {
    fn default() -> Self {
        let core = Core { state: S::default(), interrupted: false, waiting: 0, wake: None };
        Self { shared: Arc::new(Shared { core: Mutex::new(core), changed: Condvar::new() }) }
    }
}

impl<S> Shared<S> {
    /// After a panic, which has posted an element error, plain values stay usable.
    fn core(&self) -> MutexGuard<'_, Core<S>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or writes under the lock, and wakes the threads that wait.
    fn change<R>(&self, change: impl FnOnce(&mut Core<S>) -> R) -> R {
        let held = HeldLock::new();
        let mut core = self.core();
        let result = change(&mut core);
        let has_waiters = core.waiting > 0;
        drop(core);
        drop(held);
        if has_waiters {
            self.changed.notify_all();
        }
        result
    }

    /// Waits until `ready` gives something.
    fn wait<R>(&self, mut ready: impl FnMut(&mut Core<S>) -> Option<R>) -> R {
        loop {
            // Without a limit in time there is always something in the end.
            if let Some(result) = self.wait_until(None, &mut ready) {
                return result;
            }
        }
    }

    /// Waits until `ready` gives something, or nothing by `until`.
    fn wait_until<R>(&self, until: Option<Instant>, mut ready: impl FnMut(&mut Core<S>) -> Option<R>) -> Option<R> {
        let _held = HeldLock::new();
        let mut core = self.core();
        loop {
            if let Some(result) = ready(&mut core) {
                return Some(result);
            }
            let left = until.map(|u| u.saturating_duration_since(Instant::now()));
            core.waiting += 1;
            core = match left {
                None => self.changed.wait(core).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.changed.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0,
            };
            core.waiting -= 1;
            if left.is_some_and(|l| l.is_zero()) {
                return ready(&mut core);
            }
        }
    }
}

impl<S> Outbox<S> {
    /// Reads or writes the state, and wakes the threads that wait for it.
    pub fn with<R>(&self, change: impl FnOnce(&mut S) -> R) -> R {
        self.shared.change(|core| change(&mut core.state))
    }

    /// Waits until the state gives something.
    ///
    /// # Errors
    /// [`Interrupted`] if the element flushes or stops first.
    pub fn wait<R>(&self, mut ready: impl FnMut(&mut S) -> Option<R>) -> Result<R, Interrupted> {
        assert_no_lock_held();
        self.shared.wait(|core| match ready(&mut core.state) {
            Some(result) => Some(Ok(result)),
            None => core.interrupted.then_some(Err(Interrupted)),
        })
    }

    /// Breaks off all waits, and those that begin before [`Self::resume`].
    pub fn interrupt(&self) {
        self.shared.change(|core| {
            core.interrupted = true;
            if let Some(mut wake) = core.wake.take() {
                // Whoever waits holds the other end; a byte and the end of the pipe wake them alike.
                let _ = wake.write_all(&[0]);
            }
        });
    }

    /// Waits until waits are possible again.
    pub fn wait_for_resume(&self) {
        assert_no_lock_held();
        self.shared.wait(|core| (!core.interrupted).then_some(()));
    }

    /// Waits are possible again.
    pub fn resume(&self) {
        self.shared.change(|core| core.interrupted = false);
    }

    /// Whether waits are broken off at present.
    pub fn interrupted(&self) -> bool {
        self.shared.change(|core| core.interrupted)
    }

    /// A descriptor that becomes readable with the next interruption, for waits that are for a descriptor.
    ///
    /// # Errors
    /// [`Interrupted`] if there is one already, or the system has no descriptors left.
    pub fn alarm(&self) -> Result<std::io::PipeReader, Interrupted> {
        let (reader, writer) = std::io::pipe().map_err(|_| Interrupted)?;
        self.shared.change(|core| {
            if core.interrupted {
                return Err(Interrupted);
            }
            core.wake = Some(writer);
            Ok(reader)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_wait_ends_with_the_state_or_an_interruption() {
        let outbox = Arc::new(Outbox::<u32>::default());
        let other = outbox.clone();
        let waits = std::thread::spawn(move || other.wait(|n| (*n > 2).then_some(*n)));
        (0..3).for_each(|_| outbox.with(|n| *n += 1));
        assert_eq!(waits.join().unwrap(), Ok(3));
        let other = outbox.clone();
        let waits = std::thread::spawn(move || other.wait(|n| (*n > 3).then_some(*n)));
        std::thread::sleep(Duration::from_millis(20));
        outbox.interrupt();
        assert_eq!(waits.join().unwrap(), Err(Interrupted));
        assert_eq!(outbox.wait(|n| (*n > 3).then_some(*n)), Err(Interrupted), "until it is resumed");
        assert_eq!(outbox.wait(|n| Some(*n)), Ok(3), "what is there is given");
        assert!(outbox.alarm().is_err());
        outbox.resume();
        let mut alarm = outbox.alarm().unwrap();
        outbox.interrupt();
        let mut byte = [1];
        std::io::Read::read_exact(&mut alarm, &mut byte).unwrap();
    }

    /// Only a debug build asserts.
    #[test]
    #[cfg(debug_assertions)]
    fn a_lock_that_is_held_is_noticed() {
        let (outbox, other) = (Outbox::<u32>::default(), Outbox::<u32>::default());
        let wrong: [&dyn Fn(); 3] = [&assert_no_lock_held, &|| other.with(|n| *n += 1), &|| poster::unlocked(|| ())];
        for wrong in wrong {
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| outbox.with(|_| wrong())));
            assert!(held.is_err());
            wrong();
        }
    }
}
