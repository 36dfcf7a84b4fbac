//! Natural logarithms of whole spectra.

use super::wide::wide;

wide! {
    /// `ln x` of every value of `input` into `output`, values below `floor` taken as `floor` (which must be positive and
    /// normal). Error below 3e-7 absolute or relative, whichever is larger; written so that it vectorises.
    pub fn ln_all(input: &[f32], floor: f32, output: &mut [f32]) {
        for (o, x) in output.iter_mut().zip(input) {
            *o = ln(if *x > floor { *x } else { floor });
        }
    }
}

/// `ln x` for positive normal `x`: the mantissa is brought to `1/sqrt 2 .. sqrt 2` and its logarithm taken by the series
/// of the inverse hyperbolic tangent, `ln m = 2 artanh((m - 1) / (m + 1))`.
#[must_use]
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const SPLIT: u32 = 0x3f35_04f3; // 1 / sqrt 2
    let bits = x.to_bits().wrapping_sub(SPLIT);
    let exponent = (bits as i32) >> 23;
    let m = f32::from_bits((bits & 0x007f_ffff).wrapping_add(SPLIT));
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
    exponent as f32 * std::f32::consts::LN_2 + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for i in -3000..3000 {
            let x = (f64::from(i) * 0.0287).exp();
            let got = f64::from(ln(x as f32));
            let expected = f64::from(x as f32).ln();
            assert!((got - expected).abs() <= 4e-7 * expected.abs().max(1.0), "{x}: {got} {expected}");
        }
        let mut out = [0.0; 3];
        ln_all(&[0.0, 1.0, -3.0], 1e-10, &mut out);
        assert_eq!(out[1], 0.0);
        assert!((out[0] - 1e-10f32.ln()).abs() < 1e-5 && out[0] == out[2]);
    }
}
