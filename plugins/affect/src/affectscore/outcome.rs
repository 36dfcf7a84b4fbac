//! What becomes of a segment: it waits for its score, has one, and goes out.

use affect::analyzer::Config;
use affect::record::Record;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A segment that waits for its score.
pub struct Job {
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

/// What becomes of a segment that was analysed.
pub enum Outcome {
    /// It waits for its score, beside the stream.
    Queue(Job),
    /// It goes out.
    Keep(Finished),
}

/// What is to be said at once.
#[derive(Default)]
pub struct Said {
    /// Records whose messages go out.
    pub records: Vec<Record>,
    /// How many segments were dropped so far, where it is time to say so.
    pub drops: Option<u64>,
    /// The model's engine panicked.
    pub failed: bool,
    /// Segments wait for their scores.
    pub queued: bool,
}

/// A record on its way out.
pub struct Parcel {
    pub record: Record,
    /// Its message has been posted.
    pub posted: bool,
    /// Its message goes out now.
    pub post: bool,
    /// It is attached.
    pub attach: bool,
}
