//! Stop in the middle of a stream: open segments, and those that wait for the model, go out as messages.

use super::imp::{AffectScore, CAT};
use super::outcome::{FinishedItem, Outcome, PendingItem, ScoringJob, ScoringResult};
use super::state::ScoreState;
use crate::tap::analysis;
use gst::subclass::prelude::*;
use std::time::{Duration, Instant};

impl ScoreState {
    /// Mean time that the model takes for a segment; zero before the first one.
    fn mean_scoring(&self) -> Duration {
        let scored = u32::try_from(self.stats.scored).unwrap_or(u32::MAX);
        self.stats.scoring.checked_div(scored).unwrap_or_default()
    }
}

impl AffectScore {
    /// Posts what is open and what waits: no buffer and no event comes after it that could carry it.
    pub(super) fn post_pending(&self) {
        let until = self.outbox.with(|s| s.stopping.take()).unwrap_or_else(Instant::now) + analysis::LONGEST_STOP;
        // Interrupted, segments are kept from the model.
        if let Some(notice) = analysis::finish_until(self, until) {
            gst::warning!(CAT, imp = self, "{}", notice.text());
            self.post(notice.message(&*self.obj()));
        }
        let waiting = self.outbox.reclaim(ScoreState::scores);
        let parked = self.outbox.with(ScoreState::take_parked);
        for item in parked.into_iter().chain(waiting) {
            let finished = match item {
                PendingItem::Segment(job) => FinishedItem::Segment(self.score_until(job, until)),
                PendingItem::Conversation(c) => FinishedItem::Conversation(c),
            };
            let posts = self.outbox.with(|s| s.store_all([Outcome::Keep(finished)], false));
            self.post_now(posts);
        }
        let outgoing = self.outbox.with(|s| s.collect(false));
        for o in outgoing.into_iter().filter(|o| o.post) {
            self.post(o.item.message(&*self.obj()));
        }
        self.outbox.with(|s| s.bus = Default::default());
    }

    /// Scores a segment, if the model will be done by `until`.
    fn score_until(&self, job: ScoringJob, until: Instant) -> ScoringResult {
        let expected = self.outbox.with(|s| s.mean_scoring());
        if Instant::now() + expected < until {
            self.infer(job)
        } else {
            ScoringResult { dropped: true, ..ScoringResult::unscored(job.record, job.refined) }
        }
    }
}
