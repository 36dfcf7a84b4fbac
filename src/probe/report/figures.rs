//! Figures of the report: every plot with a title, a description and its numbers as a table.

use crate::plots::{self, IntervalRow, PlotError, Series};
use crate::probe::findings::{Content, Effect, Findings, LayerFindings};
use crate::statistics::Interval;
use affect_page::{Cell, Figure, Markup, Table, number, signed};

type Drawn = Result<Markup, PlotError>;
type DrawnOrNot = Result<Option<Markup>, PlotError>;

/// Groups in the order of the features.
fn group_names(f: &Findings) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for c in f.layers.iter().flat_map(|l| &l.features) {
        if !out.contains(&c.group) {
            out.push(c.group.clone());
        }
    }
    out
}

fn layer_names(f: &Findings) -> Vec<String> {
    f.layers.iter().map(|l| l.name.clone()).collect()
}

fn points(values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    values.enumerate().map(|(k, v)| (k as f64, v)).collect()
}

/// Curves over the layers as a table.
fn over_layers(f: &Findings, caption: &str, series: &[Series]) -> Table {
    let mut table = Table::new(caption).column("layer");
    for s in series {
        table = table.numbers(s.0.clone());
    }
    for (k, l) in f.layers.iter().enumerate() {
        let values = series.iter().map(|s| Cell::or(s.1.get(k).map(|p| number(p.1, 3)), "none"));
        table.row(std::iter::once(Cell::text(&l.name)).chain(values));
    }
    table
}

/// Recall of emotion over the layers.
pub fn emotion(f: &Findings) -> Drawn {
    let of = |name: &str, value: &dyn Fn(&LayerFindings) -> f64| (name.to_owned(), points(f.layers.iter().map(value)));
    let series = [
        of("layer", &|l| l.emotion.layer.value),
        of("layer, random weights", &|l| l.emotion.random_weights.value),
        of("layer and named features", &|l| l.emotion.with_features.value),
        of("named features alone", &|_| f.features_alone.value),
    ];
    let svg = plots::over_layers("UAR", &layer_names(f), &series, (0.0, 1.0), Some(f.chance))?;
    let caption = "Unweighted average recall of emotion by layer";
    let mut table = Table::new(caption).column("layer");
    for head in
        ["layer", "random weights", "layer beyond random weights", "layer and features", "both beyond features alone"]
    {
        table = table.numbers(head);
    }
    for l in &f.layers {
        let e = &l.emotion;
        table.row([
            Cell::text(&l.name),
            Cell::Number(plain(e.layer)),
            Cell::Number(plain(e.random_weights)),
            Cell::Number(signs(e.beyond_random)),
            Cell::Number(plain(e.with_features)),
            Cell::Number(signs(e.beyond_features)),
        ]);
    }
    let best = f.layers.iter().max_by(|a, b| a.emotion.layer.value.total_cmp(&b.emotion.layer.value));
    let description = format!(
        "Recall from each layer on held-out speakers{}; named features alone reach {:.3}, chance is {:.3}.",
        best.map_or_else(String::new, |b| format!(", highest {:.3} in {}", b.emotion.layer.value, b.name)),
        f.features_alone.value,
        f.chance
    );
    Ok(figure("emotion", "Emotion that can be read from each layer", &description, svg, vec![table], false))
}

pub(super) fn plain(i: Interval) -> String {
    format!("{} ({} to {})", number(i.value, 3), number(i.low, 3), number(i.high, 3))
}

pub(super) fn signs(i: Interval) -> String {
    format!("{} ({} to {})", signed(i.value, 3), signed(i.low, 3), signed(i.high, 3))
}

fn figure(id: &str, title: &str, description: &str, svg: String, tables: Vec<Table>, wide: bool) -> Markup {
    let (id, title, description) = (id.to_owned(), title.to_owned(), description.to_owned());
    Figure { id, title, description, note: Markup::default(), svg, wide, tables }.html()
}

/// Mean over a group's features of something.
fn mean(l: &LayerFindings, group: &str, of: &dyn Fn(&Content) -> f64) -> f64 {
    let all: Vec<f64> = l.features.iter().filter(|c| c.group == group).map(of).collect();
    all.iter().sum::<f64>() / all.len().max(1) as f64
}

/// What is held of each group over the layers.
pub fn groups(f: &Findings) -> Drawn {
    let series: Vec<Series> = group_names(f)
        .into_iter()
        .map(|g| (g.clone(), points(f.layers.iter().map(|l| mean(l, &g, &|c| c.r2.value)))))
        .collect();
    let svg = plots::over_layers("mean R² of the group's features", &layer_names(f), &series, (-0.1, 1.0), Some(0.0))?;
    let random: Vec<Series> = group_names(f)
        .into_iter()
        .map(|g| (g.clone(), points(f.layers.iter().map(|l| mean(l, &g, &|c| c.random_weights.value)))))
        .collect();
    let shuffled: Vec<Series> = group_names(f)
        .into_iter()
        .map(|g| (g.clone(), points(f.layers.iter().map(|l| mean(l, &g, &|c| c.shuffled)))))
        .collect();
    let tables = vec![
        over_layers(f, "Mean R² of each group's features", &series),
        over_layers(f, "The same with random weights", &random),
        over_layers(f, "The same for shuffled targets", &shuffled),
    ];
    let description = format!("Mean R² on held-out speakers of {} groups of features over the layers.", series.len());
    Ok(figure("groups", "What the layers hold of each group", &description, svg, tables, false))
}

