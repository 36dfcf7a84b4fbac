//! How probable it is that a frame is voiced.

use super::pitch_comb::{PLACES, PitchCandidate};

/// Weights of salience, periodicity, level relative to the recent maximum (dB), and the constant: logistic regression
/// on speech that is clean, noisy, of telephone bandwidth and coded, see `docs/methods.md`.
const WEIGHTS: [f64; 4] = [0.54, 2.7, 0.13, -3.2];
/// Fall of the recent maximum, in dB per frame: 2 dB per second.
const FALL_DB: f64 = 0.02;

/// The recent maximum of the level of one stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Voicing {
    loudest_db: Option<f64>,
}

impl Voicing {
    /// Probability that a frame with these candidates and this energy (any scale) is voiced, 0 to 1.
    ///
    /// A gain changes nothing. A frame without candidates or energy gives 0 and leaves no trace.
    pub fn process(&mut self, candidates: &[PitchCandidate; PLACES], energy: f64) -> f64 {
        let best = candidates.iter().filter(|c| c.hz > 0.0).max_by(|a, b| a.score().total_cmp(&b.score()));
        let Some(best) = best.filter(|_| energy > 0.0) else { return 0.0 };
        let level_db = 10.0 * energy.log10();
        let loudest = self.loudest_db.map_or(level_db, |l| (l - FALL_DB).max(level_db));
        self.loudest_db = Some(loudest);
        let [salience, periodicity, level, constant] = WEIGHTS;
        let x = salience * f64::from(best.salience)
            + periodicity * f64::from(best.periodicity)
            + level * (level_db - loudest)
            + constant;
        1.0 / (1.0 + (-x).exp())
    }
}
