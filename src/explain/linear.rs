//! Linear models, in closed form.

use crate::onnx::affine::Affine;

/// Shapley values of a linear map: every weight times the distance from the background's mean. Returns the base value and
/// one value for each column, for output `target`.
///
/// The interventional Shapley value of a linear function needs no approximation, whatever the correlations.
#[must_use]
pub fn attribute(map: &Affine, row: &[f32], mean: &[f64], target: usize) -> (f64, Vec<f64>) {
    let weights = &map.weights[target * map.inputs..][..map.inputs];
    let base = map.bias[target] + weights.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>();
    let values = weights.iter().zip(row).zip(mean).map(|((w, x), m)| w * (f64::from(*x) - m)).collect();
    (base, values)
}
