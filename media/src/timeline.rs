//! Where the analysed samples lie on the pipeline's clocks.

use affect::record::Record;
use gst::prelude::*;
use std::sync::Arc;

/// Buffers whose time differs from the counted one by no more than this are contiguous (as GStreamer's audio base
/// classes take it).
const TOLERANCE: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// The time of a run of contiguous samples.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    segment: gst::FormattedSegment<gst::ClockTime>,
    first_pts: gst::ClockTime,
    /// Stream time of the first sample.
    pub origin: gst::ClockTime,
    frames: u64,
    rate: u32,
    /// Clock's name, its time, and the stream time it belongs to.
    reference: Option<(Arc<str>, gst::ClockTime, gst::ClockTime)>,
}

impl Timeline {
    /// A run that begins with a buffer at `pts`; without one it begins with the segment.
    pub fn new(segment: &gst::FormattedSegment<gst::ClockTime>, pts: Option<gst::ClockTime>, rate: u32) -> Self {
        let first_pts = pts.or(segment.start()).unwrap_or(gst::ClockTime::ZERO);
        // Before the segment's start there is no stream time; such samples count from its beginning.
        let origin = segment.to_stream_time(first_pts).or(segment.time()).unwrap_or(gst::ClockTime::ZERO);
        Self { segment: segment.clone(), first_pts, origin, frames: 0, rate, reference: None }
    }

    /// Whether a buffer at `pts` in `segment` goes on where this run is.
    pub fn continues(&self, segment: &gst::FormattedSegment<gst::ClockTime>, pts: Option<gst::ClockTime>) -> bool {
        let same = segment.base() == self.segment.base()
            && segment.start() == self.segment.start()
            && segment.time() == self.segment.time()
            && segment.rate() == self.segment.rate();
        same && pts.is_none_or(|pts| pts.absdiff(self.next_pts()) <= TOLERANCE)
    }

    /// Time of the next sample.
    pub fn next_pts(&self) -> gst::ClockTime {
        let passed = gst::ClockTime::SECOND.mul_div_floor(self.frames, u64::from(self.rate.max(1)));
        self.first_pts.saturating_add(passed.unwrap_or(gst::ClockTime::ZERO))
    }

    pub fn advance(&mut self, frames: u64) {
        self.frames = self.frames.saturating_add(frames);
    }

    /// Notes the wall-clock time that a buffer at `pts` carries.
    pub fn note_reference(&mut self, buffer: &gst::BufferRef) {
        if let Some(meta) = buffer.meta::<gst::ReferenceTimestampMeta>() {
            let name = meta.reference().structure(0).map_or("", |s| s.name().as_str());
            let at = self.origin.saturating_add(self.next_pts().saturating_sub(self.first_pts));
            self.reference = Some((name.into(), meta.timestamp(), at));
        }
    }

    /// The running time of a stream time, ns.
    pub fn running_ns(&self, stream_ns: u64) -> Option<u64> {
        let passed = gst::ClockTime::from_nseconds(stream_ns).saturating_sub(self.origin);
        self.segment.to_running_time(self.first_pts.saturating_add(passed)).map(gst::ClockTime::nseconds)
    }

    /// Adds the pipeline's times to a record.
    pub fn stamp(&self, record: &mut Record) {
        record.running_ns = self.running_ns(record.start_ns).zip(self.running_ns(record.end_ns));
        record.reference = self.reference.as_ref().map(|(clock, time, at)| {
            let shifted = time.nseconds().saturating_add(record.start_ns).saturating_sub(at.nseconds());
            (clock.clone(), shifted)
        });
    }
}
