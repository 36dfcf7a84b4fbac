//! Tables of the report.

use super::SHOWN;
use super::figures::order_name;
use crate::identify::findings::Findings;
use crate::statistics::Interval;
use affect_page::{Cell, Markup, Table, number, percent, signed};

fn fixed(v: f64, places: usize) -> Cell {
    Cell::Number(number(v, places))
}

fn words(i: Interval) -> String {
    format!("{} ({} to {})", number(i.value, 3), number(i.low, 3), number(i.high, 3))
}

fn signs(i: Interval) -> String {
    format!("{} ({} to {})", signed(i.value, 2), signed(i.low, 2), signed(i.high, 2))
}

fn code(name: &str) -> String {
    format!("<code>{}</code>", Markup::text(name))
}

/// What was studied.
pub fn corpora(f: &Findings) -> Table {
    let mut table = Table::new("Corpora")
        .column("corpus")
        .numbers("recordings")
        .numbers("speakers")
        .column("languages")
        .column("labels")
        .numbers("median level, dBFS")
        .column("licence");
    for c in &f.corpora {
        let labels: Vec<String> = c.labels.iter().map(|l| format!("{} {}", l.0, l.1)).collect();
        table.row([
            Cell::text(&c.name),
            Cell::Number(c.recordings.to_string()),
            Cell::Number(c.speakers.to_string()),
            Cell::text(c.languages.join(", ")),
            Cell::text(labels.join(", ")),
            fixed(c.level_dbfs, 1),
            Cell::text(&c.licence),
        ]);
    }
    table
}

/// What tells labels or corpora without the voice.
pub fn confounds(f: &Findings) -> Table {
    let mut table = Table::new("What single facts tell without the voice")
        .column("where")
        .column("what is told")
        .column("from what alone")
        .numbers("UAR")
        .numbers("chance")
        .numbers("p")
        .column("warning");
    for c in &f.audits.confounds {
        table.row([
            Cell::text(&c.context),
            Cell::text(&c.target),
            Cell::text(&c.from),
            fixed(c.uar, 3),
            fixed(c.chance, 3),
            fixed(c.p, 3),
            if c.warning {
                Cell::Text(Markup::trusted(format!("<strong>tells the {} by itself</strong>", Markup::text(&c.target))))
            } else {
                Cell::Nothing("none".to_owned())
            },
        ]);
    }
    table
}

/// The first features.
pub fn features(f: &Findings) -> Table {
    let mut table = Table::new(format!("The first {} of {} features", SHOWN.min(f.features.len()), f.features.len()))
        .column("feature")
        .numbers("rank (over speakers)")
        .numbers("over corpora")
        .column("group")
        .numbers("above chance in");
    for c in f.features.first().into_iter().flat_map(|x| &x.by_corpus) {
        table = table.numbers(format!("rank in {}", c.0));
    }
    table = table.column("strongest effects (in the speaker's standard deviations)");
    for x in f.features.iter().take(SHOWN) {
        let turns =
            if x.flips { " <span aria-label=\"turns round between corpora\" role=\"img\">⇅</span>" } else { "" };
        let whole = |i: Interval| format!("{} to {}", number(i.low, 0), number(i.high, 0));
        let strongest: Vec<String> = x
            .directions
            .iter()
            .take(3)
            .map(|d| format!("{} {} ({})", d.label, signed(d.effect.value, 2), d.corpus))
            .collect();
        let first = [
            Cell::Text(Markup::trusted(format!("{}{turns}", code(&x.name)))),
            Cell::Number(format!("{} ({})", number(x.rank.value, 0), whole(x.rank))),
            Cell::or(x.rank_over_corpora.map(whole), "not told"),
            Cell::text(&x.group),
            Cell::Number(format!("{} of {}", x.generality, x.of_contexts)),
        ];
        let ranks = x.by_corpus.iter().map(|c| fixed(c.1, 0));
        table.row(first.into_iter().chain(ranks).chain([Cell::text(strongest.join("; "))]));
    }
    table
}

/// What moves one way here and the other way there.
pub fn flips(f: &Findings) -> Table {
    let mut table = Table::new("The largest contradictions between corpora")
        .column("feature")
        .column("label")
        .column("up in")
        .column("down in")
        .numbers("heterogeneity I²");
    for x in f.flips.iter().take(15) {
        table.row([
            Cell::Text(Markup::trusted(code(&x.feature))),
            Cell::text(&x.label),
            Cell::text(format!("{}: {}", x.up.0, signs(x.up.1))),
            Cell::text(format!("{}: {}", x.down.0, signs(x.down.1))),
            Cell::Number(percent(x.heterogeneity, 0)),
        ]);
    }
    table
}

