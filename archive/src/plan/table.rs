//! The table of a plan: a row for each call, in the order of the parts.

use super::{Plan, PlannedCall, is_key};
use crate::batches::{Batches, guarded};
use crate::error::ArchiveError;
use crate::names;
use crate::store::{Blob, Store, Upload};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use std::sync::Arc;

/// Rows of a row group: a part is found by the groups' least and greatest numbers.
const GROUP: usize = 65_536;

/// Beginning of the names of metadata columns.
pub(crate) const META: &str = "meta_";

fn schema(metadata: &[String]) -> Schema {
    let mut fields = vec![
        Field::new("part", DataType::Int32, false),
        Field::new("key", DataType::Utf8, false),
        Field::new("size", DataType::Int64, false),
        Field::new("modified_ns", DataType::Int64, true),
        Field::new("etag", DataType::Utf8, true),
    ];
    fields.extend(metadata.iter().map(|m| Field::new(format!("{META}{m}"), DataType::Utf8, true)));
    Schema::new(fields)
}

fn number(n: u64) -> Result<i64, ArchiveError> {
    i64::try_from(n).map_err(|_| ArchiveError::Plan(format!("a call of {n} bytes is too long")))
}

/// Writes a plan's table.
pub(super) fn write(to: &mut Box<dyn Upload>, plan: &Plan, parts: &[Vec<PlannedCall>]) -> Result<(), ArchiveError> {
    let schema = Arc::new(schema(&plan.metadata));
    let keys = [("affect.schema", super::PLAN_SCHEMA), ("affect.plan", &plan.id)];
    let properties = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(GROUP))
        .set_key_value_metadata(Some(
            keys.iter().map(|(k, v)| KeyValue::new((*k).to_owned(), (*v).to_owned())).collect(),
        ))
        .build();
    let mut writer = ArrowWriter::try_new(to, schema.clone(), Some(properties))?;
    for (part, calls) in plan.numbers().zip(parts) {
        let part = i32::try_from(part).map_err(|_| ArchiveError::Plan(format!("part {part} is too many")))?;
        let sizes = calls.iter().map(|c| number(c.size)).collect::<Result<Vec<_>, _>>()?;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![part; calls.len()])),
            Arc::new(StringArray::from_iter_values(calls.iter().map(|c| &c.key))),
            Arc::new(Int64Array::from(sizes)),
            Arc::new(calls.iter().map(|c| c.modified_ns).collect::<Int64Array>()),
            Arc::new(calls.iter().map(|c| c.etag.as_deref()).collect::<StringArray>()),
        ];
        for k in 0..plan.metadata.len() {
            let cells = calls.iter().map(|c| c.metadata.get(k).and_then(Option::as_deref));
            columns.push(Arc::new(cells.collect::<StringArray>()));
        }
        writer.write(&RecordBatch::try_new(schema.clone(), columns)?)?;
    }
    writer.close()?;
    Ok(())
}

/// The table of a plan, to be read part by part.
#[derive(Debug)]
pub struct PlanTable {
    blob: Blob,
    about: ArrowReaderMetadata,
    name: String,
    metadata: usize,
}

/// Calls with the numbers of their parts.
type Batch = Vec<(u32, PlannedCall)>;

impl PlanTable {
    /// Opens the table of a plan.
    ///
    /// # Errors
    /// [`ArchiveError::Plan`] where it is not that plan's; those of storage.
    pub fn open(store: &Arc<dyn Store>, plan: &Plan) -> Result<Self, ArchiveError> {
        let name = names::plan_table(&plan.id);
        let blob = Blob::open(store, &name)?;
        let about = guarded(|| ArrowReaderMetadata::load(&blob, Default::default()))?;
        let columns = about.schema().fields().iter().map(|f| (f.name(), f.data_type())).collect::<Vec<_>>();
        let expected = schema(&plan.metadata);
        if columns != expected.fields().iter().map(|f| (f.name(), f.data_type())).collect::<Vec<_>>() {
            return Err(ArchiveError::Plan(format!("{name}: its columns are not those of the plan")));
        }
        Ok(Self { blob, about, name, metadata: plan.metadata.len() })
    }

