//! Noise floor of a stretch of sound, and how far its speech stands above.
//!
//! Voice activity detection does not serve here: it takes babble for speech, and in strong noise it hears none. The floor
//! is found by what makes it one: it is the level to which the sound comes back, in all bands at once, whenever nobody
//! speaks.

use super::recent::Recent;
use crate::signal::frames::ShortFrame;
use std::ops::Range;

/// Hops before a segment that may tell its noise: five seconds.
pub(super) const BEFORE: u64 = 500;

/// Edges of the bands, as bins of the short spectrum: 62 Hz to 7.6 kHz, about as wide as hearing's.
const EDGES: [usize; BANDS + 1] = [2, 8, 16, 26, 38, 54, 77, 109, 160, 243];
const BANDS: usize = 9;
/// Mean square below which a hop is digital silence, which is no pause of anybody's: -100 dB.
const SILENCE: f32 = 1e-10;
/// A band counts at least this share of the mean power: what lies lower is leakage.
const LEAST_SHARE: f64 = 1e-6;
/// Samples of the transform times the power of its window: a bin's power to mean square, both halves of the spectrum.
const SCALE: f32 = 256.0 * 127.2;

/// Power from 5 to 7.6 kHz relative to that from 2.4 to 3.4 kHz below which there is nothing: -50 dB.
const NOTHING: f64 = 1e-5;

/// Hops of a pause that is long enough to be believed by itself, and of a closure that tells where there is none.
const LONG: usize = 20;
const SHORT: usize = 8;
/// The quietest closure may lie this far below the quietest pause (dB), and by as much more as the floor fluctuates: if it
/// lies lower, what seemed a pause was soft speech.
const GAP_DB: f64 = 2.0;
/// Height of the floor's top above its mean, in deviations of the quietest pause, and its bounds, in dB.
const TOP: f64 = 2.0;
const TOP_DB: (f64, f64) = (1.0, 3.0);
const CLOSURE_TOP_DB: f64 = 1.5;
/// Speech ends where the sound comes down to this level above the floor (dB) for this many hops; weak speech: to a quarter
/// of the ratio.
const QUIET_DB: f64 = 4.0;
const QUIET_SHARE: f64 = 0.25;
const QUIET_HOPS: usize = 20;
/// Speech is taken to fill at least these shares of a segment: where it stands out (13 dB and more over the whole segment),
/// and where most of it may lie hidden (3 dB and less).
const LEAST_SPEECH: (f64, f64) = (0.05, 0.55);
const STANDS_OUT_DB: f64 = 13.0;
const HIDDEN_DB: f64 = 3.0;
/// The lowest ratio that is told: deeper in the noise, speech is not found.
const LOWEST_DB: f64 = -10.0;

/// Power of one short frame, in all and in bands. That of a frame that cannot be used is 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hop {
    mean_square: f32,
    /// The upper halves of single-precision numbers: 0.4 % is enough for levels, and there are many hops.
    bands: [u16; BANDS],
}

impl Hop {
    pub fn of(frame: &ShortFrame<'_>) -> Self {
        if frame.bad {
            return Self::default();
        }
        let power = &frame.spectrum.power;
        let band = |b: usize| power[EDGES[b]..EDGES[b + 1]].iter().sum::<f32>() / SCALE;
        Self::new(frame.mean_square, std::array::from_fn(band))
    }

    fn new(mean_square: f32, bands: [f32; BANDS]) -> Self {
        Self { mean_square, bands: bands.map(|b| (b.to_bits() >> 16) as u16) }
    }

    fn band(&self, b: usize) -> f64 {
        f64::from(f32::from_bits(u32::from(self.bands[b]) << 16))
    }
}

