//! Implementation of `affectfeatures`.

use crate::tap::settings::{PROPERTIES, Settings};
use crate::tap::{Tap, Trouble, lock};
use crate::{UPSTREAM_QUERY, meta, result};
use affect::record::{Ended, Record, SegmentKind};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;
use std::sync::{LazyLock, Mutex};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectfeatures", gst::DebugColorFlags::empty(), Some("Acoustic features of speech"))
});

#[derive(Default)]
struct Stats {
    results: u64,
    attached: u64,
    posted: u64,
    last_error: Option<String>,
}

/// The element.
#[derive(Default)]
pub struct AffectFeatures {
    settings: Mutex<Settings>,
    tap: Mutex<Tap>,
    stats: Mutex<Stats>,
}

impl AffectFeatures {
    fn analyse(&self, buffer: &gst::BufferRef) -> Result<Vec<Record>, gst::FlowError> {
        let mut tap = lock(&self.tap);
        let outcome = tap.buffer(buffer, &|stream| lock(&self.settings).config(stream, "affectfeatures"));
        let records = tap.take();
        drop(tap);
        match outcome {
            Ok(()) => {}
            Err(Trouble::Audio(e)) => {
                lock(&self.stats).last_error = Some(e.to_string());
                gst::element_imp_warning!(
                    self,
                    gst::StreamError::Format,
                    ("No features: {e}"),
                    ["Audio passes through unchanged. Put audioresample before this element."]
                );
            }
            Err(Trouble::Settings(e)) => {
                lock(&self.stats).last_error = Some(e.to_string());
                gst::element_imp_error!(self, gst::LibraryError::Settings, ("{e}"));
                return Err(gst::FlowError::Error);
            }
            Err(Trouble::Buffer(e)) => {
                // The audio goes on; what cannot be analysed is no reason to stop it.
                gst::warning!(CAT, imp = self, "{e}");
                lock(&self.stats).last_error = Some(e);
            }
        }
        Ok(records)
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
                // Fails only without a bus, and then nobody listens.
                let _ = self.obj().post_message(result::message(record, &*self.obj()));
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
        let records = lock(&self.tap).take();
        let structures = self.hand_out(records);
        if !structures.is_empty() {
            self.obj().src_pad().push_event(result::event(structures));
        }
    }

    fn stats_structure(&self) -> gst::Structure {
        let (s, tap) = (lock(&self.stats), lock(&self.tap));
        let c = &tap.counts;
        let processing = c.processing.as_nanos() as u64;
        let factor = if processing > 0 { c.audio.nseconds() as f64 / processing as f64 } else { 0.0 };
        gst::Structure::builder("affectfeatures-stats")
            .field("results", s.results)
            .field("attached", s.attached)
            .field("posted", s.posted)
            .field("cuts", c.cuts)
            .field("audio-time", c.audio.nseconds())
            .field("processing-time", processing)
            .field("real-time-factor", factor)
            .field("max-result-delay", c.max_delay)
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
                            lock(&imp.tap).reset();
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
            lock(&self.tap).outdated();
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
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(crate::tap::pad_templates);
        TEMPLATES.as_ref()
    }
}

impl BaseTransformImpl for AffectFeatures {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.tap) = Tap::default();
        *lock(&self.stats) = Stats::default();
        // Settings that can never work fail here, before any data flow.
        lock(&self.settings)
            .config("", "affectfeatures")
            .map(|_| ())
            .map_err(|e| gst::error_msg!(gst::LibraryError::Settings, ("{e}")))
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.tap) = Tap::default();
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = gst_audio::AudioInfo::from_caps(incaps)
            .map_err(|_| gst::loggable_error!(CAT, "cannot parse caps {incaps}"))?;
        lock(&self.tap).set_info(info);
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
            EventView::StreamStart(e) => lock(&self.tap).set_stream(e.stream_id()),
            EventView::Segment(e) => {
                let segment = e.segment().downcast_ref::<gst::ClockTime>().cloned();
                if segment.is_none() {
                    gst::warning!(CAT, imp = self, "segment is not in time format: no features");
                }
                if !lock(&self.tap).set_segment(segment) {
                    gst::info!(CAT, imp = self, "reverse playback: audio passes, no features");
                }
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                lock(&self.tap).missing_time(Some(pts), duration);
            }
            EventView::FlushStop(_) => lock(&self.tap).restart(),
            EventView::Eos(_) | EventView::SegmentDone(_) => {
                lock(&self.tap).finish();
                self.send_rest();
            }
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn query(&self, direction: gst::PadDirection, query: &mut gst::QueryRef) -> bool {
        // Somebody downstream asks which features come.
        if let (gst::PadDirection::Src, gst::QueryViewMut::Custom(q)) = (direction, query.view_mut())
            && q.structure().is_some_and(|s| s.name() == UPSTREAM_QUERY)
        {
            let settings = lock(&self.settings).clone();
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
        BaseTransformImplExt::parent_query(self, direction, query)
    }
}
