//! A stop in the middle of a stream: what is open, and what waits for the model, goes out as messages.

use super::imp::{AffectScore, CAT};
use super::outcome::{Finished, Job, Made, Outcome, Score};
use super::state::State;
use crate::tap::analysis;
use gst::subclass::prelude::*;
use std::time::{Duration, Instant};

impl State {
    /// How long the model takes for a segment, as far as is known.
    fn mean_scoring(&self) -> Duration {
        let scored = u32::try_from(self.stats.scored).unwrap_or(u32::MAX);
        self.stats.scoring.checked_div(scored).unwrap_or_default()
    }
}

impl AffectScore {
    /// Posts what is open and what waits: no buffer and no event comes after it that could carry it.
    pub(super) fn say_rest(&self) {
        let until = self.outbox.with(|s| s.stopping.take()).unwrap_or_else(Instant::now) + analysis::CONCLUSION;
        // Interrupted, segments are kept from the model.
        if let Some(notice) = analysis::conclude(self, until) {
            gst::warning!(CAT, imp = self, "{}", notice.text());
            self.post(notice.message(&*self.obj()));
        }
        let waiting = self.outbox.hand_back(State::scores);
        let parked = self.outbox.with(State::take_parked);
        for job in parked.into_iter().chain(waiting) {
            let made = match job {
                Job::Score(score) => Made::Segment(self.score_until(score, until)),
                Job::Conversation(c) => Made::Conversation(c),
            };
            let said = self.outbox.with(|s| s.keep_all([Outcome::Keep(made)], false));
            self.tell(said);
        }
        let parcels = self.outbox.with(|s| s.collect(false));
        for p in parcels.into_iter().filter(|p| p.post) {
            self.post(p.item.message(&*self.obj()));
        }
        self.outbox.with(|s| s.bus = Default::default());
    }

    /// Scores a segment, if the model will be done by `until`.
    fn score_until(&self, job: Score, until: Instant) -> Finished {
        let expected = self.outbox.with(|s| s.mean_scoring());
        if Instant::now() + expected < until {
            self.infer(job)
        } else {
            Finished { dropped: true, ..Finished::unscored(job.record, job.refined) }
        }
    }
}
