//! The report of a probe: one self-contained HTML page with what layers hold and what of it is used.

mod figures;
mod tables;

use super::findings::Findings;
use crate::plots::PlotError;
use affect_page::minijinja::{self, Value, context};
use affect_page::{Markup, Page, PageError, environment};

/// A page that could not be made: a defect of the program.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReportError {
    /// A plot.
    Plot(PlotError),
    /// The page.
    Page(PageError),
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plot(e) => write!(f, "report: {e}"),
            Self::Page(e) => write!(f, "report: {e}"),
        }
    }
}

impl std::error::Error for ReportError {}

impl From<PlotError> for ReportError {
    fn from(e: PlotError) -> Self {
        Self::Plot(e)
    }
}

impl From<PageError> for ReportError {
    fn from(e: PageError) -> Self {
        Self::Page(e)
    }
}

impl From<minijinja::Error> for ReportError {
    fn from(e: minijinja::Error) -> Self {
        Self::Page(e.into())
    }
}

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
