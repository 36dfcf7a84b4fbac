//! Measures of the call, party by party, and what changes over its quarters.

use super::call::Call;
use affect::conversation::Measure;
use affect::conversation::catalogue::{Entry, Group};
use affect::record::Policy;
use affect_page::{Cell, Markup, Table, number, signed};

/// A measure's name for readers: without the party, and without the unit, which stands beside the number.
fn words(entry: &Entry) -> String {
    const UNITS: [&str; 6] = ["_per_s", "_dbfs", "_hz", "_db", "_st", "_s"];
    let name = entry.name.trim_start_matches("<party>_");
    let name = UNITS.iter().find_map(|u| name.strip_suffix(u)).unwrap_or(name);
    let spoken = |word: &str| match word {
        "f0" | "hnr" | "cpps" | "snr" => word.to_uppercase(),
        _ => word.to_owned(),
    };
    name.split('_').map(spoken).collect::<Vec<_>>().join(" ")
}

/// The unit as it stands beside a number: none of pure numbers.
fn unit(entry: &Entry) -> &str {
    if entry.unit.starts_with("1 ") || entry.unit == "1" { "" } else { entry.unit }
}

/// Decimal places that say something.
fn places(unit: &str, value: f64) -> usize {
    match unit {
        "" if value.fract() == 0.0 => 0,
        "Hz" => 0,
        "s" if value >= 10.0 => 1,
        u if u.starts_with("dB") || u.starts_with("semitones") => 1,
        _ => 2,
    }
}

/// A number with its unit, or why there is none.
fn valued(m: &Measure) -> Cell {
    match m.value {
        Ok(v) => {
            let unit = unit(m.entry);
            let number = number(v, places(unit, v));
            Cell::Number(if unit.is_empty() { number } else { format!("{number} {unit}") })
        }
        Err(why) => Cell::Nothing(why.meaning().to_owned()),
    }
}

/// The table of what is measured of the call as a whole; nothing where there is no conversation.
pub fn table(call: &Call<'_>) -> Option<Table> {
    let record = call.conversation.as_ref()?;
    let mut table = Table::new("The call as a whole").column("measure").numbers("value").column("what it is");
    for m in record.measures.iter().filter(|m| m.party.is_none()) {
        table.row([Cell::text(words(m.entry)), valued(m), Cell::text(m.entry.what)]);
    }
    Some(table).filter(|t| !t.is_empty())
}

/// The table of what is measured of each party, side by side, but for scores and for parties that are denied.
pub fn parties_table(call: &Call<'_>) -> Option<Table> {
    let record = call.conversation.as_ref()?;
    let shown = |p: &usize| record.parties[*p].policy != Policy::Deny;
    let parties: Vec<usize> = (0..record.parties.len()).filter(shown).collect();
    let mut table = Table::new("The parties").column("measure");
    for p in &parties {
        table = table.numbers(&*record.parties[*p].name);
    }
    table = table.column("what it is");
    let first = *parties.first()?;
    for m in record.measures.iter().filter(|m| m.party == Some(first) && m.entry.group != Group::Scores) {
        let of_party = |p: &usize| record.measures.iter().find(|o| o.party == Some(*p) && o.entry.name == m.entry.name);
        let cells = parties.iter().filter_map(of_party).map(valued);
        table.row([Cell::text(words(m.entry))].into_iter().chain(cells).chain([Cell::text(m.entry.what)]));
    }
    Some(table).filter(|t| !t.is_empty())
}

/// The table of quarters: every score of every party that has any; nothing where nobody has.
pub fn quarters_table(call: &Call<'_>) -> Option<Table> {
    let record = call.conversation.as_ref()?;
    let mut table = Table::new("Mean scores over the quarters of the conversation, weighted by speech")
        .column("of")
        .column("score");
    for quarter in ["first", "second", "third", "last"] {
        table = table.numbers(quarter);
    }
    table = table.numbers("last less first");
    let cell = |name: String, text: &dyn Fn(f64) -> String| match record.measure(&name) {
        Some(Ok(v)) => Cell::Number(text(v)),
        Some(Err(why)) => Cell::Nothing(why.meaning().to_owned()),
        None => Cell::Nothing("not told".to_owned()),
    };
    let allowed = record.parties.iter().filter(|p| p.policy == Policy::Allow);
    for party in allowed {
        let prefix = format!("{}_", party.name);
        let scores = record.measures.iter().filter_map(|m| m.name.strip_prefix(&*prefix)?.strip_suffix("_q1"));
        for score in scores {
            let plain = score.trim_start_matches("dimension_").trim_start_matches("probability_").replace('_', " ");
            let amount = score.starts_with("dimension_");
            let text = |v: f64| if amount { signed(v, 2) } else { number(v, 2) };
            let quarters = (1..=4).map(|k| cell(format!("{prefix}{score}_q{k}"), &text));
            let trend = cell(format!("{prefix}{score}_trend"), &|v| signed(v, 2));
            table.row([Cell::text(&*party.name), Cell::text(plain)].into_iter().chain(quarters).chain([trend]));
        }
    }
    Some(table).filter(|t| !t.is_empty())
}

/// What stands under the tables.
pub fn note() -> Markup {
    Markup::text(
        "Quarters are of the conversation, from the first to the last speech. A mean is told where at least 3 s of speech lie behind it.",
    )
}
