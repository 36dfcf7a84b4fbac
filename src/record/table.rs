//! Records as rows of a table for people: a few features per segment.

use serde_json::Value;

/// Columns of features: heading, the feature's name in `affect-v1` and in `egemaps-v02`, what the latter is multiplied by,
/// decimals.
const COLUMNS: [(&str, [&str; 2], f64, usize); 7] = [
    ("F0 st", ["F0semitoneFrom27.5Hz_median", "F0semitoneFrom27.5Hz_sma3nz_amean"], 1.0, 1),
    ("range", ["F0semitone_range5-95", "F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2"], 1.0, 1),
    ("loud", ["loudness_median", "loudness_sma3_amean"], 1.0, 2),
    ("peaks/s", ["nucleiPerSec", "loudnessPeaksPerSec"], 1.0, 1),
    ("alpha dB", ["alphaRatio_dB_voicedMedian", "alphaRatioV_sma3nz_amean"], 1.0, 1),
    ("HNR dB", ["HNR_dB_median", "HNRdBACF_sma3nz_amean"], 1.0, 1),
    ("jitter%", ["jitterLocal_percent_mean", "jitterLocal_sma3nz_amean"], 100.0, 2),
];

/// The heading of the table.
#[must_use]
pub fn header() -> String {
    let mut heading =
        format!("{:>8} {:>8} {:<9} {:<9} {:>7} {:>6}", "start", "end", "channel", "segment", "speech", "voiced");
    for (title, ..) in COLUMNS {
        heading.push_str(&format!(" {title:>8}"));
    }
    heading
}

/// One record, given as JSON, as a row; `None` for what is no record. Undefined or conventional numbers show as "-",
/// and a segment that goes on after the result is marked with "..".
#[must_use]
pub fn row(json: &str) -> Option<String> {
    let v: Value = serde_json::from_str(json).ok()?;
    let seconds = |name: &str| v.get(name)?.as_u64().map(|ns| ns as f64 / 1e9);
    let channel = v.get("channel")?;
    let index = channel.get("index").and_then(Value::as_u64).map_or("mix".to_owned(), |i| i.to_string());
    let role = channel.get("role").and_then(Value::as_str);
    let label = role.map_or(index.clone(), |r| format!("{index} {r}"));
    let mut kind = v.get("segment")?.as_str()?.to_owned();
    if v.get("ended").and_then(Value::as_str) == Some("open") {
        kind.push_str("..");
    }
    let quality = |name: &str, scale: f64, unit: &str| {
        v.get("quality")
            .and_then(|q| q.get(name))
            .and_then(Value::as_f64)
            .map_or("-".to_owned(), |x| format!("{:.*}{unit}", if unit == "%" { 0 } else { 2 }, x * scale))
    };
    let mut cells = format!(
        "{:>8.2} {:>8.2} {:<9} {:<11} {:>5} {:>6}",
        seconds("start_ns")?,
        seconds("end_ns")?,
        label,
        kind,
        quality("speech_s", 1.0, ""),
        quality("voiced_share", 100.0, "%"),
    );
    for (_, [ours, standard], factor, decimals) in COLUMNS {
        let value = [(ours, 1.0), (standard, factor)].into_iter().find_map(|(name, factor)| {
            let defined = v.get("reasons").and_then(|r| r.get(name)).is_none();
            Some(v.get("features")?.get(name)?.as_f64().filter(|_| defined)? * factor)
        });
        cells.push_str(&value.map_or(format!(" {:>8}", "-"), |x| format!(" {x:>8.decimals$}")));
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_the_heading() {
        let json = r#"{"channel":{"index":1,"role":"caller"},"segment":"utterance","start_ns":1500000000,
            "end_ns":3250000000,"ended":"open","quality":{"speech_s":1.25,"voiced_share":0.5},
            "features":{"loudness_sma3_amean":0.8,"jitterLocal_sma3nz_amean":0},
            "reasons":{"jitterLocal_sma3nz_amean":"no-voiced-frames"}}"#;
        let row = row(json).unwrap();
        assert_eq!(row.len(), header().len(), "\n{}\n{row}", header());
        assert!(row.contains("1 caller") && row.contains("utterance..") && row.contains("50%"));
        assert!(row.ends_with(" -") && row.contains(" 0.80"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_a_row_or_none(text in ".{0,200}", number in proptest::num::f64::ANY) {
            let _ = row(&text);
            let odd = serde_json::json!({
                "channel": {"index": text.len()}, "segment": text, "start_ns": 1, "end_ns": u64::MAX,
                "features": {"loudness_sma3_amean": number, "jitterLocal_sma3nz_amean": [1]}, "reasons": 7,
            });
            let _ = row(&odd.to_string());
        }
    }

    #[test]
    fn what_is_no_record_gives_no_row() {
        assert_eq!(row("not json"), None);
        assert_eq!(row("{}"), None);
    }
}
