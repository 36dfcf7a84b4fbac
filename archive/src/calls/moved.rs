//! What moved the scores of a call: contributions of its results' explanations, summed up.

use affect::record::{Ended, Explanation, Record};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Parts of the names of columns: `moved_<target>_explained`, `moved_<target>_most_by`, `moved_<target>_by_<group>`.
pub(crate) const MOVED: &str = "moved_";
pub(crate) const EXPLAINED: &str = "_explained";
pub(crate) const MOST_BY: &str = "_most_by";
pub(crate) const BY: &str = "_by_";

/// Name of the column of a group of features.
pub(crate) fn group_column(target: &str, group: &str) -> String {
    format!("{MOVED}{target}{BY}{}", group.replace(' ', "_"))
}

/// What moved one score of a call. Its column names begin with `moved_`.
///
/// A result counts where a model answered and explained this score: those in which it abstains do not. All of them count alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MovedScore {
    /// Label or dimension.
    pub target: String,
    /// Results in which it was explained.
    pub explained: u64,
    /// Mean of the absolute contribution of each group of features, in the unit of the explanations.
    pub groups: Vec<(String, f64)>,
    /// The feature whose absolute contributions, with those of its near copies, have the greatest sum over the call, among those that the
    /// explanations list; of equal ones the first by name.
    pub strongest: Option<String>,
}

/// What moved the scores of a call, in the order of the targets' names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moved(pub Vec<MovedScore>);

impl Moved {
    /// Of these results.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let answered = records.iter().filter(|r| r.ended != Ended::Open).filter_map(|r| r.scored.as_ref());
        let explanations = answered.filter(|s| s.emotion.abstained.is_none()).flat_map(|s| &s.explanations);
        let mut by_target: HashMap<&str, Vec<&Explanation>> = HashMap::new();
        explanations.for_each(|e| by_target.entry(&e.target).or_default().push(e));
        let mut scores: Vec<MovedScore> =
            by_target.into_iter().map(|(target, of)| MovedScore::of(target, &of)).collect();
        scores.sort_by(|a, b| a.target.cmp(&b.target));
        Self(scores)
    }

    /// Those of a label or dimension.
    #[must_use]
    pub fn score(&self, target: &str) -> Option<&MovedScore> {
        self.0.iter().find(|m| m.target == target)
    }
}

impl MovedScore {
    fn of(target: &str, explanations: &[&Explanation]) -> Self {
        let mut groups: Vec<(String, f64)> = Vec::new();
        let mut features: HashMap<&str, f64> = HashMap::new();
        for e in explanations {
            for g in &e.groups {
                match groups.iter_mut().find(|(name, _)| **name == *g.name) {
                    Some((_, sum)) => *sum += g.contribution.abs(),
                    None => groups.push((g.name.to_string(), g.contribution.abs())),
                }
            }
            for f in &e.features {
                let together = f.contribution + f.near_copies.iter().map(|c| c.contribution).sum::<f64>();
                *features.entry(&f.name).or_default() += together.abs();
            }
        }
        groups.iter_mut().for_each(|(_, sum)| *sum /= explanations.len() as f64);
        // What is no number is told of nobody.
        groups.retain(|(_, mean)| mean.is_finite());
        let strongest = features.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)));
        Self {
            target: target.to_owned(),
            explained: explanations.len() as u64,
            groups,
            strongest: strongest.map(|(name, _)| name.to_owned()),
        }
    }

    /// Mean of the absolute contribution of a group; `None` where nothing was explained by it.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<f64> {
        self.groups.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }
}
