//! Implementation of `affectscore`.

use super::loading::Loading;
use super::settings::{BESIDE, OF_THE_MODEL, PROPERTIES, Settings};
use super::worker::Worker;
use crate::seen::Seen;
use crate::tap::{Tap, lock};
use crate::{meta, result};
use affect::analyzer::Config;
use affect::record::Record;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::{Duration, Instant};

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectscore", gst::DebugColorFlags::empty(), Some("Emotion scores of speech, explained"))
});

#[derive(Default)]
pub(super) struct State {
    pub(super) tap: Tap,
    /// Features come from upstream; decided with the first buffer.
    pub(super) upstream: Option<bool>,
    /// The settings for features from upstream.
    pub(super) config: Option<Arc<Config>>,
    pub(super) deferred: bool,
    pub(super) seen: Seen,
    pub(super) worker: Option<Worker>,
    /// Results that wait for a buffer, and to be posted.
    pub(super) ready: Vec<Record>,
    /// Windows dropped since that was last looked at.
    pub(super) dropped: usize,
    pub(super) stale: bool,
}

#[derive(Default)]
pub(super) struct Stats {
    pub(super) results: u64,
    pub(super) scored: u64,
    pub(super) abstained: u64,
    pub(super) dropped: u64,
    pub(super) attached: u64,
    pub(super) posted: u64,
    pub(super) scoring: Duration,
    pub(super) last_error: Option<String>,
    pub(super) warned: Option<Instant>,
}

/// The element.
#[derive(Default)]
pub struct AffectScore {
    pub(super) settings: Mutex<Settings>,
    pub(super) state: Mutex<State>,
    /// Results that the worker has made.
    pub(super) made: Mutex<Vec<Record>>,
    pub(super) stats: Mutex<Stats>,
    pub(super) loading: Mutex<Loading>,
    pub(super) loaded: Condvar,
}

impl AffectScore {
    fn stats_structure(&self) -> gst::Structure {
        let model = match &*lock(&self.loading) {
            Loading::Ready(m) => Some(m.clone()),
            _ => None,
        };
        let state = lock(&self.state);
        let s = lock(&self.stats);
        let c = &state.tap.counts;
        gst::Structure::builder("affectscore-stats")
            .field("engine", model.as_ref().map(|m| m.engine().to_owned()).unwrap_or_default())
            .field("model", model.as_ref().map(|m| m.sha256().to_owned()).unwrap_or_default())
            .field("mode", if state.deferred { "async" } else { "sync" })
            .field("upstream-features", state.upstream.unwrap_or(false))
            .field("results", s.results)
            .field("scored", s.scored)
            .field("abstained", s.abstained)
            .field("dropped", s.dropped)
            .field("queued", state.worker.as_ref().map_or(0, Worker::queued) as u64)
            .field("attached", s.attached)
            .field("posted", s.posted)
            .field("cuts", c.cuts)
            .field("audio-time", c.audio.nseconds())
            .field("processing-time", c.processing.as_nanos() as u64)
            .field("scoring-time", s.scoring.as_nanos() as u64)
            .field("max-result-delay", c.max_delay)
            .field("last-error", s.last_error.clone().unwrap_or_default())
            .build()
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AffectScore {
    const NAME: &'static str = "GstAffectScore";
    type Type = super::AffectScore;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for AffectScore {
    fn properties() -> &'static [glib::ParamSpec] {
        PROPERTIES.as_ref()
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: LazyLock<Vec<glib::subclass::Signal>> = LazyLock::new(|| {
            vec![
                glib::subclass::Signal::builder("reset")
                    .action()
                    .class_handler(|args| {
                        if let Ok(element) = args[0].get::<super::AffectScore>() {
                            element.imp().reset();
                        }
                        None
                    })
                    .build(),
            ]
        });
        SIGNALS.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let mut settings = lock(&self.settings);
        let mut next = settings.clone();
        let outcome = if pspec.name() == "settings" {
            next.apply(&value.get::<Option<String>>().ok().flatten().unwrap_or_default())
        } else {
            next.set(pspec.name(), value);
            Ok(())
        };
        // Of a running stream only what can be used is taken over; before it starts, start says what is wrong.
        let running = !matches!(*lock(&self.loading), Loading::Not);
        let checked = if running { outcome.and_then(|()| next.check().map_err(|e| e.to_string())) } else { outcome };
        if let Err(e) = checked {
            gst::error!(CAT, imp = self, "{}: {e}", pspec.name());
            lock(&self.stats).last_error = Some(format!("{}: {e}", pspec.name()));
            return;
        }
        *settings = next;
        drop(settings);
        if running && !BESIDE.contains(&pspec.name()) && !OF_THE_MODEL.contains(&pspec.name()) {
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

impl GstObjectImpl for AffectScore {}

impl ElementImpl for AffectScore {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Affect emotion scores",
                "Filter/Analyzer/Audio",
                "Passes audio through unchanged and attaches emotion scores of the speech in it, each with the features that moved it",
                "The Affect developers",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(crate::tap::pad_templates);
        TEMPLATES.as_ref()
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::PausedToReady {
            // The streaming thread may be waiting for the model.
            *lock(&self.loading) = Loading::Not;
            self.loaded.notify_all();
        }
        self.parent_change_state(transition)
    }
}

impl BaseTransformImpl for AffectScore {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.state) = State::default();
        *lock(&self.stats) = Stats::default();
        lock(&self.made).clear();
        // Settings that can never work fail here, before any data flow.
        lock(&self.settings).check().map_err(|e| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))?;
        self.load()
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.loading) = Loading::Not;
        self.loaded.notify_all();
        // Outside the lock: the worker may be about to hand over a result.
        let old = std::mem::take(&mut *lock(&self.state));
        drop(old);
        lock(&self.made).clear();
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_audio::AudioInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "cannot parse caps {incaps}"))?;
        lock(&self.state).tap.set_info(info);
        Ok(())
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let records = self.analyse(buffer)?;
        if let Err(e) = meta::append(buffer, self.structures(&records)) {
            gst::error!(CAT, imp = self, "cannot attach results: {e}");
            lock(&self.stats).last_error = Some(e.to_string());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => {
                let mut state = lock(&self.state);
                state.tap.set_stream(e.stream_id());
                // The next buffer asks again who is upstream.
                state.config = None;
            }
            EventView::Segment(e) => {
                let segment = e.segment().downcast_ref::<gst::ClockTime>().cloned();
                lock(&self.state).tap.set_segment(segment);
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                lock(&self.state).tap.missing_time(Some(pts), duration);
            }
            EventView::CustomDownstream(e) => {
                let structures = result::from_event(e);
                let mut guard = lock(&self.state);
                if guard.upstream == Some(true) && !structures.is_empty() {
                    let fresh = self.refine(&mut guard, &structures);
                    let records = self.all(guard, fresh);
                    let sent = self.parent_sink_event(event);
                    self.push(&records);
                    return sent;
                }
            }
            EventView::FlushStop(_) => self.forget(),
            EventView::Eos(_) | EventView::SegmentDone(_) => self.finish(),
            _ => {}
        }
        self.parent_sink_event(event)
    }
}
