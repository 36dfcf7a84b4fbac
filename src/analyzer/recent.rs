//! The most recent items of a stream, or all of them, by number.

use std::ops::Range;

/// Items in order of their numbers, which begin with 0.
#[derive(Debug)]
pub(super) struct Recent<T> {
    items: Vec<T>,
    /// How many are kept; `None` for all.
    capacity: Option<usize>,
    count: u64,
}

impl<T: Copy + Default> Recent<T> {
    /// Keeps the last `capacity` items (at least one), or all.
    pub fn new(capacity: Option<usize>) -> Self {
        let capacity = capacity.map(|c| c.max(1));
        Self { items: vec![T::default(); capacity.unwrap_or(0)], capacity, count: 0 }
    }

    pub fn push(&mut self, item: T) {
        match self.capacity {
            Some(c) => self.items[(self.count % c as u64) as usize] = item,
            None => self.items.push(item),
        }
        self.count += 1;
    }

    /// Those numbered `range` that have come and are kept, with their numbers.
    pub fn within(&self, range: Range<u64>) -> impl Iterator<Item = (u64, &T)> {
        let oldest = self.capacity.map_or(0, |c| self.count.saturating_sub(c as u64));
        let slot = |k: u64| self.capacity.map_or(k, |c| k % c as u64) as usize;
        (range.start.max(oldest)..range.end.min(self.count)).map(move |k| (k, &self.items[slot(k)]))
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.count = 0;
        if self.capacity.is_none() {
            self.items.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_or_all_are_kept() {
        let (mut few, mut all) = (Recent::new(Some(3)), Recent::new(None));
        for k in 0..10u64 {
            few.push(k);
            all.push(k);
        }
        let list = |r: &Recent<u64>, range| r.within(range).map(|(k, v)| (k, *v)).collect::<Vec<_>>();
        assert_eq!(list(&few, 5..100), [(7, 7), (8, 8), (9, 9)]);
        assert_eq!(list(&all, 8..9), [(8, 8)]);
        assert_eq!(list(&few, 2..5), []);
        few.reset();
        assert_eq!(list(&few, 0..9), []);
    }
}
