//! The most recent hops of one channel: what is known of them beside their features.

use crate::analyzer::extractor::inside;
use crate::signal::SHORT;

/// What is known of one hop of 10 ms and of the short frame that begins with it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sound {
    pub samples: u16,
    pub clipped: u16,
    /// Samples that were lost, and those of them that are concealed.
    pub lost: u16,
    pub concealed: u16,
    pub speech: bool,
    pub bad: bool,
    pub edge_bin: u16,
    pub mean_square: f32,
}

/// A ring of them.
#[derive(Debug)]
pub(super) struct Sounds(Vec<Sound>);

impl Sounds {
    pub fn new(capacity: usize) -> Self {
        Self(vec![Sound::default(); capacity])
    }

    pub fn at(&mut self, hop: u64) -> &mut Sound {
        let slot = (hop % self.0.len() as u64) as usize;
        &mut self.0[slot]
    }

    /// Those whose frames lie wholly inside `start .. end`, up to hop `count`.
    pub fn inside(&self, start: u64, end: u64, count: u64) -> impl Iterator<Item = &Sound> {
        let all = inside(start, end, SHORT);
        (all.start..all.end.min(count)).map(|k| &self.0[(k % self.0.len() as u64) as usize])
    }
}
