//! A thread that works off a short queue beside the stream. Work that is slow never delays the audio.

use super::{Interrupted, Outbox, Shared, assert_no_lock_held};
use std::sync::Arc;

impl<S: Send + 'static, J: Send + 'static> Outbox<S, J> {
    /// Starts the worker thread, if it does not run yet. For each job it calls `run` without a lock, `keep` with the state
    /// unless the job was forgotten meanwhile, and `tell` without a lock again.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start<R, P>(
        &self,
        name: &str,
        run: impl Fn(J) -> R + Send + 'static,
        keep: impl Fn(&mut S, R) -> P + Send + 'static,
        tell: impl Fn(P) + Send + 'static,
    ) -> std::io::Result<()> {
        let Some(turn) = self.shared.change(|core| core.thread.is_none().then_some(core.turn)) else { return Ok(()) };
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let worker = Worker { shared, turn };
            while worker.job(&run, &keep, &tell) {}
        })?;
        self.shared.change(|core| core.thread = Some(thread));
        Ok(())
    }
}

impl<S, J> Outbox<S, J> {
    /// Queues a job; beyond `most` that wait the oldest is handed back.
    pub fn queue(&self, job: J, most: usize) -> Option<J> {
        self.shared.change(|core| {
            core.queue.push_back(job);
            if core.queue.len() > most.max(1) { core.queue.pop_front() } else { None }
        })
    }

    /// Number of jobs that wait.
    pub fn queued(&self) -> usize {
        self.shared.change(|core| core.queue.len())
    }

    /// Forgets all jobs that wait, and the one in hand; `also` forgets what the state holds of them.
    pub fn forget<R>(&self, also: impl FnOnce(&mut S) -> R) -> R {
        self.shared.change(|core| {
            core.queue.clear();
            core.generation += 1;
            also(&mut core.state)
        })
    }

    /// Waits until no job waits or is in hand any more.
    ///
    /// # Errors
    /// [`Interrupted`] if the element flushes or stops first.
    pub fn drain(&self) -> Result<(), Interrupted> {
        assert_no_lock_held();
        self.shared.wait(|core| {
            if core.thread.is_none() || (core.queue.is_empty() && !core.busy) {
                Some(Ok(()))
            } else {
                core.interrupted.then_some(Err(Interrupted))
            }
        })
    }

    /// Takes back the jobs that wait, oldest first, and waits for the one in hand and what is told of it.
    pub fn hand_back(&self) -> Vec<J> {
        assert_no_lock_held();
        let jobs = self.shared.change(|core| core.queue.drain(..).collect());
        let own = std::thread::current().id();
        // A message's handler may ask on the worker's own thread, which cannot wait for itself.
        self.shared.wait(|core| {
            let elsewhere = core.thread.as_ref().is_some_and(|t| t.thread().id() != own);
            (!elsewhere || !core.busy).then_some(())
        });
        jobs
    }

    /// Ends the worker thread: waits for the job in hand, whose result is forgotten, and for none of those that wait.
    pub fn stop(&self) {
        assert_no_lock_held();
        let thread = self.shared.change(|core| {
            core.turn += 1;
            core.busy = false;
            core.queue.clear();
            core.generation += 1;
            core.thread.take()
        });
        // A message's handler may stop the element on the worker's own thread, which cannot wait for itself: it ends after that.
        if let Some(t) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            // A panic of the thread has been reported where it happened.
            let _ = t.join();
        }
    }
}

impl<S, J> Drop for Outbox<S, J> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The thread's own part.
struct Worker<S, J> {
    shared: Arc<Shared<S, J>>,
    turn: u64,
}

impl<S, J> Worker<S, J> {
    /// Waits for a job and does it. Says whether there may be another one.
    fn job<R, P>(&self, run: &impl Fn(J) -> R, keep: &impl Fn(&mut S, R) -> P, tell: &impl Fn(P)) -> bool {
        let next = self.shared.wait(|core| {
            if core.turn != self.turn {
                return Some(None);
            }
            let job = core.queue.pop_front()?;
            core.busy = true;
            Some(Some((job, core.generation)))
        });
        let Some((job, generation)) = next else { return false };
        let result = run(job);
        let kept = self.shared.change(|core| (core.generation == generation).then(|| keep(&mut core.state, result)));
        if let Some(kept) = kept {
            tell(kept);
        }
        self.shared.change(|core| {
            if core.turn == self.turn {
                core.busy = false;
            }
        });
        true
    }
}

