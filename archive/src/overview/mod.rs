//! Overview of an archive: one streaming pass over the table of calls, in memory that does not grow with its rows.
//!
//! Columns are found by their names (`docs/results.md`): further numbers are measures, columns that begin with `meta_` group the calls, those
//! that begin with `moved_` say what moved the scores.
//! Counts and histograms are exact; means, standard deviations and intervals are computed as the rows come (Welford 1962). Nothing here
//! puts people in an order: groups are listed by their names, and columns that name people at work are not grouped by.

mod edges;
mod groups;
mod listen;
mod moments;
mod moved;
mod read;
mod weeks;

pub use edges::Bin;
pub use groups::{Group, GroupColumn, LEAST, NotGrouped};
pub use listen::{CallOfInterest, Criterion, Quality};
pub use moments::{Moments, wilson};
pub use moved::MovedBy;
pub use read::read;

use crate::error::TableError;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, Float64Array, RecordBatch, StringArray};
use edges::Edges;
use groups::Grouping;
use listen::Listen;
use std::collections::{BTreeMap, HashMap};

/// Beginning of the names of columns that are known of calls from elsewhere.
const META: &str = "meta_";
/// Most measures whose distribution is worth showing, and most that are told of each group.
const HEADLINES: usize = 24;
const GROUPED: usize = 8;
/// Calls of a kind of error that are named.
const EXAMPLES: usize = 3;

/// A measure over all calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Name of its column.
    pub name: String,
    /// Its values.
    pub moments: Moments,
    /// Calls that were heard and have no value.
    pub undefined: u64,
    /// Whether its distribution is worth showing.
    pub headline: bool,
    /// Whether it is told of groups too.
    pub grouped: bool,
    edges: Edges,
    counts: Vec<u64>,
}

impl Measure {
    fn new(name: &str, headline: bool, grouped: bool) -> Self {
        let edges = Edges::of(name);
        let counts = vec![0; edges.bins()];
        Self { name: name.to_owned(), moments: Moments::default(), undefined: 0, headline, grouped, edges, counts }
    }

    /// The histogram, without empty bins at its ends.
    #[must_use]
    pub fn histogram(&self) -> Vec<Bin> {
        self.edges.histogram(&self.counts)
    }

    fn add(&mut self, value: f64) {
        self.moments.add(value);
        self.counts[self.edges.bin(value)] += 1;
    }
}

/// Calls that failed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// How many.
    pub calls: u64,
    /// The first of them, by name.
    pub examples: Vec<String>,
}

/// What there is to say of an archive.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// Calls.
    pub calls: u64,
    /// Calls that were heard: their sound could be decoded, if not to the end.
    pub heard: u64,
    /// Failed calls by the word of their error.
    pub failures: BTreeMap<String, Failure>,
    /// Audio that was analysed, ns.
    pub audio_ns: u64,
    /// Bytes of the recordings.
    pub bytes: u64,
    /// Utterances.
    pub utterances: u64,
    /// Utterances that a model was asked about.
    pub scored: u64,
    /// Those in which it abstained.
    pub abstained: f64,
    /// Calls by their number of channels, and by their sample rate in Hz.
    pub channels: BTreeMap<i32, u64>,
    /// Calls by their sample rate in Hz.
    pub rates_hz: BTreeMap<i32, u64>,
    measures: Vec<Measure>,
    places: HashMap<String, usize>,
    groupings: Vec<Grouping>,
    group_places: HashMap<String, usize>,
    listen: Listen,
    moved: moved::All,
}

/// A column of numbers of a batch, and where it belongs.
struct Numbers<'b> {
    place: usize,
    values: &'b Float64Array,
}

fn text<'b>(batch: &'b RecordBatch, name: &str) -> Result<Option<&'b StringArray>, TableError> {
    typed(batch, name, |a| a.as_string_opt::<i32>())
}

fn typed<'b, T>(
    batch: &'b RecordBatch,
    name: &str,
    of: impl Fn(&'b dyn Array) -> Option<&'b T>,
) -> Result<Option<&'b T>, TableError> {
    match batch.column_by_name(name) {
        None => Ok(None),
        Some(a) => {
            of(a).map(Some).ok_or_else(|| TableError::Format(format!("column {name} has the type {}", a.data_type())))
        }
    }
}

