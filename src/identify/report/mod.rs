//! The report of a study: one self-contained HTML page with the findings and their confidence intervals.

mod figures;
mod tables;

use super::findings::Findings;
pub use crate::plots::PlotError;
use affect_page::minijinja::{self, Value, context};
use affect_page::{Markup, Page, PageError, environment};

/// Features that pictures show.
const SHOWN: usize = 25;

/// A page that could not be made.
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
/// [`ReportError`] for a plot or page that cannot be made, which is a defect of the program.
pub fn page(f: &Findings) -> Result<String, ReportError> {
    let mut env = environment();
    env.add_template("report.html", include_str!("report.html"))?;
    let part = |m: Markup| Value::from(m);
    let parts = |list: Vec<Markup>| list.into_iter().map(Value::from).collect::<Vec<_>>();
    let optional = |t: affect_page::Table| if t.is_empty() { None } else { Some(Value::from(t.html())) };
    let friedman = f.friedman.as_ref().map(|(learners, r)| {
        let mut rows: Vec<(f64, &str)> = r.mean_ranks.iter().copied().zip(learners.iter().map(|l| l.name())).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        context! {
            p => r.p, blocks => r.blocks, critical => r.critical_difference,
            rows => rows.iter().map(|(rank, name)| context! { name => name, rank => rank }).collect::<Vec<_>>(),
        }
    });
    let body = env.get_template("report.html")?.render(context! {
        f => Value::from_serialize(f),
        ranking => part(figures::ranking(f)?),
        groups => part(figures::groups(f)?),
        effects => part(figures::effects(f)?),
        skills => parts(figures::skills(f)?),
        curves => parts(figures::curves(f, &f.curves, "fewer", &|c| figures::order_name(c.order).to_owned())?),
        condition_curves => parts(figures::curves(f, &f.condition_curves, "conditions", &figures::learnt_where)?),
        reliability => parts(figures::reliability(f)?),
        corpora => optional(tables::corpora(f)),
        confounds => optional(tables::confounds(f)),
        features => optional(tables::features(f)),
        flips => optional(tables::flips(f)),
        agreement => optional(tables::agreement(f)),
        stability => optional(tables::stability(f)),
        chosen => optional(tables::chosen(f)),
        smallest => optional(tables::smallest(f)),
        transfers => optional(tables::transfers(f)),
        friedman => friedman,
        shown => SHOWN,
    })?;
    let names: Vec<&str> = f.corpora.iter().map(|c| c.name.as_str()).collect();
    let title = format!("Which features matter: {}", names.join(", "));
    Ok(Page { title, media: affect_page::Media::None, body: Markup::trusted(body) }.html()?)
}
