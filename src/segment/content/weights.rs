//! The weights of the measures: logistic regression, learnt by `scripts/not_speech.py --learn` from recordings of speech and sounds
//! that are not.

use super::judge::Weight;
use super::measures::COUNT;

/// Evidence where every measure is at its mean.
pub(super) const BIAS: f64 = 7.759;

/// One for each measure.
#[rustfmt::skip]
pub(super) const WEIGHTS: [Weight; COUNT] = [
    Weight { name: "gliding share", mean: 0.4807, deviation: 0.2340, slope: 0.885, above: -1.478 },
    Weight { name: "still share, 20 ms", mean: 0.2238, deviation: 0.2618, slope: -0.044, above: -2.209 },
    Weight { name: "still share, 60 ms", mean: 0.1822, deviation: 0.2523, slope: -0.984, above: -1.295 },
    Weight { name: "jumping share", mean: 0.3100, deviation: 0.1951, slope: -1.575, above: 0.522 },
    Weight { name: "median period", mean: 19.9310, deviation: 6.3742, slope: -1.027, above: -0.266 },
    Weight { name: "high share", mean: 0.0724, deviation: 0.1389, slope: -0.690, above: -0.018 },
    Weight { name: "change of periodicity", mean: 0.1198, deviation: 0.0365, slope: 0.509, above: -1.277 },
    Weight { name: "without voice", mean: 0.0310, deviation: 0.1734, slope: -0.931, above: 0.149 },
    Weight { name: "irregularity of nuclei", mean: 0.3783, deviation: 0.1513, slope: -0.145, above: 0.045 },
    Weight { name: "without nuclei", mean: 0.1307, deviation: 0.3371, slope: -1.334, above: 0.892 },
    Weight { name: "share of modulation at the rhythm of syllables", mean: 0.4264, deviation: 0.1679, slope: 2.057, above: -1.307 },
    Weight { name: "change of level, 100 ms", mean: 2.1624, deviation: 0.8621, slope: 0.207, above: -1.468 },
    Weight { name: "mean level below the strongest", mean: 4.0928, deviation: 1.3050, slope: 0.885, above: 0.263 },
    Weight { name: "fast share of level changes", mean: 0.4134, deviation: 0.2854, slope: 1.083, above: -0.836 },
    Weight { name: "change of centroid, 200 ms", mean: 2.3080, deviation: 1.0357, slope: 2.599, above: -3.877 },
    Weight { name: "fast share of tilt changes", mean: 0.4764, deviation: 0.1647, slope: -0.278, above: -1.022 },
    Weight { name: "change of tilt, 100 ms", mean: 1.5029, deviation: 0.6523, slope: 0.346, above: 0.487 },
    Weight { name: "correlation of periodicity and level", mean: 0.2971, deviation: 0.2667, slope: 0.005, above: 2.125 },
    Weight { name: "lower quartile of the detector", mean: 0.7749, deviation: 0.1100, slope: 0.840, above: 1.092 },
];
