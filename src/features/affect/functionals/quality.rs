//! Regularity, breathiness and tension of the voice.

use super::Writer;
use super::segment::Segment;
use super::stats::Sorted;
use crate::descriptors::pulses::Period;
use crate::features::affect::row::{Row, Voice};
use crate::features::reason::Reason;

/// Fewest pairs of neighbouring periods.
const FEWEST: usize = 10;
/// Neighbouring periods whose lengths or amplitudes differ by more than these factors are no neighbours.
const LENGTH_FACTOR: f32 = 1.3;
const AMPLITUDE_FACTOR: f32 = 1.6;

type Picked = (&'static str, fn(&Voice) -> Option<f32>);

const DESCRIPTORS: [Picked; 6] = [
    ("HNR_dB", |v| v.hnr_db),
    ("CPPS_dB", |v| Some(v.cpps_db)),
    ("H1-H2_dB", |v| Some(v.h1_h2_db)),
    ("H1-H2corrected_dB", |v| v.tract.map(|t| t.h1_h2_corrected_db)),
    ("H1-A3_dB", |v| v.tract.map(|t| t.h1_a3_db)),
    ("H1-A3corrected_dB", |v| v.tract.map(|t| t.h1_a3_corrected_db)),
];

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    for (i, (name, pick)) in DESCRIPTORS.into_iter().enumerate() {
        let sorted = Sorted::new(segment.voices().filter_map(|(_, _, v)| pick(v)), Reason::NoVoicedFrames);
        out.put(&format!("{name}_median"), sorted.median());
        out.put(&format!("{name}_iqr"), sorted.iqr());
        if i < 2 {
            out.put(&format!("{name}_percentile10"), sorted.percentile(0.1));
        }
    }
    let mut periods = Vec::new();
    collect(segment.rows.iter().copied(), &mut periods);
    let none = if segment.voices().next().is_none() { Reason::NoVoicedFrames } else { Reason::NotEnoughSpeech };
    let percent = |v: Option<f64>| v.map(|v| 100.0 * v).ok_or(none);
    out.put("jitterLocal_percent_mean", percent(jitter(chains(&periods), FEWEST)));
    out.put("jitterPPQ5_percent", percent(quotient5(chains(&periods), |p| p.seconds, LENGTH_FACTOR)));
    out.put("shimmerLocal_dB_mean", shimmer_db(chains(&periods), FEWEST).ok_or(none));
    out.put("shimmerAPQ5_percent", percent(quotient5(chains(&periods), |p| p.amplitude, AMPLITUDE_FACTOR)));
}

/// Collects the periods of rows (`None` for a hole); none follows another across a hole.
pub(in crate::features::affect) fn collect<'a>(rows: impl Iterator<Item = Option<&'a Row>>, out: &mut Vec<Period>) {
    let mut torn = false;
    for row in rows {
        let Some(row) = row else {
            torn = true;
            continue;
        };
        for period in row.periods.iter() {
            out.push(Period { follows: period.follows && !torn, ..period });
            torn = false;
        }
    }
}

/// Runs of periods that follow each other without a break.
pub(in crate::features::affect) fn chains(periods: &[Period]) -> impl Iterator<Item = &[Period]> + Clone {
    periods.chunk_by(|_, next| next.follows)
}

fn near(a: f32, b: f32, factor: f32) -> bool {
    a > 0.0 && b > 0.0 && a < factor * b && b < factor * a
}

fn mean<'a>(chains: impl Iterator<Item = &'a [Period]>, of: fn(&Period) -> f32) -> Option<f64> {
    let (sum, count) = chains.flatten().fold((0.0, 0usize), |(s, n), p| (s + f64::from(of(p)), n + 1));
    (sum > 0.0).then(|| sum / count as f64)
}

