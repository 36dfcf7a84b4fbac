//! Backlog of an element: inputs that wait for the pool to analyse them, the lag, and what is left out when it grows.
//!
//! Live audio never waits. Once [`SPARE`] of it are not analysed yet, interim results are left out; from [`WARN`] on there is
//! a warning; and beyond the limit the older half of what waits is left out as one hole, which cuts the analysis, with a warning too. One
//! hole, because many small ones would leave no segment whole. An overload ends when less than [`CALM`] waits.

use super::input::Input;
use super::notice::Notice;
use crate::outbox::queue::{JobQueue, Ticket};
use gst::prelude::*;
use std::collections::VecDeque;

/// Longest lag at which interim results are still computed.
const SPARE: gst::ClockTime = gst::ClockTime::from_mseconds(300);
/// Longest lag without a warning.
const WARN: gst::ClockTime = gst::ClockTime::from_mseconds(1_000);
/// Longest lag at which an overload counts as over.
const CALM: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// Stage of an overload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Episode {
    #[default]
    None,
    Behind,
    LeftOut,
}

/// Inputs that wait, and their counters.
#[derive(Default)]
pub struct Backlog {
    pub queue: JobQueue<Input>,
    /// The stream is live: audio comes as time passes, and does not wait.
    live: bool,
    on_workers: bool,
    /// Which threads analyse this stream is to be decided anew.
    undecided: bool,
    /// Bytes per second of audio.
    bytes_per_second: u64,
    /// Duration of audio that waits or is being analysed.
    lag: gst::ClockTime,
    longest: gst::ClockTime,
    left_out: gst::ClockTime,
    episode: Episode,
    episodes: u64,
    /// Why the stream cannot go on.
    failed: Option<gst::FlowError>,
}

impl Backlog {
    /// Empties the backlog for another start.
    pub fn begin(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        *self = Self { queue, undecided: true, ..Self::default() };
    }

    /// Empties the backlog after a stop; its counters stay until the next start.
    pub fn end(&mut self) {
        let Self { longest, left_out, episodes, .. } = *self;
        self.begin();
        (self.longest, self.left_out, self.episodes) = (longest, left_out, episodes);
    }

    /// The epoch of what comes in now, and of what waits.
    pub fn ticket(&self) -> Ticket {
        self.queue.ticket()
    }

    /// Whether a ticket is of the current epoch: nothing was forgotten since it was given.
    pub fn holds(&self, ticket: Ticket) -> bool {
        self.queue.ticket() == ticket
    }

    /// Notes that another stream begins: which threads analyse it is to be decided.
    pub fn expect_another_stream(&mut self) {
        self.undecided = true;
    }

    /// Whether it is to be decided which threads analyse the stream.
    pub fn undecided(&self) -> bool {
        self.undecided
    }

    /// Sets which threads analyse the stream, and whether it is live.
    pub fn decide(&mut self, on_workers: bool, live: bool) {
        (self.on_workers, self.live, self.undecided) = (on_workers, live, false);
    }

    /// Whether workers analyse the audio, rather than the streaming thread.
    pub fn on_workers(&self) -> bool {
        self.on_workers
    }

    /// Whether the stream is live.
    pub fn live(&self) -> bool {
        self.live
    }

    /// Sets the audio format.
    pub fn set_info(&mut self, info: &gst_audio::AudioInfo) {
        self.bytes_per_second = u64::from(info.rate()) * u64::from(info.bpf());
    }

    /// Duration of a buffer of this many bytes.
    pub fn duration(&self, bytes: usize) -> gst::ClockTime {
        gst::ClockTime::SECOND.mul_div_floor(bytes as u64, self.bytes_per_second.max(1)).unwrap_or_default()
    }

    /// Whether the lag is within `limit`, so that audio that can wait may come in.
    pub fn has_room(&self, limit: gst::ClockTime) -> bool {
        self.lag <= limit
    }

    /// Appends audio; beyond `limit` the older half of live audio is left out. Returns a warning where one is due.
    pub fn push(&mut self, buffer: gst::Buffer, limit: gst::ClockTime) -> Option<Notice> {
        let duration = self.duration(buffer.size());
        self.queue.jobs().push_back(Input::Audio(buffer, duration));
        self.lag = self.lag.saturating_add(duration);
        if !self.live {
            return None;
        }
        self.longest = self.longest.max(self.lag);
        if self.lag > limit {
            let hole = self.leave_out_older_half();
            return self.escalate(Episode::LeftOut).then_some(Notice::LeftOut(hole));
        }
        (self.lag > WARN && self.escalate(Episode::Behind)).then_some(Notice::Behind(self.lag))
    }

    fn escalate(&mut self, episode: Episode) -> bool {
        let rises = self.episode < episode;
        self.episodes += u64::from(self.episode == Episode::None);
        self.episode = self.episode.max(episode);
        rises
    }

    /// Replaces the older half of the audio that waits by one hole, whose duration is returned. Events stay.
    fn leave_out_older_half(&mut self) -> gst::ClockTime {
        let most = self.lag.nseconds() / 2;
        let (mut hole, mut kept) = (gst::ClockTime::ZERO, VecDeque::new());
        let jobs = self.queue.jobs();
        let mut audio = 0;
        while audio < most {
            let Some(input) = jobs.pop_front() else { break };
            audio += input.audio().nseconds();
            match input.passes() {
                Some(duration) => hole = hole.saturating_add(duration),
                None => kept.push_back(input),
            }
        }
        let audio = gst::ClockTime::from_nseconds(audio);
        kept.push_front(Input::LeftOut(hole));
        kept.append(jobs);
        *jobs = kept;
        self.lag = self.lag.saturating_sub(audio);
        self.left_out = self.left_out.saturating_add(audio);
        hole
    }

