//! `affect archive status`.

use super::queue::{Depth, QueueArgs, ReachArgs, depth};
use super::source::store;
use super::units::amount;
use super::{COMPLETE, INCOMPLETE, Stop, WITH_ERRORS, mismatch};
use crate::say;
use affect_archive::plan::plans;
use affect_archive::store::Store;
use affect_archive::{Run, Status, status};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Folder of plans and results.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    which: WhichArgs,
    /// As one line of JSON.
    #[arg(long)]
    json: bool,
    /// Also what a queue holds: nats://[user:password@]host[:port][,host...][/name], or tls://...
    #[arg(long, value_name = "ADDRESS")]
    queue: Option<String>,
    #[command(flatten)]
    reach: ReachArgs,
}

/// What is said as JSON.
#[derive(serde::Serialize)]
struct Said<'a> {
    #[serde(flatten)]
    status: &'a Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a Depth>,
}

/// Which run of several.
#[derive(Debug, Clone, Args)]
pub struct WhichArgs {
    /// The run, by its id or the beginning of it, where there are several: of other settings, another model, other software.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

impl WhichArgs {
    /// The run that is meant: the named one, or the only one, or the only one of this software.
    pub fn find(&self, store: &dyn Store, out: &Path) -> Result<Run, Stop> {
        let mut all = Run::all(store)?;
        let place = out.display();
        if all.is_empty() {
            return Err(mismatch(format!(
                "{place}: no run is planned here: expected the folder of affect archive plan --out"
            )));
        }
        if let Some(begin) = &self.run {
            all.retain(|r| r.id.starts_with(begin.as_str()));
        } else if all.len() > 1 {
            let ours = |r: &Run| r.identity.software == affect::record::SOFTWARE;
            if all.iter().filter(|r| ours(r)).count() == 1 {
                all.retain(ours);
            }
        }
        match &mut all[..] {
            [_] => Ok(all.remove(0)),
            [] => {
                Err(mismatch(format!("{place}: no run begins with --run {}", self.run.as_deref().unwrap_or_default())))
            }
            several => {
                let ids: Vec<String> = several.iter().map(|r| format!("{} ({})", r.id, r.identity.software)).collect();
                Err(mismatch(format!("{place}: there are several runs: choose one with --run: {}", ids.join(", "))))
            }
        }
    }
}

/// What a state is as an exit code.
pub fn code(status: &Status) -> u8 {
    match (status.complete && status.unreadable_parts.is_empty(), status.failed_calls) {
        (false, _) => INCOMPLETE,
        (true, 0) => COMPLETE,
        (true, _) => WITH_ERRORS,
    }
}

/// Hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Errors by their words.
pub fn errors(status: &Status) -> String {
    let list: Vec<String> = status.errors.iter().map(|(word, n)| format!("{n} {word}")).collect();
    if list.is_empty() { "no errors".to_owned() } else { format!("errors: {}", list.join(", ")) }
}

fn text(s: &Status) -> String {
    let mut out = format!(
        "run {}\n{} of {} parts are committed, {} of {} calls ({} of {}); {}\n{:.2} hours of audio, {} results\n",
        s.run,
        s.committed.parts,
        s.planned.parts,
        s.committed.calls,
        s.planned.calls,
        amount(s.committed.bytes),
        amount(s.planned.bytes),
        errors(s),
        s.audio_hours,
        s.utterances
    );
    if !s.unreadable_parts.is_empty() {
        out +=
            &format!("{} committed parts cannot be read: affect archive verify says why\n", s.unreadable_parts.len());
    }
    if !s.complete {
        out += &format!("{} parts are under way", s.parts_under_way);
        if let (Some(rate), Some(left)) = (s.bytes_per_second, s.remaining_s) {
            out += &format!("; at {} a second the rest takes {}", amount(rate as u64), clock(left));
        }
        out += "\n";
    }
    out
}

pub fn run(args: &StatusArgs) -> Result<u8, Stop> {
    let store = store(&args.out)?;
    let run = args.which.find(&*store, &args.out)?;
    let status = status(&store, &run, &plans(&*store)?)?;
    let queue = args.queue.as_ref().map(|queue| {
        let committed = run.committed(&*store)?;
        depth(&QueueArgs::new(queue, &args.reach), &args.out, &run, &committed)
    });
    let queue = queue.transpose()?;
    let said = if args.json {
        let said = Said { status: &status, queue: queue.as_ref() };
        let json = serde_json::to_string(&said).map_err(|e| mismatch(e.to_string()))?;
        format!("{json}\n")
    } else {
        text(&status) + &queue.map(|q| q.text()).unwrap_or_default()
    };
    say(&said).map_err(|e| Stop(super::AWAY, e))?;
    Ok(code(&status))
}
