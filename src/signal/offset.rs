//! Removal of a constant offset (DC), causally: a high-pass filter of first order at 3 Hz.

use super::samples::is_sample;

/// Cut-off of the filter, in Hz: 60 Hz lose 0.01 dB.
const CUTOFF_HZ: f64 = 3.0;
/// Length of what begins the estimate, in milliseconds.
const BEGIN_MS: usize = 10;
/// Samples of one step: the estimates inside it follow from the one before it, so that none waits for its neighbour.
const STEP: usize = 4;

/// The offset of one channel, estimated as it goes, and its removal.
///
/// The estimate begins with the mean of the first 10 ms and follows every sample with a time constant of 53 ms. Adding a
/// constant to all samples therefore changes nothing that comes out, from the first sample on. What is removed is the mean of
/// the estimates before and after a sample, which leaves the highest frequencies as they are.
#[derive(Debug, Clone)]
pub struct Offset {
    begin: usize,
    /// Share of the way that one sample moves the estimate, and powers of what stays.
    share: f64,
    stays: [f64; STEP + 1],
    estimate: Option<f64>,
}

/// In digital silence (a piece of equal samples) an estimate that is off by less than this (-180 dBFS, 40 dB below the least step of
/// 24 bits) is right. Left to die out, the rest would be a sound of -380 dBFS, whose powers are subnormal numbers: what they are
/// depends on a mode of the processor that other code in the same thread may have changed.
const NOTHING: f64 = 1e-9;

impl Offset {
    /// An estimate for audio of `rate_hz`, at its beginning.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let stays = (-std::f64::consts::TAU * CUTOFF_HZ / f64::from(rate_hz)).exp();
        Self {
            begin: rate_hz as usize * BEGIN_MS / 1000,
            share: 1.0 - stays,
            stays: std::array::from_fn(|n| stays.powi(n as i32)),
            estimate: None,
        }
    }

    /// Removes the offset from the next piece of the stream. What is no sample (NaN, infinity, beyond
    /// [`super::samples::LARGEST`]) stays as it is and is not counted. The estimate begins with what the first piece holds, so
    /// callers cut on a fixed grid.
    pub fn remove(&mut self, piece: &mut [f32]) {
        let Some(mut estimate) = self.estimate.or_else(|| mean(&piece[..self.begin.min(piece.len())])) else { return };
        if let Some(first) = piece.first().filter(|x| (estimate - f64::from(**x)).abs() < NOTHING)
            && piece.iter().all(|x| x == first)
        {
            estimate = f64::from(*first);
        }
        let (share, k) = (self.share, self.stays);
        let mut parts = piece.chunks_exact_mut(STEP);
        for part in &mut parts {
            if !part.iter().all(|x| is_sample(*x)) {
                part.iter_mut().for_each(|x| one(x, share, &mut estimate));
                continue;
            }
            let x: [f64; STEP] = std::array::from_fn(|i| f64::from(part[i]));
            let e = [
                k[1] * estimate + share * x[0],
                k[2] * estimate + share * (k[1] * x[0] + x[1]),
                k[3] * estimate + share * (k[2] * x[0] + k[1] * x[1] + x[2]),
                k[4] * estimate + share * (k[3] * x[0] + k[2] * x[1] + k[1] * x[2] + x[3]),
            ];
            for i in 0..STEP {
                part[i] = (x[i] - 0.5 * (if i == 0 { estimate } else { e[i - 1] } + e[i])) as f32;
            }
            estimate = e[STEP - 1];
        }
        parts.into_remainder().iter_mut().for_each(|x| one(x, share, &mut estimate));
        self.estimate = Some(estimate);
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.estimate = None;
    }
}

/// One sample by the filter's own formula.
fn one(x: &mut f32, share: f64, estimate: &mut f64) {
    if is_sample(*x) {
        let before = *estimate;
        *estimate += share * (f64::from(*x) - before);
        *x = (f64::from(*x) - 0.5 * (before + *estimate)) as f32;
    }
}

