//! Harmonised names of emotion labels, and their signs of arousal and valence.
//!
//! The table is data with a version: `labels.csv`. Signs of arousal and valence follow Russell, A circumplex model of affect,
//! Journal of Personality and Social Psychology 39(6), 1980; zero is between. What is derived from them is a property of the
//! label, not a measurement.

use std::sync::LazyLock;

/// Version of the table.
pub const VERSION: &str = "1";

/// A row of the table: a corpus's name for a label, the harmonised one, and its signs.
struct LabelRow {
    given: &'static str,
    harmonised: &'static str,
    arousal: f64,
    valence: f64,
}

static TABLE: LazyLock<Vec<LabelRow>> = LazyLock::new(|| {
    let line = |l: &'static str| {
        let mut cells = l.split(',');
        Some(LabelRow {
            given: cells.next()?,
            harmonised: cells.next()?,
            arousal: cells.next()?.parse().ok()?,
            valence: cells.next()?.parse().ok()?,
        })
    };
    include_str!("labels.csv").lines().skip(1).filter_map(line).collect()
});

/// The harmonised name; a label that the table lacks stays as it is, in lower case.
#[must_use]
pub fn harmonised(label: &str) -> String {
    let low = label.trim().to_lowercase();
    TABLE.iter().find(|l| l.given == low).map_or(low.clone(), |l| l.harmonised.to_owned())
}

/// Arousal and valence of a harmonised label, -1 to 1; `None` for one that the table lacks.
#[must_use]
pub fn dimensions(label: &str) -> Option<(f64, f64)> {
    TABLE.iter().find(|l| l.harmonised == label).map(|l| (l.arousal, l.valence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_meet() {
        assert_eq!(harmonised(" Happy"), "happiness");
        assert_eq!(harmonised("Pride"), "pride");
        assert_eq!(dimensions("sadness"), Some((-1.0, -1.0)));
        assert_eq!(dimensions("pride"), None);
        // Every harmonised name is in the table itself, once with one place.
        assert!(
            TABLE.iter().all(|l| harmonised(l.harmonised) == l.harmonised
                && dimensions(l.harmonised) == Some((l.arousal, l.valence)))
        );
    }
}
