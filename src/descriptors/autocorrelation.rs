//! The autocorrelation of a frame with that of its window divided out (Boersma 1993), of what lies in the band that every
//! line carries ([`LineBand`]).

use super::line_band::LineBand;
use super::periodicity::peak_of_five;
use crate::signal::fourier::Fourier;
use crate::signal::sums::products;

/// Longest lag, in samples at 16 kHz: 50 Hz.
pub const LAGS: usize = 324;

/// The transform from power to autocorrelation and the correction for one window, shared by all streams.
#[derive(Debug, Clone)]
pub struct AutocorrelationPlan {
    inverse: Fourier,
    /// Weights of the bins.
    weights: Vec<f32>,
    /// `w(0) / w(lag)`.
    correction: Vec<f32>,
}

/// The autocorrelation of one frame, and work space.
#[derive(Debug, Clone)]
pub struct Autocorrelation {
    weighted: Vec<f32>,
    /// `r(lag) / r(0)`, window divided out.
    lags: Vec<f32>,
}

/// Correlation of a window with itself, shifted by `lag` on a circle of `size` points.
fn circular(window: &[f32], size: usize, lag: usize) -> f64 {
    (0..window.len()).map(|i| f64::from(window[i]) * window.get((i + lag) % size).map_or(0.0, |w| f64::from(*w))).sum()
}

impl AutocorrelationPlan {
    /// A plan for spectra of `size` points, `df_hz` apart, of frames under `window`.
    #[must_use]
    pub fn new(window: &[f32], size: usize, df_hz: f64) -> Self {
        let zero = circular(window, size, 0);
        Self {
            inverse: Fourier::inverse(size),
            weights: LineBand::new(df_hz).weights(size / 2 + 1),
            correction: (0..LAGS).map(|lag| (zero / circular(window, size, lag)) as f32).collect(),
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> Autocorrelation {
        Autocorrelation { weighted: vec![0.0; self.weights.len()], lags: vec![0.0; LAGS] }
    }

    /// Takes the power spectrum of a frame. Silence gives zeros.
    ///
    /// The transform is not padded to twice the frame's length, so that lags beyond 10 ms hold a little of the far
    /// end of the frame (1 % at 60 Hz): enough to choose among candidates, not to measure noise by.
    pub fn process(&self, state: &mut Autocorrelation, power: &[f32]) {
        products(power, &self.weights, &mut state.weighted);
        self.inverse.even_inverse(&state.weighted, &mut state.lags);
        let zero = state.lags[0];
        let scale = if zero > 0.0 { 1.0 / zero } else { 0.0 };
        for (l, c) in state.lags.iter_mut().zip(&self.correction) {
            *l = *l * scale * c;
        }
    }
}

impl Autocorrelation {
    /// `r(lag) / r(0)` with the window divided out, for lags from 0 in samples.
    #[must_use]
    pub fn lags(&self) -> &[f32] {
        &self.lags
    }

    /// Lag (in samples) and height of the peak within 3 % of `lag`, at least two samples, by the polynomial through five
    /// points; where there is no peak, `lag` itself with the least height around it. The
    /// flag says which.
    #[must_use]
    pub fn peak_near(&self, lag: usize) -> (f64, f64, bool) {
        let reach = (lag * 3 / 100).max(2);
        let from = lag.saturating_sub(reach).max(2);
        let near = &self.lags[from..(lag + reach + 1).min(LAGS - 2)];
        let best = (1..near.len()).fold(0, |b, i| if near[i] > near[b] { i } else { b }) + from;
        if self.lags[best] >= self.lags[best - 1] && self.lags[best] >= self.lags[best + 1] {
            let five: [f64; 5] = std::array::from_fn(|i| f64::from(self.lags[best + i - 2]));
            let (shift, height) = peak_of_five(&five);
            (best as f64 + shift, height, true)
        } else {
            (lag as f64, f64::from(near.iter().fold(1.0f32, |m, r| m.min(*r))), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::spectrum::SpectrumPlan;
    use crate::signal::window::gauss;

    #[test]
    fn a_periodic_sound_has_a_peak_of_one_at_its_period() {
        let window = gauss(960, 0.4);
        let spectrum = SpectrumPlan::new(window.clone());
        let plan = AutocorrelationPlan::new(&window, spectrum.size(), 16_000.0 / spectrum.size() as f64);
        let (mut s, mut a) = (spectrum.state(), plan.state());
        for hz in [110.0f64, 170.0, 240.0, 333.0] {
            let x: Vec<f32> = (0..960)
                .map(|i| {
                    (1..6)
                        .map(|h| (f64::from(h) * hz * f64::from(i) / 16_000.0 * std::f64::consts::TAU).cos())
                        .sum::<f64>() as f32
                })
                .collect();
            spectrum.process(&mut s, &x);
            plan.process(&mut a, &s.power);
            let (lag, height, _) = a.peak_near((16_000.0 / hz).round() as usize);
            assert!((lag * hz / 16_000.0 - 1.0).abs() < 2e-3, "{hz}: {lag}");
            assert!((height - 1.0).abs() < 0.01, "{hz}: {height}");
        }
        plan.process(&mut a, &[0.0; 513]);
        assert_eq!(a.peak_near(100).1, 0.0);
    }
}
