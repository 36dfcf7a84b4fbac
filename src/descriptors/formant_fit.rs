//! Formant frequencies and bandwidths from the levels of the harmonics: analysis by synthesis.
//!
//! Linear prediction takes the harmonics of a high voice for resonances, and its bandwidths are those of its window.
//! Here the voice is a source that falls evenly, times resonances; their frequencies and bandwidths are moved by
//! Newton's method until the product agrees with the measured harmonics (after Olive 1971, in the logarithm, with
//! weights from the noise around each harmonic and a prior around the tracked values).

use super::formant_track::TrackedFormants;
use super::harmonic_levels::{HarmonicLevels, MOST};
use crate::signal::log::ln;
use crate::signal::wide::wide;

/// Resonances whose frequency and bandwidth are fitted.
const FITTED: usize = 4;
const UNKNOWNS: usize = 2 + 2 * FITTED;
/// Unknowns and the error, as whole registers.
const ROW: usize = (UNKNOWNS + 1).next_multiple_of(4);
const STEPS: usize = 3;
/// Resonances above those fitted, whose skirts reach down: frequency and bandwidth in Hz.
const ABOVE: [(f32, f32); 4] = [(4500.0, 200.0), (5500.0, 250.0), (6500.0, 300.0), (7500.0, 350.0)];
/// Usual bandwidths of F1 to F4, in Hz, where the prior is centred.
const BANDWIDTHS_HZ: [f32; FITTED] = [60.0, 80.0, 120.0, 160.0];
/// The source falls by 6 dB per octave above this frequency (radiation included), and by 0 below.
const SOURCE_HZ: f32 = 60.0;
/// Deviation of the prior: relative frequency, logarithm of the bandwidth, slope of the source in units of 6 dB/octave.
const FREQUENCY_PRIOR: [f32; FITTED] = [0.06, 0.045, 0.03, 0.06];
const BANDWIDTH_PRIOR: f32 = 0.6;
const SLOPE_PRIOR: f32 = 0.5;
/// Deviation of the model from a real voice, in nepers.
const MODEL_ERROR: f32 = 0.05;
/// Share of what the model missed that counts as its error on this voice.
const DOUBT: f32 = 0.3;
/// Least share of a harmonic's power that is left when the noise is taken away.
const LEAST_LEFT: f32 = 0.15;
/// Longest step: relative frequency, logarithm of bandwidth.
const FREQUENCY_STEP: f32 = 0.08;
const BANDWIDTH_STEP: f32 = 0.7;
const NARROWEST_HZ: f32 = 20.0;
const WIDEST_HZ: f32 = 800.0;
const LN_500: f32 = 6.214_608;

/// Formants of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FittedFormants {
    /// F1, F2, F3 in Hz.
    pub hz: [f32; 3],
    /// Their bandwidths at -3 dB, in Hz.
    pub bandwidth_hz: [f32; 3],
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct FormantFit {
    weight: [f32; MOST],
    /// Variance of the level of each harmonic that the noise makes.
    by_noise: [f32; MOST],
    /// Measured level less everything that is not fitted.
    target: [f32; MOST],
    octave: [f32; MOST],
    frequency: [f32; MOST],
    error: [f32; MOST],
    slopes: [[f32; MOST]; UNKNOWNS],
}

impl Default for FormantFit {
    fn default() -> Self {
        Self {
            weight: [0.0; MOST],
            by_noise: [0.0; MOST],
            target: [0.0; MOST],
            octave: [0.0; MOST],
            frequency: [0.0; MOST],
            error: [0.0; MOST],
            slopes: [[0.0; MOST]; UNKNOWNS],
        }
    }
}

/// Natural logarithm of the magnitude of a resonance at `f`, relative to its value at 0 Hz.
#[must_use]
pub fn resonance_ln(f: f32, hz: f32, bandwidth_hz: f32) -> f32 {
    let a = 0.25 * bandwidth_hz * bandwidth_hz;
    let n = hz * hz + a;
    let d = ((f - hz) * (f - hz) + a) * ((f + hz) * (f + hz) + a);
    0.5 * (n * n / d).ln()
}

