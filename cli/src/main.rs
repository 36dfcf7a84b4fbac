//! The `affect` command: thin verbs over the library and the plugin.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

/// Prints a line; whoever reads may have had enough.
#[macro_export]
macro_rules! say_line {
    ($($arg:tt)*) => { $crate::say(&format!("{}\n", format_args!($($arg)*)))? };
}

mod alter;
mod analysis_args;
mod analyze;
mod archive;
mod args;
mod attribute;
mod attribute_waveform;
mod captions;
mod card;
mod conversation;
mod differentiate;
mod explain_model;
mod features;
mod identify;
mod inputs;
mod interrupt;
mod intervene;
mod list;
mod memory;
mod model_args;
mod output;
mod picture;
mod probe;
mod progress;
mod report;
mod score;
mod smooth;
mod speaker_args;
mod tables;
mod timeline;
mod train;
mod whole;

use args::{Command, Job};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// Everything was done.
const DONE: u8 = 0;
/// Some file could not be read or is not complete, or results could not be written.
const FAILED: u8 = 1;
/// The command line is wrong; clap exits with the same number.
const USAGE: u8 = 2;
/// Interrupted; what shells make of SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let code = match args::Cli::parse().command {
        Command::Features(raw) => match raw.resolve() {
            Err(message) => {
                eprintln!("affect: {message}");
                USAGE
            }
            Ok(Job::List { sets, json }) => list::print(&sets, json),
            Ok(Job::Extract(job)) => features::run(&job),
        },
        Command::Analyze(a) => analyze::run(&a),
        // Its codes say what an engine does with them, interruptions included.
        Command::Archive(a) => return ExitCode::from(archive::run(&a)),
        Command::Report(a) => report::run(&a),
        Command::Score(a) => exit_code(score::run(&a)),
        Command::Attribute(a) => exit_code(attribute::run(&a)),
        Command::Card(a) => exit_code(card::run(&a)),
        Command::Alter(a) => exit_code(alter::run(&a)),
        Command::Picture(a) => exit_code(picture::run(&a)),
        Command::ExplainModel(a) => exit_code(explain_model::run(&a)),
        Command::Train(a) => exit_code(train::run(&a)),
        Command::Identify(a) => exit_code(identify::run(&a)),
        Command::Intervene(a) => exit_code(intervene::run(&a)),
        Command::Probe(a) => exit_code(probe::run(&a)),
        Command::Differentiate(a) => exit_code(differentiate::run(&a)),
    };
    // Whatever a verb made of it: an interruption is never success.
    ExitCode::from(if interrupt::asked() { INTERRUPTED } else { code })
}

/// The exit code, after saying what went wrong.
fn exit_code(outcome: Result<(), String>) -> u8 {
    match outcome {
        Ok(()) => DONE,
        Err(message) => {
            eprintln!("affect: {message}");
            FAILED
        }
    }
}

/// Prints to standard output; whoever reads may have had enough.
fn say(text: &str) -> Result<(), String> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| format!("cannot write to standard output: {e}")),
    }
}
