//! A stop in the middle of a stream: what is open, and what waits for the model, goes out as messages.

use super::imp::AffectScore;
use super::state::{Finished, Job, State};
use crate::result;
use affect::record::{Ended, SegmentKind};
use gst::subclass::prelude::*;
use std::time::{Duration, Instant};

/// A stop may spend this long on the scores of what is left; then the rest goes out without.
const TIME_TO_SCORE: Duration = Duration::from_millis(500);

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
        let waiting = self.outbox.hand_back();
        let (mut jobs, begun) = self.outbox.with(|s| (std::mem::take(&mut s.parked), s.stopping.take()));
        let begun = begun.unwrap_or_else(Instant::now);
        jobs.extend(waiting);
        self.work(|stream| {
            let Some(config) = stream.config.clone() else { return };
            stream.tap.end(Ended::Stopped);
            // Single frames are never posted.
            let open = stream.tap.take().into_iter().filter(|r| r.segment != SegmentKind::Frame);
            jobs.extend(open.map(|record| Job {
                config: config.clone(),
                record,
                refined: stream.upstream,
                since: Instant::now(),
            }));
        });
        for job in jobs {
            let expected = self.outbox.with(|s| s.mean_scoring());
            let finished = if begun.elapsed() + expected < TIME_TO_SCORE {
                self.infer(job)
            } else {
                Finished { dropped: true, ..Finished::unscored(job.record, job.refined) }
            };
            self.keep([finished]);
        }
        let (parcels, bus) = self.outbox.with(|s| (s.collect(false), std::mem::take(&mut s.bus)));
        for p in parcels.into_iter().filter(|p| p.post) {
            bus.post(&*self.obj(), result::message(&p.record, &*self.obj()));
        }
    }
}
