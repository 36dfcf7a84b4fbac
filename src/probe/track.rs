//! Low-level descriptors over time, and the moments of an utterance at which its hidden states are compared with them.

use super::settings::FRAMES;
use crate::analyzer::{Analyzer, Config, Output, Segmentation};
use crate::error::ConfigError;
use crate::signal::RATE_HZ;
use crate::signal::samples::Samples;

/// Samples from one frame of descriptors to the next.
const HOP: usize = RATE_HZ as usize / 100;

/// Descriptors of an utterance, one frame every 10 ms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    /// Middle of the first frame, in samples.
    pub first: usize,
    /// Values by frame, in the order of the catalogue.
    pub frames: Vec<Vec<Option<f32>>>,
}

impl Track {
    /// Of samples at 16 kHz, relative to full scale.
    ///
    /// # Errors
    /// [`ConfigError`] of the analyzer.
    pub fn of(samples: &[f32]) -> Result<Self, ConfigError> {
        let config = Config { segmentation: Segmentation::Frames, ..Config::default() };
        let mut track = Self::default();
        let mut take = |o: Output<'_>| {
            if let Output::Frame(row) = o {
                if track.frames.is_empty() {
                    let middle = u128::from(row.start_ns + row.end_ns) / 2;
                    track.first = (middle * u128::from(RATE_HZ) / 1_000_000_000) as usize;
                }
                track.frames.push(row.columns().to_vec());
            }
        };
        let mut analyzer = Analyzer::new(config, RATE_HZ, 1)?;
        for block in samples.chunks(1 << 16) {
            analyzer.push(&Samples::f32(block, 1)?, &mut take)?;
        }
        analyzer.finish(&mut take);
        Ok(track)
    }

    /// Moments at which the first descriptor (F0) is defined, in samples: at most [`FRAMES`], evenly spread over all of them.
    #[must_use]
    pub fn voiced(&self) -> Vec<usize> {
        let all: Vec<usize> =
            (0..self.frames.len()).filter(|k| self.frames[*k].first().is_some_and(Option::is_some)).collect();
        let count = all.len().min(FRAMES);
        (0..count).map(|k| self.first + HOP * all[(2 * k + 1) * all.len() / (2 * count)]).collect()
    }

    /// Mean descriptors around a moment over the step of a layer, at least one frame; what is undefined in all of them is undefined.
    #[must_use]
    pub fn around(&self, time: usize, step: usize) -> Vec<Option<f32>> {
        let half = step.max(HOP) as f64 / 2.0;
        let within = |k: &usize| {
            let off = (self.first + HOP * k) as f64 - time as f64;
            off >= -half && off < half
        };
        let nearest = (time.saturating_sub(self.first) + HOP / 2) / HOP;
        let mut places: Vec<usize> = (0..self.frames.len()).filter(within).collect();
        if places.is_empty() {
            places.extend(self.frames.len().checked_sub(1).map(|last| nearest.min(last)));
        }
        let width = self.frames.first().map_or(0, Vec::len);
        let mean = |d: usize| {
            let values: Vec<f64> = places.iter().filter_map(|k| self.frames[*k][d]).map(f64::from).collect();
            (!values.is_empty()).then(|| (values.iter().sum::<f64>() / values.len() as f64) as f32)
        };
        (0..width).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(f0: &[Option<f32>]) -> Track {
        Track { first: 480, frames: f0.iter().map(|f| vec![*f, Some(1.0)]).collect() }
    }

    #[test]
    fn moments_lie_where_there_is_voice() {
        let t = track(&(0..40).map(|k| (k >= 10).then_some(k as f32)).collect::<Vec<_>>());
        let times = t.voiced();
        assert_eq!(times.len(), FRAMES);
        assert!(
            times.windows(2).all(|w| w[0] < w[1]) && times[0] >= 480 + 10 * 160 && times[FRAMES - 1] < 480 + 40 * 160
        );
        assert_eq!(track(&[None, Some(3.0), None]).voiced(), [640]);
        assert!(track(&[None; 4]).voiced().is_empty());
    }

    #[test]
    fn means_over_a_step() {
        let t = track(&[Some(1.0), Some(2.0), None, Some(4.0)]);
        assert_eq!(t.around(640, 20), [Some(2.0), Some(1.0)]);
        // 20 ms around the second frame: the first and the second.
        assert_eq!(t.around(640, 320), [Some(1.5), Some(1.0)]);
        assert_eq!(t.around(800, 160), [None, Some(1.0)]);
        assert_eq!(t.around(99_999, 320), [Some(4.0), Some(1.0)]);
    }

    #[test]
    fn a_tone_has_its_pitch_at_its_moments() {
        let tone: Vec<f32> = (0..32_000)
            .map(|i| {
                (1..6).map(|h| 0.1 / h as f32 * (std::f32::consts::TAU * 200.0 * (h * i) as f32 / 16_000.0).sin()).sum()
            })
            .collect();
        let t = Track::of(&tone).unwrap();
        let times = t.voiced();
        assert_eq!(times.len(), FRAMES);
        for time in times {
            assert!((t.around(time, 320)[0].unwrap() - 200.0).abs() < 1.0);
        }
    }
}
