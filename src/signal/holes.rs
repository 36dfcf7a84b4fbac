//! Holes: where samples were lost, which of them are concealed, and how long the sound around them waits for that.
//!
//! Sound passes at once while nothing is missing. From the first lost sample on it waits until what follows the hole is there, or the
//! hole is too long: then it stays one. All of it is counted in samples, so that it does not matter in which blocks they came.

use super::conceal::{AFTER_MS, BEFORE_MS, Conceal};
use super::history::History;
use super::samples::is_sample;
use std::collections::VecDeque;
use std::ops::Range;

/// Longest hole that is concealed, in ms.
pub const LONGEST_MS: usize = 60;
/// Least sound before and after a hole that is concealed, in ms.
const LEAST_BEFORE_MS: usize = 8;
const LEAST_AFTER_MS: usize = 4;

/// What stands where samples were lost.
const NOTHING: [f32; 64] = [f32::NAN; 64];

/// The holes of one channel: takes pieces, and gives them back in order when nothing in them can change any more.
#[derive(Debug)]
pub struct Holes {
    conceal: Conceal,
    history: History,
    /// Lengths of the pieces that wait, with how much of each was lost.
    waiting: VecDeque<(u32, u32)>,
    /// Where the first piece that waits begins.
    first: u64,
    /// Holes that are not decided; the last one may still grow.
    undecided: VecDeque<Range<u64>>,
    /// Where the latest hole that is too long ends; it may still grow.
    given_up: u64,
    /// Concealed stretches that reach into what waits.
    concealed: VecDeque<Range<u64>>,
    /// Concealed stretches that nobody has taken yet.
    fresh: VecDeque<Range<u64>>,
    /// What a hole needs, in samples.
    longest: u64,
    before: usize,
    after: usize,
    least_before: usize,
    least_after: usize,
    /// Longest piece, in samples.
    piece: usize,
}

/// A piece whose samples are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Samples that were lost.
    pub lost: u32,
    /// Those of them that were concealed; the others are no numbers.
    pub concealed: u32,
}

/// Longest time that sound waits, in ms, pieces of 10 ms not counted.
pub const LONGEST_WAIT_MS: usize = LONGEST_MS + AFTER_MS;

