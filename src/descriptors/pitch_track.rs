//! The most plausible course of F0 and voicing through the candidates.

use super::best_path::{BestPath, IMPOSSIBLE};
use super::pitch_evidence::{PLACES, PitchCandidate, PitchEvidence};
use super::usual_pitch::UsualPitch;
use super::voicing::{Voicing, probability};

/// Longest delay of a decision, in frames.
pub const DELAY: usize = 30;
const STATES: usize = PLACES + 1;
const UNVOICED: usize = PLACES;
/// Cost of an octave, and of a change between voiced and unvoiced, in units of log odds.
const OCTAVE: f64 = 6.87;
const SWITCH: f64 = 3.53;
/// Log odds per unit of a candidate's score.
const SCORE: f64 = 5.74;
const LEAST: f64 = 1e-6;

/// F0 of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pitch {
    /// F0 in Hz; `None` where the frame is unvoiced.
    pub hz: Option<f32>,
    /// Probability that the frame is voiced, 0 to 1, from the frame alone.
    pub voicing: f32,
}

/// The tracker of one stream.
#[derive(Debug, Clone)]
pub struct PitchTrack {
    voicing: Voicing,
    usual: UsualPitch,
    path: BestPath<STATES, DELAY>,
    waiting: [([PitchCandidate; PLACES], f32); DELAY],
    /// `log2` of the frequencies of the last frame.
    octaves: [f64; PLACES],
}

impl Default for PitchTrack {
    fn default() -> Self {
        Self {
            voicing: Voicing::default(),
            usual: UsualPitch::default(),
            // Before a stream there is no voice.
            path: BestPath::new(Some(UNVOICED)),
            waiting: [([PitchCandidate::default(); PLACES], 0.0); DELAY],
            octaves: [0.0; PLACES],
        }
    }
}

impl PitchTrack {
    /// Takes the samples of the next short frame, their mean square and the share of it in the band where levels are taken
    /// ([`Voicing::hear`]), before the pitch frame that ends with it. Frames over bad input are not shown.
    pub fn hear(&mut self, samples: &[f32], mean_square: f32, share: f32) {
        self.voicing.hear(samples, mean_square, share);
    }

    /// How far the voice lies above what a telephone line removes ([`UsualPitch::above_line`]).
    #[must_use]
    pub fn above_line(&self) -> f64 {
        self.usual.above_line()
    }

    /// Level of a pitch frame of this energy relative to the loud parts ([`Voicing::level_db`]).
    #[must_use]
    pub fn level_db(&self, energy: f64) -> f64 {
        self.voicing.level_db(energy)
    }

    /// Takes the evidence and the relative level of the next frame and hands on every frame that is now decided, in order.
    pub fn push(&mut self, evidence: &PitchEvidence, level_db: f64, mut decided: impl FnMut(Pitch)) {
        let probability = probability(evidence, level_db);
        let candidates = &evidence.candidates;
        let mut local = [IMPOSSIBLE; STATES];
        let (mut octaves, mut scores) = ([0.0; PLACES], [f64::NEG_INFINITY; PLACES]);
        for (i, c) in candidates.iter().enumerate().filter(|(_, c)| c.hz > 0.0) {
            octaves[i] = f64::from(c.hz).log2();
            scores[i] = f64::from(c.score) - self.usual.cost(octaves[i]);
        }
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (l, s) in local.iter_mut().zip(&scores).filter(|(_, s)| s.is_finite()) {
            *l = SCORE * (best - s) - (probability + LEAST).ln();
        }
        local[UNVOICED] = -(1.0 - probability + LEAST).ln();
        let before = std::mem::replace(&mut self.octaves, octaves);
        self.waiting[self.path.undecided()] = (*candidates, probability as f32);
        let step = |to: usize, from: usize| match (to == UNVOICED, from == UNVOICED) {
            (true, true) => 0.0,
            (false, false) => OCTAVE * (octaves[to] - before[from]).abs(),
            _ => SWITCH,
        };
        let (waiting, usual, mut count) = (&mut self.waiting, &mut self.usual, 0);
        self.path.push(&local, step, |state| {
            let pitch = pitch(&waiting[count], state);
            if let Some(hz) = pitch.hz {
                usual.hear(f64::from(hz).log2());
            }
            decided(pitch);
            count += 1;
        });
        waiting.rotate_left(count);
    }

    /// Decides the rest on the cheapest path. The next frame starts a new stream.
    pub fn finish(&mut self, mut decided: impl FnMut(Pitch)) {
        let (waiting, mut count) = (&self.waiting, 0);
        self.path.finish(|state| {
            decided(pitch(&waiting[count], state));
            count += 1;
        });
        *self = Self::default();
    }
}

fn pitch((candidates, probability): &([PitchCandidate; PLACES], f32), state: usize) -> Pitch {
    let hz = candidates.get(state).map(|c| c.hz).filter(|hz| *hz > 0.0);
    Pitch { hz, voicing: *probability }
}
