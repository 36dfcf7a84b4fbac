//! Clues: what is measured of every 20 ms, and kept for the speech test of a segment.

use super::period::{Period, Periods};
use crate::signal::frames::{BANDS, ShortFrame};

/// Hops per clue.
pub const HOPS: u64 = 2;
/// Probability from which the detector takes a clue for speech.
pub(super) const SPEECH: f32 = 0.5;
/// Mel bands that a telephone line leaves whole: 250 to 3400 Hz.
const BAND: std::ops::RangeInclusive<usize> = 3..=17;
/// Those where voices are strongest.
const STRONG: std::ops::RangeInclusive<usize> = 5..=16;
/// Lower and upper part, for the tilt.
const LOW: std::ops::RangeInclusive<usize> = 3..=8;
const HIGH: std::ops::RangeInclusive<usize> = 11..=17;
/// Natural logarithm of power below a frame's strongest band under which all is the same (43 dB).
const DEPTH: f32 = 10.0;
/// Natural logarithm of a band energy that counts as silence.
const SILENCE: f32 = -25.0;

/// Measurements of 20 ms of sound.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clue {
    /// Natural logarithm of the strongest mel band between 500 and 3000 Hz.
    pub level: f32,
    /// Centre of gravity of the power between 250 and 3400 Hz, in mel bands.
    pub centroid: f32,
    /// Mean level of the upper bands less that of the lower ones, in natural logarithms of power.
    pub tilt: f32,
    /// Normalised cross-correlation at the best period, 0 to 1; like the period and the burst 0 where the detector hears no speech.
    pub strength: f32,
    /// The period as semitones above 55 Hz.
    pub semitones: f32,
    /// Largest share of the energy of 38 ms that lies within 4 ms, 0 to 1: near 1 for a click.
    pub burst: f32,
    /// Probability of speech by the detector.
    pub speech: f32,
    /// Samples under it were missing or no numbers.
    pub bad: bool,
}

/// The clues of one channel, made from its short frames.
#[derive(Debug, Default)]
pub struct Clues {
    periods: Periods,
}

impl Clues {
    /// Takes a short frame; every second one gives a clue and its number.
    pub fn short(&mut self, frame: &ShortFrame<'_>, speech: f32) -> Option<(u64, Clue)> {
        self.periods.push(frame.samples);
        if !frame.index.is_multiple_of(HOPS) {
            return None;
        }
        // What the detector does not take for speech is asked for its level only.
        let heard = speech >= SPEECH;
        let period = if heard { self.periods.period() } else { Period::default() };
        let top = frame.log_energies[BAND].iter().fold(SILENCE, |a, b| a.max(*b));
        let strong = frame.log_energies[STRONG].iter().fold(SILENCE, |a, b| a.max(*b));
        let mean = |r: std::ops::RangeInclusive<usize>| {
            let n = r.end() - r.start() + 1;
            frame.log_energies[r].iter().map(|l| l.max(top - DEPTH)).sum::<f32>() / n as f32
        };
        let (sum, moment) = centre(frame.energies);
        let clue = Clue {
            level: strong,
            centroid: if sum > 0.0 { moment / sum } else { 0.0 },
            tilt: mean(HIGH) - mean(LOW),
            strength: period.strength,
            semitones: period.semitones,
            burst: if heard { self.periods.burst() } else { 0.0 },
            speech,
            bad: frame.bad,
        };
        Some((frame.index / HOPS, clue))
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.periods.reset();
    }
}

fn centre(energies: &[f32; BANDS]) -> (f32, f32) {
    BAND.fold((0.0, 0.0), |(sum, moment), k| (sum + energies[k], moment + energies[k] * k as f32))
}
