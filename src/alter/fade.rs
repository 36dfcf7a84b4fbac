//! Where there is voice, as a weight of every sample.

use super::heard::centre_s;
use super::voice::Voice;
use std::f64::consts::PI;

/// Time in which the weight rises and falls, and half of which it reaches over the first and the last frame, in seconds.
const FADE_S: f64 = 0.01;

/// 1 in the voiced stretches of a voice whose time was divided by `rate`, 0 elsewhere, raised cosines between.
pub(super) fn voiced_weight(voice: &Voice, length: usize, rate: f64) -> Vec<f32> {
    let rate_hz = f64::from(voice.rate_hz());
    let mut out = vec![0.0f32; length];
    for rows in voice.stretches() {
        let from = (centre_s(rows.start) - 0.5 * FADE_S) / rate;
        let to = (centre_s(rows.end - 1) + 0.5 * FADE_S) / rate;
        let first = ((from - FADE_S) * rate_hz).max(0.0) as usize;
        let last = (((to + FADE_S) * rate_hz) as usize).min(length);
        for n in first..last {
            let time = n as f64 / rate_hz;
            let inside = (1.0 + ((time - from).min(to - time)) / FADE_S).clamp(0.0, 1.0);
            out[n] = out[n].max((0.5 - 0.5 * (PI * inside).cos()) as f32);
        }
    }
    out
}
