//! Interface of a kind of model: how a segment enters it, and how its scores are explained.

use super::ScoringConfig;
use super::reference::Compared;
use crate::analyzer::FeatureSet;
use crate::model::{Model, ModelError};
use crate::record::{Explanation, Record};
use std::borrow::Cow;
use std::fmt::Debug;

/// Under what a segment's scores are explained.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// What it is compared with.
    pub compared: Compared,
    /// The temperature of its scores.
    pub temperature: f64,
}

/// Kind of model: models of features and models of waveforms.
pub(super) trait Reasons: Debug + Send + Sync {
    /// The feature set that the model needs; `None` where it takes the waveform.
    fn set(&self) -> Option<FeatureSet>;

    /// What enters the graph for a segment: a row, or samples.
    ///
    /// # Errors
    /// [`ModelError`] for a segment that lacks what the model needs.
    fn input<'r>(&self, model: &Model, record: &'r Record) -> Result<Cow<'r, [f32]>, ModelError>;

    /// The graph's numbers for it.
    ///
    /// # Errors
    /// [`ModelError`] of the run.
    fn run(&self, model: &Model, input: &[f32], config: &ScoringConfig) -> Result<Vec<f64>, ModelError>;

    /// Why the scores of `targets` are what they are; nothing where no explanation applies or none was asked for.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    fn explain(
        &self,
        record: &Record,
        input: &[f32],
        targets: &[usize],
        setting: &Setting,
    ) -> Result<Vec<Explanation>, ModelError>;
}
