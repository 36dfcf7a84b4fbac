//! A line: the jobs of an element that a pool does in order, beside the stream. Work that is slow never delays the audio.

use super::pool::{Membership, Pool, TURN, Work};
use super::{Interrupted, Outbox, Shared, assert_no_lock_held};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::ThreadId;
use std::time::Instant;

/// Jobs that wait, in order, and the one in hand: a part of an element's state.
pub struct Line<J> {
    jobs: VecDeque<J>,
    /// The thread that has a job in hand.
    busy: Option<ThreadId>,
    /// Another one whenever what waits is forgotten.
    ticket: Ticket,
    /// A pool knows that there is work.
    scheduled: bool,
    worker: Option<Employed>,
}

/// What was not forgotten at a moment: it holds until what waits is forgotten again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ticket(u64);

/// Who does the jobs.
struct Employed {
    pool: &'static Pool,
    work: Arc<dyn Work>,
    _member: Membership,
}

impl<J> Default for Line<J> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), busy: None, ticket: Ticket::default(), scheduled: false, worker: None }
    }
}

impl<J> Line<J> {
    /// The jobs that wait; the one in hand is not among them.
    pub fn jobs(&mut self) -> &mut VecDeque<J> {
        &mut self.jobs
    }

    /// Number of jobs that wait.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Forgets all jobs that wait, and the one in hand.
    pub fn forget(&mut self) {
        self.jobs.clear();
        self.ticket.0 += 1;
    }

    /// The ticket of what comes in now, and of what waits.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Takes the next job in hand.
    fn take(&mut self) -> Option<(J, Ticket)> {
        let job = self.jobs.pop_front();
        self.scheduled = job.is_some();
        self.busy = job.is_some().then(|| std::thread::current().id());
        Some((job?, self.ticket))
    }

    /// The job in hand is done. Says whether there is another one.
    fn done(&mut self) -> bool {
        self.busy = None;
        self.scheduled = !self.jobs.is_empty();
        self.scheduled
    }

    /// Nothing waits and nothing is in hand, except by the thread that asks, which cannot wait for itself.
    fn idle(&self) -> bool {
        let others = self.busy.is_some_and(|t| t != std::thread::current().id());
        self.worker.is_none() || (self.jobs.is_empty() && !others)
    }
}

/// Where a state has the line that is meant.
pub type Where<S, J> = fn(&mut S) -> &mut Line<J>;

impl<S: Send + 'static> Outbox<S> {
    /// Has a pool do the jobs of a line, if none does yet. For each job it calls `run` without a lock, with the ticket of the job, `keep`
    /// with the state unless the job was forgotten meanwhile, and `tell` without a lock again.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn employ<J: Send + 'static, R: 'static, P: 'static>(
        &self,
        pool: &'static Pool,
        line: Where<S, J>,
        run: impl Fn(J, Ticket) -> R + Send + Sync + 'static,
        keep: impl Fn(&mut S, R) -> P + Send + Sync + 'static,
        tell: impl Fn(P) + Send + Sync + 'static,
    ) -> std::io::Result<()> {
        if self.shared.change(|core| line(&mut core.state).worker.is_some()) {
            return Ok(());
        }
        let member = pool.join()?;
        let does = move |shared: &Shared<S>, job: J, ticket: Ticket| {
            let result = run(job, ticket);
            let kept = shared.change(|core| {
                let fresh = line(&mut core.state).ticket == ticket;
                fresh.then(|| keep(&mut core.state, result))
            });
            if let Some(kept) = kept {
                tell(kept);
            }
        };
        let work = Arc::new(Worker { shared: Arc::downgrade(&self.shared), line, does });
        let before =
            self.shared.change(|core| line(&mut core.state).worker.replace(Employed { pool, work, _member: member }));
        drop(before);
        self.hand_on(line, |_| ());
        Ok(())
    }

    /// Reads or writes the state, and has the pool do what stands in the line then.
    pub fn hand_on<J, R>(&self, line: Where<S, J>, change: impl FnOnce(&mut S) -> R) -> R {
        let (result, call) = self.shared.change(|core| {
            let result = change(&mut core.state);
            let line = line(&mut core.state);
            let due = !line.scheduled && !line.jobs.is_empty();
            let call = line.worker.as_ref().filter(|_| due).map(|w| (w.pool, w.work.clone()));
            line.scheduled |= call.is_some();
            (result, call)
        });
        if let Some((pool, work)) = call {
            pool.schedule(work);
        }
        result
    }

    /// Waits until nothing in the line waits or is in hand any more. Says whether that came before `until`.
    ///
    /// # Errors
    /// [`Interrupted`] if the element flushes or stops first.
    pub fn drain<J>(&self, line: Where<S, J>, until: Option<Instant>) -> Result<bool, Interrupted> {
        assert_no_lock_held();
        let ended = self.shared.wait_until(until, |core| {
            if line(&mut core.state).idle() { Some(Ok(true)) } else { core.interrupted.then_some(Err(Interrupted)) }
        });
        ended.unwrap_or(Ok(false))
    }

    /// Takes back the jobs that wait, in order, and waits for the one in hand and what is told of it.
    pub fn hand_back<J>(&self, line: Where<S, J>) -> Vec<J> {
        assert_no_lock_held();
        let jobs = self.shared.change(|core| line(&mut core.state).jobs.drain(..).collect());
        // A message's handler may ask on the worker's own thread, which cannot wait for itself.
        let me = std::thread::current().id();
        self.shared.wait(|core| line(&mut core.state).busy.is_none_or(|t| t == me).then_some(()));
        jobs
    }

    /// Nobody does the jobs of a line any more: waits for the one in hand, whose result is forgotten, and for none of those that
    /// wait.
    pub fn dismiss<J>(&self, line: Where<S, J>) {
        assert_no_lock_held();
        let worker = self.shared.change(|core| {
            let line = line(&mut core.state);
            line.forget();
            line.worker.take()
        });
        // A message's handler may stop the element on the worker's own thread, which cannot wait for itself.
        let me = std::thread::current().id();
        self.shared.wait(|core| line(&mut core.state).busy.is_none_or(|t| t == me).then_some(()));
        drop(worker);
    }
}