/// Jitter: mean absolute difference of the lengths of neighbouring periods over their mean, from at least `least`
/// pairs.
pub(in crate::features::affect) fn jitter<'a>(
    chains: impl Iterator<Item = &'a [Period]> + Clone,
    least: usize,
) -> Option<f64> {
    let lengths = chains.clone().flat_map(|c| c.windows(2)).map(|w| (w[0].seconds, w[1].seconds));
    let (sum, pairs) = lengths
        .filter(|(a, b)| near(*a, *b, LENGTH_FACTOR))
        .fold((0.0, 0usize), |(s, n), (a, b)| (s + f64::from((a - b).abs()), n + 1));
    (pairs >= least).then(|| Some(sum / pairs as f64 / mean(chains, |p| p.seconds)?))?
}

/// Mean absolute difference between the middle of five neighbours and their mean, over the mean of all.
fn quotient5<'a>(
    chains: impl Iterator<Item = &'a [Period]> + Clone,
    of: fn(&Period) -> f32,
    factor: f32,
) -> Option<f64> {
    let (mut sum, mut fives) = (0.0f64, 0usize);
    for w in
        chains.clone().flat_map(|c| c.windows(5)).filter(|w| w.windows(2).all(|p| near(of(&p[0]), of(&p[1]), factor)))
    {
        let mean = w.iter().map(|p| f64::from(of(p))).sum::<f64>() / 5.0;
        sum += (f64::from(of(&w[2])) - mean).abs();
        fives += 1;
    }
    (fives >= FEWEST).then(|| Some(sum / fives as f64 / mean(chains, of)?))?
}

/// Shimmer: mean absolute level difference of neighbouring periods in dB, from at least `least` pairs.
pub(in crate::features::affect) fn shimmer_db<'a>(
    chains: impl Iterator<Item = &'a [Period]>,
    least: usize,
) -> Option<f64> {
    let levels = chains.flat_map(|c| c.windows(2)).map(|w| (w[0].amplitude, w[1].amplitude));
    let (sum, pairs) = levels
        .filter(|(a, b)| near(*a, *b, AMPLITUDE_FACTOR))
        .fold((0.0, 0usize), |(s, n), (a, b)| (s + (20.0 * f64::from(a / b).log10()).abs(), n + 1));
    (pairs >= least).then(|| sum / pairs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(list: &[(f32, f32)]) -> Vec<Period> {
        list.iter()
            .enumerate()
            .map(|(i, (seconds, amplitude))| Period { seconds: *seconds, amplitude: *amplitude, follows: i > 0 })
            .collect()
    }

    #[test]
    fn alternating_periods_have_known_perturbation() {
        let list: Vec<(f32, f32)> = (0..40).map(|i| if i % 2 == 0 { (0.010, 1.0) } else { (0.0101, 1.1) }).collect();
        let (list, mean) = (chain(&list), 0.010_05);
        assert!((jitter(chains(&list), FEWEST).unwrap() - 0.0001 / mean).abs() < 1e-5);
        assert!((shimmer_db(chains(&list), FEWEST).unwrap() - 20.0 * 1.1f64.log10()).abs() < 1e-4);
        // The mean of five lies 2/5 or 3/5 of the way, the middle one at the other end.
        assert!((quotient5(chains(&list), |p| p.seconds, LENGTH_FACTOR).unwrap() - 0.4 * 0.0001 / mean).abs() < 1e-5);
    }

    #[test]
    fn octave_jumps_are_no_neighbours_and_few_periods_are_none() {
        let jump: Vec<(f32, f32)> = (0..40).map(|i| if i == 20 { (0.02, 3.0) } else { (0.01, 1.0) }).collect();
        let jump = chain(&jump);
        assert_eq!(jitter(chains(&jump), FEWEST).map(|v| v < 1e-6), Some(true));
        assert_eq!(jitter(chains(&jump[..8]), FEWEST), None);
        let mut cut = jump[..12].to_vec();
        cut[6].follows = false;
        assert_eq!(chains(&cut).map(<[Period]>::len).collect::<Vec<_>>(), [6, 6]);
    }
}
