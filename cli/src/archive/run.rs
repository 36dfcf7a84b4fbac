//! `affect archive run`.

use super::child::{Child, Limits};
use super::part::{Done, Work};
use super::settings::SettingArgs;
use super::shard::Shard;
use super::source::{Source, store};
use super::status::{WhichArgs, code, errors};
use super::units::{bytes, time};
use super::wire::Charge;
use super::{COMPLETE, INCOMPLETE, Stop, WITH_ERRORS, attempt, measures, mismatch};
use crate::interrupt;
use crate::progress::Progress;
use affect_archive::calls::Summary;
use affect_archive::plan::{Plan, PlanTable, plans};
use affect_archive::store::{Store, StoreError};
use affect_archive::{ArchiveError, Columns, Ledger, Outcome, Run, status, sweep};
use affect_media::files::to_name;
use clap::Args;
use std::collections::{BTreeMap, VecDeque};
use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Parts that are worked on at the same time; as many as there are cores without it.
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Time without progress after which a call is given up.
    #[arg(long, value_name = "TIME", default_value = "300s", value_parser = time)]
    stall: Duration,
    /// Time after which a call is given up in any case.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    timeout_per_call: Duration,
    /// Memory of a worker process at which its call is given up.
    #[arg(long, value_name = "BYTES", default_value = "2GiB", value_parser = bytes)]
    memory: u64,
    /// Where the recordings are on this machine, if not where they were planned.
    #[arg(long, value_name = "FOLDER")]
    source: Option<PathBuf>,
    /// Where the model is on this machine, if not where it was planned. It has to be the same.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Where its card is, likewise.
    #[arg(long, value_name = "FILE")]
    model_card: Option<PathBuf>,
    /// ONNX Runtime's shared library, where it shall not be searched for (also ORT_DYLIB_PATH).
    #[arg(long, value_name = "FILE")]
    runtime_library: Option<PathBuf>,
    /// What dead attempts left behind is deleted when it is that old.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    grace: Duration,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
}

/// What a run's parts are written with. The columns matter only to who writes.
pub fn ledger(store: Arc<dyn Store>, run: Run, columns: Columns, numbers: Vec<String>) -> Ledger {
    let identity = &run.identity;
    let provenance = serde_json::json!({
        "software": identity.software,
        "feature_set": identity.feature_set,
        "feature_set_version": identity.feature_set_version,
        "model_sha256": identity.model_sha256,
        "engine": identity.engine,
        "decoder": gst::version_string().as_str(),
    });
    Ledger { store, columns, numbers, provenance: provenance.to_string(), run }
}

/// A part that is to be done.
struct Todo {
    number: u32,
    /// Which plan.
    plan: usize,
}

/// Which parts are asked for.
fn wanted(args: &RunArgs, plans: &[Plan]) -> Result<Vec<Todo>, Stop> {
    let shard = args.shard.as_deref().map(|s| Shard::parse(s, &|name| std::env::var(name).ok())).transpose()?;
    let all = plans.iter().enumerate().flat_map(|(plan, p)| p.numbers().map(move |number| Todo { number, plan }));
    let mine = |t: &Todo| args.part.is_none_or(|p| p == t.number) && shard.is_none_or(|s| s.holds(t.number));
    let mine: Vec<Todo> = all.filter(mine).collect();
    match args.part {
        Some(part) if mine.is_empty() => Err(mismatch(format!("--part {part}: no plan has this part"))),
        _ => Ok(mine),
    }
}

/// The run as this machine does it; refuses to if its results would be others.
fn opened(args: &RunArgs, planned: Run) -> Result<(Charge, Columns, Vec<String>), Stop> {
    let mut charge = Charge { run: planned, runtime_library: args.runtime_library.as_ref().map(to_name) };
    let here = |path: &Option<PathBuf>| path.as_deref().map(super::settings::absolute);
    charge.run.model = here(&args.model).or(charge.run.model);
    charge.run.model_card = here(&args.model_card).or(charge.run.model_card);
    let mut settings = SettingArgs::of(&charge.run).map_err(mismatch)?;
    settings.analysis.common.runtime_library.clone_from(&args.runtime_library);
    let config = settings.config().map_err(mismatch)?;
    let ours = settings.run(&config).map_err(mismatch)?;
    if ours.id != charge.run.id {
        return Err(mismatch(format!(
            "run {} would give other results here, and results never mix: plan again for a run of its own ({})",
            charge.run.id,
            charge.run.identity.differences(&ours.identity).join("; ")
        )));
    }
    let set = config.sets.first().copied().unwrap_or_default();
    let columns = Columns::of(set.functionals(), config.scorer.as_deref());
    let numbers = measures::names(&config, &columns);
    Ok((charge, columns, numbers))
}

/// A line of JSON about a part, for whoever keeps logs.
fn line(number: u32, outcome: &Result<Done, Stop>, seconds: f64) -> String {
    let (word, summary, deaths, why) = match outcome {
        Ok(done) => {
            let word = match done.outcome {
                Some(Outcome::Committed) => "committed",
                Some(Outcome::Lost) => "committed-elsewhere",
                None => "interrupted",
            };
            (word, Some(&done.summary), done.deaths, None)
        }
        Err(Stop(_, why)) => ("failed", None, 0, Some(why)),
    };
    serde_json::json!({
        "part": number,
        "outcome": word,
        "calls": summary.map(|s| s.calls),
        "errors": summary.map(|s| &s.errors),
        "audio_s": summary.map(|s| s.audio_ns as f64 / 1e9),
        "results": summary.map(|s| s.utterances),
        "dead_workers": deaths,
        "seconds": (seconds * 1000.0).round() / 1000.0,
        "why": why,
    })
    .to_string()
}

