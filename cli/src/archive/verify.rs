//! `affect archive verify`.

use super::here::ledger;
use super::source::store;
use super::status::{WhichArgs, code, errors};
use super::{INCOMPLETE, Stop};
use crate::progress::Progress;
use crate::say;
use affect_archive::calls::CallError;
use affect_archive::plan::plans;
use affect_archive::{Columns, Wanted, status, sweep, verify};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Folder of plans and results.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    which: WhichArgs,
    /// Delete what does not hold, so that `affect archive run` does it again, and what dead attempts left behind.
    #[arg(long)]
    repair: bool,
    /// With --repair: parts with calls that have these errors are done again too, for example no-decoder,timed-out.
    #[arg(long, value_name = "ERRORS", value_delimiter = ',', requires = "repair")]
    again: Vec<CallError>,
    /// With --repair: what dead attempts wrote is deleted when it is that old.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = super::units::time)]
    grace: Duration,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
}

pub fn run(args: &VerifyArgs) -> Result<u8, Stop> {
    let store = store(&args.out)?;
    let run = args.which.find(&*store, &args.out)?;
    let plans = plans(&*store)?;
    let ledger = ledger(store.clone(), run, Columns::default(), Vec::new());
    let bar = Progress::count(args.quiet, "parts");
    bar.set_total(ledger.run.committed(&*store)?.len() as u64);
    let faults = verify(&ledger, &plans, Wanted { repair: args.repair, again: &args.again }, &mut || bar.step())?;
    drop(bar);
    for fault in &faults {
        eprintln!("affect: part {}: {}", fault.part, fault.why);
    }
    let mut said = String::new();
    if args.repair {
        let dead = sweep(&ledger, args.grace)?;
        said += &format!("{} parts are to be done again, {} leftovers are deleted\n", faults.len(), dead.len());
    }
    let now = status(&store, &ledger.run, &plans)?;
    let hold = now.committed.parts - (if args.repair { 0 } else { faults.len() as u64 }).min(now.committed.parts);
    said += &format!("{hold} of {} parts are committed and hold; {}\n", now.planned.parts, errors(&now));
    say(&said).map_err(|e| Stop(super::AWAY, e))?;
    Ok(if faults.is_empty() { code(&now) } else { INCOMPLETE })
}
