//! Reading of tables.

use crate::batches::{Batches, guarded};
use crate::columns::{Column, Columns};
use crate::error::TableError;
use crate::row::record;
use crate::write::COLUMNS;
use affect::record::Record;
use arrow_json::ArrayWriter;
use arrow_schema::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;
use serde_json::{Map, Value};

/// Records of a table, in order.
pub struct Table {
    batches: Batches,
    columns: Vec<Column>,
    rows: std::vec::IntoIter<Map<String, Value>>,
    number: usize,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("row", &self.number).finish_non_exhaustive()
    }
}

/// Opens a table.
///
/// # Errors
/// [`TableError::Format`] where it is none.
pub fn read<R: ChunkReader + 'static>(from: R) -> Result<Table, TableError> {
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(from))?;
    let keys = builder.metadata().file_metadata().key_value_metadata();
    let text = keys.and_then(|k| k.iter().find(|k| k.key == COLUMNS)).and_then(|k| k.value.as_deref());
    let text = text.ok_or_else(|| TableError::Format(format!("its metadata have no {COLUMNS}")))?;
    let columns: Columns = serde_json::from_str(text).map_err(|e| TableError::Format(format!("{COLUMNS}: {e}")))?;
    let batches = Batches::of(builder.with_batch_size(256))?;
    Ok(Table { batches, columns: columns.all(), rows: Vec::new().into_iter(), number: 0 })
}

impl Table {
    fn more(&mut self) -> Result<bool, TableError> {
        let Some(batch) = self.batches.next().transpose()? else { return Ok(false) };
        let json = guarded(|| {
            let mut writer = ArrayWriter::new(Vec::new());
            writer.write(&batch)?;
            writer.finish()?;
            Ok::<_, ArrowError>(writer.into_inner())
        })?;
        let rows: Vec<Map<String, Value>> =
            serde_json::from_slice(&json).map_err(|e| TableError::Format(e.to_string()))?;
        self.rows = rows.into_iter();
        Ok(true)
    }
}

impl Iterator for Table {
    type Item = Result<Record, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                self.number += 1;
                let outcome = record(row, &self.columns);
                return Some(outcome.map_err(|why| TableError::Row { row: self.number - 1, why }));
            }
            match self.more() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(e) => return Some(Err(e)),
            }
        }
    }
}
