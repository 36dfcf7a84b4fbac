//! Shared state of the threads of `affectfeatures`: properties, analysis, and results on their way out.

use crate::item::Item;
use crate::outbox::poster::LastBus;
use crate::outbox::queue::Ticket;
use crate::outbox::workspace::Workspace;
use crate::properties::Properties;
use crate::tap::Tap;
use crate::tap::backlog::Backlog;
use crate::tap::settings::AnalysisSettings;
use affect::analyzer::Speech;

/// Counters for the property `stats`.
#[derive(Default)]
pub struct FeaturesStats {
    pub results: u64,
    pub attached: u64,
    pub posted: u64,
    pub cuts: u64,
    pub audio: gst::ClockTime,
    pub processing_ns: u64,
    pub max_delay: u64,
    pub left_out: u64,
    pub last_error: Option<String>,
}

/// Analysis of the stream, used by one thread at a time.
#[derive(Default)]
pub struct Stream {
    pub tap: Tap,
    /// The settings have worked for this stream.
    pub begun: bool,
}

/// Shared state of the element.
#[derive(Default)]
pub struct FeaturesState {
    pub properties: Properties<AnalysisSettings>,
    pub running: bool,
    pub stream: Workspace<Stream>,
    /// Channels of the audio; 0 before caps.
    pub channels: usize,
    /// Bus of the element while it runs.
    pub bus: LastBus,
    pub stats: FeaturesStats,
    pub backlog: Backlog,
    /// Results that no buffer or event has taken yet.
    undelivered: Vec<Item>,
}

impl FeaturesState {
    /// Takes the analysis to work on it, with the ticket for its results; `None` for an input that was forgotten since its ticket was given.
    pub fn take_stream(&mut self, ticket: Option<Ticket>) -> Option<(Box<Stream>, Ticket)> {
        if ticket.is_some_and(|t| !self.backlog.holds(t)) {
            return None;
        }
        let (mut stream, notes) = self.stream.take();
        if notes.restart {
            stream.tap.restart();
        }
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
        stream.tap.hurry(self.backlog.hurried());
        Some((stream, self.backlog.ticket()))
    }

    pub fn put_stream(&mut self, stream: Box<Stream>) {
        let counts = &stream.tap.counts;
        self.stats.cuts = counts.cuts;
        self.stats.audio = counts.audio;
        self.stats.processing_ns = counts.processing.as_nanos() as u64;
        self.stats.max_delay = counts.max_delay;
        self.stats.left_out = counts.left_out;
        self.stream.put(stream);
    }

    /// A start or end of speech, where the policies in force let it be posted and it was not forgotten since its ticket was given.
    pub fn may_post_speech(&self, mut speech: Speech, ticket: Ticket) -> Option<Speech> {
        let policy = self.properties.policies().of_all(&speech.channel, self.channels);
        let posts = self.backlog.holds(ticket) && self.properties.values().posts_speech(&mut speech, policy);
        posts.then_some(speech)
    }

    /// Stores results, as far as the policies in force allow. Returns those to be posted.
    pub fn store(&mut self, items: Vec<Item>) -> Vec<Item> {
        let policies = self.properties.policies();
        let s = self.properties.values();
        let mut post = Vec::new();
        for mut item in items {
            if !item.bind(&policies, self.channels) {
                continue;
            }
            let interim = item.is_interim();
            self.stats.results += 1;
            if s.post_messages && s.post.takes(interim) && !item.is_frame() {
                self.stats.posted += 1;
                post.push(item.clone());
            }
            if s.attach.takes(interim) {
                self.undelivered.push(item);
            }
        }
        post
    }

    /// All results that can be attached now, with the policies enforced once more: they may have changed since.
    pub fn collect(&mut self) -> Vec<Item> {
        let mut items = std::mem::take(&mut self.undelivered);
        if !items.is_empty() {
            let policies = self.properties.policies();
            items.retain_mut(|i| i.bind(&policies, self.channels));
            self.stats.attached += items.len() as u64;
        }
        items
    }

    /// Forgets all results and inputs on their way (flush).
    pub fn forget(&mut self) {
        self.backlog.forget();
        self.undelivered.clear();
        self.stream.restart();
    }

    /// Resets the state for a start.
    pub fn begin(&mut self) {
        self.backlog.begin();
        self.renew();
    }

    /// Resets the state after a stop; counters stay.
    pub fn end(&mut self) {
        self.backlog.end();
        self.renew();
    }

    fn renew(&mut self) {
        self.undelivered.clear();
        self.stream = Workspace::default();
        self.bus = LastBus::default();
    }
}