/// Speech-to-noise ratio in dB of the hops `segment`, the noise judged by those of `heard`, which hold them.
///
/// The speech's power is that of its energy above the floor over the time it takes, pauses of 200 ms and more left out.
/// Range: -10 dB (no speech found in the noise) upwards. `None` for less than 0.2 s of sound. Digital silence is left out.
pub(super) fn snr_db(hops: &Recent<Hop>, heard: Range<u64>, segment: &Range<u64>) -> Option<f32> {
    let (mut sound, mut own) = (Vec::<&Hop>::with_capacity(LONG), 0..0);
    for (k, hop) in hops.within(heard).filter(|(_, h)| h.mean_square > SILENCE) {
        own.start = if k < segment.start { sound.len() + 1 } else { own.start };
        own.end = if k < segment.end { sound.len() + 1 } else { own.end };
        sound.push(hop);
    }
    if sound.len() < LONG || own.is_empty() {
        return None;
    }
    let floor = Floor::find(&sound);
    let energy: f64 = sound[own.clone()].iter().map(|h| f64::from(h.mean_square) - floor.power).sum();
    let above = |time: f64| 10.0 * (energy.max(0.0) / time / floor.power).max(1e-12).log10();
    let time = own.len() as f64;
    let quiet = (above(time) * QUIET_SHARE).min(QUIET_DB).max(floor.top_db - floor.level_db);
    let pauses = runs(floor.levels.iter().map(|l| *l < floor.level_db + quiet), QUIET_HOPS);
    let paused: usize = pauses.iter().map(|p| p.end.min(own.end).saturating_sub(p.start.max(own.start))).sum();
    let hidden = ((STANDS_OUT_DB - above(time)) / (STANDS_OUT_DB - HIDDEN_DB)).clamp(0.0, 1.0);
    let least = LEAST_SPEECH.0 + hidden * (LEAST_SPEECH.1 - LEAST_SPEECH.0);
    Some(above((time - paused as f64).max(least * time)).max(LOWEST_DB) as f32)
}

/// Whether the hops carry nothing above 5 kHz, though they carry something below: what a narrow-band line leaves when its
/// sound is brought to a higher rate. Speech has at least a hundred times more there.
pub(super) fn is_narrow(hops: &Recent<Hop>, heard: Range<u64>) -> bool {
    let (below, above) = hops.within(heard).fold((0.0, 0.0), |(a, b), (_, h)| (a + h.band(6), b + h.band(8)));
    below > 0.0 && above < NOTHING * below
}

/// The level to which the sound comes back.
struct Floor {
    /// Mean power of the hops that belong to it.
    power: f64,
    /// Mean level of those, and the highest that still counts, in dB.
    level_db: f64,
    top_db: f64,
    /// Levels of all hops.
    levels: Vec<f64>,
}

impl Floor {
    fn find(sound: &[&Hop]) -> Self {
        let least = LEAST_SHARE * sound.iter().map(|h| f64::from(h.mean_square)).sum::<f64>() / sound.len() as f64;
        let quietest = |length: usize| {
            let levels = levels(sound, least, length / 2, length / 2);
            let middle = length / 2..=sound.len() - length / 2;
            middle.map(|i| (i - length / 2..i + length / 2, levels[i])).min_by(|a, b| a.1.total_cmp(&b.1))
        };
        // There are more hops than a long pause has, so there is a quietest stretch of either length.
        let (pause, pause_db) = quietest(LONG).unwrap_or((0..sound.len(), 0.0));
        let (closure, closure_db) = quietest(SHORT).unwrap_or((0..sound.len(), 0.0));
        let smooth = levels(sound, least, 3, 4);
        let top = (TOP * deviation(&smooth[pause.start + 3..pause.end - 3])).clamp(TOP_DB.0, TOP_DB.1);
        if pause_db - closure_db < GAP_DB + top {
            Self::grown(sound, smooth, (pause, pause_db), top, 6)
        } else {
            Self::grown(sound, levels(sound, least, 2, 3), (closure, closure_db), CLOSURE_TOP_DB, 3)
        }
    }

    /// From a quiet stretch to all stretches of `least` hops and more whose level is like its.
    fn grown(sound: &[&Hop], levels: Vec<f64>, (seed, lowest_db): (Range<usize>, f64), top: f64, least: usize) -> Self {
        let mut floor = Self { power: 0.0, level_db: lowest_db, top_db: lowest_db, levels };
        for _ in 0..4 {
            floor.top_db = floor.level_db + top;
            let mut parts = runs(floor.levels.iter().map(|l| *l < floor.top_db), least);
            if parts.iter().map(Range::len).sum::<usize>() < SHORT {
                parts = vec![seed.clone()];
            }
            let n = parts.iter().map(Range::len).sum::<usize>() as f64;
            let hops = || parts.iter().cloned().flatten();
            floor.power = hops().map(|i| f64::from(sound[i].mean_square)).sum::<f64>() / n;
            floor.level_db = (hops().map(|i| floor.levels[i]).sum::<f64>() / n).max(lowest_db);
        }
        floor
    }
}

