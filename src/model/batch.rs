//! Batching across streams, rows of several in one run: whoever comes first waits a little for the others and runs for all.

use super::ModelError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Runs rows, one after another, and hands out the numbers of each.
pub(super) type RunRows<'a> = &'a dyn Fn(&[f32], &mut dyn FnMut(&[f32])) -> Result<(), ModelError>;

type Answer = Result<Vec<f64>, ModelError>;

#[derive(Debug, Default)]
struct Queue {
    /// Rows that wait, with their tickets.
    rows: Vec<(u64, Vec<f32>)>,
    /// Answers that wait to be fetched.
    answers: Vec<(u64, Answer)>,
    tickets: u64,
    /// Somebody collects rows.
    led: bool,
}

/// Batch of a model that rows of several streams join.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Rows that somebody runs for others: whatever becomes of the run, each gets an answer.
struct Promise<'a> {
    batcher: &'a Batcher,
    /// Those without an answer; not the leader's own, who is not there to fetch it where a run ends in a panic.
    others: Vec<u64>,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        if self.others.is_empty() {
            return;
        }
        let lost = || ModelError::Run("the run that this row was part of ended in a panic".to_owned());
        self.batcher.lock().answers.extend(self.others.drain(..).map(|ticket| (ticket, Err(lost()))));
        self.batcher.changed.notify_all();
    }
}

impl Batcher {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of a row, out of a run together with others' rows that come within `wait`, up to `size` of them.
    pub fn run(&self, run: RunRows<'_>, row: &[f32], size: usize, wait: Duration) -> Answer {
        let mut queue = self.lock();
        let ticket = queue.tickets;
        queue.tickets += 1;
        queue.rows.push((ticket, row.to_vec()));
        self.changed.notify_all();
        loop {
            if let Some(k) = queue.answers.iter().position(|a| a.0 == ticket) {
                return queue.answers.swap_remove(k).1;
            }
            if queue.led || !queue.rows.iter().any(|r| r.0 == ticket) {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            queue.led = true;
            let end = Instant::now().checked_add(wait);
            while queue.rows.len() < size {
                let left = end.map_or(wait, |e| e.saturating_duration_since(Instant::now()));
                if left.is_zero() {
                    break;
                }
                queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            let count = queue.rows.len().min(size);
            let taken: Vec<(u64, Vec<f32>)> = queue.rows.drain(..count).collect();
            queue.led = false;
            drop(queue);
            // The next rows may already gather while these run.
            self.changed.notify_all();
            let others = taken.iter().map(|t| t.0).filter(|t| *t != ticket).collect();
            let mut promise = Promise { batcher: self, others };
            let answers = together(run, taken);
            queue = self.lock();
            promise.others.clear();
            queue.answers.extend(answers);
            self.changed.notify_all();
        }
    }
}

/// The answers to several rows, out of one run; row by row where that fails, so that one bad row costs the others nothing.
fn together(run: RunRows<'_>, taken: Vec<(u64, Vec<f32>)>) -> Vec<(u64, Answer)> {
    let rows: Vec<f32> = taken.iter().flat_map(|(_, r)| r.iter().copied()).collect();
    let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let mut answers: Vec<Vec<f64>> = Vec::with_capacity(taken.len());
    if run(&rows, &mut |v| answers.push(wide(v))).is_ok() && answers.len() == taken.len() {
        return taken.into_iter().map(|t| t.0).zip(answers.into_iter().map(Ok)).collect();
    }
    let alone = |row: &[f32]| -> Answer {
        let mut answer = None;
        run(row, &mut |v| answer = Some(wide(v)))?;
        answer.ok_or_else(|| ModelError::Run("an answer is missing".to_owned()))
    };
    taken.into_iter().map(|(ticket, row)| (ticket, alone(&row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    /// Whoever runs for others and panics leaves them with an answer that says so; later rows are answered as ever.
    #[test]
    fn a_leader_that_panics_leaves_nobody_waiting() {
        let batcher = Arc::new(Batcher::default());
        let (sender, answers) = channel();
        let threads: Vec<_> = (0..4)
            .map(|k| {
                let (batcher, sender) = (batcher.clone(), sender.clone());
                std::thread::spawn(move || {
                    let answer =
                        batcher.run(&|_, _| panic!("an engine gave up"), &[k as f32], 4, Duration::from_secs(20));
                    // Who is gone does not mind.
                    let _ = sender.send(answer);
                })
            })
            .collect();
        drop(sender);
        let received: Vec<Answer> =
            (0..3).map(|_| answers.recv_timeout(Duration::from_secs(60)).expect("an answer")).collect();
        assert!(received.iter().all(|a| a.as_ref().is_err_and(|e| e.to_string().contains("panic"))), "{received:?}");
        assert_eq!(threads.into_iter().map(|t| usize::from(t.join().is_err())).sum::<usize>(), 1, "the leader alone");
        let double = |rows: &[f32], take: &mut dyn FnMut(&[f32])| {
            rows.iter().for_each(|r| take(&[2.0 * r]));
            Ok(())
        };
        assert_eq!(batcher.run(&double, &[4.0], 4, Duration::from_millis(1)), Ok(vec![8.0]));
    }
}
