//! Weeks of dates.

/// The Monday of the week of a date that begins a text (`2026-11-30`, also with a time after it), as a date.
pub(super) fn week(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let date = bytes.get(..10)?;
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = &date[range];
        digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| 10 * n + i64::from(d - b'0')))
    };
    let dashes = date[4] == b'-' && date[7] == b'-' && bytes.get(10).is_none_or(|b| matches!(b, b'T' | b' '));
    let (y, m, d) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if !dashes || !(1..=12).contains(&m) || d < 1 || d > days_of(y, m) {
        return None;
    }
    // Day 0 of this count, 1970-01-01, was a Thursday.
    let day = day_of(y, m, d);
    let (y, m, d) = date_of(day - (day + 3).rem_euclid(7));
    Some(format!("{y:04}-{m:02}-{d:02}"))
}

fn days_of(y: i64, m: i64) -> i64 {
    match m {
        2 if y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn day_of(y: i64, m: i64, d: i64) -> i64 {
    let (y, m) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + d - 1 - 719_468
}

/// The date of a day: the year before is found first, then the month.
fn date_of(day: i64) -> (i64, i64, i64) {
    let mut y = 1970 + day.div_euclid(366);
    while day_of(y + 1, 1, 1) <= day {
        y += 1;
    }
    let mut m = 1;
    while m < 12 && day_of(y, m + 1, 1) <= day {
        m += 1;
    }
    (y, m, day - day_of(y, m, 1) + 1)
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

    /// Every day of four centuries follows the one before.
    #[test]
    fn days_follow_each_other() {
        let mut date = (1800, 1, 1);
        let first = day_of(1800, 1, 1);
        for day in first..first + 146_097 {
            assert_eq!(date_of(day), date);
            assert_eq!(day_of(date.0, date.1, date.2), day);
            date = match date {
                (y, 12, 31) => (y + 1, 1, 1),
                (y, m, d) if d == days_of(y, m) => (y, m + 1, 1),
                (y, m, d) => (y, m, d + 1),
            };
        }
        assert_eq!(date, (2200, 1, 1));
    }
}
