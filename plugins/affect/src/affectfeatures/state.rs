//! What the threads of `affectfeatures` share, and what becomes of a record on its way out.

use crate::outbox::poster::LastBus;
use crate::outbox::workspace::Workspace;
use crate::properties::Properties;
use crate::tap::Tap;
use crate::tap::settings::Settings;
use affect::analyzer::Speech;
use affect::record::{Ended, Record, SegmentKind};

#[derive(Default)]
pub(super) struct Stats {
    pub results: u64,
    pub attached: u64,
    pub posted: u64,
    pub cuts: u64,
    pub audio: gst::ClockTime,
    pub processing_ns: u64,
    pub max_delay: u64,
    pub last_error: Option<String>,
}

/// The analysis, and what the streaming thread knows of it.
#[derive(Default)]
pub(super) struct Stream {
    pub tap: Tap,
    /// The settings have worked for this stream.
    pub begun: bool,
}

#[derive(Default)]
pub(super) struct State {
    pub properties: Properties<Settings>,
    pub running: bool,
    pub stream: Workspace<Stream>,
    /// Channels of the audio; 0 before caps.
    pub channels: usize,
    /// Where the element speaks while it runs.
    pub bus: LastBus,
    pub stats: Stats,
}

/// A record on its way out.
pub(super) struct Parcel {
    pub record: Record,
    pub attach: bool,
    pub post: bool,
}

impl State {
    pub fn stats_structure(&self) -> gst::Structure {
        let s = &self.stats;
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
    }

    /// Takes the stream to work on it.
    pub fn take_stream(&mut self) -> Box<Stream> {
        let (mut stream, notes) = self.stream.take();
        if notes.reset {
            stream.tap.reset();
        }
        if notes.stale {
            stream.tap.outdated();
        }
        if self.properties.closed().is_some() {
            // Nothing is left for later: what was heard under settings that could not be read has no results.
            stream.tap.restart();
        }
        stream
    }

    pub fn put_stream(&mut self, stream: Box<Stream>) {
        let counts = &stream.tap.counts;
        self.stats.cuts = counts.cuts;
        self.stats.audio = counts.audio;
        self.stats.processing_ns = counts.processing.as_nanos() as u64;
        self.stats.max_delay = counts.max_delay;
        self.stream.put(stream);
    }

    /// Starts and ends of speech that may be told under the policies in force.
    pub fn may_say(&self, mut speech: Vec<Speech>) -> Vec<Speech> {
        let (policies, settings) = (self.properties.policies(), self.properties.values());
        speech.retain_mut(|e| settings.says(e, policies.of_all(&e.channel, self.channels)));
        speech
    }

    /// Binds records to the policies in force, counts them, and says where they go. Where nothing carries them, at a stop,
    /// they can be posted only.
    pub fn parcels(&mut self, records: Vec<Record>, carried: bool) -> Vec<Parcel> {
        let policies = self.properties.policies();
        let s = self.properties.values();
        let mut out = Vec::with_capacity(records.len());
        for mut record in records {
            if !policies.bind(&mut record, self.channels) {
                continue;
            }
            let interim = record.ended == Ended::Open;
            let attach = carried && s.attach.takes(interim);
            let post = s.post_messages && s.post.takes(interim) && record.segment != SegmentKind::Frame;
            self.stats.results += 1;
            self.stats.attached += u64::from(attach);
            self.stats.posted += u64::from(post);
            out.push(Parcel { record, attach, post });
        }
        out
    }
}
