//! Analyzer: the one path from samples to records. File, live stream and archive drive this same object.
//!
//! Its law: the results do not depend on how the samples were cut into blocks or on which front end drove it, bit for
//! bit. Memory is bounded by the longest segment (whole-file mode keeps 40 kB per second of `affect-v1`, 0.8 kB of
//! `egemaps-v02`, and 5 kB for the quality of the sound).

mod band;
mod baseline;
mod config;
mod dialogue;
mod dual_mono;
mod extractor;
mod fingerprint;
mod floor;
mod heard;
mod lane;
mod policy;
mod quality;
mod raw;
mod recent;
mod row;
#[cfg(feature = "model")]
mod scoring;
mod sounds;
mod speech;
#[cfg(not(feature = "model"))]
mod unscored;
mod withhold;

pub use crate::record::Policy;
pub use baseline::{Speakers, SpokenRow, two_pass, two_pass_rows};
pub use config::{ChannelMode, Config, ConversationConfig, FeatureSet, Segmentation, WindowConfig};
pub use policy::Policies;
pub use row::FrameRow;
#[cfg(feature = "model")]
pub use scoring::{Attribution, ModelReference, Numbers, Says, Scorer, ScoringConfig};
pub use speech::{Speech, SpeechEvent};
#[cfg(not(feature = "model"))]
pub use unscored::Scorer;

use crate::conversation::Conversation;
use crate::error::{ConfigError, InputError};
use crate::features::affect::dispersion::Dispersion;
use crate::features::baseline::Baseline;
use crate::record::{Ended, Record, SegmentKind};
use crate::signal::HOP;
use crate::signal::clock::rescale;
use crate::signal::samples::Samples;
use baseline::Speaker;
use dialogue::Dialogue;
use dual_mono::{Change, DualMono};
use lane::Lane;
use std::sync::Arc;

/// Latest time of a first sample, in ns (292 years): later ones count as this, so that no time of a result overflows.
pub const LATEST_ORIGIN_NS: u64 = u64::MAX / 2;

/// Output of the analyzer: a frame, a segment, an event of speech or a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Output<'a> {
    /// Low-level descriptors of one frame ([`Segmentation::Frames`] only).
    Frame(&'a FrameRow),
    /// The result of one segment.
    Segment(Box<Record>),
    /// Somebody begins or ends to speak ([`Segmentation::Utterances`] only).
    Speech(&'a Speech),
    /// The conversation at its end, or so far ([`Config::conversation`]).
    Conversation(Box<Conversation>),
}

/// Streaming analysis of one stream: takes blocks of audio of any size and hands out results.
///
/// ```
/// use affect::analyzer::{Analyzer, Config, Output};
/// use affect::signal::samples::Samples;
///
/// // One second of a 200 Hz tone at 8 kHz, as 16-bit samples.
/// let tone: Vec<i16> = (0..8000)
///     .map(|i| ((i as f64 * 200.0 / 8000.0 * std::f64::consts::TAU).sin() * 8000.0) as i16)
///     .collect();
/// let mut analyzer = Analyzer::new(Config::default(), 8_000, 1)?;
/// let mut records = Vec::new();
/// let mut take = |output: Output<'_>| {
///     if let Output::Segment(record) = output {
///         records.push(record);
///     }
/// };
/// analyzer.push(&Samples::s16(&tone, 1)?, &mut take)?;
/// analyzer.finish(&mut take);
/// let pitch_hz = records[0].value("F0_Hz_median").expect("voiced");
/// assert!((pitch_hz - 200.0).abs() < 0.5);
/// # Ok::<(), affect::error::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Analyzer {
    config: Arc<Config>,
    rate_hz: u32,
    channels: usize,
    lanes: Vec<Lane>,
    /// Which channels carry the same samples, where that is asked.
    dual_mono: Option<DualMono>,
    /// Channels that are the same are analysed once.
    collapses: bool,
    /// The conversation, where it is followed.
    dialogue: Option<Dialogue>,
    /// Pairs of channels that were analysed once at some time.
    pairs: Vec<(usize, usize)>,
    /// Input frames since the last cut, and pieces of 10 ms completed.
    frames: u64,
    pieces: u64,
    staged: usize,
    origin_ns: u64,
    finished: bool,
}

