//! The most recent samples of a stream as one contiguous slice, addressed by absolute position.

use std::collections::VecDeque;
use std::ops::Range;

/// A sliding buffer of samples. Its storage is allocated once; old samples make room for new ones.
#[derive(Debug, Clone)]
pub struct History {
    buffer: Vec<f32>,
    first: u64,
    keep: usize,
    /// Samples that are held at most.
    most: usize,
    /// Stretches that stand in for lost samples, in order; some may lie ahead.
    concealed: VecDeque<Range<u64>>,
}

impl History {
    /// A history that always holds at least the last `keep` samples and moves them at most once per half as many.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self::with_room(keep, keep.max(1).div_ceil(2))
    }

    /// As [`Self::new`], in less memory: the samples move once per `room` samples.
    #[must_use]
    pub fn with_room(keep: usize, room: usize) -> Self {
        let (keep, most) = (keep.max(1), keep.max(1) + room.max(1));
        Self { buffer: Vec::with_capacity(most), first: 0, keep, most, concealed: VecDeque::new() }
    }

    /// Holds at least the last `keep` samples from now on, and has room for `room` more. Allocates where that is more than before.
    pub fn widen(&mut self, keep: usize, room: usize) {
        self.keep = self.keep.max(keep);
        self.most = self.most.max(keep + room);
        self.buffer.reserve_exact(self.most - self.buffer.len());
    }

    /// Appends samples. Never allocates while there are no more of them than there is room.
    pub fn push(&mut self, samples: &[f32]) {
        if self.buffer.len() + samples.len() > self.most {
            let drop = self.buffer.len().saturating_sub(self.keep);
            self.buffer.copy_within(drop.., 0);
            self.buffer.truncate(self.buffer.len() - drop);
            self.first += drop as u64;
            while self.concealed.front().is_some_and(|c| c.end <= self.first) {
                self.concealed.pop_front();
            }
        }
        self.buffer.extend_from_slice(samples);
    }

    /// Position one past the newest sample.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.buffer.len() as u64
    }

    /// The samples at `start .. start + len`, or `None` where they are not (or no longer) held.
    #[must_use]
    pub fn get(&self, start: u64, len: usize) -> Option<&[f32]> {
        let from = usize::try_from(start.checked_sub(self.first)?).ok()?;
        self.buffer.get(from..from.checked_add(len)?)
    }

    /// Says that the samples of a stretch, which has not come yet, stand in for lost ones. Call in order.
    pub fn mark_concealed(&mut self, stretch: Range<u64>) {
        self.concealed.push_back(stretch);
    }

    /// How many of the samples at `start .. start + len` stand in for lost ones.
    #[must_use]
    pub fn concealed(&self, start: u64, len: usize) -> usize {
        let end = start + len as u64;
        self.concealed.iter().map(|c| c.end.min(end).saturating_sub(c.start.max(start)) as usize).sum()
    }

    /// The samples at `start .. start + len` to be written over, with those held before and after them; `None` where they are not all
    /// held.
    pub fn around(&mut self, start: u64, len: usize) -> Option<(&[f32], &mut [f32], &[f32])> {
        let from = usize::try_from(start.checked_sub(self.first)?).ok()?;
        if from.checked_add(len)? > self.buffer.len() {
            return None;
        }
        let (before, rest) = self.buffer.split_at_mut(from);
        let (here, after) = rest.split_at_mut(len);
        Some((before, here, after))
    }

    /// Forgets everything and starts again at position 0.
    pub fn reset(&mut self) {
        self.buffer.clear();
        self.concealed.clear();
        self.first = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_vector(blocks in prop::collection::vec(1usize..=25, 1..60)) {
            let mut all = Vec::new();
            let mut history = History::new(50);
            for n in blocks {
                let block: Vec<f32> = (0..n).map(|i| (all.len() + i) as f32).collect();
                history.push(&block);
                prop_assert!(history.buffer.capacity() == 75, "it allocates");
                all.extend_from_slice(&block);
                prop_assert_eq!(history.end(), all.len() as u64);
                let from = all.len().saturating_sub(50);
                prop_assert_eq!(history.get(from as u64, all.len() - from), Some(&all[from..]));
                prop_assert_eq!(history.get(all.len() as u64, 1), None);
            }
        }
    }
}
