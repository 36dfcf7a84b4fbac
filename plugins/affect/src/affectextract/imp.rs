//! Implementation of `affectextract`.

use crate::seen::Seen;
use crate::{RESULT_CAPS, meta, result};
use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::UniqueFlowCombiner;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("affectextract", gst::DebugColorFlags::empty(), Some("Results as a stream of their own"))
});

/// A gap event comes after this much audio without a result.
const GAP_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(200);

#[derive(Default)]
struct State {
    seen: Seen,
    results: Option<gst::Pad>,
    flows: UniqueFlowCombiner,
    /// Sticky events of the stream of results that were not pushed yet are pushed before anything else.
    stream_id: Option<String>,
    group: Option<gst::GroupId>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    started: bool,
    /// Up to where the stream of results is accounted for.
    position: Option<gst::ClockTime>,
}

/// The element.
pub struct AffectExtract {
    sink: gst::Pad,
    src: gst::Pad,
    state: Mutex<State>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AffectExtract {
    /// The results pad, with its sticky events pushed.
    fn results_pad(&self) -> Option<gst::Pad> {
        let (pad, events) = {
            let mut state = lock(&self.state);
            let pad = state.results.clone()?;
            let mut events = Vec::new();
            if !state.started {
                let id = state.stream_id.clone()?;
                let segment = state.segment.clone()?;
                let own = format!("{id}/affect-results");
                let mut start = gst::event::StreamStart::builder(&own).flags(gst::StreamFlags::SPARSE);
                if let Some(group) = state.group {
                    start = start.group_id(group);
                }
                events.push(start.build());
                if let Ok(caps) = gst::Caps::from_str(RESULT_CAPS) {
                    events.push(gst::event::Caps::new(&caps));
                }
                events.push(gst::event::Segment::new(&segment));
                state.started = true;
            }
            (pad, events)
        };
        for event in events {
            pad.push_event(event);
        }
        Some(pad)
    }

    /// Pushes the results that are new as one buffer each, at time `at`.
    fn push(&self, results: Vec<gst::Structure>, at: Option<gst::ClockTime>) -> Result<(), gst::FlowError> {
        let Some(pad) = self.results_pad() else { return Ok(()) };
        for structure in results {
            let (Ok(id), Ok(json)) = (structure.get::<&str>("id"), structure.get::<&str>("json")) else { continue };
            let at = {
                let mut state = lock(&self.state);
                if !state.seen.first_time(id) {
                    continue;
                }
                // The stream's time never runs backwards.
                let at = match (at, state.position) {
                    (Some(a), Some(p)) => Some(a.max(p)),
                    (a, p) => a.or(p),
                };
                state.position = at;
                at
            };
            let mut line = json.to_owned();
            line.push('\n');
            let mut buffer = gst::Buffer::from_slice(line);
            if let Some(b) = buffer.get_mut() {
                b.set_pts(at);
                b.set_duration(gst::ClockTime::ZERO);
            }
            let flow = pad.push(buffer);
            lock(&self.state).flows.update_pad_flow(&pad, flow)?;
        }
        Ok(())
    }

    /// Says that there was nothing up to `end`.
    fn push_gap(&self, end: Option<gst::ClockTime>) {
        let Some(end) = end else { return };
        let Some(pad) = self.results_pad() else { return };
        let gap = {
            let mut state = lock(&self.state);
            let from = *state.position.get_or_insert(end);
            if end < from + GAP_EVERY {
                return;
            }
            state.position = Some(end);
            gst::event::Gap::builder(from).duration(end - from).build()
        };
        pad.push_event(gap);
    }

    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let results = meta::read(&buffer);
        let (pts, end) = (buffer.pts(), buffer.pts().zip(buffer.duration()).map(|(p, d)| p + d).or(buffer.pts()));
        let flow = self.src.push(buffer);
        lock(&self.state).flows.update_pad_flow(&self.src, flow)?;
        if !results.is_empty() {
            self.push(results, pts)?;
        }
        self.push_gap(end);
        Ok(gst::FlowSuccess::Ok)
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        use gst::EventView;
        match event.view() {
            EventView::StreamStart(e) => {
                let mut state = lock(&self.state);
                state.stream_id = Some(e.stream_id().to_owned());
                state.group = e.group_id();
                state.started = false;
                state.position = None;
            }
            EventView::Segment(e) => {
                let Some(segment) = e.segment().downcast_ref::<gst::ClockTime>().cloned() else {
                    return self.src.push_event(event);
                };
                let pad = {
                    let mut state = lock(&self.state);
                    state.segment = Some(segment);
                    state.position = None;
                    state.results.clone().filter(|_| state.started)
                };
                if let Some(pad) = pad {
                    pad.push_event(event.clone());
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
            EventView::FlushStart(_) | EventView::Eos(_) | EventView::SegmentDone(_) => {
                if matches!(event.view(), EventView::Eos(_)) {
                    self.results_pad();
                }
                if let Some(pad) = lock(&self.state).results.clone() {
                    pad.push_event(event.clone());
                }
            }
            EventView::FlushStop(_) => {
                let pad = {
                    let mut state = lock(&self.state);
                    state.seen.clear();
                    state.position = None;
                    state.flows.reset();
                    state.results.clone()
                };
                if let Some(pad) = pad {
                    pad.push_event(event.clone());
                }
            }
            _ => {}
        }
        self.src.push_event(event)
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
            .flags(gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING)
            .build();
        let src = gst::Pad::builder_from_template(&any("src"))
            .flags(gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING)
            .build();
        let state = State::default();
        Self { sink, src, state: Mutex::new(state) }
    }
}

impl ObjectImpl for AffectExtract {
    fn constructed(&self) {
        self.parent_constructed();
        for pad in [&self.sink, &self.src] {
            // Fails only if the pad had a parent already.
            let _ = self.obj().add_pad(pad);
        }
        lock(&self.state).flows.add_pad(&self.src);
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
            let json = gst::Caps::from_str(RESULT_CAPS).unwrap_or_else(|_| gst::Caps::new_any());
            [
                ("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &any),
                ("src", gst::PadDirection::Src, gst::PadPresence::Always, &any),
                ("results", gst::PadDirection::Src, gst::PadPresence::Request, &json),
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
        if lock(&self.state).results.is_some() {
            gst::warning!(CAT, imp = self, "there is one results pad, and it is taken");
            return None;
        }
        let pad = gst::Pad::builder_from_template(template).name("results").build();
        pad.set_active(true).ok()?;
        {
            let mut state = lock(&self.state);
            state.results = Some(pad.clone());
            state.started = false;
            state.flows.add_pad(&pad);
        }
        self.obj().add_pad(&pad).ok()?;
        Some(pad)
    }

    fn release_pad(&self, pad: &gst::Pad) {
        {
            let mut state = lock(&self.state);
            if state.results.as_ref() != Some(pad) {
                return;
            }
            state.results = None;
            state.started = false;
            state.flows.remove_pad(pad);
        }
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        let done = self.parent_change_state(transition)?;
        if transition == gst::StateChange::PausedToReady {
            let mut state = lock(&self.state);
            state.seen.clear();
            state.started = false;
            state.stream_id = None;
            state.segment = None;
            state.position = None;
            state.flows.reset();
        }
        Ok(done)
    }
}
