//! Archives of recorded calls: their results as tables, frozen plans, and parts that are committed once.
//!
//! **Tables.** One row for each record, in Parquet, from which the records come back to the last byte ([`TableWriter`], [`read()`]).
//! The columns are flat, so that pandas, R, Excel and SQL read them as they are: features under their names in the catalogue, scores as
//! `probability_<label>` and `dimension_<name>`, the quality as `quality_<name>`. Names hold `.` and `-`: SQL quotes them. What has a structure
//! (reasons, distances from the speaker's usual values, explanations) is nested. Whatever a record says beyond the columns is kept as JSON in
//! `rest`. Beside them stands a table of calls, with a row for each call, analysed or not ([`calls`]).
//!
//! **Archives.** A [`plan`] freezes one listing into parts; a [`Run`] is their analysis with certain settings; an [`Attempt`] at a part is
//! committed by the creation of one object, so that whatever is killed when, each part counts once. [`sweep()`] deletes what dead attempts
//! left, [`status()`] says how far a run is, [`verify()`] whether everything holds. All of it works on a [`store::Store`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod batches;
pub mod calls;
mod cells;
mod columns;
mod commit;
mod error;
mod names;
pub mod overview;
pub mod plan;
mod read;
mod row;
mod run;
mod status;
pub mod store;
mod sweep;
mod verify;
mod write;

pub use columns::Columns;
pub use commit::{Attempt, Ledger, Outcome, Ready};
pub use error::{ArchiveError, TableError};
pub use read::{Table, read};
pub use run::{Identity, RUN_SCHEMA, Run};
pub use status::{Amount, Status, status};
pub use sweep::sweep;
pub use verify::{Fault, Wanted, verify};
pub use write::TableWriter;
