//! Whether a line carries the fundamental: the level of the lowest band of speech against the band above it.

use crate::signal::sums::sum;

/// Edges of the two bands, in Hz.
const EDGES_HZ: [f64; 3] = [60.0, 280.0, 3400.0];
/// Frames this much below the loud parts say nothing, in dB.
const LOUD_DB: f64 = -15.0;
/// Lowest ratio that is told from none, in dB.
const LEAST_DB: f64 = -30.0;
/// What a stream begins with, before anything loud has been heard, in dB.
const BEGIN_DB: f64 = -15.0;
/// Step of the estimate per loud frame, in dB, and the share of frames that lie below it in the long run.
const STEP_DB: f64 = 0.583;
const QUANTILE: f64 = 0.75;
/// Ratios at which the fundamental counts as absent and as present, in dB.
const ABSENT_DB: f64 = -11.0;
const PRESENT_DB: f64 = -1.0;
/// Rise of the floor per frame, 2 dB per second, and the share of it that is taken off.
const FLOOR_RISE: f64 = 1.0046;
const FLOOR_SHARE: f64 = 0.7;

/// A high quantile of the ratio of power below 280 Hz to that between 280 and 3400 Hz in the loud frames of one stream,
/// followed by steps (stochastic approximation): neither a thump nor a hiss decides. What steady noise adds to the
/// bands is taken off before: the least power of each so far, which rises slowly.
#[derive(Debug, Clone, Copy)]
pub struct LowBand {
    ratio_db: f64,
    /// Floor of the power in the two bands; `None` before the first sound.
    floor: Option<[f64; 2]>,
    bins: [usize; 3],
}

impl LowBand {
    /// A stream at its beginning, for spectra with bins `df_hz` apart.
    #[must_use]
    pub fn new(df_hz: f64) -> Self {
        Self { ratio_db: BEGIN_DB, floor: None, bins: EDGES_HZ.map(|hz| (hz / df_hz).round() as usize) }
    }

    /// Takes the power spectrum of the next frame and its level relative to the loud parts, and says how far the fundamental
    /// is there: 0 (the line has removed it) to 1. A gain changes nothing; silence changes nothing.
    pub fn process(&mut self, power: &[f32], level_db: f64) -> f64 {
        let [from, middle, to] = self.bins;
        let (low, high) = (f64::from(sum(&power[from..middle])), f64::from(sum(&power[middle..to])));
        if low + high > 0.0 {
            let floor =
                self.floor.map_or([low, high], |[l, h]| [(l * FLOOR_RISE).min(low), (h * FLOOR_RISE).min(high)]);
            self.floor = Some(floor);
            let [low, high] = [low - FLOOR_SHARE * floor[0], high - FLOOR_SHARE * floor[1]];
            if level_db > LOUD_DB {
                let ratio = (10.0 * (low / high).log10()).clamp(LEAST_DB, 0.0);
                self.ratio_db = if ratio > self.ratio_db {
                    (self.ratio_db + QUANTILE * STEP_DB).min(ratio)
                } else {
                    (self.ratio_db - (1.0 - QUANTILE) * STEP_DB).max(ratio)
                };
            }
        }
        ((self.ratio_db - ABSENT_DB) / (PRESENT_DB - ABSENT_DB)).clamp(0.0, 1.0)
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.ratio_db = BEGIN_DB;
        self.floor = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_low_bins_is_found_and_left() {
        let mut band = LowBand::new(15.625);
        let mut full = vec![1.0f32; 513];
        assert_eq!(band.process(&[0.0; 513], 0.0), 0.0);
        assert_eq!(band.process(&full, -30.0), 0.0, "quiet frames say nothing");
        full[..18].fill(20.0);
        let there = (0..300).map(|_| band.process(&full, 0.0)).last().unwrap();
        assert_eq!(there, 1.0);
        let mut cut = full.clone();
        cut[..18].fill(0.0);
        let left = (0..4000).map(|_| band.process(&cut, -3.0)).last().unwrap();
        assert_eq!(left, 0.0);
        band.reset();
        assert_eq!(band.process(&cut, 0.0), 0.0);
    }

    /// Noise in the pauses counts for a third of what it is, in either band; without pauses a steady sound keeps its ratio.
    #[test]
    fn steady_noise_does_not_hide_the_fundamental() {
        let spectrum = |low: f32, high: f32| {
            let mut power = vec![0.0f32; 513];
            power[4..18].fill(low / 14.0);
            power[18..218].fill(high / 200.0);
            power
        };
        let there = |noise: f32| {
            let mut band = LowBand::new(15.625);
            (0..100).for_each(|_| _ = band.process(&spectrum(0.0, noise), -30.0));
            (0..200).map(|_| band.process(&spectrum(1.0, 1.0 + noise), 0.0)).last().unwrap()
        };
        let share = |ratio: f64| (10.0 * ratio.log10() - ABSENT_DB) / (PRESENT_DB - ABSENT_DB);
        assert_eq!(there(0.0), 1.0);
        // The ratio is 1 / 1.3 instead of 1 / 2, but for what the floor has risen by.
        assert!((there(1.0) - share(1.0 / 1.3)).abs() < 0.02, "{}", there(1.0));
        let mut steady = LowBand::new(15.625);
        let last = (0..200).map(|_| steady.process(&spectrum(1.0, 4.0), 0.0)).last().unwrap();
        assert!((last - share(0.25)).abs() < 1e-6, "{last}");
    }
}
