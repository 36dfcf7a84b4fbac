//! Depth of the envelope: its swing between 2 and 16 Hz, relative to its mean, from the first to the last speech.

use super::level::apply;
use super::transform::filtered;
use std::ops::Range;

/// Band whose depth is changed, in Hz.
const BAND_HZ: Range<f64> = 2.0..16.0;
/// Values of the envelope per second.
const ENVELOPE_HZ: u32 = 100;
/// Smallest and largest gain, as amplitudes.
const GAINS: (f64, f64) = (0.1, 6.0);
/// Level below the loud parts under which there is no speech, in dB.
const QUIET_DB: f64 = 25.0;
/// Nearness to the factor that was asked for, and most attempts at it.
const NEAR: f64 = 0.01;
const ATTEMPTS: usize = 12;

/// Changes the depth by a factor, or as nearly as gains with bounds can, so that silence does not become sound; the level of the whole
/// stays.
pub(super) fn deepen(x: &mut [f32], rate_hz: u32, factor: f64) {
    let step = rate_hz as usize / ENVELOPE_HZ as usize;
    let before = envelope(x, step);
    let speech = speech(&before);
    let Some(own) = depth(&before[speech.clone()]) else { return };
    let swing = band(&before);
    let mut strength = factor;
    let mut best = (f64::INFINITY, x.to_vec());
    for _ in 0..ATTEMPTS {
        let gain = |(e, b): (&f32, &f32)| if *e > 0.0 { 1.0 + (strength - 1.0) * f64::from(b / e) } else { 1.0 };
        let gains: Vec<f64> = before.iter().zip(&swing).map(|p| gain(p).clamp(GAINS.0, GAINS.1)).collect();
        let mut y = x.to_vec();
        apply(&mut y, &gains, step);
        let got = depth(&envelope(&y, step)[speech.clone()]).map_or(1.0, |d| d / own);
        let off = (got / factor).ln().abs();
        if off < best.0 {
            best = (off, y);
        }
        if best.0 < NEAR {
            break;
        }
        strength += factor - got;
    }
    let energy = |x: &[f32]| x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
    let scale = (energy(x) / energy(&best.1)).sqrt() as f32;
    x.iter_mut().zip(&best.1).for_each(|(x, y)| *x = if scale.is_finite() { y * scale } else { *y });
}

/// Root mean square of 20 ms every 10 ms.
fn envelope(x: &[f32], step: usize) -> Vec<f32> {
    let at = |k: usize| {
        let part = &x[(k * step).saturating_sub(step)..((k + 1) * step).min(x.len())];
        let sum: f64 = part.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        (sum / part.len().max(1) as f64).sqrt() as f32
    };
    (0..=x.len() / step).map(at).collect()
}

/// From the first to the last value that is speech by its level.
fn speech(envelope: &[f32]) -> Range<usize> {
    let mut sorted = envelope.to_vec();
    sorted.sort_by(f32::total_cmp);
    let loud = sorted.get(sorted.len() * 19 / 20).copied().unwrap_or(0.0);
    let least = f64::from(loud) * 10f64.powf(-QUIET_DB / 20.0);
    let is = |v: &f32| f64::from(*v) >= least && *v > 0.0;
    match (envelope.iter().position(is), envelope.iter().rposition(is)) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..0,
    }
}

fn band(envelope: &[f32]) -> Vec<f32> {
    filtered(envelope, ENVELOPE_HZ, |hz| f64::from(BAND_HZ.contains(&hz)))
}

/// Deviation of the band over the mean of the whole; `None` of nothing.
fn depth(envelope: &[f32]) -> Option<f64> {
    let n = envelope.len() as f64;
    let mean = envelope.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let without: Vec<f32> = envelope.iter().map(|v| v - mean as f32).collect();
    let power = band(&without).iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / n;
    (mean > 0.0 && power > 0.0).then(|| power.sqrt() / mean)
}
