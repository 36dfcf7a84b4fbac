//! Interface of a kind of model: how a segment enters it, and how its scores are explained.

use super::ScoringConfig;
use super::reference::Compared;
use crate::analyzer::FeatureSet;
use crate::explain::relevance::Relevance;
use crate::features::catalogue::Group;
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

/// Which score will be explained first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The one with the most probable label, whichever that is.
    Top,
    /// One that is known before the run.
    One(usize),
}

/// What one run gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// The graph's numbers.
    pub numbers: Vec<f64>,
    /// Relevance over time, where the same run gave it.
    pub relevance: Option<Relevance>,
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

    /// The groups of features that explanations add up; none where they are about something else, or there are none.
    fn groups(&self) -> &[Group] {
        &[]
    }

    /// Whether it explains by what is measured along the segment.
    fn needs_contours(&self) -> bool {
        false
    }

    /// The graph's numbers for it, and what explains them where one run gives both.
    ///
    /// # Errors
    /// [`ModelError`] of the run.
    fn run(&self, model: &Model, input: &[f32], config: &ScoringConfig, asked: Asked) -> Result<Run, ModelError>;

    /// Why the scores of `targets` are what they are; nothing where no explanation applies or none was asked for.
    ///
    /// # Errors
    /// [`ModelError`] of the runs.
    fn explain(
        &self,
        record: &Record,
        input: &[f32],
        run: &Run,
        targets: &[usize],
        setting: &Setting,
    ) -> Result<Vec<Explanation>, ModelError>;
}
