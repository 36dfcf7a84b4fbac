//! State of the stream of results: its pad, sticky events, position, and the ids it has had.

use super::form::Form;
use crate::seen::Seen;
use gst_base::UniqueFlowCombiner;

/// A gap event comes after this much audio without a result.
const GAP_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// Shared state of the element.
#[derive(Default)]
pub(super) struct ExtractState {
    pub seen: Seen,
    pub results: Option<gst::Pad>,
    pub flows: UniqueFlowCombiner,
    /// Sticky events of the stream of results that were not pushed yet are pushed before anything else.
    pub stream_id: Option<String>,
    pub group: Option<gst::GroupId>,
    pub segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    pub started: bool,
    /// What the buffers are, by the caps that were pushed last.
    pub form: Form,
    /// Up to where the stream of results is accounted for.
    pub position: Option<gst::ClockTime>,
}

impl ExtractState {
    /// The stream of results begins again, from here on.
    pub fn restart(&mut self) {
        self.started = false;
        self.position = None;
    }

    /// The results pad, and its sticky events where they have not been pushed. `form` is what the peer takes, where it was asked.
    pub fn pad(&mut self, form: Option<Form>) -> Option<(gst::Pad, Vec<gst::Event>)> {
        let pad = self.results.clone()?;
        let other = form.filter(|f| *f != self.form);
        self.form = form.unwrap_or(self.form);
        let mut events = Vec::new();
        if !self.started {
            let id = format!("{}/affect-results", self.stream_id.as_ref()?);
            let segment = self.segment.as_ref()?;
            let mut start = gst::event::StreamStart::builder(&id).flags(gst::StreamFlags::SPARSE);
            if let Some(group) = self.group {
                start = start.group_id(group);
            }
            events.push(start.build());
            events.push(gst::event::Caps::new(&self.form.caps()));
            events.push(gst::event::Segment::new(segment));
            self.started = true;
        } else if let Some(form) = other {
            events.push(gst::event::Caps::new(&form.caps()));
        }
        Some((pad, events))
    }

    /// The time for a new result that came at `at`; `None` for one that was seen before.
    pub fn place(&mut self, id: &str, at: Option<gst::ClockTime>) -> Option<Option<gst::ClockTime>> {
        if !self.seen.first_time(id) {
            return None;
        }
        // The stream's time never runs backwards.
        self.position = match (at, self.position) {
            (Some(a), Some(p)) => Some(a.max(p)),
            (a, p) => a.or(p),
        };
        Some(self.position)
    }

    /// A gap event up to `end`, if it is time for one.
    pub fn gap(&mut self, end: gst::ClockTime) -> Option<gst::Event> {
        let from = *self.position.get_or_insert(end);
        if end < from + GAP_EVERY {
            return None;
        }
        self.position = Some(end);
        Some(gst::event::Gap::builder(from).duration(end - from).build())
    }
}
