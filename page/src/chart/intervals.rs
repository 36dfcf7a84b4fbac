//! Figures of several groups with their intervals, one below the other.

use super::axis::{Axis, ticks};
use crate::number::number;
use crate::svg::{Anchor, Svg};
use crate::table::{Cell, Table};

/// A group's figure.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalRow {
    /// The group.
    pub name: String,
    /// How many it rests on.
    pub n: u64,
    /// The figure and the ends of its interval; `None` where there is none, with the reason.
    pub value: Result<(f64, f64, f64), String>,
}

const WIDTH: f64 = 720.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 90.0;
const STEP: f64 = 26.0;

/// Dots with whiskers over one axis. Returns the drawing and its table; `head` names the groups, `what` the figure with its unit.
#[must_use]
pub fn intervals(rows: &[IntervalRow], head: &str, what: &str, places: usize, caption: &str) -> (String, Table) {
    let known = || rows.iter().filter_map(|r| r.value.as_ref().ok());
    let low = known().map(|v| v.1.min(v.0)).fold(f64::INFINITY, f64::min);
    let high = known().map(|v| v.2.max(v.0)).fold(f64::NEG_INFINITY, f64::max);
    let range = if low <= high { (low - 0.05 * (high - low), high + 0.05 * (high - low)) } else { (0.0, 1.0) };
    let x = Axis::new(range, (LEFT, WIDTH - RIGHT));
    let base = 14.0 + STEP * rows.len() as f64;
    let mut svg = Svg::new(WIDTH, base + 44.0);
    let (marks, mark_places) = ticks(x.range(), 6);
    for v in marks {
        svg.line((x.at(v), 8.0), (x.at(v), base), "grid");
        svg.text((x.at(v), base + 16.0), Anchor::Middle, "tick", &number(v, mark_places));
    }
    let mut table =
        Table::new(caption).column(head).numbers("n").numbers(what).numbers("95 % interval, from").numbers("to");
    for (k, r) in rows.iter().enumerate() {
        let y = 14.0 + STEP * (k as f64 + 0.5);
        let mut name: String = r.name.chars().take(30).collect();
        if r.name.chars().count() > 30 {
            name.push('…');
        }
        svg.text((LEFT - 12.0, y + 4.0), Anchor::End, "", &name);
        match &r.value {
            Ok((v, low, high)) => {
                svg.line((x.at(*low), y), (x.at(*high), y), "whisker");
                svg.dot((x.at(*v), y), 4.5, "point");
                svg.text((WIDTH - RIGHT + 10.0, y + 4.0), Anchor::Start, "tick", &format!("n {}", r.n));
                let cells = [*v, *low, *high].map(|v| Cell::Number(number(v, places)));
                table.row([Cell::text(&r.name), Cell::Number(r.n.to_string())].into_iter().chain(cells));
            }
            Err(why) => {
                svg.text((LEFT, y + 4.0), Anchor::Start, "note", why);
                table.row([Cell::text(&r.name), Cell::Nothing(why.clone())]);
            }
        }
    }
    svg.line((LEFT, base), (WIDTH - RIGHT, base), "axis");
    svg.text((LEFT + (WIDTH - LEFT - RIGHT) / 2.0, base + 36.0), Anchor::Middle, "aside", what);
    (svg.element(), table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_without_a_figure_say_why() {
        let rows = [
            IntervalRow { name: "north".into(), n: 40, value: Ok((0.5, 0.4, 0.6)) },
            IntervalRow { name: "south <x>".into(), n: 3, value: Err("fewer than 10 calls".into()) },
        ];
        let (svg, table) = intervals(&rows, "site", "share", 2, "by site");
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("fewer than 10 calls") && svg.contains("south &lt;x&gt;"));
        let html = table.html().to_string();
        assert!(html.contains("<td class=\"n\">40</td><td class=\"n\">0.50</td><td class=\"n\">0.40</td>"), "{html}");
        assert!(html.contains("<td class=\"none\">fewer than 10 calls</td>"));
        // How many there are in a suppressed group is not told.
        assert!(!html.contains(">3<") && !svg.contains("n 3"));
    }
}
