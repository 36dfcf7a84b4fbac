//! Audio conditions of a segment under which some features are less reliable.

use crate::record::Record;

/// The measured conditions (`docs/endurance.md`) that a segment's audio quality amounts to.
pub(super) fn conditions(record: &Record) -> Vec<&'static str> {
    let q = record.quality.unwrap_or_default();
    let mut conditions = Vec::new();
    if q.bandwidth_hz.is_some_and(|b| b <= 4_200.0) {
        conditions.push("telephone band");
    }
    if q.band_low_hz.is_some_and(|b| b > 0.0) {
        conditions.push(match q.snr_db {
            Some(s) if s < 11.5 => "line 24 dB/octave, noise 8 dB",
            Some(s) if s < 20.0 => "line 24 dB/octave, noise 15 dB",
            _ => "line 24 dB/octave",
        });
    }
    match q.snr_db {
        Some(s) if s < 7.5 => conditions.push("noise 5 dB"),
        Some(s) if s < 15.0 => conditions.push("noise 10 dB"),
        Some(s) if s < 25.0 => conditions.push("noise 20 dB"),
        _ => {}
    }
    let length = record.end_ns.saturating_sub(record.start_ns) as f64 * 1e-9;
    let speech = q.speech_s.map_or(length, f64::from);
    match speech {
        s if s < 2.0 => conditions.push("1 s of speech"),
        s if s < 6.0 => conditions.push("3 s of speech"),
        s if s < 12.0 => conditions.push("10 s of speech"),
        _ => {}
    }
    conditions
}
