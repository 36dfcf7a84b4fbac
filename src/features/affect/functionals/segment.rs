//! The rows of a segment, seen from the questions that functionals ask.

use crate::features::affect::row::{Row, Voice};
use crate::features::functionals::percentile::percentile;
use std::ops::Range;

/// Distance of rows in seconds.
pub(super) const PERIOD_S: f64 = 0.01;
/// Rows over which the level contour is averaged.
const SMOOTH: usize = 5;
/// Level below the loud parts (95th percentile) under which an unvoiced row is no speech, in dB.
const QUIET_DB: f64 = 25.0;

/// Rows of a segment, in the pieces in which they are kept.
#[derive(Debug, Clone, Default)]
pub struct Rows<'a> {
    pieces: Vec<&'a [Row]>,
}

impl<'a> Rows<'a> {
    /// The rows of these pieces, in order.
    pub fn new(pieces: impl IntoIterator<Item = &'a [Row]>) -> Self {
        Self { pieces: pieces.into_iter().collect() }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|p| p.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a Row> + Clone {
        self.pieces.iter().copied().flatten()
    }
}

/// A run of rows with something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Its rows.
    pub rows: Range<usize>,
    /// Its beginning was observed: no hole lies before it.
    pub begins: bool,
    /// Its end was observed.
    pub ends: bool,
}

impl Stretch {
    pub fn seconds(&self) -> f64 {
        self.rows.len() as f64 * PERIOD_S
    }

    /// Both ends were observed, so that its length is known.
    pub fn whole(&self) -> bool {
        self.begins && self.ends
    }
}

/// The rows of a segment on their grid of 10 ms. A row over bad input is a hole: nothing is known of it, nothing is read
/// across it, and it counts for no time.
pub(super) struct Segment<'a> {
    /// The rows; `None` for a hole.
    pub rows: Vec<Option<&'a Row>>,
    /// Level of each row in dB re full scale, averaged over five rows (power) between holes; `None` where that is silent.
    pub level_db: Vec<Option<f64>>,
    /// 95th percentile of the level.
    pub loud_db: Option<f64>,
    /// Rows that are speech: voiced, or less than 25 dB below the loud parts.
    pub speech: Vec<bool>,
    /// First and one past the last row of speech.
    pub span: Range<usize>,
    /// Runs of rows without a hole.
    pub pieces: Vec<Range<usize>>,
}

impl<'a> Segment<'a> {
    pub fn new(rows: &Rows<'a>) -> Self {
        let rows: Vec<Option<&Row>> = rows.iter().map(|r| (!r.bad).then_some(r)).collect();
        let pieces = runs(0..rows.len(), |i| rows[i].is_some());
        let mut level_db = vec![None; rows.len()];
        for piece in &pieces {
            for i in piece.clone() {
                let near = &rows[i.saturating_sub(SMOOTH / 2).max(piece.start)..(i + SMOOTH / 2 + 1).min(piece.end)];
                let mean = near.iter().flatten().map(|r| f64::from(r.mean_square)).sum::<f64>() / near.len() as f64;
                level_db[i] = (mean > 0.0).then(|| 10.0 * mean.log10());
            }
        }
        let mut sorted: Vec<f32> = level_db.iter().flatten().map(|l| *l as f32).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let loud_db = percentile(&sorted, 0.95);
        let speech: Vec<bool> = rows
            .iter()
            .zip(&level_db)
            .map(|(r, l)| {
                r.is_some_and(|r| r.voice.is_some())
                    || l.zip(loud_db).is_some_and(|(l, loud): (f64, f64)| l > loud - QUIET_DB)
            })
            .collect();
        let start = speech.iter().position(|s| *s).unwrap_or(0);
        let end = speech.iter().rposition(|s| *s).map_or(0, |i| i + 1);
        Self { rows, level_db, loud_db, speech, span: start..end.max(start), pieces }
    }

    /// The rows that are no holes.
    pub fn observed(&self) -> impl Iterator<Item = &'a Row> + Clone + '_ {
        self.rows.iter().flatten().copied()
    }

    /// Seconds observed within the span of speech.
    pub fn span_s(&self) -> f64 {
        self.rows[self.span.clone()].iter().flatten().count() as f64 * PERIOD_S
    }

    /// Voice of a row; `None` where it is unvoiced or a hole.
    pub fn voice(&self, row: usize) -> Option<&'a Voice> {
        self.rows[row].and_then(|r| r.voice.as_ref())
    }

    /// Whether a row is there and unvoiced.
    pub fn is_unvoiced(&self, row: usize) -> bool {
        self.rows[row].is_some_and(|r| r.voice.is_none())
    }

    /// Voiced rows with their numbers and voices.
    pub fn voices(&self) -> impl Iterator<Item = (usize, &'a Row, &'a Voice)> + Clone + '_ {
        let all = self.rows.iter().enumerate().filter_map(|(i, r)| r.map(|r| (i, r)));
        all.filter_map(|(i, r)| r.voice.as_ref().map(|v| (i, r, v)))
    }

    /// Rows of speech that are unvoiced.
    pub fn unvoiced(&self) -> impl Iterator<Item = &'a Row> + Clone + '_ {
        self.spoken().filter(|r| r.voice.is_none())
    }

    /// Rows of speech.
    pub fn spoken(&self) -> impl Iterator<Item = &'a Row> + Clone + '_ {
        self.rows.iter().zip(&self.speech).filter(|(_, s)| **s).filter_map(|(r, _)| *r)
    }

    /// Stretches of rows for which `belongs` holds, within the span of speech. A hole ends a stretch.
    pub fn stretches(&self, belongs: impl Fn(usize) -> bool) -> Vec<Stretch> {
        let seen = |row: Option<usize>| row.and_then(|i| self.rows.get(i)).is_none_or(Option::is_some);
        runs(self.span.clone(), |i| self.rows[i].is_some() && belongs(i))
            .into_iter()
            .map(|rows| Stretch { begins: seen(rows.start.checked_sub(1)), ends: seen(Some(rows.end)), rows })
            .collect()
    }

    /// Stretches of voiced rows.
    pub fn voiced_stretches(&self) -> Vec<Stretch> {
        self.stretches(|i| self.voice(i).is_some())
    }
}

/// Runs of numbers for which `belongs` holds.
fn runs(within: Range<usize>, belongs: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut list: Vec<Range<usize>> = Vec::new();
    for i in within.filter(|i| belongs(*i)) {
        match list.last_mut() {
            Some(last) if last.end == i => last.end = i + 1,
            _ => list.push(i..i + 1),
        }
    }
    list
}
