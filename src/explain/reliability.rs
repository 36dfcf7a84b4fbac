//! Reliability of a relevance curve: what silencing its strongest span does to the score, against silencing spans anywhere.
//!
//! A deletion test (Petsiuk, Das and Saenko 2018) with random spans of the same length as the yardstick. Every span costs a run of the
//! model.

use super::frames::scale;
use crate::model::{Model, ModelError};
use crate::signal::random::Random;
use std::ops::Range;

/// Begin of the random numbers: the same spans for the same utterance, always.
const SEED: u64 = 0x5eed_0f5b_a115;
/// Random spans begin at multiples of so many samples.
const GRID: usize = 160;
/// Percentile from which a span counts as better than random ones.
pub const BETTER: f64 = 90.0;

/// Outcome of the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// How far the score falls when the span is silenced, in the score's unit.
    pub drop: f64,
    /// How far it falls when spans of the same length anywhere in the utterance are silenced.
    pub random: Vec<f64>,
}

impl Reliability {
    /// Share of the random spans that move the score less, in percent; those that move it alike count half.
    #[must_use]
    pub fn percentile(&self) -> f64 {
        let less = self.random.iter().filter(|r| **r < self.drop).count() as f64;
        let alike = self.random.iter().filter(|r| **r == self.drop).count() as f64;
        100.0 * (less + 0.5 * alike) / self.random.len().max(1) as f64
    }

    /// Whether the span matters more to the score than random ones.
    #[must_use]
    pub fn is_better_than_random(&self) -> bool {
        self.percentile() >= BETTER
    }
}

/// Silences a span of samples as they enter the graph, and `count` random ones of its length; `output` is the graph's own number for
/// the whole. `None` where the span leaves no room for others: where it is longer than half of the utterance.
///
/// # Errors
/// [`ModelError`] of the runs.
pub fn reliability(
    model: &Model,
    samples: &[f32],
    target: usize,
    output: f64,
    span: &Range<usize>,
    count: usize,
) -> Result<Option<Reliability>, ModelError> {
    let length = span.len();
    if length == 0 || 2 * length > samples.len() || count == 0 {
        return Ok(None);
    }
    let scale = scale(model);
    let mut silenced = samples.to_vec();
    let mut drop = |from: usize| -> Result<f64, ModelError> {
        silenced[from..from + length].fill(0.0);
        let score = model.entered(&silenced)?.get(target).copied().unwrap_or(output);
        silenced[from..from + length].copy_from_slice(&samples[from..from + length]);
        Ok((output - score) * scale)
    };
    let own = drop(span.start)?;
    let mut random = Random(SEED ^ samples.len() as u64);
    let places = (samples.len() - length) / GRID + 1;
    let random = (0..count).map(|_| drop(random.below(places) * GRID)).collect::<Result<_, _>>()?;
    Ok(Some(Reliability { drop: own, random }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_random_spans() {
        let of = |drop: f64, random: &[f64]| Reliability { drop, random: random.to_vec() };
        assert_eq!(of(1.0, &[0.0, 0.5, 1.0, 2.0]).percentile(), 62.5);
        assert!(of(3.0, &[0.0, 0.5, 1.0, 2.0]).is_better_than_random());
        assert!(!of(-1.0, &[0.0, 0.5]).is_better_than_random());
    }
}
