//! A part that is worked on: its calls are handed out in order, to the job that has begun it and to jobs that have no part of their own any
//! more; what comes of them is written in the same order, and committed.

use super::bench::Bench;
use super::here::Place;
use super::source::{Absent, Source};
use super::wire::Charge;
use super::{AWAY, Stop, child::Limits};
use crate::interrupt;
use affect_archive::calls::{CallRow, Summary};
use affect_archive::plan::{Plan, PlannedCall};
use affect_archive::{Attempt, Ledger, Outcome};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Calls that may be begun before the first one of them is written; who is farther ahead waits. Their results lie in memory.
const AHEAD: usize = 64;

/// What all parts of a run are done with.
pub struct Work<'a> {
    pub ledger: &'a Ledger,
    /// Calls and recordings of the plan.
    pub place: Place,
    pub charge: &'a Charge,
    pub limits: Limits,
    /// Set where another part has found that going on makes no sense.
    pub halt: &'a AtomicBool,
    /// Called with each step forward.
    pub step: &'a (dyn Fn(Step) + Sync),
}

/// How the work on a part gets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Within a call.
    Within,
    /// A call has its row.
    Call,
}

/// What came of a part.
#[derive(Debug)]
pub struct Done {
    /// Whether it counts; none where it was interrupted.
    pub outcome: Option<Outcome>,
    pub summary: Summary,
    /// Workers that died on the way.
    pub deaths: u32,
}

impl Work<'_> {
    /// Whether no other call is to be begun.
    pub fn stopping(&self) -> bool {
        interrupt::asked() || self.halt.load(Ordering::Relaxed)
    }

    /// The recordings.
    pub fn source(&self) -> &Source {
        &self.place.1
    }
}

/// A part that is worked on by one or more jobs.
pub struct OpenPart<'a> {
    work: Work<'a>,
    total: usize,
    calls: Mutex<Calls>,
    /// Changes of `calls` that somebody may wait for.
    changed: Condvar,
    rows: Mutex<Rows<'a>>,
}

/// Calls as they are handed out.
struct Calls {
    left: std::vec::IntoIter<PlannedCall>,
    begun: usize,
    written: usize,
    /// Those that are begun, and neither written nor given up.
    at_work: usize,
    deaths: u32,
    /// Why the part cannot be done.
    failed: Option<Stop>,
}

/// Rows as they are written.
struct Rows<'a> {
    /// None once it has come to its end.
    attempt: Option<Attempt<'a>>,
    /// What came of calls that others stand before.
    waiting: BTreeMap<usize, (CallRow, Vec<Value>)>,
}

/// A call that was handed out, by its place in the part.
struct Begun<'p, 'a> {
    part: &'p OpenPart<'a>,
    place: usize,
}

impl Drop for Begun<'_, '_> {
    fn drop(&mut self) {
        self.part.calls().at_work -= 1;
        self.part.changed.notify_all();
    }
}

/// What there is to do in a part.
enum Next<'p, 'a> {
    /// A call.
    Call(Begun<'p, 'a>, PlannedCall),
    /// Something, when others have got on.
    Later,
    /// Nothing any more.
    Nothing,
}

