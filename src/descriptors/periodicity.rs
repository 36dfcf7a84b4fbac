//! Harmonics-to-noise ratio and exact period: how alike the waveform and itself one period later are, under one window.

use crate::signal::PITCH;
use crate::signal::sums::{dot, fine_dot, products};

/// Points on each side of the period; F0 is known to within a sample of it.
const REACH: usize = 2;
const POINTS: usize = 2 * REACH + 1;
/// Highest ratio, in dB: what single precision and the interpolation between samples can tell.
pub const CEILING_DB: f32 = 45.0;
/// Lowest ratio, in dB.
pub const FLOOR_DB: f32 = -20.0;

/// The window, shared by all streams.
#[derive(Debug, Clone)]
pub struct PeriodicityPlan {
    window: Vec<f32>,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct PeriodicityState {
    weighted: Vec<f32>,
    beside: Vec<f32>,
}

/// How periodic a frame is, and with which period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Periodicity {
    /// Harmonics-to-noise ratio in dB, -20 to 45.
    pub hnr_db: f32,
    /// The period at which the frame is most like itself, in samples.
    pub period: f64,
}

impl PeriodicityPlan {
    /// A plan for pitch frames under `window`.
    #[must_use]
    pub fn new(window: Vec<f32>) -> Self {
        Self { window }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> PeriodicityState {
        PeriodicityState { weighted: vec![0.0; self.window.len()], beside: vec![0.0; self.window.len()] }
    }

    /// HNR and period of a frame with fundamental `f0_hz`, known to within a sample: HNR is `10 log10(r / (1 - r))`, `r` the highest correlation, at
    /// the period to within a sample, between the frame and itself shifted by the lag, both weighted by the one window that is
    /// centred between them. The window falls out of the ratio, so that a periodic sound has `r = 1` whatever its
    /// period: the correction of Boersma (1993), made exact.
    ///
    /// Range: -20 to 45. `None` for silence or for a period beyond half the frame.
    #[must_use]
    pub fn process(
        &self,
        state: &mut PeriodicityState,
        samples: &[f32],
        f0_hz: f64,
        rate_hz: f64,
    ) -> Option<Periodicity> {
        debug_assert_eq!(samples.len(), PITCH);
        let period = (rate_hz / f0_hz).round() as usize;
        if period <= REACH || period + REACH >= samples.len() / 2 {
            return None;
        }
        let length = samples.len() - period - REACH;
        let window = &self.window[period / 2..period / 2 + length];
        let here = &samples[..length];
        let weighted = &mut state.weighted[..length];
        products(here, window, weighted);
        let own = f64::from(dot(weighted, here));
        let at = |offset: usize| &samples[period + offset - REACH..][..length];
        let beside = &mut state.beside[..length];
        let middle: [(f64, f64); 3] = std::array::from_fn(|i| {
            let there = at(i + 1);
            products(window, there, beside);
            (fine_dot(weighted, there), fine_dot(beside, there))
        });
        // The energy changes so evenly that the outer points need no sum of their own.
        let energy =
            [2.0 * middle[0].1 - middle[1].1, middle[0].1, middle[1].1, middle[2].1, 2.0 * middle[2].1 - middle[1].1];
        let outer = |i: usize| f64::from(dot(weighted, at(i)));
        let product = [outer(0), middle[0].0, middle[1].0, middle[2].0, outer(4)];
        let r: [f64; POINTS] = std::array::from_fn(|i| product[i] / (own * energy[i]).sqrt());
        if own <= 0.0 || r.iter().any(|r| !r.is_finite()) {
            return None;
        }
        let (shift, height) = peak_of_five(&r);
        let ratio = if height >= 1.0 { f64::INFINITY } else { (height / (1.0 - height)).max(1e-9) };
        let hnr_db = (10.0 * ratio.log10()).clamp(f64::from(FLOOR_DB), f64::from(CEILING_DB)) as f32;
        Some(Periodicity { hnr_db, period: period as f64 + shift })
    }
}

/// Place (from the middle) and height of the peak near the middle of five points, by the polynomial of fourth degree through
/// them.
pub(super) fn peak_of_five(r: &[f64; POINTS]) -> (f64, f64) {
    // Coefficients around the middle point, from central differences.
    let odd = [(r[3] - r[1]) / 2.0, (r[4] - r[0]) / 2.0];
    let even = [(r[3] + r[1]) / 2.0 - r[2], (r[4] + r[0]) / 2.0 - r[2]];
    let c3 = (odd[1] - 2.0 * odd[0]) / 6.0;
    let c1 = odd[0] - c3;
    let c4 = (even[1] - 4.0 * even[0]) / 12.0;
    let c2 = even[0] - c4;
    let value = |x: f64| r[2] + x * (c1 + x * (c2 + x * (c3 + x * c4)));
    let mut x = if c2 < 0.0 { (-0.5 * c1 / c2).clamp(-1.0, 1.0) } else { 0.0 };
    for _ in 0..2 {
        let first = c1 + x * (2.0 * c2 + x * (3.0 * c3 + x * 4.0 * c4));
        let second = 2.0 * c2 + x * (6.0 * c3 + x * 12.0 * c4);
        if second < 0.0 {
            x = (x - first / second).clamp(-1.5, 1.5);
        }
    }
    if value(x) > r[2] { (x, value(x)) } else { (0.0, r[2]) }
}
