//! Figures of the report: every plot with a title, a description and its numbers as a table.

use super::SHOWN;
use crate::features::catalogue::Group;
use crate::identify::direction::Direction;
use crate::identify::findings::{ContextFindings, Findings};
use crate::identify::measure::Bin;
use crate::identify::prepare::Normalisation;
use crate::identify::sufficiency::{Curve, Order};
use crate::identify::transfer::OTHERS;
use crate::plots::{self, IntervalRow, PlotError, Series};
use crate::statistics::Interval;
use affect_page::{Cell, Figure, Markup, Table, number, signed};

type Drawn = Result<Markup, PlotError>;

fn colour_of(group: &str) -> usize {
    Group::ALL.iter().position(|g| g.name() == group).unwrap_or(0)
}

fn figure(id: String, title: String, description: String, svg: String, table: Table) -> Markup {
    let note = Markup::default();
    Figure { id, title, description, note, svg, wide: false, tables: vec![table] }.html()
}

/// Rows of an interval plot as a table; `places` for its numbers.
fn interval_table(rows: &[IntervalRow], caption: &str, head: &str, what: &str, places: usize) -> Table {
    let behind = rows.iter().any(|r| r.behind.is_some());
    let mut table = Table::new(caption).column(head).numbers(what).numbers("95 % interval, from").numbers("to");
    if behind {
        table = table.numbers("over corpora, from").numbers("to");
    }
    for r in rows {
        let ends = r.behind.map(|b| [b.low, b.high]);
        let cell = |v: f64| Cell::Number(number(v, places));
        let over = [0, 1].map(|k| ends.map_or_else(|| Cell::Nothing("not told".to_owned()), |e| cell(e[k])));
        let first = [Cell::text(&r.name), cell(r.at.value), cell(r.at.low), cell(r.at.high)];
        table.row(first.into_iter().chain(over.into_iter().filter(|_| behind)));
    }
    table
}

fn first_of(rows: &[IntervalRow]) -> String {
    rows.first().map_or_else(|| "There are none".to_owned(), |r| format!("First is {}", r.name))
}

/// Ranks of the first features.
pub fn ranking(f: &Findings) -> Drawn {
    let rows: Vec<IntervalRow> = f
        .features
        .iter()
        .take(SHOWN)
        .map(|x| IntervalRow {
            name: x.name.clone(),
            at: x.rank,
            behind: x.rank_over_corpora,
            colour: colour_of(&x.group),
        })
        .collect();
    let last = rows.iter().map(|l| l.behind.map_or(l.at.high, |b| b.high.max(l.at.high))).fold(10.0, f64::max);
    let what = "rank in the consensus (1 the first), 95 % intervals: thick over speakers, thin over corpora";
    let svg = plots::intervals(&rows, what, (0.0, last + 2.0))?;
    let description =
        format!("Ranks of {} features with intervals, the first on top. {}.", rows.len(), first_of(&rows));
    let table = interval_table(&rows, "Ranks of features", "feature", "rank", 1);
    Ok(figure("ranking".to_owned(), "Ranks of features".to_owned(), description, svg, table))
}

/// Ranks of the groups.
pub fn groups(f: &Findings) -> Drawn {
    let rows: Vec<IntervalRow> = f
        .groups
        .iter()
        .map(|g| IntervalRow {
            name: format!("{} ({} features)", g.name, g.features),
            at: g.rank,
            behind: g.rank_over_corpora,
            colour: colour_of(&g.name),
        })
        .collect();
    let svg = plots::intervals(&rows, "rank of the group, credited as a group", (0.5, f.groups.len() as f64 + 0.5))?;
    let description = format!("Ranks of {} groups of features with intervals. {}.", rows.len(), first_of(&rows));
    let table = interval_table(&rows, "Ranks of groups", "group", "rank", 1);
    Ok(figure("groups".to_owned(), "Ranks of groups".to_owned(), description, svg, table))
}

