//! Sliding windows of fixed length.

use super::span::Span;
use crate::record::Ended;

/// Windows of one length every hop, on a grid that begins with the stream.
#[derive(Debug, Clone)]
pub struct Windows {
    length: u64,
    hop: u64,
    next: u64,
}

impl Windows {
    /// Windows of `length` samples every `hop` samples, both at least 1.
    #[must_use]
    pub fn new(length: u64, hop: u64) -> Self {
        Self { length: length.max(1), hop: hop.max(1), next: 0 }
    }

    /// The next window that is complete when `position` samples have come, if any. Call until `None`.
    pub fn poll(&mut self, position: u64) -> Option<Span> {
        let end = self.next + self.length;
        (end <= position).then(|| {
            let start = self.next;
            self.next += self.hop;
            Span { start, end, revision: 0, partial: false, ended: Ended::Scheduled }
        })
    }

    /// Sample before which no later window begins.
    #[must_use]
    pub fn earliest(&self) -> u64 {
        self.next
    }

    /// The stream ends after `position` samples: the last window is cut short if it holds samples that no earlier one
    /// held.
    pub fn finish(&mut self, position: u64, ended: Ended) -> Option<Span> {
        let covered = if self.next == 0 { 0 } else { self.next - self.hop + self.length };
        let start = self.next.min(position);
        (covered < position && start < position).then_some(Span {
            start,
            end: position,
            revision: 0,
            partial: true,
            ended,
        })
    }

    /// Starts the grid again.
    pub fn reset(&mut self) {
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(length: u64, hop: u64, total: u64) -> Vec<(u64, u64, bool)> {
        let mut w = Windows::new(length, hop);
        let mut out = Vec::new();
        for p in 0..=total {
            while let Some(s) = w.poll(p) {
                out.push((s.start, s.end, s.partial));
            }
        }
        out.extend(w.finish(total, Ended::EndOfStream).map(|s| (s.start, s.end, s.partial)));
        out
    }

    #[test]
    fn the_grid_and_its_rest() {
        assert_eq!(all(3, 1, 5), [(0, 3, false), (1, 4, false), (2, 5, false)]);
        assert_eq!(all(4, 4, 10), [(0, 4, false), (4, 8, false), (8, 10, true)]);
        assert_eq!(all(3, 2, 8), [(0, 3, false), (2, 5, false), (4, 7, false), (6, 8, true)]);
        assert_eq!(all(10, 5, 7), [(0, 7, true)]);
        assert_eq!(all(2, 5, 9), [(0, 2, false), (5, 7, false)]);
        assert_eq!(all(3, 1, 0), []);
    }
}
