//! Audio files one after the other through the analysis.

use crate::interrupt;
use crate::progress::Progress;
use crate::{DONE, FAILED, INTERRUPTED};
use affect::analyzer::Config;
use affect::features::baseline::Baseline;
use affect::record::Record;
use affect_media::decode::Limits;
use affect_media::file::{Heard, Job, analyse};
use affect_media::files::to_name;
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of every verb that reads audio files.
#[derive(Debug, Clone, Args)]
pub struct ReadingArgs {
    /// Only this audio track of files with several, the first being 0. Without it all are analysed, their channels counted
    /// through, with the track in the record.
    #[arg(long, value_name = "N")]
    pub track: Option<usize>,
    /// Seconds without any progress after which a file is given up.
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = patience)]
    pub patience: f64,
    /// Analyse channels that carry the same samples each by itself, instead of once.
    #[arg(long)]
    pub keep_dual_mono: bool,
}

fn patience(text: &str) -> Result<f64, String> {
    let least_to_most = 0.1..=86_400.0;
    text.parse::<f64>().ok().filter(|s| least_to_most.contains(s)).ok_or("expected 0.1 to 86400 seconds".to_owned())
}

impl ReadingArgs {
    /// How long to wait, and for whom to stop.
    pub fn limits(&self) -> Limits<'static> {
        Limits { patience: Duration::from_secs_f64(self.patience), stop: interrupt::flag() }
    }
}

/// Where results go.
pub trait Results {
    /// Takes a record of a file.
    fn take(&mut self, file: &str, record: Record) -> io::Result<()>;
    /// A file is at its end; `heard` says what it was like.
    fn end_of_file(&mut self, file: &str, heard: &Heard) -> io::Result<()>;
}

/// Without an argument loads what is usual for a speaker; with one saves it.
pub type Comparison<'a> = &'a dyn Fn(Option<&Baseline>) -> Result<Option<Baseline>, String>;

/// What a batch of files is analysed with.
pub struct Batch<'a> {
    pub files: &'a [PathBuf],
    pub config: &'a Config,
    pub reading: &'a ReadingArgs,
    pub quiet: bool,
    /// What is usual for the speaker.
    pub baseline: Option<Comparison<'a>>,
}

/// The output cannot take more.
pub struct Full(pub io::Error);

/// Analyses all files; one bad file never stops the rest. Returns the exit code.
///
/// # Errors
/// [`Full`] where the output cannot be written.
pub fn batch(batch: &Batch<'_>, results: &mut dyn Results) -> Result<u8, Full> {
    let mut code = DONE;
    for (index, path) in batch.files.iter().enumerate() {
        if interrupt::asked() {
            break;
        }
        let progress = Progress::file(batch.quiet, index, batch.files.len(), path);
        let outcome = one(batch, path, results, &progress);
        drop(progress);
        let name = to_name(path);
        match outcome? {
            Ok(heard) => {
                for note in &heard.notes {
                    eprintln!("affect: {name}: note: {note}");
                }
                for problem in &heard.problems {
                    eprintln!("affect: {name}: {problem}");
                    code = FAILED;
                }
            }
            Err(e) => {
                eprintln!("affect: {name}: {e}");
                code = FAILED;
            }
        }
        if interrupt::asked() {
            let rest = batch.files.len() - index - 1;
            eprintln!("affect: interrupted in file {} of {}: {rest} not begun", index + 1, batch.files.len());
            return Ok(INTERRUPTED);
        }
    }
    Ok(code)
}

fn one(
    batch: &Batch<'_>,
    path: &Path,
    results: &mut dyn Results,
    progress: &Progress,
) -> Result<Result<Heard, String>, Full> {
    let file = to_name(path);
    let config = Config { stream: file.as_str().into(), ..batch.config.clone() };
    let baseline = match batch.baseline.map_or(Ok(None), |b| b(None)) {
        Ok(b) => b,
        Err(e) => return Ok(Err(e)),
    };
    // Where nothing was learnt yet there is still to be one channel.
    let job = Job {
        config: &config,
        track: batch.reading.track,
        baseline: baseline.as_ref(),
        one_channel: batch.baseline.is_some(),
        limits: batch.reading.limits(),
    };
    let mut full: Option<io::Error> = None;
    let heard = analyse(path, &job, &mut |at, of| progress.set_position(at, of), &mut |record| {
        results.take(&file, record).map_err(|e| full.insert(e).to_string())
    });
    if let Some(e) = full {
        return Err(Full(e));
    }
    let heard = match heard {
        Ok(h) => h,
        Err(e) => return Ok(Err(e.to_string())),
    };
    results.end_of_file(&file, &heard).map_err(Full)?;
    if let (Some(save), Some(learnt)) = (batch.baseline, &heard.baseline)
        && let Err(e) = save(Some(learnt))
    {
        return Ok(Err(e));
    }
    Ok(Ok(heard))
}