/// Whole corpora, as recorded or under the first condition.
fn whole(f: &Findings) -> Vec<&ContextFindings> {
    let clean = f.conditions.first();
    let is = |c: &&ContextFindings| {
        Some(&c.condition) == clean && c.corpus.as_ref().is_some_and(|n| c.name == format!("{n}, {}", c.condition))
    };
    f.contexts.iter().filter(is).collect()
}

/// Recall of the learners, a figure for every corpus.
pub fn skills(f: &Findings) -> Result<Vec<Markup>, PlotError> {
    let one = |(k, c): (usize, &&ContextFindings)| {
        let row = |name: String, at: Interval, colour: usize| IntervalRow { name, at, behind: None, colour };
        let by_speaker = |n: Normalisation| usize::from(n == Normalisation::Speaker);
        let mut rows: Vec<IntervalRow> = Vec::new();
        for s in &c.skills {
            let name = format!("{}, {}", s.learner.name(), s.normalisation.name());
            rows.push(row(name, s.uar, by_speaker(s.normalisation)));
        }
        for s in &c.chosen {
            let name = format!("chosen inside the folds, {}", s.normalisation.name());
            rows.push(row(name, s.uar, 2 + by_speaker(s.normalisation)));
        }
        let what = format!("UAR, {} (chance {:.3})", c.name, c.chance);
        let svg = plots::intervals(&rows, &what, (c.chance - 0.02, 1.0))?;
        let description =
            format!("Unweighted average recall of {} learners with intervals; chance is {:.3}.", rows.len(), c.chance);
        let table = interval_table(&rows, &what, "learner, normalised by", "UAR", 3);
        Ok(figure(format!("skill-{k}"), format!("How well learners do on {}", c.name), description, svg, table))
    };
    whole(f).iter().enumerate().map(one).collect()
}

/// How the features of a curve were ordered.
pub fn order_name(o: Order) -> &'static str {
    match o {
        Order::Consensus => "consensus of corpora",
        Order::Own => "this corpus alone",
        Order::Random => "random features",
    }
}

/// What a curve under a condition was learnt from.
pub fn learnt_where(c: &Curve) -> String {
    if c.learnt == c.tested { "learnt alike".to_owned() } else { format!("learnt from {}", c.learnt) }
}

fn chance(f: &Findings, tested: &str) -> f64 {
    f.contexts.iter().find(|c| c.name == tested).map_or(0.25, |c| c.chance)
}

/// Recall against number of features: one figure for each tested context and normalisation.
pub fn curves(
    f: &Findings,
    curves: &[Curve],
    id: &str,
    name: &dyn Fn(&Curve) -> String,
) -> Result<Vec<Markup>, PlotError> {
    let mut keys: Vec<(&str, Normalisation)> = Vec::new();
    for c in curves {
        if !keys.contains(&(c.tested.as_str(), c.normalisation)) {
            keys.push((&c.tested, c.normalisation));
        }
    }
    let one = |(k, (tested, how)): (usize, &(&str, Normalisation))| {
        let of_context = |c: &&Curve| c.tested == **tested && c.normalisation == *how;
        let context_curves: Vec<&Curve> = curves.iter().filter(of_context).collect();
        let points = |c: &Curve| c.points.iter().map(|p| (p.0 as f64, p.1)).collect();
        let series: Vec<Series> = context_curves.iter().map(|c| (name(c), points(c))).collect();
        let from = if context_curves.iter().any(|c| c.learnt == OTHERS) { "others to " } else { "" };
        let title = format!("{from}{tested}, {}", how.name());
        let chance = chance(f, tested);
        let svg = plots::curves(&title, &series, chance)?;
        let mut table = Table::new(format!("Recall (UAR) by number of features: {title}"))
            .column("ordered or learnt by")
            .numbers("features")
            .numbers("UAR");
        for (name, points) in &series {
            for (n, uar) in points {
                table.row([Cell::text(name), Cell::Number(number(*n, 0)), Cell::Number(number(*uar, 3))]);
            }
        }
        let description =
            format!("{} curves of recall against the number of features; chance is {chance:.3}.", series.len());
        Ok(figure(format!("{id}-{k}"), title, description, svg, table))
    };
    keys.iter().enumerate().map(one).collect()
}

