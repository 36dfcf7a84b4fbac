//! Implementation of `affectextract`.

use super::form::Form;
use super::state::ExtractState;
use crate::outbox::{Outbox, poster};
use crate::{meta, result};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use std::sync::LazyLock;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectextract", gst::DebugColorFlags::empty(), Some("Results as a stream of their own"))
});

/// The element.
pub struct AffectExtract {
    sink: gst::Pad,
    src: gst::Pad,
    outbox: Outbox<ExtractState>,
}

impl AffectExtract {
    /// The results pad, with its sticky events pushed, in the form that its peer takes.
    fn results_pad(&self) -> Option<gst::Pad> {
        let pad = self.outbox.with(|s| s.results.clone())?;
        let form = pad.check_reconfigure().then(|| {
            let taken = poster::unlocked(|| pad.allowed_caps());
            taken.map_or(Form::default(), |caps| Form::of_peer(&caps))
        });
        let (pad, events) = self.outbox.with(|s| s.pad(form))?;
        for event in events {
            poster::push_event(&pad, event);
        }
        Some(pad)
    }

    /// Pushes an event to the results pad, if there is one.
    fn push_to_results(&self, event: &gst::Event) {
        if let Some(pad) = self.outbox.with(|s| s.results.clone()) {
            poster::push_event(&pad, event.clone());
        }
    }

    /// Combines what a pad has answered with what the others did.
    fn combine(
        &self,
        pad: &gst::Pad,
        flow: Result<gst::FlowSuccess, gst::FlowError>,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.outbox.with(|s| s.flows.update_pad_flow(pad, flow))
    }

    /// Pushes the results that are new as one buffer each, at time `at`.
    fn push(&self, results: Vec<gst::Structure>, at: Option<gst::ClockTime>) -> Result<(), gst::FlowError> {
        let Some(pad) = self.results_pad() else { return Ok(()) };
        for structure in results {
            let (Ok(id), Ok(json)) = (structure.get::<&str>("id"), structure.get::<&str>("json")) else { continue };
            let Some((at, form)) = self.outbox.with(|s| s.place(id, at).map(|at| (at, s.form))) else { continue };
            let flow = poster::push(&pad, form.buffer(&structure, json, at));
            self.combine(&pad, flow)?;
        }
        Ok(())
    }

    /// Says that there was nothing up to `end`.
    fn push_gap(&self, end: Option<gst::ClockTime>) {
        let Some(end) = end else { return };
        let Some(pad) = self.results_pad() else { return };
        if let Some(gap) = self.outbox.with(|s| s.gap(end)) {
            poster::push_event(&pad, gap);
        }
    }

    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let results = meta::read(&buffer);
        let (pts, end) = (buffer.pts(), buffer.pts().zip(buffer.duration()).map(|(p, d)| p + d).or(buffer.pts()));
        let flow = poster::push(&self.src, buffer);
        self.combine(&self.src, flow)?;
        if !results.is_empty() {
            self.push(results, pts)?;
        }
        self.push_gap(end);
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => self.outbox.with(|s| {
                s.stream_id = Some(e.stream_id().to_owned());
                s.group = e.group_id();
                s.restart();
            }),
            EventView::Segment(e) => {
                let Some(segment) = e.segment().downcast_ref::<gst::ClockTime>().cloned() else {
                    return poster::push_event(&self.src, event);
                };
                let started = self.outbox.with(|s| {
                    s.segment = Some(segment);
                    s.position = None;
                    s.started
                });
                if started {
                    self.push_to_results(&event);
                } else {
                    self.results_pad();
                }
            }
            EventView::Gap(e) => {
                let (pts, duration) = e.get();
                self.push_gap(Some(pts + duration.unwrap_or_default()));
            }
            EventView::CustomDownstream(e) => {
                let results = result::from_event(e);
                if !results.is_empty() {
                    // The flow result counts at the next buffer; at the end of the stream there is none.
                    let _ = self.push(results, None);
                }
            }
            EventView::Eos(_) => {
                self.results_pad();
                self.push_to_results(&event);
            }
            EventView::FlushStart(_) | EventView::SegmentDone(_) => self.push_to_results(&event),
            EventView::FlushStop(_) => {
                self.outbox.with(|s| {
                    s.seen.clear();
                    s.position = None;
                    s.flows.reset();
                });
                self.push_to_results(&event);
            }
            _ => {}
        }
        poster::push_event(&self.src, event)
    }
}

