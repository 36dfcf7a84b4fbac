//! Errors of tables.

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
