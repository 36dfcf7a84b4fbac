//! Implementation of `affectfeatures`.

use super::settings::{PROPERTIES, Settings};
use super::timeline::Timeline;
use crate::audio::{Unpacked, with_samples};
use crate::{meta, result};
use affect::analyzer::{Analyzer, Config, Output};
use affect::error::{ConfigError, InputError};
use affect::record::{Ended, Record, SegmentKind};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectfeatures", gst::DebugColorFlags::empty(), Some("Acoustic features of speech"))
});

/// Gaps up to this length are bridged as missing samples; longer ones cut the analysis.
const LONGEST_BRIDGED_GAP: gst::ClockTime = gst::ClockTime::from_mseconds(500);

#[derive(Default)]
struct State {
    info: Option<gst_audio::AudioInfo>,
    stream_id: String,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    analyzer: Option<Analyzer>,
    timeline: Option<Timeline>,
    gap: gst::ClockTime,
    /// Results that wait for a buffer.
    ready: Vec<Record>,
    unpacked: Unpacked,
    warned: bool,
    /// The settings have changed since the analyzer was made.
    stale: bool,
}

#[derive(Default)]
struct Stats {
    results: u64,
    attached: u64,
    posted: u64,
    cuts: u64,
    audio: gst::ClockTime,
    processing: Duration,
    max_delay: u64,
    last_error: Option<String>,
}

/// The element.
#[derive(Default)]
pub struct AffectFeatures {
    settings: Mutex<Settings>,
    state: Mutex<State>,
    stats: Mutex<Stats>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while holding a lock has posted an element error; the data are plain values and stay usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Takes the pending results of the analyzer, cutting it for `reason`.
    fn cut(&mut self, reason: Ended, origin_ns: u64) {
        let Some(analyzer) = &mut self.analyzer else { return };
        let (timeline, ready) = (&self.timeline, &mut self.ready);
        let config = analyzer.config().clone();
        analyzer.cut(reason, origin_ns, &mut |o| collect(o, &config, timeline.as_ref(), ready));
        self.timeline = None;
    }

    fn finish(&mut self) {
        self.cut(Ended::EndOfStream, 0);
        self.gap = gst::ClockTime::ZERO;
    }

