//! Extractor of `affect-v1`.

use super::retained::{Retained, Stock};
use super::{Extractor, Keeping, SegmentValues, inside};
use crate::analyzer::config::FeatureSet;
use crate::analyzer::row::FrameRow;
use crate::features::affect::dispersion::Frame;
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
    kept: Kept,
}

/// Blocks of rows, for all streams.
static ROWS: Stock<Row> = Stock::new();

/// Where the rows of a stream are kept.
#[derive(Debug)]
enum Kept {
    /// As lines of single frames, until they are handed out.
    Lines(Box<Lines>, Vec<(u64, Line)>),
    /// All of them.
    All(Vec<Row>),
    /// As long as a segment may need them.
    Retained(Retained<Row>),
}

impl Sink for Kept {
    fn row(&mut self, _index: u64, row: &Row) {
        match self {
            Self::Lines(lines, frames) => lines.push(row, |i, line| frames.push((i, line))),
            Self::All(rows) => rows.push(*row),
            Self::Retained(rows) => rows.push(*row),
        }
    }
}

impl AffectExtractor {
    pub fn new(keeping: Keeping) -> Self {
        let kept = match keeping {
            Keeping::Nothing => Kept::Lines(Box::default(), Vec::with_capacity(64)),
            Keeping::All => Kept::All(Vec::new()),
            Keeping::Recent(capacity) => Kept::Retained(Retained::new(&ROWS, capacity)),
        };
        Self { stream: Stream::new(), kept }
    }
}

/// Rows whose 60 ms lie wholly inside `start .. end` (samples).
fn rows_inside(start: u64, end: u64) -> Range<u64> {
    let frames = inside(start, end, PITCH);
    frames.start + CENTRE..frames.end + CENTRE
}

impl Kept {
    /// Rows of a segment as the pieces in which they are kept.
    fn segment(&self, start: u64, end: u64) -> Rows<'_> {
        let wanted = rows_inside(start, end);
        match self {
            Self::Lines(..) => Rows::default(),
            Self::All(rows) => {
                let to = (wanted.end as usize).min(rows.len());
                Rows::new([&rows[(wanted.start as usize).min(to)..to]])
            }
            Self::Retained(rows) => Rows::new(rows.pieces(wanted)),
        }
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
        self.stream.pitch(frame, &mut self.kept);
    }

    fn finish(&mut self, history: &History) {
        self.stream.finish(history, &mut self.kept);
        if let Kept::Lines(lines, frames) = &mut self.kept {
            lines.finish(|i, line| frames.push((i, line)));
        }
    }

    fn reset(&mut self) {
        self.stream.reset();
        match &mut self.kept {
            Kept::Lines(lines, frames) => {
                lines.reset();
                frames.clear();
            }
            Kept::All(rows) => rows.clear(),
            Kept::Retained(rows) => rows.reset(),
        }
    }

    fn let_go(&mut self, start: u64) {
        if let Kept::Retained(rows) = &mut self.kept {
            rows.let_go(rows_inside(start, start).start);
        }
    }

    fn complete(&self, start: u64, end: u64) -> bool {
        let wanted = rows_inside(start, end);
        let count = match &self.kept {
            Kept::Lines(..) => 0,
            Kept::All(rows) => rows.len() as u64,
            Kept::Retained(rows) => rows.count(),
        };
        wanted.end <= count || wanted.is_empty()
    }

    fn values(&mut self, start: u64, end: u64) -> SegmentValues {
        let rows = self.kept.segment(start, end);
        let good = rows.iter().filter(|r| !r.bad);
        SegmentValues {
            voiced: (good.clone().count(), good.filter(|r| r.voice.is_some()).count()),
            bad: rows.iter().filter(|r| r.bad).count() as u64,
            values: functionals(&rows),
        }
    }

    fn contours(&self, start: u64, end: u64) -> Option<(u64, Vec<Frame>)> {
        let rows = self.kept.segment(start, end);
        let mut frames = Vec::with_capacity(rows.len());
        let mut lines = Lines::default();
        rows.iter().for_each(|row| lines.push(row, |_, line| frames.push(line.values)));
        lines.finish(|_, line| frames.push(line.values));
        Some((rows_inside(start, end).start, frames))
    }

    fn rows(&mut self, out: &mut dyn FnMut(FrameRow)) {
        let Kept::Lines(_, frames) = &mut self.kept else { return };
        for (index, line) in frames.drain(..) {
            let mut row = FrameRow::new(FeatureSet::AffectV1, index);
            for (i, (value, reason)) in line.values.into_iter().zip(line.reasons).enumerate() {
                row.put(i, value, reason);
            }
            out(row);
        }
    }
}