impl Holes {
    /// No holes yet, in audio of `rate_hz`.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let samples = |ms: usize| rate_hz as usize * ms / 1000;
        let piece = rate_hz as usize / 100 + 1;
        Self {
            conceal: Conceal::new(rate_hz),
            // What stands before the first hole; with it comes room for holes themselves.
            history: History::with_room(samples(BEFORE_MS) + piece, piece),
            piece,
            waiting: VecDeque::with_capacity(16),
            first: 0,
            undecided: VecDeque::new(),
            given_up: 0,
            concealed: VecDeque::new(),
            fresh: VecDeque::new(),
            longest: samples(LONGEST_MS) as u64 + 1,
            before: samples(BEFORE_MS),
            after: samples(AFTER_MS),
            least_before: samples(LEAST_BEFORE_MS),
            least_after: samples(LEAST_AFTER_MS),
        }
    }

    /// Takes samples.
    pub fn sound(&mut self, samples: &[f32]) {
        self.history.push(samples);
    }

    /// Takes `count` lost samples.
    pub fn lost(&mut self, mut count: usize) {
        self.history.widen(self.before + self.longest as usize + self.after + 2 * self.piece, 4 * self.piece);
        let (begin, end) = (self.history.end(), self.history.end() + count as u64);
        match self.undecided.back_mut().filter(|h| h.end == begin) {
            Some(hole) => hole.end = end,
            None if self.given_up == begin && begin > 0 => self.given_up = end,
            None if count > 0 => self.undecided.push_back(begin..end),
            None => {}
        }
        while count > 0 {
            let now = count.min(NOTHING.len());
            self.history.push(&NOTHING[..now]);
            count -= now;
        }
    }

    /// The samples since the piece before are a piece, of which so many were lost.
    pub fn piece(&mut self, samples: usize, lost: usize) {
        self.waiting.push_back((samples as u32, lost as u32));
        self.decide();
    }

    /// The latest samples as they came; lost ones are no numbers.
    #[must_use]
    pub fn latest(&self, samples: usize) -> &[f32] {
        self.history.get(self.history.end().saturating_sub(samples as u64), samples).unwrap_or_default()
    }

    /// No sound comes any more: what could not be concealed stays a hole.
    pub fn finish(&mut self) {
        self.undecided.clear();
    }

    /// The next piece that is settled, into `out`.
    pub fn next(&mut self, out: &mut Vec<f32>) -> Option<Settled> {
        let &(samples, lost) = self.waiting.front()?;
        let end = self.first + u64::from(samples);
        if self.undecided.front().is_some_and(|h| h.start < end) {
            return None;
        }
        self.waiting.pop_front();
        out.clear();
        out.extend_from_slice(self.history.get(self.first, samples as usize).unwrap_or_default());
        let inside = |h: &Range<u64>| h.end.min(end).saturating_sub(h.start.max(self.first)) as u32;
        let concealed = self.concealed.iter().map(inside).sum();
        self.first = end;
        while self.concealed.front().is_some_and(|h| h.end <= end) {
            self.concealed.pop_front();
        }
        Some(Settled { lost, concealed })
    }

    /// A concealed stretch that was not taken yet, by the number of its samples in the stream; before any of its samples is.
    pub fn take_concealed(&mut self) -> Option<Range<u64>> {
        self.fresh.pop_front()
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.history.reset();
        self.waiting.clear();
        self.undecided.clear();
        self.given_up = 0;
        self.concealed.clear();
        self.fresh.clear();
        self.first = 0;
    }

    fn decide(&mut self) {
        let end = self.history.end();
        while let Some(hole) = self.undecided.front().cloned() {
            let last = self.undecided.len() == 1;
            if hole.end - hole.start > self.longest {
                self.undecided.pop_front();
                self.given_up = hole.end;
                continue;
            }
            let next = self.undecided.get(1).map_or(end, |h| h.start);
            let after = (next - hole.end).min(self.after as u64) as usize;
            if last && after < self.after {
                return;
            }
            self.undecided.pop_front();
            self.fill(hole, after);
        }
    }

    /// Conceals a hole behind which so many samples are known, where there is enough sound on both sides of it.
    fn fill(&mut self, hole: Range<u64>, known: usize) {
        let length = (hole.end - hole.start) as usize;
        let Some((before, patch, after)) = self.history.around(hole.start, length) else { return };
        let before = &before[before.len().saturating_sub(self.before)..];
        let after = &after[..known.min(after.len())];
        // Up to what is no number.
        let good = |x: &f32| is_sample(*x);
        let before = &before[before.iter().rposition(|x| !good(x)).map_or(0, |k| k + 1)..];
        let after = &after[..after.iter().position(|x| !good(x)).unwrap_or(after.len())];
        if before.len() < self.least_before || after.len() < self.least_after {
            return;
        }
        self.conceal.fill(before, after, patch);
        self.concealed.push_back(hole.clone());
        self.fresh.push_back(hole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: u32 = 16_000;
    const PIECE: usize = 160;

    fn tone(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 0.05).sin() * 0.3).collect()
    }

    /// Pieces that come out of a stream of which the samples in `lost` are lost, and how many pieces each waited.
    fn run(n: usize, lost: &[Range<usize>]) -> (Vec<f32>, Vec<Settled>, Vec<usize>, Vec<Range<u64>>) {
        let (mut holes, x) = (Holes::new(RATE), tone(n));
        let (mut out, mut settled, mut waits, mut fresh, mut piece) = (vec![], vec![], vec![], vec![], vec![]);
        for (k, block) in x.chunks(PIECE).enumerate() {
            let mut count = 0;
            for (i, v) in block.iter().enumerate() {
                if lost.iter().any(|r| r.contains(&(k * PIECE + i))) {
                    holes.lost(1);
                    count += 1;
                } else {
                    holes.sound(&[*v]);
                }
            }
            holes.piece(block.len(), count);
            fresh.extend(std::iter::from_fn(|| holes.take_concealed()));
            while let Some(s) = holes.next(&mut piece) {
                waits.push(k - settled.len());
                settled.push(s);
                out.extend_from_slice(&piece);
            }
        }
        holes.finish();
        while let Some(s) = holes.next(&mut piece) {
            settled.push(s);
            out.extend_from_slice(&piece);
        }
        (out, settled, waits, fresh)
    }

    #[test]
    fn sound_without_holes_passes_at_once_and_unchanged() {
        let (out, settled, waits, fresh) = run(4_000, &[]);
        assert_eq!(out, tone(4_000));
        assert!(waits.iter().all(|w| *w == 0) && settled.iter().all(|s| *s == Settled::default()) && fresh.is_empty());
    }

    #[test]
    fn only_the_lost_samples_change() {
        let (out, settled, waits, fresh) = run(8_000, &[1_000..1_320, 4_000..4_961, 6_000..7_000]);
        assert_eq!(fresh, [1_000..1_320, 4_000..4_961]);
        let told: (u32, u32) = settled.iter().fold((0, 0), |a, s| (a.0 + s.lost, a.1 + s.concealed));
        assert_eq!(told, (320 + 961 + 1_000, 320 + 961));
        for (i, (a, b)) in out.iter().zip(tone(8_000)).enumerate() {
            match i {
                1_000..1_320 | 4_000..4_961 => assert!((a - b).abs() < 0.05, "{i}: {a} for {b}"),
                6_000..7_000 => assert!(a.is_nan(), "{i}: {a}"),
                _ => assert_eq!(*a, b, "{i}"),
            }
        }
        let most = (LONGEST_WAIT_MS / 10) + 1;
        assert!(waits.iter().any(|w| *w > 0) && waits.iter().all(|w| *w <= most), "{waits:?}");
    }

    proptest! {
        /// Every sample comes out once, and is either what was heard, concealed, or no number.
        #[test]
        fn nothing_is_lost_twice(list in prop::collection::vec((1usize..1_500, 1usize..1_300), 1..10)) {
            let mut at = 0;
            let lost: Vec<Range<usize>> = list.iter().map(|(heard, gone)| {
                let start = at + heard;
                at = start + gone;
                start..at
            }).collect();
            let n = at + 900;
            let (out, settled, _, fresh) = run(n, &lost);
            prop_assert_eq!(out.len(), n);
            let gone: usize = lost.iter().map(Range::len).sum();
            prop_assert_eq!(settled.iter().map(|s| s.lost as usize).sum::<usize>(), gone);
            let concealed: usize = fresh.iter().map(|r| (r.end - r.start) as usize).sum();
            prop_assert_eq!(settled.iter().map(|s| s.concealed as usize).sum::<usize>(), concealed);
            prop_assert_eq!(out.iter().filter(|v| v.is_nan()).count(), gone - concealed);
            let truth = tone(n);
            for (i, v) in out.iter().enumerate() {
                prop_assert!(lost.iter().any(|r| r.contains(&i)) || *v == truth[i]);
            }
        }
    }
}