    /// Forgets everything that is pending.
    fn restart(&mut self) {
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
        self.gap += duration;
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

impl AffectFeatures {
    /// The analyzer for the current audio and settings; `None` where the audio cannot be analysed.
    fn prepare(&self, state: &mut State) -> Result<bool, gst::FlowError> {
        let Some(info) = state.info.clone() else { return Ok(false) };
        if state.stale {
            state.cut(Ended::Reset, 0);
            state.analyzer = None;
            state.stale = false;
            state.warned = false;
        }
        if state.analyzer.is_some() || state.warned {
            return Ok(state.analyzer.is_some());
        }
        let settings = lock(&self.settings).clone();
        let made = settings
            .config(&state.stream_id, "affectfeatures")
            .and_then(|c| Analyzer::new(c, info.rate(), info.channels() as usize));
        match made {
            Ok(a) => {
                state.analyzer = Some(a);
                Ok(true)
            }
            Err(ConfigError::Input(e @ InputError::Rate { .. })) => {
                state.warned = true;
                lock(&self.stats).last_error = Some(e.to_string());
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Format,
                    ("No features: {e}"),
                    ["Audio passes through unchanged. Put audioresample before this element."]
                );
                Ok(false)
            }
            Err(e) => {
                lock(&self.stats).last_error = Some(e.to_string());
                gst::element_imp_error!(self, gst::LibraryError::Settings, ("{e}"));
                Err(gst::FlowError::Error)
            }
        }
    }

    fn analyse(&self, buffer: &gst::BufferRef) -> Result<Vec<Record>, gst::FlowError> {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        let forward = state.segment.as_ref().is_some_and(|s| s.rate() > 0.0);
        if !forward || !self.prepare(state)? {
            return Ok(std::mem::take(&mut state.ready));
        }
        let Some(info) = state.info.clone() else { return Ok(Vec::new()) };
        let begun = Instant::now();
        if buffer.flags().contains(gst::BufferFlags::GAP) {
            let frames = buffer.size() as u64 / u64::from(info.bpf().max(1));
            let duration = gst::ClockTime::SECOND.mul_div_floor(frames, u64::from(info.rate())).unwrap_or_default();
            self.gap(state, buffer.pts(), duration, info.rate());
            return Ok(std::mem::take(&mut state.ready));
        }
        state.gap = gst::ClockTime::ZERO;
        let cut = state.place(buffer.pts(), info.rate());
        let State { analyzer, timeline, ready, unpacked, .. } = state;
        let (Some(analyzer), Some(timeline)) = (analyzer, timeline) else { return Ok(Vec::new()) };
        timeline.note_reference(buffer);
        let mut frames = 0;
        let config = analyzer.config().clone();
        let mut problem = None;
        let read = with_samples(buffer, &info, unpacked, &mut |samples| {
            frames = samples.frames() as u64;
            let taken = analyzer.push(samples, &mut |o| collect(o, &config, Some(timeline), ready));
            problem = taken.err().map(|e| e.to_string());
        });
        timeline.advance(frames);
        let end = analyzer.position_ns();
        let delay = ready.iter().map(|r| end.saturating_sub(r.end_ns)).max().unwrap_or(0);
        let results = std::mem::take(ready);
        let mut stats = lock(&self.stats);
        stats.cuts += u64::from(cut);
        stats.audio += gst::ClockTime::SECOND.mul_div_floor(frames, u64::from(info.rate())).unwrap_or_default();
        stats.processing += begun.elapsed();
        stats.max_delay = stats.max_delay.max(delay);
        if let Some(e) = read.err().or(problem) {
            // The audio goes on; what cannot be analysed is no reason to stop it.
            gst::warning!(CAT, imp = self, "{e}");
            stats.last_error = Some(e);
        }
        Ok(results)
    }

    fn gap(&self, state: &mut State, pts: Option<gst::ClockTime>, duration: gst::ClockTime, rate: u32) {
        if state.gap > LONGEST_BRIDGED_GAP && state.timeline.is_none() {
            return; // the cut has been made; time goes on with the next audio
        }
        if state.timeline.is_some() && state.place(pts, rate) {
            lock(&self.stats).cuts += 1;
        }
        if state.timeline.is_some() {
            state.missing(duration);
        }
    }

    /// Turns records into structures to attach, and posts messages. Holds no lock while posting.
    fn hand_out(&self, records: Vec<Record>) -> Vec<gst::Structure> {
        if records.is_empty() {
            return Vec::new();
        }
        let (attach, post, messages) = {
            let s = lock(&self.settings);
            (s.attach, s.post, s.post_messages)
        };
        let mut attached = Vec::with_capacity(records.len());
        let (total, mut posted) = (records.len() as u64, 0);
        for record in &records {
            let interim = record.ended == Ended::Open;
            let structure = result::structure(record);
            if messages && post.takes(interim) && record.segment != SegmentKind::Frame {
                posted += 1;
                let mut body = structure.clone();
                body.set("timestamp", record.start_ns);
                body.set("stream-time", record.start_ns);
                body.set("duration", record.end_ns.saturating_sub(record.start_ns));
                body.set("endtime", record.end_ns);
                let message = gst::message::Element::builder(body).src(&*self.obj()).build();
                // Fails only without a bus, and then nobody listens.
                let _ = self.obj().post_message(message);
            }
            if attach.takes(interim) {
                attached.push(structure);
            }
        }
        let mut stats = lock(&self.stats);
        stats.results += total;
        stats.posted += posted;
        stats.attached += attached.len() as u64;
        attached
    }

    /// Hands on what no buffer will carry, ahead of an event.
    fn send_rest(&self) {
        let records = std::mem::take(&mut lock(&self.state).ready);
        let structures = self.hand_out(records);
        if !structures.is_empty() {
            self.obj().src_pad().push_event(result::event(structures));
        }
    }

    fn stats_structure(&self) -> gst::Structure {
        let s = lock(&self.stats);
        let processing = s.processing.as_nanos() as u64;
        let factor = if processing > 0 { s.audio.nseconds() as f64 / processing as f64 } else { 0.0 };
        gst::Structure::builder("affectfeatures-stats")
            .field("results", s.results)
            .field("attached", s.attached)
            .field("posted", s.posted)
            .field("cuts", s.cuts)
            .field("audio-time", s.audio.nseconds())
            .field("processing-time", processing)
            .field("real-time-factor", factor)
            .field("max-result-delay", s.max_delay)
            .field("last-error", s.last_error.clone().unwrap_or_default())
            .build()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AffectFeatures {
    const NAME: &'static str = "GstAffectFeatures";
    type Type = super::AffectFeatures;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for AffectFeatures {
    fn properties() -> &'static [glib::ParamSpec] {
        PROPERTIES.as_ref()
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(|| {
            vec![
                glib::subclass::Signal::builder("reset")
                    .action()
                    .class_handler(|args| {
                        if let Ok(element) = args[0].get::<super::AffectFeatures>() {
                            let imp = element.imp();
                            gst::info!(CAT, imp = imp, "reset by signal");
                            lock(&imp.state).restart();
                        }
                        None
                    })
                    .build(),
            ]
        });
        SIGNALS.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        {
            let mut settings = lock(&self.settings);
            if pspec.name() == "settings" {
                let list = value.get::<Option<String>>().ok().flatten().unwrap_or_default();
                if let Err(e) = settings.apply(&list) {
                    gst::error!(CAT, imp = self, "settings: {e}");
                    lock(&self.stats).last_error = Some(format!("settings: {e}"));
                    return;
                }
            } else {
                settings.set(pspec.name(), value);
            }
        }
        if !matches!(pspec.name(), "attach" | "post" | "post-messages") {
            lock(&self.state).stale = true;
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => self.stats_structure().to_value(),
            "settings" => None::<&str>.to_value(),
            name => lock(&self.settings).get(name).unwrap_or_else(|| pspec.default_value().clone()),
        }
    }
}

impl GstObjectImpl for AffectFeatures {}

impl ElementImpl for AffectFeatures {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Affect acoustic features",
                "Filter/Analyzer/Audio",
                "Passes audio through unchanged and attaches interpretable acoustic features of the speech in it, per frame, window, utterance or stream",
                "The Affect developers",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let caps = gst_audio::AudioCapsBuilder::new().build();
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .filter_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
        });
        TEMPLATES.as_ref()
    }
}

