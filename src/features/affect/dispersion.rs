//! Dispersion of the low-level descriptors: how far each of them strays in one speaker's speech, learnt as they speak.

use super::LLDS;
use crate::features::functionals::percentile::percentile;

/// Low-level descriptors of one frame, in the order of the catalogue.
pub type Frame = [Option<f32>; LLDS];

/// Column of the level, dB re full scale.
const LEVEL: usize = 4;
/// Level below the loud parts (95th percentile) under which a frame is no speech, in dB.
const QUIET_DB: f64 = 25.0;

/// Which frames of a segment are not far quieter than its loud ones: those that are speech, or as loud.
#[must_use]
pub fn loud(frames: &[Frame]) -> Vec<bool> {
    let mut sorted: Vec<f32> = frames.iter().filter_map(|f| f[LEVEL]).collect();
    sorted.sort_by(f32::total_cmp);
    let least = percentile(&sorted, 0.95).map_or(f64::NEG_INFINITY, |v| v - QUIET_DB);
    frames.iter().map(|f| f[LEVEL].is_some_and(|v| f64::from(v) >= least)).collect()
}

/// Count, mean and sum of squares about the mean of each descriptor (Welford 1962).
#[derive(Debug, Clone, PartialEq)]
pub struct Dispersion {
    columns: Vec<(f64, f64, f64)>,
}

impl Default for Dispersion {
    fn default() -> Self {
        Self { columns: vec![(0.0, 0.0, 0.0); LLDS] }
    }
}

impl Dispersion {
    /// Takes a frame.
    pub fn push(&mut self, frame: &Frame) {
        for ((count, mean, squares), v) in self.columns.iter_mut().zip(frame) {
            if let Some(v) = v.map(f64::from).filter(|v| v.is_finite()) {
                *count += 1.0;
                let off = v - *mean;
                *mean += off / *count;
                *squares += off * (v - *mean);
            }
        }
    }

    /// Standard deviation of each descriptor; `None` with fewer than two frames.
    #[must_use]
    pub fn deviations(&self) -> Vec<Option<f32>> {
        let one = |(n, _, s): &(f64, f64, f64)| (*n >= 2.0).then(|| (s / (n - 1.0)).sqrt() as f32);
        self.columns.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::catalogue::affect_llds;

    #[test]
    fn deviations_are_those_of_the_definition() {
        assert_eq!(affect_llds()[LEVEL].name, "level_dBFS");
        let mut d = Dispersion::default();
        assert!(d.deviations().iter().all(Option::is_none));
        let list: Vec<f32> = (0..500).map(|k| 1e4 + ((k * 7919) % 211) as f32).collect();
        for v in &list {
            let mut f: Frame = [None; LLDS];
            f[0] = Some(*v);
            d.push(&f);
        }
        let mean = list.iter().map(|v| f64::from(*v)).sum::<f64>() / 500.0;
        let expected = (list.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / 499.0).sqrt();
        assert!((f64::from(d.deviations()[0].unwrap()) - expected).abs() < 1e-4 * expected);
        assert_eq!(d.deviations()[1], None);
    }

    #[test]
    fn what_is_far_quieter_is_not_loud() {
        let frames: Vec<Frame> = (0..100)
            .map(|k| {
                let mut f: Frame = [None; LLDS];
                f[LEVEL] = (k != 7).then_some(if k < 50 { -20.0 } else { -46.0 });
                f
            })
            .collect();
        let found = loud(&frames);
        assert!((0..50).all(|k| found[k] == (k != 7)) && found[50..].iter().all(|l| !l));
        assert_eq!(loud(&[]), [false; 0]);
    }
}
