//! What moved the scores of an archive: groups of features by the size of their contributions, features by how often they moved a call most.

use super::moments::Moments;
use crate::calls::{BY, EXPLAINED, MOST_BY, MOVED};
use crate::error::TableError;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use std::collections::{BTreeMap, HashMap};

/// Most features that are counted of a score: a catalogue has some hundred.
const MOST_FEATURES: usize = 1000;

/// What moved one score, over all calls in which it was explained.
#[derive(Debug, Clone, Default)]
pub struct MovedBy {
    /// Label or dimension.
    pub target: String,
    /// Calls in which it was explained.
    pub calls: u64,
    /// Results in which it was.
    pub explained: u64,
    /// Over these calls: the mean absolute contribution of each group of features to the score, in the order of the columns.
    pub groups: Vec<(String, Moments)>,
    most: HashMap<String, u64>,
}

impl MovedBy {
    /// The features that moved the score most in most calls, with the numbers of these calls; of equal ones the first by name.
    #[must_use]
    pub fn strongest(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<(&str, u64)> = self.most.iter().map(|(name, n)| (name.as_str(), *n)).collect();
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counts
    }

    fn count(&mut self, feature: &str) {
        if let Some(n) = self.most.get_mut(feature) {
            *n += 1;
        } else if self.most.len() < MOST_FEATURES {
            self.most.insert(feature.to_owned(), 1);
        }
    }
}

/// Label or dimension that a column is about, and the rest of its name.
fn parts(column: &str) -> Option<(&str, Part<'_>)> {
    let name = column.strip_prefix(MOVED)?;
    if let Some(target) = name.strip_suffix(EXPLAINED) {
        return Some((target, Part::Explained));
    }
    if let Some(target) = name.strip_suffix(MOST_BY) {
        return Some((target, Part::MostBy));
    }
    name.rsplit_once(BY).map(|(target, group)| (target, Part::Group(group)))
}

enum Part<'a> {
    Explained,
    MostBy,
    Group(&'a str),
}

/// Whether a column tells what moved a score.
pub(super) fn is_of_moved(column: &str) -> bool {
    column.starts_with(MOVED)
}

/// By target.
pub(super) type All = BTreeMap<String, MovedBy>;

/// Takes rows in.
///
/// # Errors
/// [`TableError::Format`] where a column is of another type.
pub(super) fn push(all: &mut All, batch: &RecordBatch) -> Result<(), TableError> {
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let Some((target, part)) = parts(field.name()) else { continue };
        let wrong = || TableError::Format(format!("column {} has the type {}", field.name(), array.data_type()));
        if !all.contains_key(target) {
            all.insert(target.to_owned(), MovedBy { target: target.to_owned(), ..MovedBy::default() });
        }
        let Some(score) = all.get_mut(target) else { continue };
        match part {
            Part::Explained => {
                for n in array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.iter().flatten() {
                    let n = u64::try_from(n).unwrap_or(0);
                    score.explained += n;
                    score.calls += u64::from(n > 0);
                }
            }
            Part::MostBy => {
                array.as_string_opt::<i32>().ok_or_else(wrong)?.iter().flatten().for_each(|f| score.count(f));
            }
            Part::Group(group) => {
                let values = array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
                let group = group.replace('_', " ");
                let place = score.groups.iter().position(|(name, _)| *name == group).unwrap_or_else(|| {
                    score.groups.push((group, Moments::default()));
                    score.groups.len() - 1
                });
                let moments = &mut score.groups[place].1;
                values.iter().flatten().filter(|v| v.is_finite()).for_each(|v| moments.add(v));
            }
        }
    }
    Ok(())
}
