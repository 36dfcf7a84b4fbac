//! Dual mono: channels that carry the same samples are analysed once.
//!
//! Channels count as the same after [`DECIDED`] of sound that is equal to the last bit, and until the first sample that differs. The
//! one with the lower number goes on for both, under the stricter of their policies; the other one rests, and starts afresh with the
//! piece of 10 ms in which it differs. Channels that are denied are listened to for this alone.

use crate::record::{Channel, Policy};
use crate::signal::HOP;
use crate::signal::samples::Samples;

/// Pieces of 10 ms with sound in them that have to be the same: one second.
const DECIDED: u64 = 100;

/// Least magnitude of a sample that is a sound, of full scale.
const AUDIBLE: f32 = 1e-3;

/// The latest run of pieces in which two channels were the same.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// Its first piece.
    since: u64,
    /// Pieces in it that have a sound.
    audible: u64,
}

impl Run {
    fn hear(&mut self, same: bool, audible: bool, piece: u64) {
        if same {
            self.audible += u64::from(audible);
        } else {
            *self = Self { since: piece + 1, audible: 0 };
        }
    }

    fn decided(&self) -> bool {
        self.audible >= DECIDED
    }
}

/// Whether samples are the same; missing ones are the same as missing ones.
fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan())
}

fn audible(samples: &[f32]) -> bool {
    samples.iter().any(|x| x.abs() > AUDIBLE)
}

/// A denied channel, which is not analysed.
#[derive(Debug)]
struct Denied {
    index: usize,
    piece: Vec<f32>,
}

/// What changes with a piece; channels are numbered as in [`DualMono`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Channel `k` rests: `leader` stands for it.
    Rests { k: usize, leader: usize },
    /// Channel `k` differs from `leader` and is analysed again.
    Wakes { k: usize, leader: usize },
}

/// A channel that another one stands for, and for which samples.
#[derive(Debug, Clone, Copy)]
struct Companion {
    index: usize,
    policy: Policy,
    since: u64,
    until: u64,
}

/// Channels that a lane stands for beside its own.
#[derive(Debug, Default)]
pub(super) struct Companions(Vec<Companion>);

impl Companions {
    /// Stands for a channel too, from sample `since` on.
    pub fn add(&mut self, index: usize, policy: Policy, since: u64) {
        self.0.retain(|c| c.index != index);
        self.0.push(Companion { index, policy, since, until: u64::MAX });
        self.0.sort_by_key(|c| c.index);
    }

    /// Stands for a channel up to sample `until`.
    pub fn end(&mut self, index: usize, until: u64) {
        self.0.iter_mut().filter(|c| c.index == index).for_each(|c| c.until = c.until.min(until));
    }

    /// Stands for itself alone.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The channel that a result about the samples `start .. end` is of, and the strictest policy of those that it stands for.
    pub fn of(&self, channel: &Channel, policy: Policy, start: u64, end: u64) -> (Channel, Policy) {
        let meant = || self.0.iter().filter(|c| c.since <= start && end <= c.until);
        let channel = Channel { same_as: meant().map(|c| c.index).collect(), ..channel.clone() };
        (channel, meant().map(|c| c.policy).fold(policy, Policy::max))
    }
}

/// Sameness of the channels of a stream. Numbers below that of the lanes are lanes, those above are the denied channels.
#[derive(Debug)]
pub(super) struct DualMono {
    lanes: usize,
    denied: Vec<Denied>,
    /// For every channel its run with every lane before it.
    runs: Vec<Vec<Run>>,
    /// The lane that stands for a channel.
    leader: Vec<Option<usize>>,
}

impl DualMono {
    pub fn new(lanes: usize, denied: &[usize], rate_hz: u32) -> Self {
        let room = rate_hz as usize / 100 + 1;
        let denied: Vec<Denied> =
            denied.iter().map(|&index| Denied { index, piece: Vec::with_capacity(room) }).collect();
        let all = lanes + denied.len();
        Self {
            lanes,
            runs: (0..all).map(|k| vec![Run::default(); k.min(lanes)]).collect(),
            leader: vec![None; all],
            denied,
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.runs.iter_mut().flatten().for_each(|r| *r = Run::default());
        self.leader.fill(None);
        self.denied.iter_mut().for_each(|d| d.piece.clear());
    }

    /// Stages the denied channels' part of a block.
    pub fn stage(&mut self, samples: &Samples<'_>, start: usize, count: usize) {
        for d in &mut self.denied {
            let from = d.piece.len();
            d.piece.resize(from + count, 0.0);
            samples.read_channel(d.index, start, &mut d.piece[from..]);
        }
    }

    /// Stages missing frames of the denied channels.
    pub fn stage_missing(&mut self, count: usize) {
        self.denied.iter_mut().for_each(|d| d.piece.resize(d.piece.len() + count, f32::NAN));
    }

    /// Whether a lane rests.
    pub fn rests(&self, lane: usize) -> bool {
        self.leader[lane].is_some()
    }

    /// Whether channel `k` carries the same sound as another one in piece number `piece`, which was heard last.
    pub fn shares(&self, k: usize, piece: u64) -> bool {
        let same = |run: &Run| run.since <= piece && run.audible > 0;
        self.runs[k].iter().any(same) || self.runs.iter().skip(k + 1).filter_map(|r| r.get(k)).any(same)
    }

    /// The channel of number `k` if it is a denied one.
    pub fn denied(&self, k: usize) -> Option<usize> {
        Some(self.denied.get(k.checked_sub(self.lanes)?)?.index)
    }

    /// First sample of the run in which `k` has been the same as its leader.
    pub fn since(&self, k: usize, leader: usize) -> u64 {
        self.runs[k][leader].since * HOP as u64
    }

    /// Hears piece number `piece`, whose samples the lanes have staged.
    pub fn hear<'a>(&mut self, piece: u64, staged: impl Fn(usize) -> &'a [f32]) {
        let Self { lanes, denied, runs, .. } = self;
        for (k, runs) in runs.iter_mut().enumerate().skip(1) {
            let own = if k < *lanes { staged(k) } else { &denied[k - *lanes].piece };
            let sounds = audible(own);
            for (other, run) in runs.iter_mut().enumerate() {
                run.hear(same(staged(other), own), sounds, piece);
            }
        }
        denied.iter_mut().for_each(|d| d.piece.clear());
    }

    /// What changes with piece number `piece`, which was heard last. `may_rest` says whether channel `k` may rest that has been the same
    /// as its leader from a sample on.
    pub fn changes(&mut self, piece: u64, may_rest: impl Fn(usize, u64) -> bool, mut change: impl FnMut(Change)) {
        for k in 1..self.leader.len() {
            match self.leader[k] {
                Some(leader) if self.runs[k][leader].since > piece => {
                    self.leader[k] = None;
                    change(Change::Wakes { k, leader });
                }
                Some(_) => {}
                None => {
                    let leads = self.leader.contains(&Some(k));
                    let found = (0..self.runs[k].len()).find(|&l| {
                        let run = &self.runs[k][l];
                        self.leader[l].is_none() && run.decided() && may_rest(k, run.since * HOP as u64)
                    });
                    if let Some(leader) = found.filter(|_| !leads) {
                        self.leader[k] = Some(leader);
                        change(Change::Rests { k, leader });
                    }
                }
            }
        }
    }
}
