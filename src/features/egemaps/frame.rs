//! The descriptors of single frames, before smoothing.

use super::SHORT_COLUMNS;
use super::plan::{FLUX_BINS, Plan};
use super::row::VoiceRow;
use crate::descriptors::flux::FluxState;
use crate::descriptors::formants::{BINS, FormantState, Formants};
use crate::descriptors::harmonics::{ABSENT_DB, Harmonics};
use crate::descriptors::hnr::HnrState;
use crate::descriptors::perturbation::Perturbation;
use crate::descriptors::pitch_candidates::{CANDIDATES, Candidate, CandidateState};
use crate::descriptors::slope::bin_level_db;
use crate::signal::PITCH;
use crate::signal::frames::{BANDS, PITCH_DF_HZ, PitchFrame, ShortFrame};
use crate::signal::history::History;
use realfft::num_complex::Complex32;

/// Windowed rms of a pitch frame above which it may be voiced.
const GATE: f64 = 0.001;
/// F0 of semitone 0, in Hz.
const SEMITONE_BASE_HZ: f64 = 27.5;

/// What a frame keeps from its arrival until its F0 is decided.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// Short descriptors, not smoothed.
    pub short: [f32; SHORT_COLUMNS],
    /// Short descriptors, smoothed.
    pub smooth: [f32; SHORT_COLUMNS],
    pub mean_square: f32,
    pub short_bad: bool,
    pub pitch_bad: bool,
    pub loud_enough: bool,
    bins: [Complex32; BINS],
    magnitudes: Vec<f32>,
}

/// Voice descriptors of one frame before smoothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct VoiceFrame {
    /// F0 semitone, jitter, shimmer, HNR, H1-H2, H1-A3, then frequency, bandwidth, amplitude of each formant.
    pub lld: [f32; 15],
    /// The contours of the functionals.
    pub row: VoiceRow,
    pub bad: bool,
}

/// Work space for the descriptors of one stream.
#[derive(Debug, Clone)]
pub(super) struct Workbench {
    flux: FluxState,
    logs: [f32; BANDS],
    levels: Vec<f32>,
    power: Vec<f32>,
    candidates: CandidateState,
    hnr: HnrState,
    formants: FormantState,
    harmonics: Harmonics,
    perturbation: Perturbation,
}

impl Workbench {
    pub fn new(plan: &Plan) -> Self {
        Self {
            flux: FluxState::new(FLUX_BINS),
            logs: [0.0; BANDS],
            levels: vec![0.0; plan.slopes[1].range().end],
            power: vec![0.0; plan.pitch_bins],
            candidates: plan.candidates.state(),
            hnr: plan.hnr.state(),
            formants: plan.formants.state(),
            harmonics: Harmonics::default(),
            perturbation: Perturbation::default(),
        }
    }

    pub fn reset(&mut self) {
        self.flux.reset();
        self.perturbation.reset();
    }

    /// Short descriptors of one 20 ms frame.
    pub fn short(&mut self, plan: &Plan, frame: &ShortFrame<'_>, out: &mut Pending) {
        let power = &frame.spectrum.power;
        let balance = plan.balance.process(power);
        for (l, p) in self.levels.iter_mut().zip(power) {
            *l = bin_level_db(*p);
        }
        let s = &mut out.short;
        s[0] = plan.loudness.process(frame.log_energies);
        s[1] = balance.alpha_ratio_db;
        s[2] = balance.hammarberg_db;
        s[3] = plan.slopes[0].process(&self.levels);
        s[4] = plan.slopes[1].process(&self.levels);
        s[5] = self.flux.process(power);
        plan.mfcc.process(frame.log_energies, &mut self.logs, &mut s[6..]);
        out.mean_square = frame.mean_square;
        for (x, (re, im)) in out.bins.iter_mut().zip(frame.spectrum.re.iter().zip(&frame.spectrum.im)) {
            *x = Complex32::new(*re, *im);
        }
    }

