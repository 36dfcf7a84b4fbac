//! A model's own numbers for a segment: before calibration, and whatever the card's rules say.

use super::Scorer;
use super::reasons::{Asked, Setting};
use super::reference::Compared;
use crate::model::ModelError;
use crate::record::Record;
use std::sync::Arc;

/// What a model makes of one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The graph's numbers: those of its main output in the order of its labels, then of the dimensions that were learnt by themselves.
    pub values: Vec<f64>,
    /// Distance from the rows that the model has learnt from, where its card knows it.
    pub distance: Option<f64>,
    /// Contributions of the groups of [`Scorer::says`] to each number of the main output; none where nothing is attributed to groups.
    pub by_group: Vec<Vec<f64>>,
}

impl Scorer {
    /// Names of what [`Self::numbers`] gives, in that order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.labels.iter().chain(self.amounts.iter().map(|a| &a.name)).cloned().collect()
    }

    /// The model's own numbers for a record of its feature set, or one that holds its samples: neither calibrated nor withheld, also for
    /// what is no speech.
    ///
    /// # Errors
    /// [`ModelError`] for a record that lacks what the model needs, and of the run.
    pub fn numbers(&self, record: &Record) -> Result<Numbers, ModelError> {
        let card = self.card();
        let input = self.reasons.input(&self.model, record)?;
        let run = self.reasons.run(&self.model, &input, &self.config, Asked::One(0))?;
        let setting = Setting { compared: Compared::new(card, self.config.reference, record), temperature: 1.0 };
        let groups = self.reasons.groups().len();
        let by_group = if groups == 0 {
            Vec::new()
        } else {
            let all: Vec<usize> = (0..self.labels.len()).collect();
            let explained = self.reasons.explain(record, &input, &run, &all, &setting)?;
            explained.iter().map(|e| e.groups.iter().map(|g| g.contribution).collect()).collect()
        };
        let mut values = run.numbers;
        for amount in &self.amounts {
            values.push(amount.number(&input)?);
        }
        Ok(Numbers { values, distance: card.novelty.as_ref().map(|n| n.distance(&input)), by_group })
    }
}
