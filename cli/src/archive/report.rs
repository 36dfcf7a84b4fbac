//! `affect archive report`: one page about all calls of a run, and pages of single calls.

use super::machine::PlaceArgs;
use super::pages::Pages;
use super::source::store;
use super::status::{WhichArgs, code};
use super::{COMPLETE, Stop, WITH_ERRORS, mismatch};
use crate::interrupt;
use crate::report::Audio;
use crate::report::overview::{About, html};
use affect_archive::plan::plans;
use affect_archive::{Run, overview, status};
use affect_media::files::{Complete, Kind, to_name};
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder of plans and results.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// The page to write. It appears when it is complete.
    #[arg(long, value_name = "PAGE.html")]
    html: PathBuf,
    /// A page for each call worth listening to, in this folder below that of the page, which links them. They are analysed anew, with
    /// the settings of the run.
    #[arg(long, value_name = "FOLDER", conflicts_with = "call")]
    pages: Option<PathBuf>,
    /// The page of one call instead, by its name in the archive (the column key of the tables).
    #[arg(long, value_name = "KEY")]
    call: Option<String>,
    /// For the page of one call: the recording itself, as in affect report.
    #[arg(long, value_enum, default_value = "none", requires = "call")]
    audio: Audio,
    /// No progress on standard error.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    places: PlaceArgs,
    #[command(flatten)]
    which: WhichArgs,
}

/// What decides the numbers of a run, as names and values.
fn made_with(run: &Run) -> Vec<(String, String)> {
    let i = &run.identity;
    let listed = |list: &[String]| if list.is_empty() { "by role".to_owned() } else { list.join(", ") };
    let mut out = vec![
        ("run".to_owned(), run.id.clone()),
        ("software".to_owned(), i.software.clone()),
        ("feature set".to_owned(), format!("{}, version {}", i.feature_set, i.feature_set_version)),
        ("SHA-256 of the model".to_owned(), i.model_sha256.clone().unwrap_or_else(|| "no model".to_owned())),
        ("run by".to_owned(), i.engine.clone().unwrap_or_else(|| "no engine".to_owned())),
        ("roles".to_owned(), if i.roles.is_empty() { "none".to_owned() } else { i.roles.join(", ") }),
        ("policies".to_owned(), listed(&i.policy)),
    ];
    out.extend(i.settings.iter().map(|(name, value)| (name.clone(), value.clone())));
    out
}

pub fn run(args: &ReportArgs) -> Result<u8, Stop> {
    let store = store(&args.out)?;
    let run = args.which.find(&*store, &args.out)?;
    let plans = plans(&*store)?;
    let pages = || {
        interrupt::flag();
        Pages::new(&store, &run, &plans, &args.places, args.quiet)
    };
    if let (None, None, Some(option)) = (&args.pages, &args.call, args.places.given()) {
        return Err(mismatch(format!(
            "{option} is for pages of calls: add --pages FOLDER or --call KEY, or leave it out"
        )));
    }
    if let Some(key) = &args.call {
        return Ok(if pages()?.write(key, None, &args.html, args.audio)? { COMPLETE } else { WITH_ERRORS });
    }
    let status = status(&store, &run, &plans)?;
    let overview = overview::read(&store, &run, &mut |_, _| {})?;
    let links = match &args.pages {
        Some(folder) => pages()?.of_interest(&overview, &args.html, folder)?,
        None => BTreeMap::new(),
    };
    let folder = args.out.canonicalize().unwrap_or_else(|_| args.out.clone());
    let about = About {
        name: to_name(folder.file_name().unwrap_or(folder.as_os_str())),
        planned: Some(status.planned.calls),
        parts: Some((status.planned.parts, status.committed.parts)),
        made_with: made_with(&run),
        links,
    };
    let page = html(&overview, &about).map_err(mismatch)?;
    let failed = |e: std::io::Error| Stop(super::AWAY, format!("cannot write to \"{}\": {e}", args.html.display()));
    Complete::write(&args.html, Kind::Text, page.as_bytes()).map_err(failed)?;
    Ok(code(&status))
}
