//! Errors of tables and archives.

use crate::store::StoreError;
use std::fmt;

/// Why a table cannot be written or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum TableError {
    /// The file or stream failed.
    Io(std::io::Error),
    /// The file is no table of records of this project, or a broken one.
    Format(String),
    /// A row is no record.
    Row {
        /// Its number from 0.
        row: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => e.fmt(f),
            Self::Format(why) => write!(f, "expected a Parquet table of results: {why}"),
            Self::Row { row, why } => write!(f, "row {row} is no result: {why}"),
        }
    }
}

impl std::error::Error for TableError {}

impl From<std::io::Error> for TableError {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

impl From<parquet::errors::ParquetError> for TableError {
    fn from(e: parquet::errors::ParquetError) -> Self {
        match e {
            // A full disk or a closed pipe stays what it is.
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(io) => Self::Io(*io),
                Err(other) => Self::Format(other.to_string()),
            },
            other => Self::Format(other.to_string()),
        }
    }
}

impl From<arrow_schema::ArrowError> for TableError {
    fn from(e: arrow_schema::ArrowError) -> Self {
        Self::Format(e.to_string())
    }
}

/// Why an archive cannot be planned, run or read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Storage.
    Store(StoreError),
    /// A table.
    Table(TableError),
    /// A plan is wrong, or does not fit.
    Plan(String),
    /// A run is wrong, or does not fit.
    Run(String),
}

impl ArchiveError {
    pub(crate) fn write(name: &str, e: std::io::Error) -> Self {
        Self::Store(StoreError::Storage { name: name.to_owned(), error: e })
    }

    /// Whether storage is full or away, so that the same may do later.
    #[must_use]
    pub fn is_storage(&self) -> bool {
        match self {
            Self::Store(StoreError::Storage { error, .. }) | Self::Table(TableError::Io(error)) => {
                use std::io::ErrorKind::{AlreadyExists, InvalidData, InvalidInput, NotFound, UnexpectedEof};
                // What is cut off or not there is wrong in itself.
                !matches!(error.kind(), AlreadyExists | InvalidData | InvalidInput | NotFound | UnexpectedEof)
            }
            Self::Store(_) | Self::Table(_) => false,
            Self::Plan(_) | Self::Run(_) => false,
        }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::Table(e) => e.fmt(f),
            Self::Plan(why) => write!(f, "plan: {why}"),
            Self::Run(why) => write!(f, "run: {why}"),
        }
    }
}

impl std::error::Error for ArchiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(e) => Some(e),
            Self::Table(e) => Some(e),
            Self::Plan(_) | Self::Run(_) => None,
        }
    }
}

impl From<StoreError> for ArchiveError {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl From<TableError> for ArchiveError {
    fn from(e: TableError) -> Self {
        Self::Table(e)
    }
}

impl From<parquet::errors::ParquetError> for ArchiveError {
    fn from(e: parquet::errors::ParquetError) -> Self {
        Self::Table(e.into())
    }
}

impl From<arrow_schema::ArrowError> for ArchiveError {
    fn from(e: arrow_schema::ArrowError) -> Self {
        Self::Table(e.into())
    }
}
