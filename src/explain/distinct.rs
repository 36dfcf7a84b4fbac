//! The reasons that differ: near copies of one feature count as one.

/// One reason: a column and its near copies.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The column that contributes most.
    pub column: usize,
    /// Its near copies, in the order of their contributions.
    pub copies: Vec<usize>,
    /// What all of them contribute together.
    pub contribution: f64,
}

/// The strongest reasons, in that order, given every column's contribution and the cluster that it belongs to, if any.
#[must_use]
pub fn distinct(values: &[f64], cluster: impl Fn(usize) -> Option<usize>, count: usize) -> Vec<Reason> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    let mut reasons: Vec<Reason> = Vec::with_capacity(order.len());
    for column in order {
        let leader = cluster(column).and_then(|c| reasons.iter_mut().find(|r| cluster(r.column) == Some(c)));
        match leader {
            Some(reason) => {
                reason.copies.push(column);
                reason.contribution += values[column];
            }
            None => reasons.push(Reason { column, copies: Vec::new(), contribution: values[column] }),
        }
    }
    // Stable: among equals the strongest column stays first.
    reasons.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    reasons.truncate(count);
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_copies_are_one_reason() {
        let values = [0.5, 0.4, -0.8, 0.375, 0.0];
        let cluster = |k: usize| [Some(0), None, Some(1), Some(0), Some(1)][k];
        let found = distinct(&values, cluster, 2);
        // Columns 0 and 3 have 0.875 together; column 4 adds nothing to column 2.
        assert_eq!(found.iter().map(|r| r.column).collect::<Vec<_>>(), [0, 2]);
        assert_eq!((&found[0].copies[..], &found[1].copies[..]), (&[3][..], &[4][..]));
        assert_eq!((found[0].contribution, found[1].contribution), (0.875, -0.8));
    }

    #[test]
    fn copies_that_cancel_are_no_reason() {
        let values = [1.0, -0.9, 0.2];
        let found = distinct(&values, |k| (k < 2).then_some(7), 1);
        assert_eq!(found[0].column, 2);
    }

    #[test]
    fn without_clusters_every_column_stands_alone() {
        let found = distinct(&[0.1, -0.3, 0.2], |_| None, 9);
        assert_eq!(found.iter().map(|r| r.column).collect::<Vec<_>>(), [1, 2, 0]);
        assert!(found.iter().all(|r| r.copies.is_empty()));
    }
}
