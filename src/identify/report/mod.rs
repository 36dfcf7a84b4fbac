//! The report of a study: one self-contained HTML page with the findings and their confidence intervals.

mod figures;
mod tables;

use super::findings::Findings;
pub use crate::plots::{PlotError, ReportError};
use affect_page::minijinja::{Value, context};
use affect_page::{Markup, Page, environment};

/// Features that pictures show.
const SHOWN: usize = 25;

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
