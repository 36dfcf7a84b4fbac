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
/// Points summed at a time.
const BLOCK: usize = 16;

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
    shifts: [usize; HARMONICS],
    gains: [f32; HARMONICS],
    octaves_per_point: f64,
    bins: usize,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct CandidateState {
    marks: Vec<u32>,
    peaks: Vec<f32>,
    smooth: Vec<f32>,
    moments: Vec<f32>,
    pairs: Vec<f32>,
    octave: Vec<f32>,
    sum: Vec<f32>,
    tops: Vec<u8>,
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
        let per_octave = bins as f64 / octaves;
        let s = per_octave * (65.0f64 / 50.0).log2() - 1.0;
        let targets: Vec<(f64, f64)> = (0..bins)
            .map(|i| {
                let weight = 0.5 + (3.0 * (i as f64 + 1.0 - s) / per_octave).atan() / PI;
                (LOWEST_HZ.log2() + i as f64 * octaves_per_point, weight)
            })
            .collect();
        Self {
            spline: SplinePlan::new(&axis, &targets),
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
        CandidateState {
            marks: vec![0; self.bins + 4],
            peaks: zeros(),
            smooth: zeros(),
            moments: zeros(),
            pairs: vec![0.0; 2 * self.bins],
            octave: vec![0.0; self.bins + BLOCK + self.shifts[HARMONICS - 1]],
            sum: zeros(),
            tops: vec![0; self.bins.next_multiple_of(8)],
        }
    }

    /// The candidates of one magnitude spectrum, the best first, empty places last. Silence gives none.
    pub fn process(&self, state: &mut CandidateState, magnitudes: &[f32]) -> [Candidate; CANDIDATES] {
        enhance_peaks(magnitudes, &mut state.marks, &mut state.peaks);
        smooth(&state.peaks, &mut state.smooth);
        self.spline.process(&state.smooth, &mut state.moments, &mut state.pairs, &mut state.octave);
        // The spline's factors hold the auditory weight, which is positive: negative values stay negative.
        for v in &mut state.octave[..self.bins] {
            *v = v.max(0.0);
        }
        // Beyond the axis `octave` holds zeros, so every shifted block that begins on it is whole.
        for (block, sums) in state.sum.chunks_mut(BLOCK).enumerate() {
            let mut total = [0.0f32; BLOCK];
            for (&shift, &gain) in self.shifts.iter().zip(&self.gains) {
                let from = block * BLOCK + shift;
                if from >= self.bins {
                    break; // this harmonic and all higher ones lie beyond the axis
                }
                for (t, v) in total.iter_mut().zip(&state.octave[from..from + BLOCK]) {
                    *t += gain * v;
                }
            }
            sums.copy_from_slice(&total[..sums.len()]);
        }
        self.pick(&state.sum, &mut state.tops)
    }

    fn pick(&self, sum: &[f32], tops: &mut [u8]) -> [Candidate; CANDIDATES] {
        let mean = mean(sum);
        let mut best = [(0.0f32, 0usize); CANDIDATES];
        let mut count = 0;
        // Maxima are marked without branches (they are unpredictable) and then looked up eight at a time.
        for (t, w) in tops.iter_mut().zip(sum.windows(3)) {
            *t = u8::from(w[1] > w[0]) & u8::from(w[1] > w[2]);
        }
        for (word, eight) in tops.chunks_exact(8).enumerate() {
            let mut bits = eight.iter().rev().fold(0u64, |b, t| b << 8 | u64::from(*t));
            while bits != 0 {
                let j = 8 * word + (bits.trailing_zeros() / 8) as usize + 1;
                bits &= bits - 1;
                let height = sum[j];
                if count == CANDIDATES && height <= best[CANDIDATES - 1].0 {
                    continue;
                }
                let mut place = count.min(CANDIDATES - 1);
                while place > 0 && best[place - 1].0 < height {
                    best[place] = best[place - 1];
                    place -= 1;
                }
                best[place] = (height, j);
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

fn mean(values: &[f32]) -> f64 {
    let mut parts = [0.0f32; 8];
    let chunks = values.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    for c in chunks {
        for (p, v) in parts.iter_mut().zip(c) {
            *p += v;
        }
    }
    f64::from(parts.iter().sum::<f32>() + rest) / values.len() as f64
}

/// Keeps the surroundings of local maxima (two bins to each side) and clears what lies between them. Before the first
/// and after the last maximum everything stays; with a single maximum only the first three bins do.
///
/// `marks` is work space, four longer than `a`. Written without branches on the data, which are unpredictable.
fn enhance_peaks(a: &[f32], marks: &mut [u32], out: &mut [f32]) {
    let n = a.len();
    let last = n - 1;
    marks.fill(0);
    let peaks = &mut marks[2..n + 2];
    peaks[0] = u32::from(a[0] > a[1]);
    for (m, w) in peaks[1..last].iter_mut().zip(a.windows(3)) {
        *m = u32::from(w[1] > w[0]) & u32::from(w[1] >= w[2]);
    }
    peaks[last] = u32::from(a[last] > a[last - 1]);
    let ends = peaks.iter().position(|m| *m != 0).zip(peaks.iter().rposition(|m| *m != 0));
    for ((o, a), m) in out.iter_mut().zip(a).zip(marks.windows(5)) {
        let near = m[0] | m[1] | m[2] | m[3] | m[4];
        *o = f32::from_bits(a.to_bits() & near.wrapping_neg());
    }
    match ends {
        None => out.copy_from_slice(a),
        Some((only, other)) if only == other => {
            out.copy_from_slice(a);
            out[3..].fill(0.0);
        }
        Some((first, last)) => {
            out[..first].copy_from_slice(&a[..first]);
            out[last..].copy_from_slice(&a[last..]);
        }
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
                let sum: f64 =
                    (1..=harmonics).map(|h| (std::f64::consts::TAU * f0 * h as f64 * t).sin() / h as f64).sum();
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

    /// Against the rule as it is stated: between consecutive maxima p < q the bins p+3 ..= q-3 become 0.
    fn stated(a: &[f32]) -> Vec<f32> {
        let last = a.len() - 1;
        let peaks: Vec<usize> = (0..=last)
            .filter(|&k| match k {
                0 => a[0] > a[1],
                k if k == last => a[last] > a[last - 1],
                k => a[k] > a[k - 1] && a[k] >= a[k + 1],
            })
            .collect();
        let mut out = a.to_vec();
        for w in peaks.windows(2) {
            for o in out.iter_mut().take(w[1].saturating_sub(2)).skip(w[0] + 3) {
                *o = 0.0;
            }
        }
        if peaks.len() == 1 {
            out[3..].fill(0.0);
        }
        out
    }

    proptest::proptest! {
        #[test]
        fn peaks_are_enhanced_as_stated(a in proptest::collection::vec(0u8..6, 8..80)) {
            let a: Vec<f32> = a.iter().map(|v| f32::from(*v)).collect();
            let (mut marks, mut out) = (vec![0; a.len() + 4], vec![0.0; a.len()]);
            enhance_peaks(&a, &mut marks, &mut out);
            proptest::prop_assert_eq!(out, stated(&a));
        }
    }
}
