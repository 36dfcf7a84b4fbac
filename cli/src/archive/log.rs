//! Lines of JSON about parts, for whoever keeps logs.

use super::Stop;
use super::part::Done;
use affect_archive::Outcome;
use serde_json::{Map, Value};
use std::io::{IsTerminal, Write};

/// What came of a part, as a line; `about` says more of it.
pub fn line(number: u32, outcome: &Result<Done, Stop>, seconds: f64, about: Map<String, Value>) -> String {
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
    let mut line = serde_json::json!({
        "part": number,
        "outcome": word,
        "calls": summary.map(|s| s.calls),
        "errors": summary.map(|s| &s.errors),
        "audio_s": summary.map(|s| s.audio_ns as f64 / 1e9),
        "results": summary.map(|s| s.utterances),
        "dead_workers": deaths,
        "seconds": (seconds * 1000.0).round() / 1000.0,
        "why": why,
    });
    if let Some(all) = line.as_object_mut() {
        all.extend(about);
    }
    line.to_string()
}

/// Writes a line of the log to standard output, unless a person sits there. A log that cannot be written is no reason to stop.
pub fn log(line: &str) {
    let mut out = std::io::stdout().lock();
    if !out.is_terminal() {
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
