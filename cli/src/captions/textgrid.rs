//! Praat's TextGrid in its long text form: for each party a tier of labels, and one for each dimension that the model learnt.

use super::{label, party};
use affect::record::Record;

/// An interval of a tier.
struct Interval {
    start_ns: u64,
    end_ns: u64,
    text: String,
}

/// Tiers by name, in order of their first interval.
fn tiers(records: &[&Record]) -> Vec<(String, Vec<Interval>)> {
    let mut tiers: Vec<(String, Vec<Interval>)> = Vec::new();
    for r in records {
        let who = party(r);
        let mut add = |name: String, text: String| {
            let interval = Interval { start_ns: r.start_ns, end_ns: r.end_ns, text };
            match tiers.iter_mut().find(|t| t.0 == name) {
                Some(t) => t.1.push(interval),
                None => tiers.push((name, vec![interval])),
            }
        };
        add(who.clone(), label(r));
        let Some(s) = &r.scored else { continue };
        for (name, _) in &s.emotion.intervals {
            if let Some((_, value)) = s.emotion.dimensions.iter().find(|d| d.0 == *name) {
                add(format!("{who}, {name}"), format!("{value:+.2}"));
            }
        }
    }
    tiers
}

/// Intervals that follow each other without gaps, as Praat wants them: what lies between is empty, and what would overlap begins
/// where the one before ends.
fn seamless(list: Vec<Interval>, end_ns: u64) -> Vec<Interval> {
    let mut out: Vec<Interval> = Vec::with_capacity(2 * list.len() + 1);
    let mut end_of_last_ns = 0;
    for i in list {
        let start_ns = i.start_ns.max(end_of_last_ns);
        if i.end_ns <= start_ns {
            continue;
        }
        if start_ns > end_of_last_ns {
            out.push(Interval { start_ns: end_of_last_ns, end_ns: start_ns, text: String::new() });
        }
        end_of_last_ns = i.end_ns;
        out.push(Interval { start_ns, ..i });
    }
    if end_of_last_ns < end_ns {
        out.push(Interval { start_ns: end_of_last_ns, end_ns, text: String::new() });
    }
    out
}

/// Seconds, to the last nanosecond.
fn seconds(ns: u64) -> String {
    let text = format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

/// The document of a recording that ends at `end_ns`; results are in order of time.
pub fn document(end_ns: u64, records: &[&Record]) -> String {
    let end_ns = records.iter().map(|r| r.end_ns).max().unwrap_or(0).max(end_ns).max(1);
    let tiers = tiers(records);
    let end = seconds(end_ns);
    let mut out = format!("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = {end}\n");
    let mut put = |text: String| out.push_str(&text);
    if tiers.is_empty() {
        put("tiers? <absent>\n".to_owned());
        return out;
    }
    put(format!("tiers? <exists>\nsize = {}\nitem []:\n", tiers.len()));
    for (k, (name, intervals)) in tiers.into_iter().enumerate() {
        let intervals = seamless(intervals, end_ns);
        let name = name.replace('"', "\"\"");
        put(format!("    item [{}]:\n        class = \"IntervalTier\"\n        name = \"{name}\"\n", k + 1));
        put(format!("        xmin = 0\n        xmax = {end}\n        intervals: size = {}\n", intervals.len()));
        for (i, x) in intervals.iter().enumerate() {
            let (start, end, text) = (seconds(x.start_ns), seconds(x.end_ns), x.text.replace('"', "\"\""));
            put(format!("        intervals [{}]:\n            xmin = {start}\n            xmax = {end}\n", i + 1));
            put(format!("            text = \"{text}\"\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_lose_nothing() {
        assert_eq!(seconds(0), "0");
        assert_eq!(seconds(1_500_000_000), "1.5");
        assert_eq!(seconds(12_000_000_001), "12.000000001");
        assert_eq!(seconds(100_000_000_000), "100");
    }

    #[test]
    fn intervals_leave_no_gap_and_do_not_overlap() {
        let one = |start_ns, end_ns, text: &str| Interval { start_ns, end_ns, text: text.to_owned() };
        let list = seamless(
            vec![one(10, 20, "a"), one(20, 30, "b"), one(25, 40, "c"), one(26, 39, "d"), one(50, 60, "e")],
            70,
        );
        let shown: Vec<(u64, u64, &str)> = list.iter().map(|i| (i.start_ns, i.end_ns, i.text.as_str())).collect();
        assert_eq!(
            shown,
            [(0, 10, ""), (10, 20, "a"), (20, 30, "b"), (30, 40, "c"), (40, 50, ""), (50, 60, "e"), (60, 70, "")]
        );
        assert_eq!(seamless(Vec::new(), 70).len(), 1);
    }

    #[test]
    fn silence_has_no_tiers() {
        let text = document(3_000_000_000, &[]);
        assert!(text.ends_with("xmin = 0\nxmax = 3\ntiers? <absent>\n"), "{text}");
    }
}
