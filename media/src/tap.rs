//! From the buffers and events of a pad to records: what `affectfeatures`, `affectscore` and the command have in common.

use crate::audio::{Unpacked, with_samples};
use crate::sameness::Sameness;
use crate::timeline::Timeline;
use affect::analyzer::{Analyzer, Config, Output};
use affect::error::{ConfigError, InputError};
use affect::features::baseline::Baseline;
use affect::record::{Ended, Record};
use gst::prelude::*;
use std::time::{Duration, Instant};

/// Gaps up to this length are bridged as missing samples; longer ones cut the analysis.
const LONGEST_BRIDGED_GAP: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// The analysis of one pad's audio.
#[derive(Default)]
pub struct Tap {
    info: Option<gst_audio::AudioInfo>,
    stream_id: String,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    analyzer: Option<Analyzer>,
    /// The analyzer before, whose knowledge of the speakers the next one goes on with.
    before: Option<Analyzer>,
    timeline: Option<Timeline>,
    gap: gst::ClockTime,
    /// Results that wait for a buffer.
    ready: Vec<Record>,
    unpacked: Unpacked,
    sameness: Sameness,
    /// What is usual for the speaker of channel 0 by other audio.
    learnt: Option<Baseline>,
    /// The segment is not counted in time.
    untimed: bool,
    /// The audio cannot be analysed, and that was said.
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

/// Why there are no results.
#[derive(Debug)]
pub enum Trouble {
    /// The audio is of a kind that cannot be analysed; it passes. Said once.
    Audio(Unfit),
    /// The settings cannot be used.
    Settings(ConfigError),
    /// This buffer could not be read; it passes.
    Buffer(String),
}

/// Audio of a kind that cannot be analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// Its form.
    Input(InputError),
    /// Its segment is counted in bytes, samples or nothing, so that it has no times.
    Untimed,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(e) => e.fmt(f),
            Self::Untimed => f.write_str(
                "the audio comes in a segment that is not counted in time, so that results would have no times: expected \
                 format=time (appsrc format=time, or a parser such as rawaudioparse before this)",
            ),
        }
    }
}

impl std::error::Error for Unfit {}