    fn reader(&self, groups: Option<Vec<usize>>) -> Result<Batches, ArchiveError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.blob.clone(), self.about.clone());
        let builder = match groups {
            Some(g) => builder.with_row_groups(g),
            None => builder,
        };
        Ok(Batches::of(builder.with_batch_size(4096))?)
    }

    fn rows(&self, batch: &RecordBatch, wanted: Option<u32>) -> Result<Batch, ArchiveError> {
        let wrong = |what: &str| ArchiveError::Plan(format!("{}: {what}", self.name));
        let column = |k: usize| batch.column(k);
        let parts = column(0).as_primitive_opt::<Int32Type>().ok_or_else(|| wrong("part is no number"))?;
        let keys = column(1).as_string_opt::<i32>().ok_or_else(|| wrong("key is no text"))?;
        let sizes = column(2).as_primitive_opt::<Int64Type>().ok_or_else(|| wrong("size is no number"))?;
        let modified = column(3).as_primitive_opt::<Int64Type>().ok_or_else(|| wrong("modified_ns is no number"))?;
        let text = |k: usize| column(k).as_string_opt::<i32>().ok_or_else(|| wrong("a column is no text"));
        let etags = text(4)?;
        let metadata = (0..self.metadata).map(|k| text(5 + k)).collect::<Result<Vec<_>, _>>()?;
        let cell = |a: &StringArray, row: usize| a.is_valid(row).then(|| a.value(row).to_owned());
        let mut rows = Vec::new();
        for row in 0..batch.num_rows() {
            let part = u32::try_from(parts.value(row)).map_err(|_| wrong("part is negative"))?;
            if wanted.is_some_and(|w| w != part) {
                continue;
            }
            let key = keys.value(row).to_owned();
            if !is_key(&key) {
                return Err(wrong(&format!("{key:?} leads outside of the archive")));
            }
            let call = PlannedCall {
                key,
                size: u64::try_from(sizes.value(row)).map_err(|_| wrong("size is negative"))?,
                modified_ns: modified.is_valid(row).then(|| modified.value(row)),
                etag: cell(etags, row),
                metadata: metadata.iter().map(|m| cell(m, row)).collect(),
            };
            rows.push((part, call));
        }
        Ok(rows)
    }

    /// The calls of a part, in order.
    ///
    /// # Errors
    /// [`ArchiveError`] where the table cannot be read.
    pub fn part(&self, number: u32) -> Result<Vec<PlannedCall>, ArchiveError> {
        let groups = self.about.metadata().row_groups().iter().enumerate();
        let near: Vec<usize> = groups.filter(|(_, g)| may_hold(g, number)).map(|(k, _)| k).collect();
        let mut calls = Vec::new();
        for batch in self.reader(Some(near))? {
            calls.extend(self.rows(&batch?, Some(number))?.into_iter().map(|(_, c)| c));
        }
        Ok(calls)
    }

    /// All calls with the numbers of their parts, batch by batch.
    ///
    /// # Errors
    /// [`ArchiveError`] where the table cannot be read.
    pub fn all(&self) -> Result<impl Iterator<Item = Result<Batch, ArchiveError>>, ArchiveError> {
        Ok(self.reader(None)?.map(|batch| self.rows(&batch?, None)))
    }
}

/// Whether rows of a part may be in a row group.
fn may_hold(group: &RowGroupMetaData, part: u32) -> bool {
    match group.columns().first().and_then(|c| c.statistics()) {
        Some(Statistics::Int32(s)) => {
            let part = i64::from(part);
            s.min_opt().is_none_or(|m| i64::from(*m) <= part) && s.max_opt().is_none_or(|m| i64::from(*m) >= part)
        }
        _ => true,
    }
}
