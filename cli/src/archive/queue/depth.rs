//! What a queue holds: parts that wait, parts that are leased, dead letters with their reasons.

use super::super::Stop;
use super::super::source::whole_name;
use super::args::QueueArgs;
use super::connection::{Queue, QueueError, WORKERS, block_on, patiently};
use super::message::{Dead, Part, family};
use affect_archive::Run;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::Stream;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Most dead letters that are read; all are counted.
const READ: usize = 1000;
/// Most that are told of to a person.
const TOLD: usize = 20;

/// What a queue holds.
#[derive(Debug, Default, Serialize)]
pub struct Depth {
    /// The queue.
    queue: String,
    /// Whether anything was ever submitted to it.
    exists: bool,
    /// Parts of this run in the queue, leased ones included.
    queued: usize,
    /// Parts of all runs that nobody had yet.
    waiting: u64,
    /// Parts of all runs that a worker has, or that were given back and wait to be tried again.
    leased: usize,
    /// Dead letters of this run, without parts that were committed all the same.
    dead: usize,
    dead_letters: Vec<Dead>,
    /// Messages that were no parts.
    strays: usize,
    stray_letters: Vec<Dead>,
}

impl Depth {
    /// Lines to be read.
    pub fn text(&self) -> String {
        if !self.exists {
            return format!("queue {}: nothing was submitted to it yet: affect archive submit\n", self.queue);
        }
        let mut text = format!(
            "queue {}: {} parts of this run; of all runs {} wait, {} are leased or to be tried again\n{} dead letters\n",
            self.queue, self.queued, self.waiting, self.leased, self.dead
        );
        if self.queued > 0 && self.waiting == 0 && self.leased == 0 {
            text += "the server has lost track of what is left of this run: affect archive submit --again\n";
        }
        for letter in self.dead_letters.iter().take(TOLD) {
            let part = letter.part.map_or("a part".to_owned(), |n| format!("part {n}"));
            text += &format!("  {part}: {:?}\n", letter.reason);
        }
        if self.dead > TOLD {
            text += &format!("  and {} more: --json has them\n", self.dead - TOLD);
        }
        if self.dead > 0 {
            text += "affect archive submit --again submits them anew\n";
        }
        if self.strays > 0 {
            text += &format!("{} messages were no parts\n", self.strays);
        }
        for letter in self.stray_letters.iter().take(TOLD) {
            text += &format!("  {:?}\n", letter.reason);
        }
        text
    }
}

/// Looks what a queue holds. What is committed is no dead letter.
pub fn depth<T>(args: &QueueArgs, out: &Path, run: &Run, committed: &BTreeMap<u32, T>) -> Result<Depth, Stop> {
    let address = args.address()?;
    let ours = family(&whole_name(out)?, &run.id);
    block_on(async {
        let queue = Queue::open(&address, &args.reach).await?;
        let look = async || look(&queue, &ours, &|part| committed.contains_key(&part)).await;
        let depth = patiently(args.reach.away, look).await?;
        Ok(Depth { queue: address.to_string(), ..depth })
    })
}

async fn look(queue: &Queue, ours: &str, is_committed: &dyn Fn(u32) -> bool) -> Result<Depth, QueueError> {
    let Some((parts, dead)) = queue.found().await? else { return Ok(Depth::default()) };
    let queued = queue.numbers(&parts, Part::of_family(queue.name(), ours)).await?.len();
    let mut depth = Depth { exists: true, queued, ..Depth::default() };
    // Without workers so far everything waits.
    depth.waiting = parts.cached_info().state.messages;
    if let Ok(mut consumer) = parts.get_consumer::<pull::Config>(WORKERS).await {
        let info = consumer.info().await.map_err(|e| queue.away(e))?;
        (depth.waiting, depth.leased) = (info.num_pending, info.num_ack_pending);
    }
    let numbers = queue.numbers(&dead, Dead::of_family(queue.name(), ours)).await?;
    let numbers: Vec<u32> = numbers.into_iter().filter(|n| !is_committed(*n)).collect();
    depth.dead = numbers.len();
    for n in numbers.iter().take(READ) {
        depth.dead_letters.extend(letter(queue, &dead, &Dead::at(queue.name(), ours, n)).await?);
    }
    let strays = queue.numbers(&dead, Dead::strays(queue.name())).await?;
    depth.strays = strays.len();
    for n in strays.iter().rev().take(TOLD) {
        depth.stray_letters.extend(letter(queue, &dead, &Dead::at(queue.name(), "stray", n)).await?);
    }
    Ok(depth)
}

/// The letter of a subject, unless it has gone in the meantime.
async fn letter(queue: &Queue, dead: &Stream, subject: &str) -> Result<Option<Dead>, QueueError> {
    use async_nats::jetstream::stream::LastRawMessageErrorKind;
    match dead.get_last_raw_message_by_subject(subject).await {
        Ok(message) => Ok(Some(Dead::parse(&message.payload))),
        Err(e) if matches!(e.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(e) => Err(queue.away(e)),
    }
}