impl Analyzer {
    /// An analyzer for audio of `rate_hz` and `channels` channels.
    ///
    /// # Errors
    /// [`ConfigError`] for settings out of range, a rate outside 8 to 192 kHz, no channels, or a channel in the list
    /// that the audio does not have.
    pub fn new(config: Config, rate_hz: u32, channels: usize) -> Result<Self, ConfigError> {
        config.check()?;
        if channels == 0 {
            return Err(InputError::NoChannels.into());
        }
        let config = Arc::new(config);
        let picked: Vec<Option<usize>> = match &config.channels {
            ChannelMode::Each => (0..channels).map(Some).collect(),
            ChannelMode::Mix => vec![None],
            ChannelMode::List(list) => {
                if let Some(&found) = list.iter().find(|&&c| c >= channels) {
                    return Err(ConfigError::NoSuchChannel { found, channels });
                }
                list.iter().copied().map(Some).collect()
            }
        };
        let policies: Vec<_> = picked.iter().map(|c| (*c, config.policy_of(*c, channels))).collect();
        let dialogue = config.conversation.as_ref().and_then(|s| Dialogue::new(&config, s, &policies));
        // A channel that is denied is not analysed at all.
        let (denied, picked): (Vec<_>, Vec<_>) =
            picked.into_iter().partition(|c| config.policy_of(*c, channels) == Policy::Deny);
        let lanes = picked
            .into_iter()
            .map(|c| Lane::new(config.clone(), rate_hz, c, config.policy_of(c, channels)))
            .collect::<Result<Vec<_>, _>>()?;
        let denied: Vec<usize> = denied.into_iter().flatten().collect();
        let collapses = config.collapse_dual_mono && config.segmentation != Segmentation::Frames;
        let asked = collapses || dialogue.is_some();
        let several = !lanes.is_empty() && lanes.len() + denied.len() > 1;
        let dual_mono = (asked && several).then(|| DualMono::new(lanes.len(), &denied, rate_hz));
        let pairs = Vec::new();
        Ok(Self {
            config,
            rate_hz,
            channels,
            lanes,
            dual_mono,
            collapses,
            dialogue,
            pairs,
            frames: 0,
            pieces: 0,
            staged: 0,
            origin_ns: 0,
            finished: false,
        })
    }

    /// The settings, shared: cloning them copies nothing.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Input rate, in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Number of input channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Time that the next sample has, in ns.
    #[must_use]
    pub fn position_ns(&self) -> u64 {
        self.origin_ns + rescale(self.frames, u64::from(self.rate_hz), 1_000_000_000)
    }

