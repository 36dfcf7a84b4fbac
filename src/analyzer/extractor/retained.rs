//! Rows retained while a segment may need them, in blocks out of a stock that all streams of the process share.
//!
//! A stream whose speaker is silent needs few rows, one in the middle of a long utterance thousands. Of many streams few need their
//! most at the same time, so the blocks go from hand to hand. The stock is filled when streams begin: with all that one stream can
//! need and a quarter of that for each further one; only where more are in long utterances than that does a stream allocate a block.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rows of a block.
const BLOCK: usize = 32;

/// Blocks that nobody uses at present.
#[derive(Debug)]
pub(super) struct Stock<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    spare: Vec<Vec<T>>,
    in_use: usize,
    streams: usize,
    /// What one stream needs at most, the largest of those there are, and the shares of all, in blocks.
    most: usize,
    shares: usize,
}

impl<T> Stock<T> {
    pub const fn new() -> Self {
        let inner = Inner { spare: Vec::new(), in_use: 0, streams: 0, most: 0, shares: 0 };
        Self { inner: Mutex::new(inner) }
    }

    /// Nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream begins that needs so many blocks at most.
    fn enter(&self, blocks: usize) {
        let mut s = self.lock();
        s.streams += 1;
        s.most = s.most.max(blocks);
        s.shares += blocks.div_ceil(4);
        let missing = s.target().saturating_sub(s.spare.len() + s.in_use);
        s.spare.extend((0..missing).map(|_| Vec::with_capacity(BLOCK)));
    }

    /// A stream ends that needed so many blocks at most, and has given all of them back.
    fn leave(&self, blocks: usize) {
        let mut s = self.lock();
        s.streams -= 1;
        s.shares -= blocks.div_ceil(4);
        if s.streams == 0 {
            s.most = 0;
        }
        let left = s.target().saturating_sub(s.in_use);
        s.spare.truncate(left);
    }

    fn take(&self) -> Vec<T> {
        let mut s = self.lock();
        s.in_use += 1;
        // The one given back last: blocks that were never needed are never written to.
        s.spare.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK))
    }

    fn give_back(&self, mut block: Vec<T>) {
        block.clear();
        let mut s = self.lock();
        s.in_use -= 1;
        if s.spare.len() + s.in_use < s.target() {
            s.spare.push(block);
        }
    }
}

impl<T> Inner<T> {
    /// Blocks there shall be, in all.
    fn target(&self) -> usize {
        self.most + self.shares.saturating_sub(self.most.div_ceil(4))
    }
}

/// The rows of one stream, numbered from 0 on.
#[derive(Debug)]
pub(super) struct Retained<T: 'static> {
    stock: &'static Stock<T>,
    /// Rows held at least, whatever is asked for.
    capacity: usize,
    blocks: VecDeque<Vec<T>>,
    /// Number of the first row held, a multiple of a block's length.
    first: u64,
    count: u64,
}

impl<T: Copy> Retained<T> {
    /// Holds at least the last `capacity` rows, unless they are let go before.
    pub fn new(stock: &'static Stock<T>, capacity: usize) -> Self {
        let held = Self { stock, capacity, blocks: VecDeque::with_capacity(Self::most(capacity)), first: 0, count: 0 };
        stock.enter(Self::most(capacity));
        held
    }

    /// Blocks for so many rows at any place, and the one that a new row may begin.
    fn most(capacity: usize) -> usize {
        capacity.div_ceil(BLOCK) + 2
    }

