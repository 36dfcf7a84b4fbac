//! `affect archive work`: takes parts from the queue and does them, until it is asked to leave or there was nothing to do for long.

use super::super::source::whole_name;
use super::super::{AWAY, COMPLETE, INCOMPLETE, Stop, mismatch};
use super::args::WorkArgs;
use super::connection::{Queue, QueueError, block_on, patiently};
use super::hand::{Archives, Order, hand};
use super::lease::hold;
use super::message::{Dead, Part};
use super::verdict::{End, Verdict, may_try, verdict};
use crate::interrupt;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{sleep, timeout};

/// How long a request for a part waits at the server.
const PULL: Duration = Duration::from_secs(2);
/// How much later its answer may come.
const GRACE: Duration = Duration::from_secs(2);
/// How often what waits looks whether to leave.
const GLANCE: Duration = Duration::from_millis(100);
/// Waits while the queue is away: the first one, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));
/// How long an acknowledgement is tried. Without it the part is given out again and found committed.
const ACKNOWLEDGE: Duration = Duration::from_secs(10);
/// A worker at which so many different parts fail, and none is committed in between, is itself what fails.
const FAILING: usize = 3;

pub fn run(args: &WorkArgs) -> Result<u8, Stop> {
    args.queue.address()?;
    if args.machine.stall >= args.lease {
        return Err(mismatch(format!(
            "--lease {} s is not longer than --stall {} s: expected a lease in which a call that hangs is given up",
            args.lease.as_secs_f64(),
            args.machine.stall.as_secs_f64()
        )));
    }
    interrupt::flag();
    let archives = Archives::new(&args.machine, args.within.as_deref().map(whole_name).transpose()?);
    let halt = AtomicBool::new(false);
    let (archives, halt) = (&archives, &halt);
    let code = std::thread::scope(|scope| {
        let mut hands = Vec::new();
        for _ in 0..args.machine.jobs() {
            let (order, orders) = channel();
            scope.spawn(move || hand(&orders, archives, halt));
            hands.push(order);
        }
        block_on(serve(args, hands, halt))
    })?;
    if code == COMPLETE {
        archives.sweep();
    }
    Ok(code)
}

/// What the jobs of this process share.
struct Shared<'a> {
    args: &'a WorkArgs,
    queue: Queue,
    consumer: RefCell<Option<Consumer<pull::Config>>>,
    /// Tells the threads to stop at the end of the call at hand.
    halt: &'a AtomicBool,
    stop: RefCell<Option<Stop>>,
    /// When the queue answered last.
    answered: Cell<Instant>,
    /// When there was something to do last.
    busy: Cell<Instant>,
    at_work: Cell<usize>,
    /// When it was looked last whether the queue has lost track of parts.
    looked: Cell<Instant>,
    /// Parts that failed since one was committed.
    failing: RefCell<BTreeSet<(String, u32)>>,
}

async fn serve(args: &WorkArgs, hands: Vec<Sender<Order>>, halt: &AtomicBool) -> Result<u8, Stop> {
    let address = args.queue.address()?;
    let queue = Queue::open(&address, &args.queue.reach).await?;
    if !args.machine.quiet {
        eprintln!("affect: takes parts from {}, {} at a time", address, hands.len());
    }
    let now = Instant::now();
    let shared = Shared {
        args,
        queue,
        consumer: RefCell::default(),
        halt,
        stop: RefCell::default(),
        answered: Cell::new(now),
        busy: Cell::new(now),
        at_work: Cell::new(0),
        looked: Cell::new(now),
        failing: RefCell::default(),
    };
    join_all(hands.into_iter().map(|to| shared.job(to))).await;
    match shared.stop.take() {
        Some(stop) => Err(stop),
        None if interrupt::asked() => Ok(INCOMPLETE),
        None => Ok(COMPLETE),
    }
}