/// Writes a line of the log to standard output, unless a person sits there. A log that cannot be written is no reason to stop.
fn log(line: &str) {
    let mut out = std::io::stdout().lock();
    if !out.is_terminal() {
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

/// What a job says about a part.
type News = (u32, Result<Done, Stop>, f64);

pub fn run(args: &RunArgs) -> Result<u8, Stop> {
    let store = store(&args.out)?;
    let planned = args.which.find(&*store, &args.out)?;
    let plans = plans(&*store)?;
    let mine = wanted(args, &plans)?;
    let (charge, columns, numbers) = opened(args, planned.clone())?;
    interrupt::flag();
    let ledger = ledger(store.clone(), planned, columns, numbers);
    let committed = ledger.run.committed(&*store)?;
    let mut todo: VecDeque<&Todo> = mine.iter().filter(|t| !committed.contains_key(&t.number)).collect();
    let numbers: Vec<u32> = mine.iter().map(|t| t.number).collect();
    if !todo.is_empty() {
        // Several machines without shards begin in different places.
        let by = usize::from_str_radix(&attempt()?[..4], 16).unwrap_or(0) % todo.len();
        todo.rotate_left(by);
        work(args, &plans, &ledger, &charge, todo)?;
    }
    if let Err(e) = sweep(&ledger, args.grace) {
        eprintln!("affect: note: what dead attempts left behind stays for now: {e}");
    }
    ended(args, &plans, &ledger, &numbers)
}

/// Does parts, several at a time.
fn work(args: &RunArgs, plans: &[Plan], ledger: &Ledger, charge: &Charge, todo: VecDeque<&Todo>) -> Result<(), Stop> {
    let mut tables: BTreeMap<usize, (PlanTable, Source)> = BTreeMap::new();
    for plan in todo.iter().map(|t| t.plan) {
        if let std::collections::btree_map::Entry::Vacant(e) = tables.entry(plan) {
            let source = match &args.source {
                Some(place) => Source::open(place)?,
                None => Source::planned(&plans[plan].source)?,
            };
            e.insert((PlanTable::open(&ledger.store, &plans[plan])?, source));
        }
    }
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let jobs = args.jobs.unwrap_or(cores).get().min(todo.len());
    let sizes = |t: &&Todo| plans[t.plan].parts.get((t.number - plans[t.plan].first_part) as usize).map_or(0, |p| p.0);
    let calls: u64 = todo.iter().map(sizes).sum();
    let bar = Progress::count(args.quiet, "calls");
    bar.set_total(calls);
    let stepped = AtomicU64::new(0);
    let step = || {
        stepped.fetch_add(1, Ordering::Relaxed);
    };
    let (parts, halt) = (todo.len(), AtomicBool::new(false));
    let todo = Mutex::new(todo);
    let limits = Limits { stall: args.stall, call: args.timeout_per_call, memory: args.memory };
    let (say, hear) = channel::<News>();
    let job = |say: Sender<News>| {
        // From part to part the same one: it dies with this thread.
        let mut worker = None;
        while !interrupt::asked() && !halt.load(Ordering::Relaxed) {
            let next = todo.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(next) = next else { return };
            let begun = Instant::now();
            let outcome = one(ledger, plans, &tables, charge, limits, &halt, &step, next, &mut worker);
            halt.fetch_or(outcome.is_err(), Ordering::Relaxed);
            if let Some(outcome) = outcome.transpose()
                && say.send((next.number, outcome, begun.elapsed().as_secs_f64())).is_err()
            {
                return;
            }
        }
    };
    let mut stop: Option<Stop> = None;
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let say = say.clone();
            scope.spawn(|| job(say));
        }
        drop(say);
        let mut over = 0;
        loop {
            bar.set_position(stepped.load(Ordering::Relaxed), Some(calls));
            bar.message(&format!("{over} of {parts} parts"));
            match hear.recv_timeout(Duration::from_millis(200)) {
                Ok((number, outcome, seconds)) => {
                    over += 1;
                    log(&line(number, &outcome, seconds));
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

/// Does a part; nothing where another machine has it already.
#[allow(clippy::too_many_arguments, reason = "it is the body of a closure, taken out to be read")]
fn one(
    ledger: &Ledger,
    plans: &[Plan],
    tables: &BTreeMap<usize, (PlanTable, Source)>,
    charge: &Charge,
    limits: Limits,
    halt: &AtomicBool,
    step: &(dyn Fn() + Sync),
    next: &Todo,
    worker: &mut Option<Child>,
) -> Result<Option<Done>, Stop> {
    if ledger.run.is_committed(&*ledger.store, next.number)? {
        return Ok(None);
    }
    let Some((table, source)) = tables.get(&next.plan) else { return Ok(None) };
    let work = Work { ledger, source, charge, limits, halt, step };
    work.part(&plans[next.plan], table, next.number, &attempt()?, worker).map(Some)
}

/// Says how it stands; returns the exit code for the parts that were asked for.
fn ended(args: &RunArgs, plans: &[Plan], ledger: &Ledger, numbers: &[u32]) -> Result<u8, Stop> {
    let store = &ledger.store;
    let all = status(store, &ledger.run, plans)?;
    if !args.quiet {
        let (parts, planned) = (all.committed.parts, all.planned.parts);
        eprintln!("affect: {parts} of {planned} parts are committed, {} calls; {}", all.committed.calls, errors(&all));
    }
    if args.part.is_none() && args.shard.is_none() {
        return Ok(code(&all));
    }
    let mut mine = Summary::default();
    for number in numbers {
        match ledger.run.summary(store, *number) {
            Ok(summary) => mine.add(&summary),
            Err(ArchiveError::Store(StoreError::Absent { .. })) => return Ok(INCOMPLETE),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(if mine.failed() == 0 { COMPLETE } else { WITH_ERRORS })
}
