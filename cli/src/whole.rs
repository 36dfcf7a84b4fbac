//! One file through the analyzer.

use affect::analyzer::{Analyzer, Config, Output};
use affect_media::decode::{Shape, decode};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that an interrupt sets.
pub fn interruptible() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    // Without a handler an interrupt still ends the program, only less gently.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    stop
}

/// A bar for one of several files.
pub fn bar(quiet: bool, index: usize, count: usize, path: &Path) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent}% {eta}") {
        bar.set_style(style);
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    bar.set_prefix(format!("[{}/{count}] {name}", index + 1));
    bar
}

/// What a file is like, and what ended it early.
pub struct Heard {
    /// Channels of the file.
    pub channels: usize,
    /// Why it was not done to its end.
    pub problem: Option<String>,
}

/// Decodes and analyses a file; `take` gets every result, and the number of channels. What was heard until a defect or an
/// interruption is complete up to there.
///
/// # Errors
/// A text that says why there is nothing at all.
pub fn analyse(
    path: &Path,
    config: &Config,
    stop: &AtomicBool,
    bar: &ProgressBar,
    take: &mut dyn FnMut(Output<'_>, usize) -> Result<(), String>,
) -> Result<Heard, String> {
    let config = Config { stream: path.display().to_string().into(), ..config.clone() };
    let mut made: Option<(Shape, Analyzer)> = None;
    let mut problem: Option<String> = None;
    let mut keep = |r: Output<'_>, channels: usize, problem: &mut Option<String>| {
        if problem.is_none() {
            *problem = take(r, channels).err();
        }
    };
    let decoded = decode(
        path,
        stop,
        &mut |shape, samples| {
            let (known, analyzer) = match &mut made {
                Some(a) => a,
                none => {
                    let a = Analyzer::new(config.clone(), shape.rate_hz, shape.channels).map_err(|e| e.to_string())?;
                    none.insert((shape, a))
                }
            };
            if *known != shape {
                return Err(format!("rate or channels change within the file ({known:?} to {shape:?})"));
            }
            analyzer.push(samples, &mut |r| keep(r, shape.channels, &mut problem)).map_err(|e| e.to_string())?;
            problem.clone().map_or(Ok(()), Err)
        },
        &mut |at, of| {
            if let Some(of) = of {
                bar.set_length(of);
            }
            bar.set_position(at);
        },
    );
    let Some((shape, mut analyzer)) = made else {
        return Err(decoded.err().unwrap_or_else(|| "no audio in it".to_owned()));
    };
    if problem.is_none() {
        analyzer.finish(&mut |r| keep(r, shape.channels, &mut problem));
    }
    Ok(Heard { channels: shape.channels, problem: problem.or(decoded.err()) })
}