impl Shared<'_> {
    fn leaving(&self) -> bool {
        interrupt::asked() || self.halt.load(Ordering::Relaxed)
    }

    /// Everybody leaves, for this reason.
    fn leave(&self, stop: Stop) {
        self.halt.store(true, Ordering::Relaxed);
        self.stop.borrow_mut().get_or_insert(stop);
    }

    /// One part after the other, by one thread.
    async fn job(&self, to: Sender<Order>) {
        let mut pause = PAUSES.0;
        while !self.leaving() {
            match self.next().await {
                Ok(Some(message)) => {
                    pause = PAUSES.0;
                    self.answered.set(Instant::now());
                    self.at_work.set(self.at_work.get() + 1);
                    self.one(&message, &to).await;
                    self.at_work.set(self.at_work.get() - 1);
                    self.busy.set(Instant::now());
                }
                Ok(None) => {
                    pause = PAUSES.0;
                    self.answered.set(Instant::now());
                    let idle = self.at_work.get() == 0;
                    if idle && self.looked.get().elapsed() >= self.args.lease {
                        self.looked.set(Instant::now());
                        // What is lost stays lost until the next look.
                        let _ = self.queue.find_lost().await;
                    }
                    if idle && self.args.until_idle.is_some_and(|most| self.busy.get().elapsed() >= most) {
                        return;
                    }
                }
                Err(e) => {
                    // A queue that is away has perhaps something to do. A part at hand is committed without it.
                    self.busy.set(Instant::now());
                    self.consumer.take();
                    let gone = self.answered.get().elapsed() >= self.args.queue.reach.away;
                    if !matches!(e, QueueError::Away { .. }) || gone && self.at_work.get() == 0 {
                        return self.leave(e.into());
                    }
                    self.pause(pause).await;
                    pause = (2 * pause).min(PAUSES.1);
                }
            }
        }
    }

    async fn pause(&self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time && !self.leaving() {
            sleep(GLANCE).await;
        }
    }

    /// The next message; none where there is none for a while. Also while this process is asked to leave the answer is waited for: what
    /// the server gives out meanwhile would be leased to nobody.
    async fn next(&self) -> Result<Option<Message>, QueueError> {
        if self.queue.is_away() {
            return Err(self.queue.away("the connection is lost"));
        }
        let known = self.consumer.borrow().clone();
        let consumer = match known {
            Some(consumer) => consumer,
            None => {
                let (parts, _) = self.queue.streams().await?;
                let consumer = self.queue.consumer(&parts, self.args.lease).await?;
                self.consumer.replace(Some(consumer.clone()));
                consumer
            }
        };
        let pull = async {
            let asked = consumer.batch().max_messages(1).expires(PULL).messages().await;
            let mut answers = asked.map_err(|e| self.queue.away(e))?;
            answers.next().await.transpose().map_err(|e| self.queue.away(e))
        };
        timeout(PULL + GRACE, pull)
            .await
            .unwrap_or_else(|_| Err(self.queue.away("it does not answer a request for a part")))
    }

    /// Has a part done, and settles its message.
    async fn one(&self, message: &Message, to: &Sender<Order>) {
        let about = message.info().map(|i| (u64::try_from(i.delivered).unwrap_or(1), i.stream_sequence));
        let (deliveries, sequence) = about.unwrap_or((1, 0));
        let most = self.args.max_deliver;
        let part = match Part::parse(self.queue.name(), &message.subject, &message.payload) {
            Ok(part) => part,
            Err(why) => {
                let dead = Dead::stray(&message.payload, &why, deliveries);
                return self.bury(message, &dead, sequence).await;
            }
        };
        let (news, hear) = unbounded_channel();
        let order = Order { part: part.clone(), deliveries, may_try: may_try(deliveries, most), news };
        let end = match to.send(order) {
            Ok(()) => hold(message, self.args.lease, hear).await,
            Err(_) => End::Failed(AWAY, "a thread of this worker has ended".to_owned()),
        };
        self.notice(&part, &end);
        match verdict(&end, deliveries, most) {
            Verdict::Ack => {
                // Where even that fails, it is given out again and found committed.
                let _ = self.tell(message, AckKind::Ack).await;
            }
            Verdict::Nak(after) => {
                let after = Some(after).filter(|a| !a.is_zero());
                let sent = timeout(ACKNOWLEDGE, async {
                    message.ack_with(AckKind::Nak(after)).await?;
                    self.queue.context.client().flush().await.map_err(async_nats::Error::from)
                });
                // Where it does not arrive, the lease ends by itself.
                let _ = sent.await;
            }
            Verdict::Dead(why) => self.bury(message, &Dead::part(&part, &why, deliveries), sequence).await,
        }
    }

    /// Sends an acknowledgement until the server confirms that it has it.
    async fn tell(&self, message: &Message, kind: AckKind) -> Result<(), QueueError> {
        patiently(ACKNOWLEDGE, async || message.double_ack_with(kind).await.map_err(|e| self.queue.away(e))).await
    }

    /// Makes a message a dead letter.
    async fn bury(&self, message: &Message, dead: &Dead, sequence: u64) {
        let what = dead.part.map_or("a message".to_owned(), |n| format!("part {n}"));
        eprintln!("affect: {what} becomes a dead letter: {:?}", dead.reason);
        let subject = dead.subject(self.queue.name(), sequence);
        let text = dead.text();
        let kept = patiently(ACKNOWLEDGE, async || {
            self.queue.streams().await?;
            let sent = self.queue.context.publish(subject.clone(), text.clone().into()).await;
            let kept = sent.map_err(|e| self.queue.away(e))?.await;
            kept.map(drop).map_err(|e| self.queue.away(e))
        });
        // Until the letter is kept the message stays: it comes again.
        if kept.await.is_ok() {
            let _ = self.tell(message, AckKind::Term).await;
        }
    }

    /// Leaves where it is this worker that fails, and not single parts.
    fn notice(&self, part: &Part, end: &End) {
        match end {
            End::Committed => self.failing.borrow_mut().clear(),
            End::Failed(code, why) => {
                self.failing.borrow_mut().insert((part.run.clone(), part.part));
                if self.failing.borrow().len() >= FAILING {
                    self.leave(Stop(
                        *code,
                        format!(
                            "{FAILING} parts failed and none was committed; the last one, part {}: {why}",
                            part.part
                        ),
                    ));
                }
            }
            End::Interrupted | End::Impossible(_) | End::GivenUp => {}
        }
    }
}
