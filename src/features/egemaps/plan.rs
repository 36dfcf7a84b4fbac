//! The tables of the set, computed once and shared by all streams.

use crate::descriptors::balance::BalancePlan;
use crate::descriptors::formants::FormantPlan;
use crate::descriptors::hnr::HnrPlan;
use crate::descriptors::loudness::LoudnessPlan;
use crate::descriptors::mfcc::MfccPlan;
use crate::descriptors::pitch_candidates::CandidatePlan;
use crate::descriptors::slope::SlopePlan;
use crate::signal::mel::MelBank;
use crate::signal::spectrum::SpectrumPlan;
use crate::signal::window::{gauss, hamming};
use crate::signal::{PITCH, RATE_HZ, SHORT};
use std::sync::{Arc, OnceLock};

/// Distance of the bins of the short spectrum, in Hz.
pub const SHORT_DF_HZ: f64 = 31.25;
/// Distance of the bins of the pitch spectrum, in Hz.
pub const PITCH_DF_HZ: f64 = 15.625;
/// Number of mel bands.
pub const BANDS: usize = 26;
/// Bins below 5 kHz, which the flux uses.
pub const FLUX_BINS: usize = 160;
/// Deviation of the Gaussian window relative to half its length.
const SIGMA: f64 = 0.4;

/// All tables of the set.
#[derive(Debug)]
pub struct Plan {
    pub(super) short: SpectrumPlan,
    pub(super) pitch: SpectrumPlan,
    pub(super) mel: MelBank,
    pub(super) loudness: LoudnessPlan,
    pub(super) mfcc: MfccPlan,
    pub(super) balance: BalancePlan,
    pub(super) slopes: [SlopePlan; 2],
    pub(super) candidates: CandidatePlan,
    pub(super) hnr: HnrPlan,
    pub(super) formants: FormantPlan,
}

impl Plan {
    fn new() -> Self {
        let rate = f64::from(RATE_HZ);
        let pitch = SpectrumPlan::new(gauss(PITCH, SIGMA));
        let mel = MelBank::new(BANDS, 20.0, 8000.0, SHORT_DF_HZ);
        Self {
            short: SpectrumPlan::new(hamming(SHORT)),
            loudness: LoudnessPlan::new(mel.centres_hz()),
            mel,
            mfcc: MfccPlan::new(BANDS, 4),
            balance: BalancePlan::new(SHORT_DF_HZ),
            slopes: [SlopePlan::new(0.0, 500.0, SHORT_DF_HZ), SlopePlan::new(500.0, 1500.0, SHORT_DF_HZ)],
            candidates: CandidatePlan::new(pitch.bins(), PITCH_DF_HZ),
            hnr: HnrPlan::new(pitch.size(), rate),
            formants: FormantPlan::default(),
            pitch,
        }
    }

    /// The one plan of this process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
        PLAN.get_or_init(|| Arc::new(Self::new())).clone()
    }
}
