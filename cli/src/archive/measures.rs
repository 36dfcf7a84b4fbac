//! Numbers about a call as a whole, beside the means of its scores: a flat ordered list of names, and for each call their values.

use affect::record::Record;
use affect_media::file::Heard;

/// Names of the numbers, in the order of the table's columns.
pub fn names() -> Vec<String> {
    Vec::new()
}

/// The numbers of a call: those that are not named are not defined for it.
pub fn of(_heard: &Heard, _records: &[Record]) -> Vec<(String, Option<f64>)> {
    Vec::new()
}
