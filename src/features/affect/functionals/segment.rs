//! The rows of a segment, seen from the questions that functionals ask.

use crate::features::affect::row::{Row, Voice};
use crate::features::functionals::percentile::percentile;

/// Distance of rows in seconds.
pub(super) const PERIOD_S: f64 = 0.01;
/// Rows over which the level contour is averaged.
const SMOOTH: usize = 5;
/// Level below the loud parts (95th percentile) under which an unvoiced row is no speech, in dB.
const QUIET_DB: f64 = 25.0;

/// Rows of a segment, in up to two pieces (a ring's end and beginning).
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The earlier rows.
    pub first: &'a [Row],
    /// The later rows.
    pub second: &'a [Row],
}

impl<'a> Rows<'a> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a Row> + Clone {
        self.first.iter().chain(self.second)
    }
}

/// A segment without its bad rows.
pub(super) struct Segment<'a> {
    pub rows: Vec<&'a Row>,
    /// Level of each row in dB re full scale, averaged over five rows (power); `None` where that is silent.
    pub level_db: Vec<Option<f64>>,
    /// 95th percentile of the level.
    pub loud_db: Option<f64>,
    /// Rows that are speech: voiced, or less than 25 dB below the loud parts.
    pub speech: Vec<bool>,
    /// First and one past the last row of speech.
    pub span: std::ops::Range<usize>,
}

impl<'a> Segment<'a> {
    pub fn new(rows: &Rows<'a>) -> Self {
        let rows: Vec<&Row> = rows.iter().filter(|r| !r.bad).collect();
        let level_db: Vec<Option<f64>> = (0..rows.len())
            .map(|i| {
                let near = &rows[i.saturating_sub(SMOOTH / 2)..(i + SMOOTH / 2 + 1).min(rows.len())];
                let mean = near.iter().map(|r| f64::from(r.mean_square)).sum::<f64>() / near.len() as f64;
                (mean > 0.0).then(|| 10.0 * mean.log10())
            })
            .collect();
        let mut sorted: Vec<f32> = level_db.iter().flatten().map(|l| *l as f32).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let loud_db = percentile(&sorted, 0.95);
        let speech: Vec<bool> = rows
            .iter()
            .zip(&level_db)
            .map(|(r, l)| r.voice.is_some() || l.zip(loud_db).is_some_and(|(l, loud)| l > loud - QUIET_DB))
            .collect();
        let start = speech.iter().position(|s| *s).unwrap_or(0);
        let end = speech.iter().rposition(|s| *s).map_or(0, |i| i + 1);
        Self { rows, level_db, loud_db, speech, span: start..end.max(start) }
    }

    /// Voices of voiced rows with their row numbers.
    pub fn voices(&self) -> impl Iterator<Item = (usize, &'a Voice)> + Clone + '_ {
        self.rows.iter().enumerate().filter_map(|(i, r)| r.voice.as_ref().map(|v| (i, v)))
    }

    /// Rows of speech that are unvoiced.
    pub fn unvoiced(&self) -> impl Iterator<Item = &'a Row> + Clone + '_ {
        self.rows.iter().zip(&self.speech).filter(|(r, s)| **s && r.voice.is_none()).map(|(r, _)| *r)
    }

    /// Rows of speech.
    pub fn spoken(&self) -> impl Iterator<Item = &'a Row> + Clone + '_ {
        self.rows.iter().zip(&self.speech).filter(|(_, s)| **s).map(|(r, _)| *r)
    }

    /// Stretches of rows for which `belongs` holds, within the span of speech.
    pub fn stretches(&self, belongs: impl Fn(usize) -> bool) -> Vec<std::ops::Range<usize>> {
        let mut list: Vec<std::ops::Range<usize>> = Vec::new();
        for i in self.span.clone().filter(|i| belongs(*i)) {
            match list.last_mut() {
                Some(last) if last.end == i => last.end = i + 1,
                _ => list.push(i..i + 1),
            }
        }
        list
    }

    /// Stretches of voiced rows.
    pub fn voiced_stretches(&self) -> Vec<std::ops::Range<usize>> {
        self.stretches(|i| self.rows[i].voice.is_some())
    }
}
