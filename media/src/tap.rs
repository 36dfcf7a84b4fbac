//! Analysis of the buffers and events of a pad to records: what `affectfeatures`, `affectscore` and the command have in common.

mod placing;

use self::placing::{Ready, collect};
use crate::audio::{Unpacked, with_samples};
pub use crate::cut::{Cut, CutReason};
use crate::sameness::Sameness;
use crate::timeline::Timeline;
pub use crate::trouble::{Trouble, Unfit};
use affect::analyzer::{Analyzer, Config, Speech};
use affect::conversation::Conversation;
use affect::error::{ConfigError, InputError};
use affect::features::baseline::Baseline;
use affect::record::{Ended, Record};
use gst::prelude::*;
use std::time::{Duration, Instant};

/// The analysis of one pad's audio.
#[derive(Default)]
pub struct Tap {
    info: Option<gst_audio::AudioInfo>,
    stream_id: String,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    analyzer: Option<Analyzer>,
    /// The previous analyzer, from which the next one takes over the speakers' baselines.
    previous: Option<Analyzer>,
    timeline: Option<Timeline>,
    /// Audio missing since the last buffer.
    gap: gst::ClockTime,
    /// Cuts that were not taken yet.
    cuts: Vec<Cut>,
    ready: Ready,
    unpacked: Unpacked,
    sameness: Sameness,
    /// Baseline of the speaker of channel 0, from other audio.
    initial_baseline: Option<Baseline>,
    /// The segment is not counted in time.
    untimed: bool,
    /// The audio cannot be analysed, and that was returned once.
    warned: bool,
    /// The settings have changed since the analyzer was made.
    stale: bool,
    /// Interim results are left out.
    hurried: bool,
    /// Counters.
    pub counts: Counts,
}

/// Counters of the analysis.
#[derive(Debug, Default)]
pub struct Counts {
    /// Times the analysis was cut.
    pub cuts: u64,
    /// Audio analysed.
    pub audio: gst::ClockTime,
    /// Time spent on it.
    pub processing: Duration,
    /// Longest time between a segment's end and its result, ns of audio.
    pub max_delay: u64,
    /// Interim results left out.
    pub left_out: u64,
}

/// Callback that makes the analyzer's configuration for a stream of that name.
pub type MakeConfig<'a> = &'a dyn Fn(&str) -> Result<Config, ConfigError>;

