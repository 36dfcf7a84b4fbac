//! The table of calls: a row for each call of a part, also for those that could not be analysed.

mod means;
mod moved;
mod read;
mod row;
mod write;

pub use means::Means;
pub(crate) use moved::{BY, EXPLAINED, MOST_BY, MOVED, group_column};
pub use moved::{Moved, MovedScore};
pub use read::{CallsTable, Summary};
pub use row::{CallError, CallRow, Heard};
pub(crate) use write::{About, CallColumns, table};

/// Name and version of the form of this table.
pub const CALLS_SCHEMA: &str = "affect.calls/1";
