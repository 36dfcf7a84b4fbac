//! Level of a frame of samples.

use super::sums::fine_dot;

/// Mean square of a frame, relative to full scale.
///
/// Range: `>= 0`; 0 for silence and for an empty frame.
#[must_use]
pub fn mean_square(frame: &[f32]) -> f64 {
    if frame.is_empty() {
        return 0.0;
    }
    // Sixteen short sums in single precision (20 samples each of a 20 ms frame) lose less than 1e-6 of the value.
    fine_dot(frame, frame) / frame.len() as f64
}

/// `10 log10` of a power, in dB, not below -120 dB (the standard's floor of 1e-12).
#[must_use]
pub fn power_to_db(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_is_3_db_below_a_full_scale_square() {
        let sine: Vec<f32> = (0..320).map(|i| (std::f32::consts::TAU * i as f32 / 32.0).sin()).collect();
        assert!((power_to_db(mean_square(&sine)) + 3.0103).abs() < 1e-3);
        assert!((power_to_db(mean_square(&[1.0; 320]))).abs() < 1e-9);
        assert_eq!(power_to_db(mean_square(&[0.0; 320])), -120.0);
        assert_eq!(mean_square(&[]), 0.0);
    }
}
