//! Backlog: what has come in on a pad and waits to be analysed beside the stream, how far that is behind, and what gives way.
//!
//! Live audio never waits. Once [`SPARE`] of it are not analysed yet, interim results are left out; from [`WARN`] on that is said;
//! and beyond the limit the older half of what waits is left out as one hole, which cuts the analysis and is said too. One hole, because
//! many small ones would leave no segment whole. An episode ends when less than [`CALM`] waits.

use super::input::Input;
use super::notice::Notice;
use crate::outbox::line::{Line, Ticket};
use gst::prelude::*;
use std::collections::VecDeque;

/// Audio that waits while interim results are still computed, at most.
const SPARE: gst::ClockTime = gst::ClockTime::from_mseconds(300);
/// Audio that waits without a warning, at most.
const WARN: gst::ClockTime = gst::ClockTime::from_mseconds(1_000);
/// Audio that waits when an episode ends, at most.
const CALM: gst::ClockTime = gst::ClockTime::from_mseconds(100);

/// How far an episode has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Episode {
    #[default]
    None,
    Behind,
    LeftOut,
}

/// What waits, and its counters.
#[derive(Default)]
pub struct Backlog {
    pub line: Line<Input>,
    /// Audio comes as time passes, and does not wait.
    live: bool,
    beside: bool,
    /// Where the analysis belongs is to be decided anew.
    unsure: bool,
    /// Bytes of a second of audio.
    bytes_per_second: u64,
    /// Audio that waits or is in hand.
    lag: gst::ClockTime,
    longest: gst::ClockTime,
    left_out: gst::ClockTime,
    episode: Episode,
    episodes: u64,
    /// Nothing can go on.
    failed: Option<gst::FlowError>,
}

impl Backlog {
    /// Another start.
    pub fn begin(&mut self) {
        let line = std::mem::take(&mut self.line);
        *self = Self { line, unsure: true, ..Self::default() };
    }

    /// The element has stopped. What was counted stays known until it starts again.
    pub fn end(&mut self) {
        let Self { longest, left_out, episodes, .. } = *self;
        self.begin();
        (self.longest, self.left_out, self.episodes) = (longest, left_out, episodes);
    }

    /// The ticket of what comes in now, and of what waits.
    pub fn ticket(&self) -> Ticket {
        self.line.ticket()
    }

    /// Whether nothing was forgotten since a ticket was given.
    pub fn holds(&self, ticket: Ticket) -> bool {
        self.line.ticket() == ticket
    }

    /// Another stream comes: where its analysis belongs is to be decided.
    pub fn doubt(&mut self) {
        self.unsure = true;
    }

    /// Whether it is to be decided where the analysis belongs.
    pub fn unsure(&self) -> bool {
        self.unsure
    }

    /// Decides where the analysis belongs.
    pub fn decide(&mut self, beside: bool, live: bool) {
        (self.beside, self.live, self.unsure) = (beside, live, false);
    }

    /// Whether the analysis is done beside the stream.
    pub fn beside(&self) -> bool {
        self.beside
    }

    /// Whether audio comes as time passes.
    pub fn live(&self) -> bool {
        self.live
    }

    /// The audio has this form from now on.
    pub fn set_info(&mut self, info: &gst_audio::AudioInfo) {
        self.bytes_per_second = u64::from(info.rate()) * u64::from(info.bpf());
    }

    /// How long a buffer of so many bytes takes.
    pub fn duration(&self, bytes: usize) -> gst::ClockTime {
        gst::ClockTime::SECOND.mul_div_floor(bytes as u64, self.bytes_per_second.max(1)).unwrap_or_default()
    }

    /// Whether more audio may come in where it can wait.
    pub fn has_room(&self, limit: gst::ClockTime) -> bool {
        self.lag <= limit
    }

