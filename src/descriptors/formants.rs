//! Formant frequencies and bandwidths in the manner of the eGeMAPSv02 reference program.
//!
//! These are not the resonances of the vocal tract: the prediction polynomial's sign is inverted and only part of the
//! frame enters, exactly as in the program whose tables and models are in use. See the catalogue's definitions.

use super::roots::{MAX_DEGREE, roots};
use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;
use crate::signal::SHORT;
use crate::signal::window::hamming;

/// Number of formants reported.
pub const FORMANTS: usize = 3;
/// Bins of the 512-point spectrum that enter beside DC.
const BINS: usize = 109;
const SIZE: usize = 512;
const ORDER: usize = 11;
const RATE_HZ: f64 = 11_000.0;
const SAMPLES: usize = 220;
const PERIOD: usize = 352;
const LOWEST_HZ: f64 = 50.0;
const HIGHEST_HZ: f64 = 5_450.0;

/// Frequencies and bandwidths in Hz; 0 where missing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Formants {
    /// Frequencies of the first three, ascending.
    pub frequency_hz: [f32; FORMANTS],
    /// Their bandwidths.
    pub bandwidth_hz: [f32; FORMANTS],
}

/// Tables of the resampling transform, shared by all streams.
#[derive(Clone)]
pub struct FormantPlan {
    window: Arc<[f32]>,
    forward: Arc<dyn RealToComplex<f64>>,
    /// One row of [`SAMPLES`] cosines, then one of sines, per bin.
    waves: Arc<[[f32; SAMPLES]]>,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct FormantState {
    time: Vec<f64>,
    bins: Vec<Complex64>,
    scratch: Vec<Complex64>,
    wave: [f32; SAMPLES],
}

impl fmt::Debug for FormantPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormantPlan")
    }
}

impl Default for FormantPlan {
    fn default() -> Self {
        let row = |k: usize, f: fn(f64) -> f64| {
            std::array::from_fn(|i| f(2.0 * PI * (k * i % PERIOD) as f64 / PERIOD as f64) as f32)
        };
        Self {
            window: hamming(SHORT).into(),
            forward: RealFftPlanner::new().plan_fft_forward(SIZE),
            waves: (1..=BINS).flat_map(|k| [row(k, f64::cos), row(k, f64::sin)]).collect(),
        }
    }
}

impl FormantPlan {
    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> FormantState {
        FormantState {
            time: self.forward.make_input_vec(),
            bins: self.forward.make_output_vec(),
            scratch: self.forward.make_scratch_vec(),
            wave: [0.0; SAMPLES],
        }
    }

    /// Formants of one 20 ms frame (320 samples at 16 kHz).
    ///
    /// Steps: Hamming window, spectrum with the frame in the middle of 512 points, inverse transform of the bins up to
    /// 3406 Hz to 11 kHz (DC counted twice), autocorrelation of 220 samples, Levinson-Durbin of order 11, roots of the
    /// polynomial with inverted coefficients, reflected into the unit circle; those between 50 and 5450 Hz in ascending
    /// order. Silence gives no formants (all 0).
    ///
    /// The normal equations are nearly singular, so rounding decides some frames. The spectrum is computed in f64 and
    /// what follows up to the prediction in f32 with sums in index order: the arithmetic that agrees best with the
    /// reference program.
    pub fn process(&self, state: &mut FormantState, frame: &[f32]) -> Formants {
        self.spectrum(state, frame);
        self.resample(state);
        let prediction = levinson(&autocorrelation(&state.wave));
        from_prediction(&prediction)
    }

    fn spectrum(&self, state: &mut FormantState, frame: &[f32]) {
        state.time.fill(0.0);
        let middle = &mut state.time[(SIZE - SHORT) / 2..];
        for ((t, x), w) in middle.iter_mut().zip(frame).zip(self.window.iter()) {
            *t = f64::from(x * w);
        }
        let done = self.forward.process_with_scratch(&mut state.time, &mut state.bins, &mut state.scratch);
        debug_assert!(done.is_ok());
    }

    fn resample(&self, state: &mut FormantState) {
        state.wave.fill(state.bins[0].re as f32);
        for (bin, rows) in state.bins[1..=BINS].iter().zip(self.waves.chunks_exact(2)) {
            let (re, im) = (bin.re as f32, bin.im as f32);
            for ((y, c), s) in state.wave.iter_mut().zip(&rows[0]).zip(&rows[1]) {
                *y = *y + re * c - im * s;
            }
        }
        for y in &mut state.wave {
            *y *= 2.0 / SIZE as f32;
        }
    }
}

/// Sums in index order, all lags side by side.
fn autocorrelation(y: &[f32; SAMPLES]) -> [f32; ORDER + 1] {
    let mut r = [0.0f32; ORDER + 1];
    for (i, x) in y.iter().enumerate() {
        for (lag, r) in r.iter_mut().enumerate().take(SAMPLES - i) {
            *r += x * y[i + lag];
        }
    }
    r
}

