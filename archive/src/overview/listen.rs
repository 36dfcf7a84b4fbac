//! Calls worth listening to: those that stand out most by criteria that are stated, and whose sound is good enough to believe it.

use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, Float64Array, PrimitiveArray, StringArray};
use std::cmp::Ordering;

/// Calls of each criterion, and most criteria.
const EACH: usize = 5;
const CRITERIA: usize = 4;

/// What makes a call worth listening to: it has the highest values of a measure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Criterion {
    /// Which kind of criterion it is, the first being the most telling.
    order: usize,
    /// The measure.
    pub measure: String,
    /// What the highest values mean.
    pub meaning: &'static str,
}

/// Ends of names of measures whose highest values are worth listening to.
const KINDS: [(&str, &str); 5] = [
    ("_dimension_arousal_trend", "a voice whose arousal rises most from the first quarter to the last"),
    ("non_talk_longest_s", "the longest silences"),
    ("overlap_share", "the most talk at the same time"),
    ("_interruptions", "the most interruptions"),
    ("mean_dimension_arousal", "the highest mean arousal"),
];

/// A call that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOfInterest {
    /// Its name in the archive.
    pub key: String,
    /// Its part, where the table says it.
    pub part: Option<u32>,
    /// The value that it was chosen by.
    pub value: f64,
    /// How long it is, ns.
    pub duration_ns: u64,
}

/// What keeps a call from being chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Shorter than so many seconds.
    pub least_s: f64,
    /// A signal-to-noise ratio of any party below so many dB.
    pub least_snr_db: f64,
    /// More than this share of clipped samples of any party.
    pub most_clipping: f64,
    /// Calls that were left out by these rules, or because they have an error.
    pub left_out: u64,
}

const LEAST_S: f64 = 30.0;
const LEAST_SNR_DB: f64 = 10.0;
const MOST_CLIPPING: f64 = 0.01;

/// The best of each criterion so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Listen {
    best: Vec<(Criterion, Vec<CallOfInterest>)>,
    left_out: u64,
}

/// Higher values first, then by name: the order does not depend on that of the rows.
fn order(a: &CallOfInterest, b: &CallOfInterest) -> Ordering {
    b.value.total_cmp(&a.value).then_with(|| a.key.cmp(&b.key))
}

fn criterion(name: &str) -> Option<Criterion> {
    let order = KINDS.iter().position(|(end, _)| name.ends_with(end))?;
    Some(Criterion { order, measure: name.to_owned(), meaning: KINDS[order].1 })
}

impl Listen {
    pub fn push(
        &mut self,
        keys: &StringArray,
        parts: Option<&PrimitiveArray<Int32Type>>,
        errors: &StringArray,
        durations: &PrimitiveArray<Int64Type>,
        columns: &[(&str, &Float64Array)],
    ) {
        let value = |a: &Float64Array, k: usize| a.is_valid(k).then(|| a.value(k)).filter(|v| v.is_finite());
        let good = |k: usize| {
            let long = durations.is_valid(k) && durations.value(k) as f64 * 1e-9 >= LEAST_S;
            errors.is_null(k)
                && long
                && columns.iter().all(|(name, a)| match value(a, k) {
                    Some(v) if name.ends_with("_snr_db") => v >= LEAST_SNR_DB,
                    Some(v) if name.ends_with("_clipping_share") => v <= MOST_CLIPPING,
                    _ => true,
                })
        };
        let good: Vec<bool> = (0..keys.len()).map(good).collect();
        self.left_out += good.iter().filter(|g| !**g).count() as u64;
        for (name, a) in columns {
            let Some(criterion) = criterion(name) else { continue };
            let place = match self.best.iter().position(|b| b.0 == criterion) {
                Some(place) => place,
                None => {
                    self.best.push((criterion, Vec::new()));
                    self.best.len() - 1
                }
            };
            let best = &mut self.best[place].1;
            for k in (0..keys.len()).filter(|k| good[*k]) {
                let Some(v) = value(a, k).filter(|v| *v > 0.0) else { continue };
                if best.len() == EACH && best.last().is_some_and(|l| v < l.value) {
                    continue;
                }
                let duration_ns = u64::try_from(durations.value(k)).unwrap_or(0);
                let part = parts.filter(|p| p.is_valid(k)).and_then(|p| u32::try_from(p.value(k)).ok());
                let call = CallOfInterest { key: keys.value(k).to_owned(), part, value: v, duration_ns };
                let place = best.partition_point(|b| order(b, &call) == Ordering::Less);
                best.insert(place, call);
                best.truncate(EACH);
            }
        }
    }

    /// The first criteria that have calls.
    pub fn chosen(&self) -> Vec<(Criterion, Vec<CallOfInterest>)> {
        let mut criteria: Vec<_> = self.best.iter().filter(|b| !b.1.is_empty()).cloned().collect();
        criteria.sort_by(|a, b| a.0.cmp(&b.0));
        criteria.truncate(CRITERIA);
        criteria
    }

    pub fn quality(&self) -> Quality {
        Quality { least_s: LEAST_S, least_snr_db: LEAST_SNR_DB, most_clipping: MOST_CLIPPING, left_out: self.left_out }
    }
}
