//! Measures of how good the audio under a result is.

use super::sounds::Sound;
use crate::record::Quality;
use crate::signal::frames::SHORT_DF_HZ;

const HOP_S: f32 = 0.01;
const BINS: usize = 257;

/// What the sound around a segment tells of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Surroundings {
    /// Voice activity detection runs.
    pub detected: bool,
    pub snr_db: Option<f32>,
    pub band_low_hz: Option<f32>,
    /// Nothing came above 4 kHz.
    pub narrow: bool,
}

/// Accumulates the frames of one segment.
#[derive(Debug, Clone)]
pub(super) struct QualityMeter {
    frames: u64,
    mean_square: f64,
    speech_frames: u64,
    samples: u64,
    clipped: u64,
    lost: u64,
    concealed: u64,
    edges: [u32; BINS],
}

impl Default for QualityMeter {
    fn default() -> Self {
        Self {
            frames: 0,
            mean_square: 0.0,
            speech_frames: 0,
            samples: 0,
            clipped: 0,
            lost: 0,
            concealed: 0,
            edges: [0; BINS],
        }
    }
}

impl QualityMeter {
    pub fn push(&mut self, sound: &Sound) {
        self.samples += u64::from(sound.samples);
        self.clipped += u64::from(sound.clipped);
        self.lost += u64::from(sound.lost);
        self.concealed += u64::from(sound.concealed);
        if sound.bad {
            return;
        }
        let square = f64::from(sound.mean_square);
        self.frames += 1;
        self.mean_square += square;
        self.speech_frames += u64::from(sound.speech);
        if sound.edge_bin > 0 {
            self.edges[usize::from(sound.edge_bin).min(BINS - 1)] += 1;
        }
    }

    pub fn finish(&self, around: Surroundings, frames: (usize, usize), skipped_frames: u64, rate_hz: u32) -> Quality {
        let share = |part: u64, whole: u64| (whole > 0).then(|| (part as f64 / whole as f64) as f32);
        let level = self.mean_square / self.frames.max(1) as f64;
        Quality {
            speech_s: around.detected.then_some(self.speech_frames as f32 * HOP_S),
            voiced_share: share(frames.1 as u64, frames.0 as u64),
            snr_db: around.snr_db,
            clipping_share: share(self.clipped, self.samples),
            band_low_hz: around.band_low_hz,
            // What lies above half the input's rate came in with frame edges, not with the sound.
            bandwidth_hz: self.bandwidth().map(|hz| hz.min(rate_hz as f32 / 2.0)),
            level_dbfs: (level > 0.0).then(|| (10.0 * level.log10()) as f32),
            skipped_frames,
            lost_share: share(self.lost, self.samples),
            concealed_share: share(self.concealed, self.samples),
            not_speech: false,
        }
    }

    fn bandwidth(&self) -> Option<f32> {
        let all: u64 = self.edges.iter().map(|n| u64::from(*n)).sum();
        let mut below = 0u64;
        self.edges
            .iter()
            .position(|n| {
                below += u64::from(*n);
                below > 0 && below * 100 >= all * 95
            })
            .map(|bin| (bin as f64 * SHORT_DF_HZ) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(mean_square: f32, edge_bin: u16, speech: bool) -> Sound {
        Sound { mean_square, edge_bin, speech, samples: 80, clipped: 4, lost: 20, concealed: 16, bad: false }
    }

    #[test]
    fn level_and_shares() {
        let mut meter = QualityMeter::default();
        (0..50).for_each(|_| meter.push(&sound(0.101, 128, true)));
        (0..50).for_each(|_| meter.push(&sound(0.001, 30, false)));
        let around = Surroundings { detected: true, snr_db: Some(20.0), band_low_hz: Some(300.0), narrow: false };
        let q = meter.finish(around, (90, 45), 0, 16_000);
        assert_eq!((q.snr_db, q.band_low_hz), (Some(20.0), Some(300.0)));
        assert!((q.level_dbfs.unwrap() - 10.0 * 0.051f32.log10()).abs() < 1e-3);
        assert_eq!((q.speech_s, q.voiced_share, q.clipping_share), (Some(0.5), Some(0.5), Some(0.05)));
        assert_eq!((q.lost_share, q.concealed_share), (Some(0.25), Some(0.2)));
        assert_eq!(q.bandwidth_hz, Some(4000.0));
        assert_eq!(meter.finish(Surroundings::default(), (1, 0), 0, 7_500).bandwidth_hz, Some(3750.0));
    }

    #[test]
    fn what_cannot_be_told_is_none() {
        let q = QualityMeter::default().finish(Surroundings::default(), (0, 0), 3, 16_000);
        assert_eq!(q, Quality { skipped_frames: 3, ..Quality::default() });
        let mut meter = QualityMeter::default();
        meter.push(&Sound::default());
        let q = meter.finish(Surroundings::default(), (1, 0), 0, 16_000);
        assert_eq!((q.level_dbfs, q.bandwidth_hz), (None, None));
    }
}
