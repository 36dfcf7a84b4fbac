//! Job queue of an element: a pool of threads does its jobs in order, on no streaming thread, so that slow work never delays the audio.

use super::pool::{Membership, Pool, TURN, Work};
use super::{Interrupted, Outbox, Shared, assert_no_lock_held};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::Instant;

/// Queue of jobs that wait, in order, with the one in progress: a part of an element's state.
pub struct JobQueue<J> {
    jobs: VecDeque<J>,
    /// The thread that runs a job of this queue.
    busy: Option<ThreadId>,
    /// The epoch: another one whenever the queue is forgotten.
    ticket: Ticket,
    /// The queue has been handed to the pool, which has not finished it.
    scheduled: bool,
    worker: Option<Worker>,
}

/// Epoch of a queue. A ticket is valid until the queue is forgotten: what was made under an earlier one is outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket(u64);

/// The pool that runs the jobs, and the work as it knows it.
struct Worker {
    pool: &'static Pool,
    work: Arc<dyn Work>,
    _member: Membership,
}

impl<J> Default for JobQueue<J> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), busy: None, ticket: Ticket::default(), scheduled: false, worker: None }
    }
}

impl<J> JobQueue<J> {
    /// The jobs that wait; the one in progress is not among them.
    pub fn jobs(&mut self) -> &mut VecDeque<J> {
        &mut self.jobs
    }

    /// Number of jobs that wait.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Forgets all jobs that wait, and the one in progress.
    pub fn forget(&mut self) {
        self.jobs.clear();
        self.ticket.0 += 1;
    }

    /// The epoch of what comes in now, and of what waits.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Takes the next job, to be run by this thread.
    fn take(&mut self) -> Option<(J, Ticket)> {
        let job = self.jobs.pop_front();
        self.scheduled = job.is_some();
        self.busy = job.is_some().then(|| std::thread::current().id());
        Some((job?, self.ticket))
    }

    /// The job in progress is done. Returns whether there is another one.
    fn done(&mut self) -> bool {
        self.busy = None;
        self.scheduled = !self.jobs.is_empty();
        self.scheduled
    }

    /// Whether nothing waits and nothing is in progress, except on the calling thread, which cannot wait for itself.
    fn idle(&self) -> bool {
        let another_runs = self.busy.is_some_and(|t| t != std::thread::current().id());
        self.worker.is_none() || (self.jobs.is_empty() && !another_runs)
    }
}

/// Accessor of one queue in an element's state.
pub type QueueOf<S, J> = fn(&mut S) -> &mut JobQueue<J>;

impl<S: Send + 'static> Outbox<S> {
    /// Lets a pool run the jobs of a queue, if none does yet. For each job it calls `run` without a lock, with the ticket of the job, `store`
    /// with the state unless the job was forgotten meanwhile, and `post` without a lock again.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start_worker<J: Send + 'static, R: 'static, P: 'static>(
        &self,
        pool: &'static Pool,
        queue: QueueOf<S, J>,
        run: impl Fn(J, Ticket) -> R + Send + Sync + 'static,
        store: impl Fn(&mut S, R) -> P + Send + Sync + 'static,
        post: impl Fn(P) + Send + Sync + 'static,
    ) -> std::io::Result<()> {
        if self.shared.change(|core| queue(&mut core.state).worker.is_some()) {
            return Ok(());
        }
        let member = pool.join()?;
        let process = move |shared: &Shared<S>, job: J, ticket: Ticket| {
            let result = run(job, ticket);
            let stored = shared.change(|core| {
                let current = queue(&mut core.state).ticket == ticket;
                current.then(|| store(&mut core.state, result))
            });
            if let Some(stored) = stored {
                post(stored);
            }
        };
        let work = Arc::new(QueueWork { shared: Arc::downgrade(&self.shared), queue, process });
        let previous =
            self.shared.change(|core| queue(&mut core.state).worker.replace(Worker { pool, work, _member: member }));
        drop(previous);
        self.change_and_schedule(queue, |_| ());
        Ok(())
    }

    /// Reads or writes the state, and schedules the queue with the pool if there are jobs in it then.
    pub fn change_and_schedule<J, R>(&self, queue: QueueOf<S, J>, change: impl FnOnce(&mut S) -> R) -> R {
        let (result, call) = self.shared.change(|core| {
            let result = change(&mut core.state);
            let queue = queue(&mut core.state);
            let due = !queue.scheduled && !queue.jobs.is_empty();
            let call = queue.worker.as_ref().filter(|_| due).map(|w| (w.pool, w.work.clone()));
            queue.scheduled |= call.is_some();
            (result, call)
        });
        if let Some((pool, work)) = call {
            pool.schedule(work);
        }
        result
    }

    /// Waits until nothing in the queue waits or is in progress any more. Returns whether that came before `until`.
    ///
    /// # Errors
    /// [`Interrupted`] if the element flushes or stops first.
    pub fn drain<J>(&self, queue: QueueOf<S, J>, until: Option<Instant>) -> Result<bool, Interrupted> {
        assert_no_lock_held();
        let ended = self.shared.wait_until(until, |core| {
            if queue(&mut core.state).idle() { Some(Ok(true)) } else { core.interrupted.then_some(Err(Interrupted)) }
        });
        ended.unwrap_or(Ok(false))
    }

    /// Takes back the jobs that wait, in order, and waits for the one in progress and what is posted of it.
    pub fn reclaim<J>(&self, queue: QueueOf<S, J>) -> Vec<J> {
        assert_no_lock_held();
        let jobs = self.shared.change(|core| queue(&mut core.state).jobs.drain(..).collect());
        // A message's handler may ask on the worker's own thread, which cannot wait for itself.
        let me = std::thread::current().id();
        self.shared.wait(|core| queue(&mut core.state).busy.is_none_or(|t| t == me).then_some(()));
        jobs
    }

    /// Ends the pool's work on a queue: waits for the job in progress, whose result is forgotten, and for none of those that
    /// wait.
    pub fn stop_worker<J>(&self, queue: QueueOf<S, J>) {
        assert_no_lock_held();
        let worker = self.shared.change(|core| {
            let queue = queue(&mut core.state);
            queue.forget();
            queue.worker.take()
        });
        // A message's handler may stop the element on the worker's own thread, which cannot wait for itself.
        let me = std::thread::current().id();
        self.shared.wait(|core| queue(&mut core.state).busy.is_none_or(|t| t == me).then_some(()));
        drop(worker);
    }
}

