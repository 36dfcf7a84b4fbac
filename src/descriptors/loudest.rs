//! How loud the loud parts of a stream are, as far as it has been heard.

/// Frames of 10 ms whose median counts. One click reaches six pitch frames and the resampler's ringing around it,
/// which is less than half of these; a syllable's nucleus fills them.
const FRAMES: usize = 15;
/// Fall, in dB per frame: 2 dB per second.
const FALL_DB: f64 = 0.02;

/// Level of the loud parts: the highest median over 150 ms, falling by 2 dB per second.
///
/// No click, no single frame and no hole can own it: a sound has to last half of 150 ms to raise it. Until 150 ms have
/// been heard it is the median of what there is, and nothing is held. A gain shifts it by as much.
#[derive(Debug, Clone, Copy, Default)]
pub struct Loudest {
    recent_db: [f64; FRAMES],
    /// Frames heard, and where the next one goes.
    heard: usize,
    held_db: Option<f64>,
}

impl Loudest {
    /// Takes the level of the next frame and gives that of the loud parts, both in dB of any reference. Levels are
    /// finite; frames over bad input and silent ones are not shown.
    pub fn push(&mut self, level_db: f64) -> f64 {
        self.recent_db[self.heard % FRAMES] = level_db;
        self.heard += 1;
        let n = self.heard.min(FRAMES);
        let mut sorted = self.recent_db;
        sorted[..n].sort_unstable_by(f64::total_cmp);
        let median = sorted[n / 2];
        if n < FRAMES {
            return median;
        }
        // The count only has to know its place and whether the ring is full.
        self.heard = FRAMES + self.heard % FRAMES;
        let held = self.held_db.map_or(median, |h| (h - FALL_DB).max(median));
        self.held_db = Some(held);
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(levels: &[f64]) -> Vec<f64> {
        let mut loudest = Loudest::default();
        levels.iter().map(|l| loudest.push(*l)).collect()
    }

    proptest! {
        /// The definition, computed anew for every frame.
        #[test]
        fn is_the_highest_median_so_far(levels in prop::collection::vec(-90.0f64..10.0, 1..120)) {
            let median = |k: usize| {
                let mut part = levels[(k + 1usize).saturating_sub(FRAMES)..=k].to_vec();
                part.sort_by(f64::total_cmp);
                part[part.len() / 2]
            };
            for (k, got) in run(&levels).into_iter().enumerate() {
                let held = (FRAMES - 1..=k).map(|j| median(j) - FALL_DB * (k - j) as f64).fold(f64::NEG_INFINITY, f64::max);
                let expected = if k + 1 < FRAMES { median(k) } else { held };
                prop_assert!((got - expected).abs() < 1e-9, "{k}: {got} {expected}");
            }
        }
    }

    /// Seven frames of any size, at any place, move the level by no more than speech itself does.
    #[test]
    fn a_click_cannot_own_it() {
        let speech: Vec<f64> = (0..400).map(|k| -30.0 + 8.0 * (f64::from(k) * 0.35).sin()).collect();
        let plain = run(&speech);
        for place in [0, 3, 100, 250] {
            let mut clicked = speech.clone();
            clicked[place..place + 7].fill(120.0);
            for (k, (a, b)) in run(&clicked).iter().zip(&plain).enumerate() {
                let beginning = k < FRAMES - 1 && place < FRAMES;
                assert!(beginning || (a - b).abs() < 8.0, "frame {k}, click at {place}: {a} {b}");
            }
        }
    }

    /// What is really louder counts after half of 150 ms, and is forgotten by 2 dB per second.
    #[test]
    fn a_louder_voice_counts() {
        let mut levels = vec![-40.0; 100];
        levels.extend([-20.0; 100]);
        levels.extend([-60.0; 500]);
        let got = run(&levels);
        assert_eq!((got[106], got[107]), (-40.0, -20.0));
        assert!((got[699] - (-20.0 - 0.02 * 493.0)).abs() < 1.0, "{}", got[699]);
    }
}
