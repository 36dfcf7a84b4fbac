//! Tables of the report: what came of the doses, what else moved, interactions, attributions.

use crate::intervene::findings::Findings;
use affect_page::{Cell, Table, number, percent, signed};

/// What came of every dose.
pub fn doses(f: &Findings) -> Table {
    let mut table = Table::new("What came of the doses")
        .column("property")
        .numbers("dose")
        .numbers("size in deviations")
        .numbers("recordings")
        .numbers("came, median")
        .numbers("median novelty")
        .numbers("unlike")
        .numbers("counts");
    for p in &f.properties {
        for d in &p.doses {
            table.row([
                Cell::text(p.property),
                Cell::Number(number(d.dose, 2)),
                Cell::Number(signed(d.deviations, 2)),
                Cell::Number(d.realised.to_string()),
                Cell::or(d.came.map(|v| number(v, 2)), "nothing tells it"),
                Cell::or(d.novelty.map(|v| percent(v, 0)), "not known"),
                Cell::or(d.unlike.map(|v| percent(v, 0)), "not known"),
                Cell::or(d.weight.map(|v| number(v, 2)), "not known"),
            ]);
        }
    }
    table
}

/// How far groups of features moved with every dose.
pub fn moved(f: &Findings) -> Table {
    let names: Vec<&str> = f
        .properties
        .first()
        .and_then(|p| p.doses.first())
        .map_or_else(Vec::new, |d| d.moved.iter().map(|m| m.0).collect());
    let mut table = Table::new("What else moved: median movement of groups of features, in deviations");
    table = table.column("property").numbers("dose");
    for n in names {
        table = table.numbers(n);
    }
    for p in &f.properties {
        for d in &p.doses {
            let cells = d.moved.iter().map(|m| Cell::or(m.1.map(|v| number(v, 2)), "undefined"));
            table.row([Cell::text(p.property), Cell::Number(number(d.dose, 2))].into_iter().chain(cells));
        }
    }
    table
}

/// Doses that did not come to recordings.
pub fn failed(f: &Findings) -> Table {
    let mut table = Table::new("Doses that did not come");
    table = table.column("property").numbers("dose").numbers("recordings").column("why");
    for p in &f.properties {
        for d in &p.doses {
            for (why, n) in &d.failed {
                table.row([
                    Cell::text(p.property),
                    Cell::Number(number(d.dose, 2)),
                    Cell::Number(n.to_string()),
                    Cell::text(why),
                ]);
            }
        }
    }
    table
}

/// Interactions of pairs.
pub fn interactions(f: &Findings) -> Table {
    let mut table = Table::new("Interactions: responses beyond the sum of both, per deviation of each")
        .column("properties")
        .column("score")
        .numbers("interaction")
        .numbers("95 % interval, from")
        .numbers("to")
        .numbers("q");
    for i in &f.interactions {
        let values = i.per_deviations.map(|v| [v.value, v.low, v.high]);
        let cells = (0..3).map(|k| Cell::or(values.map(|v| signed(v[k], 4)), "did not come"));
        let first = [Cell::text(format!("{} and {}", i.properties.0, i.properties.1)), Cell::text(&i.score)];
        table.row(first.into_iter().chain(cells).chain([Cell::Number(number(i.q, 3))]));
    }
    table
}

/// Exact attributions beside what of the responses passes through each group of features.
pub fn attributions(f: &Findings) -> Table {
    let mut table = Table::new("By group of features: exact attribution beside the responses that pass through it")
        .column("score")
        .column("group")
        .numbers("mean size of the contribution")
        .numbers("responses through it")
        .numbers("effect of its own properties")
        .numbers("rank correlation of the score");
    for a in &f.attributions {
        for (k, g) in a.groups.iter().enumerate() {
            let rank = a.rank_correlation.filter(|_| k == 0);
            table.row([
                Cell::text(&a.score),
                Cell::text(g.group),
                Cell::Number(number(g.attributed, 3)),
                Cell::Number(number(g.through, 3)),
                Cell::or(g.own.map(|v| number(v, 3)), "no property"),
                Cell::or(rank.map(|v| signed(v, 2)), if k == 0 { "too few groups" } else { "as above" }),
            ]);
        }
    }
    table
}