/// What came of a call, to be written.
type Answered<'p, 'a> = (Begun<'p, 'a>, CallRow, Vec<Value>);

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> OpenPart<'a> {
    /// Begins an attempt at a part.
    pub fn begin(work: Work<'a>, plan: &Plan, number: u32, attempt: &str) -> Result<Self, Stop> {
        let calls = work.place.0.part(number)?;
        let attempt = Attempt::begin(work.ledger, plan, number, attempt)?;
        let total = calls.len();
        let calls = Calls { left: calls.into_iter(), begun: 0, written: 0, at_work: 0, deaths: 0, failed: None };
        let rows = Rows { attempt: Some(attempt), waiting: BTreeMap::new() };
        Ok(Self { work, total, calls: Mutex::new(calls), changed: Condvar::new(), rows: Mutex::new(rows) })
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        lock(&self.calls)
    }

    /// How many calls nobody has begun.
    pub fn left(&self) -> usize {
        self.calls().left.len()
    }

    fn next(&self) -> Next<'_, 'a> {
        let mut calls = self.calls();
        if self.work.stopping() || calls.left.len() == 0 {
            return Next::Nothing;
        }
        if calls.begun >= calls.written + AHEAD {
            return Next::Later;
        }
        let Some(call) = calls.left.next() else { return Next::Nothing };
        let place = calls.begun;
        calls.begun += 1;
        calls.at_work += 1;
        drop(calls);
        Next::Call(Begun { part: self, place }, call)
    }

    /// Waits while calls are at work and no other one may be begun.
    fn wait(&self) {
        let ahead = |c: &mut Calls| c.at_work > 0 && c.left.len() > 0 && c.begun >= c.written + AHEAD;
        drop(self.changed.wait_while(self.calls(), ahead));
    }

    /// Works on calls until nobody has to begin one any more. With an interruption the call at hand is finished.
    pub fn work(&self, bench: &mut Bench) {
        let outcome = self.go_through(bench);
        if outcome.is_err() {
            bench.clear();
        }
        let mut calls = self.calls();
        calls.deaths += bench.deaths();
        if let Err(stop) = outcome {
            calls.left = Vec::new().into_iter();
            calls.failed.get_or_insert(stop);
            self.changed.notify_all();
        }
    }

    fn go_through(&self, bench: &mut Bench) -> Result<(), Stop> {
        let mut last: Option<Answered<'_, 'a>> = None;
        loop {
            let (begun, call) = match (self.next(), last.is_some()) {
                (Next::Call(begun, call), _) => (begun, call),
                (Next::Later, false) => {
                    self.wait();
                    continue;
                }
                (Next::Later, true) => {
                    last.take().map_or(Ok(()), |l| self.write(l))?;
                    continue;
                }
                (Next::Nothing, _) => return last.map_or(Ok(()), |l| self.write(l)),
            };
            let mut row = CallRow { call, ..CallRow::default() };
            let given = match self.work.source().take(&row.call) {
                Ok(taken) => {
                    bench.give(&self.work, &row.call, taken)?;
                    true
                }
                Err(Absent::Away(why)) => return Err(Stop(AWAY, why)),
                Err(Absent::Row(error, why)) => {
                    (row.error, row.error_message) = (Some(error), Some(why));
                    false
                }
            };
            // The worker is at the next call while the results of the last one are written.
            last.take().map_or(Ok(()), |l| self.write(l))?;
            let records = if given { bench.answer(&self.work, &mut row)? } else { Vec::new() };
            last = Some((begun, row, records));
        }
    }

    /// Writes what came of a call, or leaves it to who finishes the one before it.
    fn write(&self, (begun, row, records): Answered<'_, 'a>) -> Result<(), Stop> {
        let mut rows = lock(&self.rows);
        let Rows { attempt, waiting } = &mut *rows;
        let Some(attempt) = attempt else { return Ok(()) };
        waiting.insert(begun.place, (row, records));
        while let Some((row, records)) = waiting.remove(&attempt.calls()) {
            attempt.push_json(row, records)?;
            (self.work.step)(Step::Call);
        }
        // Who waits for it hears of it with the end of this call.
        self.calls().written = attempt.calls();
        Ok(())
    }

    /// Waits for the other jobs' calls, and commits the part. One that is not whole is not committed.
    pub fn finish(&self) -> Result<Done, Stop> {
        let mut calls =
            self.changed.wait_while(self.calls(), |c| c.at_work > 0).unwrap_or_else(PoisonError::into_inner);
        let (deaths, failed) = (calls.deaths, calls.failed.take());
        drop(calls);
        if let Some(stop) = failed {
            return Err(stop);
        }
        let attempt = lock(&self.rows).attempt.take().filter(|a| a.calls() == self.total);
        let Some(attempt) = attempt else { return Ok(Done { outcome: None, summary: Summary::default(), deaths }) };
        let ready = attempt.finish()?;
        let summary = Summary::of(ready.rows());
        Ok(Done { outcome: Some(ready.commit()?), summary, deaths })
    }
}
