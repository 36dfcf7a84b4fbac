//! Results of recordings as tables: one row for each record, in Parquet, from which the records come back to the last byte.
//!
//! The columns are flat, so that pandas, R, Excel and SQL read them as they are: features under their names in the catalogue, scores as
//! `probability_<label>` and `dimension_<name>`, the quality as `quality_<name>`. Names hold `.` and `-`: SQL quotes them. What has a structure
//! (reasons, distances from the speaker's usual values, explanations) is nested. Whatever a record says beyond the columns is kept as JSON in
//! `rest`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod columns;
mod error;
pub mod overview;
mod read;
mod row;
mod write;

pub use columns::Columns;
pub use error::TableError;
pub use read::{Table, read};
pub use write::TableWriter;
