//! Writing of tables.

use crate::cells::Layout;
use crate::columns::Columns;
use crate::error::TableError;
use affect::record::{Record, SCHEMA};
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde_json::Value;
use std::io::Write;

/// Rows that are turned into columns together.
const BATCH: usize = 256;
/// Rows of a row group.
const GROUP: usize = 65_536;
/// Key of the metadata that holds the columns.
pub(crate) const COLUMNS: &str = "affect.columns";

/// A table that is being written.
pub struct TableWriter<W: Write + Send> {
    arrow: ArrowWriter<W>,
    decoder: Decoder,
    layout: Layout,
    /// Rows that the decoder holds.
    waiting: usize,
}

impl<W: Write + Send> std::fmt::Debug for TableWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableWriter").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table. `metadata` is kept beside the schema's name, as `affect.<name>`.
    ///
    /// # Errors
    /// [`TableError`] where the beginning cannot be written.
    pub fn new(to: W, columns: &Columns, metadata: &[(&str, String)]) -> Result<Self, TableError> {
        let schema = columns.schema();
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_max_row_group_row_count(Some(GROUP))
            // Without these names other engines refuse maps and lists.
            .set_coerce_types(true);
        for f in schema.fields() {
            if matches!(f.data_type(), DataType::Float32 | DataType::Float64) {
                let path = ColumnPath::new(vec![f.name().clone()]);
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::BYTE_STREAM_SPLIT);
            }
        }
        let written = serde_json::to_string(columns).map_err(|e| TableError::Format(e.to_string()))?;
        let mut keys = vec![KeyValue::new("affect.schema".to_owned(), SCHEMA.to_owned())];
        keys.push(KeyValue::new(COLUMNS.to_owned(), written));
        keys.extend(metadata.iter().map(|(k, v)| KeyValue::new(format!("affect.{k}"), v.clone())));
        let properties = properties.set_key_value_metadata(Some(keys)).build();
        Ok(Self {
            arrow: ArrowWriter::try_new(to, schema.clone(), Some(properties))?,
            decoder: ReaderBuilder::new(schema).with_batch_size(BATCH).build_decoder()?,
            layout: Layout::of(&columns.all()),
            waiting: 0,
        })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`TableError`] where it cannot be written.
    pub fn push(&mut self, record: &Record) -> Result<(), TableError> {
        self.push_json(serde_json::from_str(&record.to_json()).map_err(|e| TableError::Format(e.to_string()))?)
    }

    /// Adds a record that was read from its JSON. Numbers stay as they are written there.
    ///
    /// # Errors
    /// [`TableError`] where it cannot be written.
    pub fn push_json(&mut self, record: Value) -> Result<(), TableError> {
        self.decoder.serialize(&[self.layout.row(record)])?;
        self.waiting += 1;
        if self.waiting == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        self.waiting = 0;
        if let Some(batch) = self.decoder.flush()? {
            self.arrow.write(&batch)?;
        }
        Ok(())
    }

    /// Writes what is left, and the end of the table.
    ///
    /// # Errors
    /// [`TableError`] where that fails.
    pub fn finish(mut self) -> Result<W, TableError> {
        self.flush()?;
        Ok(self.arrow.into_inner()?)
    }
}
