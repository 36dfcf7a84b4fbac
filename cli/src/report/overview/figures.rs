//! Distributions of measures, and means of groups.

use affect_archive::overview::{GroupColumn, LEAST, Measure, Moments, Overview};
use affect_page::chart::{Bin, IntervalRow, histogram, intervals};
use affect_page::{Figure, Markup, number, percent};

/// Most groups that a drawing shows; their table has all.
const MOST_ROWS: usize = 40;
/// Most drawings of a grouping.
const MOST_FIGURES: usize = 4;

/// Whether a measure tells of the sound rather than of the call.
pub fn is_quality(name: &str) -> bool {
    ["_snr_db", "_bandwidth_hz", "_clipping_share", "abstained_share"].iter().any(|e| name.ends_with(e))
}

/// The unit that the end of a name tells; empty for pure numbers.
pub fn unit(name: &str) -> &'static str {
    const UNITS: [(&str, &str); 9] = [
        ("_per_s", "1/s"),
        ("_rate", "1/s"),
        ("_s", "s"),
        ("_hz", "Hz"),
        ("_dbfs", "dBFS"),
        ("_db", "dB"),
        ("_st", "semitones"),
        ("_share", "share"),
        ("_ns", "ns"),
    ];
    UNITS.iter().find(|(end, _)| name.ends_with(end)).map_or("", |u| u.1)
}

/// Decimal places that suit values of this size.
pub fn places(m: &Moments) -> usize {
    let largest = m.max.abs().max(m.min.abs());
    match largest {
        l if l < 10.0 => 2,
        l if l < 1000.0 => 1,
        _ => 0,
    }
}

/// The same for a mean: enough to tell the ends of its interval apart.
pub fn places_of_mean(m: &Moments) -> usize {
    let width = m.interval().map_or(0.0, |(low, high)| high - low);
    let needed = if width > 0.0 { (1.0 - width.log10()).ceil().clamp(0.0, 5.0) as usize } else { 0 };
    places(m).max(needed)
}

fn with_unit(name: &str) -> String {
    match unit(name) {
        "" | "share" => name.to_owned(),
        u => format!("{name}, {u}"),
    }
}

/// A histogram of every measure that is worth one: of quality, or of everything else.
pub fn distributions(overview: &Overview, quality: bool) -> Vec<Markup> {
    let wanted = |m: &&Measure| m.headline && m.moments.n >= LEAST && is_quality(&m.name) == quality;
    overview.measures().iter().filter(wanted).map(distribution).collect()
}

fn distribution(m: &Measure) -> Markup {
    let bins: Vec<Bin> = m.histogram().into_iter().map(|b| Bin { low: b.low, high: b.high, count: b.count }).collect();
    let (svg, table) = histogram(&bins, &with_unit(&m.name), &format!("Calls by {}", m.name));
    let p = places(&m.moments);
    let deviation =
        m.moments.deviation().map_or_else(String::new, |d| format!(", standard deviation {}", number(d, p)));
    let note = format!("{} calls, mean {}{deviation}", m.moments.n, number(m.moments.mean, p));
    let description = format!(
        "Histogram over {} calls from {} to {}, mean {}{deviation}.",
        m.moments.n,
        number(m.moments.min, p),
        number(m.moments.max, p),
        number(m.moments.mean, p)
    );
    let (id, title) = (format!("by-{}", m.name), m.name.clone());
    Figure { id, title, description, note: Markup::text(&note), svg, wide: false, tables: vec![table] }.html()
}

/// Means of the groups of a column with their intervals, one drawing for each of the first measures.
pub fn groups(number_of_column: usize, column: &GroupColumn) -> Vec<Markup> {
    let shown = || column.groups.iter().take(MOST_ROWS);
    let more = column.groups.len().saturating_sub(MOST_ROWS);
    let note = if more > 0 {
        format!("The first {MOST_ROWS} by name; the table below has {more} more.")
    } else {
        String::new()
    };
    let head = if column.weeks { "week from Monday" } else { &column.name };
    let names: Vec<String> =
        column.groups.first().map(|g| g.measures.iter().map(|m| m.0.clone()).collect()).unwrap_or_default();
    let mut out = Vec::new();
    for (k, name) in names.iter().enumerate() {
        let moments = |g: &affect_archive::overview::Group| g.measures.get(k).and_then(|m| m.1);
        let known: Vec<Moments> = shown().filter_map(moments).collect();
        if known.len() < 2 || out.len() == MOST_FIGURES {
            continue;
        }
        let places = known.iter().map(places_of_mean).max().unwrap_or(2);
        let rows: Vec<IntervalRow> = shown()
            .map(|g| IntervalRow {
                name: g.name.clone(),
                n: moments(g).map_or(0, |m| m.n),
                value: match moments(g).and_then(|m| Some((m.mean, m.interval()?))) {
                    Some((mean, (low, high))) => Ok((mean, low, high)),
                    None => Err(format!("fewer than {LEAST} calls")),
                },
            })
            .collect();
        let what = format!("mean of {}", with_unit(name));
        let caption = format!("{name} by {head}");
        let (svg, table) = intervals(&rows, head, &what, places, &caption);
        let description =
            format!("Means with 95 % intervals of {} groups by {head}, in the order of their names.", rows.len());
        let figure = Figure {
            id: format!("group-{number_of_column}-{k}"),
            title: caption,
            description,
            note: Markup::text(&note),
            svg,
            wide: false,
            tables: vec![table],
        };
        out.push(figure.html());
    }
    out
}

/// A share with its interval, in words.
pub fn share((share, low, high): (f64, f64, f64)) -> String {
    format!("{} ({} to {})", percent(share, 1), percent(low, 1), percent(high, 1))
}
