//! The timeline of `affect analyze`: who sounded how, when, and which reasons say so.

use crate::smooth::Smooth;
use affect::features::catalogue::{self, endurance::in_words};
use affect::record::{Emotion, Ended, Explanation, FeatureShare, Record, UNLIKE};
use affect_media::file::Heard;
use std::io::{self, Write};
use std::sync::Arc;

/// Minutes, seconds and tenths.
fn clock(ns: u64) -> String {
    let tenths = ns / 100_000_000;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// What was heard in a file, segment by segment, as text.
pub fn timeline(out: &mut impl Write, name: &str, heard: &Heard, records: &[Record]) -> io::Result<()> {
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let tracks = if heard.tracks > 1 { format!("{}, ", plural(heard.tracks, "track")) } else { String::new() };
    let (channels, segments) = (plural(heard.channels, "channel"), plural(records.len(), "segment"));
    writeln!(out, "{name}: {tracks}{channels}, {segments}")?;
    if let Some(m) = records.iter().find_map(|r| r.scored.as_ref()).map(|s| &s.model) {
        let mut references: Vec<&str> = Vec::new();
        for s in records.iter().filter_map(|r| r.scored.as_ref()) {
            if !references.contains(&&*s.model.normaliser) {
                references.push(&s.model.normaliser);
            }
        }
        writeln!(
            out,
            "  measures of expression by {} {} ({}), compared with {} (SD: standard deviations); no claims about feelings",
            m.id,
            m.version,
            m.engine,
            references.join(" or ")
        )?;
    }
    let mut smooth = Smooth::default();
    for r in records.iter().filter(|r| r.ended != Ended::Open) {
        let who = match (&r.channel.role, r.channel.index) {
            (Some(role), Some(c)) => format!("{c} {role}"),
            _ => r.channel.label(),
        };
        write!(out, "  {:>7} - {:>7}  {who:<10} ", clock(r.start_ns), clock(r.end_ns))?;
        let Some(s) = &r.scored else {
            writeln!(out, "features only (policy)")?;
            continue;
        };
        let e = &s.emotion;
        let mut parts = amounts(e);
        if let Some(shown) = smooth.add(r) {
            parts.push(shown);
        }
        parts.push(match (&e.abstained, &e.label) {
            (Some(why), _) => format!("no label: {why}"),
            (None, Some(_)) => labels(e),
            // A model without labels has said it all.
            (None, None) => e.dimensions[e.intervals.len()..]
                .iter()
                .map(|(n, v)| format!("{n} {v:.2}"))
                .collect::<Vec<_>>()
                .join(", "),
        });
        writeln!(out, "{}", parts.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join("; "))?;
        if e.abstained.is_none() && e.is_unlike() {
            writeln!(out, "      With care: {UNLIKE}")?;
        }
        for line in reasons(&s.explanations, e) {
            writeln!(out, "      {line}")?;
        }
    }
    Ok(())
}

/// Dimensions that the model learnt by themselves, with their intervals.
fn amounts(e: &Emotion) -> Vec<String> {
    let one = |(name, (low, high)): &(Arc<str>, (f64, f64))| {
        let value = e.dimensions.iter().find(|d| d.0 == *name)?.1;
        Some(format!("{name} {value:+.2} ({low:+.2} to {high:+.2})"))
    };
    e.intervals.iter().filter_map(one).collect()
}

/// The label, and the runner-up.
fn labels(e: &Emotion) -> String {
    let mut order: Vec<&(Arc<str>, f64)> = e.probabilities.iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let one = |x: &&(Arc<str>, f64)| format!("{} {:.2}", x.0, x.1);
    order.iter().take(2).map(one).collect::<Vec<_>>().join(", then ")
}

/// The reasons of one segment's scores in sentences, and, once, which of them its sound makes doubtful: those of the label where there
/// is one, else those of what the model learnt by itself.
pub fn reasons(explanations: &[Explanation], e: &Emotion) -> Vec<String> {
    let amount = |x: &&Explanation| e.intervals.iter().any(|i| i.0 == x.target);
    let shown: Vec<&Explanation> = if e.label.is_some() || e.intervals.is_empty() {
        explanations.iter().filter(|x| e.abstained.is_none() && (!amount(x) || explanations.len() == 1)).collect()
    } else {
        explanations.iter().filter(amount).collect()
    };
    let mut lines = Vec::new();
    for x in &shown {
        lines.extend(x.features.iter().map(|f| f.sentence.clone()));
        if let Some(f) = &x.frames {
            lines.push(format!("{} ({})", f.sentence, x.method));
            lines.extend(f.reliability.iter().map(|r| r.sentence.clone()));
        } else if x.features.is_empty() {
            let groups: Vec<String> = x.groups.iter().map(|g| format!("{} {:+.2}", g.name, g.contribution)).collect();
            lines.push(format!("{}: {}", x.target, groups.join(", ")));
        }
    }
    let shares: Vec<&FeatureShare> = shown.iter().flat_map(|x| &x.features).collect();
    lines.extend(care(&shares));
    lines
}

/// Which features are to be taken with care, and why; `None` where none is.
fn care(shares: &[&FeatureShare]) -> Option<String> {
    let (mut names, mut causes) = (Vec::new(), Vec::new());
    for share in shares.iter().filter(|s| !s.does_not_survive.is_empty()) {
        let name = catalogue::find(&share.name).map_or(&*share.name, |e| e.wording.short_name.as_str());
        if !names.contains(&name) {
            names.push(name);
        }
        for cause in share.does_not_survive.iter().map(|c| in_words(c)) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
    let doubtful = match shares.iter().filter(|s| s.does_not_survive.is_empty()).count() {
        0 if names.len() > 1 => "all of these".to_owned(),
        _ => series(&names)?,
    };
    Some(format!("With care, because of {}: {doubtful}", series(&causes)?))
}

/// `a`, `a and b`, `a, b and c`.
fn series(words: &[&str]) -> Option<String> {
    let (last, others) = words.split_last()?;
    Some(if others.is_empty() { (*last).to_owned() } else { format!("{} and {last}", others.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_easily() {
        assert_eq!(clock(0), "0:00.0");
        assert_eq!(clock(65_432_000_000), "1:05.4");
        assert_eq!(clock(3_600_000_000_000), "60:00.0");
    }

    fn share(name: &'static str, does_not_survive: &[&'static str]) -> FeatureShare {
        FeatureShare {
            name: name.into(),
            contribution: 1.0,
            stderr: None,
            value: Some(1.0),
            unit: "dB".into(),
            z: Some(1.0),
            does_not_survive: does_not_survive.iter().map(|c| (*c).into()).collect(),
            near_copies: Vec::new(),
            sentence: "Voice clearer than usual for this speaker: towards joy, +1.0".to_owned(),
        }
    }

    #[test]
    fn doubts_are_stated_once_for_all_reasons() {
        let doubtful = share("CPPS_dB_median", &["telephone band", "1 s of speech"]);
        let (again, sure) = (share("pause_share", &["telephone band"]), share("F0_Hz_median", &[]));
        let said = care(&[&doubtful, &sure, &again, &doubtful]).unwrap();
        let expected = "With care, because of the telephone band and so little speech: CPPS and share of pauses";
        assert_eq!(said, expected);
        let sentence = care(&[&doubtful, &again]).unwrap();
        assert_eq!(sentence, "With care, because of the telephone band and so little speech: all of these");
        assert_eq!(care(&[&doubtful]).unwrap(), "With care, because of the telephone band and so little speech: CPPS");
        assert_eq!(care(&[&sure]), None);
    }
}
