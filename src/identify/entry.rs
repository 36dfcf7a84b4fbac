//! Rows as they enter a model: normalised as its card says, by the statistics of what it learns from.

use super::data::{Dataset, Sample};
use super::error::TrainError;
use super::learners::{Rows, rows_of};
use super::recipe::Reference;
use crate::model::card::{Card, Normaliser};
use crate::model::vector;

/// The normaliser of a model that learns from the rows `fit`.
pub(super) fn normaliser(data: &Dataset, reference: Reference, fit: &[usize]) -> Normaliser {
    match reference {
        Reference::Training => data.statistics(fit),
        Reference::Speaker => Normaliser::Speaker,
        Reference::Both => Normaliser::Blended,
    }
}

/// The rows as they enter the model of a card.
pub(super) fn entering(data: &Dataset, card: &Card) -> Result<Rows, TrainError> {
    let one = |(i, s): (usize, &Sample)| {
        vector::row(card, &s.values, data.against.get(i).map(Vec::as_slice))
            .map_err(|e| TrainError::Learner(e.to_string()))
    };
    Ok(rows_of(&data.samples.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()?))
}