/// Mean of what is a sample; `None` where nothing is.
fn mean(part: &[f32]) -> Option<f64> {
    let (sum, count) = part.iter().filter(|x| is_sample(**x)).fold((0.0, 0u32), |(s, n), x| (s + f64::from(*x), n + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn run(rate: u32, x: &[f32]) -> Vec<f32> {
        let mut out = x.to_vec();
        let mut offset = Offset::new(rate);
        out.chunks_mut(rate as usize / 100).for_each(|p| offset.remove(p));
        out
    }

    fn tone(rate: u32, hz: f64, level: f64) -> Vec<f32> {
        (0..rate * 2).map(|i| (level * (f64::from(i) * hz / f64::from(rate) * TAU).sin()) as f32).collect()
    }

    /// A constant changes nothing from the first sample on, with holes as well.
    /// Also beside a constant; a sound of that size is none of it.
    #[test]
    fn digital_silence_becomes_silent() {
        let level = |piece: &[f32]| piece.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        for constant in [0.0f32, 0.25] {
            let mut offset = Offset::new(8000);
            offset.remove(&mut [0.01 + constant; 80]);
            let mut levels = Vec::new();
            for _ in 0..300 {
                let mut piece = [constant; 80];
                offset.remove(&mut piece);
                levels.push(level(&piece));
            }
            assert!(levels[0] > 1e-3 && levels.iter().all(|l| *l == 0.0 || *l > 1e-10), "{levels:?}");
            assert_eq!(levels[299], 0.0);
        }
        let mut offset = Offset::new(8000);
        offset.remove(&mut [0.0; 80]);
        let mut faint: [f32; 80] = std::array::from_fn(|i| if i % 2 == 0 { 1e-10 } else { -1e-10 });
        offset.remove(&mut faint);
        assert!(level(&faint) > 0.0);
    }

    #[test]
    fn a_constant_changes_nothing() {
        for rate in [8_000, 16_000, 44_100, 48_000] {
            let mut x = tone(rate, 120.0, 0.3);
            x[1000..3000].fill(f32::NAN);
            let plain = run(rate, &x);
            for d in [0.2f32, -0.05] {
                let moved = run(rate, &x.iter().map(|v| v + d).collect::<Vec<_>>());
                for (a, b) in plain.iter().zip(&moved) {
                    assert!(a.is_nan() && b.is_nan() || (a - b).abs() < 1e-7, "{a} {b}");
                }
            }
        }
    }

    /// A tone keeps its level, as the formula of the filter says, and silence with an offset is silence.
    #[test]
    fn tones_pass_and_constants_do_not() {
        for (rate, hz) in [(8_000, 60.0), (16_000, 60.0), (16_000, 940.0), (48_000, 200.0)] {
            let y = run(rate, &tone(rate, hz, 0.5));
            let late = &y[rate as usize..];
            let square = late.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / late.len() as f64;
            let expected = 1.0 / (1.0 + (CUTOFF_HZ / hz).powi(2));
            assert!((square / 0.125 / expected - 1.0).abs() < 4e-3, "{hz} at {rate}: {}", square / 0.125);
        }
        assert!(run(16_000, &[0.2; 4000]).iter().all(|v| v.abs() < 1e-15));
    }

    /// A step is gone after half a second.
    #[test]
    fn a_step_dies_away() {
        let x: Vec<f32> = (0..32_000).map(|i| if i < 16_000 { 0.0 } else { 0.1 }).collect();
        let y = run(16_000, &x);
        assert!((y[16_000] - 0.1).abs() < 2e-3);
        let expected = 0.1 * (-TAU * CUTOFF_HZ * 0.1).exp();
        assert!((f64::from(y[17_600]) - expected).abs() < 1e-3, "{} {expected}", y[17_600]);
        assert!(y[24_000..].iter().all(|v| v.abs() < 1e-5));
    }
}
