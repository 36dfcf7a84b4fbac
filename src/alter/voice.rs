//! Voice: one channel's samples, their F0 and harmonicity every 10 ms, and their single periods, ready to be altered.

use super::error::AlterError;
use super::heard::{Heard, hear, median_hnr_db, stretches};
use super::marks::{Mark, marks};
use crate::signal::RATE_HZ;
use crate::signal::samples::is_sample;
use std::ops::Range;

/// The voice of one channel.
///
/// Everything is held in memory: the samples and about 0.1 kB for every 10 ms.
#[derive(Debug, Clone)]
pub struct Voice {
    rate_hz: u32,
    samples: Vec<f32>,
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
        Ok(Self { rate_hz, samples, rows, stretches, marks })
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
