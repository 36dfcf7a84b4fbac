//! What is said about an alteration: doses that were asked and that came, and how far the groups of features moved.

use affect::alter::{Altered, Measured, Property};
use affect::features::catalogue::Group;
use affect_media::files::to_name;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::Path;

/// Which channel of which file.
pub struct About<'a> {
    pub file: &'a Path,
    pub out: &'a Path,
    pub channel: usize,
    pub channels: usize,
}

/// What came of a dose beside what was asked, in words.
fn came(property: Property, came: Option<f64>) -> String {
    came.map_or_else(|| "undefined".to_owned(), |c| format!("{c:.2}{}", property.unit()))
}

/// Lines for people.
pub fn text(about: &About<'_>, altered: &Altered, measured: &Measured) -> String {
    let mut out = to_name(about.out);
    if about.channels > 1 {
        let _ = write!(out, ", channel {}", about.channel);
    }
    out.push('\n');
    for (p, asked, c) in &measured.doses {
        let _ = writeln!(out, "  {:<15} asked {asked}{}, came {}", p.name(), p.unit(), came(*p, *c));
    }
    if altered.f0_in_range < 1.0 {
        let share = (100.0 * altered.f0_in_range).floor();
        let _ = writeln!(
            out,
            "  {share:.0} % of the voiced frames could move as far; F0 of the others stops at 60 or 600 Hz"
        );
    }
    out.push_str("  moved, in standard deviations within a speaker (median over the features of a group):\n");
    for group in Group::ALL {
        let moved = measured.moved(group).map_or_else(|| "undefined".to_owned(), |m| format!("{m:.2}"));
        let _ = writeln!(out, "    {:<17} {moved}", group.name());
    }
    if !measured.lost.is_empty() {
        let _ = writeln!(out, "  defined before or after only: {}", measured.lost.join(", "));
    }
    out
}

/// One line of JSON.
pub fn json(about: &About<'_>, altered: &Altered, measured: &Measured) -> String {
    let dose = |(p, asked, came): &(Property, f64, Option<f64>)| json!({"property": p.name(), "unit": if p.unit().is_empty() { "factor" } else { p.unit() }, "asked": asked, "came": came});
    let moved: Map<String, Value> =
        Group::ALL.iter().map(|g| (g.name().replace(' ', "-"), json!(measured.moved(*g)))).collect();
    let features = measured
        .features
        .iter()
        .map(|m| json!({"name": m.feature, "before": m.values.0, "after": m.values.1, "deviations": m.deviations}));
    let line = json!({
        "schema": "affect.alteration/1",
        "file": to_name(about.file),
        "out": to_name(about.out),
        "channel": about.channel,
        "doses": measured.doses.iter().map(dose).collect::<Vec<_>>(),
        "f0_in_range_share": altered.f0_in_range,
        "moved": moved,
        "features": features.collect::<Vec<_>>(),
        "defined_once": measured.lost,
    });
    format!("{line}\n")
}
