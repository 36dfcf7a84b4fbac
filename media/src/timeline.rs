//! Timeline of the analysed samples on the pipeline's clocks.

use crate::cut::CutReason;
use crate::slew::Slew;
use affect::analyzer::{LATEST_ORIGIN_NS, Speech};
use affect::conversation::Conversation;
use affect::record::Record;
use gst::prelude::*;
use std::sync::Arc;

/// A buffer may begin this much before the end of the audio before it (as GStreamer's audio base classes take it).
const TOLERANCE: gst::ClockTime = gst::ClockTime::from_mseconds(40);
/// Audio that is missing for up to this long is bridged; more cuts the analysis.
pub(crate) const LONGEST_BRIDGED: gst::ClockTime = gst::ClockTime::from_mseconds(500);
/// Times that come this far from the number of samples, little by little, are not followed.
const APART: gst::ClockTime = gst::ClockTime::from_seconds(2);
/// A jitterbuffer whose estimate of the skew is wrong by a second gives it up, and its times, which have been moving until then, jump
/// back by that (`rtpjitterbuffer`, after the burst with which many a session begins). The audio goes on.
const GIVEN_UP: gst::ClockTime = gst::ClockTime::from_mseconds(1_100);
/// A buffer that is this much later than the end of the audio before it follows something that is missing; where it is flagged
/// as discontinuous, one packet later is enough. Below, its time was moved: jitterbuffers do so by up to 10 ms a buffer.
const LEAST_MISSING: gst::ClockTime = gst::ClockTime::from_mseconds(15);
/// Times of packets that were lost come back with such a difference from whole packets.
const PACKET_JITTER: gst::ClockTime = gst::ClockTime::from_mseconds(10);

/// Continuity of a buffer with the audio before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It continues the audio, with this much missing before it (most of the time nothing).
    Continue(gst::ClockTime),
    /// It does not continue the audio.
    Cut(CutReason),
}

/// Times of a run of samples without a cut.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    segment: gst::FormattedSegment<gst::ClockTime>,
    first_pts: gst::ClockTime,
    /// Stream time of the first sample.
    pub origin: gst::ClockTime,
    frames: u64,
    rate: u32,
    /// End of the audio so far, by the times of its buffers.
    expected: gst::ClockTime,
    /// Map from counted times to those of the buffers.
    slew: Slew,
    /// Clock's name, its time, and the stream time it belongs to.
    reference: Option<(Arc<str>, gst::ClockTime, gst::ClockTime)>,
}

impl Timeline {
    /// A run that begins with a buffer at `pts`; without one it begins with the segment.
    pub fn new(segment: &gst::FormattedSegment<gst::ClockTime>, pts: Option<gst::ClockTime>, rate: u32) -> Self {
        let first_pts = pts.or(segment.start()).unwrap_or(gst::ClockTime::ZERO);
        // Before the segment's start there is no stream time; such samples count from its beginning.
        let origin = segment.to_stream_time(first_pts).or(segment.time()).unwrap_or(gst::ClockTime::ZERO);
        let origin = origin.min(gst::ClockTime::from_nseconds(LATEST_ORIGIN_NS));
        Self {
            segment: segment.clone(),
            first_pts,
            origin,
            frames: 0,
            rate,
            expected: first_pts,
            slew: Slew::default(),
            reference: None,
        }
    }

    /// Continuity of a buffer (or a gap) at `pts` in `segment` with this run; `packet` is its duration, `discont` its flag.
    pub fn step(
        &self,
        segment: &gst::FormattedSegment<gst::ClockTime>,
        pts: Option<gst::ClockTime>,
        packet: gst::ClockTime,
        discont: bool,
    ) -> Step {
        let same_segment = segment.base() == self.segment.base()
            && segment.start() == self.segment.start()
            && segment.time() == self.segment.time()
            && segment.rate() == self.segment.rate();
        let Some(pts) = pts.filter(|_| same_segment) else {
            return if same_segment { Step::Continue(gst::ClockTime::ZERO) } else { Step::Cut(CutReason::Segment) };
        };
        let ahead = pts.saturating_sub(self.expected);
        let back = self.expected.saturating_sub(pts);
        let given_up = self.slew.runs_slow() && !discont && back <= GIVEN_UP;
        if back > TOLERANCE && !given_up {
            return Step::Cut(CutReason::Back(back));
        }
        if ahead > LONGEST_BRIDGED {
            return Step::Cut(CutReason::Ahead(ahead));
        }
        let missing = missing(ahead, packet, discont);
        let buffer_time = pts.saturating_sub(self.first_pts);
        let counted = gst::ClockTime::from_nseconds(self.slew.buffer_time(self.counted())).saturating_add(missing);
        let difference = buffer_time.absdiff(counted);
        if difference > APART { Step::Cut(CutReason::Apart(difference)) } else { Step::Continue(missing) }
    }

    /// Notes that a buffer with the time `pts` comes next; what is missing before it has been passed.
    pub fn anchor(&mut self, pts: Option<gst::ClockTime>) {
        if let Some(pts) = pts {
            self.slew.follow(self.counted(), pts.saturating_sub(self.first_pts).nseconds());
            self.expected = pts;
        }
    }

