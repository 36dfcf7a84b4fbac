//! Short-time level: the course of a sound's energy, kept or changed by gains between which it moves evenly.

use std::f64::consts::TAU;

/// Distance of the moments at which energy is taken, in seconds; a window is four of them long.
const STEP_S: f64 = 0.01;
/// Largest gain, and the inverse of the smallest, as an amplitude: 30 dB.
const MOST: f64 = 31.6;

/// Gives `altered` the short-time level of `reference`, whose time runs `rate` times as slowly.
pub(super) fn keep_level(reference: &[f32], altered: &mut [f32], rate_hz: u32, rate: f64) {
    let step = (STEP_S * f64::from(rate_hz)) as usize;
    let moments = 0..=altered.len() / step;
    let wanted = energies(reference, step, moments.clone().map(|k| ((k * step) as f64 * rate).round() as usize));
    let present = energies(altered, step, moments.map(|k| k * step));
    let gain = |(w, p): (&f64, &f64)| if *p > 0.0 { (w / p).sqrt().clamp(1.0 / MOST, MOST) } else { 1.0 };
    let gains: Vec<f64> = wanted.iter().zip(&present).map(gain).collect();
    apply(altered, &gains, step);
}

/// Multiplies by gains that stand at every `step`th sample, by the line between them in between.
pub(super) fn apply(x: &mut [f32], gains: &[f64], step: usize) {
    for (n, v) in x.iter_mut().enumerate() {
        let (k, share) = (n / step, (n % step) as f64 / step as f64);
        let gain = gains[k] * (1.0 - share) + gains[(k + 1).min(gains.len() - 1)] * share;
        *v = (f64::from(*v) * gain) as f32;
    }
}

/// Mean square under a raised cosine of four steps, centred at some samples.
fn energies(x: &[f32], step: usize, centres: impl Iterator<Item = usize>) -> Vec<f64> {
    let turn = |i: usize| TAU * (i as f64 + 0.5) / (4 * step) as f64;
    let window: Vec<f64> = (0..4 * step).map(|i| 0.5 - 0.5 * turn(i).cos()).collect();
    let at = |centre: usize| {
        let sum = window.iter().enumerate().filter_map(|(i, w)| {
            let v = f64::from(*x.get((centre + i).checked_sub(2 * step)?)?);
            Some((w * v * v, *w))
        });
        let (sum, weight) = sum.fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        if weight > 0.0 { sum / weight } else { 0.0 }
    };
    centres.map(at).collect()
}
