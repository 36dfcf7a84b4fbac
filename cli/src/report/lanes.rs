//! The call over time: a lane for every party, one below the other, over one axis of time.

use super::call::{Call, Party, amount, colour, speech_s};
use affect::record::{Policy, Record};
use affect_page::chart::{Axis, ticks};
use affect_page::{Anchor, Cell, Figure, Markup, Svg, Table, clock, fits, number, signed};

const WIDTH: f64 = 1080.0;
/// Where the panels begin: left of it stand their names and values.
const LEFT: f64 = 116.0;
const RIGHT: f64 = 12.0;
/// Heights of a lane's parts.
const HEAD: f64 = 26.0;
const STRIP: f64 = 36.0;
const PITCH: f64 = 74.0;
const LEVEL: f64 = 40.0;
const AMOUNT: f64 = 74.0;
const GAP: f64 = 10.0;
/// Between two lanes.
const BETWEEN: f64 = 20.0;
const FONT: f64 = 12.0;
/// Least distance of the values at an axis.
const MARKS_APART: f64 = 13.0;
/// Longest stretch that one drawing shows, and most drawings of a page.
const STRETCH_S: u64 = 300;
const MOST_STRETCHES: u64 = 12;
/// Levels that are drawn, dBFS.
const LEVELS: (f64, f64) = (-70.0, 0.0);
/// Values of F0 that an axis marks, Hz.
const F0_MARKS: [f64; 9] = [50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 600.0];

/// Axes of a call: the same for all its stretches.
struct Scales {
    f0: Vec<(f64, f64)>,
    amount: (f64, f64),
    name: String,
}

/// Lowest and highest of some values.
fn limits(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |l, v| Some(l.map_or((v, v), |(a, b): (f64, f64)| (a.min(v), b.max(v)))))
}

impl Scales {
    fn of(call: &Call<'_>) -> Self {
        let f0 = |p: &Party<'_>| {
            let (low, high) = limits(p.steps.iter().filter_map(|s| s.f0_hz)).unwrap_or((100.0, 200.0));
            // At least an octave, with room about it.
            let middle = (low * high).sqrt();
            (low.min(middle / 1.45) / 1.06, high.max(middle * 1.45) * 1.06)
        };
        let amounts = || call.utterances.iter().filter_map(|(_, r)| amount(r));
        let ends = amounts().flat_map(|(_, v, i)| {
            let (low, high) = i.unwrap_or((v, v));
            [v, low, high]
        });
        let (low, high) = limits(ends).unwrap_or((-1.0, 1.0));
        let signs = low < 0.0;
        let amount = if signs { (low.min(-1.0), high.max(1.0)) } else { (0.0, high.max(1.0)) };
        Self {
            f0: call.parties.iter().map(f0).collect(),
            amount,
            name: amounts().next().map_or_else(String::new, |a| a.0.to_owned()),
        }
    }
}

/// The figures: one for every stretch of the call.
pub fn figures(call: &Call<'_>) -> Markup {
    let seconds = call.end_ns.div_ceil(1_000_000_000).max(1);
    let count = seconds.div_ceil(STRETCH_S).min(MOST_STRETCHES);
    let length_s = if count == 1 { seconds } else { seconds.div_ceil(count).next_multiple_of(30) };
    let scales = Scales::of(call);
    let mut out = String::new();
    for k in 0..seconds.div_ceil(length_s) {
        let from = k * length_s * 1_000_000_000;
        let to = if count == 1 { call.end_ns } else { from + length_s * 1_000_000_000 };
        out.push_str(stretch(call, &scales, k + 1, (from, to), count == 1).html().as_str());
    }
    Markup::trusted(out)
}

fn has_amounts(p: &Party<'_>) -> bool {
    p.utterances.iter().any(|(_, r)| amount(r).is_some())
}

/// Height of a party's lane.
fn height(p: &Party<'_>) -> f64 {
    if p.policy == Policy::Deny || p.same_as.is_some() {
        return HEAD;
    }
    HEAD + STRIP + GAP + PITCH + GAP + LEVEL + if has_amounts(p) { GAP + AMOUNT } else { 0.0 }
}