impl<S, J> Drop for Worker<S, J> {
    /// Also after a panic: nobody waits for a thread that is gone.
    fn drop(&mut self) {
        self.shared.change(|core| {
            if core.turn == self.turn {
                core.busy = false;
                core.thread = None;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// An outbox whose worker doubles numbers, each once it is let.
    fn doubling() -> (Outbox<Vec<u32>, u32>, mpsc::Sender<()>, mpsc::Receiver<u32>) {
        let outbox = Outbox::default();
        let (let_go, waits) = mpsc::channel();
        let (told, hears) = mpsc::channel();
        let run = move |n: u32| {
            waits.recv().unwrap();
            2 * n
        };
        let keep = |list: &mut Vec<u32>, n| {
            list.push(n);
            n
        };
        outbox.start("doubling", run, keep, move |n| told.send(n).unwrap()).unwrap();
        (outbox, let_go, hears)
    }

    #[test]
    fn jobs_are_done_in_order_and_the_oldest_is_handed_back() {
        let (outbox, let_go, hears) = doubling();
        assert_eq!(outbox.queue(1, 2), None);
        while outbox.queued() > 0 {
            std::thread::yield_now();
        }
        assert_eq!([2, 3, 4].map(|n| outbox.queue(n, 2)), [None, None, Some(2)]);
        (0..3).for_each(|_| let_go.send(()).unwrap());
        assert_eq!(outbox.drain(), Ok(()));
        assert_eq!(outbox.with(|list| list.clone()), [2, 6, 8]);
        assert_eq!(hears.try_iter().collect::<Vec<_>>(), [2, 6, 8], "a drain waits for what is told too");
    }

    #[test]
    fn what_is_forgotten_leaves_nothing() {
        let (outbox, let_go, hears) = doubling();
        (1..=5).for_each(|n| assert_eq!(outbox.queue(n, 9), None));
        while outbox.queued() == 5 {
            std::thread::yield_now();
        }
        outbox.forget(Vec::clear);
        outbox.queue(7, 9);
        (0..2).for_each(|_| let_go.send(()).unwrap());
        assert_eq!(outbox.drain(), Ok(()));
        assert_eq!((outbox.with(|list| list.clone()), hears.recv()), (vec![14], Ok(14)));
        // A drain that is broken off, and a stop with work left: the job in hand ends once the others are gone.
        (1..=5).for_each(|n| assert_eq!(outbox.queue(n, 9), None));
        outbox.interrupt();
        assert_eq!(outbox.drain(), Err(Interrupted));
        while outbox.queued() == 5 {
            std::thread::yield_now();
        }
        std::thread::scope(|scope| {
            scope.spawn(|| outbox.stop());
            while outbox.queued() > 0 {
                std::thread::yield_now();
            }
            let_go.send(()).unwrap();
        });
        assert_eq!((outbox.queued(), outbox.drain()), (0, Ok(())));
        assert_eq!(outbox.with(|list| list.clone()), [14]);
    }

    #[test]
    fn jobs_are_handed_back_and_the_one_in_hand_is_kept() {
        let (outbox, let_go, hears) = doubling();
        (1..=4).for_each(|n| assert_eq!(outbox.queue(n, 9), None));
        while outbox.queued() == 4 {
            std::thread::yield_now();
        }
        outbox.interrupt();
        let jobs = std::thread::scope(|scope| {
            let waits = scope.spawn(|| outbox.hand_back());
            while outbox.queued() > 0 {
                std::thread::yield_now();
            }
            let_go.send(()).unwrap();
            waits.join().unwrap()
        });
        assert_eq!((jobs, hears.try_iter().collect::<Vec<_>>()), (vec![2, 3, 4], vec![2]));
        assert!(outbox.hand_back().is_empty(), "nothing waits");
    }

    #[test]
    fn a_worker_that_panics_is_waited_for_by_nobody() {
        let outbox = Outbox::<(), u32>::default();
        outbox.start("panics", |n| assert_eq!(n, 0), |(), ()| (), |()| ()).unwrap();
        outbox.queue(1, 9);
        assert_eq!(outbox.drain(), Ok(()));
        outbox.stop();
    }
}
