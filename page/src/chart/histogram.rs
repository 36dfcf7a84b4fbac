//! Histogram of counted values.

use super::axis::Axis;
use crate::number::number;
use crate::svg::{Anchor, Svg};
use crate::table::{Cell, Table};

/// Bin of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower edge; minus infinity for what lies below all others.
    pub low: f64,
    /// Upper edge; infinity for what lies above.
    pub high: f64,
    /// How many values.
    pub count: u64,
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 190.0;
const SIDE: f64 = 22.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 22.0;
/// Room that the value of an edge takes.
const LABEL: f64 = 38.0;

/// Fewest decimal places that tell edges apart, at most 3.
fn places(bins: &[Bin]) -> usize {
    let edges: Vec<f64> = bins.iter().flat_map(|b| [b.low, b.high]).filter(|e| e.is_finite()).collect();
    (0..3).find(|p| edges.iter().all(|e| (e * 10f64.powi(*p) - (e * 10f64.powi(*p)).round()).abs() < 1e-6)).unwrap_or(3)
        as usize
}

/// Bars of counts, each as wide as the others whatever its edges, over an axis with this name; open bins at the ends are grey. Returns the
/// drawing and its table.
#[must_use]
pub fn histogram(bins: &[Bin], what: &str, caption: &str) -> (String, Table) {
    let places = places(bins);
    let most = bins.iter().map(|b| b.count).max().unwrap_or(0).max(1);
    let sum: u64 = bins.iter().map(|b| b.count).sum();
    let base = HEIGHT - BOTTOM;
    let y = Axis::new((0.0, most as f64), (base, TOP));
    let step = (WIDTH - 2.0 * SIDE) / bins.len().max(8) as f64;
    let left = (WIDTH - step * bins.len() as f64) / 2.0;
    let edge = |k: usize| left + step * k as f64;
    let mut svg = Svg::new(WIDTH, HEIGHT);
    svg.text((SIDE, 12.0), Anchor::Start, "tick", &format!("highest bar: {most} of {sum}"));
    let every = (LABEL / step).ceil().max(1.0) as usize;
    let mut table = Table::new(caption).column(what).numbers("count");
    for (k, b) in bins.iter().enumerate() {
        let open = !(b.low.is_finite() && b.high.is_finite());
        if b.count > 0 {
            let top = y.at(b.count as f64).min(base - 0.8);
            svg.rect((edge(k) + 1.0, top), (step - 2.0, base - top), 1.0, if open { "bar other" } else { "bar" });
        }
        if b.low.is_finite() && (k % every == 0 || k == 1 && bins[0].low.is_infinite() && every == 1) {
            svg.line((edge(k), base), (edge(k), base + 4.0), "axis");
            svg.text((edge(k), base + 16.0), Anchor::Middle, "tick", &number(b.low, places));
        }
        let name = match (b.low.is_finite(), b.high.is_finite()) {
            (true, true) => format!("{} to {}", number(b.low, places), number(b.high, places)),
            (false, true) => format!("below {}", number(b.high, places)),
            (true, false) => format!("{} and more", number(b.low, places)),
            (false, false) => "all".to_owned(),
        };
        table.row([Cell::text(name), Cell::Number(b.count.to_string())]);
    }
    if let Some(last) = bins.last().filter(|b| b.high.is_finite() && bins.len().is_multiple_of(every)) {
        svg.line((edge(bins.len()), base), (edge(bins.len()), base + 4.0), "axis");
        svg.text((edge(bins.len()), base + 16.0), Anchor::Middle, "tick", &number(last.high, places));
    }
    svg.line((SIDE, base), (WIDTH - SIDE, base), "axis");
    svg.text((WIDTH / 2.0, HEIGHT - 8.0), Anchor::Middle, "aside", what);
    (svg.element(), table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heights of the bars, read back from the drawing, are the counts of the table.
    #[test]
    fn bars_are_as_high_as_the_counts() {
        let bins: Vec<Bin> = [0u64, 3, 12, 6, 1]
            .iter()
            .enumerate()
            .map(|(k, c)| Bin {
                low: if k == 0 { f64::NEG_INFINITY } else { (k - 1) as f64 },
                high: if k == 4 { f64::INFINITY } else { k as f64 },
                count: *c,
            })
            .collect();
        let (svg, table) = histogram(&bins, "seconds", "how long");
        let heights: Vec<f64> = svg
            .lines()
            .filter(|l| l.starts_with("<rect"))
            .map(|l| l.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        let full = HEIGHT - BOTTOM - TOP;
        let counts: Vec<f64> = heights.iter().map(|h| (h / full * 12.0 * 100.0).round() / 100.0).collect();
        assert_eq!(counts.len(), 4, "{svg}");
        for (c, want) in counts.iter().zip([3.0, 12.0, 6.0, 1.0]) {
            assert!((c - want).abs() < 0.02, "{counts:?}");
        }
        let html = table.html().to_string();
        assert!(html.contains("<th scope=\"row\">below 0</th><td class=\"n\">0</td>"), "{html}");
        assert!(html.contains("<th scope=\"row\">1 to 2</th><td class=\"n\">12</td>"));
        assert!(html.contains("<th scope=\"row\">3 and more</th><td class=\"n\">1</td>"));
        assert_eq!(places(&[Bin { low: 0.05, high: 0.1, count: 1 }]), 2);
    }
}