fn stretch(call: &Call<'_>, scales: &Scales, k: u64, (from, to): (u64, u64), whole: bool) -> Figure {
    let lanes: f64 = call.parties.iter().map(|p| height(p) + BETWEEN).sum();
    let mut svg = Svg::new(WIDTH, lanes + 26.0);
    let x = Axis::new((from as f64 * 1e-9, to as f64 * 1e-9), (LEFT, WIDTH - RIGHT));
    let base = lanes - 4.0;
    let (marks, places) = ticks(x.range(), 12);
    for v in &marks {
        svg.line((x.at(*v), HEAD), (x.at(*v), base), "grid");
        let time = if places > 0 { format!("{v:.places$} s") } else { clock((*v * 1e9).max(0.0) as u64, false) };
        svg.text((x.at(*v), base + 17.0), Anchor::Middle, "tick", &time);
    }
    svg.line((LEFT, base), (WIDTH - RIGHT, base), "axis");
    let mut top = 0.0;
    for (place, p) in call.parties.iter().enumerate() {
        svg.open(colour(place));
        lane(&mut svg, p, place, scales, &x, top);
        svg.close();
        top += height(p) + BETWEEN;
    }
    let (start, end) = (clock(from, false), clock(to.min(call.end_ns), false));
    let title = if whole { "Who spoke when, and how it sounded".to_owned() } else { format!("From {start} to {end}") };
    Figure {
        id: format!("lanes-{k}"),
        title,
        description: description(call, (from, to)),
        note: if k == 1 { note(scales) } else { Markup::default() },
        svg: svg.element(),
        wide: true,
        tables: tables(call, (from, to), scales),
    }
}

