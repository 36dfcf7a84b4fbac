//! The report of a probe: one self-contained HTML page with what layers hold and what of it is used.

mod figures;
mod tables;

use super::findings::Findings;
pub use crate::plots::ReportError;
use affect_page::minijinja::{Value, context};
use affect_page::{Markup, Page, environment};

/// The page.
///
/// # Errors
/// [`ReportError`].
pub fn page(f: &Findings) -> Result<String, ReportError> {
    let mut env = environment();
    env.add_template("report.html", include_str!("report.html"))?;
    let part = |m: Markup| Value::from(m);
    let table = |t: affect_page::Table| if t.is_empty() { None } else { Some(Value::from(t.html())) };
    let optional = |m: Option<Markup>| m.map(Value::from);
    let body = env.get_template("report.html")?.render(context! {
        f => Value::from_serialize(f),
        emotion => part(figures::emotion(f)?),
        groups => part(figures::groups(f)?),
        features => part(figures::features(f)?),
        descriptors => optional(figures::descriptors(f)?),
        readout => optional(figures::readout(f)?),
        score => optional(figures::score(f)?),
        uses => table(tables::uses(f)),
        erased => table(tables::erased(f)),
        left_out => table(tables::left_out(f)),
    })?;
    let title = format!("What the layers of {} hold", f.model.name);
    Ok(Page { title, media: affect_page::Media::None, body: Markup::trusted(body) }.html()?)
}
