//! Feature matrices that learners are fitted to, and balanced weights of their rows.

use ndarray::Array2;

/// A matrix of features: recordings by features.
pub type Rows = Array2<f32>;

/// The matrix whose rows are these lists.
///
/// # Panics
/// Where the lists differ in length.
#[must_use]
pub fn rows_of(lists: &[Vec<f32>]) -> Rows {
    let d = lists.first().map_or(0, Vec::len);
    Array2::from_shape_fn((lists.len(), d), |(i, k)| lists[i][k])
}

/// Weight of each row such that all classes that come weigh the same and the mean weight is one.
#[must_use]
pub fn weights(classes: &[usize], count: usize) -> Vec<f32> {
    let counts: Vec<usize> = (0..count).map(|c| classes.iter().filter(|k| **k == c).count()).collect();
    let present = counts.iter().filter(|n| **n > 0).count().max(1);
    classes.iter().map(|c| classes.len() as f32 / (present * counts[*c].max(1)) as f32).collect()
}
