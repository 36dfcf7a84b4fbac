//! Measures of the call, party by party, and what changes over its quarters.

use super::call::{Call, amount, speech_s};
use affect::record::{Policy, Record};
use affect_page::{Cell, Markup, Table, clock, number, signed};

/// A measure as the page lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// Whom it is about; `None` for the call as a whole.
    pub party: Option<String>,
    /// Its name, in words.
    pub name: String,
    /// Its unit; empty for a share or a count.
    pub unit: &'static str,
    /// Its value, or why there is none.
    pub value: Result<f64, String>,
    /// Decimal places.
    pub places: usize,
    /// What it means: its definition in a sentence.
    pub meaning: String,
}

/// A value of every quarter of the call.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarters {
    /// Whom it is about.
    pub party: String,
    /// What is averaged.
    pub name: String,
    /// The values, or why there is none.
    pub values: [Result<f64, String>; 4],
}

/// Least speech of a quarter for its mean to say something, in seconds.
const LEAST_S: f64 = 3.0;

/// The table of measures; nothing where there are none.
pub fn table(measures: &[Measure]) -> Option<Table> {
    let mut table =
        Table::new("Measures of the call").column("measure").column("of").numbers("value").column("what it is");
    for m in measures {
        let unit = if m.unit.is_empty() { String::new() } else { format!(" {}", m.unit) };
        table.row([
            Cell::text(&m.name),
            Cell::text(m.party.as_deref().unwrap_or("the call")),
            match &m.value {
                Ok(v) => Cell::Number(format!("{}{unit}", number(*v, m.places))),
                Err(why) => Cell::Nothing(why.clone()),
            },
            Cell::text(&m.meaning),
        ]);
    }
    Some(table).filter(|t| !t.is_empty())
}

/// The table of quarters; nothing where there are none.
pub fn quarters_table(end_ns: u64, quarters: &[Quarters]) -> Option<Table> {
    let mut table =
        Table::new("Means over the quarters of the call, weighted by speech").column("of").column("measure");
    for k in 0..4 {
        table = table.numbers(format!("{} to {}", clock(end_ns / 4 * k, false), clock(end_ns / 4 * (k + 1), false)));
    }
    table = table.numbers("last less first");
    for q in quarters {
        let trend = match (&q.values[0], &q.values[3]) {
            (Ok(first), Ok(last)) => Cell::Number(signed(last - first, 2)),
            _ => Cell::Nothing("not told".to_owned()),
        };
        let cell = |v: &Result<f64, String>| match v {
            Ok(v) => Cell::Number(signed(*v, 2)),
            Err(why) => Cell::Nothing(why.clone()),
        };
        table.row(
            [Cell::text(&q.party), Cell::text(&q.name)].into_iter().chain(q.values.iter().map(cell)).chain([trend]),
        );
    }
    Some(table).filter(|t| !t.is_empty())
}

/// What the records of a call say by themselves.
pub fn of_records(call: &Call<'_>) -> Vec<Measure> {
    let whole_s = call.end_ns as f64 * 1e-9;
    let mut measures = Vec::new();
    for p in call.parties.iter().filter(|p| p.policy != Policy::Deny && p.same_as.is_none()) {
        let mut put = |name: &str, unit, value: Result<f64, String>, places, meaning: &str| {
            measures.push(Measure {
                party: Some(p.name.clone()),
                name: name.to_owned(),
                unit,
                value,
                places,
                meaning: meaning.to_owned(),
            });
        };
        put("speech", "s", Ok(p.speech_s()), 1, "time that voice activity detection calls speech, in all utterances");
        put("share of the call", "%", Ok(100.0 * p.speech_s() / whole_s), 0, "speech over the length of the recording");
        let count = p.utterances.len();
        put("utterances", "", Ok(count as f64), 0, "stretches of speech between pauses of half a second, 15 s at most");
        let mean = if count == 0 { Err("no speech".to_owned()) } else { Ok(p.speech_s() / count as f64) };
        put("mean length", "s", mean, 1, "speech of an utterance on average");
    }
    measures
}

/// Means of the amounts over the quarters, of every party that has scores.
pub fn quarters(call: &Call<'_>) -> Vec<Quarters> {
    let quarter = call.end_ns as f64 / 4.0;
    let mut out = Vec::new();
    for p in call.parties.iter().filter(|p| p.policy == Policy::Allow) {
        let Some((name, ..)) = p.utterances.iter().find_map(|(_, r)| amount(r)) else { continue };
        let of = |k: usize| {
            let records = p.utterances.iter().map(|u| u.1);
            mean_within(records, quarter * k as f64, quarter * (k + 1) as f64)
        };
        out.push(Quarters { party: p.name.clone(), name: name.to_owned(), values: [0, 1, 2, 3].map(of) });
    }
    out
}

/// The mean of the amounts within a stretch: every utterance counts by its speech, and by how much of it lies inside.
fn mean_within<'a>(records: impl Iterator<Item = &'a Record>, from: f64, to: f64) -> Result<f64, String> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for r in records {
        let (start, end) = (r.start_ns as f64, r.end_ns as f64);
        let inside = ((end.min(to) - start.max(from)) / (end - start).max(1.0)).clamp(0.0, 1.0);
        if let Some((_, value, _)) = amount(r) {
            sum += value * inside * speech_s(r);
            weight += inside * speech_s(r);
        }
    }
    if weight < LEAST_S { Err(format!("under {LEAST_S} s of speech")) } else { Ok(sum / weight) }
}

/// What stands under the tables.
pub fn note() -> Markup {
    Markup::text(
        "Quarters are of the length of the recording. A mean is told where at least 3 s of speech lie behind it.",
    )
}
