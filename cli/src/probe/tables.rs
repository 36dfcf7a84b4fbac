//! The findings of a probe as one table: a row for everything that was looked for in a layer, and for everything that was erased.

use affect::probe::findings::{Content, Findings, LayerFindings};
use affect::statistics::Interval;

const HEADER: [&str; 17] = [
    "layer",
    "level",
    "name",
    "group",
    "value",
    "low",
    "high",
    "shuffled",
    "random_weights",
    "beyond_random",
    "beyond_random_low",
    "beyond_random_high",
    "held",
    "random_directions",
    "rank",
    "p",
    "used",
];

fn number(v: f64) -> String {
    format!("{v:.6}")
}

fn interval(i: Interval) -> [String; 3] {
    [i.value, i.low, i.high].map(number)
}

fn content(layer: &LayerFindings, level: &str, c: &Content) -> Vec<String> {
    let mut row = vec![layer.name.clone(), level.to_owned(), c.name.clone(), c.group.clone()];
    row.extend(interval(c.r2));
    row.extend([number(c.shuffled), number(c.random_weights.value)]);
    row.extend(interval(c.beyond_random));
    row.push(c.held.to_string());
    row
}

/// Rows of a layer.
fn rows(l: &LayerFindings) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = l.features.iter().map(|c| content(l, "utterance", c)).collect();
    out.extend(l.descriptors.iter().map(|c| content(l, "frame", c)));
    let mut emotion = vec![l.name.clone(), "emotion".to_owned(), "UAR".to_owned(), String::new()];
    emotion.extend(interval(l.emotion.layer));
    emotion.extend([String::new(), number(l.emotion.random_weights.value)]);
    emotion.extend(interval(l.emotion.beyond_random));
    out.push(emotion);
    for e in &l.erased {
        let effects = [("erased from read-out", Some(e.readout)), ("erased before score", e.score.effect())];
        for (level, effect) in effects.into_iter().filter_map(|(level, e)| Some((level, e?))) {
            let mut row = vec![l.name.clone(), level.to_owned(), e.name.clone(), String::new()];
            row.extend(interval(effect.excess));
            row.resize(13, String::new());
            row.extend([number(effect.random), e.rank.to_string(), number(effect.p), effect.used.to_string()]);
            out.push(row);
        }
    }
    out
}

/// The table as CSV.
pub fn csv(f: &Findings) -> Result<Vec<u8>, String> {
    let mut w = csv::Writer::from_writer(Vec::new());
    w.write_record(HEADER).map_err(|e| e.to_string())?;
    for mut row in f.layers.iter().flat_map(rows) {
        row.resize(HEADER.len(), String::new());
        w.write_record(row).map_err(|e| e.to_string())?;
    }
    w.into_inner().map_err(|e| e.to_string())
}
