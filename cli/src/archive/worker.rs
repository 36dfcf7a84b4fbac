//! A worker: a process that analyses calls for its parent and dies with it. What crashes, hangs or swells here costs one call.

use super::settings::SettingArgs;
use super::wire::{Charge, End, PIPE, Said, Task};
use super::{INCOMPLETE, MISMATCH, Stop, measures, mismatch};
use crate::analysis_args::conclude;
use affect::analyzer::Config;
use affect::record::Record;
use affect_archive::Columns;
use affect_archive::calls::{CallError, Heard, Means, Moved};
use affect_media::decode::{DecodeError, Limits};
use affect_media::file::{Job, analyse};
use affect_media::files::from_name;
use clap::Args;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Process number of the parent.
    #[arg(long)]
    parent: i32,
}

/// Least time between two words about progress.
const GLANCE: Duration = Duration::from_millis(200);

/// Nothing stops a worker but its parent.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Where the worker says things: what was standard output, which now leads to standard error, so that no library writes in between.
struct Voice {
    out: BufWriter<File>,
    last: Instant,
}

impl Voice {
    fn take_standard_output() -> io::Result<Self> {
        // Processes that a library starts do not get it: they would keep it open.
        let out = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        Ok(Self { out: BufWriter::with_capacity(PIPE, File::from(out)), last: Instant::now() })
    }

    fn say(&mut self, said: &Said) -> io::Result<()> {
        self.out.write_all(said.line().as_bytes())?;
        self.out.write_all(b"\n")?;
        if !matches!(said, Said::Record(_)) {
            self.out.flush()?;
        }
        Ok(())
    }

    /// Says that the work gets on, now and then. A parent that does not hear it is dead, and so is this process soon.
    fn progress(&mut self) {
        if self.last.elapsed() >= GLANCE {
            self.last = Instant::now();
            let _ = self.say(&Said::Progress);
        }
    }
}

pub fn run(args: &WorkerArgs) -> Result<u8, Stop> {
    let failed = |e: &dyn std::fmt::Display| Stop(INCOMPLETE, format!("worker: {e}"));
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| failed(&e))?;
    // It may have died before.
    if getppid().map(rustix::process::Pid::as_raw_pid) != Some(args.parent) {
        return Ok(INCOMPLETE);
    }
    // The parent hears of interruptions, and lets the call be finished.
    ctrlc::set_handler(|| {}).map_err(|e| failed(&e))?;
    let mut voice = Voice::take_standard_output().map_err(|e| failed(&e))?;
    let mut lines = io::stdin().lock().lines();
    let Some(first) = lines.next() else { return Ok(INCOMPLETE) };
    let first = first.map_err(|e| failed(&e))?;
    let (settings, config) = match ready(&first) {
        Ok((settings, config, run)) => {
            voice.say(&Said::Ready(run)).map_err(|e| failed(&e))?;
            (settings, config)
        }
        Err(why) => {
            voice.say(&Said::Unfit(why)).map_err(|e| failed(&e))?;
            return Ok(MISMATCH);
        }
    };
    let columns = measures::columns(&config);
    for line in lines {
        let line = line.map_err(|e| failed(&e))?;
        let task: Task = serde_json::from_str(&line).map_err(|e| mismatch(format!("worker: {e}")))?;
        let end = one(&settings, &config, &columns, &task, &mut voice).map_err(|e| failed(&e))?;
        voice.say(&Said::End(Box::new(end))).map_err(|e| failed(&e))?;
    }
    Ok(0)
}

/// Makes the configuration; says as which run.
fn ready(line: &str) -> Result<(SettingArgs, Config, String), String> {
    let charge: Charge = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let mut settings = SettingArgs::of(&charge.run)?;
    settings.analysis.common.runtime_library = charge.runtime_library.map(|l| from_name(&l).into());
    gst::init().map_err(|e| format!("GStreamer cannot start: {e}"))?;
    let config = settings.config()?;
    let id = settings.run(&config)?.id;
    Ok((settings, config, id))
}

/// Analyses a call and says its records.
fn one(settings: &SettingArgs, config: &Config, columns: &Columns, task: &Task, voice: &mut Voice) -> io::Result<End> {
    #[cfg(debug_assertions)]
    super::worker_fault::strike(&task.key);
    let config = Config { stream: task.key.as_str().into(), ..config.clone() };
    let limits = Limits { stop: &NEVER, ..settings.decoding.limits() };
    let job = Job { config: &config, track: settings.decoding.track, baseline: None, one_channel: false, limits };
    let path = from_name(&task.path);
    let mut records: Vec<Record> = Vec::new();
    let heard = analyse(Path::new(&path), &job, &mut |_, _| voice.progress(), &mut |r| {
        records.push(r);
        Ok(())
    });
    let mut heard = match heard {
        Ok(heard) => heard,
        Err(e) => return Ok(End { error: Some(word(&e)), message: Some(e.to_string()), ..End::default() }),
    };
    conclude(&config, &mut heard, &mut records, &mut || voice.progress());
    for r in &records {
        voice.say(&Said::Record(r.to_json()))?;
    }
    let failure =
        records.iter().find_map(|r| r.scored.as_ref().filter(|s| s.emotion.failed)?.emotion.abstained.clone());
    let (error, message) = match (heard.problems.is_empty(), failure) {
        (_, Some(why)) => (Some(CallError::Model), Some(why)),
        (false, None) => (Some(CallError::Incomplete), Some(heard.problems.join("; "))),
        (true, None) => (None, None),
    };
    let about = Heard {
        duration_ns: heard.end_ns,
        channels: u32::try_from(heard.channels).unwrap_or(u32::MAX),
        sample_rate_hz: heard.rate_hz,
    };
    let means = Means::of(&records, &columns.probabilities, &columns.dimensions);
    Ok(End { heard: Some(about), error, message, means, moved: Moved::of(&records), numbers: measures::of(&heard) })
}

fn word(e: &DecodeError) -> CallError {
    match e {
        DecodeError::Open(e) if e.kind() == io::ErrorKind::NotFound => CallError::Vanished,
        DecodeError::Open(_) => CallError::Unreadable,
        DecodeError::Empty => CallError::Empty,
        DecodeError::MissingDecoder { .. } | DecodeError::Incomplete(_) => CallError::NoDecoder,
        DecodeError::NoAudio { .. } => CallError::NoAudio,
        DecodeError::Stalled { .. } => CallError::TimedOut,
        DecodeError::Stopped(_) => CallError::Unsuitable,
        _ => CallError::Decode,
    }
}
