//! Progress of long work: a bar on a terminal, a plain line every so often in a log.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

/// Seconds between two lines in a log, where the environment does not say otherwise.
const EVERY_S: f64 = 10.0;

/// Variable of the environment with the seconds between two lines in a log.
const VARIABLE: &str = "AFFECT_LOG_SECONDS";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Audio, in ns.
    Audio,
    /// Things.
    Count,
}

/// How far the work is.
#[derive(Debug, Clone)]
struct State {
    what: String,
    unit: Unit,
    done: u64,
    of: u64,
    message: String,
}

impl State {
    fn line(&self) -> String {
        let clock = |ns: u64| format!("{}:{:02}", ns / 60_000_000_000, ns / 1_000_000_000 % 60);
        let show = |n: u64| if self.unit == Unit::Audio { clock(n) } else { n.to_string() };
        let of = if self.of > 0 { format!(" of {}", show(self.of)) } else { String::new() };
        let message = if self.message.is_empty() { String::new() } else { format!(" ({})", self.message) };
        format!("{}: {}{of}{message}", self.what, show(self.done))
    }
}

/// What is being worked on; the thread that writes the log looks here.
static CURRENT: Mutex<Option<State>> = Mutex::new(None);

fn current<T>(f: impl FnOnce(&mut Option<State>) -> T) -> T {
    f(&mut CURRENT.lock().unwrap_or_else(PoisonError::into_inner))
}

fn every() -> Duration {
    let seconds = std::env::var(VARIABLE).ok().and_then(|v| v.parse::<f64>().ok()).filter(|s| *s >= 0.01);
    Duration::try_from_secs_f64(seconds.unwrap_or(EVERY_S)).unwrap_or(Duration::from_secs(10))
}

/// Starts the thread that writes a line every so often, also where the work itself says nothing for long.
fn keep_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(every());
                if let Some(line) = current(|c| c.as_ref().map(State::line)) {
                    // A log that cannot be written is no reason to stop.
                    let _ = writeln!(std::io::stderr(), "affect: {line}");
                }
            }
        });
    });
}

/// Progress of one piece of work.
pub struct Progress {
    bar: ProgressBar,
    log: bool,
}

impl Progress {
    fn new(quiet: bool, what: String, unit: Unit, template: &str) -> Self {
        let log = !quiet && !std::io::stderr().is_terminal();
        if log {
            keep_log();
            current(|c| *c = Some(State { what: what.clone(), unit, done: 0, of: 0, message: String::new() }));
        }
        if quiet || log {
            return Self { bar: ProgressBar::hidden(), log };
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        Self { bar, log }
    }

    /// Progress through one of several audio files.
    pub fn file(quiet: bool, index: usize, count: usize, path: &Path) -> Self {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Self::new(quiet, format!("[{}/{count}] {name}", index + 1), Unit::Audio, "{prefix} {wide_bar} {percent}% {eta}")
    }

    /// Progress through a number of things.
    pub fn count(quiet: bool, what: &str) -> Self {
        Self::new(quiet, what.to_owned(), Unit::Count, "{prefix} {wide_bar} {pos}/{len} {eta} {msg}")
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        if self.log {
            current(|c| c.as_mut().map(f));
        }
    }

    /// Where it is, and how far it goes where that is known.
    pub fn at(&self, done: u64, of: Option<u64>) {
        self.change(|s| (s.done, s.of) = (done, of.unwrap_or(s.of)));
        if let Some(of) = of {
            self.bar.set_length(of);
        }
        self.bar.set_position(done);
    }

    /// How far it goes.
    pub fn length(&self, of: u64) {
        self.change(|s| s.of = of);
        self.bar.set_length(of);
    }

    /// One more is done.
    pub fn step(&self) {
        self.change(|s| s.done += 1);
        self.bar.inc(1);
    }

    /// What is being done.
    pub fn message(&self, text: &str) {
        self.change(|s| text.clone_into(&mut s.message));
        self.bar.set_message(text.to_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.log {
            current(|c| *c = None);
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_and_how_far() {
        let state = |unit, done, of, message: &str| State { what: "x".into(), unit, done, of, message: message.into() };
        assert_eq!(state(Unit::Audio, 61_500_000_000, 600_000_000_000, "").line(), "x: 1:01 of 10:00");
        assert_eq!(state(Unit::Audio, 5_000_000_000, 0, "").line(), "x: 0:05");
        assert_eq!(state(Unit::Count, 12, 40, "folds").line(), "x: 12 of 40 (folds)");
    }
}
