//! Functionals of one segment.

use super::reason::Reason;

/// Functionals with the reasons of those that are undefined or conventional.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionalValues {
    /// The values in the order of the catalogue; `None` where undefined.
    pub values: Vec<Option<f64>>,
    /// Index and reason of every value that is undefined or stands at its standard's conventional number.
    pub reasons: Vec<(usize, Reason)>,
}

impl FunctionalValues {
    /// `count` values, all undefined for one reason.
    #[must_use]
    pub fn undefined(count: usize, reason: Reason) -> Self {
        Self { values: vec![None; count], reasons: (0..count).map(|i| (i, reason)).collect() }
    }
}
