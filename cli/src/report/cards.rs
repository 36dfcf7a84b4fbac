//! The parties at a glance.

use super::call::{Call, Party, amount, speech_s};
use affect::record::{Policy, Record};
use affect_page::{Markup, number, signed};
use std::collections::BTreeMap;

/// A card for every party.
pub fn cards(call: &Call<'_>) -> Markup {
    let one = |(place, p): (usize, &Party<'_>)| {
        let rows: String =
            facts(call, p).iter().map(|(k, v)| format!("<dt>{}</dt><dd>{v}</dd>", Markup::text(k))).collect();
        let definitions = if rows.is_empty() { String::new() } else { format!("<dl>{rows}</dl>") };
        let channel = if p.name == p.channel() { String::new() } else { format!("{}: ", p.channel()) };
        format!(
            "<section class=\"card\"><h2>{}</h2><p class=\"soft\">{channel}{}</p>{definitions}</section>\n",
            p.markup(place),
            Markup::text(&state(p))
        )
    };
    Markup::trusted(call.parties.iter().enumerate().map(one).collect::<String>())
}

fn state(p: &Party<'_>) -> String {
    match p.same_as {
        Some(other) => format!("the same sound as channel {other}, sample for sample: analysed once, there"),
        None => p.allowed().to_owned(),
    }
}

fn facts(call: &Call<'_>, p: &Party<'_>) -> Vec<(String, String)> {
    if p.policy == Policy::Deny || p.same_as.is_some() {
        return Vec::new();
    }
    let mut facts = Vec::new();
    let mut put = |name: &str, value: String| facts.push((name.to_owned(), value));
    let count = p.utterances.len();
    if count == 0 {
        put("Speech", "none was found".to_owned());
        return facts;
    }
    let share = p.speech_s() / (call.end_ns as f64 * 1e-9);
    let plural = if count == 1 { "" } else { "s" };
    put(
        "Speech",
        format!(
            "{} s in {count} utterance{plural}, {} of the call",
            number(p.speech_s(), 1),
            affect_page::percent(share, 0)
        ),
    );
    match (p.speech.f0_hz, p.speech.f0_range_hz) {
        (Some(f), Some((low, high))) => {
            put("Pitch", format!("{} Hz (mostly {} to {})", number(f, 0), number(low, 0), number(high, 0)))
        }
        _ => put("Pitch", "not voiced".to_owned()),
    }
    put("Level", p.speech.level_db.map_or_else(|| "silent".to_owned(), |l| format!("{} dBFS", number(l, 1))));
    if p.policy == Policy::Allow {
        scores(p, &mut put);
    }
    facts
}

fn scores(p: &Party<'_>, put: &mut dyn FnMut(&str, String)) {
    let values: Vec<(f64, f64)> =
        p.utterances.iter().filter_map(|(_, r)| Some((amount(r)?.1, speech_s(r).max(1e-3)))).collect();
    if let Some((name, ..)) = p.utterances.iter().find_map(|(_, r)| amount(r)) {
        let weight: f64 = values.iter().map(|v| v.1).sum();
        let mean = values.iter().map(|v| v.0 * v.1).sum::<f64>() / weight;
        let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v.0), h.max(v.0)));
        let text = if values.len() > 1 {
            format!("{} on average ({} to {})", signed(mean, 2), signed(low, 2), signed(high, 2))
        } else {
            signed(mean, 2)
        };
        let name: String = name.chars().take(1).flat_map(char::to_uppercase).chain(name.chars().skip(1)).collect();
        put(&name, text);
    }
    let scored: Vec<&Record> = p.utterances.iter().map(|u| u.1).filter(|r| r.scored.is_some()).collect();
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for l in scored.iter().filter_map(|r| r.scored.as_ref()?.emotion.label.as_deref()) {
        *labels.entry(l).or_default() += 1;
    }
    let mut order: Vec<(&str, usize)> = labels.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let mut parts: Vec<String> = order.iter().map(|(l, n)| format!("{} {n}", Markup::text(l))).collect();
    let abstained = scored.iter().filter(|r| r.scored.as_ref().is_some_and(|s| s.emotion.abstained.is_some())).count();
    if abstained > 0 {
        parts.push(format!("no label {abstained}"));
    }
    if !parts.is_empty() {
        put("Labels", parts.join(", "));
    }
}
