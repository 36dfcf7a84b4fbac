//! Voice: one channel's samples, their F0 and harmonicity every 10 ms, and their single periods, ready to be altered.

use super::error::AlterError;
use super::heard::{Heard, hear, median_hnr_db, stretches};
use super::marks::{Mark, marks};
use crate::signal::RATE_HZ;
use crate::signal::samples::is_sample;
use std::ops::Range;

/// Least constant offset that is told from sound, relative to full scale: -60 dB.
const OFFSET: f32 = 1e-3;

/// The voice of one channel.
///
/// Everything is held in memory: the samples and about 0.1 kB for every 10 ms; an alteration takes up to some hundred bytes a sample.
#[derive(Debug, Clone)]
pub struct Voice {
    rate_hz: u32,
    samples: Vec<f32>,
    /// Constant offset, and the samples without it, where it is one.
    centred: Option<(f32, Vec<f32>)>,
    rows: Vec<Heard>,
    stretches: Vec<Range<usize>>,
    marks: Vec<Mark>,
}

impl Voice {
    /// Analyses the samples of one channel.
    ///
    /// # Errors
    /// [`AlterError`] for a rate outside 8 to 192 kHz, and for samples that are no numbers.
    pub fn new(samples: Vec<f32>, rate_hz: u32) -> Result<Self, AlterError> {
        if let Some(at) = samples.iter().position(|x| !is_sample(*x)) {
            return Err(AlterError::NotASample { at, found: samples[at] });
        }
        let (rows, at_16_khz) = hear(&samples, rate_hz)?;
        let stretches = stretches(&rows);
        let scale = f64::from(rate_hz) / f64::from(RATE_HZ);
        let marks = marks(&at_16_khz, &rows, &stretches, scale, samples.len());
        let centred = centred(&samples);
        Ok(Self { rate_hz, samples, centred, rows, stretches, marks })
    }

    /// Rate in Hz.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// The samples as they came.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Number of voiced frames of 10 ms.
    #[must_use]
    pub fn voiced(&self) -> usize {
        self.stretches.iter().map(ExactSizeIterator::len).sum()
    }

    /// Median harmonics-to-noise ratio of the voiced frames, in dB; `None` without any.
    #[must_use]
    pub fn hnr_db(&self) -> Option<f64> {
        median_hnr_db(&self.rows)
    }

    /// The samples without a constant offset.
    pub(super) fn sound(&self) -> &[f32] {
        self.centred.as_ref().map_or(&self.samples, |c| &c.1)
    }

    /// The constant offset that is no sound.
    pub(super) fn offset(&self) -> Option<f32> {
        self.centred.as_ref().map(|c| c.0)
    }

    pub(super) fn rows(&self) -> &[Heard] {
        &self.rows
    }

    /// Voiced stretches, as rows.
    pub(super) fn stretches(&self) -> &[Range<usize>] {
        &self.stretches
    }

    /// Centres of the pieces that it is taken apart into.
    pub(super) fn marks(&self) -> &[Mark] {
        &self.marks
    }
}

/// The mean of samples where it is an offset, and the samples without it.
fn centred(samples: &[f32]) -> Option<(f32, Vec<f32>)> {
    let mean = (samples.iter().map(|v| f64::from(*v)).sum::<f64>() / samples.len().max(1) as f64) as f32;
    (mean.abs() >= OFFSET).then(|| (mean, samples.iter().map(|v| v - mean).collect()))
}
