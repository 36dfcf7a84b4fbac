//! WebVTT: a cue for each result, with the party as its voice and the strongest reason as its second line.

use super::{label, party};
use affect::record::Record;
use std::fmt::Write;

/// Hours, minutes, seconds and thousandths.
fn clock(ms: u64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// Text of a cue: what the format reads as markup is written out.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(['\n', '\r'], " ")
}

/// The document; results are in order of time.
pub fn document(records: &[&Record]) -> String {
    let mut out = "WEBVTT\n".to_owned();
    let mut put = |text: String| out.push_str(&text);
    if let Some(m) = records.iter().find_map(|r| r.scored.as_ref()).map(|s| &s.model) {
        let (id, version) = (plain(&m.id), plain(&m.version));
        put(format!("\nNOTE measures of expression by {id} {version}; no claims about feelings\n"));
    }
    for r in records {
        let start = r.start_ns / 1_000_000;
        let end = (r.end_ns / 1_000_000).max(start + 1);
        put(format!("\n{}\n{} --> {}\n", r.id(), clock(start), clock(end)));
        let mut text = label(r);
        if let Some(s) = &r.scored {
            for (name, (low, high)) in &s.emotion.intervals {
                if let Some((_, value)) = s.emotion.dimensions.iter().find(|d| d.0 == *name) {
                    // Writing to a text cannot fail.
                    let _ = write!(text, ", {name} {value:+.2} ({low:+.2} to {high:+.2})");
                }
            }
        }
        put(format!("<v {}>{}\n", plain(&party(r)), plain(&text)));
        let reason = r.scored.as_ref().filter(|s| s.emotion.label.is_some()).and_then(|s| s.explanations.first());
        if let Some(f) = reason.and_then(|x| x.features.first()) {
            put(format!("{}\n", plain(&f.sentence)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_texts() {
        assert_eq!(clock(3_661_007), "01:01:01.007");
        assert_eq!(clock(360_000_000), "100:00:00.000");
        assert_eq!(plain("a <b> & c\nd"), "a &lt;b&gt; &amp; c d");
        assert_eq!(document(&[]), "WEBVTT\n");
    }
}
