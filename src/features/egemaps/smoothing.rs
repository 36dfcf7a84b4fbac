//! Smoothing over three neighbouring frames.

/// Plain mean of three (`sma3`).
#[must_use]
pub fn sma3(a: f32, b: f32, c: f32) -> f32 {
    ((f64::from(a) + f64::from(b) + f64::from(c)) / 3.0) as f32
}

/// 0 stays 0; otherwise the mean of those of the three that are not exactly 0 (`sma3nz`).
#[must_use]
pub fn sma3nz(a: f32, b: f32, c: f32) -> f32 {
    if b == 0.0 {
        return 0.0;
    }
    let count = 1.0 + f64::from(u8::from(a != 0.0)) + f64::from(u8::from(c != 0.0));
    ((f64::from(a) + f64::from(b) + f64::from(c)) / count) as f32
}

/// A rule for three neighbours, column by column.
pub fn columns<const N: usize>(rule: fn(f32, f32, f32) -> f32, a: &[f32; N], b: &[f32; N], c: &[f32; N]) -> [f32; N] {
    std::array::from_fn(|i| rule(a[i], b[i], c[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_left_out_and_stay() {
        assert_eq!(sma3(0.0, 3.0, 0.0), 1.0);
        assert_eq!(sma3nz(0.0, 3.0, 0.0), 3.0);
        assert_eq!(sma3nz(1.0, 3.0, 0.0), 2.0);
        assert_eq!(sma3nz(1.0, 3.0, 5.0), 3.0);
        assert_eq!(sma3nz(1.0, 0.0, 5.0), 0.0);
        assert_eq!(sma3nz(-201.0, 3.0, 0.0), -99.0);
    }
}
