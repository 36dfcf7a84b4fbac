//! Implementation of `affectfeatures`.

use super::state::{State, Stats, Stream};
use crate::outbox::workspace::Workspace;
use crate::outbox::{Outbox, poster};
use crate::tap::Trouble;
use crate::tap::settings::PROPERTIES;
use crate::{UPSTREAM_QUERY, meta, result};
use affect::record::Record;
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::LazyLock;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectfeatures", gst::DebugColorFlags::empty(), Some("Acoustic features of speech"))
});

/// What to do about a property that cannot be read, or used, while audio flows.
const ADVICE: &str =
    "Audio passes through unchanged, without results, until the property is set to something that can be used.";

impl AffectFeatures {
    /// Works on the stream, which only the streaming thread does.
    fn work<R>(&self, work: impl FnOnce(&mut Stream) -> R) -> R {
        let mut stream = self.outbox.with(State::take_stream);
        let result = work(&mut stream);
        for cut in stream.tap.take_cuts() {
            if cut.is_fault() {
                gst::warning!(CAT, imp = self, "{cut}");
            } else {
                gst::info!(CAT, imp = self, "{cut}");
            }
        }
        self.outbox.with(|s| s.put_stream(stream));
        result
    }

    fn note(&self, error: String) {
        self.outbox.with(|s| s.stats.last_error = Some(error));
    }

    fn analyse(&self, buffer: &gst::BufferRef) -> Result<Vec<Record>, gst::FlowError> {
        if self.outbox.with(|s| s.properties.closed().is_some()) {
            self.work(|_| ());
            return Ok(Vec::new());
        }
        let make = |stream: &str| self.outbox.with(|s| s.properties.values().config(stream, "affectfeatures"));
        let (outcome, records, begun) = self.work(|stream| {
            let outcome = stream.tap.buffer(buffer, &make);
            let begun = stream.begun;
            stream.begun |= outcome.is_ok();
            (outcome, stream.tap.take(), begun)
        });
        match outcome {
            Ok(()) => {}
            Err(Trouble::Audio(e)) => {
                self.note(e.to_string());
                let advice = "Audio passes through unchanged. Put audioresample before this element.";
                poster::warning(&*self.obj(), gst::StreamError::Format, &format!("No features: {e}"), advice);
            }
            Err(Trouble::Settings(e)) => {
                let why = e.to_string();
                self.note(why.clone());
                if !begun {
                    poster::error(&*self.obj(), gst::LibraryError::Settings, &why);
                    return Err(gst::FlowError::Error);
                }
                if self.outbox.with(|s| s.properties.cannot_be_used(&why)) {
                    poster::warning(&*self.obj(), gst::LibraryError::Settings, &why, ADVICE);
                }
            }
            Err(Trouble::Buffer(e)) => {
                // The audio goes on; what cannot be analysed is no reason to stop it.
                gst::warning!(CAT, imp = self, "{e}");
                self.note(e);
            }
        }
        Ok(records)
    }

    /// Posts records, and gives the structures to attach.
    fn hand_out(&self, records: Vec<Record>) -> Vec<gst::Structure> {
        if records.is_empty() {
            return Vec::new();
        }
        let parcels = self.outbox.with(|s| s.parcels(records));
        let mut attached = Vec::with_capacity(parcels.len());
        for p in parcels {
            if p.post {
                poster::post(&*self.obj(), result::message(&p.record, &*self.obj()));
            }
            if p.attach {
                attached.push(result::structure(&p.record));
            }
        }
        attached
    }

    /// Hands on what no buffer will carry, ahead of an event.
    fn send_rest(&self) {
        let records = self.work(|stream| {
            stream.tap.finish();
            stream.tap.take()
        });
        let structures = self.hand_out(records);
        if !structures.is_empty() {
            poster::push_event(self.obj().src_pad(), result::event(structures));
        }
    }

    fn stats_structure(&self) -> gst::Structure {
        self.outbox.with(|state| {
            let s = &state.stats;
            let factor = if s.processing_ns > 0 { s.audio.nseconds() as f64 / s.processing_ns as f64 } else { 0.0 };
            gst::Structure::builder("affectfeatures-stats")
                .field("results", s.results)
                .field("attached", s.attached)
                .field("posted", s.posted)
                .field("cuts", s.cuts)
                .field("audio-time", s.audio.nseconds())
                .field("processing-time", s.processing_ns)
                .field("real-time-factor", factor)
                .field("max-result-delay", s.max_delay)
                .field("last-error", s.last_error.clone().unwrap_or_default())
                .build()
        })
    }
}

/// The element.
#[derive(Default)]
pub struct AffectFeatures {
    outbox: Outbox<State>,
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
                            imp.outbox.with(|s| s.stream.reset());
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
                Ok(()) if !matches!(pspec.name(), "attach" | "post" | "post-messages") => s.stream.outdate(),
                Ok(()) => {}
                Err(why) => s.stats.last_error = Some(why.clone()),
            }
            (outcome, running)
        });
        if let Err(why) = outcome {
            gst::error!(CAT, imp = self, "{why}");
            if running {
                poster::warning(&*self.obj(), gst::LibraryError::Settings, &why, ADVICE);
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
}

impl BaseTransformImpl for AffectFeatures {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        // Settings that can never work fail here, before any data flow.
        let checked = self.outbox.with(|s| {
            s.stream = Workspace::default();
            s.stats = Stats::default();
            s.properties.forget_trouble();
            let checked = s.properties.check();
            s.running = checked.is_ok();
            checked
        });
        checked.map_err(|e| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        self.outbox.with(|s| {
            s.stream = Workspace::default();
            s.running = false;
            s.channels = 0;
        });
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_audio::AudioInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "cannot parse caps {incaps}"))?;
        self.outbox.with(|s| s.channels = info.channels() as usize);
        self.work(|stream| stream.tap.set_info(info));
        Ok(())
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let records = self.analyse(buffer)?;
        let structures = self.hand_out(records);
        if let Err(e) = meta::append(buffer, structures) {
            gst::error!(CAT, imp = self, "cannot attach results: {e}");
            self.note(e.to_string());
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => self.work(|stream| stream.tap.set_stream(e.stream_id())),
            EventView::Segment(e) => {
                let segment = e.segment().downcast_ref::<gst::ClockTime>().cloned();
                if segment.is_none() {
                    gst::warning!(CAT, imp = self, "segment is not in time format: no features");
                }
                if !self.work(|stream| stream.tap.set_segment(segment)) {
                    gst::info!(CAT, imp = self, "reverse playback: audio passes, no features");
                }
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                self.work(|stream| stream.tap.missing_time(Some(pts), duration));
            }
            EventView::FlushStop(_) => self.work(|stream| stream.tap.restart()),
            EventView::Eos(_) | EventView::SegmentDone(_) => self.send_rest(),
            _ => {}
        }
        poster::outside(|| self.parent_sink_event(event))
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
        poster::outside(|| BaseTransformImplExt::parent_query(self, direction, query))
    }
}