    /// Passes `frames` of audio, or of time without any.
    pub fn advance(&mut self, frames: u64) {
        let before = self.counted();
        self.frames = self.frames.saturating_add(frames);
        let passed = gst::ClockTime::from_nseconds(self.counted() - before);
        self.expected = self.expected.saturating_add(passed);
    }

    /// Counted time of the next sample from the first, in ns.
    fn counted(&self) -> u64 {
        let passed = gst::ClockTime::SECOND.mul_div_floor(self.frames, u64::from(self.rate.max(1)));
        passed.unwrap_or(gst::ClockTime::ZERO).nseconds()
    }

    /// Time of the next buffer, as buffers count it.
    pub fn expected(&self) -> gst::ClockTime {
        self.expected
    }

    /// Stream time of the next sample.
    pub fn now(&self) -> gst::ClockTime {
        self.origin.saturating_add(gst::ClockTime::from_nseconds(self.slew.buffer_time(self.counted())))
    }

    /// Notes the wall-clock time that the next buffer carries.
    pub fn note_reference(&mut self, buffer: &gst::BufferRef) {
        if let Some(meta) = buffer.meta::<gst::ReferenceTimestampMeta>() {
            let name = meta.reference().structure(0).map_or("", |s| s.name().as_str());
            self.reference = Some((name.into(), meta.timestamp(), self.now()));
        }
    }

    /// Time from the first sample on, as buffers count it, of a stream time that is counted in samples.
    fn buffer_time(&self, ns: u64) -> u64 {
        self.slew.buffer_time(ns.saturating_sub(self.origin.nseconds()))
    }

    /// Running time of a time from the first sample on.
    fn running_ns(&self, ns: u64) -> Option<u64> {
        let pts = self.first_pts.saturating_add(gst::ClockTime::from_nseconds(ns));
        self.segment.to_running_time(pts).map(gst::ClockTime::nseconds)
    }

    /// Gives a start or end of speech its times, as [`Self::stamp`] does for records.
    pub fn stamp_speech(&self, speech: &mut Speech) {
        let buffer_time = self.buffer_time(speech.at_ns);
        speech.at_ns = self.origin.nseconds().saturating_add(buffer_time);
        speech.running_ns = self.running_ns(buffer_time);
    }

    /// Gives a conversation its end, as [`Self::stamp`] does for records; one that ended before this run keeps its own.
    pub fn stamp_conversation(&self, conversation: &mut Conversation) {
        let origin = self.origin.nseconds();
        if conversation.end_ns >= origin {
            let end = self.buffer_time(conversation.end_ns);
            conversation.end_ns = origin.saturating_add(end);
            conversation.running_end_ns = self.running_ns(end);
        }
    }

    /// Gives a record, whose times are counted from the first sample's, the times of the buffers, and the pipeline's.
    pub fn stamp(&self, record: &mut Record) {
        let (start, end) = (self.buffer_time(record.start_ns), self.buffer_time(record.end_ns));
        let origin = self.origin.nseconds();
        (record.start_ns, record.end_ns) = (origin.saturating_add(start), origin.saturating_add(end));
        record.running_ns = self.running_ns(start).zip(self.running_ns(end));
        record.reference = self.reference.as_ref().map(|(clock, time, at)| {
            let shifted = time.nseconds().saturating_add(record.start_ns).saturating_sub(at.nseconds());
            (clock.clone(), shifted)
        });
    }
}

/// Duration of missing audio where a buffer of duration `packet` is `ahead` of the end of the audio before it: whole packets, where
/// that explains the difference.
fn missing(ahead: gst::ClockTime, packet: gst::ClockTime, discont: bool) -> gst::ClockTime {
    let zero = gst::ClockTime::ZERO;
    if ahead < LEAST_MISSING && !discont {
        return zero;
    }
    let packets = (ahead.nseconds() + packet.nseconds() / 2).checked_div(packet.nseconds()).unwrap_or(0);
    let whole = packet.saturating_mul(packets);
    if whole > zero && whole.absdiff(ahead) <= PACKET_JITTER {
        whole
    } else if ahead < LEAST_MISSING {
        zero
    } else {
        ahead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> gst::ClockTime {
        gst::ClockTime::from_mseconds(ms)
    }

    #[test]
    fn lost_packets_are_distinguished_from_moved_times() {
        for (ahead, packet, discont, expected) in [
            (0, 20, true, 0),
            (10, 20, false, 0),
            (14, 20, false, 0),
            (20, 20, false, 20),
            (26, 20, false, 20),
            (37, 20, false, 40),
            (12, 20, true, 20),
            (5, 20, true, 0),
            (10, 10, true, 10),
            (10, 10, false, 0),
            (300, 20, false, 300),
            (25, 100, false, 25),
            (95, 100, false, 100),
            (200, 1_000, false, 200),
            (30, 0, false, 30),
        ] {
            assert_eq!(missing(ms(ahead), ms(packet), discont), ms(expected), "{ahead} {packet} {discont}");
        }
    }
}