impl FormantFit {
    /// Fits to the harmonics of one frame, from its tracked formants. Fewer than three harmonics leave the
    /// frequencies as they are, with the usual bandwidths.
    pub fn process(&mut self, levels: &HarmonicLevels, tracked: &TrackedFormants) -> FittedFormants {
        fit(self, levels, tracked)
    }

    #[inline(always)]
    fn newton(&mut self, levels: &HarmonicLevels, tracked: &TrackedFormants) -> FittedFormants {
        let start = tracked.hz.map(|f| f as f32);
        let (mut hz, mut width) = (start, BANDWIDTHS_HZ);
        let n = levels.count.min(MOST);
        if n >= 3 {
            self.prepare(levels);
            let mut slope = -1.0f32;
            let mut gain = self.first_gain(n, slope, &hz, &width);
            for _ in 0..STEPS {
                let Some(step) = self.step(n, gain, slope, &hz, &width, &start) else { break };
                self.reweigh(n);
                gain += step[0];
                slope += step[1];
                for i in 0..FITTED {
                    hz[i] *= step[2 + 2 * i].clamp(-FREQUENCY_STEP, FREQUENCY_STEP).exp();
                    let wider = step[3 + 2 * i].clamp(-BANDWIDTH_STEP, BANDWIDTH_STEP).exp();
                    width[i] = (width[i] * wider).clamp(NARROWEST_HZ, WIDEST_HZ);
                }
            }
        }
        FittedFormants { hz: [hz[0], hz[1], hz[2]], bandwidth_hz: [width[0], width[1], width[2]] }
    }

    #[inline(always)]
    fn prepare(&mut self, levels: &HarmonicLevels) {
        let n = levels.count.min(MOST);
        for h in 0..n {
            let f = levels.hz[h];
            let power = (2.0 * levels.ln[h]).exp();
            let noise = levels.ln_noise[h].exp();
            self.by_noise[h] = noise / power;
            self.weight[h] = 1.0 / (MODEL_ERROR * MODEL_ERROR + noise / power);
            let mut known = 1.0 / (1.0 + (SOURCE_HZ / f) * (SOURCE_HZ / f));
            known *= known;
            for (above, b) in ABOVE {
                let a = 0.25 * b * b;
                let n = above * above + a;
                known *= n / ((f - above) * (f - above) + a) * (n / ((f + above) * (f + above) + a));
            }
            let measured = (power - noise).max(LEAST_LEFT * power);
            self.target[h] = 0.5 * ln((measured / known).max(f32::MIN_POSITIVE));
            self.octave[h] = ln(f.max(1.0)) - LN_500;
            self.frequency[h] = f;
        }
    }

    /// Model less target into `error` (with the sign of what is missing), slopes of the unknowns into `slopes`.
    #[inline(always)]
    fn model(&mut self, n: usize, gain: f32, slope: f32, hz: &[f32; FITTED], width: &[f32; FITTED]) {
        let n = n.min(MOST);
        let mut product = [1.0f32; MOST];
        for i in 0..FITTED {
            let (centre, a) = (hz[i], 0.25 * width[i] * width[i]);
            let norm = centre * centre + a;
            let (low, high) = self.slopes.split_at_mut(3 + 2 * i);
            let (by_hz, by_width) = (&mut low[2 + 2 * i], &mut high[0]);
            for h in 0..n {
                let f = self.frequency[h];
                let (below, above) = (f - centre, f + centre);
                let d1 = 1.0 / (below * below + a);
                let d2 = 1.0 / (above * above + a);
                product[h] *= norm * d1 * (norm * d2);
                by_hz[h] = centre * (2.0 * centre / norm + below * d1 - above * d2);
                by_width[h] = a * (2.0 / norm - d1 - d2);
            }
        }
        for h in 0..n {
            self.slopes[0][h] = 1.0;
            self.slopes[1][h] = self.octave[h];
            self.error[h] =
                self.target[h] - gain - slope * self.octave[h] - 0.5 * ln(product[h].max(f32::MIN_POSITIVE));
        }
    }

