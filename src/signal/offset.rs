//! Removal of a constant offset (DC), causally: a high-pass filter of first order at 3 Hz.

use super::samples::is_sample;

/// Cut-off of the filter, in Hz: 60 Hz lose 0.01 dB.
const CUTOFF_HZ: f64 = 3.0;
/// The estimate moves this often per second; between its values it goes in a straight line.
const UPDATES_HZ: usize = 1000;
/// Samples that begin the estimate: as many as come with the first piece, at most this many milliseconds.
const BEGIN_MS: usize = 10;

/// The offset of one channel, estimated as it goes, and its removal.
///
/// The estimate begins with the mean of the first 10 ms and follows with a time constant of 53 ms. Adding a constant to all
/// samples therefore changes nothing that comes out, from the first sample on.
#[derive(Debug, Clone)]
pub struct Offset {
    /// Samples of a full step, and the share of the way that it moves the estimate.
    step: usize,
    rate_hz: f64,
    full: f64,
    estimate: Option<f64>,
}

impl Offset {
    /// An estimate for audio of `rate_hz`, at its beginning.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let step = (rate_hz as usize / UPDATES_HZ).max(1);
        let rate_hz = f64::from(rate_hz);
        Self { step, rate_hz, full: share(step, rate_hz), estimate: None }
    }

    /// Removes the offset from the next piece of the stream. What is no sample (NaN, infinity, beyond
    /// [`super::samples::LARGEST`]) stays as it is and is not counted. The result depends on where pieces end: callers cut
    /// on a fixed grid.
    pub fn remove(&mut self, piece: &mut [f32]) {
        let begin = self.rate_hz as usize * BEGIN_MS / 1000;
        let Some(mut estimate) = self.estimate.or_else(|| mean(&piece[..begin.min(piece.len())])) else { return };
        for part in piece.chunks_mut(self.step) {
            let share = if part.len() == self.step { self.full } else { share(part.len(), self.rate_hz) };
            // A step without a sample leaves the estimate as it is.
            let slope = mean(part).map_or(0.0, |m| share * (m - estimate)) / part.len() as f64;
            for (i, x) in part.iter_mut().enumerate() {
                let offset = estimate + slope * (i + 1) as f64;
                *x = if is_sample(*x) { (f64::from(*x) - offset) as f32 } else { *x };
            }
            estimate += slope * part.len() as f64;
        }
        self.estimate = Some(estimate);
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.estimate = None;
    }
}

fn share(samples: usize, rate_hz: f64) -> f64 {
    1.0 - (-std::f64::consts::TAU * CUTOFF_HZ * samples as f64 / rate_hz).exp()
}

/// Mean of what is a sample; `None` where nothing is.
fn mean(part: &[f32]) -> Option<f64> {
    let (sum, count) =
        part.iter().fold((0.0, 0u32), |(s, n), x| if is_sample(*x) { (s + f64::from(*x), n + 1) } else { (s, n) });
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
        assert!(run(16_000, &[0.2; 4000]).iter().all(|v| *v == 0.0));
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
