//! The catalogue's groups of a model's features: the players of exact explanations.

use crate::features::catalogue::{Group, affect_functionals, egemaps_functionals};
use crate::features::egemaps;
use crate::model::card::Card;

/// The groups that a card's features belong to, each with its columns; empty for a waveform model. A name that the catalogue
/// does not have is in no group.
#[must_use]
pub fn of_card(card: &Card) -> Vec<(Group, Vec<usize>)> {
    let catalogue = if card.feature_set() == egemaps::NAME { egemaps_functionals() } else { affect_functionals() };
    let group = |name: &String| catalogue.iter().find(|e| e.name == *name).map(|e| e.group);
    let groups: Vec<Option<Group>> = card.features().iter().map(group).collect();
    let columns = |g: Group| (0..groups.len()).filter(|k| groups[*k] == Some(g)).collect::<Vec<_>>();
    Group::ALL.into_iter().map(|g| (g, columns(g))).filter(|g| !g.1.is_empty()).collect()
}
