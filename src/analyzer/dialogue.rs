//! Dialogue: voice activity of all channels, brought together piece by piece into one conversation.

use super::Output;
use super::config::{Config, ConversationConfig};
use super::lane::Decision;
use crate::conversation::{Activity, Conversation, FRAME_NS, Party, party_names};
use crate::record::{Ended, Policy, Record};
use crate::signal::HOP;
use std::collections::VecDeque;
use std::sync::Arc;

/// A jump of the stream's time that a conversation outlives, at most, in ns (five minutes).
const LONGEST_JUMP_NS: u64 = 300_000_000_000;

/// Voice activity of one channel that waits for the others.
#[derive(Debug)]
struct Track {
    /// The party that it is of.
    party: usize,
    /// Index of the channel.
    channel: Option<usize>,
    /// Pieces of this part of the stream so far, those that wait included.
    pieces: u64,
    /// What was decided of each; nothing where another channel stands for this one.
    waiting: VecDeque<Option<Decision>>,
    /// Whether the channel carries the same sound as another one, of every piece that any channel waits for.
    shares: VecDeque<bool>,
}

/// The conversation of the channels of a stream.
#[derive(Debug)]
pub(super) struct Dialogue {
    conversation: Conversation,
    tracks: Vec<Track>,
    /// The track of each party; none where the channel is denied.
    places: Vec<Option<usize>>,
    /// Frames between interim ones, and the frame at which the next one is due.
    interval: u64,
    due: u64,
    /// Where this part of the stream begins: its time, and the frame of the conversation.
    part_ns: u64,
    part_frame: u64,
    /// The stream was cut there and may go on.
    cut: Option<(Ended, u64)>,
    begun: bool,
    /// Interim ones are handed out.
    pub interim: bool,
    /// Interim ones that were not.
    pub left_out: u64,
}

impl Dialogue {
    /// For the channels that were asked for, with their policies. There is none where all are denied.
    pub fn new(config: &Config, settings: &ConversationConfig, channels: &[(Option<usize>, Policy)]) -> Option<Self> {
        let roles: Vec<Option<Arc<str>>> = channels.iter().map(|c| config.role(c.0)).collect();
        let named: Vec<_> = channels.iter().zip(&roles).map(|(c, r)| (c.0, r.as_deref())).collect();
        let parties: Vec<Party> = party_names(&named)
            .into_iter()
            .zip(channels)
            .zip(&roles)
            .map(|((name, (channel, policy)), role)| Party {
                name,
                channel: *channel,
                role: role.clone(),
                track: None,
                policy: *policy,
            })
            .collect();
        let analysed = || parties.iter().enumerate().filter(|(_, p)| p.policy != Policy::Deny);
        let tracks: Vec<Track> = analysed()
            .map(|(party, p)| Track {
                party,
                channel: p.channel,
                pieces: 0,
                waiting: VecDeque::with_capacity(64),
                shares: VecDeque::with_capacity(64),
            })
            .collect();
        if tracks.is_empty() {
            return None;
        }
        let places = (0..parties.len()).map(|p| tracks.iter().position(|t| t.party == p)).collect();
        let mut conversation = Conversation::new(parties, settings.parameters, 0);
        conversation.stream = config.stream.clone();
        conversation.source = config.source.clone();
        conversation.configuration = config.conversation_fingerprint();
        let interval = settings.interval / HOP as u64;
        Some(Self {
            conversation,
            tracks,
            places,
            interval,
            due: interval,
            part_ns: 0,
            part_frame: 0,
            cut: None,
            begun: false,
            interim: true,
            left_out: 0,
        })
    }

