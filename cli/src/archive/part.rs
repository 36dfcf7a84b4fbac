//! A part: its calls through a worker process, their rows, and the commit.

use super::child::{Answer, Child, Limits};
use super::listing::modified_ns;
use super::wire::{Charge, Task};
use super::{AWAY, Stop};
use crate::interrupt;
use affect::record::Record;
use affect_archive::calls::{CallError, CallRow, Summary};
use affect_archive::plan::{Plan, PlanTable, PlannedCall};
use affect_archive::{Attempt, Ledger, Outcome};
use affect_media::files::{from_name, to_name};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a call is given to a worker that dies of it; and to one that is killed from outside, which is seldom the call's fault.
const TRIES: usize = 2;
const TRIES_KILLED: usize = 4;

/// What all parts of a run are done with.
pub struct Work<'a> {
    pub ledger: &'a Ledger,
    /// Root of the recordings.
    pub source: &'a Path,
    pub charge: &'a Charge,
    pub limits: Limits,
    /// Set where another part has found that going on makes no sense.
    pub halt: &'a AtomicBool,
    /// Called after each call.
    pub step: &'a (dyn Fn() + Sync),
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

/// Why a call is not even begun.
enum Absent {
    /// Its row says why.
    Row(CallError, String),
    /// The archive itself is not there.
    Away(String),
}

impl Work<'_> {
    fn stopping(&self) -> bool {
        interrupt::asked() || self.halt.load(Ordering::Relaxed)
    }

    fn path(&self, call: &PlannedCall) -> PathBuf {
        self.source.join(from_name(&call.key))
    }

    /// Looks whether a call is still what was planned.
    fn look(&self, call: &PlannedCall) -> Result<(), Absent> {
        let about = match std::fs::metadata(self.path(call)) {
            Ok(about) => about,
            Err(e) => {
                let row = match e.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => CallError::Vanished,
                    io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidFilename => CallError::Unreadable,
                    // Links in a circle.
                    _ if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => CallError::Unreadable,
                    _ => return Err(Absent::Away(format!("{}: {e}", self.path(call).display()))),
                };
                self.there()?;
                return Err(Absent::Row(row, e.to_string()));
            }
        };
        let (size, modified) = (about.len(), modified_ns(&about));
        if about.is_file() && size == call.size && (call.modified_ns.is_none() || modified == call.modified_ns) {
            return Ok(());
        }
        let why = if size == call.size {
            "it was written to since".to_owned()
        } else {
            format!("it has {size} bytes, and had {}", call.size)
        };
        Err(Absent::Row(CallError::ChangedSincePlan, why))
    }

    /// Looks whether the archive itself is there: a folder that is empty is one whose disk is not mounted.
    fn there(&self) -> Result<(), Absent> {
        let first = std::fs::read_dir(self.source).and_then(|mut entries| entries.next().transpose());
        match first {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(Absent::Away(format!("{}: is empty: is it mounted?", self.source.display()))),
            Err(e) => Err(Absent::Away(format!("{}: {e}", self.source.display()))),
        }
    }

    /// Does a part. With an interruption the call at hand is finished, and a part that is not whole by then is not committed.
    pub fn part(&self, plan: &Plan, table: &PlanTable, number: u32, attempt: &str) -> Result<Done, Stop> {
        let calls = table.part(number)?;
        let mut attempt = Attempt::begin(self.ledger, plan, number, attempt)?;
        let mut bench = Bench { work: self, child: None, deaths: 0 };
        let mut waiting: Option<(CallRow, Vec<Record>)> = None;
        let total = calls.len();
        for call in calls {
            if self.stopping() {
                break;
            }
            let mut row = CallRow { call, ..CallRow::default() };
            let given = match self.look(&row.call) {
                Ok(()) => {
                    bench.give(&row.call)?;
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
                attempt.push(row, &records)?;
                (self.step)();
            }
            let records = if given { bench.answer(&mut row)? } else { Vec::new() };
            waiting = Some((row, records));
        }
        if let Some((row, records)) = waiting.take() {
            attempt.push(row, &records)?;
            (self.step)();
        }
        let deaths = bench.deaths;
        drop(bench);
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
    deaths: u32,
}

impl Bench<'_> {
    fn give(&mut self, call: &PlannedCall) -> Result<(), Stop> {
        let task = Task { key: call.key.clone(), path: to_name(self.work.path(call)) };
        let mut child = match self.child.take() {
            Some(child) => child,
            None => Child::start(self.work.charge)?,
        };
        child.give(&task);
        self.child = Some(child);
        Ok(())
    }

    /// Waits for what comes of the call that was given; tries again where the worker died.
    fn answer(&mut self, row: &mut CallRow) -> Result<Vec<Record>, Stop> {
        let mut tries = 1;
        loop {
            let Some(child) = &mut self.child else { return Ok(Vec::new()) };
            match child.answer(self.work.limits) {
                Answer::Done(end, records) => {
                    // What has changed while it was read is nothing that was planned.
                    match self.work.look(&row.call) {
                        Ok(()) => {}
                        Err(Absent::Away(why)) => return Err(Stop(AWAY, why)),
                        Err(Absent::Row(error, why)) => {
                            (row.error, row.error_message) = (Some(error), Some(why));
                            return Ok(Vec::new());
                        }
                    }
                    (row.heard, row.error, row.error_message) = (end.heard, end.error, end.message);
                    row.numbers = end.numbers;
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
                    if tries < most && !self.work.stopping() {
                        tries += 1;
                        self.give(&row.call)?;
                        continue;
                    }
                    (row.error, row.error_message) = (Some(error), Some(why));
                    return Ok(Vec::new());
                }
            }
        }
    }
}
