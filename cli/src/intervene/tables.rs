//! Tables of findings: one row for every property and score, and one for every dose and score.

use crate::identify::keep::table;
use affect::intervene::Findings;
use affect::statistics::Interval;

/// A figure and its ends; empty where there is none.
fn figure(i: Option<Interval>) -> [String; 3] {
    i.map_or_else(Default::default, |i| [i.value, i.low, i.high].map(|v| v.to_string()))
}

fn optional(v: Option<f64>) -> String {
    v.map_or_else(String::new, |v| v.to_string())
}

/// Effects and slopes.
pub fn effects(f: &Findings) -> Result<Vec<u8>, String> {
    let header = [
        "property",
        "group",
        "score",
        "effect",
        "effect_low",
        "effect_high",
        "slope_per_deviation",
        "slope_per_deviation_low",
        "slope_per_deviation_high",
        "slope_per_unit",
        "slope_per_unit_low",
        "slope_per_unit_high",
        "unit",
        "p",
        "q",
        "beyond_chance",
        "rank",
    ];
    let rows = f.properties.iter().flat_map(|p| {
        p.effects.iter().map(|e| {
            let mut row = vec![p.property.to_owned(), p.group.to_owned(), e.score.clone()];
            row.extend(figure(e.effect));
            row.extend(figure(e.slope_per_deviation));
            row.extend(figure(e.slope_per_unit));
            row.extend([
                p.deviation_unit.to_owned(),
                e.p.to_string(),
                e.q.to_string(),
                e.beyond_chance.to_string(),
                e.rank.to_string(),
            ]);
            row
        })
    });
    table(&header, rows)
}

/// Responses to doses, with what came of them.
pub fn responses(f: &Findings) -> Result<Vec<u8>, String> {
    let header = [
        "property",
        "dose",
        "deviations",
        "score",
        "response",
        "response_low",
        "response_high",
        "recordings",
        "came",
        "novelty",
        "unlike",
        "weight",
    ];
    let rows = f.properties.iter().flat_map(|p| {
        p.doses.iter().flat_map(|d| {
            d.responses.iter().map(|r| {
                let mut row =
                    vec![p.property.to_owned(), d.dose.to_string(), d.deviations.to_string(), r.score.clone()];
                row.extend(figure(r.mean));
                row.push(d.realised.to_string());
                row.extend([d.came, d.novelty, d.unlike, d.weight].map(optional));
                row
            })
        })
    });
    table(&header, rows)
}
