//! One plain sentence for a feature's share in a score.

use crate::features::catalogue::Entry;

/// A feature of an explanation, in numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Its value, where it is defined.
    pub value: Option<f64>,
    /// Distance from the reference, in the catalogue's unit.
    pub difference: Option<f64>,
    /// Distance from the reference, in the reference's scales.
    pub z: Option<f64>,
    /// Its contribution.
    pub contribution: f64,
}

/// Three significant digits at most, without an exponent.
#[must_use]
pub fn short(v: f64) -> String {
    let digits = if v == 0.0 { 0.0 } else { v.abs().log10().floor() };
    let places = (2.0 - digits).clamp(0.0, 6.0) as usize;
    let text = format!("{v:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A feature's name in words: without its unit, which is said beside the value, and with capitals inside words split.
fn plain(entry: &Entry) -> String {
    const UNITS: [&str; 12] =
        ["dB", "Hz", "s", "ms", "dBPerkHz", "dBPerOct", "semitone", "st", "percent", "nucleiPerSec", "PerSec", "PerS"];
    let words = entry.name.split('_').filter(|w| !UNITS.contains(w)).map(|w| {
        let w = w.trim_end_matches("semitone");
        let mut word = String::with_capacity(w.len() + 4);
        let mut before = ' ';
        for c in w.chars() {
            if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
                word.push(' ');
                word.push(c.to_ascii_lowercase());
            } else {
                word.push(c);
            }
            before = c;
        }
        word
    });
    let name = words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    if name.is_empty() { entry.name.replace('_', " ") } else { name }
}

/// The unit as it stands behind a number; none for shares and other pure numbers.
fn unit(entry: &Entry) -> String {
    let pure = entry.unit == "1" || entry.unit.starts_with("1 ");
    if pure { String::new() } else { format!(" {}", entry.unit) }
}

/// The sentence: what the feature is like against the reference, and how much it moved the score towards or away from
/// the target. Measures of expression, not of feelings.
#[must_use]
pub fn sentence(entry: &Entry, share: &Share, reference: &str, target: &str) -> String {
    let name = plain(entry);
    let than = match reference {
        "this speaker" => "this speaker's usual".to_owned(),
        "training speakers" => "the training speakers' mean".to_owned(),
        other => format!("the {other}'s mean"),
    };
    let unit = unit(entry);
    let state = match (share.value, share.difference, share.z) {
        (None, ..) => "is undefined here".to_owned(),
        (Some(_), Some(d), Some(z)) if z.abs() < 0.05 || d == 0.0 => format!("is like {than}"),
        (Some(_), Some(d), Some(z)) => {
            let way = if d > 0.0 { "above" } else { "below" };
            format!("{}{unit} {way} {than} ({:+.1} SD)", short(d.abs()), z)
        }
        (Some(_), None, Some(z)) => format!("{:+.1} SD from {than}", z),
        (Some(v), ..) => format!("at {}{unit}", short(v)),
    };
    let way = if share.contribution >= 0.0 { "towards" } else { "away from" };
    format!("{name} {state}: {:+.2} {way} {target}", share.contribution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::catalogue::affect_functionals;

    #[test]
    fn sentences_say_what_and_how_much() {
        let entry = &affect_functionals()[0];
        let share = Share { value: Some(3.0), difference: Some(2.1), z: Some(1.7), contribution: 0.38 };
        let text = sentence(entry, &share, "this speaker", "anger");
        assert!(
            text.contains("2.1")
                && text.contains("above this speaker's usual")
                && text.ends_with("+0.38 towards anger"),
            "{text}"
        );
        let gone = Share { value: None, difference: None, z: None, contribution: -0.01 };
        let text = sentence(entry, &gone, "training speakers", "anger");
        assert!(text.contains("undefined") && text.ends_with("-0.01 away from anger"), "{text}");
        assert_eq!(
            (short(1234.6), short(0.01234), short(0.0), short(-2.0)),
            ("1235".into(), "0.0123".into(), "0".into(), "-2".into())
        );
    }
}
