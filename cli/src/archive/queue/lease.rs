//! The lease of a part: it is extended while the work gets on, and only then. Work that stands still loses it.

use super::verdict::End;
use async_nats::jetstream::{AckKind, Message};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// In a lease, how often it is looked whether the work got on.
const LOOKS: u32 = 3;

/// What the thread that works says.
#[derive(Debug)]
pub enum News {
    /// It gets on.
    Step,
    /// It is at the end.
    End(End),
}

/// Waits for the end of the work on a part, and extends its lease with each step since the last look.
pub async fn hold(message: &Message, lease: Duration, mut news: UnboundedReceiver<News>) -> End {
    let every = lease / LOOKS;
    let mut looks = interval_at(Instant::now() + every, every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stepped = false;
    loop {
        tokio::select! {
            said = news.recv() => match said {
                Some(News::Step) => stepped = true,
                Some(News::End(end)) => return end,
                None => return End::Failed(super::super::AWAY, "the thread that worked on it has ended".to_owned()),
            },
            _ = looks.tick() => if std::mem::take(&mut stepped) {
                // Where it does not arrive, the part is given to somebody else, and the first commit counts.
                let _ = tokio::time::timeout(every, message.ack_with(AckKind::Progress)).await;
            },
        }
    }
}
