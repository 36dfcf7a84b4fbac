//! What the threads of `affectfeatures` share, and what becomes of a record on its way out.

use crate::item::Item;
use crate::outbox::line::Ticket;
use crate::outbox::poster::LastBus;
use crate::outbox::workspace::Workspace;
use crate::properties::Properties;
use crate::tap::Tap;
use crate::tap::backlog::Backlog;
use crate::tap::settings::Settings;
use affect::analyzer::Speech;

#[derive(Default)]
pub struct Stats {
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

/// The analysis, and what the streaming thread knows of it.
#[derive(Default)]
pub struct Stream {
    pub tap: Tap,
    /// The settings have worked for this stream.
    pub begun: bool,
}

#[derive(Default)]
pub struct State {
    pub properties: Properties<Settings>,
    pub running: bool,
    pub stream: Workspace<Stream>,
    /// Channels of the audio; 0 before caps.
    pub channels: usize,
    /// Where the element speaks while it runs.
    pub bus: LastBus,
    pub stats: Stats,
    pub backlog: Backlog,
    /// Results that no buffer or event has taken yet.
    undelivered: Vec<Item>,
}

impl State {
    /// Takes the stream to work on it, with the ticket of what comes of that; not for what was forgotten since its ticket was given.
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

    /// A start or end of speech, where it may be told under the policies in force and was not forgotten since its ticket was given.
    pub fn may_say(&self, mut speech: Speech, ticket: Ticket) -> Option<Speech> {
        let policy = self.properties.policies().of_all(&speech.channel, self.channels);
        let says = self.backlog.holds(ticket) && self.properties.values().says(&mut speech, policy);
        says.then_some(speech)
    }

    /// Takes over results, as far as the policies in force allow. Gives those to be posted.
    pub fn keep(&mut self, items: Vec<Item>) -> Vec<Item> {
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

    /// Everything that can be attached now, bound once more: policies may have changed since it was made.
    pub fn collect(&mut self) -> Vec<Item> {
        let mut items = std::mem::take(&mut self.undelivered);
        if !items.is_empty() {
            let policies = self.properties.policies();
            items.retain_mut(|i| i.bind(&policies, self.channels));
            self.stats.attached += items.len() as u64;
        }
        items
    }

    /// A flush: forgets what is on its way.
    pub fn forget(&mut self) {
        self.backlog.forget();
        self.undelivered.clear();
        self.stream.restart();
    }

    /// The element starts.
    pub fn begin(&mut self) {
        self.backlog.begin();
        self.renew();
    }

    /// The element has stopped.
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
