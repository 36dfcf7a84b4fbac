//! Stages of a segment, and of a conversation: waiting for scores, finished, on its way out.

use crate::item::Item;
use affect::analyzer::Config;
use affect::conversation::Conversation;
use affect::record::Record;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Item before its score: what the queue of the model holds.
#[expect(clippy::large_enum_variant, reason = "nearly all are segments")]
pub enum PendingItem {
    Segment(ScoringJob),
    /// A conversation that waits for the scores of its segments, which are ahead of it.
    Conversation(Box<Conversation>),
}

impl PendingItem {
    /// The item without a score.
    pub fn unscored(self, refined: bool) -> FinishedItem {
        match self {
            Self::Segment(job) => FinishedItem::Segment(ScoringResult::unscored(job.record, refined)),
            Self::Conversation(c) => FinishedItem::Conversation(c),
        }
    }
}

/// Segment that waits for its score.
pub struct ScoringJob {
    pub config: Arc<Config>,
    pub record: Record,
    /// The record came from upstream: without a score it is no new revision.
    pub refined: bool,
    /// When it came.
    pub since: Instant,
}

/// Segment that was scored, or not.
pub struct ScoringResult {
    pub record: Record,
    pub refined: bool,
    /// It was too late for the model.
    pub dropped: bool,
    /// The model's engine panicked.
    pub failed: bool,
    pub took: Duration,
}

impl ScoringResult {
    /// A record without a score.
    pub fn unscored(record: Record, refined: bool) -> Self {
        Self { record, refined, dropped: false, failed: false, took: Duration::ZERO }
    }
}

/// Item that nothing has to be waited for any more.
#[expect(clippy::large_enum_variant, reason = "nearly all are segments")]
pub enum FinishedItem {
    Segment(ScoringResult),
    Conversation(Box<Conversation>),
}

/// Next step of a segment, or a conversation, that was analysed.
pub enum Outcome {
    /// It waits for its score, or for those of its segments.
    Queue(PendingItem),
    /// It goes out.
    Keep(FinishedItem),
}

/// Messages that are to be posted at once.
#[derive(Default)]
pub struct Posts {
    /// Results whose messages go out.
    pub items: Vec<Item>,
    /// Number of segments dropped so far, where a warning is due.
    pub drops: Option<u64>,
    /// The model's engine panicked.
    pub failed: bool,
    /// Segments wait for their scores.
    pub queued: bool,
}

/// Result on its way out.
pub struct OutgoingItem {
    pub item: Item,
    /// Its message has been posted.
    pub posted: bool,
    /// Its message goes out now.
    pub post: bool,
    /// It is attached.
    pub attach: bool,
}