    /// Takes audio in. Says whether there is something to hear of.
    pub fn push(&mut self, buffer: gst::Buffer, limit: gst::ClockTime) -> Option<Notice> {
        let duration = self.duration(buffer.size());
        self.line.jobs().push_back(Input::Audio(buffer, duration));
        self.lag = self.lag.saturating_add(duration);
        if !self.live {
            return None;
        }
        self.longest = self.longest.max(self.lag);
        if self.lag > limit {
            let hole = self.tear();
            return self.rises_to(Episode::LeftOut).then_some(Notice::LeftOut(hole));
        }
        (self.lag > WARN && self.rises_to(Episode::Behind)).then_some(Notice::Behind(self.lag))
    }

    fn rises_to(&mut self, episode: Episode) -> bool {
        let rises = self.episode < episode;
        self.episodes += u64::from(self.episode == Episode::None);
        self.episode = self.episode.max(episode);
        rises
    }

    /// Leaves out the older half of the audio that waits. What is no audio stays.
    fn tear(&mut self) -> gst::ClockTime {
        let most = self.lag.nseconds() / 2;
        let (mut hole, mut kept) = (gst::ClockTime::ZERO, VecDeque::new());
        let jobs = self.line.jobs();
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

    /// Audio has been analysed.
    pub fn done(&mut self, duration: gst::ClockTime) {
        self.lag = self.lag.saturating_sub(duration);
        if self.lag <= CALM {
            self.episode = Episode::None;
        }
    }

    /// The element stops, and so much audio is not analysed any more.
    pub fn leave(&mut self, audio: gst::ClockTime) {
        self.lag = self.lag.saturating_sub(audio);
        self.left_out = self.left_out.saturating_add(audio);
    }

    /// Whether there is no time for interim results.
    pub fn hurried(&self) -> bool {
        self.live && self.lag > SPARE
    }

    /// A flush, or a reset: audio that waits is forgotten, and that in hand. What it is stays known.
    pub fn forget(&mut self) {
        let jobs = std::mem::take(self.line.jobs());
        self.line.forget();
        self.line.jobs().extend(jobs.into_iter().filter(Input::outlives_a_flush));
        self.lag = gst::ClockTime::ZERO;
        self.episode = Episode::None;
    }

    /// The stream cannot go on.
    pub fn fail(&mut self, why: Option<gst::FlowError>) {
        self.failed = self.failed.or(why);
    }

    /// Whether the stream can go on.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn going(&self) -> Result<(), gst::FlowError> {
        self.failed.map_or(Ok(()), Err)
    }

    /// Adds its counters to statistics.
    pub fn add_to(&self, stats: &mut gst::StructureRef) {
        stats.set("analysis", if self.beside { "worker" } else { "inline" });
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
        let times = ms(b.line.jobs());
        assert_eq!(times.iter().sum::<u64>(), 20_000);
        assert_eq!(times.iter().filter(|t| **t != 20).count(), 1);
        assert_eq!((times[0], b.lag.mseconds()), (b.left_out.mseconds(), 20_000 - times[0]));
        // The episode ends, and another one begins.
        while let Some(input) = b.line.jobs().pop_front() {
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
        b.line.jobs().push_back(Input::Stream("a".to_owned()));
        for k in 0..201 {
            if k == 50 {
                b.line.jobs().push_back(Input::Gap(ClockTime::SECOND, Some(ClockTime::from_mseconds(60))));
                b.line.jobs().push_back(Input::Stream("b".to_owned()));
            }
            b.push(packet(), LIMIT);
        }
        let names: Vec<String> = b
            .line
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
        assert_eq!((b.line.len(), b.lag), (2, ClockTime::ZERO), "a flush keeps what the audio is");
    }

    #[test]
    fn audio_that_can_wait_loses_nothing() {
        let mut b = backlog(false);
        let said: Vec<Notice> = (0..1_000).filter_map(|_| b.push(packet(), LIMIT)).collect();
        assert!(said.is_empty() && !b.hurried() && b.left_out.is_zero());
        assert!(!b.has_room(LIMIT));
    }
}
