//! Models of waveforms: the samples of the segment, and no explanation over named features.

use super::ScoringConfig;
use super::reasons::{Reasons, Setting};
use crate::analyzer::FeatureSet;
use crate::model::{Model, ModelError};
use crate::record::{Explanation, Record};
use std::borrow::Cow;

/// A model of waveforms.
#[derive(Debug)]
pub(super) struct WaveformReasons;

impl Reasons for WaveformReasons {
    fn set(&self) -> Option<FeatureSet> {
        None
    }

    fn input<'r>(&self, _: &Model, record: &'r Record) -> Result<Cow<'r, [f32]>, ModelError> {
        let samples = record.held.get();
        samples
            .map(Cow::Borrowed)
            .ok_or_else(|| ModelError::mismatch("segment", "its samples, at most 300 s", "none at hand"))
    }

    fn run(&self, model: &Model, input: &[f32], _: &ScoringConfig) -> Result<Vec<f64>, ModelError> {
        model.waveform(input)
    }

    fn explain(&self, _: &Record, _: &[f32], _: &[usize], _: &Setting) -> Result<Vec<Explanation>, ModelError> {
        Ok(Vec::new())
    }
}