/// Coefficients `a_1 ..= a_11` of the prediction error filter `1 + sum a_k z^-k`; all 0 for silence.
fn levinson(r: &[f32; ORDER + 1]) -> [f32; ORDER] {
    let mut a = [0.0f32; ORDER];
    let mut error = r[0];
    if r[0] == 0.0 {
        return a;
    }
    for i in 0..ORDER {
        let mut k = r[i + 1];
        for j in 0..i {
            k += a[j] * r[i - j];
        }
        if error == 0.0 {
            break;
        }
        k = -k / error;
        let previous = a;
        for j in 0..i {
            a[j] = previous[j] + k * previous[i - 1 - j];
        }
        a[i] = k;
        error *= 1.0 - k * k;
    }
    a
}

fn from_prediction(a: &[f32; ORDER]) -> Formants {
    let mut polynomial = [0.0f64; ORDER + 1];
    polynomial[0] = 1.0;
    for (p, a) in polynomial[1..].iter_mut().zip(a) {
        *p = -f64::from(*a);
    }
    let mut found = [Complex64::default(); MAX_DEGREE];
    let count = roots(&polynomial, &mut found);
    let mut list = [(f64::INFINITY, 0.0f64); MAX_DEGREE];
    let mut kept = 0;
    for z in &found[..count] {
        let radius = z.norm();
        if radius == 0.0 {
            continue;
        }
        let inside = if radius > 1.0 { 1.0 / radius } else { radius };
        let frequency = z.arg().abs() * RATE_HZ / (2.0 * PI);
        if (LOWEST_HZ..=HIGHEST_HZ).contains(&frequency) {
            list[kept] = (frequency, -inside.ln() * RATE_HZ / PI);
            kept += 1;
        }
    }
    list[..kept].sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut formants = Formants::default();
    for (i, (frequency, bandwidth)) in list[..kept.min(FORMANTS)].iter().enumerate() {
        formants.frequency_hz[i] = *frequency as f32;
        formants.bandwidth_hz[i] = *bandwidth as f32;
    }
    formants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_has_no_formants() {
        let plan = FormantPlan::default();
        let got = plan.process(&mut plan.state(), &[0.0; SHORT]);
        assert_eq!(got, Formants::default());
    }

    /// The transform to 11 kHz against the sums that define it, in f64.
    #[test]
    fn the_resampling_transform_equals_its_sum() {
        let plan = FormantPlan::default();
        let mut state = plan.state();
        let frame: Vec<f32> = (0..SHORT).map(|i| (i as f32 * 0.31).sin() + 0.3 * (i as f32 * 1.3).cos() + 0.1).collect();
        let _ = plan.process(&mut state, &frame);
        let bin = |k: usize| {
            let mut sum = Complex64::default();
            for (i, x) in frame.iter().enumerate() {
                let w = 0.54 - 0.46 * (2.0 * PI * i as f64 / 319.0).cos();
                sum += f64::from(*x) * w * Complex64::from_polar(1.0, -2.0 * PI * (k * (i + 96)) as f64 / 512.0);
            }
            sum
        };
        for i in [0usize, 1, 66, 150, 219] {
            let sum: f64 = (1..=109)
                .map(|k| (bin(k) * Complex64::from_polar(1.0, 2.0 * PI * (k * i) as f64 / 352.0)).re)
                .sum();
            let expected = 2.0 / 512.0 * (bin(0).re + sum);
            assert!((f64::from(state.wave[i]) - expected).abs() < 1e-4, "sample {i}");
        }
    }

    /// Levinson's coefficients solve the normal equations.
    #[test]
    fn prediction_solves_the_normal_equations() {
        let wave: [f32; SAMPLES] = std::array::from_fn(|i| ((i * i % 83) as f32 - 41.0) / 41.0);
        let r = autocorrelation(&wave);
        let a = levinson(&r);
        for i in 1..=ORDER {
            let mut sum = f64::from(r[i]);
            for k in 1..=ORDER {
                sum += f64::from(a[k - 1]) * f64::from(r[i.abs_diff(k)]);
            }
            assert!(sum.abs() < 1e-3 * f64::from(r[0]), "row {i}: {sum}");
        }
    }

    /// A polynomial with known pole pairs gives their frequencies and bandwidths.
    #[test]
    fn known_poles_come_back() {
        let poles = [(500.0, 60.0), (1500.0, 90.0), (2500.0, 120.0), (3500.0, 200.0), (4500.0, 250.0)];
        let mut p = vec![1.0f64, 0.0];
        for (f, b) in poles {
            let radius = (-b * PI / RATE_HZ).exp();
            let q = [1.0, -2.0 * radius * (2.0 * PI * f / RATE_HZ).cos(), radius * radius];
            let mut out = vec![0.0; p.len() + 2];
            for (i, x) in p.iter().enumerate() {
                for (j, y) in q.iter().enumerate() {
                    out[i + j] += x * y;
                }
            }
            p = out;
        }
        let mut a = [0.0f32; ORDER];
        for (a, p) in a.iter_mut().zip(&p[1..]) {
            *a = -*p as f32; // the chain inverts the sign once more
        }
        let got = from_prediction(&a);
        for i in 0..3 {
            assert!((f64::from(got.frequency_hz[i]) - poles[i].0).abs() < 0.5);
            assert!((f64::from(got.bandwidth_hz[i]) - poles[i].1).abs() < 0.5);
        }
    }
}