/// How far rankings agree.
pub fn agreement(f: &Findings) -> Table {
    let mut table = Table::new("Agreement of rankings")
        .column("between")
        .numbers("Kendall's W")
        .numbers("median rank-biased overlap (p 0.9)");
    for b in &f.agreement.between {
        let cell = |v: Option<f64>| Cell::or(v.map(|v| number(v, 2)), "not told");
        table.row([Cell::text(&b.0), cell(b.1), cell(b.2)]);
    }
    table
}

/// How stable the first twenty are.
pub fn stability(f: &Findings) -> Table {
    let mut table = Table::new("Stability of the 20 best (Nogueira; 1 same, 0 chance)")
        .column("between")
        .numbers("value")
        .numbers("95 % interval");
    for b in &f.agreement.top20 {
        let value = b.1.map(|i| number(i.value, 2));
        let ends = b.1.map(|i| format!("{} to {}", number(i.low, 2), number(i.high, 2)));
        table.row([Cell::text(&b.0), Cell::or(value, "not told"), Cell::or(ends, "not told")]);
    }
    table
}

/// What was chosen inside the folds.
pub fn chosen(f: &Findings) -> Table {
    let mut table = Table::new("What was chosen inside the folds")
        .column("context")
        .numbers("labels")
        .column("normalised by")
        .numbers("UAR")
        .numbers("chance")
        .numbers("calibration error")
        .column("chosen")
        .column("better than the best of the others by");
    for c in &f.contexts {
        for s in &c.chosen {
            let mut kinds: Vec<String> = s.choices.iter().map(|k| format!("{} at {}", k.0.name(), k.1)).collect();
            kinds.sort_unstable();
            kinds.dedup();
            let against = |a: &(crate::identify::learners::Learner, Interval, f64)| {
                let (v, low, high) = (signed(a.1.value, 3), signed(a.1.low, 3), signed(a.1.high, 3));
                format!("{v} ({low} to {high}) than {}", a.0.name())
            };
            table.row([
                Cell::text(&c.name),
                Cell::Number(c.labels.len().to_string()),
                Cell::text(s.normalisation.name()),
                Cell::Number(words(s.uar)),
                fixed(c.chance, 3),
                fixed(s.calibration_error, 3),
                Cell::text(kinds.join(", ")),
                s.against.as_ref().map_or_else(|| Cell::Nothing("not told".to_owned()), |a| Cell::text(against(a))),
            ]);
        }
    }
    table
}

/// How few features suffice.
pub fn smallest(f: &Findings) -> Table {
    let mut table = Table::new("How few features suffice")
        .column("tested")
        .column("learnt from")
        .column("normalised by")
        .column("ordered by")
        .numbers("UAR with all")
        .numbers("fewest within 0.02")
        .numbers("95 % interval");
    for c in &f.curves {
        let (Some(s), Some(full)) = (c.smallest, c.points.last()) else { continue };
        table.row([
            Cell::text(&c.tested),
            Cell::text(&c.learnt),
            Cell::text(c.normalisation.name()),
            Cell::text(order_name(c.order)),
            fixed(full.1, 3),
            fixed(s.value, 0),
            Cell::Number(format!("{} to {}", number(s.low, 0), number(s.high, 0))),
        ]);
    }
    table
}

/// From corpus to corpus.
pub fn transfers(f: &Findings) -> Table {
    let mut table = Table::new("From corpus to corpus")
        .column("learnt from")
        .column("tested on")
        .column("normalised by")
        .numbers("UAR, logistic at 0.02")
        .numbers("best of all tried (chosen afterwards: too high)")
        .column("chosen beforehand");
    for t in &f.transfers {
        let best = t.learners.iter().map(|l| l.2).fold(0.0, f64::max);
        let chosen = t.chosen.as_ref().map(|c| format!("{} at {}: {}", c.0.name(), c.1, words(c.2)));
        table.row([
            Cell::text(t.learnt.join(", ")),
            Cell::text(&t.tested),
            Cell::text(t.normalisation.name()),
            fixed(t.learners.first().map_or(0.0, |l| l.2), 3),
            fixed(best, 3),
            chosen.map_or_else(|| Cell::Nothing("none".to_owned()), Cell::text),
        ]);
    }
    table
}
