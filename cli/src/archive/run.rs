//! `affect archive run`.

use super::bench::Bench;
use super::here::Here;
use super::log::{line, log};
use super::machine::MachineArgs;
use super::part::{Done, Step};
use super::shard::Shard;
use super::share::{Share, Turn};
use super::source::store;
use super::status::{WhichArgs, code, errors};
use super::{COMPLETE, INCOMPLETE, Stop, WITH_ERRORS, attempt, mismatch};
use crate::interrupt;
use crate::progress::Progress;
use affect_archive::calls::Summary;
use affect_archive::plan::{Plan, plans};
use affect_archive::store::StoreError;
use affect_archive::{ArchiveError, status, sweep};
use clap::Args;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folder of plans and results.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    which: WhichArgs,
    /// Only this part.
    #[arg(long, value_name = "N", conflicts_with = "shard")]
    part: Option<u32>,
    /// Only every N-th part, from the I-th on (from 0), for several machines: I/N; or env/N with the index from SLURM_ARRAY_TASK_ID,
    /// JOB_COMPLETION_INDEX or AWS_BATCH_JOB_ARRAY_INDEX; or env where these also say of how many.
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Which parts are asked for.
fn wanted(args: &RunArgs, plans: &[Plan]) -> Result<Vec<u32>, Stop> {
    let shard = args.shard.as_deref().map(|s| Shard::parse(s, &|name| std::env::var(name).ok())).transpose()?;
    let mine = |part: &u32| args.part.is_none_or(|p| p == *part) && shard.is_none_or(|s| s.holds(*part));
    let mine: Vec<u32> = plans.iter().flat_map(Plan::numbers).filter(mine).collect();
    match args.part {
        Some(part) if mine.is_empty() => Err(mismatch(format!("--part {part}: no plan has this part"))),
        _ => Ok(mine),
    }
}

/// What a job says about a part.
type News = (u32, Result<Done, Stop>, f64);

pub fn run(args: &RunArgs) -> Result<u8, Stop> {
    let store = store(&args.out)?;
    let planned = args.which.find(&*store, &args.out)?;
    let plans = plans(&*store)?;
    let mine = wanted(args, &plans)?;
    interrupt::flag();
    let committed = planned.committed(&*store)?;
    let mut todo: VecDeque<u32> = mine.iter().copied().filter(|n| !committed.contains_key(n)).collect();
    let calls = todo.iter().map(|n| calls(&plans, *n)).sum();
    // The workers make themselves ready while this process does. They die with this thread, which outlives all jobs.
    let charge = args.machine.places.charge(&planned);
    let jobs = args.machine.jobs().min(usize::try_from(calls).unwrap_or(usize::MAX));
    let benches = (0..jobs).map(|_| Bench::start(&charge)).collect::<Result<Vec<_>, _>>()?;
    let here = Here::open(&args.machine, store, planned, plans)?;
    if !todo.is_empty() {
        // Several machines without shards begin in different places.
        let by = usize::from_str_radix(&attempt()?[..4], 16).unwrap_or(0) % todo.len();
        todo.rotate_left(by);
        work(args.machine.quiet, &here, todo, calls, benches)?;
    }
    if let Err(e) = sweep(&here.ledger, args.machine.grace) {
        eprintln!("affect: note: what dead attempts left behind stays for now: {e}");
    }
    ended(args, &here, &mine)
}

/// How many calls a part has.
fn calls(plans: &[Plan], part: u32) -> u64 {
    let plan = plans.iter().find(|p| p.numbers().contains(&part));
    plan.and_then(|p| p.parts.get((part - p.first_part) as usize)).map_or(0, |p| p.0)
}

/// Does parts, one for each bench at a time. A job that has no part any more takes calls of the others'.
fn work(quiet: bool, here: &Here, todo: VecDeque<u32>, calls: u64, benches: Vec<Bench>) -> Result<(), Stop> {
    let bar = Progress::count(quiet, "calls");
    bar.set_total(calls);
    let stepped = AtomicU64::new(0);
    let step = |step: Step| {
        if step == Step::Call {
            stepped.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (parts, halt) = (todo.len(), AtomicBool::new(false));
    let share = Share::new(todo, &halt);
    let (say, hear) = channel::<News>();
    // From call to call and from part to part the same worker.
    let job = |mut bench: Bench, say: Sender<News>| {
        loop {
            let (number, turn) = match share.turn() {
                Turn::Begin(number, turn) => (number, turn),
                Turn::Help(part) => {
                    part.work(&mut bench);
                    continue;
                }
                Turn::Over => return,
            };
            let begun = Instant::now();
            let outcome = here.begin(number, &halt, &step).and_then(|part| {
                let Some(part) = part.map(Arc::new) else { return Ok(None) };
                turn.open(part.clone());
                part.work(&mut bench);
                part.finish().map(Some)
            });
            halt.fetch_or(outcome.is_err(), Ordering::Relaxed);
            drop(turn);
            if let Some(outcome) = outcome.transpose()
                && say.send((number, outcome, begun.elapsed().as_secs_f64())).is_err()
            {
                return;
            }
        }
    };
    let mut stop: Option<Stop> = None;
    std::thread::scope(|scope| {
        for bench in benches {
            let (job, say) = (&job, say.clone());
            scope.spawn(move || job(bench, say));
        }
        drop(say);
        let mut over = 0;
        loop {
            bar.set_position(stepped.load(Ordering::Relaxed), Some(calls));
            bar.message(&format!("{over} of {parts} parts"));
            match hear.recv_timeout(Duration::from_millis(200)) {
                Ok((number, outcome, seconds)) => {
                    over += 1;
                    log(&line(number, &outcome, seconds, serde_json::Map::new()));
                    if let Err(Stop(code, why)) = outcome {
                        // Of several the one that trying again does not mend.
                        stop = match stop.take() {
                            Some(earlier) if earlier.0 <= code => Some(earlier),
                            _ => Some(Stop(code, format!("part {number}: {why}"))),
                        };
                    }
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    drop(bar);
    stop.map_or(Ok(()), Err)
}

/// Says how it stands; returns the exit code for the parts that were asked for.
fn ended(args: &RunArgs, here: &Here, numbers: &[u32]) -> Result<u8, Stop> {
    let (store, run) = (&here.ledger.store, &here.ledger.run);
    let some = args.part.is_some() || args.shard.is_some();
    // The status looks at every committed part: an engine that asks for one part after the other has no use for it.
    if !(some && args.machine.quiet) {
        let all = status(store, run, &here.plans)?;
        if !args.machine.quiet {
            let (parts, planned) = (all.committed.parts, all.planned.parts);
            let calls = all.committed.calls;
            eprintln!("affect: {parts} of {planned} parts are committed, {calls} calls; {}", errors(&all));
        }
        if !some {
            return Ok(code(&all));
        }
    }
    let mut mine = Summary::default();
    for number in numbers {
        match run.summary(store, *number) {
            Ok(summary) => mine.add(&summary),
            Err(ArchiveError::Store(StoreError::Absent { .. })) => return Ok(INCOMPLETE),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(if mine.failed() == 0 { COMPLETE } else { WITH_ERRORS })
}