    /// Pairs of channels that have carried the same samples and were analysed once, as the first of them.
    #[must_use]
    pub fn dual_mono(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The longest time between the end of a segment and its result, in ns: resampling, the pitch decision, smoothing
    /// and, for utterances, the pause that ends them.
    #[must_use]
    pub fn latency_ns(&self) -> u64 {
        self.lanes.first().map_or(0, Lane::latency_ns)
    }

    /// What is usual for the speaker of a channel (`None` for the mean of all), where the settings ask for it.
    #[must_use]
    pub fn baseline(&self, channel: Option<usize>) -> Option<&Baseline> {
        self.lanes.iter().find(|l| l.channel() == channel)?.speaker.as_ref().map(|s| &s.baseline)
    }

    /// Goes on from a baseline that was learnt before from other audio, for a channel that is analysed. Says whether there was
    /// one. Only [`Self::reset`] and [`Self::forget_speakers`] take it away again.
    pub fn set_baseline(&mut self, channel: Option<usize>, baseline: Baseline) -> bool {
        match self.lanes.iter_mut().find(|l| l.channel() == channel) {
            Some(lane) => lane.speaker.as_mut().is_some_and(|s| {
                s.set(baseline);
                true
            }),
            None => false,
        }
    }

    /// Forgets what is usual for the speakers: the next segments are compared with the population.
    pub fn forget_speakers(&mut self) {
        self.lanes.iter_mut().filter_map(|l| l.dispersion.as_mut()).for_each(|d| *d = Dispersion::default());
        self.lanes.iter_mut().filter_map(|l| l.speaker.as_mut()).for_each(Speaker::forget);
    }

    /// Another stream begins: speakers that the settings do not name are forgotten, and the times of those that they name are
    /// new.
    pub fn next_stream(&mut self) {
        let config = &self.config;
        let unnamed = self.lanes.iter_mut().filter(|l| config.speaker(l.channel()).is_empty());
        unnamed.filter_map(|l| l.dispersion.as_mut()).for_each(|d| *d = Dispersion::default());
        self.lanes.iter_mut().filter_map(|l| l.speaker.as_mut()).for_each(Speaker::next_stream);
    }

    /// Goes on with what another analyzer has learnt, channel by channel, where the settings name the same speaker; where
    /// they name nobody, if it is the same stream. For settings, rates or streams that change while somebody speaks.
    pub fn adopt(&mut self, other: &Self) {
        let same_stream = self.config.stream == other.config.stream;
        for lane in &mut self.lanes {
            let Some(theirs) = other.lanes.iter().find(|l| l.channel() == lane.channel()) else { continue };
            if let (Some(ours), Some(theirs)) = (&mut lane.speaker, &theirs.speaker) {
                ours.adopt(theirs, same_stream);
            }
            let name = self.config.speaker(lane.channel());
            let same = name == other.config.speaker(lane.channel()) && (same_stream || !name.is_empty());
            if let (Some(ours), Some(theirs), true) = (&mut lane.dispersion, &theirs.dispersion, same) {
                ours.clone_from(theirs);
            }
        }
    }

    /// Scores a record that an analyzer with these settings made and left unscored, where the stricter of the channel's
    /// policy and its own allows it, which it carries from now on. `channels` is the number of channels of the stream. Records of other feature sets, of single frames, and those that
    /// are scored already stay as they are. Says whether there is a score now.
    pub fn score(config: &Config, channels: usize, record: &mut Record) -> bool {
        record.policy = record.policy.max(config.policy_of_all(&record.channel, channels));
        if record.policy == Policy::Allow
            && record.scored.is_none()
            && record.segment != SegmentKind::Frame
            && let Some(s) = config.scorer.as_ref().filter(|s| s.takes(record))
        {
            s.score(record);
        }
        record.release();
        record.scored.is_some()
    }

    /// Takes a block of audio and hands out what is complete.
    ///
    /// # Errors
    /// [`InputError::Channels`] for another number of channels, [`InputError::Finished`] after [`Self::finish`];
    /// nothing was taken then and nothing is lost.
    pub fn push(&mut self, samples: &Samples<'_>, sink: &mut dyn FnMut(Output<'_>)) -> Result<(), InputError> {
        if self.finished {
            return Err(InputError::Finished);
        }
        if samples.channels() != self.channels {
            return Err(InputError::Channels { expected: self.channels, found: samples.channels() });
        }
        let mut taken = 0;
        while taken < samples.frames() {
            let take = self.room().min(samples.frames() - taken);
            for lane in &mut self.lanes {
                lane.stage(samples, taken, take);
            }
            if let Some(d) = &mut self.dual_mono {
                d.stage(samples, taken, take);
            }
            taken += take;
            self.staged(take, sink);
        }
        Ok(())
    }

