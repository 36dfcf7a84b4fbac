//! Stages of a segment: waiting for its score, scored, on its way out.

use affect::analyzer::Config;
use affect::record::Record;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// Next step of a segment that was analysed.
pub enum Outcome {
    /// It waits for its score.
    Queue(ScoringJob),
    /// It goes out.
    Keep(ScoringResult),
}

/// Messages that are to be posted at once.
#[derive(Default)]
pub struct Posts {
    /// Records whose messages go out.
    pub records: Vec<Record>,
    /// Number of segments dropped so far, where a warning is due.
    pub drops: Option<u64>,
    /// The model's engine panicked.
    pub failed: bool,
    /// Segments wait for their scores.
    pub queued: bool,
}

/// Record on its way out.
pub struct OutgoingRecord {
    pub record: Record,
    /// Its message has been posted.
    pub posted: bool,
    /// Its message goes out now.
    pub post: bool,
    /// It is attached.
    pub attach: bool,
}
