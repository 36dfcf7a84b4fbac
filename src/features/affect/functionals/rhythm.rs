//! Syllable nuclei, pauses, and voiced and unvoiced stretches.

use super::segment::{PERIOD_S, Segment, Stretch};
use super::stats::moments;
use super::{Value, Writer};
use crate::features::reason::Reason;

/// Rise of the level before a nucleus, and fall after it, in dB (de Jong and Wempe 2009).
const DIP_DB: f64 = 2.0;
/// Shortest pause, in rows.
const PAUSE: usize = 15;
/// Level below the loud parts under which unvoiced rows are a pause, in dB.
const PAUSE_DB: f64 = 20.0;
/// Shortest speech for rates, in seconds.
const SHORTEST_S: f64 = 0.5;

/// A peak of the level in voiced speech: most likely a syllable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nucleus {
    at: usize,
    /// Number of the run of rows without a hole that it lies in.
    piece: usize,
    /// Rate of the rise to it and of the fall from it, in dB per second.
    pub attack_db_per_s: Option<f64>,
    pub decay_db_per_s: Option<f64>,
}

/// Peaks of the level at voiced rows, less than 25 dB below the loud parts, with dips of at least 2 dB between them. Each
/// lies between holes; a rise that ends in a hole is none, and a rate needs the whole rise or fall.
pub(super) fn nuclei(segment: &Segment<'_>) -> Vec<Nucleus> {
    let Some(loud) = segment.loud_db else { return Vec::new() };
    let floor = loud - 60.0;
    let level: Vec<f64> = segment.level_db.iter().map(|l| l.map_or(floor, |l| l.max(floor))).collect();
    let mut list: Vec<Nucleus> = Vec::new();
    for (number, piece) in segment.pieces.iter().enumerate() {
        let torn = |i: usize| i == piece.start && i > 0 || i + 1 == piece.end && piece.end < level.len();
        let mut close = |valley: usize, peak: usize, next: usize| {
            let mut near = peak.saturating_sub(2).max(piece.start)..(peak + 3).min(piece.end);
            if level[peak] > loud - 25.0 && near.any(|i| segment.voice(i).is_some()) {
                let rate = |a: usize| {
                    (a != peak && !torn(a)).then(|| (level[peak] - level[a]) / (a.abs_diff(peak) as f64 * PERIOD_S))
                };
                list.push(Nucleus {
                    at: peak,
                    piece: number,
                    attack_db_per_s: rate(valley),
                    decay_db_per_s: rate(next),
                });
            }
        };
        let (mut valley, mut peak) = (piece.start, None::<usize>);
        for i in piece.clone() {
            match peak {
                None if level[i] < level[valley] => valley = i,
                None if level[i] - level[valley] >= DIP_DB => peak = Some(i),
                Some(p) if level[i] > level[p] => peak = Some(i),
                Some(p) if level[p] - level[i] >= DIP_DB => {
                    // The fall ends where the level turns.
                    let next = (i..piece.end - 1).find(|&j| level[j + 1] > level[j]).unwrap_or(piece.end - 1);
                    close(valley, p, next);
                    (valley, peak) = (i, None);
                }
                _ => {}
            }
        }
        if let Some(p) = peak.filter(|_| piece.end == level.len()) {
            close(valley, p, level.len() - 1);
        }
    }
    list
}

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    let span_s = segment.span_s();
    let few = if segment.span.is_empty() { Reason::Silent } else { Reason::NotEnoughSpeech };
    let rate = |v: f64| if span_s >= SHORTEST_S { Ok(v) } else { Err(few) };
    let quiet = |i: usize| {
        segment.is_unvoiced(i) && segment.level_db[i].zip(segment.loud_db).is_none_or(|(l, loud)| l < loud - PAUSE_DB)
    };
    let mut pauses = segment.stretches(quiet);
    pauses.retain(|s| s.rows.len() >= PAUSE);
    let paused = pauses.iter().map(Stretch::seconds).fold(0.0, |a, b| a + b);
    let lengths_of_pauses = lengths(&pauses);
    let nuclei = nuclei(segment);
    out.put("nucleiPerSec", rate(nuclei.len() as f64 / span_s));
    out.put("articulationRate_nucleiPerSec", rate(nuclei.len() as f64 / (span_s - paused)));
    let intervals: Vec<Vec<f64>> = nuclei
        .chunk_by(|a, b| a.piece == b.piece)
        .map(|c| c.windows(2).map(|w| (w[1].at - w[0].at) as f64 * PERIOD_S).collect())
        .collect();
    out.put("nucleiInterval_nPVI", npvi(&intervals).ok_or(few));
    out.put("pausesPerSec", rate(begun(&pauses) / span_s));
    let few_runs = |v: Option<f64>| v.ok_or(if span_s < SHORTEST_S { few } else { Reason::TooFewRuns });
    out.put("pauseLength_s_mean", few_runs(moments(&lengths_of_pauses).map(|m| m.0)));
    out.put("pauseLength_s_max", few_runs(lengths_of_pauses.iter().copied().reduce(f64::max)));
    out.put("pause_share", rate(paused / span_s));
    let voiced_rows = segment.voices().count() as f64 * PERIOD_S;
    out.put("voiced_share", rate(voiced_rows / span_s));
    let voiced = segment.voiced_stretches();
    out.put("voicedStretchesPerSec", rate(begun(&voiced) / span_s));
    lengths_of("voicedStretch", &lengths(&voiced), few, out);
    let unvoiced = lengths(&segment.stretches(|i| segment.is_unvoiced(i)));
    lengths_of("unvoicedStretch", &unvoiced, few, out);
}

/// How many began where it could be seen, so that one that a hole divides counts once at most.
fn begun(stretches: &[Stretch]) -> f64 {
    stretches.iter().filter(|s| s.begins).count() as f64
}

/// Lengths of those that no hole cuts off.
fn lengths(stretches: &[Stretch]) -> Vec<f64> {
    stretches.iter().filter(|s| s.whole()).map(Stretch::seconds).collect()
}

fn lengths_of(name: &str, list: &[f64], few: Reason, out: &mut Writer) {
    let of = |v: Option<f64>| -> Value { v.ok_or(if few == Reason::Silent { few } else { Reason::TooFewRuns }) };
    out.put(&format!("{name}Length_s_mean"), of(moments(list).map(|m| m.0)));
    out.put(&format!("{name}Length_s_stddev"), of(moments(list).filter(|_| list.len() > 1).map(|m| m.1)));
}

/// Normalised pairwise variability index (Grabe and Low 2002) of at least two pairs of neighbouring intervals.
fn npvi(intervals: &[Vec<f64>]) -> Option<f64> {
    let all = intervals.iter().flat_map(|i| i.windows(2));
    let pairs: Vec<f64> = all.map(|w| (w[0] - w[1]).abs() / (0.5 * (w[0] + w[1]))).collect();
    (pairs.len() >= 2).then(|| 100.0 * pairs.iter().sum::<f64>() / pairs.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_intervals_have_no_variability() {
        assert_eq!(npvi(&[vec![0.2, 0.2, 0.2, 0.2]]), Some(0.0));
        // 0.1 and 0.3 differ by their mean.
        assert!((npvi(&[vec![0.1, 0.3, 0.1, 0.3]]).unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(npvi(&[vec![0.1, 0.3]]), None);
        // No pair across a hole.
        assert_eq!(npvi(&[vec![0.2, 0.2, 0.2], vec![0.4, 0.4]]), Some(0.0));
    }
}
