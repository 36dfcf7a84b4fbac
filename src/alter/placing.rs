//! Placing: where the pieces of a voice go when its melody, its pace or its regularity changes.

use super::marks::Mark;
use super::melody::Melody;
use super::overlap_add::Piece;
use super::property::{Doses, Property};
use super::voice::Voice;
use crate::signal::random::Random;
use std::ops::Range;

/// Mean size of the difference of two draws from a normal distribution, in deviations: 2 over the root of pi.
const DIFFERENCE: f64 = std::f64::consts::FRAC_2_SQRT_PI;
/// Most that jitter moves a period, as a factor.
const MOST: (f64, f64) = (0.5, 1.5);
/// Correlation of neighbouring periods from which a voice is steady.
const STEADY: f32 = 0.7;
/// Beginning of the random numbers.
const SEED: u64 = 17;

/// Every piece of the output, in order.
pub(super) fn placing(voice: &Voice, doses: &Doses) -> Vec<Piece> {
    let marks = voice.marks();
    let melody = Melody::new(voice, doses);
    let mut random = Random(SEED);
    let mut out = Vec::with_capacity(marks.len());
    let mut from = 0;
    while from < marks.len() {
        let kind = marks[from].stretch;
        let to = marks[from..].iter().position(|m| m.stretch != kind).map_or(marks.len(), |n| from + n);
        match (kind, &melody) {
            (Some(stretch), Some(melody)) => voiced(voice, doses, melody, (stretch, from..to), &mut random, &mut out),
            _ => unvoiced(marks, doses.of(Property::Rate), from..to, &mut out),
        }
        from = to;
    }
    out
}

/// Mark of a range that is nearest to a time, from one on.
fn nearest(marks: &[Mark], from: usize, last: usize, time: f64) -> usize {
    let off = |k: usize| (marks[k].at - time).abs();
    (from..last).find(|k| off(k + 1) > off(*k)).unwrap_or(last)
}

/// Periods of a stretch at the distances that the melody asks for; one comes again or is left out where that keeps the pace.
fn voiced(
    voice: &Voice,
    doses: &Doses,
    melody: &Melody<'_>,
    (stretch, range): (usize, Range<usize>),
    random: &mut Random,
    out: &mut Vec<Piece>,
) {
    let marks = voice.marks();
    let (first, last) = (range.start, range.end - 1);
    let (rate, speed) = (doses.of(Property::Rate), doses.of(Property::Formants));
    let (jitter, shimmer) = (doses.of(Property::Jitter) / 100.0 / DIFFERENCE, doses.of(Property::Shimmer) / DIFFERENCE);
    // The last mark of a stretch has no period after it.
    let period =
        |i: usize| if i < last || i == first { marks[i + 1].at - marks[i].at } else { marks[i].at - marks[i - 1].at };
    let mut at = marks[first].at / rate;
    let (mut here, mut before) = (first, None);
    loop {
        let time = at * rate;
        if time > marks[last].at + 0.5 * period(last) {
            return;
        }
        here = nearest(marks, here, last, time);
        let mut source = here;
        if before == Some(here) {
            // The same period twice in a row would differ by nothing, and no voice is as regular: the second nearest stands in where the
            // voice is steady.
            let off = |k: usize| (marks[k].at - time).abs();
            let later = here < last && (here == first || off(here + 1) < off(here - 1));
            let other = if later { here + 1 } else { (here - 1).max(first) };
            if marks[here].alike.min(marks[other].alike) >= STEADY {
                source = other;
            }
        }
        before = Some(source);
        let ratio = melody.ratio(stretch, time / f64::from(voice.rate_hz()));
        // More pieces in the same time carry as much more power, shorter ones as much less.
        let mut gain = (speed / ratio).sqrt();
        let mut length = period(source) / ratio;
        if shimmer > 0.0 {
            gain *= 10f64.powf(shimmer * random.normal() / 20.0);
        }
        if jitter > 0.0 {
            length *= (1.0 + jitter * random.normal()).clamp(MOST.0, MOST.1);
        }
        out.push(Piece { source, at, gain, speed, backwards: false });
        at += length;
    }
}

/// Pieces without voice at their own distances. One that comes twice runs backwards the second time, so that no tone is heard.
fn unvoiced(marks: &[Mark], rate: f64, range: Range<usize>, out: &mut Vec<Piece>) {
    let piece = |source: usize, at: f64, backwards: bool| Piece { source, at, gain: 1.0, speed: 1.0, backwards };
    if rate == 1.0 {
        out.extend(range.map(|i| piece(i, marks[i].at, false)));
        return;
    }
    let (first, last) = (range.start, range.end - 1);
    let mut at = marks[first].at / rate;
    let (mut here, mut before) = (first, None);
    loop {
        let gap = marks.get(here + 1).map_or(0.0, |next| next.at - marks[here].at);
        if at * rate > marks[last].at + 0.5 * gap {
            return;
        }
        here = nearest(marks, here, last, at * rate);
        let backwards = before == Some((here, false));
        out.push(piece(here, at, backwards));
        before = Some((here, backwards));
        at += marks.get(here + 1).map_or(1.0, |next| (next.at - marks[here].at).max(1.0));
    }
}
