//! Calls in groups, by what is known of them from elsewhere.

use super::moments::Moments;
use super::weeks::week;
use super::{Measure, wilson};
use arrow_array::{Array, Float64Array, StringArray};
use std::collections::{BTreeMap, HashMap};

/// Least calls of a group for anything to be told of it.
pub const LEAST: u64 = 10;
/// Most values of a column that is grouped by.
const MOST: usize = 150;
/// Words in the names of columns that tell of people at work: calls are not grouped by them.
const PEOPLE: [&str; 18] = [
    "agent",
    "agents",
    "employee",
    "staff",
    "operator",
    "advisor",
    "adviser",
    "representative",
    "rep",
    "worker",
    "user",
    "username",
    "person",
    "login",
    "email",
    "handler",
    "clerk",
    "supervisor",
];

/// Whether a column is about people at work, by a word of its name.
fn names_people(column: &str) -> bool {
    let lower = column.to_ascii_lowercase();
    lower == "name"
        || lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| PEOPLE.contains(&w.trim_end_matches("id")))
}

/// Why calls are not grouped by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGrouped {
    /// Its name says that it names people.
    People,
    /// It has too many values: more than 150.
    TooMany,
}

impl NotGrouped {
    /// In words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::People => "it names people, who are not compared",
            Self::TooMany => "it has more than 150 values",
        }
    }
}

/// Calls of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Value of the column, or the Monday of a week.
    pub name: String,
    /// Calls; `None` where there are fewer than [`LEAST`], of which nothing is told.
    pub calls: Option<u64>,
    /// Share of calls that have an error, with its interval.
    pub failed: Option<(f64, f64, f64)>,
    /// Measures by name: the values, or `None` where fewer than [`LEAST`] calls of the group have one.
    pub measures: Vec<(String, Option<Moments>)>,
}

/// Groups by one column, in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupColumn {
    /// Name of the column, without `meta_`.
    pub name: String,
    /// Whether it holds dates, and the groups are weeks.
    pub weeks: bool,
    /// Why there are no groups.
    pub not_grouped: Option<NotGrouped>,
    /// Calls that have no value in it.
    pub missing: u64,
    /// The groups.
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, Default)]
struct Tally {
    calls: u64,
    failed: u64,
    /// By number of the measure.
    measures: BTreeMap<usize, Moments>,
}

/// Grouping by one column.
#[derive(Debug, Clone)]
pub(super) struct Grouping {
    name: String,
    weeks: Option<bool>,
    not: Option<NotGrouped>,
    missing: u64,
    places: HashMap<String, usize>,
    tallies: Vec<Tally>,
}

impl Grouping {
    pub fn new(name: &str) -> Self {
        let not = names_people(name).then_some(NotGrouped::People);
        Self { name: name.to_owned(), weeks: None, not, missing: 0, places: HashMap::new(), tallies: Vec::new() }
    }

    fn place(&mut self, value: &str) -> Option<usize> {
        let dates = *self.weeks.get_or_insert_with(|| week(value).is_some());
        let monday = if dates { week(value) } else { None };
        let name = monday.as_deref().unwrap_or(if dates { "no date" } else { value });
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        if self.places.len() == MOST {
            self.not = Some(NotGrouped::TooMany);
            (self.places, self.tallies) = (HashMap::new(), Vec::new());
            return None;
        }
        self.places.insert(name.to_owned(), self.tallies.len());
        self.tallies.push(Tally::default());
        Some(self.tallies.len() - 1)
    }

    /// Counts the rows of a batch; says which group each of them is in.
    pub fn rows(&mut self, values: &StringArray, errors: &StringArray) -> Vec<Option<usize>> {
        let mut rows = Vec::with_capacity(values.len());
        // Neighbours are often alike.
        let mut last: Option<(&str, usize)> = None;
        for k in 0..values.len() {
            if self.not.is_some() {
                return Vec::new();
            }
            let value = values.is_valid(k).then(|| values.value(k)).filter(|v| !v.is_empty());
            let place = match (value, last) {
                (Some(v), Some((before, place))) if v == before => Some(place),
                (Some(v), _) => self.place(v),
                (None, _) => {
                    self.missing += 1;
                    None
                }
            };
            last = value.zip(place);
            if let Some(tally) = place.and_then(|p| self.tallies.get_mut(p)) {
                tally.calls += 1;
                tally.failed += u64::from(errors.is_valid(k));
            }
            rows.push(place);
        }
        rows
    }

    /// Adds the values of a measure to the groups of its rows.
    pub fn add(&mut self, rows: &[Option<usize>], measure: usize, values: &Float64Array) {
        for (k, place) in rows.iter().enumerate() {
            let value = values.is_valid(k).then(|| values.value(k)).filter(|v| v.is_finite());
            if let (Some(value), Some(tally)) = (value, place.and_then(|p| self.tallies.get_mut(p))) {
                tally.measures.entry(measure).or_default().add(value);
            }
        }
    }

    /// What may be told.
    pub fn told(&self, measures: &[Measure]) -> GroupColumn {
        let mut names: Vec<(&String, &Tally)> = self.places.iter().map(|(n, p)| (n, &self.tallies[*p])).collect();
        names.sort_unstable_by_key(|(name, _)| *name);
        let group = |(name, t): (&String, &Tally)| {
            let enough = t.calls >= LEAST;
            let mean_of_group = |(k, m): (usize, &Measure)| {
                let moments = t.measures.get(&k).copied().filter(|m| enough && m.n >= LEAST);
                m.grouped.then(|| (m.name.clone(), moments))
            };
            Group {
                name: name.clone(),
                calls: enough.then_some(t.calls),
                failed: if enough { wilson(t.failed, t.calls) } else { None },
                measures: measures.iter().enumerate().filter_map(mean_of_group).collect(),
            }
        };
        GroupColumn {
            name: self.name.clone(),
            weeks: self.weeks == Some(true),
            not_grouped: self.not,
            missing: self.missing,
            groups: names.into_iter().map(group).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_name_people_are_known_by_a_word() {
        for column in ["agent", "Agent-ID", "agentid", "handled by employee", "user.login", "name"] {
            assert!(names_people(column), "{column}");
        }
        for column in ["site", "campaign name", "urgent", "started", "language", "paid"] {
            assert!(!names_people(column), "{column}");
        }
    }
}
