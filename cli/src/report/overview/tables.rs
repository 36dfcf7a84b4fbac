//! Tables of the page of an archive.

use super::About;
use super::figures::{is_quality, places, places_of_mean, share, unit};
use affect_archive::overview::{GroupColumn, LEAST, Measure, Overview};
use affect_page::{Cell, Markup, Table, clock, number, percent};
use std::collections::BTreeMap;

/// What the words of errors mean, and what to do.
fn meaning(word: &str) -> &'static str {
    match word {
        "vanished" => "the file is not there any more: plan again",
        "changed-since-plan" => "the file is another one than was planned: plan again",
        "unreadable" => "the file cannot be opened or read: check its permissions",
        "empty" => "the file has no bytes",
        "decode" => "damaged, or no recording",
        "no-audio" => "there is no audio in it",
        "no-decoder" => "a decoder for it is not installed: install the plugin of GStreamer that the message names",
        "unsuitable" => "the settings do not fit it: a channel or track that it does not have",
        "incomplete" => "ends early or is damaged on the way: what is there was analysed",
        "model" => "the model could not be run",
        "crashed" => "the analysis died",
        "timed-out" => "the analysis took too long, or did not get on",
        "out-of-memory" => "the analysis took too much memory",
        _ => "",
    }
}

/// What failed and why, the most frequent first.
pub fn failures(overview: &Overview) -> Table {
    let mut table = Table::new("Calls that failed, by cause")
        .column("cause")
        .numbers("calls")
        .numbers("share (95 % interval)")
        .column("what it means")
        .column("for example");
    let mut failures: Vec<_> = overview.failures.iter().collect();
    failures.sort_by(|a, b| b.1.calls.cmp(&a.1.calls).then(a.0.cmp(b.0)));
    for (word, f) in failures {
        let names: Vec<String> = f.examples.iter().map(|e| Markup::name(e).to_string()).collect();
        let of_all = affect_archive::overview::wilson(f.calls, overview.calls).map(share);
        table.row([
            Cell::text(word),
            Cell::Number(f.calls.to_string()),
            Cell::or(of_all, "not told"),
            Cell::text(meaning(word)),
            Cell::Text(Markup::trusted(names.join(", "))),
        ]);
    }
    table
}

/// What kinds of recordings there are.
pub fn formats(overview: &Overview) -> Table {
    let mut table = Table::new("Kinds of recordings").column("property").column("value").numbers("calls");
    for (v, n) in &overview.channels {
        table.row([Cell::text("channels"), Cell::text(v.to_string()), Cell::Number(n.to_string())]);
    }
    for (v, n) in &overview.rates_hz {
        table.row([Cell::text("sample rate"), Cell::text(format!("{v} Hz")), Cell::Number(n.to_string())]);
    }
    table
}

fn row(table: &mut Table, m: &Measure) {
    let p = places(&m.moments);
    let cell = |v: Option<f64>| Cell::or(v.map(|v| number(v, p)), "none");
    let some = m.moments.n > 0;
    table.row([
        Cell::Text(Markup::trusted(format!("<code>{}</code>", Markup::text(&m.name)))),
        Cell::text(unit(&m.name)),
        Cell::Number(m.moments.n.to_string()),
        Cell::Number(m.undefined.to_string()),
        cell(some.then_some(m.moments.mean)),
        cell(m.moments.deviation()),
        cell(some.then_some(m.moments.min)),
        cell(some.then_some(m.moments.max)),
    ]);
}

fn of_measures(caption: &str) -> Table {
    Table::new(caption)
        .column("measure")
        .column("unit")
        .numbers("calls")
        .numbers("undefined in")
        .numbers("mean")
        .numbers("standard deviation")
        .numbers("least")
        .numbers("most")
}

/// How good the sound was.
pub fn quality(overview: &Overview) -> Table {
    let mut table = of_measures("Quality of the sound");
    overview.measures().iter().filter(|m| is_quality(&m.name)).for_each(|m| row(&mut table, m));
    table
}

/// All other measures.
pub fn measures(overview: &Overview) -> Table {
    let mut table = of_measures("All measures");
    overview.measures().iter().filter(|m| !is_quality(&m.name)).for_each(|m| row(&mut table, m));
    table
}

/// Groups of a column, in the order of their names.
pub fn groups(column: &GroupColumn) -> Table {
    let head = if column.weeks { "week from Monday" } else { &column.name };
    let mut table = Table::new(format!("Calls by {head}: means with 95 % intervals"))
        .column(head)
        .numbers("calls")
        .numbers("failed");
    for (name, _) in column.groups.iter().take(1).flat_map(|g| &g.measures) {
        table = table.numbers(name.as_str());
    }
    let few = || Cell::Nothing(format!("fewer than {LEAST}"));
    for g in &column.groups {
        let first = [
            Cell::Text(Markup::name(&g.name)),
            g.calls.map_or_else(few, |n| Cell::Number(n.to_string())),
            g.failed.map_or_else(few, |f| Cell::Number(share(f))),
        ];
        let cells = g.measures.iter().map(|(_, m)| match m.and_then(|m| Some((m, m.interval()?))) {
            Some((m, (low, high))) => {
                let p = places_of_mean(&m);
                Cell::Number(format!("{} ({} to {})", number(m.mean, p), number(low, p), number(high, p)))
            }
            None => few(),
        });
        table.row(first.into_iter().chain(cells));
    }
    table
}

/// Calls worth listening to, a table for every criterion.
pub fn listen(overview: &Overview, links: &BTreeMap<String, String>) -> Vec<Table> {
    let one =
        |(criterion, calls): (affect_archive::overview::Criterion, Vec<affect_archive::overview::CallOfInterest>)| {
            let mut table = Table::new(format!("{} ({})", capital(criterion.meaning), criterion.measure))
                .column("call")
                .numbers("length")
                .numbers(criterion.measure.as_str());
            for c in calls {
                let value = match unit(&criterion.measure) {
                    "share" => percent(c.value, 1),
                    "" => number(c.value, 2),
                    u => format!("{} {u}", number(c.value, 1)),
                };
                table.row([
                    Cell::Text(match links.get(&c.key) {
                        Some(address) => Markup::trusted(format!(
                            "<a href=\"{}\">{}</a>",
                            affect_page::escape(address),
                            Markup::name(&c.key)
                        )),
                        None => Markup::name(&c.key),
                    }),
                    Cell::Number(clock(c.duration_ns, false)),
                    Cell::Number(value),
                ]);
            }
            table
        };
    overview.calls_of_interest().into_iter().map(one).collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// What the results were made with.
pub fn made_with(about: &About) -> Table {
    let mut table = Table::new("What the results were made with").column("what").column("which");
    for (name, value) in &about.made_with {
        table.row([Cell::text(name), Cell::text(value)]);
    }
    table
}
