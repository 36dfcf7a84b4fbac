//! Ranks in general: intervals over corpora, of which those of a study are a small sample.

use crate::statistics::{Interval, mean_over_units, ranks};

/// Intervals of ranks over corpora: where features would stand in the mean of all corpora such as these. `None` for fewer than two.
///
/// A feature stands above another beyond doubt where the 95 % interval (Student's t over corpora) of the difference of their
/// standings is above zero. The interval of a rank leaves room for all that are not beyond doubt above or below: it holds the true
/// rank in at least 95 % of cases, in most settings in more.
#[must_use]
pub fn over_corpora(standings: &[Vec<f64>]) -> Option<Vec<Interval>> {
    if standings.len() < 2 {
        return None;
    }
    let width = standings[0].len();
    let mean: Vec<f64> = (0..width).map(|f| standings.iter().map(|s| s[f]).sum()).collect();
    let one = |(f, rank): (usize, f64)| {
        let (mut above, mut below) = (0, 0);
        for g in (0..width).filter(|g| *g != f) {
            let difference = mean_over_units(&standings.iter().map(|s| s[f] - s[g]).collect::<Vec<_>>());
            above += usize::from(difference.high < 0.0);
            below += usize::from(difference.low > 0.0);
        }
        Interval { value: rank, low: (1 + above) as f64, high: (width - below) as f64 }
    };
    Some(ranks(&mean).into_iter().enumerate().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::interval;
    use crate::statistics::streams::{Purpose, stream};

    /// Few corpora drawn from a world in which the mean standing of every feature is known: intervals hold its rank. Those of corpora
    /// drawn with replacement, the usual bootstrap, would hold it far too seldom.
    #[test]
    fn rank_intervals_cover_over_corpora() {
        const FEATURES: usize = 20;
        for corpora in [2, 3, 5] {
            let (mut hit, mut bootstrap, mut wide) = (0, 0, 0.0);
            for world in 0..200u64 {
                let mut r = stream(world, Purpose::Voices, corpora as u64);
                let truth = |f: usize| 1.0 - f as f64 / FEATURES as f64;
                let standings: Vec<Vec<f64>> =
                    (0..corpora).map(|_| (0..FEATURES).map(|f| truth(f) + 0.15 * r.normal()).collect()).collect();
                let found = over_corpora(&standings).unwrap();
                let holds =
                    |f: usize, low: f64, high: f64| usize::from(low <= f as f64 + 1.0 && f as f64 + 1.0 <= high);
                let drawn: Vec<Vec<f64>> = (0..300)
                    .map(|_| {
                        let list: Vec<usize> = (0..corpora).map(|_| r.below(corpora)).collect();
                        ranks(&(0..FEATURES).map(|f| list.iter().map(|k| standings[*k][f]).sum()).collect::<Vec<f64>>())
                    })
                    .collect();
                for (f, i) in found.iter().enumerate() {
                    hit += holds(f, i.low, i.high);
                    wide += i.high - i.low;
                    let again = interval(i.value, drawn.iter().map(|d| d[f]).collect());
                    bootstrap += holds(f, again.low, again.high);
                }
            }
            let share = |n: usize| n as f64 / (200 * FEATURES) as f64;
            let wide = wide / (200 * FEATURES) as f64;
            eprintln!(
                "{corpora} corpora: {:.3} held, by the bootstrap {:.3}; width {wide:.1}",
                share(hit),
                share(bootstrap)
            );
            assert!(share(hit) >= 0.95, "{corpora} corpora: {}", share(hit));
            assert!(corpora > 3 || share(bootstrap) < 0.93, "{corpora} corpora: {}", share(bootstrap));
            // Neither is everything possible.
            assert!(corpora < 5 || wide < 10.0, "{wide}");
        }
        assert_eq!(over_corpora(&[vec![1.0, 0.0]]), None);
    }

    #[test]
    fn what_is_beyond_doubt_in_all_corpora_has_its_place() {
        let same = vec![vec![1.0, 0.5, 0.0]; 3];
        let found = over_corpora(&same).unwrap();
        assert_eq!(
            found.iter().map(|i| (i.low, i.value, i.high)).collect::<Vec<_>>(),
            [(1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (3.0, 3.0, 3.0)]
        );
    }
}
