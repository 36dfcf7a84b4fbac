//! The report of a study: one self-contained HTML page with the findings and their confidence intervals.

mod plots;

use super::direction::Direction;
use super::findings::{ContextFindings, Findings};
use super::prepare::Normalisation;
use super::statistics::Interval;
use super::sufficiency::{Curve, Order};
use super::transfer::OTHERS;
use crate::features::catalogue::Group;
use minijinja::{Environment, Value, context};
pub use plots::PlotError;
use plots::{IntervalRow, Series};

/// Features that pictures show.
const SHOWN: usize = 25;

/// A page that could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReportError {
    /// A plot.
    Plot(PlotError),
    /// The template.
    Page(minijinja::Error),
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plot(e) => write!(f, "report: {e}"),
            Self::Page(e) => write!(f, "report: {e:#}"),
        }
    }
}

impl std::error::Error for ReportError {}

impl From<PlotError> for ReportError {
    fn from(e: PlotError) -> Self {
        Self::Plot(e)
    }
}

impl From<minijinja::Error> for ReportError {
    fn from(e: minijinja::Error) -> Self {
        Self::Page(e)
    }
}

fn colour_of(group: &str) -> usize {
    Group::ALL.iter().position(|g| g.name() == group).unwrap_or(0)
}

fn ranking_plot(f: &Findings) -> Result<String, PlotError> {
    let lines: Vec<IntervalRow> = f
        .features
        .iter()
        .take(SHOWN)
        .map(|x| IntervalRow {
            name: x.name.clone(),
            at: x.rank,
            behind: x.rank_over_corpora,
            colour: colour_of(&x.group),
        })
        .collect();
    let last = lines.iter().map(|l| l.behind.map_or(l.at.high, |b| b.high.max(l.at.high))).fold(10.0, f64::max);
    plots::intervals(
        &lines,
        "rank in the consensus (1 the first), 95 % intervals: thick over speakers, thin over corpora",
        (0.0, last + 2.0),
    )
}

fn group_plot(f: &Findings) -> Result<String, PlotError> {
    let lines: Vec<IntervalRow> = f
        .groups
        .iter()
        .map(|g| IntervalRow {
            name: format!("{} ({} features)", g.name, g.features),
            at: g.rank,
            behind: g.rank_over_corpora,
            colour: colour_of(&g.name),
        })
        .collect();
    plots::intervals(&lines, "rank of the group, credited as a group", (0.5, f.groups.len() as f64 + 0.5))
}

/// Whole corpora, as recorded or under the first condition.
fn whole(f: &Findings) -> Vec<&ContextFindings> {
    let clean = f.conditions.first();
    let is = |c: &&ContextFindings| {
        Some(&c.condition) == clean && c.corpus.as_ref().is_some_and(|n| c.name == format!("{n}, {}", c.condition))
    };
    f.contexts.iter().filter(is).collect()
}

fn skill_plots(f: &Findings) -> Result<Vec<String>, PlotError> {
    let one = |c: &&ContextFindings| {
        let mut lines: Vec<IntervalRow> = c
            .skills
            .iter()
            .map(|s| IntervalRow {
                name: format!("{}, {}", s.learner.name(), s.normalisation.name()),
                at: s.uar,
                behind: None,
                colour: usize::from(s.normalisation == Normalisation::Speaker),
            })
            .collect();
        lines.extend(c.chosen.iter().map(|s| IntervalRow {
            name: format!("chosen inside the folds, {}", s.normalisation.name()),
            at: s.uar,
            behind: None,
            colour: 2 + usize::from(s.normalisation == Normalisation::Speaker),
        }));
        plots::intervals(&lines, &format!("UAR, {} (chance {:.3})", c.name, c.chance), (c.chance - 0.02, 1.0))
    };
    whole(f).iter().map(one).collect()
}

fn order_name(o: Order) -> &'static str {
    match o {
        Order::Consensus => "consensus of corpora",
        Order::Own => "this corpus alone",
        Order::Random => "random features",
    }
}

fn points(c: &Curve) -> Vec<(f64, f64)> {
    c.points.iter().map(|p| (p.0 as f64, p.1)).collect()
}

fn chance(f: &Findings, tested: &str) -> f64 {
    f.contexts.iter().find(|c| c.name == tested).map_or(0.25, |c| c.chance)
}

/// One picture for each tested context and normalisation.
fn curve_plots(f: &Findings, curves: &[Curve], name: &dyn Fn(&Curve) -> String) -> Result<Vec<String>, PlotError> {
    let mut keys: Vec<(&str, Normalisation)> = Vec::new();
    for c in curves {
        if !keys.contains(&(c.tested.as_str(), c.normalisation)) {
            keys.push((&c.tested, c.normalisation));
        }
    }
    let one = |(tested, how): &(&str, Normalisation)| {
        let context_curves: Vec<&Curve> =
            curves.iter().filter(|c| c.tested == **tested && c.normalisation == *how).collect();
        let series: Vec<Series> = context_curves.iter().map(|c| (name(c), points(c))).collect();
        let from = if context_curves.iter().any(|c| c.learnt == OTHERS) { "others to " } else { "" };
        plots::curves(&format!("{from}{tested}, {}", how.name()), &series, chance(f, tested))
    };
    keys.iter().map(one).collect()
}

