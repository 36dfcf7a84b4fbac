//! Statistics: quantiles, bootstrap resampling, permutation tests, corrections for many tests.

pub(crate) mod streams;

use statrs::distribution::{ContinuousCDF, Normal};
use streams::{Purpose, stream};

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The figure itself.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The value below which `share` of the list lies, between neighbours linearly (type 7 of Hyndman and Fan, Sample quantiles in
/// statistical packages, The American Statistician 50, 1996). The list must be sorted; an empty one has none.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = share.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (position.floor() as usize, position.fract());
    Some(sorted[low] + part * (sorted[(low + 1).min(last)] - sorted[low]))
}

/// Median of a list; `None` for an empty one.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

/// The middle 95 % of resampled figures around the figure itself; the figure alone where there are none.
#[must_use]
pub fn interval(value: f64, mut draws: Vec<f64>) -> Interval {
    draws.retain(|v| v.is_finite());
    draws.sort_by(f64::total_cmp);
    let percentile = |p| quantile(&draws, p).unwrap_or(value);
    Interval { value, low: percentile(0.025), high: percentile(0.975) }
}

/// Mean and standard deviation of what is finite; what does not move has scale 1.
#[must_use]
pub fn moments(values: impl Iterator<Item = f32>) -> (f64, f64) {
    let values: Vec<f64> = values.filter(|v| v.is_finite()).map(f64::from).collect();
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if spread > 1e-9 * mean.abs().max(1e-9) { spread } else { 1.0 })
}

/// Draws of `n` things out of `n` with replacement.
#[must_use]
pub fn resamples(n: usize, draws: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut random = stream(seed, Purpose::Speakers, 0);
    (0..draws).map(|_| (0..n).map(|_| random.below(n.max(1))).collect()).collect()
}

/// Mean of `value` over units (such as speakers), with the 95 % interval of Student's t over the units: with few of them the
/// percentiles of a bootstrap are too narrow.
#[must_use]
pub fn mean_over_units(values: &[f64]) -> Interval {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n.max(1) as f64;
    if n < 2 {
        return Interval { value: mean, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt();
    let t = statrs::distribution::StudentsT::new(0.0, 1.0, (n - 1) as f64).map_or(1.96, |d| d.inverse_cdf(0.975));
    let half = t * spread / (n as f64).sqrt();
    Interval { value: mean, low: mean - half, high: mean + half }
}

/// p value of a permutation test with `beaten` of `draws` draws at least as extreme as the figure: `(b + 1) / (m + 1)` (Phipson
/// and Smyth, Permutation p-values should never be zero, SAGMB 9(1), 2010).
#[must_use]
pub fn permutation_p(beaten: usize, draws: usize) -> f64 {
    (beaten + 1) as f64 / (draws + 1) as f64
}

/// The false discovery level at which each hypothesis is rejected (Benjamini and Hochberg, JRSS B 57(1), 1995).
#[must_use]
pub fn false_discovery(p: &[f64]) -> Vec<f64> {
    let n = p.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let (mut q, mut least) = (vec![1.0; n], 1.0f64);
    for (k, i) in order.into_iter().enumerate() {
        least = least.min(p[i] * n as f64 / (n - k) as f64);
        q[i] = least;
    }
    q
}

/// Ranks from 1 for the largest, equals sharing the mean of their places.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let mut out = vec![0.0; values.len()];
    let mut place = 0;
    while place < order.len() {
        let same = order[place..].iter().take_while(|i| values[**i] == values[order[place]]).count();
        let mean = place as f64 + (same as f64 + 1.0) / 2.0;
        order[place..place + same].iter().for_each(|i| out[*i] = mean);
        place += same;
    }
    out
}

/// Two-sided quantile of the normal distribution for a confidence.
#[must_use]
pub fn normal_quantile(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + confidence / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    #[test]
    fn textbook_cases() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 5.0]), [2.5, 4.0, 2.5, 1.0]);
        assert_eq!(permutation_p(0, 99), 0.01);
        // Benjamini and Hochberg by hand: 0.01*4/1, 0.02*4/2, 0.03*4/3, 0.5.
        let q = false_discovery(&[0.02, 0.5, 0.01, 0.03]);
        [0.04, 0.5, 0.04, 0.04].iter().zip(&q).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{q:?}"));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    /// Means of normal deviates over five units lie in their interval in 95 % of 4000 worlds.
    #[test]
    fn the_interval_of_a_mean_covers() {
        let mut random = Random(5);
        let hit = (0..4000).filter(|_| {
            let i = mean_over_units(&(0..5).map(|_| 1.0 + random.normal()).collect::<Vec<_>>());
            i.low <= 1.0 && i.high >= 1.0
        });
        let share = hit.count() as f64 / 4000.0;
        assert!((share - 0.95).abs() < 0.012, "{share}");
    }
}
