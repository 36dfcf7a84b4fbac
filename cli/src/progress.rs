//! Progress of long work: a bar on a terminal; in a log a plain line at the begin and end of each stage, and every ten seconds.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

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

/// A stage of the work, and how far it is.
#[derive(Debug, Clone)]
struct Stage {
    name: String,
    unit: Unit,
    done: u64,
    /// How much there is to do; 0 while that is not known.
    total: u64,
    message: String,
    begun: Instant,
}

/// Minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

impl Stage {
    /// `recordings: 12 of 40, 30 %, after 1:05 (what is being done)`.
    fn line(&self, elapsed: Duration) -> String {
        let amount = |n: u64| if self.unit == Unit::Audio { clock(n / 1_000_000_000) } else { n.to_string() };
        let done = amount(self.done);
        let done = match self.total {
            0 => done,
            total => {
                let percent = u128::from(self.done.min(total)) * 100 / u128::from(total);
                format!("{done} of {}, {percent} %", amount(total))
            }
        };
        let message = if self.message.is_empty() { String::new() } else { format!(" ({})", self.message) };
        format!("{}: {done}, after {}{message}", self.name, clock(elapsed.as_secs()))
    }
}

/// Writes a line of the log.
fn log_line(text: &str) {
    // A log that cannot be written is no reason to stop.
    let _ = writeln!(std::io::stderr(), "affect: {text}");
}

/// The stage that is being worked on; the thread that writes the log looks here.
static CURRENT: Mutex<Option<Stage>> = Mutex::new(None);

fn current<T>(f: impl FnOnce(&mut Option<Stage>) -> T) -> T {
    f(&mut CURRENT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Time between two lines.
fn interval() -> Duration {
    let seconds = std::env::var(VARIABLE).ok().and_then(|v| v.parse::<f64>().ok()).filter(|s| *s >= 0.01);
    Duration::try_from_secs_f64(seconds.unwrap_or(EVERY_S)).unwrap_or(Duration::from_secs(10))
}

/// Starts the thread that writes a line every so often, also where the work itself says nothing for long.
fn keep_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(interval());
                if let Some(line) = current(|c| c.as_ref().map(|stage| stage.line(stage.begun.elapsed()))) {
                    log_line(&line);
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
    fn new(quiet: bool, name: String, unit: Unit, template: &str) -> Self {
        let log = !quiet && !std::io::stderr().is_terminal();
        if log {
            keep_log();
            // A batch has thousands of files: of these only what takes long is worth a line.
            if unit == Unit::Count {
                log_line(&format!("{name}: begins"));
            }
            let stage =
                Stage { name: name.clone(), unit, done: 0, total: 0, message: String::new(), begun: Instant::now() };
            current(|c| *c = Some(stage));
        }
        if quiet || log {
            return Self { bar: ProgressBar::hidden(), log };
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(name);
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

    fn change(&self, f: impl FnOnce(&mut Stage)) {
        if self.log {
            current(|c| c.as_mut().map(f));
        }
    }

    /// How much is done, and how much there is to do where that is known.
    pub fn set_position(&self, done: u64, total: Option<u64>) {
        self.change(|s| (s.done, s.total) = (done, total.unwrap_or(s.total)));
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(done);
    }

    /// How much there is to do.
    pub fn set_total(&self, total: u64) {
        self.change(|s| s.total = total);
        self.bar.set_length(total);
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
        if self.log
            && let Some(stage) = current(Option::take).filter(|stage| stage.unit == Unit::Count)
        {
            let ended = if stage.done < stage.total { "breaks off" } else { "done" };
            let last = Stage { message: String::new(), ..stage };
            log_line(&format!("{}, {ended}", last.line(last.begun.elapsed())));
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_how_far_and_for_how_long() {
        let line = |unit, done, total, message: &str| {
            let stage = Stage { name: "x".into(), unit, done, total, message: message.into(), begun: Instant::now() };
            stage.line(Duration::from_millis(65_900))
        };
        assert_eq!(line(Unit::Audio, 61_500_000_000, 600_000_000_000, ""), "x: 1:01 of 10:00, 10 %, after 1:05");
        assert_eq!(line(Unit::Audio, 5_000_000_000, 0, ""), "x: 0:05, after 1:05");
        assert_eq!(line(Unit::Count, 12, 40, "folds"), "x: 12 of 40, 30 %, after 1:05 (folds)");
        assert_eq!(line(Unit::Count, u64::MAX, 40, ""), format!("x: {} of 40, 100 %, after 1:05", u64::MAX));
    }
}
