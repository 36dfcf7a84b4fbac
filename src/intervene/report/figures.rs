//! Figures of the report: ranking, groups, slopes by score, dose-response curves; each with its numbers as a table.

use crate::alter::Property;
use crate::features::catalogue::Group;
use crate::intervene::findings::{DoseFindings, Findings, PropertyFindings};
use crate::plots::{self, IntervalRow, PlotError, Point};
use crate::statistics::Interval;
use affect_page::{Cell, Figure, Markup, Table, number, signed};

type Drawn = Result<Markup, PlotError>;

fn colour_of(group: &str) -> usize {
    Group::ALL.iter().position(|g| g.name() == group).unwrap_or(0)
}

fn figure(id: String, title: String, description: String, svg: String, table: Table) -> Markup {
    Figure { id, title, description, note: Markup::default(), svg, wide: false, tables: vec![table] }.html()
}

/// Rows of an interval plot, drawn and as a table.
fn ranked(id: &str, title: &str, head: &str, rows: &[IntervalRow]) -> Drawn {
    let top = rows.iter().map(|r| r.at.high.max(r.at.value)).fold(0.0, f64::max);
    let what = "effect: deviations of the score per deviation of the property";
    let svg = plots::intervals(rows, what, (0.0, if top > 0.0 { 1.05 * top } else { 1.0 }))?;
    let mut table = Table::new(title).column(head).numbers("effect").numbers("95 % interval, from").numbers("to");
    for r in rows {
        let cells = [r.at.value, r.at.low, r.at.high].map(|v| Cell::Number(number(v, 3)));
        table.row(std::iter::once(Cell::text(&r.name)).chain(cells));
    }
    let first = rows.first().map_or_else(|| "There are none.".to_owned(), |r| format!("First is {}.", r.name));
    Ok(figure(id.to_owned(), title.to_owned(), first, svg, table))
}

/// Properties by their effect.
pub fn ranking(f: &Findings) -> Drawn {
    let row = |p: &PropertyFindings| {
        Some(IntervalRow { name: p.property.to_owned(), at: p.effect?, behind: None, colour: colour_of(p.group) })
    };
    let rows: Vec<IntervalRow> = f.properties.iter().filter_map(row).collect();
    ranked("ranking", "Properties by their effect on all scores", "property", &rows)
}

/// Groups by their effect.
pub fn groups(f: &Findings) -> Drawn {
    let rows: Vec<IntervalRow> = (f.groups.iter())
        .filter_map(|g| {
            Some(IntervalRow { name: g.group.to_owned(), at: g.effect?, behind: None, colour: colour_of(g.group) })
        })
        .collect();
    ranked("groups", "Groups of properties by their effect on all scores", "group", &rows)
}

/// Slopes of every score by every property, in deviations of the score.
pub fn slopes(f: &Findings) -> Drawn {
    let rows: Vec<String> = f.properties.iter().map(|p| p.property.to_owned()).collect();
    let columns: Vec<String> = f.scores.iter().map(|s| s.name.clone()).collect();
    let cell = |i: usize, j: usize| {
        let (e, spread) = (&f.properties[i].effects[j], f.scores[j].spread);
        let slope = e.slope_per_deviation.filter(|_| spread > 0.0)?.value / spread;
        Some((slope, e.beyond_chance))
    };
    let svg = plots::effects(&rows, &columns, &cell)?;
    let mut table = Table::new("Slopes by score").column("property");
    for s in &columns {
        table = table.numbers(s);
    }
    for (i, row) in rows.iter().enumerate() {
        let cells = (0..columns.len()).map(|j| Cell::or(cell(i, j).map(|c| signed(c.0, 2)), "no response"));
        table.row(std::iter::once(Cell::text(row)).chain(cells));
    }
    let title = "Slopes, in deviations of the score per deviation of the property".to_owned();
    let about =
        "Blue: the score falls as the property rises; orange: it rises. Large squares are beyond chance.".to_owned();
    Ok(figure("slopes".to_owned(), title, about, svg, table))
}

/// Dose-response curves, one picture for every property.
pub fn curves(f: &Findings) -> Result<Vec<Markup>, PlotError> {
    f.properties.iter().enumerate().map(|(k, p)| curve(f, k, p)).collect()
}

fn curve(f: &Findings, k: usize, p: &PropertyFindings) -> Drawn {
    let unit = Property::named(p.property).map_or("", Property::unit);
    let unit = if unit.is_empty() { "factor" } else { unit };
    let scaled = |i: Interval, by: f64| Interval { value: i.value / by, low: i.low / by, high: i.high / by };
    let mut series: Vec<(String, Vec<Point>)> = Vec::new();
    for (s, score) in f.scores.iter().enumerate().filter(|(_, s)| s.spread > 0.0) {
        let point = |d: &DoseFindings| Some(Point { x: d.dose, y: scaled(d.responses[s].mean?, score.spread) });
        let mut points: Vec<Point> = p.doses.iter().filter_map(point).collect();
        points.push(Point { x: neutral(p), y: Interval { value: 0.0, low: 0.0, high: 0.0 } });
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        series.push((score.name.clone(), points));
    }
    let title = format!("{} ({unit})", p.property);
    let svg = plots::responses(&title, "dose", "response, deviations of the score", &series)?;
    let mut table = Table::new(format!("Responses to {}", p.property)).numbers("dose").column("score");
    table = table.numbers("response").numbers("95 % interval, from").numbers("to");
    for d in &p.doses {
        for r in &d.responses {
            let values = r.mean.map(|i| [i.value, i.low, i.high]);
            let cells = (0..3).map(|k| Cell::or(values.map(|v| signed(v[k], 4)), "did not come"));
            table.row([Cell::Number(number(d.dose, 2)), Cell::text(&r.score)].into_iter().chain(cells));
        }
    }
    let about = format!("Mean response of every score to doses of {}, paired within recordings.", p.property);
    Ok(figure(format!("curve-{k}"), title, about, svg, table))
}

/// The dose that changes nothing.
fn neutral(p: &PropertyFindings) -> f64 {
    Property::named(p.property).and_then(Property::neutral).unwrap_or(0.0)
}
