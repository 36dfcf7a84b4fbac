//! Measures of the call, party by party, and what changes over its quarters.

use super::call::Call;
use affect::conversation::catalogue::Group;
use affect::conversation::{ConversationRecord, Measure};
use affect::record::Policy;
use affect_page::{Cell, Markup, Table, number, signed};

/// A measure's name for readers: without the party, and without the unit, which stands beside the number.
fn words(m: &Measure) -> String {
    let name = m.entry.name.trim_start_matches("<party>_");
    let unit = m.entry.unit.to_lowercase().replace('/', "_per_");
    name.strip_suffix(&format!("_{unit}")).unwrap_or(name).replace('_', " ")
}

/// Decimal places that say something.
fn places(unit: &str, value: f64) -> usize {
    match unit {
        "1" if value.fract() == 0.0 => 0,
        "Hz" => 0,
        "dB" | "dBFS" | "st" => 1,
        "s" if value >= 10.0 => 1,
        _ => 2,
    }
}

/// A number with its unit.
fn valued(m: &Measure) -> Cell {
    match m.value {
        Ok(v) => {
            let unit = if m.unit() == "1" { String::new() } else { format!(" {}", m.unit()) };
            Cell::Number(format!("{}{unit}", number(v, places(m.unit(), v))))
        }
        Err(why) => Cell::Nothing(why.meaning().to_owned()),
    }
}

/// Whether a measure is to be listed: scores have a table of their own, and of a party that is denied nothing is told.
fn listed(record: &ConversationRecord, m: &Measure) -> bool {
    let denied = m.party.is_some_and(|p| record.parties[p].policy == Policy::Deny);
    m.entry.group != Group::Scores && !denied
}

/// The table of measures; nothing where there are none.
pub fn table(call: &Call<'_>) -> Option<Table> {
    let record = call.conversation.as_ref()?;
    let mut table =
        Table::new("Measures of the call").column("measure").column("of").numbers("value").column("what it is");
    for m in record.measures.iter().filter(|m| listed(record, m)) {
        let party = m.party.map(|p| record.parties[p].name.to_string());
        table.row([
            Cell::text(words(m)),
            Cell::text(party.unwrap_or_else(|| "the call".to_owned())),
            valued(m),
            Cell::text(m.entry.what),
        ]);
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
        let own = format!("{}_", party.name);
        let scores = record.measures.iter().filter_map(|m| m.name.strip_prefix(&*own)?.strip_suffix("_q1"));
        for score in scores {
            let plain = score.trim_start_matches("dimension_").trim_start_matches("probability_").replace('_', " ");
            let amount = score.starts_with("dimension_");
            let text = |v: f64| if amount { signed(v, 2) } else { number(v, 2) };
            let quarters = (1..=4).map(|k| cell(format!("{own}{score}_q{k}"), &text));
            let trend = cell(format!("{own}{score}_trend"), &|v| signed(v, 2));
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
