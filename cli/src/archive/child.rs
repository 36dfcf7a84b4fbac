//! A worker from its parent's side: it is given calls, watched, and killed where it hangs or swells.

use super::wire::{Charge, End, PIPE, Said, Task};
use super::{AWAY, MISMATCH, Stop};
use affect_archive::calls::CallError;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often it is looked whether a worker takes more than it may.
const GLANCE: Duration = Duration::from_millis(100);
/// How long a worker may take to be ready: models may be large.
const BEGINNING: Duration = Duration::from_secs(300);
/// How long a worker that has nothing to do any more may take to end.
const PARTING: Duration = Duration::from_secs(10);
/// How long to wait for the last words of a worker that is dead.
const LISTENING: Duration = Duration::from_millis(500);
/// Bytes of a worker's last words that are kept.
const LAST_WORDS: usize = 2000;

/// What a call may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time without progress.
    pub stall: Duration,
    /// Time altogether.
    pub call: Duration,
    /// Resident memory of the worker, in bytes.
    pub memory: u64,
}

/// What came of a call.
#[derive(Debug)]
pub enum Answer {
    /// The worker has answered.
    Done(Box<End>, Vec<Value>),
    /// The worker is gone.
    Died {
        /// The word for it.
        error: CallError,
        /// What there is to say.
        why: String,
        /// It was killed, and not from here.
        killed: bool,
    },
}

/// A worker process.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    to: Option<std::process::ChildStdin>,
    said: Receiver<Said>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    listener: Option<JoinHandle<()>>,
    begun: Instant,
    /// The run as which it has to be ready, until it is.
    awaited: Option<String>,
}

impl Child {
    /// Starts a worker, which makes itself ready meanwhile. It dies with the thread that calls this.
    pub fn start(charge: &Charge) -> Result<Self, Stop> {
        let refused = |e: std::io::Error| Stop(AWAY, format!("cannot start a worker: {e}"));
        // This very program, even if another one has taken its place in the meantime.
        let mut process = Command::new("/proc/self/exe")
            .arg0("affect")
            .args(["archive", "worker", "--parent", &std::process::id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interruption from the keyboard is for the parent alone.
            .process_group(0)
            .spawn()
            .map_err(refused)?;
        let (say, said) = channel();
        let out = process.stdout.take();
        std::thread::spawn(move || {
            let Some(out) = out else { return };
            let mut out = BufReader::with_capacity(PIPE, out);
            let mut line = Vec::new();
            loop {
                line.clear();
                match out.read_until(b'\n', &mut line) {
                    Ok(n) if n > 0 && line.last() == Some(&b'\n') => line.pop(),
                    // What was cut off was never said.
                    _ => return,
                };
                let Some(word) = std::str::from_utf8(&line).ok().and_then(Said::parse) else { continue };
                if say.send(word).is_err() {
                    return;
                }
            }
        });
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let (keep, errors) = (last_words.clone(), process.stderr.take());
        let listener = std::thread::spawn(move || {
            let Some(mut errors) = errors else { return };
            let mut block = [0; 4096];
            while let Ok(n @ 1..) = errors.read(&mut block) {
                let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&block[..n]);
                let over = kept.len().saturating_sub(LAST_WORDS);
                kept.drain(..over);
            }
        });
        let to = process.stdin.take();
        let begun = Instant::now();
        let awaited = Some(charge.run.id.clone());
        let mut child = Self { process, to, said, last_words, listener: Some(listener), begun, awaited };
        let text = serde_json::to_string(charge).map_err(|e| Stop(MISMATCH, e.to_string()))?;
        // What is dead before it has heard it does not become ready.
        let _ = child.tell(&text);
        Ok(child)
    }

    /// Waits until it is ready.
    pub fn ready(&mut self) -> Result<(), Stop> {
        let Some(run) = self.awaited.take() else { return Ok(()) };
        match self.said.recv_timeout(BEGINNING.saturating_sub(self.begun.elapsed())) {
            Ok(Said::Ready(theirs)) if theirs == run => Ok(()),
            Ok(Said::Ready(theirs)) => {
                Err(Stop(MISMATCH, format!("run {run}: a worker would do run {theirs}: the model has changed")))
            }
            Ok(Said::Unfit(why)) => Err(Stop(MISMATCH, why)),
            _ => {
                let (_, why) = self.end();
                Err(Stop(AWAY, format!("a worker does not begin: {why}")))
            }
        }
    }

    /// Writes a line; returns what prevented it.
    fn tell(&mut self, line: &str) -> Option<std::io::Error> {
        let to = self.to.as_mut()?;
        to.write_all(format!("{line}\n").as_bytes()).and_then(|()| to.flush()).err()
    }

    /// Gives it a call, when it is ready. Whether it has died shows in the answer.
    pub fn give(&mut self, task: &Task) {
        self.begun = Instant::now();
        // Two texts: there is always a JSON of them.
        let _ = self.tell(&serde_json::to_string(task).unwrap_or_default());
    }

    /// Waits for the answer to the call that was given; calls `gets_on` where the worker does.
    pub fn answer(&mut self, limits: Limits, gets_on: &dyn Fn()) -> Answer {
        let mut records = Vec::new();
        let mut heard = Instant::now().max(self.begun);
        let mut looked = heard;
        loop {
            match self.said.recv_timeout(GLANCE) {
                Ok(Said::Record(json)) => match serde_json::from_str(&json) {
                    Ok(r) => records.push(r),
                    Err(e) => {
                        self.kill();
                        let why = format!("the worker gave a record that is none: {e}");
                        return Answer::Died { error: CallError::Crashed, why, killed: false };
                    }
                },
                Ok(Said::Progress) => gets_on(),
                Ok(Said::End(end)) => return Answer::Done(end, records),
                Ok(Said::Ready(_) | Said::Unfit(_)) => continue,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(answer) = self.over(heard, limits) {
                        return answer;
                    }
                    looked = Instant::now();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let (status, why) = self.end();
                    let killed = status.is_some_and(|s| s.signal() == Some(9));
                    let note = if killed { " (from outside, perhaps for lack of memory)" } else { "" };
                    return Answer::Died { error: CallError::Crashed, why: format!("{why}{note}"), killed };
                }
            }
            heard = Instant::now();
            if heard.duration_since(looked) >= GLANCE {
                looked = heard;
                if let Some(answer) = self.over(heard, limits) {
                    return answer;
                }
            }
        }
    }

