//! Reading of the table of calls.

use super::write::CallColumns;
use super::{
    CALLS_SCHEMA, CallError, CallRow, EXPLAINED, Heard, MOST_BY, MOVED, Means, Moved, MovedScore, group_column,
};
use crate::batches::{Batches, guarded};
use crate::error::ArchiveError;
use crate::plan::{META, PlannedCall};
use crate::store::Blob;
use crate::write::COLUMNS;
use crate::{TableError, names};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the calls of a part came to, as the file says in its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Calls.
    pub calls: u64,
    /// Calls with an error, by its word.
    pub errors: BTreeMap<String, u64>,
    /// Audio that was analysed, ns.
    pub audio_ns: u64,
    /// Results.
    pub utterances: u64,
}

impl Summary {
    /// Of these rows.
    #[must_use]
    pub fn of(rows: &[CallRow]) -> Self {
        let mut summary = Self::default();
        for row in rows {
            summary.calls += 1;
            summary.audio_ns += row.heard.map_or(0, |h| h.duration_ns);
            summary.utterances += row.utterances;
            if let Some(e) = row.error {
                *summary.errors.entry(e.name().to_owned()).or_default() += 1;
            }
        }
        summary
    }

    /// Reads it from the end of a table of calls, without its rows.
    ///
    /// # Errors
    /// [`TableError::Format`] where that is none.
    pub fn read(from: &Blob) -> Result<Self, ArchiveError> {
        let about = guarded(|| ParquetMetaDataReader::new().parse_and_finish(from))?;
        let text = value(about.file_metadata().key_value_metadata(), "affect.summary")?;
        serde_json::from_str(text).map_err(|e| TableError::Format(format!("affect.summary: {e}")).into())
    }

    /// Adds another part's.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.audio_ns += other.audio_ns;
        self.utterances += other.utterances;
        other.errors.iter().for_each(|(word, n)| *self.errors.entry(word.clone()).or_default() += n);
    }

    /// Calls with an error.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }
}

fn value<'a>(keys: Option<&'a Vec<KeyValue>>, name: &str) -> Result<&'a str, ArchiveError> {
    let value = keys.and_then(|k| k.iter().find(|k| k.key == name)).and_then(|k| k.value.as_deref());
    value.ok_or_else(|| TableError::Format(format!("its metadata have no {name}")).into())
}

/// A table of calls, row by row in the order of the plan.
pub struct CallsTable {
    batches: Batches,
    columns: CallColumns,
    rows: std::vec::IntoIter<CallRow>,
    keys: BTreeMap<String, String>,
}

impl std::fmt::Debug for CallsTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallsTable").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl CallsTable {
    /// Opens a table of calls.
    ///
    /// # Errors
    /// [`TableError::Format`] where it is none; those of storage.
    pub fn open(from: Blob) -> Result<Self, ArchiveError> {
        let about = guarded(|| ArrowReaderMetadata::load(&from, Default::default()))?;
        let keys = about.metadata().file_metadata().key_value_metadata();
        let schema = value(keys, "affect.schema")?;
        if schema != CALLS_SCHEMA {
            return Err(TableError::Format(format!("expected {CALLS_SCHEMA}, found {schema}")).into());
        }
        let text = value(keys, COLUMNS)?;
        let columns: CallColumns =
            serde_json::from_str(text).map_err(|e| TableError::Format(format!("{COLUMNS}: {e}")))?;
        let keys = keys.into_iter().flatten();
        let keys = keys.filter_map(|k| Some((k.key.clone(), k.value.clone()?))).collect();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(from, about);
        let batches = Batches::of(builder.with_batch_size(1024))?;
        Ok(Self { batches, columns, rows: Vec::new().into_iter(), keys })
    }

    /// Opens the table of a part of a run.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_part(
        store: &std::sync::Arc<dyn crate::store::Store>,
        run: &str,
        part: u32,
    ) -> Result<Self, ArchiveError> {
        Self::open(Blob::open(store, &names::calls(run, part))?)
    }

    /// Names of the further numbers, in order.
    #[must_use]
    pub fn numbers(&self) -> &[String] {
        &self.columns.numbers
    }

    /// Labels that have means.
    #[must_use]
    pub fn probabilities(&self) -> &[String] {
        &self.columns.probabilities
    }

    /// Dimensions that have means.
    #[must_use]
    pub fn dimensions(&self) -> &[String] {
        &self.columns.dimensions
    }

    /// Names of the metadata columns of the plan.
    #[must_use]
    pub fn metadata(&self) -> &[String] {
        &self.columns.metadata
    }

    /// What the file says of itself, by key (`affect.run`, `affect.plan`, `affect.provenance`, ...).
    #[must_use]
    pub fn about(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }
}

/// Cells of a batch by the names of their columns.
struct Cells<'a>(&'a RecordBatch);

