//! A thread that does parts, one after the other, with a worker process that stays; and the archives that parts belong to.

use super::super::bench::Bench;
use super::super::here::Here;
use super::super::log::{line, log};
use super::super::machine::MachineArgs;
use super::super::part::{Done, Step};
use super::super::source::store;
use super::super::{AWAY, MISMATCH, Stop};
use super::lease::News;
use super::message::Part;
use super::verdict::End;
use affect_archive::plan::plans;
use affect_archive::{Run, sweep};
use affect_media::files::from_name;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc::UnboundedSender;

/// A part for a thread.
#[derive(Debug)]
pub struct Order {
    pub part: Part,
    pub deliveries: u64,
    /// Whether it is worth a try; else it is only looked whether somebody has committed it.
    pub may_try: bool,
    /// Where to say how it gets on.
    pub news: UnboundedSender<News>,
}

/// The archives that parts belong to, as they are on this machine.
pub struct Archives<'a> {
    machine: &'a MachineArgs,
    /// Name of the place that they have to be in, where there is one.
    within: Option<String>,
    open: Mutex<BTreeMap<(String, String), Arc<Here<'a>>>>,
}

impl<'a> Archives<'a> {
    pub fn new(machine: &'a MachineArgs, within: Option<String>) -> Self {
        Self { machine, within, open: Mutex::default() }
    }

    /// The run of a part, ready to be worked on.
    fn here(&self, part: &Part) -> Result<Arc<Here<'a>>, End> {
        let key = (part.archive.clone(), part.run.clone());
        // Held while an archive is opened: the others would only open it too.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = open.get(&key).filter(|h| h.has(part.part)) {
            return Ok(here.clone());
        }
        let here = Arc::new(self.opened(part)?);
        open.insert(key, here.clone());
        Ok(here)
    }

    fn opened(&self, part: &Part) -> Result<Here<'a>, End> {
        let failed = |Stop(code, why): Stop| End::Failed(code, why);
        if let Some(within) = self.within.as_deref().map(|w| w.trim_end_matches('/'))
            && !part.archive.strip_prefix(within).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            return Err(End::Impossible(format!("{}: is not within {within}, where this worker may be", part.archive)));
        }
        let place = PathBuf::from(from_name(&part.archive));
        let store = store(&place).map_err(failed)?;
        let plans = plans(&*store).map_err(|e| failed(e.into()))?;
        if plans.is_empty() {
            // Perhaps it is not mounted here.
            return Err(End::Failed(AWAY, format!("{}: no plan is here: expected an archive", place.display())));
        }
        let run = Run::all(&*store).map_err(|e| failed(e.into()))?.into_iter().find(|r| r.id == part.run);
        let Some(run) = run else {
            return Err(End::Impossible(format!("{}: there is no run {} here", place.display(), part.run)));
        };
        let here = Here::open(self.machine, store, run, plans).map_err(failed)?;
        if here.has(part.part) {
            return Ok(here);
        }
        Err(End::Impossible(format!("{}: no plan has the part {}", place.display(), part.part)))
    }

    /// Deletes what dead attempts left behind.
    pub fn sweep(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for here in open.values() {
            if let Err(e) = sweep(&here.ledger, self.machine.grace) {
                eprintln!("affect: note: what dead attempts left behind stays for now: {e}");
            }
        }
    }
}

/// Does what is ordered until nobody orders any more. From part to part the worker is the same: it dies with this thread.
pub fn hand(orders: &Receiver<Order>, archives: &Archives, halt: &AtomicBool) {
    let mut bench = Bench::default();
    while let Ok(order) = orders.recv() {
        let end = one(&order, archives, &mut bench, halt);
        // Who does not hear it any more has left.
        let _ = order.news.send(News::End(end));
    }
}

fn one(order: &Order, archives: &Archives, bench: &mut Bench, halt: &AtomicBool) -> End {
    let begun = Instant::now();
    let here = match archives.here(&order.part) {
        Ok(here) => here,
        Err(end) => {
            if let End::Impossible(why) | End::Failed(_, why) = &end {
                log_part(order, &Err(Stop(MISMATCH, why.clone())), begun);
            }
            return end;
        }
    };
    if !order.may_try {
        let run = &here.ledger.run;
        return match run.is_committed(&*here.ledger.store, order.part.part) {
            Ok(true) => End::Committed,
            Ok(false) => End::GivenUp,
            Err(e) => End::Failed(AWAY, e.to_string()),
        };
    }
    let step = |_: Step| {
        // The same.
        let _ = order.news.send(News::Step);
    };
    let outcome = match here.begin(order.part.part, halt, &step) {
        Ok(None) => return End::Committed,
        Ok(Some(part)) => {
            part.work(bench);
            part.finish()
        }
        Err(stop) => Err(stop),
    };
    log_part(order, &outcome, begun);
    match outcome {
        Ok(Done { outcome: Some(_), .. }) => End::Committed,
        Ok(_) => End::Interrupted,
        Err(Stop(code, why)) => End::Failed(code, why),
    }
}

/// A line about it in the log.
fn log_part(order: &Order, outcome: &Result<Done, Stop>, begun: Instant) {
    let mut about = serde_json::Map::new();
    about.insert("run".to_owned(), order.part.run.clone().into());
    about.insert("deliveries".to_owned(), order.deliveries.into());
    log(&line(order.part.part, outcome, begun.elapsed().as_secs_f64(), about));
}
