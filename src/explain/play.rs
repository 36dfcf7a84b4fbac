//! A model as a game: its outputs in a unit, for rows.

use super::{Game, TakeRow, Unit};
use crate::model::card::OutputKind;
use crate::model::{Model, ModelError};

/// All outputs of a model in a unit.
pub(super) struct Play<'a> {
    model: &'a Model,
    unit: Unit,
    temperature: f64,
}

impl<'a> Play<'a> {
    /// The game of a model under a temperature.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for probabilities of a model that gives none.
    pub fn new(model: &'a Model, unit: Unit, temperature: f64) -> Result<Self, ModelError> {
        let classes = matches!(model.kind(), OutputKind::Logits | OutputKind::Probabilities);
        if unit == Unit::Probability && !classes {
            let expected = format!("score: output \"{}\" holds no probabilities", model.output());
            return Err(ModelError::mismatch("unit", expected, "probability"));
        }
        Ok(Self { model, unit, temperature })
    }
}

impl Game for Play<'_> {
    fn outputs(&self) -> usize {
        self.model.labels().len()
    }

    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError> {
        let mut wide = vec![0.0; self.outputs()];
        let scale = match (self.unit, self.model.kind()) {
            (Unit::Score, OutputKind::Logits) => 1.0 / self.temperature,
            (Unit::Score, _) if self.model.amount().is_some() => 1.0 / self.temperature,
            _ => 1.0,
        };
        self.model.each(rows, &mut |values| {
            wide.iter_mut().zip(values).for_each(|(w, v)| *w = f64::from(*v) * scale);
            if self.unit == Unit::Probability {
                take(&self.model.scores_at(std::mem::take(&mut wide), self.temperature).probabilities);
                wide.resize(values.len(), 0.0);
            } else {
                take(&wide);
            }
        })
    }
}

/// One output of a game.
pub(super) struct One<'a> {
    pub all: Play<'a>,
    pub target: usize,
}

impl Game for One<'_> {
    fn outputs(&self) -> usize {
        1
    }

    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError> {
        self.all.play(rows, &mut |v| take(&v[self.target..=self.target]))
    }
}
