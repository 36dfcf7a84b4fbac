//! Extractor of `affect-v1`.

use super::{Extractor, Keeping, SegmentValues, inside};
use crate::analyzer::config::FeatureSet;
use crate::analyzer::row::FrameRow;
use crate::features::affect::functionals::{Rows, functionals};
use crate::features::affect::lld::{Line, Lines};
use crate::features::affect::row::{Row, Sink};
use crate::features::affect::stream::{CENTRE, Stream};
use crate::signal::PITCH;
use crate::signal::frames::{PitchFrame, ShortFrame};
use crate::signal::history::History;
use std::ops::Range;

#[derive(Debug)]
pub(super) struct AffectExtractor {
    stream: Stream,
    store: KeptRows,
}

#[derive(Debug)]
struct KeptRows {
    keeping: Keeping,
    rows: Vec<Row>,
    count: u64,
    lines: Lines,
    frames: Vec<(u64, Line)>,
}

impl Sink for KeptRows {
    fn row(&mut self, index: u64, row: &Row) {
        self.count = index + 1;
        match self.keeping {
            Keeping::Nothing => self.lines.push(row, |i, line| self.frames.push((i, line))),
            Keeping::All => self.rows.push(*row),
            Keeping::Recent(capacity) => self.rows[(index % capacity as u64) as usize] = *row,
        }
    }
}

impl AffectExtractor {
    pub fn new(keeping: Keeping) -> Self {
        let capacity = if let Keeping::Recent(n) = keeping { n } else { 0 };
        Self {
            stream: Stream::new(),
            store: KeptRows {
                keeping,
                rows: vec![Row::default(); capacity],
                count: 0,
                lines: Lines::default(),
                frames: Vec::with_capacity(if keeping == Keeping::Nothing { 64 } else { 0 }),
            },
        }
    }
}

/// Rows whose 60 ms lie wholly inside `start .. end` (samples).
fn rows_inside(start: u64, end: u64) -> Range<u64> {
    let frames = inside(start, end, PITCH);
    frames.start + CENTRE..frames.end + CENTRE
}

impl KeptRows {
    /// Rows of a segment as the pieces in which they are kept.
    fn segment(&self, start: u64, end: u64) -> Rows<'_> {
        let wanted = rows_inside(start, end);
        let Keeping::Recent(capacity) = self.keeping else {
            let to = (wanted.end as usize).min(self.rows.len());
            return Rows { first: &self.rows[(wanted.start as usize).min(to)..to], second: &[] };
        };
        // Rows that have been written over are gone; segments are kept shorter than that.
        let from = wanted.start.max(self.count.saturating_sub(capacity as u64));
        let to = wanted.end.min(self.count).max(from);
        let (a, n) = ((from % capacity as u64) as usize, (to - from) as usize);
        let first = n.min(capacity - a);
        Rows { first: &self.rows[a..a + first], second: &self.rows[..n - first] }
    }
}

impl Extractor for AffectExtractor {
    fn set(&self) -> FeatureSet {
        FeatureSet::AffectV1
    }

    fn short(&mut self, frame: &ShortFrame<'_>) {
        self.stream.short(frame);
    }

    fn pitch(&mut self, frame: &PitchFrame<'_>) {
        self.stream.pitch(frame, &mut self.store);
    }

    fn finish(&mut self, history: &History) {
        self.stream.finish(history, &mut self.store);
        let KeptRows { lines, frames, .. } = &mut self.store;
        lines.finish(|i, line| frames.push((i, line)));
    }

    fn reset(&mut self) {
        self.stream.reset();
        self.store.count = 0;
        self.store.lines.reset();
        self.store.frames.clear();
        if self.store.keeping == Keeping::All {
            self.store.rows.clear();
        }
    }

    fn complete(&self, start: u64, end: u64) -> bool {
        let wanted = rows_inside(start, end);
        wanted.end <= self.store.count || wanted.is_empty()
    }

    fn values(&mut self, start: u64, end: u64) -> SegmentValues {
        let rows = self.store.segment(start, end);
        let good = rows.iter().filter(|r| !r.bad);
        SegmentValues {
            voiced: (good.clone().count(), good.filter(|r| r.voice.is_some()).count()),
            bad: rows.iter().filter(|r| r.bad).count() as u64,
            values: functionals(&rows),
        }
    }

    fn rows(&mut self, out: &mut dyn FnMut(FrameRow)) {
        for (index, line) in self.store.frames.drain(..) {
            let mut row = FrameRow::new(FeatureSet::AffectV1, index);
            for (i, (value, reason)) in line.values.into_iter().zip(line.reasons).enumerate() {
                row.put(i, value, reason);
            }
            out(row);
        }
    }
}
