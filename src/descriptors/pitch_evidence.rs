//! F0 candidates of one frame, each with what speaks for it, and what speaks for voice at all.
//!
//! Candidates are the peaks of the waveform's autocorrelation, with the window's own divided out (Boersma 1993). What is
//! added to their height depends on whether the line carries the fundamental: where it does, the harmonic sum, which holds
//! in noise; where it does not, the autocorrelation of the envelope of the band that is left, which takes no strong
//! harmonic for the first. Chosen by measurement, see `docs/methods.md`.

use super::autocorrelation::{Autocorrelation, AutocorrelationPlan};
use super::envelope::{EnvelopePlan, EnvelopeState};
use super::harmonic_sum::Magnitudes;
use crate::signal::spectrum::SpectrumState;
use crate::signal::wide::wide;

/// Number of candidates.
pub const PLACES: usize = 6;
/// Lags whose peaks are candidates, in samples at 16 kHz: 55 to 604 Hz.
const LAGS: std::ops::Range<usize> = 27..290;
/// Room for a mark at each of them.
const MARKS: usize = (LAGS.end - LAGS.start).next_multiple_of(8);
/// Peaks that are looked at.
const PEAKS: usize = 12;
/// Weight of the envelope beside the waveform where peaks are looked for.
const ENVELOPE_IN_SEARCH: f32 = 0.54;
/// Share of its height that counts where the waveform has no peak.
const NO_PEAK: f32 = 0.5;
/// Weight of the envelope's periodicity in a candidate's score, where the fundamental is missing.
const ENVELOPE: f32 = 0.237;
/// Weight of the harmonic sum in a candidate's score, where the fundamental is there and where it is missing.
const HARMONICS: f32 = 0.25;
const HARMONICS_WITHOUT_FUNDAMENTAL: f32 = 0.015;
/// What an octave higher is worth to a perfect period, whose multiples are perfect periods too, and the periodicity at which
/// it begins to be worth something.
const OCTAVE: f32 = 0.04;
const CLEAR: f32 = 0.9;

/// One candidate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PitchCandidate {
    /// Frequency in Hz; 0 for a free place.
    pub hz: f32,
    /// How well it explains the frame: a perfect period has 1, and more where the harmonics or the envelope agree.
    pub score: f32,
}

/// What one frame says of pitch and voice.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PitchEvidence {
    /// The candidates, best first, free places last.
    pub candidates: [PitchCandidate; PLACES],
    /// Highest periodicity of the waveform, 0 to 1.
    pub periodicity: f32,
    /// Highest harmonic sum of a peak, at least 0 ([`Magnitudes::harmonic_sum`]).
    pub harmonics: f32,
    /// Roughness of the envelope, 0 to 1 ([`EnvelopeState::roughness`]); 0 where the fundamental is there.
    pub roughness: f32,
    /// How far the line carries the fundamental, 0 to 1.
    pub fundamental: f32,
}

/// Tables for one window and transform, shared by all streams.
#[derive(Debug, Clone)]
pub struct EvidencePlan {
    autocorrelation: AutocorrelationPlan,
    envelope: EnvelopePlan,
    df_hz: f64,
    rate_hz: f64,
}

/// Work space of one stream.
#[derive(Debug, Clone)]
pub struct EvidenceState {
    autocorrelation: Autocorrelation,
    envelope: EnvelopeState,
    magnitudes: Magnitudes,
    search: Vec<f32>,
}

impl EvidencePlan {
    /// A plan for spectra of `size` points of frames under `window` at `rate_hz`.
    #[must_use]
    pub fn new(window: &[f32], size: usize, rate_hz: f64) -> Self {
        let df_hz = rate_hz / size as f64;
        Self {
            autocorrelation: AutocorrelationPlan::new(window, size, df_hz),
            envelope: EnvelopePlan::new(window, size, df_hz),
            df_hz,
            rate_hz,
        }
    }

    /// Work space for one stream.
    #[must_use]
    pub fn state(&self) -> EvidenceState {
        EvidenceState {
            autocorrelation: self.autocorrelation.state(),
            envelope: self.envelope.state(),
            magnitudes: Magnitudes::new(self.df_hz),
            search: vec![0.0; LAGS.end + 1],
        }
    }