    /// Spectrum and F0 candidates of one 60 ms frame.
    pub fn pitch(&mut self, plan: &Plan, frame: &PitchFrame<'_>, out: &mut Pending) -> [Candidate; CANDIDATES] {
        out.loud_enough = (frame.energy / PITCH as f64).sqrt() > GATE;
        for (m, p) in out.magnitudes.iter_mut().zip(&frame.spectrum.power) {
            *m = p.sqrt();
        }
        plan.candidates.process(&mut self.candidates, &out.magnitudes)
    }

    /// Voice descriptors of frame `index` once its F0 (in Hz, 0 = unvoiced) is decided.
    pub fn voice(
        &mut self,
        plan: &Plan,
        history: &History,
        index: u64,
        path_hz: f64,
        pending: &Pending,
        formants_when_unvoiced: bool,
    ) -> VoiceFrame {
        let f0_hz = if pending.loud_enough { path_hz } else { 0.0 };
        let semitone = semitone(f0_hz);
        let voiced = semitone > 1e-6;
        let perturbation = self.perturbation.process(history, index, f0_hz);
        let formants = if voiced || formants_when_unvoiced {
            plan.formants.process(&mut self.formants, &pending.bins)
        } else {
            Formants::default()
        };
        let mut frame = VoiceFrame::default();
        let lld = &mut frame.lld;
        lld[0] = semitone as f32;
        if voiced {
            for (p, m) in self.power.iter_mut().zip(&pending.magnitudes) {
                *p = m * m;
            }
            let levels = self.harmonics.process(&pending.magnitudes, PITCH_DF_HZ, f0_hz, formants.frequency_hz);
            lld[1] = perturbation.jitter;
            lld[2] = perturbation.shimmer_db;
            lld[3] = plan.hnr.process(&mut self.hnr, &self.power, f0_hz);
            lld[4] = levels.h1_h2_db;
            lld[5] = levels.h1_a3_db;
            for i in 0..3 {
                lld[8 + 3 * i] = levels.amplitudes_db[i];
            }
        } else {
            for i in 0..3 {
                lld[8 + 3 * i] = ABSENT_DB;
            }
        }
        for i in 0..3 {
            lld[6 + 3 * i] = formants.frequency_hz[i];
            lld[7 + 3 * i] = formants.bandwidth_hz[i];
        }
        frame.row = contours(&frame.lld, &pending.short, voiced);
        frame.bad = pending.short_bad || pending.pitch_bad;
        if frame.bad {
            // No period follows another across a hole.
            self.perturbation.reset();
        }
        frame
    }
}

/// The contours of the functionals before smoothing: formant frequencies and bandwidths only where voiced, spectral
/// descriptors split by voicing.
fn contours(lld: &[f32; 15], short: &[f32; SHORT_COLUMNS], voiced: bool) -> VoiceRow {
    let mut row = VoiceRow { f0: lld[0], ..VoiceRow::default() };
    row.voice.copy_from_slice(&lld[1..]);
    if voiced {
        row.voiced.copy_from_slice(&short[1..]);
    } else {
        for i in 0..3 {
            row.voice[5 + 3 * i] = 0.0;
            row.voice[6 + 3 * i] = 0.0;
        }
        row.unvoiced.copy_from_slice(&short[1..6]);
    }
    row
}

/// Semitones above 27.5 Hz; 1 up to 29.136 Hz, 0 for unvoiced.
fn semitone(f0_hz: f64) -> f64 {
    if f0_hz <= 0.0 { 0.0 } else { (12.0 * (f0_hz / SEMITONE_BASE_HZ).log2()).max(1.0) }
}

impl Pending {
    pub fn new(plan: &Plan) -> Self {
        Self {
            short: [0.0; SHORT_COLUMNS],
            smooth: [0.0; SHORT_COLUMNS],
            mean_square: 0.0,
            short_bad: false,
            pitch_bad: false,
            loud_enough: false,
            bins: [Complex32::default(); BINS],
            magnitudes: vec![0.0; plan.pitch_bins],
        }
    }
}
