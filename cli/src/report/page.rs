//! The page of a call, put together.

use super::audio::Player;
use super::call::{Call, amount, speech_s};
use super::{cards, lanes, measures, provenance, quality, said};
use affect::record::Policy;
use affect_page::minijinja::{Value, context};
use affect_page::{Cell, Markup, Page, Table, clock, environment, number, signed};

/// Every utterance in numbers.
fn utterances(call: &Call<'_>) -> Table {
    let dimension = call.utterances.iter().find_map(|(_, r)| amount(r)).map_or("dimension", |a| a.0);
    let mut table = Table::new("Utterances in numbers")
        .numbers("number")
        .column("party")
        .numbers("from")
        .numbers("to")
        .numbers("speech, s")
        .numbers("pitch, Hz")
        .numbers("level, dBFS")
        .numbers("signal to noise, dB")
        .numbers(format!("{dimension} (interval)"))
        .column("label");
    for (k, (p, r)) in call.utterances.iter().enumerate() {
        let q = r.quality.as_ref();
        let cell = |v: Option<f32>, places| Cell::or(v.map(|v| number(f64::from(v), places)), "not told");
        let none = if call.parties[*p].policy == Policy::Allow { "not told" } else { "no scores" };
        let value = amount(r).map(|(_, v, i)| {
            let i = i.map_or_else(String::new, |(a, b)| format!(" ({} to {})", signed(a, 2), signed(b, 2)));
            format!("{}{i}", signed(v, 2))
        });
        let label = r.scored.as_ref().and_then(|s| Some((s.emotion.label.as_ref()?, s.emotion.confidence)));
        table.row([
            Cell::Number((k + 1).to_string()),
            Cell::text(&call.parties[*p].name),
            Cell::Number(clock(r.start_ns, true)),
            Cell::Number(clock(r.end_ns, true)),
            Cell::Number(number(speech_s(r), 1)),
            cell(r.value("F0_Hz_median"), 0),
            cell(q.and_then(|q| q.level_dbfs), 1),
            cell(q.and_then(|q| q.snr_db), 0),
            Cell::or(value, none),
            match label {
                Some((label, Some(c))) => Cell::text(format!("{label} {}", number(c, 2))),
                Some((label, None)) => Cell::text(label),
                None => Cell::Nothing(if r.scored.is_some() { "no label" } else { none }.to_owned()),
            },
        ]);
    }
    table
}

/// The file.
///
/// # Errors
/// A sentence: a defect of the program.
pub fn html(call: &Call<'_>, player: &Player) -> Result<String, String> {
    let mut env = environment();
    env.add_template("report.html", include_str!("report.html")).map_err(|e| e.to_string())?;
    let part = |m: Markup| Value::from(m);
    let optional = |t: Option<Table>| t.map(|t| Value::from(t.html()));
    let shown = call.parties.iter().any(|p| !p.steps.is_empty());
    let card = call.model().and_then(|m| m.card());
    let scored = call.utterances.iter().any(|(_, r)| r.scored.is_some());
    let body = env
        .get_template("report.html")
        .and_then(|t| {
            t.render(context! {
                name => call.name,
                length => clock(call.end_ns, false),
                parties => call.parties.len(),
                count => call.utterances.len(),
                cards => part(cards::cards(call)),
                lanes => if shown { Some(part(lanes::figures(call))) } else { None },
                audio => player.address.as_ref().map(|a| Value::from_safe_string(a.clone())),
                audio_note => player.note,
                said => part(said::list(call)),
                utterances => optional(Some(utterances(call)).filter(|t| !t.is_empty())),
                measures => optional(measures::table(call)),
                parties_measures => optional(measures::parties_table(call)),
                quarters => optional(measures::quarters_table(call)),
                measures_note => part(measures::note()),
                quality => optional(Some(quality::table(call)).filter(|t| !t.is_empty())),
                cautions => quality::cautions(call).into_iter().map(part).collect::<Vec<_>>(),
                abstentions => optional(quality::abstentions(call)),
                withheld => optional(quality::withheld(call)),
                provenance => part(provenance::table(call).html()),
                scored => scored,
                limits => card.map(|c| c.limits.clone()).unwrap_or_default(),
                model => card.map(|c| c.description.clone()),
            })
        })
        .map_err(|e| format!("the page could not be made: {e:#}"))?;
    let page =
        Page { title: format!("{}: report of a call", call.name), media: player.media, body: Markup::trusted(body) };
    page.html().map_err(|e| e.to_string())
}
