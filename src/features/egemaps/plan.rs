//! The tables of the set, computed once and shared by all streams.

use crate::descriptors::balance::BalancePlan;
use crate::descriptors::formants::FormantPlan;
use crate::descriptors::hnr::HnrPlan;
use crate::descriptors::loudness::LoudnessPlan;
use crate::descriptors::mfcc::MfccPlan;
use crate::descriptors::pitch_candidates::CandidatePlan;
use crate::descriptors::slope::SlopePlan;
use crate::signal::RATE_HZ;
use crate::signal::frames::{BANDS, FramePlan, PITCH_DF_HZ, SHORT_DF_HZ};
use std::sync::{Arc, OnceLock};

/// Bins below 5 kHz, which the flux uses.
pub const FLUX_BINS: usize = 160;

/// All tables of the set.
#[derive(Debug)]
pub struct Plan {
    /// Bins of the pitch spectrum.
    pub(super) pitch_bins: usize,
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
        let frames = FramePlan::shared();
        let pitch = &frames.pitch;
        Self {
            loudness: LoudnessPlan::new(frames.mel.centres_hz()),
            mfcc: MfccPlan::new(BANDS, 4),
            balance: BalancePlan::new(SHORT_DF_HZ),
            slopes: [SlopePlan::new(0.0, 500.0, SHORT_DF_HZ), SlopePlan::new(500.0, 1500.0, SHORT_DF_HZ)],
            candidates: CandidatePlan::new(pitch.bins(), PITCH_DF_HZ),
            hnr: HnrPlan::new(pitch.size(), rate),
            formants: FormantPlan::default(),
            pitch_bins: pitch.bins(),
        }
    }

    /// The one plan of this process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
        PLAN.get_or_init(|| Arc::new(Self::new())).clone()
    }
}