    /// Time passes without audio for `frames` input frames: they count as missing, and the frames of analysis that
    /// touch them enter no result.
    ///
    /// # Errors
    /// [`InputError::Finished`] after [`Self::finish`].
    pub fn push_missing(&mut self, frames: u64, sink: &mut dyn FnMut(Output<'_>)) -> Result<(), InputError> {
        if self.finished {
            return Err(InputError::Finished);
        }
        let mut rest = frames;
        while rest > 0 {
            let take = self.room().min(usize::try_from(rest).unwrap_or(usize::MAX));
            for lane in &mut self.lanes {
                lane.stage_missing(take);
            }
            if let Some(d) = &mut self.dual_mono {
                d.stage_missing(take);
            }
            rest -= take as u64;
            self.staged(take, sink);
        }
        Ok(())
    }

    /// The stream ends: hands out everything that is pending.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Output<'_>)) {
        self.close(Ended::EndOfStream, sink);
        self.finished = true;
    }

    /// Whether interim results ([`Ended::Open`]) are computed from now on. Leaving them out moves nothing in the final ones: it is
    /// what an analysis that has fallen behind can spare.
    pub fn set_interim(&mut self, wanted: bool) {
        for lane in &mut self.lanes {
            lane.interim = wanted;
        }
        if let Some(d) = &mut self.dialogue {
            d.interim = wanted;
        }
    }

