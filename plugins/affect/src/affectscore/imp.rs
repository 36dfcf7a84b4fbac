//! Implementation of `affectscore`.

use super::audited_policies::AuditedPolicies;
use super::loading::Loading;
use super::settings::{OF_THE_MODEL, PROPERTIES, changes_no_result};
use super::state::{ScoreState, ScoreStats};
use crate::outbox::poster::LastBus;
use crate::outbox::workspace::Workspace;
use crate::outbox::{Outbox, poster};
use crate::tap::analysis;
use crate::tap::input::Input;
use crate::{meta, result};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::LazyLock;
use std::time::Instant;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectscore", gst::DebugColorFlags::empty(), Some("Emotion scores of speech, explained"))
});

/// The element.
#[derive(Default)]
pub struct AffectScore {
    pub(super) outbox: Outbox<ScoreState>,
}

impl AffectScore {
    pub(super) fn note(&self, error: String) {
        self.outbox.with(|s| s.stats.last_error = Some(error));
    }

    fn stats_structure(&self) -> gst::Structure {
        self.outbox.with(|state| {
            let model = match &state.loading {
                Loading::Ready(m) => Some(m),
                _ => None,
            };
            let s = &state.stats;
            let mut stats = gst::Structure::builder("affectscore-stats")
                .field("engine", model.map(|m| m.engine().to_owned()).unwrap_or_default())
                .field("model", model.map(|m| m.sha256().to_owned()).unwrap_or_default())
                .field("mode", if s.asynchronous { "async" } else { "sync" })
                .field("upstream-features", s.upstream)
                .field("results", s.results)
                .field("scored", s.scored)
                .field("abstained", s.abstained)
                .field("dropped", s.dropped)
                .field("queued", state.scores.len() as u64)
                .field("attached", s.attached)
                .field("posted", s.posted)
                .field("cuts", s.cuts)
                .field("audio-time", s.audio_ns)
                .field("processing-time", s.processing.as_nanos() as u64)
                .field("scoring-time", s.scoring.as_nanos() as u64)
                .field("max-result-delay", s.max_delay)
                .field("left-out-interim", s.left_out)
                .field("last-error", s.last_error.clone().unwrap_or_default())
                .build();
            state.backlog.add_to(&mut stats);
            stats
        })
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
        let name = pspec.name();
        let (outcome, running) = self.outbox.with(|s| {
            let running = s.running;
            let outcome = s.properties.assign(name, value, running.then_some(s.channels));
            match &outcome {
                Ok(()) if running && !changes_no_result(name) && !OF_THE_MODEL.contains(&name) => {
                    s.stream.outdate();
                    s.follow_policies();
                }
                Ok(()) => {}
                Err(refused) => s.stats.last_error = Some(refused.to_string()),
            }
            (outcome, running)
        });
        match outcome {
            Ok(()) => self.audit_changes(),
            Err(refused) => {
                gst::error!(CAT, imp = self, "{refused}");
                if running {
                    poster::warning(&*self.obj(), gst::LibraryError::Settings, &refused.to_string(), refused.advice());
                }
            }
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => self.stats_structure().to_value(),
            "settings" => None::<&str>.to_value(),
            name => {
                self.outbox.with(|s| s.properties.values().get(name)).unwrap_or_else(|| pspec.default_value().clone())
            }
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
            // The streaming thread may be waiting for the model, or for what is queued.
            self.outbox.with(|s| s.stopping = Some(Instant::now()));
            self.outbox.interrupt();
        }
        poster::unlocked(|| self.parent_change_state(transition))
    }
}

impl BaseTransformImpl for AffectScore {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        // Settings that can never work fail here, before any data flow.
        let bus = LastBus::of(&*self.obj());
        let checked = self.outbox.with(|s| {
            s.bus = bus;
            s.properties.forget_trouble();
            s.properties.check()?;
            s.stream = Workspace::default();
            s.stats = ScoreStats::default();
            s.policies = AuditedPolicies::begin(s.properties.policies());
            s.forget();
            s.backlog.begin();
            s.running = true;
            Ok(())
        });
        checked.map_err(|e: String| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))?;
        self.outbox.resume();
        self.load()
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        self.outbox.interrupt();
        self.post_pending();
        self.outbox.with(|s| {
            s.loading = Loading::Stopped;
            s.running = false;
        });
        analysis::stop_workers(self);
        self.outbox.stop_worker(ScoreState::scores);
        self.outbox.with(|s| {
            s.stream = Workspace::default();
            s.channels = 0;
            s.policies = AuditedPolicies::default();
            s.forget();
            s.backlog.end();
        });
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_audio::AudioInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "cannot parse caps {incaps}"))?;
        analysis::handle_input(self, Input::Info(Box::new(info)));
        Ok(())
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        if !self.closed() {
            self.await_model();
        }
        analysis::analyse_buffer(self, buffer)?;
        let attached = self.enforce(&meta::read(buffer)).map_or(Ok(()), |list| meta::replace(buffer, list));
        if let Err(e) = attached.and_then(|()| meta::append(buffer, self.deliver())) {
            gst::error!(CAT, imp = self, "cannot attach results: {e}");
            self.note(e.to_string());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => self.next_stream(e.stream_id()),
            EventView::Segment(e) => {
                let segment = e.segment().downcast_ref::<gst::ClockTime>().cloned();
                analysis::handle_input(self, Input::Segment(segment.map(Box::new)));
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                analysis::handle_input(self, Input::Gap(pts, duration));
            }
            EventView::CustomDownstream(e) => {
                let structures = result::from_event(e);
                if !structures.is_empty() {
                    return self.pass_results(event, structures);
                }
            }
            EventView::FlushStart(_) => self.outbox.interrupt(),
            EventView::FlushStop(_) => self.flushed(),
            EventView::Eos(_) | EventView::SegmentDone(_) => self.finish(),
            _ => {}
        }
        poster::unlocked(|| self.parent_sink_event(event))
    }
}

impl AffectScore {
    /// Results of upstream that no buffer carries go on, as far as they may, and then those with scores.
    fn pass_results(&self, event: gst::Event, structures: Vec<gst::Structure>) -> bool {
        let bound = self.enforce(&structures);
        analysis::handle_input(self, Input::Results(structures));
        let sent = match bound {
            None => poster::unlocked(|| self.parent_sink_event(event)),
            Some(list) if list.is_empty() => true,
            Some(list) => poster::unlocked(|| self.parent_sink_event(result::event(list))),
        };
        self.push_pending();
        sent
    }
}