/// Level of every hop in dB: mean over the bands of the level of the mean power of the hops `i - before .. i + after`.
fn levels(sound: &[&Hop], least: f64, before: usize, after: usize) -> Vec<f64> {
    let n = sound.len();
    // The mean of logarithms is the logarithm of the product, which is no smaller than 1e-144: nothing below `SILENCE` is here.
    let mut out = vec![1.0; n];
    let mut sums = vec![0.0; n + 1];
    for band in 0..BANDS {
        for (i, hop) in sound.iter().enumerate() {
            sums[i + 1] = sums[i] + hop.band(band).max(least);
        }
        for (i, level) in out.iter_mut().enumerate() {
            let (from, to) = (i.saturating_sub(before), (i + after).min(n));
            // The sums lose digits where it is quiet after something loud: never below what a hop counts at least.
            let mean = ((sums[to] - sums[from]) / (to - from).max(1) as f64).max(least);
            *level *= mean;
        }
    }
    out.iter_mut().for_each(|level| *level = 10.0 / BANDS as f64 * level.log10());
    out
}

/// Stretches of `true` of at least `least` in a row.
fn runs(flags: impl Iterator<Item = bool>, least: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for (i, flag) in flags.enumerate() {
        match out.last_mut() {
            Some(last) if flag && last.end == i => last.end = i + 1,
            _ if flag => out.push(i..i + 1),
            _ => {}
        }
    }
    out.retain(|r| r.len() >= least);
    out
}

fn deviation(x: &[f64]) -> f64 {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flat power with a little fluctuation from hop to hop.
    fn hops(parts: &[(usize, f32)]) -> Recent<Hop> {
        let mut list = Recent::new(None);
        let mut seed = 1u32;
        for &(n, power) in parts {
            for _ in 0..n {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wobble = 1.0 + 0.2 * ((seed >> 8) as f32 / 16_777_216.0 - 0.5);
                list.push(Hop::new(power * wobble, [power * wobble / 9.0; BANDS]));
            }
        }
        list
    }

    fn snr(parts: &[(usize, f32)]) -> Option<f32> {
        let list = hops(parts);
        let n = parts.iter().map(|p| p.0 as u64).sum();
        snr_db(&list, 0..n, &(0..n))
    }

    #[test]
    fn the_ratio_is_that_of_the_powers_wherever_the_pause_lies() {
        for db in [0.0f32, 10.0, 20.0, 30.0, 40.0] {
            let noise = 1e-5f32;
            let loud = noise * (1.0 + 10f32.powf(db / 10.0));
            for parts in [
                vec![(30, noise), (200, loud)],
                vec![(100, loud), (30, noise), (100, loud)],
                vec![(200, loud), (40, noise)],
            ] {
                let got = snr(&parts).unwrap();
                assert!((got - db).abs() < 0.5, "{db}: {got}");
            }
        }
    }

    #[test]
    fn only_the_segment_speaks_and_what_came_before_tells_its_noise() {
        let list = hops(&[(50, 1e-5), (100, 1e-1), (100, 1.01e-3)]);
        let got = snr_db(&list, 0..250, &(150..250)).unwrap();
        assert!((got - 20.0).abs() < 0.5, "{got}");
        // Without that, nothing but itself is heard.
        assert_eq!(snr_db(&list, 150..250, &(150..250)), Some(-10.0));
    }

    #[test]
    fn digital_silence_is_no_noise_floor() {
        let with = snr(&[(100, 0.0), (30, 1e-5), (100, 1.01e-3), (50, 0.0)]).unwrap();
        assert!((with - 20.0).abs() < 0.5, "{with}");
        assert_eq!(snr(&[(500, 0.0)]), None);
        assert_eq!(snr(&[(19, 0.1)]), None);
    }

    #[test]
    fn runs_are_found() {
        let flags = [true, true, false, true, false, true, true, true];
        assert_eq!(runs(flags.into_iter(), 2), [0..2, 5..8]);
    }
}