    /// How many interim results were left out because they were not wanted.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.lanes.iter().map(|l| l.left_out).sum::<u64>() + self.dialogue.as_ref().map_or(0, |d| d.left_out)
    }

    /// The stream is cut here for `reason` and goes on at time `origin_ns`: hands out everything that is pending and
    /// starts afresh. The next segment says `discont` if the reason is [`Ended::Discont`] or [`Ended::Overload`].
    pub fn cut(&mut self, reason: Ended, origin_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        self.close(reason, sink);
        self.begin(origin_ns, matches!(reason, Ended::Discont | Ended::Overload));
    }

    /// Drops everything that is pending and starts afresh at time `origin_ns` of the same stream. What is usual for the
    /// speakers stays known, and so do the times that it was learnt from. The conversation is forgotten.
    pub fn restart(&mut self, origin_ns: u64) {
        if let Some(d) = &mut self.dialogue {
            d.forget();
        }
        self.begin(origin_ns, false);
    }

    /// The stream goes on at time `origin_ns`, which was not known when it was cut. As [`Self::restart`], but the conversation goes on
    /// where the cut allows it: after a gap or a jump of at most five minutes forwards.
    pub fn resume(&mut self, origin_ns: u64) {
        self.begin(origin_ns, false);
    }

    fn begin(&mut self, origin_ns: u64, discont: bool) {
        for lane in &mut self.lanes {
            lane.reset(discont);
        }
        if let Some(d) = &mut self.dual_mono {
            d.reset();
        }
        self.frames = 0;
        self.pieces = 0;
        self.staged = 0;
        self.origin_ns = origin_ns.min(LATEST_ORIGIN_NS);
        self.finished = false;
        if let Some(d) = &mut self.dialogue {
            d.begin(self.origin_ns);
        }
    }

    /// Starts afresh at time 0, as new: the speakers are forgotten too.
    pub fn reset(&mut self) {
        self.restart(0);
        self.forget_speakers();
    }

    /// Input frames missing to the end of the current piece of 10 ms.
    fn room(&self) -> usize {
        let end = rescale(self.pieces + 1, 100, u64::from(self.rate_hz));
        let begin = rescale(self.pieces, 100, u64::from(self.rate_hz));
        (end - begin) as usize - self.staged
    }

    fn staged(&mut self, count: usize, sink: &mut dyn FnMut(Output<'_>)) {
        self.frames += count as u64;
        self.staged += count;
        if self.room() == 0 {
            self.piece(sink);
            self.pieces += 1;
        }
    }

    /// The staged piece is complete, or the last one.
    fn piece(&mut self, sink: &mut dyn FnMut(Output<'_>)) {
        self.staged = 0;
        if let Some(d) = &mut self.dual_mono {
            let lanes = &self.lanes;
            d.hear(self.pieces, |k| lanes[k].staged());
        }
        if let Some(d) = &mut self.dialogue {
            let (dual_mono, pieces) = (&self.dual_mono, self.pieces);
            d.piece(|k| dual_mono.as_ref().is_some_and(|m| m.shares(k, pieces)), sink);
        }
        // What is about a whole stream is the same where that is the same from beginning to end, which is known there.
        if self.config.segmentation != Segmentation::File {
            self.collapse(sink);
        }
        for (k, lane) in self.lanes.iter_mut().enumerate() {
            if self.dual_mono.as_ref().is_some_and(|d| d.rests(k)) {
                lane.skip();
                if let Some(d) = &mut self.dialogue {
                    d.rest(k, self.pieces + 1);
                }
            } else {
                lane.piece(self.origin_ns, &mut heard(&mut self.dialogue, sink));
                converse(&mut self.dialogue, k, lane);
            }
        }
        if let Some(d) = &mut self.dialogue {
            d.advance(sink);
        }
    }

    /// Channels that have been the same for long enough rest from now on, those that differ are analysed again.
    fn collapse(&mut self, sink: &mut dyn FnMut(Output<'_>)) {
        let Some(d) = self.dual_mono.as_mut().filter(|_| self.collapses) else { return };
        let (lanes, mut changes) = (&self.lanes, Vec::new());
        d.changes(
            self.pieces,
            |k, since| lanes.get(k).is_none_or(|l| !l.has_begun_before(since)),
            |change| changes.push(change),
        );
        for change in changes {
            let (Change::Rests { k, leader } | Change::Wakes { k, leader }) = change;
            let lane = self.lanes.get(k).and_then(|l| Some((l.channel()?, l.policy())));
            let Some((index, policy)) = lane.or_else(|| Some((d.denied(k)?, Policy::Deny))) else { continue };
            let now = self.pieces * HOP as u64;
            match change {
                Change::Rests { .. } => {
                    self.lanes[leader].companions.add(index, policy, d.since(k, leader));
                    self.lanes.get_mut(k).into_iter().for_each(|l| l.rest(self.origin_ns, sink));
                    let pair = self.lanes[leader].channel().map(|l| (l.min(index), l.max(index)));
                    self.pairs.extend(pair.filter(|p| !self.pairs.contains(p)));
                }
                Change::Wakes { .. } => {
                    self.lanes[leader].companions.end(index, now);
                    self.lanes.get_mut(k).into_iter().for_each(|l| l.wake(now));
                }
            }
        }
    }

    fn close(&mut self, reason: Ended, sink: &mut dyn FnMut(Output<'_>)) {
        if self.finished {
            return;
        }
        if self.staged > 0 {
            self.piece(sink);
        }
        if self.config.segmentation == Segmentation::File {
            self.collapse(sink);
        }
        for (k, lane) in self.lanes.iter_mut().enumerate() {
            if !self.dual_mono.as_ref().is_some_and(|d| d.rests(k)) {
                lane.finish(reason, self.origin_ns, &mut heard(&mut self.dialogue, sink));
                converse(&mut self.dialogue, k, lane);
            }
        }
        let end_ns = self.position_ns();
        if let Some(d) = &mut self.dialogue {
            d.close(reason, end_ns, sink);
        }
    }
}

/// Hands outputs on, and has the conversation hear the results of segments first.
fn heard(dialogue: &mut Option<Dialogue>, sink: &mut dyn FnMut(Output<'_>)) -> impl FnMut(Output<'_>) {
    move |mut output| {
        if let (Some(d), Output::Segment(record)) = (dialogue.as_mut(), &mut output) {
            d.hear(record);
        }
        sink(output);
    }
}

/// Brings what was decided of a lane into the conversation.
fn converse(dialogue: &mut Option<Dialogue>, k: usize, lane: &mut Lane) {
    if let Some(d) = dialogue {
        d.take(k, std::iter::from_fn(|| lane.decision()));
    }
}
