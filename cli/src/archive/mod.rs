//! `affect archive`: recorded call archives, planned, analysed in parts that are committed once, resumed, verified, and shown on a page.

mod bench;
mod child;
mod here;
mod listing;
mod log;
mod machine;
mod measures;
mod metadata;
mod pages;
mod part;
mod plan;
mod queue;
mod report;
mod run;
mod settings;
mod shard;
mod share;
mod source;
mod status;
mod units;
mod verify;
mod wire;
mod worker;
#[cfg(debug_assertions)]
mod worker_fault;

use affect_archive::ArchiveError;
use clap::{Args, Subcommand};

/// Everything that was asked for is committed, without an error.
const COMPLETE: u8 = 0;
/// Everything is committed, and some calls have an error.
const WITH_ERRORS: u8 = 1;
/// The command line, the plan or the run does not fit: trying again does not help.
const MISMATCH: u8 = 2;
/// Something is not committed yet.
const INCOMPLETE: u8 = 3;
/// Storage is full or away, or the queue is away: trying again later does (EX_TEMPFAIL of sysexits.h).
const AWAY: u8 = 75;

/// Archives of recorded calls.
///
/// Exit code of all verbs: 0 everything is committed, 1 the same with calls that have an error, 2 wrong usage, or plan, settings or
/// software do not fit (trying again does not help), 3 not everything is committed (interrupted, or never begun), 75 storage is full or
/// away, or the queue is away (try again). With submit 0 means that what is not committed is in the queue, with work that there was
/// nothing to do any more.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the recordings below a folder and freezes the list into parts, with the settings of the analysis.
    Plan(Box<plan::PlanArgs>),
    /// Analyses the parts that are not committed yet. What is killed is resumed by running it again, on as many machines as there are.
    Run(Box<run::RunArgs>),
    /// Puts the parts that are not committed into a queue, for workers on any machine.
    Submit(Box<queue::SubmitArgs>),
    /// Takes parts from a queue and analyses them. What is killed is given to another worker.
    Work(Box<queue::WorkArgs>),
    /// How far it is.
    Status(status::StatusArgs),
    /// Whether every committed part holds what its plan says, each result once, in files as they were committed.
    Verify(verify::VerifyArgs),
    /// A page about all calls: what was done and what failed, sound quality, distributions, groups, calls worth listening to.
    Report(report::ReportArgs),
    /// Analyses calls for a parent.
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
}

/// Why a verb ends early: the exit code, and a sentence.
#[derive(Debug)]
struct Stop(u8, String);

impl From<ArchiveError> for Stop {
    fn from(e: ArchiveError) -> Self {
        Self(if e.is_storage() { AWAY } else { MISMATCH }, e.to_string())
    }
}

impl From<affect_archive::store::StoreError> for Stop {
    fn from(e: affect_archive::store::StoreError) -> Self {
        ArchiveError::from(e).into()
    }
}

/// A sentence about usage.
fn mismatch(why: impl Into<String>) -> Stop {
    Stop(MISMATCH, why.into())
}

/// A word that no other attempt has.
fn attempt() -> Result<String, Stop> {
    let mut bytes = [0u8; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|e| Stop(AWAY, format!("no random numbers: {e}")))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Runs a verb; returns the exit code.
pub fn run(args: &ArchiveArgs) -> u8 {
    let outcome = match &args.verb {
        Verb::Plan(a) => plan::run(a),
        Verb::Run(a) => run::run(a),
        Verb::Submit(a) => queue::submit(a),
        Verb::Work(a) => queue::work(a),
        Verb::Status(a) => status::run(a),
        Verb::Verify(a) => verify::run(a),
        Verb::Report(a) => report::run(a),
        Verb::Worker(a) => worker::run(a),
    };
    outcome.unwrap_or_else(|Stop(code, why)| {
        eprintln!("affect: {why}");
        code
    })
}