    /// The evidence of one frame, by its spectrum and by how far the line carries the fundamental (0 to 1).
    ///
    /// A gain changes nothing. Silence has no candidates.
    pub fn process(&self, state: &mut EvidenceState, spectrum: &SpectrumState, fundamental: f64) -> PitchEvidence {
        let fundamental = fundamental as f32;
        let mut out = PitchEvidence { fundamental, ..PitchEvidence::default() };
        self.autocorrelation.process(&mut state.autocorrelation, &spectrum.power);
        state.magnitudes.take(&spectrum.power);
        let waveform = state.autocorrelation.lags();
        let missing = fundamental < 1.0;
        let harmonics_weight = fundamental * HARMONICS + (1.0 - fundamental) * HARMONICS_WITHOUT_FUNDAMENTAL;
        if missing {
            self.envelope.process(&mut state.envelope, spectrum);
            out.roughness = state.envelope.roughness;
            for ((s, w), e) in state.search.iter_mut().zip(waveform).zip(&state.envelope.lags) {
                *s = w + ENVELOPE_IN_SEARCH * e;
            }
        }
        let search = if missing { &state.search[..] } else { waveform };
        let mut peaks = [0usize; PEAKS];
        let mut count = 0;
        let mut marks = [0u8; MARKS];
        mark_peaks(&search[LAGS.start - 1..=LAGS.end], &mut marks);
        // Few lags are peaks: eight are passed over at a time.
        for (word, eight) in marks.as_chunks::<8>().0.iter().enumerate() {
            let mut bits = u64::from_le_bytes(*eight);
            while bits != 0 {
                let lag = LAGS.start + 8 * word + (bits.trailing_zeros() / 8) as usize;
                bits &= bits - 1;
                insert(&mut peaks, &mut count, lag, |other| search[other] < search[lag]);
            }
        }
        let mut places = 0;
        for &lag in &peaks[..count] {
            let (period, height, is_peak) = state.autocorrelation.peak_near(lag);
            let hz = self.rate_hz / period;
            let periodicity = height.clamp(-1.0, 1.0) as f32 * if is_peak { 1.0 } else { NO_PEAK };
            let harmonics = state.magnitudes.harmonic_sum(hz);
            // What only falls off more slowly, as rumble does, is no period.
            if is_peak {
                out.periodicity = out.periodicity.max(periodicity);
                out.harmonics = out.harmonics.max(harmonics);
            }
            let clear = ((periodicity - CLEAR) / (1.0 - CLEAR)).max(0.0);
            let higher = if clear > 0.0 { OCTAVE * clear * (hz as f32 / 60.0).log2() } else { 0.0 };
            let mut score = periodicity + harmonics_weight * harmonics + higher;
            if missing {
                let near = &state.envelope.lags[lag - 1..=lag + 1];
                score += (1.0 - fundamental) * ENVELOPE * near.iter().fold(-1.0, |a: f32, b| a.max(*b)).min(1.0);
            }
            let found = PitchCandidate { hz: hz as f32, score };
            insert(&mut out.candidates, &mut places, found, |other| other.score < score);
        }
        out
    }
}

wide! {
    /// Whether a value is higher than that before it and not lower than that after it: 1 or 0 for each but the first and the last.
    fn mark_peaks(x: &[f32], marks: &mut [u8; MARKS]) {
        let n = x.len() - 2;
        let (before, here, after) = (&x[..n], &x[1..n + 1], &x[2..]);
        for (i, mark) in marks[..n].iter_mut().enumerate() {
            *mark = u8::from(here[i] > before[i]) & u8::from(here[i] >= after[i]);
        }
    }
}

/// Puts `item` before the first of the `count` that are `worse`; what does not fit falls off the end.
fn insert<T: Copy, const N: usize>(list: &mut [T; N], count: &mut usize, item: T, worse: impl Fn(T) -> bool) {
    let mut at = *count;
    while at > 0 && worse(list[at - 1]) {
        at -= 1;
    }
    if at < N {
        list[at..].rotate_right(1);
        list[at] = item;
        *count = (*count + 1).min(N);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::spectrum::SpectrumPlan;
    use crate::signal::window::gauss;
    use std::f64::consts::TAU;

    fn evidence(partials: &[(usize, f64)], hz: f64, fundamental: f64) -> PitchEvidence {
        let window = gauss(960, 0.4);
        let spectrum = SpectrumPlan::new(window.clone());
        let plan = EvidencePlan::new(&window, spectrum.size(), 16_000.0);
        let (mut s, mut e) = (spectrum.state(), plan.state());
        let one = |i: usize, (h, a): (usize, f64)| a * (h as f64 * hz * i as f64 / 16_000.0 * TAU + h as f64).cos();
        let x: Vec<f32> = (0..960).map(|i| partials.iter().map(|p| one(i, *p)).sum::<f64>() as f32).collect();
        spectrum.process(&mut s, &x);
        plan.process(&mut e, &s, fundamental)
    }

    /// A line that begins at 300 Hz: the strongest harmonic, the fifth, is not taken for the first.
    #[test]
    fn a_strong_harmonic_is_not_the_first() {
        let partials = [(3, 0.3), (4, 0.5), (5, 3.0), (6, 0.6), (7, 0.3), (8, 0.3), (9, 0.4), (10, 0.3), (11, 0.2)];
        for hz in [95.0, 110.0, 130.0] {
            let best = evidence(&partials, hz, 0.0).candidates[0].hz;
            assert!((f64::from(best) / hz - 1.0).abs() < 3e-3, "{hz}: {best}");
        }
    }

    #[test]
    fn a_tone_is_its_own_fundamental() {
        for hz in [60.0, 100.0, 180.0, 333.0, 600.0] {
            for fundamental in [0.0, 1.0] {
                let e = evidence(&[(1, 0.5)], hz, fundamental);
                // Exact to within a sample of the period; the rest is found under the window of the HNR.
                let period = 16_000.0 / f64::from(e.candidates[0].hz);
                assert!((period - 16_000.0 / hz).abs() < 1.0, "{hz}, {fundamental}: {period}");
                assert!(e.periodicity > 0.98, "{}", e.periodicity);
            }
        }
    }

    #[test]
    fn silence_has_no_candidates_and_gain_changes_nothing() {
        assert_eq!(evidence(&[], 100.0, 0.3).candidates[0].hz, 0.0);
        let (loud, quiet) =
            (evidence(&[(1, 1.0), (2, 0.5)], 140.0, 0.5), evidence(&[(1, 0.25), (2, 0.125)], 140.0, 0.5));
        for (a, b) in loud.candidates.iter().zip(&quiet.candidates) {
            assert!((a.hz - b.hz).abs() < 1e-3 && (a.score - b.score).abs() < 1e-5);
        }
    }
}
