//! Percentiles with linear interpolation.

/// Percentile `p` (0 to 1) of ascending values at index `p (N - 1)`; `None` without values.
#[must_use]
pub fn percentile(sorted: &[f32], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = p.clamp(0.0, 1.0) * last as f64;
    let low = (at.floor() as usize).min(last);
    let high = (low + 1).min(last);
    let (a, b) = (f64::from(sorted[low]), f64::from(sorted[high]));
    Some(a + (b - a) * (at - low as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_between_ranks() {
        let v = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(percentile(&v, 0.0), Some(1.0));
        assert_eq!(percentile(&v, 0.5), Some(4.0));
        assert!((percentile(&v, 0.8).unwrap() - 9.6).abs() < 1e-12);
        assert_eq!(percentile(&v, 1.0), Some(16.0));
        assert_eq!(percentile(&[3.0], 0.2), Some(3.0));
        assert_eq!(percentile(&[], 0.2), None);
    }
}
