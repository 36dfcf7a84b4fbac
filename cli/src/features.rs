//! `affect features FILE...`

use crate::args::Extract;
use crate::output::Output;
use crate::{DONE, FAILED};
use affect::analyzer::{Analyzer, Config, Output as Result_, two_pass};
use affect::features::baseline::{Baseline, Population};
use affect::record::Record;
use affect_media::decode::{Shape, decode};
use indicatif::{ProgressBar, ProgressStyle};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a file was not (wholly) done.
enum Problem {
    /// Something about this file; the next one may be fine.
    File(String),
    /// The output cannot take more.
    Output(io::Error),
}

/// Runs the job; returns the exit code. One bad file never stops the rest.
pub fn run(job: &Extract) -> u8 {
    if let Err(e) = gst::init() {
        eprintln!("affect: GStreamer cannot start: {e}");
        return FAILED;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    // Without a handler an interrupt still ends the program, only less gently.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    // The settings' check has seen to it that there is a set.
    let set = job.config.sets.first().copied().unwrap_or_default();
    let mut output = match Output::open(job.out.as_deref(), job.jsonl, set, job.level) {
        Ok(o) => o,
        Err(e) => return output_failed(job, &e),
    };
    let mut code = DONE;
    for (index, path) in job.files.iter().enumerate() {
        let bar = progress(job, index, path);
        let outcome = one(job, path, &stop, &mut output, &bar);
        bar.finish_and_clear();
        match outcome {
            Ok(()) => {}
            Err(Problem::Output(e)) => return output_failed(job, &e),
            Err(Problem::File(e)) => {
                eprintln!("affect: {}: {e}", path.display());
                code = FAILED;
            }
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    match output.flush() {
        Ok(()) => code,
        Err(e) => output_failed(job, &e),
    }
}

fn output_failed(job: &Extract, e: &io::Error) -> u8 {
    if e.kind() == io::ErrorKind::BrokenPipe {
        return DONE; // whoever read has had enough
    }
    let name = job.out.as_ref().map_or("standard output".to_owned(), |p| format!("\"{}\"", p.display()));
    eprintln!("affect: cannot write to {name}: {e}");
    FAILED
}

fn progress(job: &Extract, index: usize, path: &Path) -> ProgressBar {
    if job.quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent}% {eta}") {
        bar.set_style(style);
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    bar.set_prefix(format!("[{}/{}] {name}", index + 1, job.files.len()));
    bar
}

fn one(job: &Extract, path: &Path, stop: &AtomicBool, output: &mut Output, bar: &ProgressBar) -> Result<(), Problem> {
    let file = path.display().to_string();
    let config = Config { stream: file.as_str().into(), ..job.config.clone() };
    let mut analyzer: Option<(Shape, Analyzer)> = None;
    let mut broken: Option<io::Error> = None;
    let saved = job.baseline_file.as_deref().map(load).transpose().map_err(Problem::File)?.flatten();
    // Records that wait for the end of the file, to be compared with all of it.
    let mut held: Vec<Record> = Vec::new();
    let mut take = |r: &Result_<'_>, output: &mut Output| match r {
        Result_::Segment(record) if job.two_pass => {
            held.push((**record).clone());
            Ok(())
        }
        r => output.write(&file, &config, r),
    };
    let decoded = decode(
        path,
        stop,
        &mut |shape, samples| {
            let (known, analyzer) = match &mut analyzer {
                Some(a) => a,
                none => {
                    let mut made =
                        Analyzer::new(config.clone(), shape.rate_hz, shape.channels).map_err(|e| e.to_string())?;
                    if job.baseline_file.is_some() && shape.channels != 1 {
                        return Err("--baseline-file is for files with one channel".to_owned());
                    }
                    if let Some(b) = &saved {
                        made.set_baseline(Some(0), b.clone());
                    }
                    none.insert((shape, made))
                }
            };
            if *known != shape {
                return Err(format!("rate or channels change within the file ({known:?} to {shape:?})"));
            }
            analyzer
                .push(samples, &mut |r| {
                    if broken.is_none() {
                        broken = take(&r, output).err();
                    }
                })
                .map_err(|e| e.to_string())?;
            if broken.is_some() { Err("output".to_owned()) } else { Ok(()) }
        },
        &mut |at, of| {
            if let Some(of) = of {
                bar.set_length(of);
            }
            bar.set_position(at);
        },
    );
    // What was heard until an interruption or a defect is complete up to there.
    if let Some((_, a)) = &mut analyzer
        && broken.is_none()
    {
        a.finish(&mut |r| {
            if broken.is_none() {
                broken = take(&r, output).err();
            }
        });
    }
    two_pass(&mut held);
    for record in held {
        if broken.is_none() {
            broken = output.write(&file, &config, &Result_::Segment(Box::new(record))).err();
        }
    }
    if let Some(e) = broken {
        return Err(Problem::Output(e));
    }
    if let (Some(path), Some(b)) = (&job.baseline_file, analyzer.as_ref().and_then(|(_, a)| a.baseline(Some(0)))) {
        std::fs::write(path, b.to_json()).map_err(|e| Problem::File(format!("{}: {e}", path.display())))?;
    }
    decoded.map_err(Problem::File)?;
    if analyzer.is_none() {
        return Err(Problem::File("no audio in it".to_owned()));
    }
    Ok(())
}

/// A saved baseline; `None` where the file is not there yet.
fn load(path: &Path) -> Result<Option<Baseline>, String> {
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => Baseline::from_json(Population::affect(), &text).map(Some).map_err(|e| named(&e)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(named(&e)),
    }
}
