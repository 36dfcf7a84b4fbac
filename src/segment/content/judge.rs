//! Evidence that a stretch is speech: the weighted sum of its measures, and the sum over the stretches of a segment.

use super::Verdict;
use super::clue::Clue;
use super::measures::{COUNT, Scratch, measures};
use super::weights::{BIAS, WEIGHTS, Weight};

/// Distances from the mean count up to this many standard deviations.
const CLIP: f64 = 2.0;
/// Evidence of a stretch counts up to this, for or against: none outvotes all others alone.
const MOST: f64 = 6.0;
/// Seconds of speech from which the evidence stands for itself.
const ENOUGH_S: f64 = 1.4;
/// What a stretch that is shorter by one second is given for being short: it may be a single vowel.
const SHORT: f64 = 1.5;
/// Seconds of speech below which there is hardly a syllable, and what a stretch is given then.
const SYLLABLE_S: f64 = 0.5;
const SYLLABLE: f64 = 4.0;

const CLUE_S: f64 = 0.02;

/// Evidence for speech, in natural logarithms of odds.
pub(super) fn evidence(values: &[Option<f32>; COUNT]) -> f64 {
    let weighted = |(w, v): (&Weight, &Option<f32>)| {
        // What is undefined says nothing.
        let x = v.map_or(0.0, |v| ((f64::from(v) - w.mean) / w.deviation).clamp(-CLIP, CLIP));
        w.slope * x + w.above * x.max(0.0)
    };
    BIAS + WEIGHTS.iter().zip(values).map(weighted).sum::<f64>()
}

/// What speaks for a stretch only because it is short.
fn lenience(seconds: f64) -> f64 {
    SHORT * (ENOUGH_S - seconds).max(0.0) + if seconds < SYLLABLE_S { SYLLABLE } else { 0.0 }
}

/// The stretches of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    evidence: f64,
    /// Clues that the detector took for speech, and those of them in stretches that are speech.
    heard: u64,
    speech: u64,
}

impl Tally {
    pub fn push(&mut self, clues: &[Clue], scratch: &mut Scratch) {
        let Some((values, heard)) = measures(clues, scratch) else { return };
        let seconds = heard as f64 * CLUE_S;
        let z = (evidence(&values) + lenience(seconds)).clamp(-MOST, MOST);
        self.evidence += z * heard as f64;
        self.heard += heard as u64;
        if z > 0.0 {
            self.speech += heard as u64;
        }
    }

    pub fn verdict(&self) -> Verdict {
        Verdict {
            speech: self.evidence >= 0.0,
            share: if self.heard == 0 { 1.0 } else { self.speech as f32 / self.heard as f32 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_taken_for_speech() {
        let mut t = Tally::default();
        t.push(&[Clue::default(); 3], &mut Scratch::default());
        assert_eq!(t.verdict(), Verdict { speech: true, share: 1.0 });
    }

    #[test]
    fn undefined_measures_say_nothing() {
        assert_eq!(evidence(&[None; COUNT]), BIAS);
        assert!(WEIGHTS.iter().all(|w| w.deviation > 0.0));
        let mut names: Vec<_> = WEIGHTS.iter().map(|w| w.name).collect();
        names.dedup();
        assert_eq!(names.len(), COUNT);
    }
}
