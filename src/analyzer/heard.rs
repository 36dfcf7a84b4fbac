//! Spans of a stream that a speaker baseline has been learnt from, so that none counts twice.

/// Spans remembered at most; the oldest make room.
const MOST: usize = 4096;

/// Times of one stream that have been heard, in ns: disjoint spans in ascending order.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Vec<(u64, u64)>);

impl Heard {
    /// Time of `start .. end` that is new, in ns.
    pub fn fresh(&self, start: u64, end: u64) -> u64 {
        let known = self.0.iter().map(|(a, b)| b.min(&end).saturating_sub(*a.max(&start)));
        end.saturating_sub(start) - known.sum::<u64>()
    }

    /// Marks `start .. end` as heard.
    pub fn add(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let from = self.0.partition_point(|s| s.1 < start);
        let to = self.0.partition_point(|s| s.0 <= end);
        let joined = self.0[from..to].iter().fold((start, end), |(a, b), s| (a.min(s.0), b.max(s.1)));
        self.0.splice(from..to, [joined]);
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a row of flags.
        #[test]
        fn every_moment_is_new_once(spans in prop::collection::vec((0u64..200, 0u64..40), 0..60)) {
            let (mut heard, mut flags) = (Heard::default(), [false; 240]);
            for (start, length) in spans {
                let end = start + length;
                let part = &mut flags[start as usize..end as usize];
                prop_assert_eq!(heard.fresh(start, end), part.iter().filter(|f| !**f).count() as u64);
                heard.add(start, end);
                part.fill(true);
                prop_assert!(heard.0.windows(2).all(|w| w[0].1 < w[1].0) && heard.0.iter().all(|s| s.0 < s.1));
            }
        }
    }

    #[test]
    fn it_is_bounded() {
        let mut heard = Heard::default();
        (0..3 * MOST as u64).for_each(|i| heard.add(10 * i, 10 * i + 5));
        assert_eq!(heard.0.len(), MOST);
        assert_eq!(heard.fresh(10 * (3 * MOST as u64 - 1), 10 * (3 * MOST as u64)), 5);
    }
}
