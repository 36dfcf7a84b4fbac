//! `affect archive plan`.

use super::listing::Listing;
use super::metadata::Metadata;
use super::settings::SettingArgs;
use super::source::{Source, store};
use super::units::{amount, bytes};
use super::{COMPLETE, Stop, WITH_ERRORS, attempt, mismatch};
use crate::say;
use affect_archive::plan::{Limits, Making, freeze};
use affect_archive::store::probe;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Folder of the recordings, or an address as of --out. Names of calls are relative to it.
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// Folder of plans and results, or an address such as s3://bucket/folder (where this program was built with object stores).
    #[arg(long, short, value_name = "FOLDER")]
    out: PathBuf,
    /// Only recordings whose names relative to the source match, such as '2025/**/*.wav'. Without it those that end like recordings.
    #[arg(long, value_name = "PATTERN")]
    glob: Option<String>,
    /// What else is known of the calls: a CSV table with a column key (or file), and others, which come to the table of calls as
    /// meta_<name>.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// About how many bytes of recordings a part has: the work that is lost where something is killed.
    #[arg(long, value_name = "BYTES", default_value = "4GiB", value_parser = bytes)]
    part_bytes: u64,
    /// Most calls of a part.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u16).range(1..=4096))]
    part_calls: u16,
    #[command(flatten)]
    settings: SettingArgs,
}

pub fn run(args: &PlanArgs) -> Result<u8, Stop> {
    let source = Source::open(&args.source)?;
    let pattern = args.glob.as_deref().map(glob::Pattern::new).transpose();
    let pattern = pattern.map_err(|e| mismatch(format!("--glob: {e}")))?;
    let metadata = args.metadata.as_deref().map(Metadata::read).transpose().map_err(mismatch)?;
    let config = args.settings.config().map_err(mismatch)?;
    let run = args.settings.run(&config).map_err(mismatch)?;
    let store = store(&args.out)?;
    let attempt = attempt()?;
    probe(&*store, &attempt)?;
    let Listing { mut calls, problems } = source.list(pattern.as_ref(), &args.out)?;
    problems.iter().for_each(|p| eprintln!("affect: {p}"));
    if calls.is_empty() {
        return Err(mismatch(format!("{}: no recording is in this folder", args.source.display())));
    }
    let columns = metadata.as_ref().map(|m| m.columns.clone()).unwrap_or_default();
    if let Some(metadata) = metadata {
        let (without, left) = metadata.join(&mut calls);
        if without > 0 {
            eprintln!("affect: note: {without} calls have no row in --metadata");
        }
        if let Some(first) = left.first() {
            eprintln!("affect: note: {} rows of --metadata are of no call, for example {first:?}", left.len());
        }
    }
    let making = Making {
        source: source.name(),
        pattern: args.glob.clone(),
        metadata: columns,
        limits: Limits { bytes: args.part_bytes, calls: usize::from(args.part_calls) },
        attempt: attempt.clone(),
    };
    let frozen = freeze(&store, calls, &making)?;
    let new_run = run.save(&*store, &attempt)?;
    let mut said = match &frozen.plan {
        Some(plan) => format!(
            "plan {}: {} calls in {} parts, {}\n",
            plan.id,
            plan.calls(),
            plan.parts.len(),
            amount(plan.bytes())
        ),
        None => "no call is new: there is no new plan\n".to_owned(),
    };
    if frozen.known + frozen.changed > 0 {
        said += &format!(
            "{} calls are in earlier plans, {} of the new plan have changed since\n",
            frozen.known, frozen.changed
        );
    }
    said += &format!("run {}{}\n", run.id, if new_run { "" } else { ", as before" });
    said += &format!("next: affect archive run {}\n", args.out.display());
    say(&said).map_err(|e| Stop(super::AWAY, e))?;
    Ok(if problems.is_empty() { COMPLETE } else { WITH_ERRORS })
}
