//! Rows as a table of low-level descriptors, one line per 10 ms.

use super::LLDS;
use super::functionals::quality::{chains, collect, jitter, shimmer_db};
use super::row::{MFCCS, Row};
use crate::descriptors::pulses::Period;
use crate::features::reason::Reason;

/// Rows on each side that a line looks at.
pub const REACH: usize = 2;
const WIDTH: usize = 2 * REACH + 1;
/// Fewest pairs of periods within the five rows for jitter and shimmer of a line.
const PAIRS: usize = 2;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Values in the order of the catalogue.
    pub values: [Option<f32>; LLDS],
    /// Why those that are undefined are.
    pub reasons: [Option<Reason>; LLDS],
}

/// The last rows of one stream.
#[derive(Debug, Clone)]
pub struct Lines {
    recent: [Row; WIDTH],
    count: u64,
    periods: Vec<Period>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { recent: [Row::default(); WIDTH], count: 0, periods: Vec::with_capacity(WIDTH * 8) }
    }
}

impl Lines {
    /// Takes the next row; hands out the line of the row two before it.
    pub fn push(&mut self, row: &Row, mut out: impl FnMut(u64, Line)) {
        self.recent.rotate_left(1);
        self.recent[WIDTH - 1] = *row;
        if self.count == 0 {
            self.recent = [*row; WIDTH];
            // A repeated row repeats no periods.
            for r in &mut self.recent[..WIDTH - 1] {
                r.periods = Default::default();
            }
        }
        self.count += 1;
        if self.count > REACH as u64 {
            out(self.count - 1 - REACH as u64, self.line());
        }
    }

    /// The rows have ended: hands out the lines that wait.
    pub fn finish(&mut self, mut out: impl FnMut(u64, Line)) {
        for _ in 0..REACH.min(self.count as usize) {
            let mut last = self.recent[WIDTH - 1];
            last.periods = Default::default();
            self.push(&last, &mut out);
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        *self = Self { periods: std::mem::take(&mut self.periods), ..Self::default() };
    }

    fn line(&mut self) -> Line {
        let row = &self.recent[REACH];
        if row.bad {
            return Line { values: [None; LLDS], reasons: [Some(Reason::BadInput); LLDS] };
        }
        let mut cells = Cells { values: [None; LLDS], reasons: [None; LLDS], next: 0 };
        let voice = row.voice.as_ref();
        let tract = voice.and_then(|v| v.tract.as_ref());
        let shape = row.shape.as_ref();
        let (silent, unvoiced) = (Reason::Silent, Reason::Unvoiced);
        let f0 = voice.map(|v| v.f0_hz);
        cells.put(f0, unvoiced);
        cells.put(f0.map(|f| 12.0 * (f / 27.5).log2()), unvoiced);
        cells.put(Some(row.voicing), unvoiced);
        cells.put(Some(row.loudness), silent);
        cells.put((row.mean_square > 0.0).then(|| 10.0 * row.mean_square.log10()), silent);
        cells.put(shape.map(|s| s.alpha_ratio_db), silent);
        cells.put(shape.map(|s| s.hammarberg_db), silent);
        cells.put(shape.map(|s| s.low_db_per_khz), silent);
        cells.put(shape.map(|s| s.middle_db_per_khz), silent);
        cells.put(shape.map(|s| s.whole_db_per_octave), silent);
        cells.put(shape.map(|s| s.centroid_hz), silent);
        cells.put(shape.and_then(|s| s.change), silent);
        for i in 0..MFCCS {
            cells.put(shape.map(|s| s.mfcc[i]), silent);
        }
        let torn = self.recent.iter().any(|r| r.bad);
        for i in 0..MFCCS {
            let at = |r: usize| self.recent[r].shape.map(|s| s.mfcc[i]);
            let delta = || Some((2.0 * (at(4)? - at(0)?) + at(3)? - at(1)?) / 0.1);
            let none = if torn { Reason::BadInput } else { silent };
            cells.put(shape.and_then(|_| delta()).filter(|_| !torn), none);
        }
        cells.put(voice.and_then(|v| v.hnr_db), unvoiced);
        cells.put(voice.map(|v| v.cpps_db), unvoiced);
        cells.put(voice.map(|v| v.h1_h2_db), unvoiced);
        let few = if voice.is_some() { Reason::NotEnoughSpeech } else { unvoiced };
        cells.put(tract.map(|t| t.h1_h2_corrected_db), few);
        cells.put(tract.map(|t| t.h1_a3_db), few);
        cells.put(tract.map(|t| t.h1_a3_corrected_db), few);
        self.periods.clear();
        collect(self.recent.iter().map(|r| (!r.bad).then_some(r)), &mut self.periods);
        let regular = |v: Option<f64>| v.filter(|_| voice.is_some()).map(|v| v as f32);
        let chains = || chains(&self.periods);
        cells.put(regular(jitter(chains(), PAIRS).map(|v| 100.0 * v)), few);
        cells.put(regular(shimmer_db(chains(), PAIRS)), few);
        for i in 0..3 {
            cells.put(tract.map(|t| t.hz[i]), few);
            cells.put(tract.map(|t| t.bandwidth_hz[i]), few);
            cells.put(tract.map(|t| t.level_db[i]), few);
        }
        debug_assert_eq!(cells.next, LLDS);
        Line { values: cells.values, reasons: cells.reasons }
    }
}

struct Cells {
    values: [Option<f32>; LLDS],
    reasons: [Option<Reason>; LLDS],
    next: usize,
}

impl Cells {
    fn put(&mut self, value: Option<f32>, none: Reason) {
        let value = value.filter(|v| v.is_finite());
        self.values[self.next] = value;
        self.reasons[self.next] = if value.is_none() { Some(none) } else { None };
        self.next += 1;
    }
}
