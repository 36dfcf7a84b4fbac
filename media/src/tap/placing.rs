//! Placing of audio, and of time without any, on the timeline; cuts where the timeline breaks.

use super::Tap;
use crate::cut::{Cut, CutReason};
use crate::timeline::{LONGEST_BRIDGED, Step, Timeline};
use affect::analyzer::{Config, Output, Speech};
use affect::conversation::Conversation;
use affect::record::{Ended, Record};
use gst::prelude::*;

/// Number of cuts kept for the log; more are counted only.
const CUTS_KEPT: usize = 16;

impl Tap {
    /// Takes the pending results of the analyzer, ending them for `ended`.
    pub(super) fn close(&mut self, ended: Ended, origin_ns: u64) {
        self.gap = gst::ClockTime::ZERO;
        let Some(analyzer) = &mut self.analyzer else { return };
        let (timeline, ready) = (&self.timeline, &mut self.ready);
        let config = analyzer.config().clone();
        analyzer.cut(ended, origin_ns, &mut |o| collect(o, &config, timeline.as_ref(), ready));
        self.timeline = None;
    }

    /// As [`Self::close`], and counts and notes that the stream was cut, where there was something to cut.
    pub(super) fn cut(&mut self, ended: Ended, reason: CutReason, origin_ns: u64) {
        self.note(reason);
        self.close(ended, origin_ns);
    }

    pub(super) fn note(&mut self, reason: CutReason) {
        let Some(timeline) = &self.timeline else { return };
        self.counts.cuts += 1;
        if self.cuts.len() < CUTS_KEPT {
            self.cuts.push(Cut { reason, at: timeline.now() });
        }
    }

    /// Makes the timeline go on (or begin) at `pts`, where audio, or time without any, of duration `packet` comes next.
    pub(super) fn place(&mut self, pts: Option<gst::ClockTime>, packet: gst::ClockTime, discont: bool, rate: u32) {
        let Some(segment) = &self.segment else { return };
        let step = self.timeline.as_ref().map(|t| t.step(segment, pts, packet, discont));
        match step {
            Some(Step::Continue(missing)) if missing > gst::ClockTime::ZERO => self.missing(missing),
            Some(Step::Continue(_)) => {}
            Some(Step::Cut(reason)) => {
                let next = Timeline::new(segment, pts, rate);
                self.cut(Ended::Discont, reason, next.origin.nseconds());
                self.timeline = Some(next);
            }
            None => {}
        }
        if let Some(t) = &mut self.timeline {
            t.anchor(pts);
        }
    }

    /// Begins a timeline at `pts`, where there is none.
    pub(super) fn begin(&mut self, pts: Option<gst::ClockTime>, rate: u32) {
        let Some(segment) = self.segment.as_ref().filter(|_| self.timeline.is_none()) else { return };
        let next = Timeline::new(segment, pts, rate);
        if let Some(a) = &mut self.analyzer {
            a.resume(next.origin.nseconds());
        }
        self.timeline = Some(next);
    }

    /// Time passes without audio: bridged, or a cut.
    fn missing(&mut self, duration: gst::ClockTime) {
        let (Some(info), Some(_)) = (&self.info, &self.analyzer) else { return };
        let rate = u64::from(info.rate());
        self.gap = self.gap.saturating_add(duration);
        if self.gap > LONGEST_BRIDGED {
            self.cut(Ended::Gap, CutReason::Missing(self.gap), 0);
            return;
        }
        let Some(analyzer) = &mut self.analyzer else { return };
        let frames = duration.nseconds().mul_div_round(rate, 1_000_000_000).unwrap_or(0);
        let (timeline, ready) = (&self.timeline, &mut self.ready);
        let config = analyzer.config().clone();
        let taken = analyzer.push_missing(frames, &mut |o| collect(o, &config, timeline.as_ref(), ready));
        debug_assert!(taken.is_ok());
        if let Some(t) = &mut self.timeline {
            t.advance(frames);
        }
    }

    /// Time without audio from `pts` on; before the first audio, and after a cut, it is nobody's.
    pub(super) fn bridge(&mut self, pts: Option<gst::ClockTime>, duration: gst::ClockTime, rate: u32) {
        if self.timeline.is_some() {
            self.place(pts, gst::ClockTime::ZERO, false, rate);
        }
        if self.timeline.is_some() {
            self.missing(duration);
        }
    }
}

/// Records and speech events that were not taken yet.
#[derive(Default)]
pub(super) struct Ready {
    pub records: Vec<Record>,
    pub speech: Vec<Speech>,
    pub conversations: Vec<Conversation>,
}

/// Stamps an output of the analyzer with its times and keeps it in `ready`.
pub(super) fn collect(output: Output<'_>, config: &Config, timeline: Option<&Timeline>, ready: &mut Ready) {
    let mut record = match output {
        Output::Frame(row) => row.to_record(config),
        Output::Segment(record) => *record,
        Output::Speech(speech) => {
            let mut speech = speech.clone();
            if let Some(t) = timeline {
                t.stamp_speech(&mut speech);
            }
            ready.speech.push(speech);
            return;
        }
        Output::Conversation(mut conversation) => {
            if let Some(t) = timeline {
                t.stamp_conversation(&mut conversation);
            }
            ready.conversations.push(*conversation);
            return;
        }
    };
    if let Some(t) = timeline {
        t.stamp(&mut record);
    }
    ready.records.push(record);
}