/// Reliability diagrams of what was chosen.
pub fn reliability(f: &Findings) -> Result<Vec<Markup>, PlotError> {
    let one = |(k, c): (usize, &&ContextFindings)| {
        let series: Vec<(String, Vec<Bin>)> = c
            .chosen
            .iter()
            .map(|s| (format!("{}, error {:.3}", s.normalisation.name(), s.calibration_error), s.reliability.clone()))
            .collect();
        let points = |bins: &[Bin]| bins.iter().map(|b| (b.confidence, b.accuracy)).collect();
        let drawn: Vec<Series> = series.iter().map(|(name, bins)| (name.clone(), points(bins))).collect();
        let svg = plots::reliability(&c.name, &drawn)?;
        let mut table = Table::new(format!("Reliability: {}", c.name))
            .column("normalised by")
            .numbers("probability of the answer")
            .numbers("share that is right")
            .numbers("answers");
        for (name, bins) in &series {
            for b in bins {
                let cells = [number(b.confidence, 3), number(b.accuracy, 3), b.count.to_string()];
                table.row([Cell::text(name)].into_iter().chain(cells.map(Cell::Number)));
            }
        }
        let description = "How often answers are right, by how sure the model is; the diagonal is perfect.".to_owned();
        Ok(figure(format!("reliability-{k}"), c.name.clone(), description, svg, table))
    };
    whole(f).iter().enumerate().map(one).collect()
}

/// Effects of the most important features, and of those that turn round, for the labels that several corpora have, where there are any.
pub fn effects(f: &Findings) -> Drawn {
    let mut rows: Vec<String> = f.features.iter().take(SHOWN).map(|x| x.name.clone()).collect();
    for x in f.flips.iter().take(8) {
        if !rows.contains(&x.feature) {
            rows.push(x.feature.clone());
        }
    }
    let mut columns: Vec<(String, String)> = Vec::new();
    for x in &f.effects {
        for d in x {
            let key = (d.label.clone(), d.corpus.clone());
            if !columns.contains(&key) {
                columns.push(key);
            }
        }
    }
    let several = |l: &String| columns.iter().filter(|c| c.0 == *l).count() > 1;
    let shared: Vec<(String, String)> = columns.iter().filter(|c| several(&c.0)).cloned().collect();
    let mut columns = if shared.is_empty() { columns } else { shared };
    columns.sort();
    let names: Vec<String> = columns.iter().map(|c| format!("{}, {}", c.0, c.1)).collect();
    let find = |row: usize, column: usize| -> Option<&Direction> {
        let k = f.features.iter().position(|x| x.name == rows[row])?;
        f.effects[k].iter().find(|d| (&d.label, &d.corpus) == (&columns[column].0, &columns[column].1))
    };
    let cell = |row: usize, column: usize| find(row, column).map(|d| (d.effect.value, d.sign() != 0));
    let svg = plots::effects(&rows, &names, &cell)?;
    let caption = "Effects in the speaker's standard deviations; in brackets where they are not beyond doubt";
    let mut table = names.iter().fold(Table::new(caption).column("feature"), Table::numbers);
    for (k, row) in rows.iter().enumerate() {
        let cells = (0..names.len()).map(|j| match cell(k, j) {
            Some((v, true)) => Cell::Number(signed(v, 2)),
            Some((v, false)) => Cell::Number(format!("({})", signed(v, 2))),
            None => Cell::Nothing("not heard".to_owned()),
        });
        table.row([Cell::text(row)].into_iter().chain(cells));
    }
    let description =
        format!("Effects of {} features for {} pairs of label and corpus, as colours.", rows.len(), names.len());
    Ok(figure("effects".to_owned(), "Which way features move".to_owned(), description, svg, table))
}
