//! Weeks of dates.

use chrono::{NaiveDate, Weekday};

/// The Monday of the week of a date that begins a text (`2026-11-30`, also with a time after it), as a date.
pub(super) fn week(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let date = bytes.get(..10)?;
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = &date[range];
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| 10 * n + u32::from(d - b'0')))
    };
    let dashes = date[4] == b'-' && date[7] == b'-' && bytes.get(10).is_none_or(|b| matches!(b, b'T' | b' '));
    let (y, m, d) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let day = NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d).filter(|_| dashes)?;
    Some(day.week(Weekday::Mon).checked_first_day()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays() {
        for (date, monday) in [
            ("2026-11-30", "2026-11-30"),
            ("2026-12-06T23:59:00Z", "2026-11-30"),
            ("2024-03-01 08:00", "2024-02-26"),
            ("1970-01-01", "1969-12-29"),
            ("2000-02-29", "2000-02-28"),
            ("0001-01-07", "0001-01-01"),
        ] {
            assert_eq!(week(date).as_deref(), Some(monday), "{date}");
        }
        for no in [
            "",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-11-3",
            "20261130xx",
            "2026-11-301",
            "north",
            "2026-00-10",
            "é026-11-30",
        ] {
            assert_eq!(week(no), None, "{no}");
        }
    }

    /// Through four centuries every seven days have one Monday, seven days after the one before.
    #[test]
    fn weeks_follow_each_other() {
        let first = NaiveDate::from_ymd_opt(1800, 1, 6).unwrap();
        let days = first.iter_days().take(146_097).collect::<Vec<_>>();
        for seven in days.chunks(7) {
            for day in seven {
                assert_eq!(week(&day.to_string()), Some(seven[0].to_string()));
            }
        }
    }
}
