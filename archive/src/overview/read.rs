//! The overview of a run: the tables of calls of all its committed parts, one after the other.

use super::Overview;
use crate::batches::{Batches, guarded};
use crate::error::ArchiveError;
use crate::run::Run;
use crate::store::{Blob, Store};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::sync::Arc;

/// Columns of the table of calls that an overview has no use for.
const UNUSED: [&str; 5] = ["modified_ns", "etag", "error_message", "utterances_file", "utterances_sha256"];
/// Rows that are read at once.
const ROWS: usize = 8192;

/// Reads the tables of calls of a run. `tick` is called after each part, with how many there are.
///
/// # Errors
/// Those of storage, and [`crate::TableError::Format`] where a table is none of calls.
pub fn read(store: &Arc<dyn Store>, run: &Run, tick: &mut dyn FnMut(usize, usize)) -> Result<Overview, ArchiveError> {
    let parts = run.committed(&**store)?;
    let mut overview = Overview::default();
    for (k, object) in parts.values().enumerate() {
        let blob = Blob::open(store, &object.name)?;
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(blob))?;
        let used = |name: &str| !UNUSED.contains(&name);
        let fields = builder.schema().fields().iter().enumerate();
        let wanted: Vec<usize> = fields.filter(|(_, f)| used(f.name())).map(|(k, _)| k).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        for batch in Batches::of(builder.with_projection(mask).with_batch_size(ROWS))? {
            overview.push(&batch?)?;
        }
        tick(k + 1, parts.len());
    }
    Ok(overview)
}
