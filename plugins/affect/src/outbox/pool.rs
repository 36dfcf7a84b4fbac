//! Thread pools of this process, shared by all elements: they run what must not delay the streaming threads.
//!
//! There are two, one for the analysis of audio and one for models, so that a slow model holds up no analysis. Each has as many threads
//! as the machine runs at once, started when there is work for them; they end when the last element that uses the pool stops. Elements
//! are served in turn: at most one thread at a time works for an element, for about [`TURN`], and then for the next one.
//!
//! A thread that waits for the work of others (a batch that gathers rows of several streams) says so, and another one takes its
//! place meanwhile, up to [`MOST_WAITING`] of them.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time slice of an element; a job that has been begun is finished.
pub const TURN: Duration = Duration::from_millis(2);

/// Most threads that wait for the work of others and are replaced meanwhile.
const MOST_WAITING: usize = 64;

/// Work that a pool does in turns.
pub trait Work: Send + Sync {
    /// Does some of it. Returns whether there is more.
    fn turn(&self) -> bool;
}

/// Thread pool with its queue of work.
pub struct Pool {
    name: &'static str,
    /// Number of threads that work at a time.
    width: usize,
    state: Mutex<PoolState>,
    wake: Condvar,
}

#[derive(Default)]
struct PoolState {
    queue: VecDeque<Arc<dyn Work>>,
    members: usize,
    threads: usize,
    /// Threads that wait for the work of others.
    waiting: usize,
    /// Threads without work, and how many of them have been woken.
    asleep: usize,
    woken: usize,
}

thread_local! {
    /// The pool that this thread belongs to, by its address.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// Use of a pool: its threads end with the last one.
pub struct Membership(&'static Pool);

impl Drop for Membership {
    fn drop(&mut self) {
        let last = {
            let mut state = self.0.lock();
            state.members -= 1;
            state.members == 0
        };
        if last {
            self.0.wake.notify_all();
        }
    }
}

/// The pool for the analysis of audio.
pub fn analysis() -> &'static Pool {
    static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new("affect-analysis", width()));
    &POOL
}

/// The pool for models.
pub fn models() -> &'static Pool {
    static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new("affect-models", width()));
    &POOL
}

