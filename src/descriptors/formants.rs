//! Formant frequencies and bandwidths in the manner of the eGeMAPSv02 reference program.
//!
//! These are not the resonances of the vocal tract: the prediction polynomial's sign is inverted and only part of the
//! frame enters, exactly as in the program whose tables and models are in use. See the catalogue's definitions.

use super::roots::{MAX_DEGREE, roots};
use realfft::num_complex::{Complex32, Complex64};
use realfft::{ComplexToReal, RealFftPlanner};
use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

/// Number of formants reported.
pub const FORMANTS: usize = 3;
/// Number of complex bins that enter, DC included: up to 3406 Hz.
pub const BINS: usize = 110;

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

/// The resampling transform, shared by all streams.
#[derive(Clone)]
pub struct FormantPlan {
    inverse: Arc<dyn ComplexToReal<f32>>,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct FormantState {
    spectrum: Vec<Complex32>,
    wave: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl fmt::Debug for FormantPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormantPlan")
    }
}

impl Default for FormantPlan {
    fn default() -> Self {
        Self { inverse: RealFftPlanner::new().plan_fft_inverse(PERIOD) }
    }
}

impl FormantPlan {
    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> FormantState {
        FormantState {
            spectrum: self.inverse.make_input_vec(),
            wave: self.inverse.make_output_vec(),
            scratch: self.inverse.make_scratch_vec(),
        }
    }

    /// Formants of one 20 ms frame from the lowest [`BINS`] bins of its 512-point spectrum at 16 kHz (Hamming window,
    /// the frame in the middle of the buffer).
    ///
    /// Steps: inverse transform to 11 kHz (DC counted twice), autocorrelation of 220 samples, Levinson-Durbin of order
    /// 11, roots of the polynomial with inverted coefficients, reflected into the unit circle; those between 50 and
    /// 5450 Hz in ascending order. Silence gives no formants (all 0).
    ///
    /// The normal equations are nearly singular, so rounding decides some frames; everything up to the prediction is
    /// f32 with sums in index order, which agrees best with the reference program.
    pub fn process(&self, state: &mut FormantState, bins: &[Complex32]) -> Formants {
        let entering = &bins[..BINS];
        state.spectrum[..BINS].copy_from_slice(entering);
        state.spectrum[BINS..].fill(Complex32::default());
        state.spectrum[0] = Complex32::new(2.0 * entering[0].re, 0.0);
        let done = self.inverse.process_with_scratch(&mut state.spectrum, &mut state.wave, &mut state.scratch);
        debug_assert!(done.is_ok());
        for y in &mut state.wave[..SAMPLES] {
            *y *= 1.0 / 512.0;
        }
        let wave = state.wave.first_chunk().copied().unwrap_or([0.0; SAMPLES]);
        let prediction = levinson(&autocorrelation(&wave));
        from_prediction(&prediction)
    }
}

/// Sums in index order, all lags side by side.
fn autocorrelation(y: &[f32; SAMPLES]) -> [f32; ORDER + 1] {
    let mut padded = [0.0f32; SAMPLES + ORDER];
    padded[..SAMPLES].copy_from_slice(y);
    let mut r = [0.0f32; ORDER + 1];
    for (x, ahead) in y.iter().zip(padded.windows(ORDER + 1)) {
        for (r, later) in r.iter_mut().zip(ahead) {
            *r += x * later;
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
        let radius = z.norm_sqr().sqrt();
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
        let got = plan.process(&mut plan.state(), &[Complex32::default(); 257]);
        assert_eq!(got, Formants::default());
    }

    /// The transform to 11 kHz against the sum that defines it, in f64.
    #[test]
    fn the_resampling_transform_equals_its_sum() {
        let plan = FormantPlan::default();
        let mut state = plan.state();
        let bins: Vec<Complex32> =
            (0..257).map(|k| Complex32::new((k as f32 * 0.7).sin(), (k as f32 * 1.3).cos())).collect();
        let _ = plan.process(&mut state, &bins);
        for i in [0usize, 1, 66, 150, 219] {
            let sum: f64 = (1..=109)
                .map(|k| {
                    let angle = 2.0 * PI * (k * i) as f64 / 352.0;
                    f64::from(bins[k].re) * angle.cos() - f64::from(bins[k].im) * angle.sin()
                })
                .sum();
            let expected = 2.0 / 512.0 * (f64::from(bins[0].re) + sum);
            assert!((f64::from(state.wave[i]) - expected).abs() < 1e-5, "sample {i}");
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