    /// Kills a worker that takes more than it may.
    fn over(&mut self, heard: Instant, limits: Limits) -> Option<Answer> {
        let (error, why) = if self.begun.elapsed() >= limits.call {
            (CallError::TimedOut, format!("took longer than {} s", limits.call.as_secs_f64()))
        } else if heard.elapsed() >= limits.stall {
            (CallError::TimedOut, format!("no progress for {} s", limits.stall.as_secs_f64()))
        } else {
            let memory = self.memory().filter(|m| *m > limits.memory)?;
            (CallError::OutOfMemory, format!("took {memory} bytes of memory, more than {}", limits.memory))
        };
        self.kill();
        Some(Answer::Died { error, why, killed: false })
    }

    /// Resident memory, in bytes.
    fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    }

    /// Ends it. What cannot even be killed, because it waits for a disk, is left behind: it goes when it wakes up.
    fn kill(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.wait(PARTING);
    }

    /// Waits for its end, not for ever.
    fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if begun.elapsed() < patience => std::thread::sleep(Duration::from_millis(1)),
                _ => return None,
            }
        }
    }

    /// Waits for the end of a worker that ends by itself, not for long; says how it ended.
    fn end(&mut self) -> (Option<ExitStatus>, String) {
        drop(self.to.take());
        let status = self.wait(PARTING);
        self.kill();
        // What it said last is there soon, unless a process of its own lives on.
        let begun = Instant::now();
        while self.listener.as_ref().is_some_and(|l| !l.is_finished()) && begun.elapsed() < LISTENING {
            std::thread::sleep(Duration::from_millis(1));
        }
        let how = match status {
            Some(s) => match (s.signal(), s.code()) {
                (Some(n), _) => format!("the worker was ended by signal {n}"),
                (None, Some(n)) => format!("the worker ended with code {n}"),
                (None, None) => "the worker ended".to_owned(),
            },
            None => "the worker fell silent".to_owned(),
        };
        let kept = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<u8> = kept.iter().copied().collect();
        drop(kept);
        let words = String::from_utf8_lossy(&words);
        let words = words.trim();
        (status, if words.is_empty() { how } else { format!("{how}: {words}") })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.to.take());
        // With nothing more to do it ends by itself; it holds nothing that could be lost.
        self.kill();
    }
}
