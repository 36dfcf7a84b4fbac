//! A bench: where a job works on calls. It holds a worker process, and another one where that has died.

use super::child::{Answer, Child};
use super::part::{Step, Work};
use super::source::{Absent, Taken};
use super::wire::{Charge, Task};
use super::{AWAY, Stop};
use affect_archive::calls::{CallError, CallRow};
use affect_archive::plan::PlannedCall;
use affect_media::files::to_name;
use serde_json::Value;

/// How often a call is given to a worker that dies of it; and to one that is killed from outside, which is seldom the call's fault.
const TRIES: usize = 2;
const TRIES_KILLED: usize = 4;

/// A worker process from call to call and from part to part. It dies with the thread that starts it: here, or where it is first given
/// something to do.
#[derive(Debug, Default)]
pub struct Bench {
    child: Option<Child>,
    /// What the worker reads.
    taken: Option<Taken>,
    deaths: u32,
}

impl Bench {
    /// With a worker that makes itself ready from now on.
    pub fn start(charge: &Charge) -> Result<Self, Stop> {
        Ok(Self { child: Some(Child::start(charge)?), ..Self::default() })
    }

    /// Gives the worker a call.
    pub fn give(&mut self, work: &Work<'_>, call: &PlannedCall, taken: Taken) -> Result<(), Stop> {
        let task = Task { key: call.key.clone(), path: to_name(&taken.path) };
        self.taken = Some(taken);
        let child = match &mut self.child {
            Some(child) => child,
            none => none.insert(Child::start(work.charge)?),
        };
        child.ready()?;
        child.give(&task);
        Ok(())
    }

    /// Waits for what comes of the call that was given; tries again where the worker died.
    pub fn answer(&mut self, work: &Work<'_>, row: &mut CallRow) -> Result<Vec<Value>, Stop> {
        let mut tries = 1;
        loop {
            let Some(child) = &mut self.child else { return Ok(Vec::new()) };
            match child.answer(work.limits, &|| (work.step)(Step::Within)) {
                Answer::Done(end, records) => {
                    // What has changed while it was read is nothing that was planned.
                    match work.source().still(&row.call) {
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
                    if let Some(taken) = self.taken.take().filter(|_| tries < most && !work.stopping()) {
                        tries += 1;
                        self.give(work, &row.call, taken)?;
                        continue;
                    }
                    (row.error, row.error_message) = (Some(error), Some(why));
                    return Ok(Vec::new());
                }
            }
        }
    }

    /// Lets the worker go: one that is left in the middle of a call is of no use to anybody.
    pub fn clear(&mut self) {
        (self.child, self.taken) = (None, None);
    }

    /// Workers that died here since this was last asked.
    pub fn deaths(&mut self) -> u32 {
        std::mem::take(&mut self.deaths)
    }
}
