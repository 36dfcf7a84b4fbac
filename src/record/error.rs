//! Why a text is no record.

use std::error::Error;
use std::fmt;

/// A text that is no record which this software can read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// It has another schema, or another version of it: what its names mean is not known here.
    Schema {
        /// The schema that is read here.
        expected: &'static str,
        /// The schema that it says it has.
        found: String,
    },
    /// It is no JSON, or lacks something that every record has, or has something in its place.
    Form {
        /// The schema that it was read as.
        schema: &'static str,
        /// What is wrong, and where: line and column.
        why: String,
    },
    /// It has a part without another that belongs to it.
    Without {
        /// The part that is there.
        found: &'static str,
        /// The part that is not.
        missing: &'static str,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema { expected, found } => write!(
                f,
                "a record of the schema \"{found}\": expected {expected}; read it with the software that wrote it, or with one \
                 that knows its schema"
            ),
            Self::Form { schema, why } => write!(f, "no record of the schema {schema}: {why}"),
            Self::Without { found, missing } => {
                write!(f, "a record with \"{found}\" and without \"{missing}\": expected both or neither")
            }
        }
    }
}

impl Error for RecordError {}
