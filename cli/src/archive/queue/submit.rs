//! `affect archive submit`: every part that is to be done goes into the queue, once.

use super::super::source::{store, whole_name};
use super::super::{COMPLETE, INCOMPLETE, Stop, attempt};
use super::args::SubmitArgs;
use super::connection::{DUPLICATES, Queue, QueueError, block_on, patiently};
use super::message::{Dead, Part, family};
use crate::say;
use affect_archive::plan::{Plan, plans};
use async_nats::jetstream::message::PublishMessage;
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
        let mut tries = 0;
        let attempt = async || {
            // Each try has ids of its own: what an earlier one sent may have been deleted again, and the server would take it for known.
            tries += 1;
            let again = word.as_ref().map(|word| format!("{word}{tries}"));
            submit(&queue, &ours, &todo, &part, again.as_deref()).await
        };
        Ok(patiently(args.queue.reach.away, attempt).await?)
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
    let (here, given_up) = (Part::of_family(queue.name(), ours), Dead::of_family(queue.name(), ours));
    if again.is_some() {
        // All of it: a server that was killed may hold parts that it gives out to nobody any more. What a worker has at hand is done twice,
        // and counts once.
        for (stream, subject) in [(&parts, here.clone()), (&dead, given_up.clone())] {
            stream.purge().filter(subject).await.map_err(|e| queue.away(e))?;
        }
    }
    let queued = queue.numbers(&parts, here.clone()).await?;
    let given_up = queue.numbers(&dead, given_up).await?;
    let mut done = Submitted { queued: todo.intersection(&queued).count(), ..Submitted::default() };
    let missing = todo.difference(&queued).copied();
    let (given_up, missing): (Vec<u32>, Vec<u32>) = missing.partition(|n| given_up.contains(n));
    done.dead = given_up.len();
    let missing: Vec<Part> = missing.into_iter().map(part).collect();
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
        let now = queue.numbers(&parts, here).await?;
        let there = missing.iter().filter(|p| now.contains(&p.part)).count();
        let arrived = there.saturating_sub(done.sent).min(done.lately);
        (done.queued, done.lately) = (done.queued + arrived, done.lately - arrived);
    }
    Ok(done)
}
