//! Tables of the report.

use crate::probe::findings::Findings;
use affect_page::{Cell, Table, number, signed};

fn list(names: &[String]) -> Cell {
    if names.is_empty() { Cell::Nothing("none".to_owned()) } else { Cell::text(names.join(", ")) }
}

/// What is held and used where.
pub fn uses(f: &Findings) -> Table {
    let mut table = Table::new("Held and used")
        .column("group or feature")
        .column("held in")
        .column("used by the read-out of")
        .column("used by the score, from")
        .numbers("largest excess in the score");
    for u in &f.uses {
        let score = if u.score_asked.is_empty() { Cell::Nothing("not run".to_owned()) } else { list(&u.score_in) };
        table.row([
            Cell::text(&u.name),
            list(&u.held_in),
            list(&u.readout_in),
            score,
            Cell::or(u.largest.map(|v| signed(v, 3)), "not run"),
        ]);
    }
    table
}

/// What is left of erased features.
pub fn erased(f: &Findings) -> Table {
    let mut table = Table::new("Mean R² before an erasure, and what fresh regressions tell afterwards")
        .column("erased")
        .column("layer")
        .numbers("rank")
        .numbers("R² before")
        .numbers("R² left");
    for u in &f.uses {
        for l in &f.layers {
            for e in l.erased.iter().filter(|e| e.name == u.name) {
                table.row([
                    Cell::text(&u.name),
                    Cell::text(&l.name),
                    Cell::Number(e.rank.to_string()),
                    Cell::Number(number(e.r2, 3)),
                    Cell::Number(number(e.left, 3)),
                ]);
            }
        }
    }
    table
}

/// What was not looked for.
pub fn left_out(f: &Findings) -> Table {
    let mut table = Table::new("Not looked for").column("name").column("why");
    for l in &f.left_out {
        table.row([Cell::text(&l.name), Cell::text(&l.why)]);
    }
    table
}
