//! Window functions, computed in f64 and stored in f32.

use std::f64::consts::PI;

/// Symmetric Hamming window of `n` points: `0.54 - 0.46 cos(2 pi i / (n - 1))`.
#[must_use]
pub fn hamming(n: usize) -> Vec<f32> {
    let last = (n.max(2) - 1) as f64;
    (0..n).map(|i| (0.54 - 0.46 * (2.0 * PI * i as f64 / last).cos()) as f32).collect()
}

/// Symmetric Gaussian window of `n` points: `exp(-z^2 / 2)`, `z = (i - (n-1)/2) / (sigma (n-1)/2)`.
#[must_use]
pub fn gauss(n: usize, sigma: f64) -> Vec<f32> {
    let half = (n.max(2) - 1) as f64 / 2.0;
    (0..n)
        .map(|i| {
            let z = (i as f64 - half) / (sigma * half);
            (-0.5 * z * z).exp() as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_and_centre() {
        let h = hamming(321);
        assert!((h[0] - 0.08).abs() < 1e-7 && (h[160] - 1.0).abs() < 1e-7 && h[0] == h[320]);
        let g = gauss(961, 0.4);
        assert!((g[480] - 1.0).abs() < 1e-7);
        assert!((f64::from(g[0]) - (-0.5f64 / 0.16).exp()).abs() < 1e-7);
    }
}
