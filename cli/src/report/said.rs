//! Utterance by utterance: what the model says, and why.

use super::call::{Call, Party, amount, speech_s};
use crate::timeline::reasons;
use affect::record::{Emotion, NOT_SPEECH, Policy, Record, UNLIKE};
use affect_page::{Markup, clock, number, signed};

/// The list, as `<li>` of every utterance.
pub fn list(call: &Call<'_>) -> Markup {
    let mut out = String::new();
    for (k, (place, r)) in call.utterances.iter().enumerate() {
        let p = &call.parties[*place];
        let when = format!("{} to {}", clock(r.start_ns, true), clock(r.end_ns, true));
        out.push_str(&format!(
            "<li><div class=\"when\"><b>{when}</b> utterance {}</div><div class=\"what\"><p>{} {}</p>{}</div></li>\n",
            k + 1,
            p.markup(*place),
            heading(p, r),
            because(r)
        ));
    }
    Markup::trusted(out)
}

/// What is said of an utterance in one line.
fn heading(p: &Party<'_>, r: &Record) -> String {
    let value = |name: &str| r.value(name).map(f64::from);
    let level =
        r.quality.as_ref().and_then(|q| q.level_dbfs).map(|l| format!("level {} dBFS", number(f64::from(l), 1)));
    let pitch = value("F0_Hz_median").map(|f| format!("pitch {} Hz", number(f, 0)));
    let speech = Some(format!("{} s of speech", number(speech_s(r), 1)));
    let facts: Vec<String> = [speech, pitch, level].into_iter().flatten().collect();
    let facts = format!("<span class=\"soft\">{}</span>", facts.join(", "));
    let Some(s) = &r.scored else {
        let not = r.quality.as_ref().is_some_and(|q| q.not_speech);
        let why = if not {
            " <span class=\"soft\">(not speech: tones, notes or noise)</span>"
        } else if p.policy == Policy::Allow {
            ""
        } else {
            " <span class=\"soft\">(no scores, by policy)</span>"
        };
        return format!("{facts}{why}");
    };
    let mut parts = Vec::new();
    if let Some((name, v, interval)) = amount(r) {
        let range = interval.map_or_else(String::new, |(a, b)| format!(" ({} to {})", signed(a, 2), signed(b, 2)));
        parts.push(format!("{} {}{range}", Markup::text(name), signed(v, 2)));
    }
    parts.push(label(&s.emotion));
    parts.retain(|p| !p.is_empty());
    format!("{}<br>{facts}", parts.join("; "))
}

fn label(e: &Emotion) -> String {
    if let Some(why) = &e.abstained {
        let why = if why == NOT_SPEECH { "this is not speech, but tones, notes or noise" } else { why };
        return format!("<span class=\"none\">no label: {}</span>", Markup::text(why));
    }
    let mut order: Vec<_> = e.probabilities.iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let one = |x: &(std::sync::Arc<str>, f64)| format!("{} {}", Markup::text(&x.0), number(x.1, 2));
    match order.as_slice() {
        [first, second, ..] => format!("<strong>{}</strong>, then {}", one(first), one(second)),
        [first] => format!("<strong>{}</strong>", one(first)),
        // A model without labels has said it all in its dimensions.
        [] => {
            let rest = e.dimensions.iter().skip(1).map(one).collect::<Vec<_>>();
            rest.join(", ")
        }
    }
}

fn because(r: &Record) -> String {
    let Some(s) = &r.scored else { return String::new() };
    let mut lines = reasons(&s.explanations, &s.emotion);
    if s.emotion.abstained.is_none() && s.emotion.is_unlike() {
        lines.insert(0, format!("With care: {UNLIKE}"));
    }
    if lines.is_empty() {
        return String::new();
    }
    let class = |l: &str| if l.starts_with("With care") { " class=\"with-care\"" } else { "" };
    let items: String = lines.iter().map(|l| format!("<li{}>{}</li>", class(l), Markup::text(l))).collect();
    format!("<ul>{items}</ul>")
}