fn note(scales: &Scales) -> Markup {
    let amount = if scales.name.is_empty() {
        String::new()
    } else {
        format!(
            " {}: a line at the value of each utterance, in a band as wide as its uncertainty.",
            Markup::text(&capital(&scales.name))
        )
    };
    Markup::trusted(format!(
        "Boxes are utterances, with their number and the model's label where it gives one. Pitch is F0, the rate at which the vocal \
         folds vibrate, on a scale of musical steps; holes are where nothing is voiced.{amount}"
    ))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn overlaps(r: &Record, (from, to): (u64, u64)) -> bool {
    r.start_ns < to && r.end_ns > from
}

fn lane(svg: &mut Svg, p: &Party<'_>, place: usize, scales: &Scales, x: &Axis, top: f64) {
    svg.rect((0.0, top + 5.0), (12.0, 12.0), 2.0, "point");
    let name: String =
        if p.name.chars().count() > 40 { p.name.chars().take(39).chain(['…']).collect() } else { p.name.clone() };
    svg.text((19.0, top + 16.0), Anchor::Start, "head", &name);
    let after = 19.0 + 8.6 * affect_page::visible(&name).chars().count() as f64 + 14.0;
    let aside = match p.same_as {
        Some(other) => format!("{}: the same sound as channel {other}, analysed once", p.channel()),
        None if p.index.is_some() && p.name == p.channel() => p.allowed().to_owned(),
        None => format!("{}, {}", p.channel(), p.allowed()),
    };
    svg.text((after.max(LEFT + 6.0), top + 16.0), Anchor::Start, "aside", &aside);
    if p.policy == Policy::Deny || p.same_as.is_some() {
        return;
    }
    let range = (x.range().0 * 1e9) as u64..(x.range().1 * 1e9).ceil() as u64;
    let within = (range.start, range.end);
    let at = |ns: u64| x.at(ns as f64 * 1e-9);
    let mut y = top + HEAD;
    strip(svg, p, within, &at, y);
    y += STRIP + GAP;

    panel(svg, y, PITCH, "pitch, Hz");
    let (low, high) = scales.f0[place];
    let f0 = Axis::new((low.ln(), high.ln()), (y + PITCH, y));
    let mut last = f64::INFINITY;
    for v in F0_MARKS.into_iter().filter(|v| (low..=high).contains(v)) {
        let place = f0.at(v.ln());
        // Values stand apart, from each other and from those of the panel below.
        if place <= last.min(y + PITCH - 4.0) - if last.is_finite() { MARKS_APART } else { 0.0 } {
            mark(svg, place, &number(v, 0));
            last = place;
        }
    }
    let steps: Vec<_> = p.steps.iter().filter(|s| range.contains(&s.start_ns)).collect();
    let half = p.steps.get(1).map_or(0, |s| s.start_ns / 2);
    svg.curve(steps.iter().map(|s| s.f0_hz.map(|f| (at(s.start_ns + half), f0.at(f.ln())))), "f0");
    y += PITCH + GAP;

    panel(svg, y, LEVEL, "level, dBFS");
    let level = Axis::new(LEVELS, (y + LEVEL, y));
    [-60.0, -30.0, 0.0].into_iter().for_each(|v| mark(svg, level.at(v), &number(v, 0)));
    let mut area: Vec<(f64, f64)> = Vec::new();
    for s in &steps {
        let height = level.at(s.level_db.unwrap_or(LEVELS.0));
        area.extend([(at(s.start_ns), height), (at((s.start_ns + 2 * half).min(range.end)), height)]);
    }
    if let (Some(first), Some(last)) = (area.first().copied(), area.last().copied()) {
        area.extend([(last.0, y + LEVEL), (first.0, y + LEVEL)]);
        svg.area(&area, "level");
    }
    y += LEVEL + GAP;

    if has_amounts(p) {
        panel(svg, y, AMOUNT, &scales.name);
        let axis = Axis::new(scales.amount, (y + AMOUNT, y));
        let (marks, places) = ticks(scales.amount, 3);
        marks.into_iter().for_each(|v| mark(svg, axis.at(v), &signed(v, places)));
        svg.line((LEFT, axis.at(0.0)), (WIDTH - RIGHT, axis.at(0.0)), "zero");
        for (_, r) in p.utterances.iter().filter(|(_, r)| overlaps(r, within)) {
            let Some((_, value, interval)) = amount(r) else { continue };
            let (from, to) = (at(r.start_ns), at(r.end_ns));
            if let Some((low, high)) = interval {
                svg.rect((from, axis.at(high)), (to - from, axis.at(low) - axis.at(high)), 2.0, "range");
            }
            svg.line((from, axis.at(value)), (to, axis.at(value)), "span");
        }
    }
}

/// Utterances as boxes.
fn strip(svg: &mut Svg, p: &Party<'_>, within: (u64, u64), at: &dyn Fn(u64) -> f64, y: f64) {
    svg.text((0.0, y + 22.0), Anchor::Start, "aside", "utterances");
    for (number, r) in p.utterances.iter().filter(|(_, r)| overlaps(r, within)) {
        let (from, to) = (at(r.start_ns), at(r.end_ns));
        let not = r.quality.as_ref().is_some_and(|q| q.not_speech);
        let (place, size) = ((from + 0.5, y), ((to - from - 1.0).max(1.5), STRIP));
        svg.rect(place, size, 4.0, "ground");
        svg.rect(place, size, 4.0, if not { "speech not" } else { "speech" });
        let room = to - from - 8.0;
        let number = number.to_string();
        let full = label(r);
        // Where there is no room for its probability, the label alone: the list below has both.
        let alone = r.scored.as_ref().and_then(|s| s.emotion.label.as_deref()).unwrap_or_default();
        let label = if fits(&full, FONT, room) { full.as_str() } else { alone };
        if fits(label, FONT, room) && !label.is_empty() {
            svg.text((from + 6.0, y + 15.0), Anchor::Start, "tick", &number);
            let class = if r.scored.as_ref().is_some_and(|s| s.emotion.label.is_some()) { "" } else { "note" };
            svg.text((from + 6.0, y + 29.0), Anchor::Start, class, label);
        } else if fits(&number, FONT, room + 4.0) {
            svg.text(((from + to) / 2.0, y + 22.0), Anchor::Middle, "tick", &number);
        }
    }
}

/// What stands in an utterance's box.
fn label(r: &Record) -> String {
    let Some(s) = &r.scored else { return String::new() };
    match (&s.emotion.label, s.emotion.confidence) {
        (Some(label), Some(c)) => format!("{label} {c:.2}"),
        (Some(label), None) => label.to_string(),
        (None, _) if s.emotion.probabilities.is_empty() && s.emotion.abstained.is_none() => String::new(),
        (None, _) => "no label".to_owned(),
    }
}

fn panel(svg: &mut Svg, y: f64, height: f64, name: &str) {
    svg.text((0.0, y + height / 2.0 + 4.0), Anchor::Start, "aside", name);
    svg.line((LEFT, y), (LEFT, y + height), "axis");
    svg.line((LEFT, y + height), (WIDTH - RIGHT, y + height), "axis");
}

fn mark(svg: &mut Svg, y: f64, text: &str) {
    svg.line((LEFT - 4.0, y), (LEFT, y), "axis");
    svg.text((LEFT - 7.0, y + 4.0), Anchor::End, "tick", text);
}

fn description(call: &Call<'_>, within: (u64, u64)) -> String {
    let mut parts = Vec::new();
    for p in &call.parties {
        if p.policy == Policy::Deny {
            parts.push(format!("{}: denied by policy, nothing is shown", p.name));
            continue;
        }
        let here: Vec<&Record> = p.utterances.iter().map(|u| u.1).filter(|r| overlaps(r, within)).collect();
        let speech: f64 = here.iter().map(|r| speech_s(r)).sum();
        let f0 = limits(p.steps.iter().filter(|s| (within.0..within.1).contains(&s.start_ns)).filter_map(|s| s.f0_hz));
        let pitch = f0.map_or_else(|| "no voiced speech".to_owned(), |(a, b)| format!("pitch {a:.0} to {b:.0} Hz"));
        let values = limits(here.iter().filter_map(|r| amount(r)).map(|a| a.1));
        let name = here.iter().find_map(|r| amount(r)).map_or("", |a| a.0);
        let amount = values.map_or_else(String::new, |(a, b)| format!(", {name} {} to {}", signed(a, 2), signed(b, 2)));
        let plural = if here.len() == 1 { "" } else { "s" };
        parts.push(format!(
            "{}: {} utterance{plural} with {speech:.1} s of speech, {pitch}{amount}",
            p.name,
            here.len()
        ));
    }
    format!("{}. All numbers are in the tables below the drawing.", parts.join("; "))
}

/// Every number of a stretch: utterances, and steps of level and pitch.
fn tables(call: &Call<'_>, within: (u64, u64), scales: &Scales) -> Vec<Table> {
    let amount_name = if scales.name.is_empty() { "dimension" } else { &scales.name };
    let stretch = format!("{} to {}", clock(within.0, false), clock(within.1.min(call.end_ns), false));
    let mut utterances = Table::new(format!("Utterances from {stretch}"))
        .numbers("number")
        .column("party")
        .numbers("from, s")
        .numbers("to, s")
        .column("label")
        .numbers(amount_name)
        .numbers("from")
        .numbers("to");
    for (k, (p, r)) in call.utterances.iter().enumerate().filter(|(_, (_, r))| overlaps(r, within)) {
        let value = amount(r);
        let interval = value.and_then(|v| v.2);
        let why = if r.scored.is_none() { "no scores" } else { "not given" };
        let two = |v: Option<f64>| Cell::or(v.map(|v| signed(v, 2)), why);
        let label = Some(label(r)).filter(|l| !l.is_empty());
        utterances.row([
            Cell::Number((k + 1).to_string()),
            Cell::text(&call.parties[*p].name),
            Cell::Number(number(r.start_ns as f64 * 1e-9, 2)),
            Cell::Number(number(r.end_ns as f64 * 1e-9, 2)),
            label.map_or_else(|| Cell::Nothing(why.to_owned()), Cell::text),
            two(value.map(|v| v.1)),
            two(interval.map(|i| i.0)),
            two(interval.map(|i| i.1)),
        ]);
    }
    let seen: Vec<&Party<'_>> = call.parties.iter().filter(|p| !p.steps.is_empty()).collect();
    let step_s = call.step_ns as f64 * 1e-9;
    let mut contours = Table::new(format!("Pitch and level in steps of {step_s} s, from {stretch}")).numbers("time, s");
    for p in &seen {
        contours = contours.numbers(format!("{}: pitch, Hz", p.name)).numbers(format!("{}: level, dBFS", p.name));
    }
    let last = seen.iter().map(|p| p.steps.len()).max().unwrap_or(0);
    for k in 0..last {
        let start = k as u64 * call.step_ns;
        if !(within.0..within.1).contains(&start) {
            continue;
        }
        let time = Cell::Number(number(start as f64 * 1e-9, if step_s < 1.0 { 1 } else { 0 }));
        let cells = seen.iter().flat_map(|p| {
            let step = p.steps.get(k);
            let f0 = step.and_then(|s| s.f0_hz).map(|f| number(f, 0));
            let level = step.and_then(|s| s.level_db).map(|l| number(l, 1));
            [Cell::or(f0, "–"), Cell::or(level, if step.is_some() { "silent" } else { "–" })]
        });
        contours.row([time].into_iter().chain(cells.collect::<Vec<_>>()));
    }
    [utterances, contours].into_iter().filter(|t| !t.is_empty()).collect()
}
