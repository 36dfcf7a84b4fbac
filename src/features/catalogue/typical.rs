//! Typical ranges, measured over the speech clips in `tests/data` by `make bless`.

use super::Entry;

/// `name,5th percentile,95th percentile`, one feature a line.
const RANGES: &str = include_str!("typical.csv");

pub(super) fn add(mut entries: Vec<Entry>) -> Vec<Entry> {
    for line in RANGES.lines().skip(1) {
        let mut cells = line.split(',');
        let (Some(name), Some(low), Some(high)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let range = low.parse().ok().zip(high.parse().ok());
        if let Some(e) = entries.iter_mut().find(|e| e.name == name) {
            e.typical = range;
        }
    }
    entries
}