impl Cells<'_> {
    fn column(&self, name: &str) -> Result<&dyn Array, ArchiveError> {
        let column = self.0.column_by_name(name).map(|a| &**a);
        column.ok_or_else(|| TableError::Format(format!("it has no column {name}")).into())
    }

    fn wrong(name: &str) -> ArchiveError {
        TableError::Format(format!("column {name} has another type")).into()
    }

    fn text(&self, name: &str, row: usize) -> Result<Option<String>, ArchiveError> {
        let a = self.column(name)?.as_string_opt::<i32>().ok_or_else(|| Self::wrong(name))?;
        Ok(a.is_valid(row).then(|| a.value(row).to_owned()))
    }

    fn whole(&self, name: &str, row: usize) -> Result<Option<i64>, ArchiveError> {
        let a = self.column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| Self::wrong(name))?;
        Ok(a.is_valid(row).then(|| a.value(row)))
    }

    fn small(&self, name: &str, row: usize) -> Result<Option<u32>, ArchiveError> {
        let a = self.column(name)?.as_primitive_opt::<Int32Type>().ok_or_else(|| Self::wrong(name))?;
        Ok(a.is_valid(row).then(|| u32::try_from(a.value(row)).unwrap_or(0)))
    }

    fn double(&self, name: &str, row: usize) -> Result<Option<f64>, ArchiveError> {
        let a = self.column(name)?.as_primitive_opt::<Float64Type>().ok_or_else(|| Self::wrong(name))?;
        Ok(a.is_valid(row).then(|| a.value(row)))
    }

    fn count(&self, name: &str, row: usize) -> Result<u64, ArchiveError> {
        Ok(self.whole(name, row)?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    }

    fn moved(&self, columns: &CallColumns, row: usize) -> Result<Moved, ArchiveError> {
        let mut scores = Vec::new();
        for target in &columns.explained {
            let explained = self.count(&format!("{MOVED}{target}{EXPLAINED}"), row)?;
            if explained == 0 {
                continue;
            }
            let mut groups = Vec::new();
            for group in &columns.groups {
                let share = self.double(&group_column(target, group), row)?;
                groups.extend(share.map(|v| (group.clone(), v)));
            }
            let strongest = self.text(&format!("{MOVED}{target}{MOST_BY}"), row)?;
            scores.push(MovedScore { target: target.clone(), explained, groups, strongest });
        }
        Ok(Moved(scores))
    }

    fn row(&self, columns: &CallColumns, row: usize) -> Result<CallRow, ArchiveError> {
        let doubles = |names: &[String], begin: &str| -> Result<Vec<(String, Option<f64>)>, ArchiveError> {
            names.iter().map(|n| Ok((n.clone(), self.double(&format!("{begin}{n}"), row)?))).collect()
        };
        let duration = self.whole("duration_ns", row)?.and_then(|n| u64::try_from(n).ok());
        let error = self.text("error", row)?;
        let error =
            error.map(|e| e.parse::<CallError>().map_err(|e| TableError::Format(format!("error {e}")))).transpose()?;
        Ok(CallRow {
            part: self.small("part", row)?.unwrap_or(0),
            call: PlannedCall {
                key: self.text("key", row)?.unwrap_or_default(),
                size: self.count("size", row)?,
                modified_ns: self.whole("modified_ns", row)?,
                etag: self.text("etag", row)?,
                metadata: columns
                    .metadata
                    .iter()
                    .map(|m| self.text(&format!("{META}{m}"), row))
                    .collect::<Result<_, _>>()?,
            },
            heard: match (duration, self.small("channels", row)?, self.small("sample_rate_hz", row)?) {
                (Some(duration_ns), Some(channels), Some(sample_rate_hz)) => {
                    Some(Heard { duration_ns, channels, sample_rate_hz })
                }
                _ => None,
            },
            error,
            error_message: self.text("error_message", row)?,
            utterances: self.count("utterances", row)?,
            means: Means {
                scored: self.count("scored", row)?,
                abstained_share: self.double("abstained_share", row)?,
                probabilities: doubles(&columns.probabilities, "mean_probability_")?,
                dimensions: doubles(&columns.dimensions, "mean_dimension_")?,
            },
            moved: self.moved(columns, row)?,
            numbers: doubles(&columns.numbers, "")?,
            utterances_file: self.text("utterances_file", row)?.unwrap_or_default(),
            utterances_sha256: self.text("utterances_sha256", row)?.unwrap_or_default(),
        })
    }
}

impl Iterator for CallsTable {
    type Item = Result<CallRow, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            let batch = match self.batches.next()? {
                Ok(batch) => batch,
                Err(e) => return Some(Err(e.into())),
            };
            let cells = Cells(&batch);
            match (0..batch.num_rows()).map(|k| cells.row(&self.columns, k)).collect::<Result<Vec<_>, _>>() {
                Ok(rows) => self.rows = rows.into_iter(),
                Err(e) => return Some(Err(e)),
            }
        }
    }
}
