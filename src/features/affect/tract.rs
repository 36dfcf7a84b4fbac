//! Levels of harmonics and formants relative to each other.

use super::row::Tract;
use crate::descriptors::formant_fit::{FittedFormants, resonance_ln};
use crate::descriptors::harmonic_levels::HarmonicLevels;

const DB_PER_NEPER: f32 = 8.685_89;

/// Level of the first harmonic less that of the second, in dB.
pub(super) fn h1_h2_db(levels: &HarmonicLevels) -> f32 {
    DB_PER_NEPER * (levels.ln[0] - levels.ln[1])
}

/// The strongest harmonic within half a period's frequency (at least 100 Hz) of `hz`.
fn strongest(levels: &HarmonicLevels, hz: f32, f0_hz: f32) -> usize {
    let reach = (0.5 * f0_hz).max(100.0);
    let last = levels.count - 1;
    let nearest = ((hz / f0_hz).round() as usize).clamp(1, levels.count) - 1;
    let from = (((hz - reach) / f0_hz).ceil().max(1.0) as usize - 1).min(last);
    let to = (((hz + reach) / f0_hz).floor().max(1.0) as usize - 1).min(last);
    (from..=to).fold(nearest, |b, i| if levels.ln[i] > levels.ln[b] { i } else { b })
}

/// What the formants say, and the harmonics relative to them.
///
/// The corrections take off what F1 and F2 add to the harmonics' levels (after Iseli, Shue and Alwan 2007).
pub(super) fn tract(levels: &HarmonicLevels, fitted: &FittedFormants, f0_hz: f32) -> Tract {
    let (h1, h2) = (levels.ln[0], levels.ln[1]);
    let by_tract = |f: f32| (0..2).map(|i| resonance_ln(f, fitted.hz[i], fitted.bandwidth_hz[i])).sum::<f32>();
    let near = fitted.hz.map(|hz| strongest(levels, hz, f0_hz));
    let a3 = levels.ln[near[2]];
    let h1_free = h1 - by_tract(levels.hz[0]);
    let h2_free = h2 - by_tract(levels.hz[1]);
    let a3_free = a3 - by_tract(levels.hz[near[2]]);
    Tract {
        hz: fitted.hz,
        bandwidth_hz: fitted.bandwidth_hz,
        level_db: near.map(|i| DB_PER_NEPER * (levels.ln[i] - h1)),
        h1_h2_corrected_db: DB_PER_NEPER * (h1_free - h2_free),
        h1_a3_db: DB_PER_NEPER * (h1 - a3),
        h1_a3_corrected_db: DB_PER_NEPER * (h1_free - a3_free),
    }
}
