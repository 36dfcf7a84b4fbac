//! Lengths of time and amounts of memory on the command line.

use std::time::Duration;

/// Splits a number from its unit.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim()))
}

/// A length of time: seconds, or a number with `ms`, `s`, `m` or `h`.
pub fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\": expected a length of time such as 90, 300s, 10m or 1h");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let scale = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * scale).ok().filter(|d| !d.is_zero()).ok_or_else(wrong)
}

/// A number of bytes, or a number with `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB` or `TiB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\": expected an amount such as 4GiB, 512MiB or 1000000");
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let scale: f64 = match unit {
        "" | "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" | "K" => 1024.0,
        "MiB" | "M" => 1024.0 * 1024.0,
        "GiB" | "G" => 1024.0 * 1024.0 * 1024.0,
        "TiB" | "T" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let bytes = (number * scale).round();
    if (1.0..=9e18).contains(&bytes) { Ok(bytes as u64) } else { Err(wrong()) }
}

/// An amount of bytes to be read.
pub fn amount(bytes: u64) -> String {
    let scales = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let n = bytes as f64;
    match scales.into_iter().find(|(s, _)| n >= *s) {
        Some((scale, unit)) => format!("{:.1} {unit}", n / scale),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood_or_refused() {
        assert_eq!(time("300s"), Ok(Duration::from_secs(300)));
        assert_eq!(time("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(time("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("1.5MB"), Ok(1_500_000));
        assert_eq!(bytes("7"), Ok(7));
        for text in ["", "s", "0s", "-1s", "1d", "1.2.3s", "1e9", "nan", "99999999999999999999999h"] {
            assert!(time(text).is_err(), "{text}");
        }
        for text in ["", "GiB", "0", "0.1", "-4GiB", "4 gib", "99999999TiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!((amount(999), amount(4 << 30)), ("999 bytes".to_owned(), "4.3 GB".to_owned()));
    }
}
