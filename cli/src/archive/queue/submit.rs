//! `affect archive submit`: every part that is to be done goes into the queue, once.

use super::super::source::{store, whole_name};
use super::super::{COMPLETE, INCOMPLETE, Stop, attempt};
use super::args::SubmitArgs;
use super::connection::{DUPLICATES, Queue, QueueError, block_on, patiently};
use super::message::{Dead, Part, family};
use crate::say;
use affect_archive::plan::{Plan, plans};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use std::collections::BTreeSet;

/// Messages that are on their way at the same time.
const ON_THEIR_WAY: usize = 256;

/// What became of the parts that are not committed.
#[derive(Debug, Default)]
struct Submitted {
    sent: usize,
    queued: usize,
    dead: usize,
    /// Submitted a short while ago, and not in the queue any more.
    lately: usize,
}

pub fn run(args: &SubmitArgs) -> Result<u8, Stop> {
    let address = args.queue.address()?;
    let store = store(&args.out)?;
    let run = args.which.find(&*store, &args.out)?;
    let plans = plans(&*store)?;
    let committed = run.committed(&*store)?;
    let todo: BTreeSet<u32> = plans.iter().flat_map(Plan::numbers).filter(|n| !committed.contains_key(n)).collect();
    let word = args.again.then(attempt).transpose()?;
    let place = whole_name(&args.out)?;
    let ours = family(&place, &run.id);
    let part = |number: u32| Part::new(place.clone(), run.id.clone(), number);
    let submitted = block_on(async {
        let queue = Queue::open(&address, &args.queue.reach).await?;
        let all = async || submit(&queue, &ours, &todo, &part, word.as_deref()).await;
        Ok(patiently(args.queue.reach.away, all).await?)
    })?;
    say(&text(&submitted, &address.to_string(), committed.len())).map_err(|e| Stop(super::super::AWAY, e))?;
    Ok(if submitted.dead + submitted.lately == 0 { COMPLETE } else { INCOMPLETE })
}

fn text(s: &Submitted, queue: &str, committed: usize) -> String {
    let mut text = format!(
        "{queue}: {} parts submitted; {} were in the queue already, {committed} are committed\n",
        s.sent, s.queued
    );
    if s.dead > 0 {
        text += &format!(
            "{} parts are dead letters: affect archive status --queue says why, affect archive submit --again submits them anew\n",
            s.dead
        );
    }
    if s.lately > 0 {
        text += &format!(
            "{} parts were submitted less than {} s ago and are not in the queue: affect archive submit --again submits them anew\n",
            s.lately,
            DUPLICATES.as_secs()
        );
    }
    text
}

async fn submit(
    queue: &Queue,
    ours: &str,
    todo: &BTreeSet<u32>,
    part: &dyn Fn(u32) -> Part,
    again: Option<&str>,
) -> Result<Submitted, QueueError> {
    let (parts, dead) = queue.streams().await?;
    let queued = queue.numbers(&parts, Part::of_family(queue.name(), ours)).await?;
    let given_up = queue.numbers(&dead, Dead::of_family(queue.name(), ours)).await?;
    let mut done = Submitted { queued: todo.intersection(&queued).count(), ..Submitted::default() };
    let mut missing: Vec<Part> = Vec::new();
    for number in todo.difference(&queued).copied() {
        if !given_up.contains(&number) {
            missing.push(part(number));
        } else if again.is_some() {
            forget(queue, &dead, Dead::at(queue.name(), ours, number)).await?;
            missing.push(part(number));
        } else {
            done.dead += 1;
        }
    }
    for some in missing.chunks(ON_THEIR_WAY) {
        let mut answers = Vec::new();
        for p in some {
            let message = PublishMessage::build().message_id(p.id(again)).payload(p.text().into());
            let sent = queue.context.send_publish(p.subject(queue.name()), message).await;
            answers.push(sent.map_err(|e| queue.away(e))?);
        }
        for answer in answers {
            let duplicate = answer.await.map_err(|e| queue.away(e))?.duplicate;
            *if duplicate { &mut done.lately } else { &mut done.sent } += 1;
        }
    }
    if done.lately > 0 {
        // Somebody else may have submitted them in the meantime, or an earlier try of this one.
        let now = queue.numbers(&parts, Part::of_family(queue.name(), ours)).await?;
        let there = missing.iter().filter(|p| now.contains(&p.part)).count();
        let found = there.saturating_sub(done.sent).min(done.lately);
        (done.queued, done.lately) = (done.queued + found, done.lately - found);
    }
    Ok(done)
}

/// Deletes a dead letter.
async fn forget(queue: &Queue, dead: &Stream, subject: String) -> Result<(), QueueError> {
    dead.purge().filter(subject).await.map(drop).map_err(|e| queue.away(e))
}