    /// Number of rows so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn push(&mut self, row: T) {
        if self.count == self.first + (self.blocks.len() * BLOCK) as u64 {
            self.let_go(self.count.saturating_sub(self.capacity as u64));
            self.blocks.push_back(self.stock.take());
        }
        if let Some(block) = self.blocks.back_mut() {
            block.push(row);
        }
        self.count += 1;
    }

    /// Rows before that number are not needed any more.
    pub fn let_go(&mut self, number: u64) {
        let number = number.min(self.count);
        while self.first + BLOCK as u64 <= number {
            let Some(block) = self.blocks.pop_front() else { return };
            self.stock.give_back(block);
            self.first += BLOCK as u64;
        }
    }

    /// Those numbered `range` that are held, in pieces.
    pub fn pieces(&self, range: Range<u64>) -> impl Iterator<Item = &[T]> {
        let start = range.start.max(self.first);
        let end = range.end.min(self.count).max(start);
        self.blocks.iter().enumerate().filter_map(move |(k, block)| {
            let base = self.first + (k * BLOCK) as u64;
            let from = start.saturating_sub(base).min(block.len() as u64) as usize;
            let to = end.saturating_sub(base).min(block.len() as u64) as usize;
            block.get(from..to).filter(|piece| !piece.is_empty())
        })
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        for block in self.blocks.drain(..) {
            self.stock.give_back(block);
        }
        self.first = 0;
        self.count = 0;
    }
}

impl<T: 'static> Drop for Retained<T> {
    fn drop(&mut self) {
        for block in self.blocks.drain(..) {
            self.stock.give_back(block);
        }
        self.stock.leave(self.capacity.div_ceil(BLOCK) + 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(held: &Retained<u64>, range: Range<u64>) -> Vec<u64> {
        held.pieces(range).flatten().copied().collect()
    }

    proptest! {
        /// Beside a plain list: what is held is right, whatever is let go, and what is let go is not needed.
        #[test]
        fn holds_what_was_not_let_go(steps in prop::collection::vec((1u64..200, 0u64..400), 1..30), capacity in 1usize..500) {
            static STOCK: Stock<u64> = Stock::new();
            let mut held = Retained::new(&STOCK, capacity);
            let mut needed = 0u64;
            for (rows, kept) in steps {
                (0..rows).for_each(|_| held.push(held.count()));
                needed = needed.max(held.count().saturating_sub(kept)).max(held.count().saturating_sub(capacity as u64));
                held.let_go(needed);
                prop_assert_eq!(list(&held, needed..held.count()), (needed..held.count()).collect::<Vec<_>>());
                prop_assert_eq!(list(&held, needed + 3..needed + 70), (needed + 3..(needed + 70).min(held.count())).collect::<Vec<_>>());
                prop_assert!(held.blocks.len() <= Retained::<u64>::most(capacity));
                prop_assert!(held.blocks.len() as u64 <= (held.count() - needed) / BLOCK as u64 + 2);
            }
            held.reset();
            prop_assert!(list(&held, 0..u64::MAX).is_empty() && held.count() == 0);
        }
    }

    #[test]
    fn blocks_go_from_hand_to_hand() {
        static STOCK: Stock<u64> = Stock::new();
        let made = || {
            let s = STOCK.lock();
            (s.spare.len() + s.in_use, s.in_use)
        };
        let one = Retained::<u64>::most(1_000);
        let mut streams: Vec<Retained<u64>> = (0..8).map(|_| Retained::new(&STOCK, 1_000)).collect();
        assert_eq!(made(), (one + 7 * one.div_ceil(4), 0));
        // One after the other each has a long utterance; nothing is made for any of them.
        for s in &mut streams {
            (0..1_000).for_each(|k| s.push(k));
            assert_eq!(made(), (one + 7 * one.div_ceil(4), 32));
            s.let_go(1_000);
            // The last block goes on.
            assert_eq!(s.blocks.len(), 1);
            s.reset();
        }
        // All at the same time: more are made, and are gone when they are not needed.
        streams.iter_mut().for_each(|s| (0..1_000).for_each(|k| s.push(k)));
        assert_eq!(made(), (256, 256));
        streams.iter_mut().for_each(Retained::reset);
        assert_eq!(made(), (one + 7 * one.div_ceil(4), 0));
        drop(streams);
        assert_eq!(made(), (0, 0));
    }
}