#[glib::object_subclass]
impl ObjectSubclass for AffectExtract {
    const NAME: &'static str = "GstAffectExtract";
    type Type = super::AffectExtract;
    type ParentType = gst::Element;

    fn with_class(class: &Self::Class) -> Self {
        let any = |name: &str| class.pad_template(name).expect("the template is registered with the class");
        let sink = gst::Pad::builder_from_template(&any("sink"))
            .chain_function(|pad, parent, buffer| {
                Self::catch_panic_pad_function(
                    parent,
                    || Err(gst::FlowError::Error),
                    |imp| {
                        gst::trace!(CAT, obj = pad, "{buffer:?}");
                        imp.chain(buffer)
                    },
                )
            })
            .event_function(|_, parent, event| {
                Self::catch_panic_pad_function(parent, || false, |imp| imp.sink_event(event))
            })
            .iterate_internal_links_function(|_, parent| {
                // What may come in is what `src` takes; the peer of `results` has no say in it.
                let none = || gst::Iterator::from_vec(Vec::new());
                Self::catch_panic_pad_function(parent, none, |imp| gst::Iterator::from_vec(vec![imp.src.clone()]))
            })
            .flags(gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING)
            .build();
        let src = gst::Pad::builder_from_template(&any("src"))
            .flags(gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING)
            .build();
        Self { sink, src, outbox: Outbox::default() }
    }
}

impl ObjectImpl for AffectExtract {
    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sink, &self.src] {
            // Fails only if the pad had a parent already.
            let _ = self.obj().add_pad(pad);
        }
        self.outbox.with(|s| s.flows.add_pad(&self.src));
    }
}

impl GstObjectImpl for AffectExtract {}

impl ElementImpl for AffectExtract {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Affect result extractor",
                "Filter/Analyzer/Audio",
                "Passes audio through and gives the results that it carries a pad of their own, as a sparse stream of JSON",
                "The Affect developers",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let any = gst::Caps::new_any();
            let results = Form::all_caps();
            [
                ("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &any),
                ("src", gst::PadDirection::Src, gst::PadPresence::Always, &any),
                ("results", gst::PadDirection::Src, gst::PadPresence::Request, &results),
            ]
            .into_iter()
            .filter_map(|(name, direction, presence, caps)| gst::PadTemplate::new(name, direction, presence, caps).ok())
            .collect()
        });
        TEMPLATES.as_ref()
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        _name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let pad = gst::Pad::builder_from_template(template).name("results").build();
        let taken = self.outbox.with(|s| {
            if s.results.is_some() {
                return true;
            }
            s.results = Some(pad.clone());
            s.started = false;
            s.flows.add_pad(&pad);
            false
        });
        if taken {
            gst::warning!(CAT, imp = self, "there is one results pad, and it is taken");
            return None;
        }
        if pad.set_active(true).is_err() || self.obj().add_pad(&pad).is_err() {
            self.forget(&pad);
            return None;
        }
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        if self.forget(pad) {
            let _ = pad.set_active(false);
            let _ = self.obj().remove_pad(pad);
        }
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let done = poster::unlocked(|| self.parent_change_state(transition))?;
        if transition == gst::StateChange::PausedToReady {
            self.outbox.with(|s| {
                s.seen.clear();
                s.stream_id = None;
                s.segment = None;
                s.restart();
                s.flows.reset();
            });
        }
        Ok(done)
    }
}

impl AffectExtract {
    /// Forgets the results pad. Returns whether it was this one.
    fn forget(&self, pad: &gst::Pad) -> bool {
        self.outbox.with(|s| {
            let ours = s.results.as_ref() == Some(pad);
            if ours {
                s.results = None;
                s.started = false;
                s.flows.remove_pad(pad);
            }
            ours
        })
    }
}
