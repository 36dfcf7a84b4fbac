//! Perceived loudness in the manner of perceptual linear prediction.

/// Floor of a band energy; digital silence thus has a loudness of about 0.001034.
const FLOOR: f64 = 9.3e-10;
const EXPONENT: f32 = 0.33;

/// Weights of the equal-loudness curve at the centres of a mel bank.
#[derive(Debug, Clone)]
pub struct LoudnessPlan {
    /// Logarithms of the weights.
    weights: Vec<f32>,
    floor: f32,
}

/// The equal-loudness curve at frequency `hz`, with the seventh power of the angular frequency in its last factor, as
/// the reference feature set computes it (after Hermansky 1990, who prints the sixth).
fn equal_loudness(hz: f64) -> f64 {
    let w2 = (std::f64::consts::TAU * hz).powi(2);
    let w = w2.sqrt();
    1e32 * (w2 + 56.8e6) * w2 * w2 / ((w2 + 6.3e6).powi(2) * (w2 + 0.38e9) * (w.powi(7) + 1.7e31))
}

impl LoudnessPlan {
    /// Weights for bands with these centre frequencies, in Hz.
    #[must_use]
    pub fn new(centres_hz: &[f64]) -> Self {
        Self { weights: centres_hz.iter().map(|f| equal_loudness(*f).ln() as f32).collect(), floor: FLOOR.ln() as f32 }
    }

    /// Loudness of one frame: mean over bands of `(max(E, 9.3e-10) L)^0.33`.
    ///
    /// Input: natural logarithms of the band energies `E` of the power spectrum (unscaled), minus infinity for 0. Unit: arbitrary, grows with the cube root of power.
    /// Range: `> 0`; silence gives 0.0010340 with the bank of 26 bands from 20 to 8000 Hz.
    #[must_use]
    pub fn process(&self, log_energies: &[f32]) -> f32 {
        let sum: f32 =
            log_energies.iter().zip(&self.weights).map(|(e, w)| (EXPONENT * (e.max(self.floor) + w)).exp()).sum();
        sum / self.weights.len().max(1) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::mel::MelBank;

    #[test]
    fn silence_has_the_standard_value() {
        let bank = MelBank::new(26, 20.0, 8000.0, 31.25);
        let plan = LoudnessPlan::new(bank.centres_hz());
        assert!((plan.process(&[f32::NEG_INFINITY; 26]) - 0.001_034_0).abs() < 1e-7);
    }

    #[test]
    fn ten_db_more_is_a_factor_of_ten_to_the_0_33() {
        let plan = LoudnessPlan::new(&[500.0, 1000.0]);
        let ratio = plan.process(&[10f32.ln(), 20f32.ln()]) / plan.process(&[0.0, 2f32.ln()]);
        assert!((f64::from(ratio) - 10f64.powf(0.33)).abs() < 1e-5);
    }
}