    /// Takes what the model missed in the last step for its error on this voice, where that is more than expected.
    #[inline(always)]
    fn reweigh(&mut self, n: usize) {
        let n = n.min(MOST);
        let (mut missed, mut weights) = (0.0f32, 0.0f32);
        for h in 0..n {
            missed += self.weight[h] * (self.error[h] * self.error[h] - self.by_noise[h]).max(0.0);
            weights += self.weight[h];
        }
        let variance = (DOUBT * missed / weights).max(MODEL_ERROR * MODEL_ERROR);
        for h in 0..n {
            self.weight[h] = 1.0 / (variance + self.by_noise[h]);
        }
    }

    #[inline(always)]
    fn first_gain(&mut self, n: usize, slope: f32, hz: &[f32; FITTED], width: &[f32; FITTED]) -> f32 {
        let n = n.min(MOST);
        self.model(n, 0.0, slope, hz, width);
        let (mut sum, mut weights) = (0.0f64, 0.0f64);
        for h in 0..n {
            sum += f64::from(self.weight[h] * self.error[h]);
            weights += f64::from(self.weight[h]);
        }
        (sum / weights) as f32
    }

    #[inline(always)]
    fn step(
        &mut self,
        n: usize,
        gain: f32,
        slope: f32,
        hz: &[f32; FITTED],
        width: &[f32; FITTED],
        start: &[f32; FITTED],
    ) -> Option<[f32; UNKNOWNS]> {
        let n = n.min(MOST);
        self.model(n, gain, slope, hz, width);
        // Of each harmonic the products of everything with everything, the error last: a row of them at a time.
        let mut products = [[0.0f32; ROW]; UNKNOWNS];
        for h in 0..n {
            let mut row = [0.0f32; ROW];
            for i in 0..UNKNOWNS {
                row[i] = self.slopes[i][h];
            }
            row[UNKNOWNS] = self.error[h];
            for i in 0..UNKNOWNS {
                let weighted = self.weight[h] * row[i];
                for j in 0..ROW {
                    products[i][j] += weighted * row[j];
                }
            }
        }
        let mut matrix = [[0.0f32; UNKNOWNS]; UNKNOWNS];
        let mut side = [0.0f32; UNKNOWNS];
        for i in 0..UNKNOWNS {
            for j in i..UNKNOWNS {
                matrix[j][i] = products[i][j];
            }
            side[i] = products[i][UNKNOWNS];
        }
        let mut prior = |i: usize, deviation: f32, away: f32| {
            let w = 1.0 / (deviation * deviation);
            matrix[i][i] += w;
            side[i] += w * away;
        };
        prior(1, SLOPE_PRIOR, -1.0 - slope);
        for i in 0..FITTED {
            prior(2 + 2 * i, FREQUENCY_PRIOR[i], (start[i] / hz[i]).ln());
            prior(3 + 2 * i, BANDWIDTH_PRIOR, (BANDWIDTHS_HZ[i] / width[i]).ln());
        }
        matrix[0][0] *= 1.0 + 1e-6;
        solve(&mut matrix, side)
    }
}

wide! {
    fn fit(state: &mut FormantFit, levels: &HarmonicLevels, tracked: &TrackedFormants) -> FittedFormants {
        state.newton(levels, tracked)
    }
}

/// Solves a positive definite system whose lower triangle is given (Cholesky); `None` if it is not.
#[inline(always)]
fn solve(m: &mut [[f32; UNKNOWNS]; UNKNOWNS], mut b: [f32; UNKNOWNS]) -> Option<[f32; UNKNOWNS]> {
    for j in 0..UNKNOWNS {
        let mut d = m[j][j];
        for k in 0..j {
            d -= m[j][k] * m[j][k];
        }
        if d.is_nan() || d <= 0.0 {
            return None;
        }
        let root = d.sqrt();
        m[j][j] = root;
        for i in j + 1..UNKNOWNS {
            let mut s = m[i][j];
            for k in 0..j {
                s -= m[i][k] * m[j][k];
            }
            m[i][j] = s / root;
        }
    }
    for i in 0..UNKNOWNS {
        for k in 0..i {
            b[i] -= m[i][k] * b[k];
        }
        b[i] /= m[i][i];
    }
    for i in (0..UNKNOWNS).rev() {
        for k in i + 1..UNKNOWNS {
            b[i] -= m[k][i] * b[k];
        }
        b[i] /= m[i][i];
    }
    b.iter().all(|x| x.is_finite()).then_some(b)
}
