//! The `affect` command: thin verbs over the library and the plugin.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod args;
mod decode;
mod features;
mod list;
mod output;

use args::{Command, Job};
use clap::Parser;
use std::process::ExitCode;

/// Everything was done.
const DONE: u8 = 0;
/// Some file could not be read, or results could not be written.
const FAILED: u8 = 1;
/// The command line is wrong; clap exits with the same number.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let Command::Features(raw) = args::Cli::parse().command;
    let code = match raw.resolve() {
        Err(message) => {
            eprintln!("affect: {message}");
            USAGE
        }
        Ok(Job::List { sets, json }) => list::print(&sets, json),
        Ok(Job::Extract(job)) => features::run(&job),
    };
    ExitCode::from(code)
}
