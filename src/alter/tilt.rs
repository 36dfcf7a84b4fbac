//! Spectral tilt of the voice: a slope above 200 Hz where there is voice, with the short-time level as it was.

use super::fade::voiced_weight;
use super::level::keep_level;
use super::transform::filtered;
use super::voice::Voice;

/// Frequency from which the slope runs, in Hz.
const FROM_HZ: f64 = 200.0;

/// Adds a slope to the voice in `x`, which is `voice` with its time divided by `rate`.
pub(super) fn tilt(voice: &Voice, x: &mut [f32], db_per_octave: f64, rate: f64) {
    let response = |hz: f64| 10f64.powf(db_per_octave * (hz / FROM_HZ).max(1.0).log2() / 20.0);
    let mut tilted = filtered(x, voice.rate_hz(), response);
    keep_level(x, &mut tilted, voice.rate_hz(), 1.0);
    let weights = voiced_weight(voice, x.len(), rate);
    x.iter_mut().zip(&tilted).zip(&weights).for_each(|((x, t), w)| *x += w * (t - *x));
}
