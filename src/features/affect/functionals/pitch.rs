//! F0 and its movement.

use super::segment::{PERIOD_S, Segment};
use super::stats::{Sorted, moments, slope};
use super::{Value, Writer};
use crate::features::reason::Reason;

const BASE_HZ: f64 = 27.5;
/// Shortest stretch whose slope is taken, in rows.
const STRETCH: usize = 8;
/// Rows on each side of one whose rate of change is taken.
const REACH: usize = 2;
/// Voiced rows at the end of the segment, and before those, that the final movement compares.
const FINAL: usize = 10;
const BEFORE: usize = 20;
/// Least rise or fall between two turning points, in semitones.
const TURN_ST: f64 = 0.5;
/// Shortest time from the first to the last voiced row for a declination, in seconds.
const SPAN_S: f64 = 0.5;

fn semitone(hz: f32) -> f64 {
    12.0 * (f64::from(hz) / BASE_HZ).log2()
}

pub(super) fn write(segment: &Segment<'_>, out: &mut Writer) {
    let none = Reason::NoVoicedFrames;
    let voiced: Vec<(f64, f64)> = segment.voices().map(|(i, _, v)| (i as f64 * PERIOD_S, semitone(v.f0_hz))).collect();
    let pitch = Sorted::new(voiced.iter().map(|v| v.1 as f32), none);
    out.put("F0_Hz_median", Sorted::new(segment.voices().map(|(_, _, v)| v.f0_hz), none).median());
    out.put("F0semitoneFrom27.5Hz_median", pitch.median());
    out.put("F0semitoneFrom27.5Hz_percentile5", pitch.percentile(0.05));
    out.put("F0semitoneFrom27.5Hz_percentile95", pitch.percentile(0.95));
    out.put("F0semitone_range5-95", pitch.between(0.05, 0.95));
    out.put("F0semitone_stddev", pitch.deviation());

    let stretches: Vec<Vec<f64>> = segment
        .voiced_stretches()
        .into_iter()
        .filter(|s| s.rows.len() >= STRETCH)
        .map(|s| s.rows.filter_map(|i| segment.voice(i)).map(|v| semitone(v.f0_hz)).collect())
        .collect();
    let few = if voiced.is_empty() { none } else { Reason::NotEnoughSpeech };
    let slopes: Vec<f64> =
        stretches.iter().filter_map(|s| slope(s.iter().enumerate().map(|(i, y)| (i as f64 * PERIOD_S, *y)))).collect();
    out.put("F0stretchSlope_stPerS_mean", moments(&slopes).map(|m| m.0).ok_or(few));
    out.put("F0stretchSlope_stPerS_stddev", moments(&slopes).filter(|_| slopes.len() > 1).map(|m| m.1).ok_or(few));
    out.put("F0declination_stPerS", declination(&voiced, few));
    out.put("F0finalMovement_st", final_movement(segment, &voiced, few));

    let rates: Vec<f64> = stretches.iter().flat_map(|s| rates(s)).collect();
    let sizes = Sorted::new(rates.iter().map(|r| r.abs() as f32), few);
    out.put("F0rate_stPerS_median", sizes.median());
    out.put("F0rate_stPerS_percentile90", sizes.percentile(0.9));
    let rising = rates.iter().filter(|r| **r > 0.0).count() as f64 / rates.len().max(1) as f64;
    out.put("F0rising_share", if rates.len() >= super::stats::ENOUGH { Ok(rising) } else { Err(few) });
    let frames: usize = stretches.iter().map(Vec::len).sum();
    let turns: usize = stretches.iter().map(|s| turning_points(s)).sum();
    let per_second = turns as f64 / (frames.max(1) as f64 * PERIOD_S);
    out.put("F0turningPointsPerSec", if frames >= 2 * super::stats::ENOUGH { Ok(per_second) } else { Err(few) });
    out.put("voicingProbability_mean", Sorted::new(segment.observed().map(|r| r.voicing), Reason::TooShort).mean());
}

fn declination(voiced: &[(f64, f64)], few: Reason) -> Value {
    let (Some(first), Some(last)) = (voiced.first(), voiced.last()) else { return Err(few) };
    if last.0 - first.0 < SPAN_S || voiced.len() < super::stats::ENOUGH {
        return Err(few);
    }
    slope(voiced.iter().copied()).ok_or(few)
}

/// A hole from there on may have held the end.
fn final_movement(segment: &Segment<'_>, voiced: &[(f64, f64)], few: Reason) -> Value {
    let from = voiced.len().checked_sub(FINAL + BEFORE).ok_or(few)?;
    if segment.voices().nth(from).is_some_and(|(row, ..)| segment.rows[row..].iter().any(Option::is_none)) {
        return Err(Reason::BadInput);
    }
    let list = |part: &[(f64, f64)]| Sorted::new(part.iter().map(|v| v.1 as f32), few).median();
    Ok(list(&voiced[from + BEFORE..])? - list(&voiced[from..from + BEFORE])?)
}

/// Rate of change in semitones per second at each row that has two on either side in its stretch.
fn rates(stretch: &[f64]) -> impl Iterator<Item = f64> + '_ {
    stretch.windows(2 * REACH + 1).map(|w| (2.0 * (w[4] - w[0]) + w[3] - w[1]) / (10.0 * PERIOD_S))
}

/// Changes of direction with at least half a semitone between them.
fn turning_points(stretch: &[f64]) -> usize {
    let (mut low, mut high) = (stretch[0], stretch[0]);
    let mut rising = None;
    let mut turns = 0;
    for &y in stretch {
        match rising {
            None => {
                (low, high) = (low.min(y), high.max(y));
                if y - low >= TURN_ST {
                    rising = Some(true);
                } else if high - y >= TURN_ST {
                    rising = Some(false);
                }
            }
            Some(true) if y > high => high = y,
            Some(true) if high - y >= TURN_ST => (rising, low, turns) = (Some(false), y, turns + 1),
            Some(false) if y < low => low = y,
            Some(false) if y - low >= TURN_ST => (rising, high, turns) = (Some(true), y, turns + 1),
            Some(_) => {}
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_points_of_a_wave() {
        let wave = |depth: f64| (0..100).map(|i| depth * (i as f64 * 0.314_159).sin()).collect::<Vec<_>>();
        // 5 periods of 20 rows: a crest and a trough each.
        assert_eq!(turning_points(&wave(2.0)), 10);
        assert_eq!(turning_points(&wave(0.2)), 0);
        assert_eq!(turning_points(&(0..50).map(f64::from).collect::<Vec<_>>()), 0);
    }

    #[test]
    fn the_rate_of_a_ramp() {
        let ramp: Vec<f64> = (0..20).map(|i| 0.05 * f64::from(i)).collect();
        assert!(rates(&ramp).all(|r| (r - 5.0).abs() < 1e-9));
    }
}
