//! Clusters of correlated features, by Spearman's correlation. Members of a cluster share its importance.

use super::learners::Rows;
use crate::statistics::ranks;
use ndarray::{Array2, Axis};

/// Features at least this alike fall into one cluster (average linkage).
pub const ALIKE: f64 = 0.7;

/// Magnitude of Spearman's correlation between columns; a column that does not move goes with none.
#[must_use]
pub fn spearman(rows: &Rows) -> Array2<f64> {
    let (n, d) = rows.dim();
    let mut z = Array2::<f64>::zeros((n, d));
    for (k, column) in rows.axis_iter(Axis(1)).enumerate() {
        let r = ranks(&column.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
        let mean = r.iter().sum::<f64>() / n.max(1) as f64;
        let size = r.iter().map(|v| (v - mean).powi(2)).sum::<f64>().sqrt();
        if size > 0.0 {
            r.iter().enumerate().for_each(|(i, v)| z[(i, k)] = (v - mean) / size);
        }
    }
    z.t().dot(&z).mapv(f64::abs)
}

/// Clusters of columns, each sorted, ordered by their first member: the two most alike clusters are joined as long as their
/// members correlate by [`ALIKE`] on average.
#[must_use]
pub fn clusters(alike: &Array2<f64>) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = (0..alike.nrows()).map(|k| vec![k]).collect();
    let mut link = alike.clone();
    loop {
        let mut best = (ALIKE, 0, 0);
        for a in 0..parts.len() {
            for b in a + 1..parts.len() {
                if link[(a, b)] > best.0 {
                    best = (link[(a, b)], a, b);
                }
            }
        }
        let (_, a, b) = best;
        if a == b {
            break;
        }
        // Average linkage: the joined cluster is as near to others as its parts are, weighed by size; the last takes b's place.
        let (na, nb) = (parts[a].len() as f64, parts[b].len() as f64);
        for k in 0..parts.len() {
            let joined = (na * link[(a, k)] + nb * link[(b, k)]) / (na + nb);
            link[(a, k)] = joined;
            link[(k, a)] = joined;
        }
        let gone = parts.swap_remove(b);
        let last = parts.len();
        for k in 0..=last {
            let v = link[(last, k)];
            link[(b, k)] = v;
            link[(k, b)] = v;
        }
        let at = if a == last { b } else { a };
        parts[at].extend(gone);
    }
    parts.iter_mut().for_each(|p| p.sort_unstable());
    parts.sort();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;

    #[test]
    fn copies_fall_together() {
        let mut random = Random(9);
        let rows = Array2::from_shape_fn((200, 3), |_| random.bits() as f32);
        // Columns: a, b, -a, c, exp-like of a: monotone, so Spearman takes them for the same.
        let wide = Array2::from_shape_fn((200, 5), |(i, k)| match k {
            0 => rows[(i, 0)],
            1 => rows[(i, 1)],
            2 => -rows[(i, 0)],
            3 => rows[(i, 2)],
            _ => rows[(i, 0)].sqrt(),
        });
        assert_eq!(clusters(&spearman(&wide)), vec![vec![0, 2, 4], vec![1], vec![3]]);
    }
}
