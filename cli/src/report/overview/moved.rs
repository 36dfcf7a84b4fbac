//! What moved the scores: groups of features by the size of their contributions, and features by how often they moved a call most.

use super::figures::{places_of_mean, share};
use affect_archive::overview::{LEAST, MovedBy, Overview, wilson};
use affect_page::chart::{IntervalRow, intervals};
use affect_page::minijinja::{Value, context};
use affect_page::{Cell, Figure, Markup, Table};

/// Most features that are named of a score.
const NAMED: usize = 10;

/// For each score: its name, how much was explained, a drawing of the groups, and a table of features.
pub fn scores(overview: &Overview) -> Vec<Value> {
    overview
        .moved()
        .enumerate()
        .map(|(k, m)| {
            let strongest = strongest(m);
            context! {
                target => m.target,
                calls => super::grouped(m.calls),
                explained => super::grouped(m.explained),
                few => m.calls < LEAST,
                figure => groups(k, m).map(Value::from),
                strongest => if strongest.is_empty() { None } else { Some(Value::from(strongest.html())) },
            }
        })
        .collect()
}

/// Groups of features, the strongest first.
fn groups(number: usize, m: &MovedBy) -> Option<Markup> {
    let mut known: Vec<_> = m.groups.iter().filter(|(_, v)| v.n >= LEAST).collect();
    if known.is_empty() {
        return None;
    }
    known.sort_by(|a, b| b.1.mean.total_cmp(&a.1.mean).then(a.0.cmp(&b.0)));
    let places = known.iter().map(|(_, v)| places_of_mean(v)).max().unwrap_or(2);
    let rows: Vec<IntervalRow> = known
        .iter()
        .map(|(name, v)| IntervalRow {
            name: name.clone(),
            n: v.n,
            value: match v.interval() {
                Some((low, high)) => Ok((v.mean, low, high)),
                None => Err(format!("fewer than {LEAST} calls")),
            },
        })
        .collect();
    let title = format!("What moved {}", m.target);
    let (svg, table) = intervals(&rows, "group of features", "mean absolute contribution", places, &title);
    let description = format!(
        "Means over calls, with 95 % intervals, of the absolute contributions of {} groups of features to {}, the strongest first.",
        rows.len(),
        m.target
    );
    let id = format!("moved-{number}");
    let figure = Figure { id, title, description, note: Markup::text(""), svg, wide: false, tables: vec![table] };
    Some(figure.html())
}

/// Features by the number of calls in which they moved the score most.
fn strongest(m: &MovedBy) -> Table {
    let mut table = Table::new(format!("Features that moved {} most", m.target))
        .column("feature, with its near copies")
        .numbers("calls in which it was the strongest")
        .numbers("share of calls (95 % interval)");
    if m.calls < LEAST {
        return table;
    }
    for (name, calls) in m.strongest().into_iter().take(NAMED) {
        table.row([
            Cell::Text(Markup::trusted(format!("<code>{}</code>", Markup::text(name)))),
            Cell::Number(super::grouped(calls)),
            Cell::or(wilson(calls, m.calls).map(share), "not told"),
        ]);
    }
    table
}
