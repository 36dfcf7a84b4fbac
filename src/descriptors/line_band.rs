//! The band of speech that every telephone line carries: what lies above it decides neither on pitch nor on voice.
//!
//! Above 3.6 kHz a voice is mostly noise, of which one line lets through all and the next nothing. The periodicity and the
//! level of a frame are taken below, so that the upper edge of a line does not move them.

use crate::signal::sums::sum;

/// Upper edge of the band, in Hz.
const TOP_HZ: f64 = 3600.0;
/// Bins over which the weights fall from one to nothing, half of them on each side of the edge.
const FADE: f64 = 16.0;

/// The band among the bins of a spectrum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineBand {
    top_bin: f64,
}

impl LineBand {
    /// The band in spectra with bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        Self { top_bin: TOP_HZ / df_hz }
    }

    /// Weights of `bins` bins from 0 Hz: 1 inside, 0 outside, and a straight slope between.
    #[must_use]
    pub fn weights(&self, bins: usize) -> Vec<f32> {
        (0..bins).map(|i| ((self.top_bin - i as f64) / FADE + 0.5).clamp(0.0, 1.0) as f32).collect()
    }

    /// Share of a power spectrum that lies in the band, 0 to 1. Silence gives 1: nothing lies outside.
    #[must_use]
    pub fn share(&self, power: &[f32]) -> f32 {
        let all = sum(power);
        let inside = &power[..(self.top_bin as usize + 1).min(power.len())];
        if all > 0.0 { (sum(inside) / all).min(1.0) } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_lies_at_3600_hz() {
        let band = LineBand::new(15.625);
        let weights = band.weights(513);
        assert!(weights[..222].iter().all(|w| *w == 1.0) && weights[239..].iter().all(|w| *w == 0.0));
        let half = weights.iter().position(|w| *w < 0.5).unwrap() as f64 * 15.625;
        assert!((half - TOP_HZ).abs() <= 15.625, "{half}");
        assert!(weights.windows(2).all(|w| w[0] >= w[1]));
    }

    #[test]
    fn the_share_is_that_of_the_power() {
        let band = LineBand::new(100.0);
        let mut power = vec![0.0f32; 81];
        assert_eq!(band.share(&power), 1.0);
        power[10] = 3.0;
        assert_eq!(band.share(&power), 1.0);
        power[50] = 1.0;
        assert!((band.share(&power) - 0.75).abs() < 1e-6);
    }
}
