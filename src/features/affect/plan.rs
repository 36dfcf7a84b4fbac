//! The tables of the set, computed once and shared by all streams.

use super::row::MFCCS;
use crate::descriptors::balance::BalancePlan;
use crate::descriptors::cepstral_peak::CepstralPlan;
use crate::descriptors::harmonic_levels::HarmonicPlan;
use crate::descriptors::line_band::LineBand;
use crate::descriptors::linear_prediction::PredictionPlan;
use crate::descriptors::loudness::LoudnessPlan;
use crate::descriptors::mfcc::MfccPlan;
use crate::descriptors::periodicity::PeriodicityPlan;
use crate::descriptors::pitch_evidence::EvidencePlan;
use crate::descriptors::tilt::TiltPlan;
use crate::signal::frames::{BANDS, FramePlan, PITCH_DF_HZ, SHORT_DF_HZ, SIGMA};
use crate::signal::spectrum::SpectrumPlan;
use crate::signal::window::gauss;
use crate::signal::{PITCH, RATE_HZ};
use std::sync::{Arc, OnceLock};

/// Length of the frame for resonances, in samples (30 ms), and the deviation of its Gaussian window relative to half
/// of it: about as long as Praat's, short enough for moving formants.
pub(super) const TRACT: usize = 480;
const TRACT_SIGMA: f64 = 0.3;

/// All tables of the set.
#[derive(Debug)]
pub struct Plan {
    pub(super) loudness: LoudnessPlan,
    pub(super) mfcc: MfccPlan,
    pub(super) balance: BalancePlan,
    pub(super) tilt: TiltPlan,
    pub(super) pitch: EvidencePlan,
    /// Where levels are taken, among the bins of the short and of the pitch spectrum.
    pub(super) short_band: LineBand,
    pub(super) pitch_band: LineBand,
    pub(super) periodicity: PeriodicityPlan,
    pub(super) cepstral: CepstralPlan,
    pub(super) harmonics: HarmonicPlan,
    pub(super) tract: SpectrumPlan,
    pub(super) prediction: PredictionPlan,
    /// Bins of the pitch spectrum up to 5 kHz.
    pub(super) voice_bins: usize,
}

impl Plan {
    fn new() -> Self {
        let frames = FramePlan::shared();
        let rate = f64::from(RATE_HZ);
        let window = gauss(PITCH, SIGMA);
        let sigma_s = SIGMA * (PITCH - 1) as f64 / 2.0 / rate;
        Self {
            loudness: LoudnessPlan::new(frames.mel.centres_hz()),
            mfcc: MfccPlan::plain(BANDS, MFCCS),
            balance: BalancePlan::new(SHORT_DF_HZ),
            tilt: TiltPlan::new(SHORT_DF_HZ),
            pitch: EvidencePlan::new(&window, frames.pitch.size(), rate),
            short_band: LineBand::new(SHORT_DF_HZ),
            pitch_band: LineBand::new(PITCH_DF_HZ),
            periodicity: PeriodicityPlan::new(window),
            cepstral: CepstralPlan::new(PITCH_DF_HZ),
            harmonics: HarmonicPlan::new(PITCH_DF_HZ, sigma_s),
            tract: SpectrumPlan::new(gauss(TRACT, TRACT_SIGMA)),
            prediction: PredictionPlan::new(SHORT_DF_HZ),
            voice_bins: (5000.0 / PITCH_DF_HZ) as usize + 1,
        }
    }

    /// The one plan of this process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
        PLAN.get_or_init(|| Arc::new(Self::new())).clone()
    }
}