/// A map of layers by what they hold.
fn heat(f: &Findings, id: &str, title: &str, of: &dyn Fn(&LayerFindings) -> &[Content]) -> DrawnOrNot {
    let mut rows: Vec<(String, String)> = Vec::new();
    for c in f.layers.iter().flat_map(of) {
        if !rows.iter().any(|r| r.0 == c.name) {
            rows.push((c.name.clone(), c.group.clone()));
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let order = group_names(f);
    let place = |g: &String| order.iter().position(|o| o == g).unwrap_or(order.len());
    rows.sort_by_key(|r| place(&r.1));
    let names: Vec<String> = rows.iter().map(|r| r.0.clone()).collect();
    let find = |i: usize, j: usize| of(&f.layers[j]).iter().find(|c| c.name == names[i]);
    // Full colour at an R² of 1.
    let cell = |i: usize, j: usize| find(i, j).map(|c| (1.5 * c.r2.value.max(-1.0), c.held && c.learnt));
    let svg = plots::effects(&names, &layer_names(f), &cell)?;
    let mut table = Table::new(format!("R² of {}", title.to_lowercase())).column("name").column("group");
    for l in layer_names(f) {
        table = table.numbers(l);
    }
    for (i, (name, group)) in rows.iter().enumerate() {
        let cells = (0..f.layers.len()).map(|j| Cell::or(find(i, j).map(|c| number(c.r2.value, 2)), "not looked for"));
        table.row([Cell::text(name), Cell::text(group)].into_iter().chain(cells));
    }
    let held = (0..names.len()).filter(|i| (0..f.layers.len()).any(|j| find(*i, j).is_some_and(|c| c.held))).count();
    let description = format!(
        "Cells of {} rows by {} layers, coloured by R²; {held} rows are held in some layer.",
        names.len(),
        f.layers.len()
    );
    Ok(Some(figure(id, title, &description, svg, vec![table], true)))
}

/// Features of utterances.
pub fn features(f: &Findings) -> Drawn {
    Ok(heat(f, "features", "Features in pooled states", &|l| &l.features)?.unwrap_or_default())
}

/// Descriptors of frames.
pub fn descriptors(f: &Findings) -> DrawnOrNot {
    heat(f, "descriptors", "Low-level descriptors in single frames", &|l| &l.descriptors)
}

/// Effects of erasures beyond random ones.
fn effects(
    f: &Findings,
    id: &str,
    title: &str,
    what: &str,
    of: &dyn Fn(&crate::probe::findings::Erasure) -> Option<Effect>,
) -> DrawnOrNot {
    let (mut rows, mut table) = (Vec::new(), Table::new(title).column("erased").column("layer").numbers("rank"));
    for head in ["loss", "random directions", "excess", "p"] {
        table = table.numbers(head);
    }
    table = table.column("used");
    for (k, u) in f.uses.iter().enumerate() {
        for l in &f.layers {
            let Some((e, effect)) = l.erased.iter().find(|e| e.name == u.name).and_then(|e| Some((e, of(e)?))) else {
                continue;
            };
            rows.push(IntervalRow {
                name: format!("{}, {}{}", u.name, l.name, if effect.used { " *" } else { "" }),
                at: effect.excess,
                behind: None,
                colour: k,
            });
            table.row([
                Cell::text(&u.name),
                Cell::text(&l.name),
                Cell::Number(e.rank.to_string()),
                Cell::Number(number(effect.loss, 3)),
                Cell::Number(number(effect.random, 3)),
                Cell::Number(signs(effect.excess)),
                Cell::Number(number(effect.p, 3)),
                Cell::text(if effect.used { "yes" } else { "not beyond doubt" }),
            ]);
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let low = rows.iter().map(|r| r.at.low).fold(0.0, f64::min);
    let high = rows.iter().map(|r| r.at.high).fold(0.05, f64::max);
    let svg = plots::intervals(&rows, what, (low - 0.02, high + 0.02))?;
    let used = rows.iter().filter(|r| r.name.ends_with('*')).count();
    let description = format!(
        "{} erasures beside random ones of equal rank; {used} lose more beyond doubt, marked by a star.",
        rows.len()
    );
    Ok(Some(figure(id, title, &description, svg, vec![table], false)))
}

/// Of the read-outs.
pub fn readout(f: &Findings) -> DrawnOrNot {
    effects(f, "readout", "What read-outs of emotion use", "recall lost beyond random directions", &|e| Some(e.readout))
}

/// Of the model's own scores.
pub fn score(f: &Findings) -> DrawnOrNot {
    let what = "change of the scores beyond random directions, as a share of their variance";
    effects(f, "score", "What the model's own score uses", what, &|e| e.score.effect())
}