impl Overview {
    /// Takes rows in. Tables of other columns may follow: what one of them lacks counts as undefined there.
    ///
    /// # Errors
    /// [`TableError::Format`] where a column is missing that every table of calls has, or is of another type.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let need = |name: &str| TableError::Format(format!("this is no table of calls: it has no column {name}"));
        let keys = text(batch, "key")?.ok_or_else(|| need("key"))?;
        let errors = text(batch, "error")?.ok_or_else(|| need("error"))?;
        let whole = |name| typed(batch, name, |a| a.as_primitive_opt::<Int64Type>());
        let small = |name| typed(batch, name, |a| a.as_primitive_opt::<Int32Type>());
        let durations = whole("duration_ns")?.ok_or_else(|| need("duration_ns"))?;
        let heard: Vec<bool> = (0..batch.num_rows()).map(|k| durations.is_valid(k)).collect();
        let count = |v: i64| u64::try_from(v).unwrap_or(0);
        self.calls += batch.num_rows() as u64;
        self.heard += heard.iter().filter(|h| **h).count() as u64;
        self.audio_ns += durations.iter().flatten().map(count).sum::<u64>();
        self.bytes += whole("size")?.into_iter().flat_map(|a| a.iter()).flatten().map(count).sum::<u64>();
        self.utterances += whole("utterances")?.into_iter().flat_map(|a| a.iter()).flatten().map(count).sum::<u64>();
        if let Some(scored) = whole("scored")? {
            self.scored += scored.iter().flatten().map(count).sum::<u64>();
            let shares = typed(batch, "abstained_share", |a| a.as_primitive_opt::<Float64Type>())?;
            let pairs = scored.iter().zip(shares.into_iter().flat_map(|a| a.iter()));
            self.abstained += pairs.filter_map(|(n, share)| Some(count(n?) as f64 * share?)).sum::<f64>();
        }
        for v in small("channels")?.into_iter().flat_map(|a| a.iter()).flatten() {
            *self.channels.entry(v).or_default() += 1;
        }
        for v in small("sample_rate_hz")?.into_iter().flat_map(|a| a.iter()).flatten() {
            *self.rates_hz.entry(v).or_default() += 1;
        }
        for (k, error) in errors.iter().enumerate() {
            let Some(error) = error else { continue };
            if !self.failures.contains_key(error) {
                self.failures.insert(error.to_owned(), Failure::default());
            }
            if let Some(f) = self.failures.get_mut(error) {
                f.calls += 1;
                note(&mut f.examples, keys.value(k));
            }
        }
        moved::push(&mut self.moved, batch)?;
        let columns = self.columns(batch);
        for c in &columns {
            let m = &mut self.measures[c.place];
            for (k, heard) in heard.iter().enumerate() {
                match c.values.is_valid(k).then(|| c.values.value(k)).filter(|v| v.is_finite()) {
                    Some(v) => m.add(v),
                    None => m.undefined += u64::from(*heard),
                }
            }
        }
        self.group(batch, errors, &columns)?;
        let named: Vec<(&str, &Float64Array)> =
            columns.iter().map(|c| (self.measures[c.place].name.as_str(), c.values)).collect();
        self.listen.push(keys, small("part")?, errors, durations, &named);
        Ok(())
    }

    /// Columns of numbers, with their places among the measures.
    fn columns<'b>(&mut self, batch: &'b RecordBatch) -> Vec<Numbers<'b>> {
        let mut columns = Vec::new();
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let values = array.as_primitive_opt::<Float64Type>().filter(|_| !moved::is_of_moved(field.name()));
            let Some(values) = values else { continue };
            let place = match self.places.get(field.name()) {
                Some(place) => *place,
                None => {
                    let so_far = self.measures.iter().filter(|m| m.headline).count();
                    let headline = edges::is_headline(field.name()) && so_far < HEADLINES;
                    let grouped = self.measures.iter().filter(|m| m.grouped).count();
                    let grouped = edges::is_told_of_groups(field.name()) && grouped < GROUPED;
                    self.measures.push(Measure::new(field.name(), headline, grouped));
                    self.places.insert(field.name().clone(), self.measures.len() - 1);
                    self.measures.len() - 1
                }
            };
            columns.push(Numbers { place, values });
        }
        columns
    }

    fn group(&mut self, batch: &RecordBatch, errors: &StringArray, columns: &[Numbers<'_>]) -> Result<(), TableError> {
        let names: Vec<String> = batch.schema_ref().fields().iter().map(|f| f.name().clone()).collect();
        for name in names.iter().filter(|n| n.starts_with(META)) {
            let Some(values) = text(batch, name)? else { continue };
            let place = *self.group_places.entry(name.clone()).or_insert_with(|| {
                self.groupings.push(Grouping::new(&name[META.len()..]));
                self.groupings.len() - 1
            });
            let grouping = &mut self.groupings[place];
            let rows = grouping.rows(values, errors);
            for c in columns.iter().filter(|c| self.measures[c.place].grouped) {
                grouping.add(&rows, c.place, c.values);
            }
        }
        Ok(())
    }

    /// Calls that have an error.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|f| f.calls).sum()
    }

    /// Measures in the order of their columns.
    #[must_use]
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// What moved each score that was explained, by the names of the scores.
    pub fn moved(&self) -> impl Iterator<Item = &MovedBy> {
        self.moved.values().filter(|m| m.calls > 0)
    }

    /// Groups by each column that may be grouped by.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupColumn> {
        self.groupings.iter().map(|g| g.told(&self.measures)).collect()
    }

    /// Calls worth listening to, by criterion.
    #[must_use]
    pub fn calls_of_interest(&self) -> Vec<(Criterion, Vec<CallOfInterest>)> {
        self.listen.chosen()
    }

    /// What keeps a call from being worth listening to, and how many that were.
    #[must_use]
    pub fn listening_quality(&self) -> Quality {
        self.listen.quality()
    }
}

/// Keeps the first few names, in order.
fn note(list: &mut Vec<String>, name: &str) {
    let place = list.partition_point(|n| n.as_str() < name);
    if place < EXAMPLES {
        list.insert(place, name.to_owned());
        list.truncate(EXAMPLES);
    }
}
