//! How probable it is that a frame is voiced.

use super::loudest::Loudest;
use super::pitch_evidence::PitchEvidence;

/// Weights, see [`probability`]: searched on three corpora over telephone lines and in noise, see `docs/methods.md`.
const PERIODICITY: f64 = 5.5;
const PERIODICITY_BELOW_HALF: f64 = 5.88;
const BELOW_15_DB: f64 = 0.201;
const BELOW_25_DB: f64 = 0.527;
const HARMONICS: f64 = 0.0809;
const ROUGHNESS: f64 = -2.29;
const NO_FUNDAMENTAL: f64 = 1.665;
const CONSTANT: f64 = -5.9;
/// Roughness of noise, about, and the largest harmonic sum that counts.
const ROUGH: f64 = 0.25;
const MOST_HARMONICS: f64 = 12.0;
/// Level relative to the loud parts, in dB, at which no evidence makes a frame probably voiced: the highest probability is
/// 0.0013 ([`probability`] of a perfect period without a fundamental and with a smooth envelope).
pub const NEVER_DB: f64 = -38.0;
/// The loud parts lie at least this much above the quietest that has been heard, in dB, at the beginning of a stream, which
/// is more often background than voice; the difference falls to nothing within so many short frames.
const RANGE_DB: f64 = 24.0;
const BEGINNING: f64 = 80.0;
/// Levels further down than this below the loud parts are all alike.
const LEAST_DB: f64 = -60.0;
/// The loudest pitch frame lies about this much above the highest median over 110 ms, in dB (mean over the loud frames
/// of EmoDB); the weights were fitted to the former.
const CREST_DB: f64 = 2.4;
/// Sum of squares of the pitch frame's window: its energy over this is a mean square.
const WINDOW: f64 = 339.82;

/// Levels relative to the loud parts of one stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Voicing {
    loudest: Loudest,
    /// Short frames heard, as far as they count.
    heard: u32,
}

impl Voicing {
    /// Takes the samples of the next short frame, their mean square and the share of it that lies in the band where levels
    /// are taken, for the level of the loud parts. Frames over bad input are not shown.
    pub fn hear(&mut self, samples: &[f32], mean_square: f32, share: f32) {
        self.loudest.hear(samples, mean_square, share);
        if mean_square > 0.0 {
            self.heard = (self.heard + 1).min(BEGINNING as u32);
        }
    }

    /// Level of a pitch frame of this energy relative to the loud parts, -60 to 0 dB. In the first 0.8 s
    /// that are heard they count as up to 24 dB above the quietest. Silence gives -60.
    #[must_use]
    pub fn level_db(&self, energy: f64) -> f64 {
        if energy <= 0.0 {
            return LEAST_DB;
        }
        let level_db = 10.0 * (energy / WINDOW).log10();
        let loudest_db = self.loudest.level_db().unwrap_or(level_db);
        let range_db = RANGE_DB * (1.0 - f64::from(self.heard) / BEGINNING).max(0.0);
        let loudest_db = loudest_db.max(self.loudest.least_db().unwrap_or(level_db) + range_db);
        // Louder than the loud parts says no more than as loud: a click is no voice.
        (level_db - loudest_db - CREST_DB).clamp(LEAST_DB, 0.0)
    }
}

/// Probability that a frame with this evidence and this level relative to the loud parts is voiced, 0 to 1: a logistic
/// function of periodicity, of the harmonic sum where the line carries the fundamental and the roughness of the envelope
/// where it does not, and of the level below 15 and 25 dB under the loud parts. Without candidates it is 0.
#[must_use]
pub fn probability(evidence: &PitchEvidence, level_db: f64) -> f64 {
    if evidence.candidates[0].hz <= 0.0 {
        return 0.0;
    }
    let periodicity = f64::from(evidence.periodicity);
    let fundamental = f64::from(evidence.fundamental);
    let x = PERIODICITY * periodicity
        + PERIODICITY_BELOW_HALF * periodicity.min(0.5)
        + BELOW_15_DB * (level_db + 15.0).min(0.0)
        + BELOW_25_DB * (level_db + 25.0).min(0.0)
        + HARMONICS * fundamental * f64::from(evidence.harmonics).min(MOST_HARMONICS)
        + (1.0 - fundamental) * (ROUGHNESS * (f64::from(evidence.roughness).min(0.6) - ROUGH) + NO_FUNDAMENTAL)
        + CONSTANT;
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::pitch_evidence::PitchCandidate;

    /// The strongest evidence that there can be, far below the loud parts.
    #[test]
    fn nothing_is_voiced_far_below_the_loud_parts() {
        let strongest = |fundamental| {
            let mut e =
                PitchEvidence { periodicity: 1.0, harmonics: 1e3, roughness: 0.0, fundamental, ..Default::default() };
            e.candidates[0] = PitchCandidate { hz: 100.0, score: 2.0 };
            e
        };
        for fundamental in [0.0, 0.5, 1.0] {
            let p = probability(&strongest(fundamental), NEVER_DB);
            assert!(p < 0.0013, "{fundamental}: {p}");
            assert!(probability(&strongest(fundamental), 0.0) > 0.95);
        }
    }
}
