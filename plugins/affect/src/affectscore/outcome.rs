//! What becomes of a segment: it waits for its score, has one, and goes out.

use crate::item::Item;
use affect::analyzer::Config;
use affect::conversation::Conversation;
use affect::record::Record;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What stands in the line of the model.
pub enum Job {
    /// A segment that waits for its score.
    Score(Score),
    /// A conversation that waits for the scores of its segments, which stand before it.
    Conversation(Box<Conversation>),
}

/// A segment that waits for its score.
pub struct Score {
    pub config: Arc<Config>,
    pub record: Record,
    /// The record came from upstream: without a score it has nothing new to say.
    pub refined: bool,
    /// When it came.
    pub since: Instant,
}

/// A segment with its score, or without.
pub struct Finished {
    pub record: Record,
    pub refined: bool,
    /// It was too late for the model.
    pub dropped: bool,
    /// The model's engine panicked.
    pub failed: bool,
    pub took: Duration,
}

impl Finished {
    /// A record that no model is asked about.
    pub fn unscored(record: Record, refined: bool) -> Self {
        Self { record, refined, dropped: false, failed: false, took: Duration::ZERO }
    }
}

impl Job {
    /// It without a score.
    pub fn unscored(self, refined: bool) -> Made {
        match self {
            Self::Score(score) => Made::Segment(Finished::unscored(score.record, refined)),
            Self::Conversation(c) => Made::Conversation(c),
        }
    }
}

/// What came out of the line.
pub enum Made {
    Segment(Finished),
    Conversation(Box<Conversation>),
}

/// What becomes of a segment, or a conversation, that was analysed.
pub enum Outcome {
    /// It waits in the line, beside the stream.
    Queue(Job),
    /// It goes out.
    Keep(Made),
}

/// What is to be said at once.
#[derive(Default)]
pub struct Said {
    /// Results whose messages go out.
    pub items: Vec<Item>,
    /// How many segments were dropped so far, where it is time to say so.
    pub drops: Option<u64>,
    /// The model's engine panicked.
    pub failed: bool,
    /// Segments wait for their scores.
    pub queued: bool,
}

/// A result on its way out.
pub struct Parcel {
    pub item: Item,
    /// Its message has been posted.
    pub posted: bool,
    /// Its message goes out now.
    pub post: bool,
    /// It is attached.
    pub attach: bool,
}
