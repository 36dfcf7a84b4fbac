//! Background datasets of explanations: the rows that attributions compare with.

use super::data::Dataset;
use super::learners::Rows;
use ndarray::Axis;
use std::collections::BTreeMap;

/// The background dataset: the same number of rows from each class, evenly spaced in the corpus's order.
pub(super) fn spread(rows: &Rows, classes: &[usize], count: usize, total: usize) -> Vec<Vec<f32>> {
    let mut out = Vec::with_capacity(total);
    for c in 0..count {
        let members: Vec<usize> = (0..rows.nrows()).filter(|i| classes[*i] == c).collect();
        let share = total / count + usize::from(c < total % count);
        out.extend((0..share.min(members.len())).map(|k| rows.row(members[k * members.len() / share]).to_vec()));
    }
    out
}

/// The mean row of each label in each corpus.
pub(super) fn prototypes(rows: &Rows, data: &Dataset) -> Vec<Vec<f32>> {
    let mut members_of: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (i, s) in data.samples.iter().enumerate() {
        members_of.entry((&s.label, &s.corpus)).or_default().push(i);
    }
    members_of.values().filter_map(|list| rows.select(Axis(0), list).mean_axis(Axis(0))).map(|r| r.to_vec()).collect()
}
