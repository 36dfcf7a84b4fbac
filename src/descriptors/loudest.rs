//! How loud the loud parts of a stream are, and how quiet the quiet ones, as far as it has been heard.

use crate::signal::sums::max_abs;

/// Short frames (20 ms, every 10 ms) whose median counts: a syllable's nucleus fills more than half of them.
const FRAMES: usize = 11;
/// A frame is a click if a single sample holds this share of its energy. The strongest sample of a voiced frame holds a
/// few hundredths; of a click that has gone through a resampler, at least 0.4.
const CLICK: f32 = 0.25;
/// Fall, in dB per frame: 2 dB per second.
const FALL_DB: f64 = 0.02;

/// Level of the loud parts: the highest median over 110 ms, falling by 2 dB per second.
///
/// No click, no single frame and no hole can own it: frames whose energy a single sample holds are left out, and a sound
/// has to last half of 110 ms to raise it. Until 110 ms have
/// been heard it is the median of what there is, and nothing is held. A gain shifts it by as much. Nothing allocates.
#[derive(Debug, Clone, Copy, Default)]
pub struct Loudest {
    recent_db: [f64; FRAMES],
    /// Frames heard, and where the next one goes.
    heard: usize,
    held_db: Option<f64>,
    /// The lowest median so far, rising as the highest one falls.
    least_db: Option<f64>,
}

impl Loudest {
    /// Takes the next short frame: its samples (finite), their mean square and the share of it, 0 to 1, that lies in the
    /// band whose level counts. Silence, of the samples or of the band, and clicks leave no trace; frames over bad input
    /// are not shown.
    pub fn hear(&mut self, samples: &[f32], mean_square: f32, share: f32) {
        let peak = max_abs(samples);
        let in_band = mean_square * share;
        if in_band > 0.0 && peak * peak < CLICK * mean_square * samples.len() as f32 {
            self.push(10.0 * f64::from(in_band).log10());
        }
    }

    /// Takes a level.
    fn push(&mut self, level_db: f64) {
        self.recent_db[self.heard % FRAMES] = level_db;
        self.heard += 1;
        let median = self.median_db();
        self.least_db = median.map(|m| self.least_db.map_or(m, |l| (l + FALL_DB).min(m)));
        if self.heard >= FRAMES {
            // The count only has to know its place and that the ring is full.
            self.heard = FRAMES + self.heard % FRAMES;
            self.held_db = median.map(|m| self.held_db.map_or(m, |h| (h - FALL_DB).max(m)));
        }
    }

    /// Level of the loud parts so far, as a mean square in dB; `None` before the first frame.
    #[must_use]
    pub fn level_db(&self) -> Option<f64> {
        self.held_db.or_else(|| self.median_db())
    }

    /// Level of the quiet parts so far: the lowest median over up to 110 ms, rising by 2 dB per second; `None` before the first
    /// frame.
    #[must_use]
    pub fn least_db(&self) -> Option<f64> {
        self.least_db
    }

    fn median_db(&self) -> Option<f64> {
        let mut sorted = self.recent_db;
        let sorted = &mut sorted[..self.heard.min(FRAMES)];
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(levels: &[f64]) -> Vec<f64> {
        let mut loudest = Loudest::default();
        let mut next = |l: &f64| {
            loudest.push(*l);
            loudest.level_db().unwrap()
        };
        levels.iter().map(&mut next).collect()
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

    /// Two frames of any size, at any place, move the level by no more than speech itself does.
    #[test]
    fn a_click_cannot_own_it() {
        let speech: Vec<f64> = (0..400).map(|k| -30.0 + 8.0 * (f64::from(k) * 0.35).sin()).collect();
        let plain = run(&speech);
        for place in [0, 3, 100, 250] {
            let mut clicked = speech.clone();
            clicked[place..place + 2].fill(120.0);
            for (k, (a, b)) in run(&clicked).iter().zip(&plain).enumerate() {
                // The first frames have nothing else to go by.
                assert!(k < 4 || (a - b).abs() < 3.0, "frame {k}, click at {place}: {a} {b}");
            }
        }
    }

    /// A click in noise is left out, whatever its size, and noise by itself is not.
    #[test]
    fn clicks_leave_no_trace() {
        let noise: Vec<f32> =
            (0..320u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5).collect();
        let square = |x: &[f32]| x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32;
        let mut plain = Loudest::default();
        (0..30).for_each(|_| plain.hear(&noise, square(&noise), 1.0));
        assert!((plain.level_db().unwrap() - 10.0 * f64::from(square(&noise)).log10()).abs() < 1e-9);
        for size in [10.0, 1e4] {
            let mut clicked = noise.clone();
            clicked[100] = -size;
            let mut other = plain;
            (0..30).for_each(|_| other.hear(&clicked, square(&clicked), 1.0));
            assert_eq!(other.level_db(), plain.level_db());
        }
        let mut silent = Loudest::default();
        silent.hear(&[0.0; 320], 0.0, 1.0);
        assert_eq!(silent.level_db(), None);
    }

    /// What is really louder counts after half of 110 ms, and is forgotten by 2 dB per second.
    #[test]
    fn a_louder_voice_counts() {
        let mut levels = vec![-40.0; 100];
        levels.extend([-20.0; 100]);
        levels.extend([-60.0; 500]);
        let got = run(&levels);
        assert_eq!((got[104], got[105]), (-40.0, -20.0));
        // The median is -20 dB until six frames after the fall.
        assert!((got[699] - (-20.0 - 0.02 * (699.0 - 204.0))).abs() < 1e-9, "{}", got[699]);
    }
}
