//! F0 candidates of one frame by sub-harmonic summation on an octave axis (Hermes 1988), as in eGeMAPSv02.

use crate::signal::spline::SplinePlan;
use std::f64::consts::PI;

/// Number of places for candidates.
pub const CANDIDATES: usize = 6;
/// Candidates outside this range are dropped, in Hz.
pub const RANGE_HZ: (f64, f64) = (55.0, 1000.0);

const LOWEST_HZ: f64 = 25.0;
const HARMONICS: usize = 15;
const DECAY: f64 = 0.85;

/// One candidate; an empty place has frequency 0 and voicing 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Candidate {
    /// Frequency in Hz.
    pub hz: f64,
    /// Voicing, 0 to 1: how far the candidate stands out of the mean of the summed spectrum.
    pub voicing: f64,
    /// Height of the summed spectrum at the candidate.
    pub score: f64,
}

/// Tables for one spectrum size, shared by all streams.
#[derive(Debug, Clone)]
pub struct CandidatePlan {
    spline: SplinePlan,
    weights: Vec<f32>,
    shifts: [usize; HARMONICS],
    gains: [f32; HARMONICS],
    octaves_per_point: f64,
    bins: usize,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct CandidateState {
    peaks: Vec<f32>,
    smooth: Vec<f32>,
    moments: Vec<f32>,
    octave: Vec<f32>,
    sum: Vec<f32>,
}

impl CandidatePlan {
    /// Tables for magnitude spectra of `bins` bins `df_hz` apart.
    #[must_use]
    pub fn new(bins: usize, df_hz: f64) -> Self {
        let top = (bins - 1) as f64 * df_hz;
        let octaves = (top / LOWEST_HZ).log2();
        let octaves_per_point = octaves / (bins - 1) as f64;
        let mut axis: Vec<f64> = (0..bins).map(|k| (k as f64 * df_hz).log2()).collect();
        axis[0] = 2.0 * axis[1] - axis[2];
        let targets: Vec<f64> = (0..bins).map(|i| LOWEST_HZ.log2() + i as f64 * octaves_per_point).collect();
        let per_octave = bins as f64 / octaves;
        let s = per_octave * (65.0f64 / 50.0).log2() - 1.0;
        let weights = (0..bins)
            .map(|i| (0.5 + (3.0 * (i as f64 + 1.0 - s) / per_octave).atan() / PI) as f32)
            .collect();
        Self {
            spline: SplinePlan::new(&axis, &targets),
            weights,
            shifts: std::array::from_fn(|h| (per_octave * ((h + 1) as f64).log2()).floor() as usize),
            gains: std::array::from_fn(|h| (DECAY.powi(h as i32) / HARMONICS as f64) as f32),
            octaves_per_point,
            bins,
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> CandidateState {
        let zeros = || vec![0.0; self.bins];
        CandidateState { peaks: zeros(), smooth: zeros(), moments: zeros(), octave: zeros(), sum: zeros() }
    }

    /// The candidates of one magnitude spectrum, the best first, empty places last. Silence gives none.
    pub fn process(&self, state: &mut CandidateState, magnitudes: &[f32]) -> [Candidate; CANDIDATES] {
        enhance_peaks(magnitudes, &mut state.peaks);
        smooth(&state.peaks, &mut state.smooth);
        self.spline.process(&state.smooth, &mut state.moments, &mut state.octave);
        for (v, w) in state.octave.iter_mut().zip(&self.weights) {
            *v = v.max(0.0) * w;
        }
        state.sum.fill(0.0);
        for (&shift, &gain) in self.shifts.iter().zip(&self.gains) {
            for (s, v) in state.sum.iter_mut().zip(&state.octave[shift.min(self.bins)..]) {
                *s += gain * v;
            }
        }
        self.pick(&state.sum)
    }

    fn pick(&self, sum: &[f32]) -> [Candidate; CANDIDATES] {
        let mean = sum.iter().map(|v| f64::from(*v)).sum::<f64>() / sum.len() as f64;
        let mut best = [(0.0f32, 0usize); CANDIDATES];
        let mut count = 0;
        for (j, w) in sum.windows(3).enumerate() {
            if w[1] > w[0] && w[1] > w[2] && (count < CANDIDATES || w[1] > best[CANDIDATES - 1].0) {
                let mut place = count.min(CANDIDATES - 1);
                while place > 0 && best[place - 1].0 < w[1] {
                    best[place] = best[place - 1];
                    place -= 1;
                }
                best[place] = (w[1], j + 1);
                count = (count + 1).min(CANDIDATES);
            }
        }
        let mut list = [Candidate::default(); CANDIDATES];
        let mut kept = 0;
        for &(_, j) in &best[..count] {
            let [a, b, c] = [sum[j - 1], sum[j], sum[j + 1]].map(f64::from);
            let bend = a - 2.0 * b + c;
            let shift = if bend == 0.0 { 0.0 } else { 0.5 * (a - c) / bend };
            let score = b - 0.25 * (a - c) * shift;
            let hz = (LOWEST_HZ.log2() + (j as f64 + shift) * self.octaves_per_point).exp2();
            if hz >= RANGE_HZ.0 && hz <= RANGE_HZ.1 {
                let voicing = if score > mean { 1.0 - mean / score } else { 0.0 };
                list[kept] = Candidate { hz, voicing, score };
                kept += 1;
            }
        }
        let mut top = 0;
        for i in 1..kept {
            if list[i].score > list[top].score {
                top = i;
            }
        }
        list.swap(0, top);
        list
    }
}

/// Keeps the surroundings of local maxima and clears what lies between them.
fn enhance_peaks(a: &[f32], out: &mut [f32]) {
    out.copy_from_slice(a);
    let last = a.len() - 1;
    let mut previous: Option<usize> = None;
    let mut only = true;
    let mut at = |k: usize, out: &mut [f32]| {
        if let Some(p) = previous {
            only = false;
            if k >= p + 6 {
                out[p + 3..=k - 3].fill(0.0);
            }
        }
        previous = Some(k);
    };
    if a[0] > a[1] {
        at(0, out);
    }
    for k in 1..last {
        if a[k] > a[k - 1] && a[k] >= a[k + 1] {
            at(k, out);
        }
    }
    if a[last] > a[last - 1] {
        at(last, out);
    }
    if only && previous.is_some() {
        out[3..].fill(0.0);
    }
}

fn smooth(a: &[f32], out: &mut [f32]) {
    let last = a.len() - 1;
    out[0] = (2.0 * a[0] + a[1]) / 4.0;
    for (o, w) in out[1..last].iter_mut().zip(a.windows(3)) {
        *o = (w[0] + 2.0 * w[1] + w[2]) / 4.0;
    }
    out[last] = a[last];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::spectrum::SpectrumPlan;
    use crate::signal::window::gauss;

    fn magnitudes(f0: f64, harmonics: usize) -> Vec<f32> {
        let frame: Vec<f32> = (0..960)
            .map(|i| {
                let t = i as f64 / 16_000.0;
                let sum: f64 = (1..=harmonics).map(|h| (std::f64::consts::TAU * f0 * h as f64 * t).sin() / h as f64).sum();
                (0.3 * sum) as f32
            })
            .collect();
        let plan = SpectrumPlan::new(gauss(960, 0.4));
        let mut s = plan.state();
        plan.process(&mut s, &frame);
        s.power.iter().map(|p| p.sqrt()).collect()
    }

    /// Physics: the first candidate of a harmonic tone lies within 5 cents of its F0 (the axis biases by up to 5).
    #[test]
    fn the_first_candidate_is_the_fundamental() {
        let plan = CandidatePlan::new(513, 15.625);
        let mut state = plan.state();
        for f0 in [90.0, 120.0, 175.0, 220.0, 333.0, 480.0] {
            let c = plan.process(&mut state, &magnitudes(f0, 12));
            let cents = 1200.0 * (c[0].hz / f0).log2();
            assert!(cents.abs() < 8.0, "{f0}: {} ({cents} cents)", c[0].hz);
            assert!(c[0].voicing > 0.7);
        }
    }

    #[test]
    fn silence_has_no_candidate() {
        let plan = CandidatePlan::new(513, 15.625);
        assert_eq!(plan.process(&mut plan.state(), &[0.0; 513]), [Candidate::default(); CANDIDATES]);
    }

    #[test]
    fn between_peaks_is_cleared() {
        let mut a = vec![1.0f32; 40];
        a[10] = 5.0;
        a[20] = 6.0;
        let mut out = vec![0.0; 40];
        enhance_peaks(&a, &mut out);
        for k in 0..40 {
            assert_eq!(out[k] == 0.0, (13..=17).contains(&k), "bin {k}");
        }
        a[20] = 1.0;
        enhance_peaks(&a, &mut out);
        assert!(out[3..].iter().all(|v| *v == 0.0) && out[0] == 1.0);
    }
}
