//! Resonance candidates of a frame: selective linear prediction (Makhoul 1975) from its power spectrum.

use super::roots::{MAX_DEGREE, roots_near};
use crate::signal::sums::{fine_dot, products};
use realfft::num_complex::Complex64;
use std::f64::consts::PI;

/// Order of the predictor: five resonances below the top.
pub const ORDER: usize = 10;
/// Most resonances that a frame can have.
pub const RESONANCES: usize = ORDER / 2;
/// Highest frequency modelled, in Hz.
const TOP_HZ: f64 = 5500.0;
/// Frequency from which the pre-emphasis rises by 6 dB per octave, in Hz.
const EMPHASIS_HZ: f64 = 50.0;
/// Resonances nearer than this to either end are slopes, not resonances.
const MARGIN_HZ: f64 = 50.0;

/// Poles of a neutral vowel: 550, 1650, 2750 and 3850 Hz, a tenth, three tenths ... of the half circle, radius 0.95.
const NEUTRAL: [Complex64; 4] = [
    Complex64::new(0.903_503_7, 0.293_566_1),
    Complex64::new(0.558_396_0, 0.768_566_1),
    Complex64::new(0.0, 0.95),
    Complex64::new(-0.558_396_0, 0.768_566_1),
];

/// One resonance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Resonance {
    /// Frequency in Hz.
    pub hz: f64,
    /// Bandwidth at -3 dB, in Hz.
    pub bandwidth_hz: f64,
}

/// The resonances of one frame, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Resonances {
    list: [Resonance; RESONANCES],
    count: usize,
}

impl Resonances {
    /// Those there are.
    #[must_use]
    pub fn list(&self) -> &[Resonance] {
        &self.list[..self.count]
    }
}

/// Weights for one spacing of bins.
#[derive(Debug, Clone)]
pub struct PredictionPlan {
    bins: usize,
    emphasis: Vec<f32>,
    /// One row of cosines per lag.
    cosines: Vec<f32>,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct PredictionState {
    power: Vec<f32>,
}

impl PredictionPlan {
    /// A plan for spectra with bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        let last = (TOP_HZ / df_hz).round() as usize;
        let pole = (-PI * EMPHASIS_HZ / TOP_HZ).exp();
        let emphasis = (0..=last)
            .map(|k| {
                let edge = if k == 0 || k == last { 0.5 } else { 1.0 };
                (edge * (1.0 + pole * pole - 2.0 * pole * (PI * k as f64 / last as f64).cos())) as f32
            })
            .collect();
        let cosines = (0..=ORDER)
            .flat_map(|lag| (0..=last).map(move |k| (PI * (lag * k) as f64 / last as f64).cos() as f32))
            .collect();
        Self { bins: last + 1, emphasis, cosines }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> PredictionState {
        PredictionState { power: vec![0.0; self.bins] }
    }

    /// Resonances of one power spectrum (any scale). Silence has none.
    #[must_use]
    pub fn process(&self, state: &mut PredictionState, power: &[f32]) -> Resonances {
        products(power, &self.emphasis, &mut state.power);
        let mut r = [0.0f64; ORDER + 1];
        for (r, row) in r.iter_mut().zip(self.cosines.chunks_exact(self.bins)) {
            *r = fine_dot(&state.power, row);
        }
        if r[0] <= 0.0 {
            return Resonances::default();
        }
        r[0] *= 1.0 + 1e-7;
        resonances(&levinson(&r))
    }
}

/// Coefficients `1, a_1 .. a_p` of the inverse filter.
fn levinson(r: &[f64; ORDER + 1]) -> [f64; ORDER + 1] {
    let mut a = [0.0; ORDER + 1];
    a[0] = 1.0;
    let mut error = r[0];
    for m in 1..=ORDER {
        let k = -(0..m).map(|i| a[i] * r[m - i]).sum::<f64>() / error;
        let old = a;
        for i in 1..=m {
            a[i] = old[i] + k * old[m - i];
        }
        error *= 1.0 - k * k;
        if error <= r[0] * 1e-14 {
            break;
        }
    }
    a
}

fn resonances(a: &[f64; ORDER + 1]) -> Resonances {
    let mut found = [Complex64::default(); MAX_DEGREE];
    let count = roots_near(a, &NEUTRAL, &mut found);
    let mut out = Resonances::default();
    for z in &found[..count] {
        let hz = z.arg().abs() * TOP_HZ / PI;
        if z.im > 0.0 && (MARGIN_HZ..=TOP_HZ - MARGIN_HZ).contains(&hz) && out.count < RESONANCES {
            out.list[out.count] = Resonance { hz, bandwidth_hz: -z.norm().ln() * 2.0 * TOP_HZ / PI };
            out.count += 1;
        }
    }
    out.list[..out.count].sort_unstable_by(|a, b| a.hz.total_cmp(&b.hz));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spectrum of a known all-pole filter gives its poles back.
    #[test]
    fn known_resonances_come_back() {
        let df = 31.25;
        let plan = PredictionPlan::new(df);
        let truth = [(500.0, 60.0), (1500.0, 90.0), (2500.0, 120.0), (3500.0, 150.0), (4500.0, 200.0)];
        let pole = (-PI * EMPHASIS_HZ / TOP_HZ).exp();
        let power: Vec<f32> = (0..257)
            .map(|k| {
                let z = Complex64::from_polar(1.0, -PI * f64::from(k) * df / TOP_HZ);
                let mut gain = 1.0 / (1.0 - z * pole).norm_sqr();
                for (hz, b) in truth {
                    let p = Complex64::from_polar((-PI * b / (2.0 * TOP_HZ)).exp(), PI * hz / TOP_HZ);
                    gain /= ((1.0 - p * z) * (1.0 - p.conj() * z)).norm_sqr();
                }
                gain as f32
            })
            .collect();
        let found = plan.process(&mut plan.state(), &power);
        assert_eq!(found.list().len(), 5);
        for (r, (hz, b)) in found.list().iter().zip(truth) {
            assert!((r.hz - hz).abs() < 2.0 && (r.bandwidth_hz - b).abs() < 0.1 * b, "{r:?} is not {hz}, {b}");
        }
        assert!(plan.process(&mut plan.state(), &[0.0; 257]).list().is_empty());
    }
}
