//! Share of a target's variance that is explained on speakers that were not learnt from, and its interval.

use crate::statistics::{Interval, interval};

/// Squared errors of a target by speaker: of the prediction, and of the mean of what was learnt from.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    errors: Vec<f64>,
    totals: Vec<f64>,
}

impl Explained {
    /// Of the rows in which the target is defined: who speaks, its value, the prediction, and the mean of the fold's training part.
    pub fn of(speakers: usize, rows: impl Iterator<Item = (usize, f64, f64, f64)>) -> Self {
        let mut out = Self { errors: vec![0.0; speakers], totals: vec![0.0; speakers] };
        for (speaker, truth, predicted, mean) in rows {
            out.errors[speaker] += (truth - predicted).powi(2);
            out.totals[speaker] += (truth - mean).powi(2);
        }
        out
    }

    /// R² over speakers, some of them several times: 1 less the errors' share of those of the mean; `None` where nothing varies.
    fn over(&self, speakers: impl Iterator<Item = usize>) -> Option<f64> {
        let (error, total) = speakers.fold((0.0, 0.0), |(e, t), s| (e + self.errors[s], t + self.totals[s]));
        (total > 0.0).then(|| 1.0 - error / total)
    }

    /// R² over all speakers.
    pub fn r2(&self) -> Option<f64> {
        self.over(0..self.errors.len())
    }

    /// R² with its interval, speakers drawn anew.
    pub fn with_interval(&self, draws: &[Vec<usize>]) -> Option<Interval> {
        let drawn = draws.iter().filter_map(|d| self.over(d.iter().copied())).collect();
        Some(interval(self.r2()?, drawn))
    }

    /// How much more is explained than by another prediction, with its interval: the same speakers drawn for both.
    pub fn beyond(&self, other: &Self, draws: &[Vec<usize>]) -> Option<Interval> {
        let one = |d: &Vec<usize>| Some(self.over(d.iter().copied())? - other.over(d.iter().copied())?);
        Some(interval(self.r2()? - other.r2()?, draws.iter().filter_map(one).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::resamples;

    #[test]
    fn shares_by_hand() {
        let rows = [(0, 1.0, 1.5, 0.0), (0, -1.0, -1.0, 0.0), (1, 2.0, 0.0, 0.0)];
        let e = Explained::of(2, rows.into_iter());
        // Errors 0.25 and 4, totals 2 and 4.
        assert!((e.r2().unwrap() - (1.0 - 4.25 / 6.0)).abs() < 1e-12);
        assert!((e.over([0, 0].into_iter()).unwrap() - (1.0 - 0.25 / 2.0)).abs() < 1e-12);
        let i = e.with_interval(&resamples(2, 200, 1)).unwrap();
        assert!((i.low - 0.0).abs() < 1e-12 && (i.high - 0.875).abs() < 1e-12, "{i:?}");
        let none = Explained::of(2, [(0, 1.0, 2.0, 1.0)].into_iter());
        assert_eq!(none.r2(), None);
        let same = e.beyond(&e, &resamples(2, 50, 1)).unwrap();
        assert!(same.value == 0.0 && same.low == 0.0 && same.high == 0.0);
    }
}
