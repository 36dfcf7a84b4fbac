//! What each feature endures, measured by `make endurance`.

use super::Entry;
use serde::Serialize;

/// `set,name,condition,icc,bias,defined`, one feature under one condition a line.
const RECORD: &str = include_str!("endurance.csv");
/// Least agreement, and largest bias in standard deviations, with which a feature still says what it says.
const AGREEMENT: f32 = 0.75;
const BIAS: f32 = 0.5;

/// How a feature moves under one condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Endurance {
    /// The condition.
    pub condition: String,
    /// Intraclass correlation ICC(A,1) with the clean (or whole) recording; `None` where it was undefined too often.
    pub icc: Option<f32>,
    /// Mean change, in standard deviations of the clean values.
    pub bias: Option<f32>,
    /// Share of the recordings with a value where it still has one.
    pub defined: f32,
}

impl Endurance {
    /// Whether a value under this condition can be read like a clean one: agreement of at least 0.75, a bias of at most
    /// half a standard deviation, defined in nine of ten recordings.
    #[must_use]
    pub fn survives(&self) -> bool {
        self.icc.is_some_and(|i| i >= AGREEMENT) && self.bias.is_some_and(|b| b.abs() <= BIAS) && self.defined >= 0.9
    }
}

/// A condition of the record as a cause, for people: `the telephone band`.
#[must_use]
pub fn in_words(condition: &str) -> &str {
    match condition {
        "telephone band" => "the telephone band",
        c if c.starts_with("line ") && c.contains("noise") => "a noisy line without low frequencies",
        c if c.starts_with("line ") => "a line without low frequencies",
        c if c.starts_with("noise ") => "noise",
        c if c.ends_with("s of speech") => "so little speech",
        other => other,
    }
}

/// One line: set, name, and the rest. Conditions stand in quotes and hold commas.
fn parse(line: &str) -> Option<(&str, &str, Endurance)> {
    let (set, rest) = line.split_once(',')?;
    let (name, rest) = rest.split_once(",\"")?;
    let (condition, rest) = rest.split_once("\",")?;
    let mut numbers = rest.split(',').map(|n| n.parse().ok());
    let (icc, bias) = (numbers.next()?, numbers.next()?);
    let defined = numbers.next()?.unwrap_or(0.0);
    Some((set, name, Endurance { condition: condition.to_owned(), icc, bias, defined }))
}

pub(super) fn add(set: &str, mut entries: Vec<Entry>) -> Vec<Entry> {
    for (_, name, e) in RECORD.lines().skip(1).filter_map(parse).filter(|(s, ..)| *s == set) {
        if let Some(entry) = entries.iter_mut().find(|entry| entry.name == name) {
            entry.endurance.push(e);
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::{affect_functionals, egemaps_functionals};
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_functional_has_a_record_under_every_condition() {
        let conditions: HashSet<&str> =
            RECORD.lines().skip(1).filter_map(|l| Some(l.split_once(",\"")?.1.split_once('"')?.0)).collect();
        assert!(conditions.len() >= 15);
        for list in [affect_functionals(), egemaps_functionals()] {
            for e in list {
                assert_eq!(e.endurance.len(), conditions.len(), "{}: run `make endurance`", e.name);
            }
            let under = |what: &str| {
                list.iter().flat_map(|e| &e.endurance).filter(|e| e.condition == what).filter(|e| e.survives()).count()
            };
            assert!(under("noise 5 dB") < under("noise 20 dB") && under("noise 20 dB") > list.len() / 3);
        }
    }

    /// Conditions that a segment can be found under are causes for people, not codes.
    #[test]
    fn conditions_have_words() {
        let met =
            ["telephone band", "line 24 dB/octave", "line 24 dB/octave, noise 8 dB", "line 24 dB/octave, noise 15 dB"];
        let also = ["noise 5 dB", "noise 10 dB", "noise 20 dB", "1 s of speech", "3 s of speech", "10 s of speech"];
        for condition in met.into_iter().chain(also) {
            assert!(affect_functionals()[0].endurance.iter().any(|e| e.condition == condition), "{condition}");
            assert!(!in_words(condition).contains(|c: char| c.is_ascii_digit() || c == '/'), "{condition}");
        }
    }

    #[test]
    fn lines_are_read() {
        let (set, name, e) = parse("s,n,\"G.711 A-law, 8 kHz\",0.9,-0.6,1.000").unwrap();
        assert_eq!((set, name, e.condition.as_str()), ("s", "n", "G.711 A-law, 8 kHz"));
        assert!(!e.survives());
        assert!(!parse("s,n,\"c\",,,0.1").unwrap().2.survives());
    }
}