fn width() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Pool {
    fn new(name: &'static str, width: usize) -> Self {
        Self { name, width, state: Mutex::default(), wake: Condvar::new() }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Adds a user of the pool, which has at least one thread from now on.
    ///
    /// # Errors
    /// If the system refuses the first thread.
    pub fn join(&'static self) -> std::io::Result<Membership> {
        let mut state = self.lock();
        if state.threads == 0 {
            self.spawn(&mut state)?;
        }
        state.members += 1;
        Ok(Membership(self))
    }

    fn spawn(&'static self, state: &mut PoolState) -> std::io::Result<()> {
        std::thread::Builder::new().name(self.name.to_owned()).spawn(move || self.work())?;
        state.threads += 1;
        Ok(())
    }

    /// Wakes or starts a thread for what has come into the queue.
    fn wake_or_spawn(&'static self, mut state: MutexGuard<'_, PoolState>) {
        if state.asleep > state.woken {
            state.woken += 1;
            drop(state);
            self.wake.notify_one();
        } else if state.threads < self.width + state.waiting.min(MOST_WAITING) {
            // Where the system refuses one more, those that are there do the work.
            let _ = self.spawn(&mut state);
        }
    }

    /// Puts work into the queue. It is not put there again before a turn has found nothing left.
    pub fn schedule(&'static self, work: Arc<dyn Work>) {
        let mut state = self.lock();
        state.queue.push_back(work);
        self.wake_or_spawn(state);
    }

    /// Runs something that waits for the work of others: meanwhile another thread works in this one's place.
    pub fn while_waiting<R>(&'static self, run: impl FnOnce() -> R) -> R {
        /// Counts as waiting for as long as it lives, also while a panic passes.
        struct Waits(&'static Pool);
        impl Drop for Waits {
            fn drop(&mut self) {
                self.0.lock().waiting -= 1;
            }
        }
        if POOL.get() != self.address() {
            return run();
        }
        let mut state = self.lock();
        state.waiting += 1;
        let waits = Waits(self);
        if state.queue.is_empty() {
            drop(state);
        } else {
            self.wake_or_spawn(state);
        }
        let result = run();
        drop(waits);
        result
    }

    /// What a thread does.
    fn work(&'static self) {
        POOL.set(self.address());
        let mut done: Option<Arc<dyn Work>> = None;
        loop {
            let mut state = self.lock();
            state.queue.extend(done.take());
            let next = loop {
                // More than are needed, now that those that waited are back.
                let surplus = state.threads > self.width + state.waiting.min(MOST_WAITING);
                let unused = state.members == 0 && state.queue.is_empty();
                if unused || (surplus && state.threads > 1) {
                    state.threads -= 1;
                    if !state.queue.is_empty() {
                        self.wake_or_spawn(state);
                    }
                    return;
                }
                if let Some(next) = state.queue.pop_front() {
                    break next;
                }
                state.asleep += 1;
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.asleep -= 1;
                state.woken = state.woken.saturating_sub(1);
            };
            drop(state);
            done = next.turn().then_some(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread::ThreadId;
    use std::time::Instant;

    fn pool(width: usize) -> &'static Pool {
        Box::leak(Box::new(Pool::new("test", width)))
    }

    fn threads(pool: &Pool) -> usize {
        pool.lock().threads
    }

    /// Waits for a condition that comes true sooner or later.
    fn becomes(what: &str, mut is: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
            std::thread::yield_now();
        }
    }

    /// So many turns, each of which says which thread did it.
    struct Turns {
        number: usize,
        left: AtomicUsize,
        says: mpsc::Sender<(usize, ThreadId)>,
        takes: Duration,
    }

    impl Work for Turns {
        fn turn(&self) -> bool {
            std::thread::sleep(self.takes);
            self.says.send((self.number, std::thread::current().id())).unwrap();
            self.left.fetch_sub(1, Ordering::SeqCst) > 1
        }
    }

    #[test]
    fn many_share_a_fixed_number_of_threads_in_turn() {
        let pool = pool(2);
        assert_eq!(threads(pool), 0, "nothing before it is needed");
        let members: Vec<Membership> = (0..50).map(|_| pool.join().unwrap()).collect();
        let (says, hears) = mpsc::channel();
        for number in 0..50 {
            let left = AtomicUsize::new(4);
            pool.schedule(Arc::new(Turns { number, left, says: says.clone(), takes: Duration::from_millis(1) }));
        }
        drop(says);
        let turns: Vec<(usize, ThreadId)> = hears.iter().collect();
        assert_eq!(turns.len(), 200);
        let who: BTreeSet<String> = turns.iter().map(|t| format!("{:?}", t.1)).collect();
        assert_eq!(who.len(), 2);
        // Nobody has a second turn before all have had one, but for the two that are in hand at the edge.
        let mut had = [0usize; 50];
        for (number, _) in turns {
            had[number] += 1;
            let least = had.iter().filter(|n| **n + 1 < had[number]).count();
            assert!(least <= 2, "{had:?}");
        }
        assert_eq!(threads(pool), 2);
        drop(members);
        becomes("the threads end with the last member", || threads(pool) == 0);
        // And begin again.
        let _member = pool.join().unwrap();
        let (says, hears) = mpsc::channel();
        pool.schedule(Arc::new(Turns { number: 7, left: AtomicUsize::new(1), says, takes: Duration::ZERO }));
        assert_eq!(hears.recv_timeout(Duration::from_secs(30)).unwrap().0, 7);
    }

    /// Waits until so many are there.
    struct Gather {
        pool: &'static Pool,
        there: Arc<AtomicUsize>,
        all: usize,
    }

    impl Work for Gather {
        fn turn(&self) -> bool {
            self.pool.while_waiting(|| {
                self.there.fetch_add(1, Ordering::SeqCst);
                becomes("all come together", || self.there.load(Ordering::SeqCst) == self.all);
            });
            false
        }
    }

    #[test]
    fn those_that_wait_for_each_other_are_replaced() {
        let pool = pool(2);
        let _member = pool.join().unwrap();
        let there = Arc::new(AtomicUsize::new(0));
        for _ in 0..9 {
            pool.schedule(Arc::new(Gather { pool, there: there.clone(), all: 9 }));
        }
        becomes("nine rows meet on two threads", || there.load(Ordering::SeqCst) == 9);
        becomes("those in place of others end again", || {
            let state = pool.lock();
            state.waiting == 0 && state.threads <= 2
        });
        assert_eq!(pool.while_waiting(|| pool.lock().waiting), 0, "a thread of nobody's is not replaced");
    }
}
