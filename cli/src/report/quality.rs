//! How good the sound was, what is withheld because of it, and what to take with care.

use super::call::{Call, Party, speech_s};
use affect::record::{NOT_SPEECH, Policy, Quality, Record, UNLIKE};
use affect_page::{Cell, Markup, Table, number, percent};
use std::collections::BTreeMap;

/// From which signal-to-noise ratio on a page says nothing of noise, in dB.
const NOISY_DB: f64 = 15.0;
/// From which share of clipped samples on it speaks of them.
const CLIPPED: f64 = 0.001;
/// Below which upper edge it speaks of a telephone's band, Hz.
const NARROW_HZ: f64 = 4_200.0;

/// Means over utterances, weighted by speech.
fn mean(p: &Party<'_>, of: impl Fn(&Quality) -> Option<f32>) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for r in p.utterances.iter().map(|u| u.1) {
        if let Some(v) = r.quality.as_ref().and_then(&of) {
            let w = speech_s(r).max(1e-3);
            sum += f64::from(v) * w;
            weight += w;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

fn heard<'p, 'a>(call: &'p Call<'a>) -> impl Iterator<Item = &'p Party<'a>> {
    call.parties.iter().filter(|p| p.policy != Policy::Deny && p.same_as.is_none())
}

/// Quality of the sound, a row for every party.
pub fn table(call: &Call<'_>) -> Table {
    let mut table = Table::new("Sound of each party: means over its utterances, weighted by speech")
        .column("party")
        .numbers("signal to noise, dB")
        .numbers("band, Hz")
        .numbers("level, dBFS")
        .numbers("voiced")
        .numbers("clipped samples")
        .numbers("lost samples");
    for p in heard(call) {
        let cell = |v: Option<f64>, text: &dyn Fn(f64) -> String| Cell::or(v.map(text), "not told");
        let band = mean(p, |q| q.bandwidth_hz);
        let low = mean(p, |q| q.band_low_hz);
        let edge = low.map_or_else(|| "?".to_owned(), |l| number(l, 0));
        table.row([
            Cell::text(&p.name),
            cell(mean(p, |q| q.snr_db), &|v| number(v, 0)),
            cell(band, &|v| format!("{edge} to {}", number(v, 0))),
            cell(mean(p, |q| q.level_dbfs), &|v| number(v, 1)),
            cell(mean(p, |q| q.voiced_share), &|v| percent(v, 0)),
            cell(mean(p, |q| q.clipping_share), &|v| percent(v, 2)),
            cell(mean(p, |q| q.lost_share), &|v| percent(v, 1)),
        ]);
    }
    table
}

/// What a reader should know before believing the page.
pub fn cautions(call: &Call<'_>) -> Vec<Markup> {
    let mut out: Vec<Markup> = call.problems.iter().map(|p| Markup::text(&format!("The recording: {p}."))).collect();
    out.extend(call.notes.iter().map(|n| Markup::text(&format!("{n}."))));
    for p in heard(call) {
        let mut say = |text: String| {
            out.push(Markup::trusted(format!("<strong>{}</strong>: {}", Markup::name(&p.name), Markup::text(&text))));
        };
        if let Some(high) = mean(p, |q| q.bandwidth_hz).filter(|h| *h < NARROW_HZ) {
            let from = mean(p, |q| q.band_low_hz).filter(|l| *l > 0.0);
            let from = from.map_or_else(String::new, |l| format!("from {} ", number(l, 0)));
            say(format!(
                "a telephone's band: sound {from}to {} Hz. What lies outside was removed by the line; features that need it are \
                 withheld.",
                number(high, 0)
            ));
        }
        if let Some(snr) = mean(p, |q| q.snr_db).filter(|s| *s < NOISY_DB) {
            say(format!(
                "noise: the voice is only {} dB above it. Fine measures of the voice suffer first.",
                number(snr, 0)
            ));
        }
        if let Some(share) = mean(p, |q| q.clipping_share).filter(|c| *c > CLIPPED) {
            say(format!(
                "clipping: {} of the samples are at full scale. Level and voice quality are distorted.",
                percent(share, 1)
            ));
        }
        if let Some(share) = mean(p, |q| q.lost_share).filter(|c| *c > 0.0) {
            say(format!("lost sound: {} of the samples are missing.", percent(share, 1)));
        }
        let scored = || p.utterances.iter().filter_map(|(_, r)| r.scored.as_ref());
        let unlike = scored().filter(|s| s.emotion.is_unlike()).count();
        if unlike > 0 {
            say(format!("in {unlike} of {} utterances {UNLIKE}.", p.utterances.len()));
        }
        let not = p.utterances.iter().filter(|(_, r)| r.quality.as_ref().is_some_and(|q| q.not_speech)).count();
        if not > 0 {
            say(format!(
                "{not} of {} utterances are tones, notes or noise, not speech: they have no scores.",
                p.utterances.len()
            ));
        }
    }
    out
}

/// Where the model gave no label, and why. Numbers in reasons differ from utterance to utterance: all of them are listed.
pub fn abstentions(call: &Call<'_>) -> Option<Table> {
    let mut table =
        Table::new("Utterances without a label, and why").column("party").column("why").numbers("utterances");
    for p in heard(call) {
        let mut reasons: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, r) in &p.utterances {
            if let Some(why) = r.scored.as_ref().and_then(|s| s.emotion.abstained.clone()) {
                let why = if why == NOT_SPEECH { "not speech".to_owned() } else { why };
                reasons.entry(why).or_default().push(*number);
            }
        }
        for (why, numbers) in reasons {
            let utterances: Vec<String> = numbers.iter().map(usize::to_string).collect();
            table.row([Cell::text(&p.name), Cell::text(why), Cell::Number(utterances.join(", "))]);
        }
    }
    Some(table).filter(|t| !t.is_empty())
}

/// What the reasons of undefined features mean.
fn in_words(reason: &str) -> &str {
    match reason {
        "outside-band" => "the line removed the part of the spectrum that it needs",
        "not-enough-speech" => "too little speech",
        "too-short" => "too short",
        "no-voiced-frames" => "nothing is voiced",
        "no-unvoiced-frames" => "everything is voiced",
        "no-slope" => "no rise or fall to measure",
        "no-variation" => "the values do not vary",
        "too-few-runs" => "too few stretches",
        "bad-input" => "samples that are no numbers",
        "silent" => "digital silence",
        other => other,
    }
}

/// Features that are undefined, by party and reason.
pub fn withheld(call: &Call<'_>) -> Option<Table> {
    let mut table = Table::new("Features that are withheld")
        .column("party")
        .column("why")
        .numbers("features")
        .column("which, and in how many of its utterances");
    for p in heard(call) {
        let mut reasons: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for r in p.utterances.iter().map(|u| u.1) {
            missing(r, |why, name| *reasons.entry(why).or_default().entry(name).or_default() += 1);
        }
        for (why, names) in reasons {
            let features: Vec<String> =
                names.iter().map(|(n, k)| format!("<code>{}</code> {k}", Markup::text(n))).collect();
            table.row([
                Cell::text(&p.name),
                Cell::text(in_words(why)),
                Cell::Number(names.len().to_string()),
                Cell::Text(Markup::trusted(features.join(", "))),
            ]);
        }
    }
    Some(table).filter(|t| !t.is_empty())
}

fn missing<'r>(r: &'r Record, mut take: impl FnMut(&'r str, &'r str)) {
    for f in r.features.iter().filter(|f| f.value.is_none()) {
        take(f.reason.as_deref().unwrap_or("no reason given"), &f.name);
    }
}