impl BaseTransformImpl for AffectFeatures {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.state) = State::default();
        *lock(&self.stats) = Stats::default();
        // Settings that can never work fail here, before any data flow.
        lock(&self.settings)
            .config("", "affectfeatures")
            .map(|_| ())
            .map_err(|e| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.state) = State::default();
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_audio::AudioInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "cannot parse caps {incaps}"))?;
        let mut state = lock(&self.state);
        if state.info.as_ref() != Some(&info) {
            state.cut(Ended::Reset, 0);
            state.analyzer = None;
            state.warned = false;
            state.info = Some(info);
        }
        Ok(())
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let records = self.analyse(buffer)?;
        let structures = self.hand_out(records);
        if let Err(e) = meta::append(buffer, structures) {
            gst::error!(CAT, imp = self, "cannot attach results: {e}");
            lock(&self.stats).last_error = Some(e.to_string());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => {
                let id = e.stream_id().to_owned();
                let mut state = lock(&self.state);
                if state.stream_id != id {
                    state.finish();
                    state.analyzer = None;
                    state.warned = false;
                    state.stream_id = id;
                }
            }
            EventView::Segment(e) => {
                let segment = e.segment().downcast_ref::<gst::ClockTime>().cloned();
                if segment.is_none() {
                    gst::warning!(CAT, imp = self, "segment is not in time format: no features");
                }
                let mut state = lock(&self.state);
                if segment.as_ref().is_none_or(|s| s.rate() <= 0.0) {
                    gst::info!(CAT, imp = self, "reverse playback: audio passes, no features");
                    state.finish();
                }
                state.segment = segment;
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                let mut state = lock(&self.state);
                let rate = state.info.as_ref().map_or(0, gst_audio::AudioInfo::rate);
                if let Some(duration) = duration.filter(|_| rate > 0) {
                    self.gap(&mut state, Some(pts), duration, rate);
                }
            }
            EventView::FlushStop(_) => lock(&self.state).restart(),
            EventView::Eos(_) | EventView::SegmentDone(_) => {
                lock(&self.state).finish();
                self.send_rest();
            }
            _ => {}
        }
        self.parent_sink_event(event)
    }
}