fn reliability_plots(f: &Findings) -> Result<Vec<String>, PlotError> {
    let one = |c: &&ContextFindings| {
        let series: Vec<(String, Vec<_>)> = c
            .chosen
            .iter()
            .map(|s| (format!("{}, error {:.3}", s.normalisation.name(), s.calibration_error), s.reliability.clone()))
            .collect();
        plots::reliability(&c.name, &series)
    };
    whole(f).iter().map(one).collect()
}

/// Effects of the most important features, and of those that turn round, for the labels that several corpora have, where there are any.
fn effect_plot(f: &Findings) -> Result<String, PlotError> {
    let mut rows: Vec<String> = f.features.iter().take(SHOWN).map(|x| x.name.clone()).collect();
    for x in f.flips.iter().take(8) {
        if !rows.contains(&x.feature) {
            rows.push(x.feature.clone());
        }
    }
    let mut columns: Vec<(String, String)> = Vec::new();
    for x in &f.effects {
        for d in x {
            let key = (d.label.clone(), d.corpus.clone());
            if !columns.contains(&key) {
                columns.push(key);
            }
        }
    }
    let several = |l: &String| columns.iter().filter(|c| c.0 == *l).count() > 1;
    let shared: Vec<(String, String)> = columns.iter().filter(|c| several(&c.0)).cloned().collect();
    let mut columns = if shared.is_empty() { columns } else { shared };
    columns.sort();
    let names: Vec<String> = columns.iter().map(|c| format!("{}, {}", c.0, c.1)).collect();
    let find = |row: usize, column: usize| -> Option<(f64, bool)> {
        let k = f.features.iter().position(|x| x.name == rows[row])?;
        let d: &Direction =
            f.effects[k].iter().find(|d| (&d.label, &d.corpus) == (&columns[column].0, &columns[column].1))?;
        Some((d.effect.value, d.sign() != 0))
    };
    plots::effects(&rows, &names, &find)
}

fn words(i: Interval) -> String {
    format!("{:.3} ({:.3} to {:.3})", i.value, i.low, i.high)
}

/// The page.
///
/// # Errors
/// [`ReportError`] for a plot or page that cannot be made, which is a defect of the program.
pub fn page(f: &Findings) -> Result<String, ReportError> {
    let mut env = Environment::new();
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.add_filter("fixed", |v: f64, n: usize| format!("{v:.n$}"));
    env.add_filter("percent", |v: f64| format!("{:.0} %", 100.0 * v));
    env.add_filter("signed", |v: f64| format!("{v:+.2}"));
    env.add_filter("joined", |v: Vec<String>| v.join(", "));
    env.add_template("report.html", include_str!("report.html"))?;
    let chosen: Vec<Value> = f
        .contexts
        .iter()
        .flat_map(|c| {
            c.chosen.iter().map(|s| {
                let mut kinds: Vec<String> = s.choices.iter().map(|k| format!("{} at {}", k.0.name(), k.1)).collect();
                kinds.sort_unstable();
                kinds.dedup();
                context! {
                    context => c.name, labels => c.labels.len(), chance => c.chance, protocol => c.protocol,
                    normalisation => s.normalisation.name(), uar => words(s.uar), error => s.calibration_error,
                    choices => kinds.join(", "),
                    against => s.against.as_ref().map(|a| format!("{:+.3} ({:+.3} to {:+.3}) than {}", a.1.value, a.1.low, a.1.high, a.0.name())),
                }
            })
        })
        .collect();
    let smallest: Vec<Value> = f
        .curves
        .iter()
        .filter_map(|c| {
            let s = c.smallest?;
            let full = c.points.last()?.1;
            Some(context! {
                tested => c.tested, learnt => c.learnt, normalisation => c.normalisation.name(), order => order_name(c.order),
                value => s.value, low => s.low, high => s.high, full => full,
            })
        })
        .collect();
    let transfers: Vec<Value> = f
        .transfers
        .iter()
        .map(|t| {
            let best = t.learners.iter().map(|l| l.2).fold(0.0, f64::max);
            let first = t.learners.first().map_or(0.0, |l| l.2);
            context! {
                learnt => t.learnt.join(", "), tested => t.tested, normalisation => t.normalisation.name(),
                chosen => t.chosen.as_ref().map(|c| format!("{} at {}: {}", c.0.name(), c.1, words(c.2))),
                first => first, best => best, labels => t.labels.join(", "),
            }
        })
        .collect();
    let friedman = f.friedman.as_ref().map(|(learners, r)| {
        let mut rows: Vec<(f64, &str)> = r.mean_ranks.iter().copied().zip(learners.iter().map(|l| l.name())).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        context! {
            p => r.p, chi => r.chi_squared, blocks => r.blocks, critical => r.critical_difference,
            rows => rows.iter().map(|(rank, name)| context! { name => name, rank => rank }).collect::<Vec<_>>(),
        }
    });
    let noisy =
        |c: &Curve| if c.learnt == c.tested { "learnt alike".to_owned() } else { format!("learnt from {}", c.learnt) };
    let page = env.get_template("report.html")?.render(context! {
        f => Value::from_serialize(f),
        ranking => ranking_plot(f)?,
        groups => group_plot(f)?,
        effects => effect_plot(f)?,
        skills => skill_plots(f)?,
        curves => curve_plots(f, &f.curves, &|c| order_name(c.order).to_owned())?,
        condition_curves => curve_plots(f, &f.condition_curves, &noisy)?,
        reliability => reliability_plots(f)?,
        chosen => chosen, smallest => smallest, transfers => transfers, friedman => friedman,
        shown => SHOWN,
    })?;
    Ok(page)
}