/// Makes settings of the analyzer for a stream of that name.
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

    /// Goes on from what is usual for the speaker of channel 0 by other audio.
    pub fn set_baseline(&mut self, learnt: Baseline) {
        self.learnt = Some(learnt);
    }

    /// What is usual for the speaker of channel 0 by now.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline> {
        self.analyzer.as_ref().or(self.before.as_ref())?.baseline(Some(0))
    }

    /// Pairs of channels that have carried the same sound.
    #[must_use]
    pub fn same_sound(&self) -> Vec<(usize, usize)> {
        self.sameness.pairs()
    }

    /// The settings have changed: the next buffer is analysed with new ones.
    pub fn outdated(&mut self) {
        self.stale = true;
    }

    /// Whether interim results are left out from now on, because there is no time for them.
    pub fn hurry(&mut self, hurried: bool) {
        self.hurried = hurried;
    }

    /// Audio of this duration was left out, because the analysis could not keep up.
    pub fn leave_out(&mut self, duration: gst::ClockTime) {
        let (Some(segment), Some(timeline), Some(info)) = (&self.segment, &self.timeline, &self.info) else { return };
        let next = Timeline::new(segment, Some(timeline.next_pts().saturating_add(duration)), info.rate());
        self.cut(Ended::Overload, next.origin.nseconds());
        self.timeline = Some(next);
        self.counts.cuts += 1;
    }

    /// Results that no buffer has taken yet.
    pub fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.ready)
    }

    /// The audio has this form from now on.
    pub fn set_info(&mut self, info: gst_audio::AudioInfo) {
        if self.info.as_ref() != Some(&info) {
            self.cut(Ended::Reset, 0);
            self.retire();
            self.warned = false;
            self.sameness = Sameness::new(info.rate());
            self.info = Some(info);
        }
    }

    /// Another stream begins.
    pub fn set_stream(&mut self, id: &str) {
        if self.stream_id != id {
            self.finish();
            self.retire();
            if let Some(a) = &mut self.before {
                a.next_stream();
            }
            self.warned = false;
            self.stream_id = id.to_owned();
        }
    }

    /// Another segment begins; says whether its audio can be analysed (forwards, in time).
    pub fn set_segment(&mut self, segment: Option<gst::FormattedSegment<gst::ClockTime>>) -> bool {
        let forward = segment.as_ref().is_some_and(|s| s.rate() > 0.0);
        if !forward {
            self.finish();
        }
        if self.untimed != segment.is_none() {
            self.untimed = segment.is_none();
            self.warned = false;
        }
        self.segment = segment;
        forward
    }

    /// A gap event.
    pub fn missing_time(&mut self, pts: Option<gst::ClockTime>, duration: Option<gst::ClockTime>) {
        let rate = self.info.as_ref().map_or(0, gst_audio::AudioInfo::rate);
        if let Some(duration) = duration.filter(|_| rate > 0) {
            self.bridge(pts, duration, rate);
        }
    }

    /// Takes the pending results of the analyzer, cutting it for `reason`.
    fn cut(&mut self, reason: Ended, origin_ns: u64) {
        let Some(analyzer) = &mut self.analyzer else { return };
        let (timeline, ready) = (&self.timeline, &mut self.ready);
        let config = analyzer.config().clone();
        analyzer.cut(reason, origin_ns, &mut |o| collect(o, &config, timeline.as_ref(), ready));
        self.timeline = None;
    }

    /// The stream ends: everything that is pending becomes ready.
    pub fn finish(&mut self) {
        self.cut(Ended::EndOfStream, 0);
        self.gap = gst::ClockTime::ZERO;
    }

    /// The next analyzer takes over.
    fn retire(&mut self) {
        if let Some(a) = self.analyzer.take() {
            self.before = Some(a);
        }
    }

    /// Forgets everything: what is pending, and what is usual for the speakers.
    pub fn reset(&mut self) {
        self.restart();
        self.before = None;
        if let Some(a) = &mut self.analyzer {
            a.reset();
        }
    }

    /// Forgets everything that is pending; what is usual for the speakers stays.
    pub fn restart(&mut self) {
        if let Some(a) = &mut self.analyzer {
            a.restart(0);
        }
        self.timeline = None;
        self.gap = gst::ClockTime::ZERO;
        self.ready.clear();
    }

    /// Makes the timeline go on (or begin) at `pts`. Returns whether the analysis was cut.
    fn place(&mut self, pts: Option<gst::ClockTime>, rate: u32) -> bool {
        let Some(segment) = &self.segment else { return false };
        if self.timeline.as_ref().is_some_and(|t| t.continues(segment, pts)) {
            return false;
        }
        let next = Timeline::new(segment, pts, rate);
        let jumped = self.timeline.is_some();
        if jumped {
            self.cut(Ended::Discont, next.origin.nseconds());
        } else if let Some(a) = &mut self.analyzer {
            a.restart(next.origin.nseconds());
        }
        self.timeline = Some(next);
        jumped
    }

    fn missing(&mut self, duration: gst::ClockTime) {
        let (Some(info), Some(analyzer)) = (&self.info, &mut self.analyzer) else { return };
        self.gap = self.gap.saturating_add(duration);
        if self.gap > LONGEST_BRIDGED_GAP {
            self.cut(Ended::Gap, 0);
            return;
        }
        let frames = duration.nseconds().mul_div_round(u64::from(info.rate()), 1_000_000_000).unwrap_or(0);
        let (timeline, ready) = (&self.timeline, &mut self.ready);
        let config = analyzer.config().clone();
        let taken = analyzer.push_missing(frames, &mut |o| collect(o, &config, timeline.as_ref(), ready));
        debug_assert!(taken.is_ok());
        if let Some(t) = &mut self.timeline {
            t.advance(frames);
        }
    }

    fn bridge(&mut self, pts: Option<gst::ClockTime>, duration: gst::ClockTime, rate: u32) {
        if self.gap > LONGEST_BRIDGED_GAP && self.timeline.is_none() {
            return; // the cut has been made; time goes on with the next audio
        }
        if self.timeline.is_some() && self.place(pts, rate) {
            self.counts.cuts += 1;
        }
        if self.timeline.is_some() {
            self.missing(duration);
        }
    }

    /// The analyzer for the current audio and settings; `false` where the audio cannot be analysed.
    fn prepare(&mut self, make: MakeConfig<'_>) -> Result<bool, Trouble> {
        let Some(info) = self.info.clone() else { return Ok(false) };
        if self.stale {
            self.cut(Ended::Reset, 0);
            self.retire();
            self.stale = false;
            self.warned = false;
        }
        if self.analyzer.is_some() || self.warned {
            return Ok(self.analyzer.is_some());
        }
        let made = make(&self.stream_id).and_then(|c| Analyzer::new(c, info.rate(), info.channels() as usize));
        match made {
            Ok(mut a) => {
                if let Some(learnt) = self.learnt.take() {
                    a.set_baseline(Some(0), learnt);
                }
                if let Some(before) = self.before.take() {
                    a.adopt(&before);
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
        if buffer.flags().contains(gst::BufferFlags::GAP) {
            let frames = buffer.size() as u64 / u64::from(info.bpf().max(1));
            let duration = gst::ClockTime::SECOND.mul_div_floor(frames, u64::from(info.rate())).unwrap_or_default();
            self.bridge(buffer.pts(), duration, info.rate());
            return Ok(());
        }
        self.gap = gst::ClockTime::ZERO;
        let cut = self.place(buffer.pts(), info.rate());
        let Self { analyzer, timeline, ready, unpacked, counts, sameness, hurried, .. } = self;
        let (Some(analyzer), Some(timeline)) = (analyzer, timeline) else { return Ok(()) };
        analyzer.set_interim(!*hurried);
        let before_it = analyzer.left_out();
        timeline.note_reference(buffer);
        let mut frames = 0;
        let config = analyzer.config().clone();
        let mut problem = None;
        let before = ready.len();
        let read = with_samples(buffer, &info, unpacked, &mut |samples| {
            frames = samples.frames() as u64;
            let taken = analyzer.push(samples, &mut |o| collect(o, &config, Some(timeline), ready));
            problem = taken.err().map(|e| e.to_string());
            sameness.hear(samples);
        });
        timeline.advance(frames);
        let end = analyzer.position_ns();
        let delay = ready[before..].iter().map(|r| end.saturating_sub(r.end_ns)).max().unwrap_or(0);
        counts.cuts += u64::from(cut);
        counts.audio += gst::ClockTime::SECOND.mul_div_floor(frames, u64::from(info.rate())).unwrap_or_default();
        counts.processing += begun.elapsed();
        counts.max_delay = counts.max_delay.max(delay);
        counts.left_out += analyzer.left_out() - before_it;
        read.err().or(problem).map_or(Ok(()), |e| Err(Trouble::Buffer(e)))
    }
}

fn collect(output: Output<'_>, config: &Config, timeline: Option<&Timeline>, ready: &mut Vec<Record>) {
    let mut record = match output {
        Output::Frame(row) => row.to_record(config),
        Output::Segment(record) => *record,
    };
    if let Some(t) = timeline {
        t.stamp(&mut record);
    }
    ready.push(record);
}