    /// Counts audio as analysed.
    pub fn done(&mut self, duration: gst::ClockTime) {
        self.lag = self.lag.saturating_sub(duration);
        if self.lag <= CALM {
            self.episode = Episode::None;
        }
    }

    /// Counts audio that a stop leaves unanalysed.
    pub fn abandon(&mut self, audio: gst::ClockTime) {
        self.lag = self.lag.saturating_sub(audio);
        self.left_out = self.left_out.saturating_add(audio);
    }

    /// Whether interim results are left out to catch up.
    pub fn hurried(&self) -> bool {
        self.live && self.lag > SPARE
    }

    /// Forgets all audio that waits or is being analysed (flush, reset). Format, stream and segment stay known.
    pub fn forget(&mut self) {
        let jobs = std::mem::take(self.queue.jobs());
        self.queue.forget();
        self.queue.jobs().extend(jobs.into_iter().filter(Input::outlives_a_flush));
        self.lag = gst::ClockTime::ZERO;
        self.episode = Episode::None;
    }

    /// Notes why the stream cannot go on.
    pub fn fail(&mut self, why: Option<gst::FlowError>) {
        self.failed = self.failed.or(why);
    }

    /// Checks that the stream can go on.
    ///
    /// # Errors
    /// The flow error with which it ends.
    pub fn check_flow(&self) -> Result<(), gst::FlowError> {
        self.failed.map_or(Ok(()), Err)
    }

    /// Adds its counters to statistics.
    pub fn add_to(&self, stats: &mut gst::StructureRef) {
        stats.set("analysis", if self.on_workers { "worker" } else { "inline" });
        stats.set("lag", self.lag.nseconds());
        stats.set("max-lag", self.longest.nseconds());
        stats.set("overloads", self.episodes);
        stats.set("left-out-audio", self.left_out.nseconds());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst::ClockTime;

    const LIMIT: ClockTime = ClockTime::from_seconds(4);

    fn backlog(live: bool) -> Backlog {
        gst::init().unwrap();
        let mut b = Backlog::default();
        b.begin();
        b.decide(true, live);
        b.set_info(&gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 8_000, 1).build().unwrap());
        b
    }

    /// 20 ms of audio.
    fn packet() -> gst::Buffer {
        gst::Buffer::with_size(320).unwrap()
    }

    fn ms(list: &mut VecDeque<Input>) -> Vec<u64> {
        list.iter().filter_map(|i| i.passes().map(|t| t.mseconds())).collect()
    }

    #[test]
    fn what_gives_way_when() {
        let mut b = backlog(true);
        let mut said = Vec::new();
        let mut hurried_from = None;
        for k in 1..=1_000u64 {
            said.extend(b.push(packet(), LIMIT).map(|n| (20 * k, n)));
            if b.hurried() {
                hurried_from.get_or_insert(20 * k);
            }
            assert!(b.lag <= LIMIT);
        }
        assert_eq!(hurried_from, Some(320));
        let first_hole = ClockTime::from_mseconds(2_020);
        assert_eq!(
            said,
            [(1_020, Notice::Behind(ClockTime::from_mseconds(1_020))), (4_020, Notice::LeftOut(first_hole))],
            "each is said once an episode"
        );
        assert!(said[1].1.text().contains("2.0 s of it"), "{}", said[1].1.text());
        // Nothing is lost but what is stated: 20 s came in, and there is one hole.
        let times = ms(b.queue.jobs());
        assert_eq!(times.iter().sum::<u64>(), 20_000);
        assert_eq!(times.iter().filter(|t| **t != 20).count(), 1);
        assert_eq!((times[0], b.lag.mseconds()), (b.left_out.mseconds(), 20_000 - times[0]));
        // The episode ends, and another one begins.
        while let Some(input) = b.queue.jobs().pop_front() {
            if let Input::Audio(_, duration) = input {
                b.done(duration);
            }
        }
        assert!(b.lag.is_zero() && !b.hurried());
        let again: Vec<Notice> = (0..60).filter_map(|_| b.push(packet(), LIMIT)).collect();
        assert_eq!((again.len(), b.episodes), (1, 2));
    }

    #[test]
    fn what_is_no_audio_stays_in_order() {
        let mut b = backlog(true);
        b.queue.jobs().push_back(Input::Stream("a".to_owned()));
        for k in 0..201 {
            if k == 50 {
                b.queue.jobs().push_back(Input::Gap(ClockTime::SECOND, Some(ClockTime::from_mseconds(60))));
                b.queue.jobs().push_back(Input::Stream("b".to_owned()));
            }
            b.push(packet(), LIMIT);
        }
        let names: Vec<String> = b
            .queue
            .jobs()
            .iter()
            .take(4)
            .map(|i| match i {
                Input::Stream(name) => name.clone(),
                Input::LeftOut(hole) => hole.mseconds().to_string(),
                _ => "audio".to_owned(),
            })
            .collect();
        assert_eq!(names, ["2080", "a", "b", "audio"], "101 packets and the gap");
        b.forget();
        assert_eq!((b.queue.len(), b.lag), (2, ClockTime::ZERO), "a flush keeps what the audio is");
    }

    #[test]
    fn audio_that_can_wait_loses_nothing() {
        let mut b = backlog(false);
        let said: Vec<Notice> = (0..1_000).filter_map(|_| b.push(packet(), LIMIT)).collect();
        assert!(said.is_empty() && !b.hurried() && b.left_out.is_zero());
        assert!(!b.has_room(LIMIT));
    }
}
