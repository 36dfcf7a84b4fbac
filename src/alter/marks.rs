//! Pitch marks: the centres of the pieces that a voice is taken apart into, one per period where there is voice.

use super::heard::{Heard, centre_s, f0_hz};
use crate::signal::sums::dot;
use crate::signal::{HOP, RATE_HZ};
use std::ops::Range;

/// The next period is sought within this share of the expected one.
const REACH: f64 = 0.15;
/// Least correlation of two neighbouring periods.
const ALIKE: f32 = 0.4;
/// Longest piece where there is no voice, in seconds.
const PIECE_S: f64 = 0.008;
/// Least distance of two marks, in seconds.
const LEAST_S: f64 = 0.0005;

/// The centre of one piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    /// Place in samples of the input.
    pub at: f64,
    /// The voiced stretch that it belongs to.
    pub stretch: Option<usize>,
    /// Correlation of the period around it with that at the mark that it was found from; 1 for the first of a stretch, 0 where none
    /// was found.
    pub alike: f32,
}

/// Marks of a channel of `length` samples, in order, from 0 to its end. `x` is it at 16 kHz, `scale` its rate over that.
pub(super) fn marks(x: &[f32], rows: &[Heard], stretches: &[Range<usize>], scale: f64, length: usize) -> Vec<Mark> {
    let unit = f64::from(RATE_HZ) * scale;
    let (piece, least, end) = (PIECE_S * unit, LEAST_S * unit, length as f64);
    let mut out = vec![Mark { at: 0.0, stretch: None, alike: 0.0 }];
    for (i, stretch) in stretches.iter().enumerate() {
        let before = out.last().map_or(0.0, |m| m.at) + least;
        let places = periods(x, rows, stretch).into_iter().map(|(at, alike)| (at * scale, alike));
        let mut places = places.filter(|(at, _)| *at > before && *at < end - least).peekable();
        let Some((first, _)) = places.peek() else { continue };
        fill(&mut out, *first, piece);
        out.extend(places.map(|(at, alike)| Mark { at, stretch: Some(i), alike }));
    }
    fill(&mut out, end, piece);
    out.push(Mark { at: end, stretch: None, alike: 0.0 });
    out
}

/// Marks between the last one and the next, at equal distances.
fn fill(out: &mut Vec<Mark>, next: f64, piece: f64) {
    let Some(last) = out.last().map(|m| m.at) else { return };
    let count = ((next - last) / piece).ceil();
    out.extend((1..count as usize).map(|k| Mark {
        at: last + (next - last) * k as f64 / count,
        stretch: None,
        alike: 0.0,
    }));
}

/// Marks of one stretch at 16 kHz, with how alike their periods are: from the strongest sample of its loudest row in both directions.
fn periods(x: &[f32], rows: &[Heard], stretch: &Range<usize>) -> Vec<(f64, f32)> {
    let place = |row: usize| centre_s(row) * f64::from(RATE_HZ);
    let period = |at: f64| f64::from(RATE_HZ) / f0_hz(rows, stretch, at / f64::from(RATE_HZ));
    let louder = |a: &usize, b: &usize| rows[*a].mean_square.total_cmp(&rows[*b].mean_square);
    let Some(loudest) = stretch.clone().max_by(louder) else { return Vec::new() };
    let (from, to) = (place(stretch.start) - 0.5 * HOP as f64, place(stretch.end - 1) + 0.5 * HOP as f64);
    let half = 0.5 * period(place(loudest));
    let near = (place(loudest) - half).max(0.0) as usize..((place(loudest) + half) as usize).min(x.len());
    let Some(first) = near.max_by(|a, b| x[*a].abs().total_cmp(&x[*b].abs())) else { return Vec::new() };
    let mut out = vec![(first as f64, 1.0)];
    for direction in [-1.0, 1.0] {
        let mut at = first as f64;
        loop {
            let expected = period(at);
            let (distance, alike) = neighbour(x, at, expected, direction).unwrap_or((expected, 0.0));
            at += direction * distance;
            if at < from || at > to {
                break;
            }
            out.push((at, alike));
        }
    }
    out.sort_by(|a, b| a.0.total_cmp(&b.0));
    out
}

/// Distance to the mark before or after one, the lag at which one period around it is most like what is there, and how alike.
fn neighbour(x: &[f32], at: f64, period: f64, direction: f64) -> Option<(f64, f32)> {
    let half = (0.5 * period).round() as usize;
    let here = (at.round() as usize).checked_sub(half)?;
    let own = x.get(here..here + 2 * half)?;
    let own_energy = dot(own, own);
    let alike = |lag: usize| -> Option<f32> {
        let there = if direction < 0.0 { here.checked_sub(lag)? } else { here + lag };
        let other = x.get(there..there + 2 * half)?;
        let both = (own_energy * dot(other, other)).sqrt();
        (both > 0.0).then(|| dot(own, other) / both)
    };
    let lags = ((1.0 - REACH) * period).floor() as usize..=((1.0 + REACH) * period).ceil() as usize;
    let all = lags.clone().filter_map(|lag| Some((lag, alike(lag)?)));
    let (lag, height) = all.max_by(|a, b| a.1.total_cmp(&b.1))?;
    if height < ALIKE || lag == *lags.start() || lag == *lags.end() {
        return None;
    }
    let (a, c) = (alike(lag - 1)?, alike(lag + 1)?);
    let bend = f64::from(a - 2.0 * height + c);
    let shift = if bend < 0.0 { 0.5 * f64::from(a - c) / bend } else { 0.0 };
    Some((lag as f64 + shift, height))
}
