//! The most recent frames of one channel, so that overlapping and hindsight segments can be computed.

use crate::features::egemaps::row::{ShortRow, VoiceRow};
use crate::features::egemaps::statistics::Statistics;
use crate::signal::{HOP, PITCH, SHORT};

/// What is known of one hop of 10 ms beside its descriptors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HopInfo {
    pub samples: u16,
    pub clipped: u16,
    pub speech: bool,
}

/// Rings of rows; all of one capacity, indexed by frame or hop number.
#[derive(Debug)]
pub(super) struct Rows {
    shorts: Vec<ShortRow>,
    voices: Vec<VoiceRow>,
    hops: Vec<HopInfo>,
    /// Rows of each kind that came so far.
    pub short_count: u64,
    pub voice_count: u64,
}

/// Frame numbers `first .. end` of frames of `length` samples that lie wholly inside `start .. stop`.
fn inside(start: u64, stop: u64, length: usize) -> std::ops::Range<u64> {
    let first = start.div_ceil(HOP as u64);
    match stop.checked_sub(length as u64) {
        Some(last) => first..(last / HOP as u64 + 1).max(first),
        None => first..first,
    }
}

impl Rows {
    pub fn new(capacity: usize) -> Self {
        Self {
            shorts: vec![ShortRow::default(); capacity],
            voices: vec![VoiceRow::default(); capacity],
            hops: vec![HopInfo::default(); capacity],
            short_count: 0,
            voice_count: 0,
        }
    }

    fn slot(&self, index: u64) -> usize {
        (index % self.shorts.len() as u64) as usize
    }

    pub fn short(&mut self, index: u64, row: &ShortRow) {
        let slot = self.slot(index);
        self.shorts[slot] = *row;
        self.short_count = index + 1;
    }

    pub fn voice(&mut self, index: u64, row: &VoiceRow) {
        let slot = self.slot(index);
        self.voices[slot] = *row;
        self.voice_count = index + 1;
    }

    pub fn hop(&mut self, index: u64) -> &mut HopInfo {
        let slot = self.slot(index);
        &mut self.hops[slot]
    }

    /// Whether every frame wholly inside `start .. end` has come.
    pub fn complete(&self, start: u64, end: u64) -> bool {
        inside(start, end, SHORT).end <= self.short_count && inside(start, end, PITCH).end <= self.voice_count
            || inside(start, end, SHORT).is_empty()
    }

    /// Hands all frames wholly inside `start .. end` to the statistics, and all short rows and hops to `also`.
    pub fn replay(
        &self,
        start: u64,
        end: u64,
        statistics: &mut Statistics,
        mut short: impl FnMut(&ShortRow, &HopInfo),
    ) {
        let shorts = inside(start, end, SHORT);
        for k in shorts.start..shorts.end.min(self.short_count) {
            let row = &self.shorts[self.slot(k)];
            statistics.short(row);
            short(row, &self.hops[self.slot(k)]);
        }
        let voices = inside(start, end, PITCH);
        for k in voices.start..voices.end.min(self.voice_count) {
            statistics.voice(&self.voices[self.slot(k)]);
        }
    }

    pub fn reset(&mut self) {
        self.short_count = 0;
        self.voice_count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frames_wholly_inside_count() {
        assert_eq!(inside(0, 960, PITCH), 0..1);
        assert_eq!(inside(0, 959, PITCH), 0..0);
        assert_eq!(inside(1, 1120, PITCH), 1..2);
        assert_eq!(inside(160, 1279, PITCH), 1..2);
        assert_eq!(inside(0, 100, SHORT), 0..0);
        assert_eq!(inside(48_000, 96_000, SHORT).count(), 299);
        assert_eq!(inside(48_000, 96_000, PITCH).count(), 295);
    }
}
