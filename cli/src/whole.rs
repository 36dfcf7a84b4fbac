//! Audio files through the analysis, several at a time; results come in the order of the files.

use crate::interrupt;
use crate::progress::Progress;
use crate::{DONE, FAILED, INTERRUPTED};
use affect::analyzer::Config;
use affect::features::baseline::Baseline;
use affect::record::Record;
use affect_media::decode::Limits;
use affect_media::file::{Heard, Job, analyse};
use clap::Args;
use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Records of a file that wait to be written; who is farther ahead waits.
const AHEAD: usize = 512;

/// Options of every verb that reads audio files.
#[derive(Debug, Clone, Args)]
pub struct ReadingArgs {
    /// Files that are analysed at the same time; as many as there are cores without it. Results are the same, and in the same order.
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub decoding: DecodingArgs,
}

/// Options of every verb that decodes recordings.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct DecodingArgs {
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

impl DecodingArgs {
    /// How long to wait, and for whom to stop.
    pub fn limits(&self) -> Limits<'static> {
        Limits { patience: Duration::from_secs_f64(self.patience), stop: interrupt::flag() }
    }
}

/// Where results go.
pub trait Results {
    /// Takes a record of a file, in order.
    fn take(&mut self, file: &str, record: Record) -> io::Result<()>;
    /// A file is at its end; `heard` says what it was like, `held` are its records where they were held.
    fn end_of_file(&mut self, file: &str, heard: &Heard, held: Vec<Record>) -> io::Result<()>;
}

/// What all records of a file become at its end, beside other files.
pub type Finish<'a> = &'a (dyn Fn(&mut Heard, &mut Vec<Record>) + Sync);

/// Without an argument loads what is usual for a speaker; with one saves it.
pub type Comparison<'a> = &'a (dyn Fn(Option<&Baseline>) -> Result<Option<Baseline>, String> + Sync);

/// What a batch of files is analysed with.
pub struct Batch<'a> {
    pub files: &'a [PathBuf],
    /// Names of their streams.
    pub names: &'a [String],
    pub config: &'a Config,
    pub reading: &'a ReadingArgs,
    pub quiet: bool,
    /// Records are held to the end of their file; without it they are handed on as they come.
    pub finish: Option<Finish<'a>>,
    /// What is usual for the speaker, learnt from file to file: one after the other.
    pub baseline: Option<Comparison<'a>>,
}

/// The output cannot take more.
pub struct Full(pub io::Error);

/// Word of a worker about its file.
enum Said {
    Record(Box<Record>),
    End(Box<Heard>, Vec<Record>),
    Failed(String),
}

/// A file to be analysed.
struct Task {
    index: usize,
    say: SyncSender<Said>,
}

/// Analyses all files; one bad file never stops the rest. Returns the exit code.
///
/// # Errors
/// [`Full`] where the output cannot be written.
pub fn batch(batch: &Batch<'_>, results: &mut dyn Results) -> Result<u8, Full> {
    let count = batch.files.len();
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let jobs = if batch.baseline.is_some() { 1 } else { batch.reading.jobs.unwrap_or(cores).get().min(count).max(1) };
    let begun = AtomicUsize::new(0);
    // Of files at the same time only their number is shown.
    let progress = (jobs > 1).then(|| Progress::count(batch.quiet, "files"));
    if let Some(p) = &progress {
        p.set_total(count as u64);
    }
    let (give, tasks) = sync_channel::<Task>(4 * jobs);
    let tasks = Mutex::new(tasks);
    let code = std::thread::scope(|scope| {
        // Without anybody who gives tasks the workers end.
        let give = give;
        for _ in 0..jobs {
            scope.spawn(|| work(batch, &tasks, &begun, jobs > 1));
        }
        let mut code = DONE;
        let mut waiting: VecDeque<Receiver<Said>> = VecDeque::with_capacity(4 * jobs);
        let mut next = 0;
        for name in batch.names {
            while next < count && waiting.len() < 4 * jobs {
                let (say, hear) = sync_channel(AHEAD);
                waiting.push_back(hear);
                if give.send(Task { index: next, say }).is_err() {
                    break;
                }
                next += 1;
            }
            let Some(hear) = waiting.pop_front() else { break };
            code = code.max(written(name, &hear, results)?);
            if let Some(p) = &progress {
                p.step();
            }
        }
        Ok(code)
    })?;
    drop(progress);
    if interrupt::asked() {
        let begun = begun.load(Ordering::Relaxed);
        eprintln!("affect: interrupted in file {begun} of {count}: {} not begun", count - begun);
        return Ok(INTERRUPTED);
    }
    Ok(code)
}

