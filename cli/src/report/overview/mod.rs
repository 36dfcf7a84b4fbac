//! The page of an archive: what was done and what failed, how good the sound was, distributions, what moved the scores, groups, calls worth listening to.

mod figures;
mod moved;
mod tables;

use affect_archive::overview::{NotGrouped, Overview};
use affect_page::minijinja::{Value, context};
use affect_page::{Markup, Media, Page, environment, number};
use std::collections::BTreeMap;

/// What the overview is of, beside the rows: lists of facts that stand on the page as they are.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Name of the archive.
    pub name: String,
    /// Calls that were planned, where that is known.
    pub planned: Option<u64>,
    /// Parts that were planned and that are done, where that is known.
    pub parts: Option<(u64, u64)>,
    /// What the results were made with: names and values.
    pub made_with: Vec<(String, String)>,
    /// Addresses of pages of calls, by the names of the calls.
    pub links: BTreeMap<String, String>,
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

fn hours(ns: u64) -> String {
    let h = ns as f64 / 3.6e12;
    if h < 100.0 { number(h, 1) } else { grouped(h.round() as u64) }
}

/// The file.
///
/// # Errors
/// A sentence: a defect of the program.
pub fn html(overview: &Overview, about: &About) -> Result<String, String> {
    let mut env = environment();
    env.add_template("overview.html", include_str!("overview.html")).map_err(|e| e.to_string())?;
    let part = |m: Markup| Value::from(m);
    let optional = |t: affect_page::Table| if t.is_empty() { None } else { Some(Value::from(t.html())) };
    let columns = overview.groups();
    let not: Vec<String> =
        columns.iter().filter_map(|c| Some(format!("{}: {}", c.name, NotGrouped::meaning(c.not_grouped?)))).collect();
    let groups: Vec<Value> = columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.not_grouped.is_none() && !c.groups.is_empty())
        .map(|(k, c)| {
            let small = c.groups.iter().filter(|g| g.calls.is_none()).count();
            context! {
                name => c.name, weeks => c.weeks, missing => c.missing, small => small,
                figures => figures::groups(k, c).into_iter().map(Value::from).collect::<Vec<_>>(),
                table => Value::from(tables::groups(c).html()),
            }
        })
        .collect();
    let quality = overview.listening_quality();
    let left = about.planned.map(|p| p.saturating_sub(overview.calls)).unwrap_or(0);
    let body = env
        .get_template("overview.html")
        .and_then(|t| {
            t.render(context! {
                name => about.name,
                planned => about.planned.map(grouped),
                parts => about.parts.map(|p| format!("{} of {}", grouped(p.1), grouped(p.0))),
                left => if left > 0 { Some(grouped(left)) } else { None },
                calls => grouped(overview.calls),
                done => grouped(overview.calls - overview.failed().min(overview.calls)),
                failed => grouped(overview.failed()),
                failed_share => if overview.calls > 0 { overview.failed() as f64 / overview.calls as f64 } else { 0.0 },
                any_failed => overview.failed() > 0,
                hours => hours(overview.audio_ns),
                utterances => grouped(overview.utterances),
                scored => grouped(overview.scored),
                abstained => if overview.scored > 0 { Some(overview.abstained / overview.scored as f64) } else { None },
                failures => optional(tables::failures(overview)),
                formats => optional(tables::formats(overview)),
                quality => optional(tables::quality(overview)),
                quality_figures => figures::distributions(overview, true).into_iter().map(part).collect::<Vec<_>>(),
                figures => figures::distributions(overview, false).into_iter().map(part).collect::<Vec<_>>(),
                measures => optional(tables::measures(overview)),
                moved => moved::scores(overview),
                groups => groups,
                not_grouped => not,
                least => affect_archive::overview::LEAST,
                listen => tables::listen(overview, &about.links).into_iter().map(|t| Value::from(t.html())).collect::<Vec<_>>(),
                least_s => quality.least_s, least_snr => quality.least_snr_db, most_clipping => quality.most_clipping,
                left_out => grouped(quality.left_out),
                made_with => optional(tables::made_with(about)),
            })
        })
        .map_err(|e| format!("the page could not be made: {e:#}"))?;
    let title = format!("{}: report of an archive", about.name);
    Page { title, media: Media::None, body: Markup::trusted(body) }.html().map_err(|e| e.to_string())
}
