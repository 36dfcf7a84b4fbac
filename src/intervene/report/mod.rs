//! The report of interventions: one self-contained HTML page, and its pictures.

mod figures;
mod tables;

use super::findings::Findings;
pub use crate::plots::ReportError;
use affect_page::minijinja::{Value, context};
use affect_page::{Markup, Page, environment};

/// The page.
///
/// # Errors
/// [`ReportError`] for a plot or page that cannot be made, which is a defect of the program.
pub fn page(f: &Findings) -> Result<String, ReportError> {
    let mut env = environment();
    env.add_template("interventions.html", include_str!("interventions.html"))?;
    let parts = |list: Vec<Markup>| list.into_iter().map(Value::from).collect::<Vec<_>>();
    let optional = |t: affect_page::Table| if t.is_empty() { None } else { Some(Value::from(t.html())) };
    let body = env.get_template("interventions.html")?.render(context! {
        f => Value::from_serialize(f),
        ranking => Value::from(figures::ranking(f)?),
        groups => Value::from(figures::groups(f)?),
        slopes => Value::from(figures::slopes(f)?),
        curves => parts(figures::curves(f)?),
        doses => optional(tables::doses(f)),
        moved => optional(tables::moved(f)),
        failed => optional(tables::failed(f)),
        interactions => optional(tables::interactions(f)),
        attributions => optional(tables::attributions(f)),
        sentences => sentences(f),
    })?;
    let title = format!("What {} listens to", f.model.name);
    Ok(Page { title, media: affect_page::Media::None, body: Markup::trusted(body) }.html()?)
}

/// What was found, in plain words: one sentence for every score.
#[must_use]
pub fn sentences(f: &Findings) -> Vec<String> {
    f.scores.iter().enumerate().map(|(k, s)| sentence(f, k, &s.name)).collect()
}

fn sentence(f: &Findings, score: usize, name: &str) -> String {
    let mut found: Vec<(&str, usize, f64, f64)> = (f.properties.iter())
        .filter(|p| p.effects[score].beyond_chance)
        .filter_map(|p| {
            let e = &p.effects[score];
            Some((p.property, e.rank, e.effect?.value, e.slope_per_deviation?.value))
        })
        .collect();
    found.sort_by_key(|x| x.1);
    // Of all ways to turn signs round two are as extreme at least.
    let least = 2f64.powi(1 - i32::try_from(f.sample.units()).unwrap_or(i32::MAX));
    if found.is_empty() && least > f.level {
        return format!(
            "{name}: too few {} to tell what moves it beyond chance ({}).",
            f.sample.unit,
            f.sample.units()
        );
    }
    if found.is_empty() {
        return format!("{name}: no property moves it beyond chance.");
    }
    let part = |(property, _, effect, slope): &(&str, usize, f64, f64)| {
        // An effect whose odd part is small has no direction.
        let (sign, how) = if slope.abs() < 0.5 * effect { ("±", " whichever way") } else { ("", "") };
        let shown = if sign.is_empty() { *slope } else { *effect };
        let number = if sign.is_empty() { affect_page::signed(shown, 3) } else { affect_page::number(shown, 3) };
        format!("{property} ({sign}{number} per deviation{how})")
    };
    let list: Vec<String> = found.iter().take(3).map(part).collect();
    format!("{name}: most moved by {}.", list.join(", then "))
}