impl Tap {
    /// Number of channels, once known.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.info.as_ref().map_or(0, |i| i.channels() as usize)
    }

    /// Name of the stream.
    #[must_use]
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Sets the initial baseline of the speaker of channel 0.
    pub fn set_baseline(&mut self, baseline: Baseline) {
        self.initial_baseline = Some(baseline);
    }

    /// Baseline of the speaker of channel 0 by now.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        self.analyzer.as_ref().or(self.previous.as_ref())?.baseline(Some(0))
    }

    /// Pairs of channels that have carried the same sound.
    #[must_use]
    pub fn same_sound(&self) -> Vec<(usize, usize)> {
        self.sameness.pairs()
    }

    /// Pairs of channels that have carried the same samples and were analysed once.
    #[must_use]
    pub fn dual_mono(&self) -> &[(usize, usize)] {
        self.analyzer.as_ref().or(self.previous.as_ref()).map_or(&[], Analyzer::dual_mono)
    }

    /// Notes that the settings have changed: the next buffer is analysed with new ones.
    pub fn outdated(&mut self) {
        self.stale = true;
    }

    /// Sets whether interim results are left out, because there is no time for them.
    pub fn hurry(&mut self, hurried: bool) {
        self.hurried = hurried;
    }

    /// Cuts the analysis where audio of this duration was left out, because it could not keep up.
    pub fn leave_out(&mut self, duration: gst::ClockTime) {
        let (Some(segment), Some(timeline), Some(info)) = (&self.segment, &self.timeline, &self.info) else { return };
        let next = Timeline::new(segment, Some(timeline.expected().saturating_add(duration)), info.rate());
        self.cut(Ended::Overload, CutReason::LeftOut(duration), next.origin.nseconds());
        self.timeline = Some(next);
    }

    /// Takes the records that are ready.
    pub fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.ready.records)
    }

    /// Takes the starts and ends of speech that are ready.
    pub fn take_speech(&mut self) -> Vec<Speech> {
        std::mem::take(&mut self.ready.speech)
    }

    /// Takes the conversations that are ready: those at an end, and interim ones.
    pub fn take_conversations(&mut self) -> Vec<Conversation> {
        std::mem::take(&mut self.ready.conversations)
    }

    /// Takes the cuts for the log, the first ones of many.
    pub fn take_cuts(&mut self) -> Vec<Cut> {
        std::mem::take(&mut self.cuts)
    }

    /// Sets the audio format.
    pub fn set_info(&mut self, info: gst_audio::AudioInfo) {
        if self.info.as_ref() != Some(&info) {
            self.cut(Ended::Reset, CutReason::Form, 0);
            self.retire();
            self.warned = false;
            self.sameness = Sameness::new(info.rate());
            self.info = Some(info);
        }
    }

    /// Begins another stream.
    pub fn set_stream(&mut self, id: &str) {
        if self.stream_id != id {
            self.cut(Ended::NewStream, CutReason::Stream, 0);
            self.retire();
            if let Some(a) = &mut self.previous {
                a.next_stream();
            }
            self.warned = false;
            self.stream_id = id.to_owned();
        }
    }

    /// Begins another segment; returns whether its audio can be analysed (forwards, in time).
    pub fn set_segment(&mut self, segment: Option<gst::FormattedSegment<gst::ClockTime>>) -> bool {
        let forward = segment.as_ref().is_some_and(|s| s.rate() > 0.0);
        if !forward {
            self.cut(Ended::EndOfStream, CutReason::Segment, 0);
        }
        if self.untimed != segment.is_none() {
            self.untimed = segment.is_none();
            self.warned = false;
        }
        self.segment = segment;
        forward
    }

    /// Handles a gap event.
    pub fn missing_time(&mut self, pts: Option<gst::ClockTime>, duration: Option<gst::ClockTime>) {
        let rate = self.info.as_ref().map_or(0, gst_audio::AudioInfo::rate);
        if let Some(duration) = duration.filter(|_| rate > 0) {
            self.bridge(pts, duration, rate);
        }
    }

    /// Ends the stream: everything that is pending becomes ready.
    pub fn finish(&mut self) {
        self.end(Ended::EndOfStream);
    }

    /// Ends the analysis for `reason`: everything that is pending becomes ready.
    pub fn end(&mut self, reason: Ended) {
        self.close(reason, 0);
    }

    /// Keeps the analyzer as the previous one, for the next to take over from.
    fn retire(&mut self) {
        if let Some(a) = self.analyzer.take() {
            self.previous = Some(a);
        }
    }

    /// Forgets everything: what is pending, and the speakers' baselines.
    pub fn reset(&mut self) {
        self.restart();
        self.previous = None;
        if let Some(a) = &mut self.analyzer {
            a.reset();
        }
    }

    /// Forgets everything that is pending; the speakers' baselines stay.
    pub fn restart(&mut self) {
        self.note(CutReason::Flush);
        if let Some(a) = &mut self.analyzer {
            a.restart(0);
        }
        self.timeline = None;
        self.gap = gst::ClockTime::ZERO;
        self.ready = Ready::default();
    }

    /// The analyzer for the current audio and settings; `false` where the audio cannot be analysed.
    fn prepare(&mut self, make: MakeConfig<'_>) -> Result<bool, Trouble> {
        let Some(info) = self.info.clone() else { return Ok(false) };
        if self.stale {
            self.cut(Ended::Reset, CutReason::Settings, 0);
            self.retire();
            self.stale = false;
            self.warned = false;
        }
        if self.analyzer.is_some() || self.warned {
            return Ok(self.analyzer.is_some());
        }
        let analyzer = make(&self.stream_id).and_then(|c| Analyzer::new(c, info.rate(), info.channels() as usize));
        match analyzer {
            Ok(mut a) => {
                if let Some(baseline) = self.initial_baseline.take() {
                    a.set_baseline(Some(0), baseline);
                }
                if let Some(previous) = self.previous.take() {
                    a.adopt(&previous);
                }
                self.analyzer = Some(a);
                Ok(true)
            }
            Err(ConfigError::Input(e @ InputError::Rate { .. })) => {
                self.warned = true;
                Err(Trouble::Audio(Unfit::Input(e)))
            }
            Err(e) => Err(Trouble::Settings(e)),
        }
    }

    /// Analyses a buffer; [`Self::take`] has what is ready then, whatever this returns.
    ///
    /// # Errors
    /// [`Trouble`] saying what is wrong; nothing that was computed is lost.
    pub fn buffer(&mut self, buffer: &gst::BufferRef, make: MakeConfig<'_>) -> Result<(), Trouble> {
        if self.untimed && !self.warned {
            self.warned = true;
            return Err(Trouble::Audio(Unfit::Untimed));
        }
        let forward = self.segment.as_ref().is_some_and(|s| s.rate() > 0.0);
        if !forward || !self.prepare(make)? {
            return Ok(());
        }
        let Some(info) = self.info.clone() else { return Ok(()) };
        let begun = Instant::now();
        let frames = buffer.size() as u64 / u64::from(info.bpf().max(1));
        let duration = gst::ClockTime::SECOND.mul_div_floor(frames, u64::from(info.rate())).unwrap_or_default();
        if buffer.flags().contains(gst::BufferFlags::GAP) {
            self.bridge(buffer.pts(), duration, info.rate());
            return Ok(());
        }
        self.place(buffer.pts(), duration, buffer.flags().contains(gst::BufferFlags::DISCONT), info.rate());
        self.begin(buffer.pts(), info.rate());
        self.gap = gst::ClockTime::ZERO;
        let Self { analyzer, timeline, ready, unpacked, counts, sameness, hurried, .. } = self;
        let (Some(analyzer), Some(timeline)) = (analyzer, timeline) else { return Ok(()) };
        analyzer.set_interim(!*hurried);
        let left_out_before = analyzer.left_out();
        timeline.note_reference(buffer);
        let mut frames = 0;
        let config = analyzer.config().clone();
        let mut problem = None;
        let records_before = ready.records.len();
        let read = with_samples(buffer, &info, unpacked, &mut |samples| {
            frames = samples.frames() as u64;
            let taken = analyzer.push(samples, &mut |o| collect(o, &config, Some(timeline), ready));
            problem = taken.err().map(|e| e.to_string());
            sameness.hear(samples);
        });
        timeline.advance(frames);
        let end = analyzer.position_ns();
        let delay = ready.records[records_before..].iter().map(|r| end.saturating_sub(r.end_ns)).max().unwrap_or(0);
        counts.audio += gst::ClockTime::SECOND.mul_div_floor(frames, u64::from(info.rate())).unwrap_or_default();
        counts.processing += begun.elapsed();
        counts.max_delay = counts.max_delay.max(delay);
        counts.left_out += analyzer.left_out() - left_out_before;
        read.err().or(problem).map_or(Ok(()), |e| Err(Trouble::Buffer(e)))
    }
}
