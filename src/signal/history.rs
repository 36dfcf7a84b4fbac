//! The most recent samples of a stream as one contiguous slice, addressed by absolute position.

/// A sliding buffer of samples. Its storage is allocated once; old samples make room for new ones.
#[derive(Debug, Clone)]
pub struct History {
    buffer: Vec<f32>,
    first: u64,
    keep: usize,
}

impl History {
    /// A history that always holds at least the last `keep` samples and moves them at most once per half as many.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self { buffer: Vec::with_capacity(Self::most(keep.max(1))), first: 0, keep: keep.max(1) }
    }

    /// Samples held at most.
    fn most(keep: usize) -> usize {
        keep + keep.div_ceil(2)
    }

    /// Appends samples. Never allocates while there are no more than half of those that are kept.
    pub fn push(&mut self, samples: &[f32]) {
        if self.buffer.len() + samples.len() > Self::most(self.keep) {
            let drop = self.buffer.len().saturating_sub(self.keep);
            self.buffer.copy_within(drop.., 0);
            self.buffer.truncate(self.buffer.len() - drop);
            self.first += drop as u64;
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

    /// Forgets everything and starts again at position 0.
    pub fn reset(&mut self) {
        self.buffer.clear();
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