    /// The next piece is about to be analysed; `shares` says whether a channel (by its number among those analysed) carries the same sound as
    /// another one. After a cut it goes on from there, or has ended.
    pub fn piece(&mut self, shares: impl Fn(usize) -> bool, sink: &mut dyn FnMut(Output<'_>)) {
        if let Some((why, end_ns)) = self.cut.take() {
            match self.part_ns.checked_sub(end_ns).filter(|jump| *jump <= LONGEST_JUMP_NS) {
                Some(jump) => {
                    self.conversation.lose((jump + FRAME_NS / 2) / FRAME_NS);
                    self.part_frame = self.conversation.talk().frames();
                }
                None => {
                    let next_ns = self.part_ns;
                    self.end(why, end_ns, sink);
                    self.part_ns = next_ns;
                }
            }
        }
        if !self.begun {
            self.conversation.restart(self.part_ns);
            self.part_frame = 0;
            self.begun = true;
        }
        self.tracks.iter_mut().enumerate().for_each(|(k, t)| t.shares.push_back(shares(k)));
    }

    /// A segment of a channel has its result: what is final of it is heard.
    pub fn hear(&mut self, record: &mut Record) {
        // What other channels carry as well is nobody's.
        let own = |t: &&Track| t.channel == record.channel.index && record.channel.same_as.is_empty();
        let Some(track) = self.tracks.iter().find(own) else { return };
        let frame = |ns: u64| self.part_frame + (ns.saturating_sub(self.part_ns) + FRAME_NS / 2) / FRAME_NS;
        let frames = (frame(record.start_ns), frame(record.end_ns));
        self.conversation.add(track.party, frames, record);
    }

    /// Takes what was decided of the channel of number `k`.
    pub fn take(&mut self, k: usize, decisions: impl Iterator<Item = Decision>) {
        let track = &mut self.tracks[k];
        for d in decisions {
            track.waiting.push_back(Some(d));
            track.pieces += 1;
        }
    }

    /// Another channel stands for that of number `k`, up to piece `pieces`.
    pub fn rest(&mut self, k: usize, pieces: u64) {
        let track = &mut self.tracks[k];
        while track.pieces < pieces {
            track.waiting.push_back(None);
            track.pieces += 1;
        }
    }

    /// Hears all pieces that are decided on every channel.
    pub fn advance(&mut self, sink: &mut dyn FnMut(Output<'_>)) {
        while self.tracks.iter().all(|t| !t.waiting.is_empty() && !t.shares.is_empty()) {
            let Self { tracks, places, conversation, .. } = self;
            let decision = |t: &Track| t.waiting.front().copied().flatten();
            let shares = |t: &Track| t.shares.front().copied().unwrap_or(false);
            let anybody = tracks.iter().any(|t| shares(t) && decision(t).is_some_and(|d| d.speech));
            conversation.push(|party| {
                let Some(track) = places.get(party).copied().flatten().and_then(|p| tracks.get(p)) else {
                    // Of a denied party nothing is told.
                    return Activity::Silence;
                };
                match decision(track) {
                    Some(Decision { bad: true, .. }) => Activity::Unknown,
                    _ if shares(track) && anybody => Activity::Shared,
                    Some(Decision { speech: true, .. }) => Activity::Speech,
                    _ => Activity::Silence,
                }
            });
            for t in tracks {
                t.waiting.pop_front();
                t.shares.pop_front();
            }
            self.interim(sink);
        }
    }

    /// Hands out an interim one if it is due.
    fn interim(&mut self, sink: &mut dyn FnMut(Output<'_>)) {
        let frames = self.conversation.talk().frames();
        if self.interval == 0 || frames < self.due {
            return;
        }
        self.due = (frames / self.interval + 1) * self.interval;
        if self.interim {
            let end_ns = self.part_ns + (frames - self.part_frame) * FRAME_NS;
            self.hand_out(Ended::Open, end_ns, sink);
        } else {
            self.left_out += 1;
        }
        self.conversation.revision += 1;
    }

    fn hand_out(&self, ended: Ended, end_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        let mut now = self.conversation.clone();
        (now.ended, now.end_ns) = (ended, end_ns.max(now.start_ns));
        sink(Output::Conversation(Box::new(now)));
    }

    /// The stream is cut at `end_ns`, and everything that was pending is heard. It may go on after a jump; else it has ended.
    pub fn close(&mut self, ended: Ended, end_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        self.advance(sink);
        let (why, end_ns) = match self.cut {
            // Nothing came after the cut before.
            Some((_, cut_ns)) => (ended, cut_ns),
            None => (ended, end_ns),
        };
        if matches!(why, Ended::Gap | Ended::Discont | Ended::Overload) {
            if self.begun && self.cut.is_none() {
                self.cut = Some((why, end_ns));
            }
        } else {
            self.end(why, end_ns, sink);
        }
    }

    fn end(&mut self, ended: Ended, end_ns: u64, sink: &mut dyn FnMut(Output<'_>)) {
        if std::mem::take(&mut self.begun) {
            self.hand_out(ended, end_ns, sink);
        }
        self.forget();
    }

    /// The stream begins, or goes on after a cut, at `origin_ns`.
    pub fn begin(&mut self, origin_ns: u64) {
        self.part_ns = origin_ns;
        for t in &mut self.tracks {
            t.waiting.clear();
            t.shares.clear();
            t.pieces = 0;
        }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.conversation.restart(0);
        self.cut = None;
        self.begun = false;
        self.part_frame = 0;
        self.due = self.interval;
        self.begin(0);
    }
}
