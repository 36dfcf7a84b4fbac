//! How probable it is that a frame is voiced.

use super::loudest::Loudest;
use super::pitch_comb::{PLACES, PitchCandidate};

/// Weights of salience, periodicity, level relative to the recent maximum (dB), and the constant: logistic regression
/// on speech that is clean, noisy, of telephone bandwidth and coded, see `docs/methods.md`.
const WEIGHTS: [f64; 4] = [0.54, 2.7, 0.13, -3.2];
/// The loudest pitch frame lies about this much above the highest median over 110 ms, in dB (mean over the loud frames
/// of EmoDB); the weights were fitted to the former.
const CREST_DB: f64 = 2.4;
/// Sum of squares of the pitch frame's window: its energy over this is a mean square.
const WINDOW: f64 = 339.82;

/// The level of the loud parts of one stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Voicing {
    loudest: Loudest,
}

impl Voicing {
    /// Takes the samples of the next short frame and their mean square, for the level of the loud parts. Frames over bad
    /// input are not shown.
    pub fn hear(&mut self, samples: &[f32], mean_square: f32) {
        self.loudest.hear(samples, mean_square);
    }

    /// Probability that a pitch frame with these candidates and this energy is voiced, 0 to 1.
    ///
    /// A gain changes nothing. A frame without candidates or energy gives 0.
    #[must_use]
    pub fn process(&self, candidates: &[PitchCandidate; PLACES], energy: f64) -> f64 {
        let best = candidates.iter().filter(|c| c.hz > 0.0).max_by(|a, b| a.score().total_cmp(&b.score()));
        let Some(best) = best.filter(|_| energy > 0.0) else { return 0.0 };
        let level_db = 10.0 * (energy / WINDOW).log10();
        let loudest_db = self.loudest.level_db().unwrap_or(level_db);
        // Louder than the loud parts says no more than as loud: a click is no voice.
        let below = (level_db - loudest_db - CREST_DB).min(0.0);
        let [salience, periodicity, level, constant] = WEIGHTS;
        let x =
            salience * f64::from(best.salience) + periodicity * f64::from(best.periodicity) + level * below + constant;
        1.0 / (1.0 + (-x).exp())
    }
}