/// Hands on what is said of a file. Returns the exit code.
fn written(name: &str, hear: &Receiver<Said>, results: &mut dyn Results) -> Result<u8, Full> {
    let mut code = DONE;
    for said in hear {
        match said {
            Said::Record(record) => results.take(name, *record).map_err(Full)?,
            Said::End(heard, held) => {
                results.end_of_file(name, &heard, held).map_err(Full)?;
                for note in &heard.notes {
                    eprintln!("affect: {name}: note: {note}");
                }
                for problem in &heard.problems {
                    eprintln!("affect: {name}: {problem}");
                    code = FAILED;
                }
            }
            Said::Failed(e) => {
                eprintln!("affect: {name}: {e}");
                code = FAILED;
            }
        }
    }
    Ok(code)
}

/// Takes files until there are no more. Whoever is not heard any longer has nothing to say.
fn work(batch: &Batch<'_>, tasks: &Mutex<Receiver<Task>>, begun: &AtomicUsize, several: bool) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Task { index, say }) = task else { return };
        if interrupt::asked() {
            continue;
        }
        begun.fetch_add(1, Ordering::Relaxed);
        let path = &batch.files[index];
        let progress = (!several).then(|| Progress::file(batch.quiet, index, batch.files.len(), path));
        let run = || one(batch, index, &say, progress.as_ref());
        let outcome = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| Err("the analysis failed inside: please report this file".to_owned()));
        drop(progress);
        if let Err(e) = outcome {
            // Nobody hears it where the output is full.
            let _ = say.send(Said::Failed(e));
        }
    }
}

/// Analyses a file and says what comes of it.
fn one(batch: &Batch<'_>, index: usize, say: &SyncSender<Said>, progress: Option<&Progress>) -> Result<(), String> {
    let path = &batch.files[index];
    let config = Config { stream: batch.names[index].as_str().into(), ..batch.config.clone() };
    let baseline = batch.baseline.map_or(Ok(None), |b| b(None))?;
    // Where nothing was learnt yet there is still to be one channel.
    let job = Job {
        config: &config,
        track: batch.reading.decoding.track,
        baseline: baseline.as_ref(),
        one_channel: batch.baseline.is_some(),
        limits: batch.reading.decoding.limits(),
    };
    let mut held = Vec::new();
    let mut show = |at, of| {
        if let Some(p) = progress {
            p.set_position(at, of);
        }
    };
    let heard = analyse(path, &job, &mut show, &mut |record| match batch.finish {
        Some(_) => {
            held.push(record);
            Ok(())
        }
        None => say.send(Said::Record(Box::new(record))).map_err(|_| "the output is full".to_owned()),
    });
    let mut heard = heard.map_err(|e| e.to_string())?;
    if let Some(finish) = batch.finish {
        finish(&mut heard, &mut held);
    }
    if let (Some(save), Some(learnt)) = (batch.baseline, &heard.baseline)
        && let Err(e) = save(Some(learnt))
    {
        heard.problems.push(e);
    }
    // Nobody hears it where the output is full.
    let _ = say.send(Said::End(Box::new(heard), held));
    Ok(())
}