/// The jobs of one queue, as the pool knows them.
struct QueueWork<S, J, D> {
    shared: Weak<Shared<S>>,
    queue: QueueOf<S, J>,
    process: D,
}

impl<S: Send, J: Send, D: Fn(&Shared<S>, J, Ticket) + Send + Sync> Work for QueueWork<S, J, D> {
    fn turn(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        let begun = Instant::now();
        loop {
            let next = shared.change(|core| (self.queue)(&mut core.state).take());
            let Some((job, ticket)) = next else { return false };
            // A panic has been reported where it happened; nobody waits for the job that it ended.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.process)(&shared, job, ticket)));
            let more = shared.change(|core| (self.queue)(&mut core.state).done());
            if !more || begun.elapsed() > TURN {
                return more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool;
    use super::*;
    use std::sync::{Mutex, mpsc};

    #[derive(Default)]
    struct State {
        queue: JobQueue<u32>,
        kept: Vec<u32>,
    }

    fn queue(state: &mut State) -> &mut JobQueue<u32> {
        &mut state.queue
    }

    /// An outbox whose queue doubles numbers, each once it has a permit.
    fn doubling() -> (Outbox<State>, mpsc::Sender<()>, mpsc::Receiver<u32>) {
        let outbox = Outbox::<State>::default();
        let (permit, waits) = mpsc::channel();
        let (sender, results) = mpsc::channel();
        let waits = Mutex::new(waits);
        let run = move |n: u32, _| {
            waits.lock().unwrap().recv().unwrap();
            2 * n
        };
        let keep = |state: &mut State, n| {
            state.kept.push(n);
            n
        };
        outbox.start_worker(pool::models(), queue, run, keep, move |n| sender.send(n).unwrap()).unwrap();
        (outbox, permit, results)
    }

    fn put(outbox: &Outbox<State>, jobs: impl IntoIterator<Item = u32>) {
        outbox.change_and_schedule(queue, |s| s.queue.jobs().extend(jobs));
    }

    fn left(outbox: &Outbox<State>) -> usize {
        outbox.with(|s| s.queue.len())
    }

    fn kept(outbox: &Outbox<State>) -> Vec<u32> {
        outbox.with(|s| s.kept.clone())
    }

    #[test]
    fn jobs_are_done_in_order() {
        let (outbox, permit, results) = doubling();
        put(&outbox, [1]);
        while left(&outbox) > 0 {
            std::thread::yield_now();
        }
        put(&outbox, [3, 4]);
        let soon = Instant::now() + std::time::Duration::from_millis(20);
        assert_eq!(outbox.drain(queue, Some(soon)), Ok(false), "not by then");
        (0..3).for_each(|_| permit.send(()).unwrap());
        assert_eq!(outbox.drain(queue, None), Ok(true));
        assert_eq!(kept(&outbox), [2, 6, 8]);
        assert_eq!(results.try_iter().collect::<Vec<_>>(), [2, 6, 8], "a drain waits for what is posted too");
    }

    #[test]
    fn what_is_forgotten_leaves_nothing() {
        let (outbox, permit, results) = doubling();
        put(&outbox, 1..=5);
        while left(&outbox) == 5 {
            std::thread::yield_now();
        }
        outbox.with(|s| {
            s.queue.forget();
            s.kept.clear();
        });
        put(&outbox, [7]);
        (0..2).for_each(|_| permit.send(()).unwrap());
        assert_eq!(outbox.drain(queue, None), Ok(true));
        assert_eq!((kept(&outbox), results.recv()), (vec![14], Ok(14)));
        // A drain that is broken off, and an end with work left: it waits for the job in progress and for no other.
        put(&outbox, 1..=5);
        outbox.interrupt();
        assert_eq!(outbox.drain(queue, None), Err(Interrupted));
        while left(&outbox) == 5 {
            std::thread::yield_now();
        }
        std::thread::scope(|scope| {
            let ends = scope.spawn(|| outbox.stop_worker(queue));
            while left(&outbox) > 0 {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!ends.is_finished(), "the job in progress goes on");
            permit.send(()).unwrap();
        });
        assert_eq!((left(&outbox), outbox.drain(queue, None)), (0, Ok(true)));
        assert_eq!(kept(&outbox), [14]);
    }

    /// A job in progress knows by its ticket that it was forgotten, and what comes in later has another one.
    #[test]
    fn a_ticket_holds_until_what_waits_is_forgotten() {
        let outbox = Outbox::<State>::default();
        let (permit, waits) = mpsc::channel::<()>();
        let (sender, results) = mpsc::channel();
        let waits = Mutex::new(waits);
        let run = move |n, ticket| {
            waits.lock().unwrap().recv().unwrap();
            sender.send((n, ticket)).unwrap();
        };
        outbox.start_worker(pool::models(), queue, run, |_, ()| (), |()| ()).unwrap();
        let before = outbox.with(|s| s.queue.ticket());
        put(&outbox, [1]);
        while left(&outbox) > 0 {
            std::thread::yield_now();
        }
        outbox.with(|s| s.queue.forget());
        let after = outbox.with(|s| s.queue.ticket());
        put(&outbox, [2]);
        (0..2).for_each(|_| permit.send(()).unwrap());
        assert_eq!((results.recv(), results.recv()), (Ok((1, before)), Ok((2, after))));
        assert_ne!(before, after);
        outbox.stop_worker(queue);
    }

    #[test]
    fn jobs_are_reclaimed_and_the_one_in_progress_is_kept() {
        let (outbox, permit, results) = doubling();
        put(&outbox, 1..=4);
        while left(&outbox) == 4 {
            std::thread::yield_now();
        }
        outbox.interrupt();
        let jobs = std::thread::scope(|scope| {
            let waits = scope.spawn(|| outbox.reclaim(queue));
            while left(&outbox) > 0 {
                std::thread::yield_now();
            }
            permit.send(()).unwrap();
            waits.join().unwrap()
        });
        assert_eq!((jobs, results.try_iter().collect::<Vec<_>>()), (vec![2, 3, 4], vec![2]));
        assert!(outbox.reclaim(queue).is_empty(), "nothing waits");
        outbox.stop_worker(queue);
    }

    #[test]
    fn a_job_that_panics_is_waited_for_by_nobody() {
        let outbox = Outbox::<State>::default();
        let run = |n, _| {
            assert_ne!(n, 1, "as it should");
            n
        };
        outbox.start_worker(pool::models(), queue, run, |s, n| s.kept.push(n), |()| ()).unwrap();
        put(&outbox, [1, 2]);
        assert_eq!(outbox.drain(queue, None), Ok(true));
        assert_eq!(kept(&outbox), [2], "the next one is done");
        outbox.stop_worker(queue);
    }

    /// As a message's handler may do it.
    #[test]
    fn a_job_may_end_its_own_queue() {
        let outbox = Arc::new(Outbox::<State>::default());
        let (handler, (sender, results)) = (outbox.clone(), mpsc::channel());
        let tell = move |n| {
            assert_eq!(handler.drain(queue, None), Ok(true));
            handler.stop_worker(queue);
            sender.send(n).unwrap();
        };
        outbox.start_worker(pool::models(), queue, |n, _| n, |_, n| n, tell).unwrap();
        put(&outbox, [1]);
        assert_eq!(results.recv(), Ok(1));
        outbox.stop_worker(queue);
    }

    /// Everything happens once and in order, whoever else uses the pool.
    #[test]
    fn many_queues_each_in_order() {
        let outboxes: Vec<Outbox<State>> = (0..40).map(|_| Outbox::default()).collect();
        for o in &outboxes {
            o.start_worker(pool::models(), queue, |n, _| n, |s, n| s.kept.push(n), |()| ()).unwrap();
        }
        std::thread::scope(|scope| {
            for o in &outboxes {
                scope.spawn(|| (0..500).for_each(|n| put(o, [n])));
            }
        });
        for o in &outboxes {
            assert_eq!(o.drain(queue, None), Ok(true));
            assert!(kept(o).into_iter().eq(0..500));
            o.stop_worker(queue);
        }
    }
}