/// The jobs of one line, for the pool.
struct Worker<S, J, D> {
    shared: Weak<Shared<S>>,
    line: Where<S, J>,
    does: D,
}

impl<S: Send, J: Send, D: Fn(&Shared<S>, J, Ticket) + Send + Sync> Work for Worker<S, J, D> {
    fn turn(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        let begun = Instant::now();
        loop {
            let next = shared.change(|core| (self.line)(&mut core.state).take());
            let Some((job, ticket)) = next else { return false };
            // A panic has been reported where it happened; nobody waits for the job that it ended.
            let _ = catch_unwind(AssertUnwindSafe(|| (self.does)(&shared, job, ticket)));
            let more = shared.change(|core| (self.line)(&mut core.state).done());
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
        line: Line<u32>,
        kept: Vec<u32>,
    }

    fn line(state: &mut State) -> &mut Line<u32> {
        &mut state.line
    }

    /// An outbox whose line doubles numbers, each once it is let.
    fn doubling() -> (Outbox<State>, mpsc::Sender<()>, mpsc::Receiver<u32>) {
        let outbox = Outbox::<State>::default();
        let (let_go, waits) = mpsc::channel();
        let (told, hears) = mpsc::channel();
        let waits = Mutex::new(waits);
        let run = move |n: u32, _| {
            waits.lock().unwrap().recv().unwrap();
            2 * n
        };
        let keep = |state: &mut State, n| {
            state.kept.push(n);
            n
        };
        outbox.employ(pool::models(), line, run, keep, move |n| told.send(n).unwrap()).unwrap();
        (outbox, let_go, hears)
    }

    fn put(outbox: &Outbox<State>, jobs: impl IntoIterator<Item = u32>) {
        outbox.hand_on(line, |s| s.line.jobs().extend(jobs));
    }

    fn left(outbox: &Outbox<State>) -> usize {
        outbox.with(|s| s.line.len())
    }

    fn kept(outbox: &Outbox<State>) -> Vec<u32> {
        outbox.with(|s| s.kept.clone())
    }

    #[test]
    fn jobs_are_done_in_order() {
        let (outbox, let_go, hears) = doubling();
        put(&outbox, [1]);
        while left(&outbox) > 0 {
            std::thread::yield_now();
        }
        put(&outbox, [3, 4]);
        let soon = Instant::now() + std::time::Duration::from_millis(20);
        assert_eq!(outbox.drain(line, Some(soon)), Ok(false), "not by then");
        (0..3).for_each(|_| let_go.send(()).unwrap());
        assert_eq!(outbox.drain(line, None), Ok(true));
        assert_eq!(kept(&outbox), [2, 6, 8]);
        assert_eq!(hears.try_iter().collect::<Vec<_>>(), [2, 6, 8], "a drain waits for what is told too");
    }

    #[test]
    fn what_is_forgotten_leaves_nothing() {
        let (outbox, let_go, hears) = doubling();
        put(&outbox, 1..=5);
        while left(&outbox) == 5 {
            std::thread::yield_now();
        }
        outbox.with(|s| {
            s.line.forget();
            s.kept.clear();
        });
        put(&outbox, [7]);
        (0..2).for_each(|_| let_go.send(()).unwrap());
        assert_eq!(outbox.drain(line, None), Ok(true));
        assert_eq!((kept(&outbox), hears.recv()), (vec![14], Ok(14)));
        // A drain that is broken off, and an end with work left: it waits for the job in hand and for no other.
        put(&outbox, 1..=5);
        outbox.interrupt();
        assert_eq!(outbox.drain(line, None), Err(Interrupted));
        while left(&outbox) == 5 {
            std::thread::yield_now();
        }
        std::thread::scope(|scope| {
            let ends = scope.spawn(|| outbox.dismiss(line));
            while left(&outbox) > 0 {
                std::thread::yield_now();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!ends.is_finished(), "the job in hand goes on");
            let_go.send(()).unwrap();
        });
        assert_eq!((left(&outbox), outbox.drain(line, None)), (0, Ok(true)));
        assert_eq!(kept(&outbox), [14]);
    }

    /// A job in hand knows by its ticket that it was forgotten, and what comes in later has another one.
    #[test]
    fn a_ticket_holds_until_what_waits_is_forgotten() {
        let outbox = Outbox::<State>::default();
        let (let_go, waits) = mpsc::channel::<()>();
        let (told, hears) = mpsc::channel();
        let waits = Mutex::new(waits);
        let run = move |n, ticket| {
            waits.lock().unwrap().recv().unwrap();
            told.send((n, ticket)).unwrap();
        };
        outbox.employ(pool::models(), line, run, |_, ()| (), |()| ()).unwrap();
        let before = outbox.with(|s| s.line.ticket());
        put(&outbox, [1]);
        while left(&outbox) > 0 {
            std::thread::yield_now();
        }
        outbox.with(|s| s.line.forget());
        let after = outbox.with(|s| s.line.ticket());
        put(&outbox, [2]);
        (0..2).for_each(|_| let_go.send(()).unwrap());
        assert_eq!((hears.recv(), hears.recv()), (Ok((1, before)), Ok((2, after))));
        assert_ne!(before, after);
        outbox.dismiss(line);
    }

    #[test]
    fn jobs_are_handed_back_and_the_one_in_hand_is_kept() {
        let (outbox, let_go, hears) = doubling();
        put(&outbox, 1..=4);
        while left(&outbox) == 4 {
            std::thread::yield_now();
        }
        outbox.interrupt();
        let jobs = std::thread::scope(|scope| {
            let waits = scope.spawn(|| outbox.hand_back(line));
            while left(&outbox) > 0 {
                std::thread::yield_now();
            }
            let_go.send(()).unwrap();
            waits.join().unwrap()
        });
        assert_eq!((jobs, hears.try_iter().collect::<Vec<_>>()), (vec![2, 3, 4], vec![2]));
        assert!(outbox.hand_back(line).is_empty(), "nothing waits");
        outbox.dismiss(line);
    }

    #[test]
    fn a_job_that_panics_is_waited_for_by_nobody() {
        let outbox = Outbox::<State>::default();
        let run = |n, _| {
            assert_ne!(n, 1, "as it should");
            n
        };
        outbox.employ(pool::models(), line, run, |s, n| s.kept.push(n), |()| ()).unwrap();
        put(&outbox, [1, 2]);
        assert_eq!(outbox.drain(line, None), Ok(true));
        assert_eq!(kept(&outbox), [2], "the next one is done");
        outbox.dismiss(line);
    }

    /// As a message's handler may do it.
    #[test]
    fn a_job_may_end_its_own_line() {
        let outbox = Arc::new(Outbox::<State>::default());
        let (own, (told, hears)) = (outbox.clone(), mpsc::channel());
        let tell = move |n| {
            assert_eq!(own.drain(line, None), Ok(true));
            own.dismiss(line);
            told.send(n).unwrap();
        };
        outbox.employ(pool::models(), line, |n, _| n, |_, n| n, tell).unwrap();
        put(&outbox, [1]);
        assert_eq!(hears.recv(), Ok(1));
        outbox.dismiss(line);
    }

    /// Everything happens once and in order, whoever else uses the pool.
    #[test]
    fn many_lines_each_in_order() {
        let all: Vec<Outbox<State>> = (0..40).map(|_| Outbox::default()).collect();
        for o in &all {
            o.employ(pool::models(), line, |n, _| n, |s, n| s.kept.push(n), |()| ()).unwrap();
        }
        std::thread::scope(|scope| {
            for o in &all {
                scope.spawn(|| (0..500).for_each(|n| put(o, [n])));
            }
        });
        for o in &all {
            assert_eq!(o.drain(line, None), Ok(true));
            assert!(kept(o).into_iter().eq(0..500));
            o.dismiss(line);
        }
    }
}
