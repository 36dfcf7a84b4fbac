//! The most recent samples of a stream as one contiguous slice, addressed by absolute position.

use std::collections::VecDeque;
use std::ops::Range;

/// A sliding buffer of samples. Its storage is allocated once; old samples make room for new ones.
#[derive(Debug, Clone)]
pub struct History {
    buffer: Vec<f32>,
    first: u64,
    keep: usize,
    /// Stretches that stand in for lost samples, in order; some may lie ahead.
    concealed: VecDeque<Range<u64>>,
}

impl History {
    /// A history that always holds at least the last `keep` samples and moves them at most once per `keep` samples.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self {
            buffer: Vec::with_capacity(2 * keep.max(1)),
            first: 0,
            keep: keep.max(1),
            concealed: VecDeque::with_capacity(16),
        }
    }

    /// Appends samples. Never allocates while `samples.len() <= keep`.
    pub fn push(&mut self, samples: &[f32]) {
        if self.buffer.len() + samples.len() > 2 * self.keep {
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

    /// Writes over the samples from `start` on, where they are all held.
    pub fn replace(&mut self, start: u64, samples: &[f32]) {
        let from = start.checked_sub(self.first).and_then(|k| usize::try_from(k).ok());
        let held = from.and_then(|k| self.buffer.get_mut(k..k.checked_add(samples.len())?));
        if let Some(held) = held {
            held.copy_from_slice(samples);
        }
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
        fn agrees_with_a_plain_vector(blocks in prop::collection::vec(1usize..=50, 1..60)) {
            let mut all = Vec::new();
            let mut history = History::new(50);
            for n in blocks {
                let block: Vec<f32> = (0..n).map(|i| (all.len() + i) as f32).collect();
                history.push(&block);
                all.extend_from_slice(&block);
                prop_assert_eq!(history.end(), all.len() as u64);
                let from = all.len().saturating_sub(50);
                prop_assert_eq!(history.get(from as u64, all.len() - from), Some(&all[from..]));
                prop_assert_eq!(history.get(all.len() as u64, 1), None);
            }
        }
    }
}
