//! Implementation of `affectfeatures`.

use super::state::{FeaturesState, FeaturesStats};
use crate::outbox::poster::LastBus;
use crate::outbox::{Outbox, poster};
use crate::tap::analysis;
use crate::tap::input::Input;
use crate::tap::settings::{PROPERTIES, RESULT_NEUTRAL_PROPERTIES};
use crate::{UPSTREAM_QUERY, meta};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::LazyLock;
use std::time::Instant;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectfeatures", gst::DebugColorFlags::empty(), Some("Acoustic features of speech"))
});

impl AffectFeatures {
    fn stats_structure(&self) -> gst::Structure {
        self.outbox.with(|state| {
            let s = &state.stats;
            let factor = if s.processing_ns > 0 { s.audio.nseconds() as f64 / s.processing_ns as f64 } else { 0.0 };
            let mut stats = gst::Structure::builder("affectfeatures-stats")
                .field("results", s.results)
                .field("attached", s.attached)
                .field("posted", s.posted)
                .field("cuts", s.cuts)
                .field("audio-time", s.audio.nseconds())
                .field("processing-time", s.processing_ns)
                .field("real-time-factor", factor)
                .field("max-result-delay", s.max_delay)
                .field("left-out-interim", s.left_out)
                .field("last-error", s.last_error.clone().unwrap_or_default())
                .build();
            state.backlog.add_to(&mut stats);
            stats
        })
    }
}

/// The element.
#[derive(Default)]
pub struct AffectFeatures {
    pub(super) outbox: Outbox<FeaturesState>,
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
                            imp.outbox.with(|s| {
                                s.forget();
                                s.stream.reset();
                            });
                        }
                        None
                    })
                    .build(),
            ]
        });
        SIGNALS.as_ref()
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let (outcome, running) = self.outbox.with(|s| {
            let running = s.running;
            let outcome = s.properties.assign(pspec.name(), value, running.then_some(s.channels));
            match &outcome {
                Ok(()) if !RESULT_NEUTRAL_PROPERTIES.contains(&pspec.name()) => s.stream.outdate(),
                Ok(()) => {}
                Err(refused) => s.stats.last_error = Some(refused.to_string()),
            }
            (outcome, running)
        });
        if let Err(refused) = outcome {
            gst::error!(CAT, imp = self, "{refused}");
            if running {
                poster::warning(&*self.obj(), gst::LibraryError::Settings, &refused.to_string(), refused.advice());
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
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(crate::tap::pad_templates);
        TEMPLATES.as_ref()
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::PausedToReady {
            // The streaming thread may be waiting for the workers.
            self.outbox.interrupt();
        }
        poster::unlocked(|| self.parent_change_state(transition))
    }
}

impl BaseTransformImpl for AffectFeatures {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        // Settings that can never work fail here, before any data flow.
        let bus = LastBus::of(&*self.obj());
        let checked = self.outbox.with(|s| {
            s.begin();
            s.bus = bus;
            s.stats = FeaturesStats::default();
            s.properties.forget_trouble();
            let checked = s.properties.check();
            s.running = checked.is_ok();
            checked
        });
        self.outbox.resume();
        checked.map_err(|e| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        self.outbox.interrupt();
        if let Some(notice) = analysis::finish_until(self, Instant::now() + analysis::LONGEST_STOP) {
            gst::warning!(CAT, imp = self, "{}", notice.text());
            self.post(notice.message(&*self.obj()));
        }
        analysis::stop_workers(self);
        self.outbox.with(|s| {
            s.end();
            s.running = false;
            s.channels = 0;
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
        analysis::analyse_buffer(self, buffer)?;
        if let Err(e) = meta::append(buffer, self.deliver()) {
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
            EventView::FlushStart(_) => self.outbox.interrupt(),
            EventView::FlushStop(_) => {
                self.outbox.with(FeaturesState::forget);
                self.outbox.resume();
            }
            EventView::Eos(_) | EventView::SegmentDone(_) => self.push_pending(),
            _ => {}
        }
        poster::unlocked(|| self.parent_sink_event(event))
    }

    fn query(&self, direction: gst::PadDirection, query: &mut gst::QueryRef) -> bool {
        // Somebody downstream asks which features come.
        if let (gst::PadDirection::Src, gst::QueryViewMut::Custom(q)) = (direction, query.view_mut())
            && q.structure().is_some_and(|s| s.name() == UPSTREAM_QUERY)
        {
            let settings = self.outbox.with(|s| s.properties.values().clone());
            let s = q.structure_mut();
            s.set("feature-set", &settings.feature_set);
            s.set(
                "segmentation",
                settings.segmentation.to_value().serialize().map(|v| v.to_string()).unwrap_or_default(),
            );
            s.set("speaker-baseline", settings.speaker_baseline);
            s.set("attached", settings.attach != crate::affectfeatures::AffectSelect::None);
            return true;
        }
        poster::unlocked(|| BaseTransformImplExt::parent_query(self, direction, query))
    }
}
