//! A part: its calls through a worker process, their rows, and the commit.

use super::child::{Answer, Child, Limits};
use super::source::{Absent, Source, Taken};
use super::wire::{Charge, Task};
use super::{AWAY, Stop};
use crate::interrupt;
use affect_archive::calls::{CallError, CallRow, Summary};
use affect_archive::plan::{Plan, PlanTable, PlannedCall};
use affect_archive::{Attempt, Ledger, Outcome};
use affect_media::files::to_name;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a call is given to a worker that dies of it; and to one that is killed from outside, which is seldom the call's fault.
const TRIES: usize = 2;
const TRIES_KILLED: usize = 4;

/// What all parts of a run are done with.
pub struct Work<'a> {
    pub ledger: &'a Ledger,
    /// The recordings.
    pub source: &'a Source,
    pub charge: &'a Charge,
    pub limits: Limits,
    /// Set where another part has found that going on makes no sense.
    pub halt: &'a AtomicBool,
    /// Called with each step forward.
    pub step: &'a dyn Fn(Step),
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
    fn stopping(&self) -> bool {
        interrupt::asked() || self.halt.load(Ordering::Relaxed)
    }

    /// Does a part with the worker of this thread, which is left to the next part. With an interruption the call at hand is finished, and
    /// a part that is not whole by then is not committed.
    pub fn part(
        &self,
        plan: &Plan,
        table: &PlanTable,
        number: u32,
        attempt: &str,
        worker: &mut Option<Child>,
    ) -> Result<Done, Stop> {
        let calls = table.part(number)?;
        let mut attempt = Attempt::begin(self.ledger, plan, number, attempt)?;
        // One that is left in the middle of a call is of no use to anybody: it goes with the bench.
        let mut bench = Bench { work: self, child: worker.take(), taken: None, deaths: 0 };
        let mut waiting: Option<(CallRow, Vec<Value>)> = None;
        let total = calls.len();
        for call in calls {
            if self.stopping() {
                break;
            }
            let mut row = CallRow { call, ..CallRow::default() };
            let given = match self.source.take(&row.call) {
                Ok(taken) => {
                    bench.give(&row.call, taken)?;
                    true
                }
                Err(Absent::Away(why)) => return Err(Stop(AWAY, why)),
                Err(Absent::Row(error, why)) => {
                    (row.error, row.error_message) = (Some(error), Some(why));
                    false
                }
            };
            // The worker is at the next call while the results of the last one are written.
            if let Some((row, records)) = waiting.take() {
                attempt.push_json(row, records)?;
                (self.step)(Step::Call);
            }
            let records = if given { bench.answer(&mut row)? } else { Vec::new() };
            waiting = Some((row, records));
        }
        if let Some((row, records)) = waiting.take() {
            attempt.push_json(row, records)?;
            (self.step)(Step::Call);
        }
        let deaths = bench.deaths;
        *worker = bench.child;
        if attempt.calls() < total {
            return Ok(Done { outcome: None, summary: Summary::default(), deaths });
        }
        let ready = attempt.finish()?;
        let summary = Summary::of(ready.rows());
        Ok(Done { outcome: Some(ready.commit()?), summary, deaths })
    }
}

/// Where a part is worked on: a worker, and another one where that has died.
struct Bench<'a> {
    work: &'a Work<'a>,
    child: Option<Child>,
    /// What the worker reads.
    taken: Option<Taken>,
    deaths: u32,
}

impl Bench<'_> {
    fn give(&mut self, call: &PlannedCall, taken: Taken) -> Result<(), Stop> {
        let task = Task { key: call.key.clone(), path: to_name(&taken.path) };
        self.taken = Some(taken);
        let mut child = match self.child.take() {
            Some(child) => child,
            None => Child::start(self.work.charge)?,
        };
        child.give(&task);
        self.child = Some(child);
        Ok(())
    }

    /// Waits for what comes of the call that was given; tries again where the worker died.
    fn answer(&mut self, row: &mut CallRow) -> Result<Vec<Value>, Stop> {
        let mut tries = 1;
        loop {
            let Some(child) = &mut self.child else { return Ok(Vec::new()) };
            match child.answer(self.work.limits, &|| (self.work.step)(Step::Within)) {
                Answer::Done(end, records) => {
                    // What has changed while it was read is nothing that was planned.
                    match self.work.source.still(&row.call) {
                        Ok(()) => {}
                        Err(Absent::Away(why)) => return Err(Stop(AWAY, why)),
                        Err(Absent::Row(error, why)) => {
                            (row.error, row.error_message) = (Some(error), Some(why));
                            return Ok(Vec::new());
                        }
                    }
                    (row.heard, row.error, row.error_message) = (end.heard, end.error, end.message);
                    (row.means, row.moved, row.numbers) = (end.means, end.moved, end.numbers);
                    return Ok(records);
                }
                Answer::Died { error, why, killed } => {
                    self.child = None;
                    self.deaths += 1;
                    let most = match (error, killed) {
                        (CallError::Crashed, true) => TRIES_KILLED,
                        (CallError::Crashed, false) => TRIES,
                        _ => 1,
                    };
                    if let Some(taken) = self.taken.take().filter(|_| tries < most && !self.work.stopping()) {
                        tries += 1;
                        self.give(&row.call, taken)?;
                        continue;
                    }
                    (row.error, row.error_message) = (Some(error), Some(why));
                    return Ok(Vec::new());
                }
            }
        }
    }
}
