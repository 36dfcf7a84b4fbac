//! Stability of feature selections and agreement of rankings.

use crate::statistics::{Interval, normal_quantile, ranks};

/// Nogueira's stability of selections (`rows x features`, true for selected) with its 95 % interval: 1 for equal selections, 0 for
/// what chance gives. `None` for fewer than two selections, or where all or no features are always selected.
///
/// Nogueira, Sechidis, Brown, On the stability of feature selection algorithms, JMLR 18(174), 2018.
#[must_use]
pub fn nogueira(selections: &[Vec<bool>]) -> Option<Interval> {
    let m = selections.len() as f64;
    let d = selections.first()?.len() as f64;
    let p: Vec<f64> = (0..d as usize).map(|f| selections.iter().filter(|z| z[f]).count() as f64 / m).collect();
    let k: f64 = p.iter().sum();
    let by_chance = k / d * (1.0 - k / d);
    if m < 2.0 || by_chance <= 0.0 {
        return None;
    }
    let phi = 1.0 - m / (m - 1.0) * p.iter().map(|p| p * (1.0 - p)).sum::<f64>() / d / by_chance;
    let one = |z: &Vec<bool>| {
        let selected = z.iter().filter(|z| **z).count() as f64;
        let overlap = z.iter().zip(&p).filter(|(z, _)| **z).map(|(_, p)| p).sum::<f64>() / d;
        (overlap - selected * k / d / d + phi / 2.0 * (2.0 * selected * k / d / d - selected / d - k / d + 1.0))
            / by_chance
    };
    let each: Vec<f64> = selections.iter().map(one).collect();
    let mean = each.iter().sum::<f64>() / m;
    let variance = 4.0 / (m * m) * each.iter().map(|e| (e - mean).powi(2)).sum::<f64>();
    let half = normal_quantile(0.95) * variance.sqrt();
    Some(Interval { value: phi, low: phi - half, high: phi + half })
}

/// Rank-biased overlap of two rankings of the same things (best first) with persistence `p`, over their full depth and scaled so
/// that equal rankings have 1. Rankings have no ties: order equals by name before.
///
/// Webber, Moffat, Zobel, A similarity measure for indefinite rankings, ACM TOIS 28(4), 2010.
#[must_use]
pub fn rank_biased_overlap(a: &[usize], b: &[usize], p: f64) -> f64 {
    let depth = a.len().min(b.len());
    let (mut common, mut sum, mut most, mut weight) = (0usize, 0.0, 0.0, 1.0 - p);
    for d in 0..depth {
        common += usize::from(b[..=d].contains(&a[d]));
        common += usize::from(b[d] != a[d] && a[..=d].contains(&b[d]));
        sum += weight * common as f64 / (d + 1) as f64;
        most += weight;
        weight *= p;
    }
    if most > 0.0 { sum / most } else { 0.0 }
}

/// Kendall's coefficient of concordance of several lists of values for the same things, corrected for ties: 1 where all order
/// alike, 0 where they have nothing in common. `None` for fewer than two lists or things.
#[must_use]
pub fn kendall_w(lists: &[Vec<f64>]) -> Option<f64> {
    let (m, n) = (lists.len() as f64, lists.first()?.len());
    if lists.len() < 2 || n < 2 {
        return None;
    }
    let list_ranks: Vec<Vec<f64>> = lists.iter().map(|l| ranks(l)).collect();
    let nf = n as f64;
    let mean = m * (nf + 1.0) / 2.0;
    let s: f64 = (0..n).map(|k| (list_ranks.iter().map(|r| r[k]).sum::<f64>() - mean).powi(2)).sum();
    let ties: f64 = list_ranks
        .iter()
        .map(|r| {
            let mut sorted = r.clone();
            sorted.sort_by(f64::total_cmp);
            sorted.chunk_by(|a, b| a == b).map(|c| (c.len() as f64).powi(3) - c.len() as f64).sum::<f64>()
        })
        .sum();
    let most = m * m * (nf.powi(3) - nf) - m * ties;
    (most > 0.0).then(|| 12.0 * s / most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    #[test]
    fn the_ends_of_the_scales() {
        let same = vec![vec![true, false, true, false]; 4];
        let i = nogueira(&same).unwrap();
        assert!((i.value - 1.0).abs() < 1e-12 && (i.high - i.low).abs() < 1e-9, "{i:?}");
        assert_eq!(nogueira(&[vec![true, true], vec![true, true]]), None);
        let up: Vec<usize> = (0..10).collect();
        let down: Vec<usize> = (0..10).rev().collect();
        assert!((rank_biased_overlap(&up, &up, 0.9) - 1.0).abs() < 1e-12);
        assert!(rank_biased_overlap(&up, &down, 0.9) < 0.4);
        assert_eq!(kendall_w(&[vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0]]), Some(1.0));
        assert_eq!(kendall_w(&[vec![1.0, 2.0, 3.0], vec![3.0, 2.0, 1.0]]), Some(0.0));
    }

    /// The overlap by its definition: sets of every depth.
    #[test]
    fn overlap_by_sets() {
        let (a, b) = ([3, 1, 0, 2, 4], [1, 3, 4, 0, 2]);
        let (mut sum, mut most) = (0.0, 0.0);
        for d in 1..=5 {
            let common = a[..d].iter().filter(|x| b[..d].contains(x)).count() as f64;
            let w = 0.1 * 0.9f64.powi(d as i32 - 1);
            sum += w * common / d as f64;
            most += w;
        }
        assert!((rank_biased_overlap(&a, &b, 0.9) - sum / most).abs() < 1e-12);
    }

    /// Selections with known probabilities: the interval holds the true stability in about 95 % of 1000 worlds.
    #[test]
    fn the_interval_of_stability_covers() {
        let p: Vec<f64> = (0..40)
            .map(|f| {
                if f < 6 {
                    0.9
                } else if f < 12 {
                    0.5
                } else {
                    0.1
                }
            })
            .collect();
        let k: f64 = p.iter().sum();
        let truth = 1.0 - p.iter().map(|p| p * (1.0 - p)).sum::<f64>() / 40.0 / (k / 40.0 * (1.0 - k / 40.0));
        let mut random = Random(11);
        let hit = (0..1000).filter(|_| {
            let z: Vec<Vec<bool>> = (0..50).map(|_| p.iter().map(|p| random.uniform() < *p).collect()).collect();
            nogueira(&z).is_some_and(|i| i.low <= truth && truth <= i.high)
        });
        let share = hit.count() as f64 / 1000.0;
        assert!((0.92..=0.98).contains(&share), "{share}");
    }
}
