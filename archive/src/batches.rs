//! Batches of rows of a Parquet table. The reader of Parquet panics in some places where bytes are damaged; here that is an error like any other.

use crate::error::TableError;
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does something with bytes that may be damaged. What it was done with is not to be used any more after an error.
pub(crate) fn guarded<T, E: Into<TableError>>(act: impl FnOnce() -> Result<T, E>) -> Result<T, TableError> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(outcome) => outcome.map_err(Into::into),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("its reader gave up");
            Err(TableError::Format(format!("the file is damaged: {text}")))
        }
    }
}

/// The batches, up to the first error.
pub(crate) struct Batches(Option<ParquetRecordBatchReader>);

impl Batches {
    /// Those of a table.
    pub fn of<R: ChunkReader + 'static>(builder: ParquetRecordBatchReaderBuilder<R>) -> Result<Self, TableError> {
        guarded(|| builder.build()).map(|reader| Self(Some(reader)))
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.as_mut()?;
        let next = guarded(|| reader.next().transpose()).transpose();
        if next.as_ref().is_none_or(Result::is_err) {
            self.0 = None;
        }
        next
    }
}
