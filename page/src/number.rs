//! Numbers as people read them.

/// A number with so many decimal places and a true minus sign; never a negative zero. What is no number says so.
#[must_use]
pub fn number(v: f64, places: usize) -> String {
    if !v.is_finite() {
        return "not a number".to_owned();
    }
    let text = format!("{v:.places$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|b| b == b'0' || b == b'.') => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

/// The same with a sign in front; zero has none.
#[must_use]
pub fn signed(v: f64, places: usize) -> String {
    let text = number(v, places);
    let is_zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if v > 0.0 && v.is_finite() && !is_zero { format!("+{text}") } else { text }
}

/// A share from 0 to 1 in percent, with so many decimal places.
#[must_use]
pub fn percent(share: f64, places: usize) -> String {
    format!("{} %", number(100.0 * share, places))
}

/// Nanoseconds as minutes and seconds, from an hour on with hours; tenths of a second where asked for. Cut, not rounded.
#[must_use]
pub fn clock(ns: u64, tenths: bool) -> String {
    let s = ns / 1_000_000_000;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    let base = if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") };
    if tenths { format!("{base}.{}", ns / 100_000_000 % 10) } else { base }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_zeros() {
        assert_eq!((number(-1.25, 1), number(-0.04, 1), number(3.0, 0)), ("−1.2".into(), "0.0".into(), "3".into()));
        assert_eq!(
            (signed(0.5, 2), signed(-0.5, 2), signed(0.001, 2)),
            ("+0.50".into(), "−0.50".into(), "0.00".into())
        );
        assert_eq!((percent(0.123, 0), number(f64::NAN, 1)), ("12 %".into(), "not a number".into()));
    }

    #[test]
    fn times() {
        assert_eq!((clock(65_450_000_000, true), clock(65_450_000_000, false)), ("1:05.4".into(), "1:05".into()));
        assert_eq!(clock(3_661_000_000_000, false), "1:01:01");
    }
}
