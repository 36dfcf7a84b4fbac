//! F0 candidates: a comb over the magnitude spectrum, each candidate with the periodicity at its lag.
//!
//! The salience of a frequency is the sum of the magnitudes at its harmonics less those halfway between them, with
//! weights that fall with the harmonic's number (sub-harmonic summation after Hermes 1988, with the valleys of Camacho
//! and Harris 2008). The periodicity is the autocorrelation with the window's own divided out (Boersma 1993). Both
//! were chosen by measurement, see `docs/methods.md`.

use super::autocorrelation::Autocorrelation;
use crate::signal::sums::sum;

/// Number of candidates.
pub const PLACES: usize = 6;
/// Lowest and highest candidate, in Hz.
pub const LOWEST_HZ: f64 = 50.0;
/// See [`LOWEST_HZ`].
pub const HIGHEST_HZ: f64 = 620.0;
/// Spectrum used, in Hz.
const TOP_HZ: f64 = 2500.0;
const PER_OCTAVE: f64 = 32.0;
const HARMONICS: usize = 12;
/// Weight of a harmonic relative to the one below it.
const DECAY: f64 = 0.8;
/// Weight of a valley relative to the harmonics beside it.
const VALLEY: f64 = 0.5;
/// Weight of the periodicity beside the salience in a candidate's score.
const PERIODICITY: f32 = 4.0;

/// One candidate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PitchCandidate {
    /// Frequency in Hz; 0 for a free place.
    pub hz: f32,
    /// Comb salience, relative to the root mean square magnitude up to 2.5 kHz.
    pub salience: f32,
    /// Window-corrected autocorrelation at its lag, -1 to 1.
    pub periodicity: f32,
}

impl PitchCandidate {
    /// How well the candidate explains the frame.
    #[must_use]
    pub fn score(&self) -> f32 {
        self.salience + PERIODICITY * self.periodicity
    }
}

/// Tables for one size of spectrum.
#[derive(Debug, Clone)]
pub struct CombPlan {
    /// Bin and share of the next bin for each point of the logarithmic axis.
    points: Vec<(u16, f32)>,
    /// Offset on the axis and weight of each tooth.
    teeth: Vec<(isize, f32)>,
    candidates: usize,
    used_bins: usize,
    rate_hz: f64,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct CombState {
    magnitudes: Vec<f32>,
    axis: Vec<f32>,
    salience: Vec<f32>,
}

impl CombPlan {
    /// A plan for spectra with bins `df_hz` apart of audio at `rate_hz`.
    #[must_use]
    pub fn new(df_hz: f64, rate_hz: f64) -> Self {
        let octaves = (TOP_HZ / LOWEST_HZ).log2();
        let points = (0..=(octaves * PER_OCTAVE) as usize)
            .map(|i| {
                let bin = LOWEST_HZ * (i as f64 / PER_OCTAVE).exp2() / df_hz;
                (bin as u16, bin.fract() as f32)
            })
            .collect::<Vec<_>>();
        let mut weights = std::collections::BTreeMap::<isize, f64>::new();
        for h in 1..=HARMONICS {
            let weight = DECAY.powi(h as i32 - 1);
            for (multiple, w) in
                [(h as f64, weight), (h as f64 - 0.5, -VALLEY * weight), (h as f64 + 0.5, -VALLEY * weight)]
            {
                *weights.entry((multiple.log2() * PER_OCTAVE).round() as isize).or_default() += w;
            }
        }
        Self {
            used_bins: points.last().map_or(0, |p| usize::from(p.0) + 2),
            points,
            teeth: weights.into_iter().map(|(o, w)| (o, w as f32)).collect(),
            candidates: ((HIGHEST_HZ / LOWEST_HZ).log2() * PER_OCTAVE) as usize + 1,
            rate_hz,
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> CombState {
        CombState {
            magnitudes: vec![0.0; self.used_bins],
            axis: vec![0.0; self.points.len()],
            salience: vec![0.0; self.candidates],
        }
    }

    /// The candidates of one frame, best salience first, free places last.
    ///
    /// Input: its power spectrum and its autocorrelation. A gain changes nothing; a frame without power below 2.5 kHz
    /// has no candidates.
    pub fn process(&self, state: &mut CombState, power: &[f32], lags: &Autocorrelation) -> [PitchCandidate; PLACES] {
        let mut found = [PitchCandidate::default(); PLACES];
        let used = &power[..self.used_bins];
        let mean = sum(used) / self.used_bins as f32;
        if mean <= 0.0 {
            return found;
        }
        for (m, p) in state.magnitudes.iter_mut().zip(used) {
            *m = p.sqrt();
        }
        for (a, &(bin, share)) in state.axis.iter_mut().zip(&self.points) {
            let bin = usize::from(bin);
            *a = state.magnitudes[bin] + share * (state.magnitudes[bin + 1] - state.magnitudes[bin]);
        }
        state.salience.fill(0.0);
        for &(offset, weight) in &self.teeth {
            // Teeth off the axis, on either side, count nothing.
            let first = offset.min(0).unsigned_abs();
            let from = offset.max(0) as usize;
            let axis = state.axis.get(from..).unwrap_or_default();
            let salience = state.salience.get_mut(first..).unwrap_or_default();
            for (s, a) in salience.iter_mut().zip(axis) {
                *s += weight * a;
            }
        }
        let scale = 1.0 / mean.sqrt();
        let s = &state.salience;
        let mut peaks = [0usize; PLACES];
        let mut count = 0;
        for i in 1..s.len() - 1 {
            if s[i] > s[i - 1] && s[i] >= s[i + 1] {
                let mut at = count;
                while at > 0 && s[peaks[at - 1]] < s[i] {
                    at -= 1;
                }
                if at < PLACES {
                    peaks[at..].rotate_right(1);
                    peaks[at] = i;
                    count = (count + 1).min(PLACES);
                }
            }
        }
        for (c, &i) in found.iter_mut().zip(&peaks[..count]) {
            let (a, b, d) = (s[i - 1], s[i], s[i + 1]);
            let bend = a - 2.0 * b + d;
            let shift = if bend < 0.0 { 0.5 * f64::from((a - d) / bend) } else { 0.0 };
            let hz = LOWEST_HZ * ((i as f64 + shift) / PER_OCTAVE).exp2();
            let (lag, height) = lags.peak_near(self.rate_hz / hz);
            c.hz = (self.rate_hz / lag) as f32;
            c.periodicity = height.clamp(-1.0, 1.0) as f32;
            c.salience = s[i] * scale;
        }
        found
    }
}
