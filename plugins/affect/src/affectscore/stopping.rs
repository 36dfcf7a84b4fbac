//! A stop in the middle of a stream: what is open, and what waits for the model, goes out as messages.

use super::imp::{AffectScore, CAT};
use super::outcome::{Finished, Job, Outcome};
use super::state::State;
use crate::result;
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
            let finished = self.score_until(job, until);
            let said = self.outbox.with(|s| s.keep_all([Outcome::Keep(finished)], false));
            self.tell(said);
        }
        let parcels = self.outbox.with(|s| s.collect(false));
        for p in parcels.into_iter().filter(|p| p.post) {
            self.post(result::message(&p.record, &*self.obj()));
        }
        self.outbox.with(|s| s.bus = Default::default());
    }

    /// Scores a segment, if the model will be done by `until`.
    fn score_until(&self, job: Job, until: Instant) -> Finished {
        let expected = self.outbox.with(|s| s.mean_scoring());
        if Instant::now() + expected < until {
            self.infer(job)
        } else {
            Finished { dropped: true, ..Finished::unscored(job.record, job.refined) }
        }
    }
}
