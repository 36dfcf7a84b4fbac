//! Jitter and shimmer: irregularity of period length and of amplitude, measured on the waveform.

use crate::signal::history::History;
use crate::signal::{HOP, PITCH, RATE_HZ};

/// Refined correlation above which a period is accepted.
const ACCEPT: f64 = 0.5;
/// Longest stretch of waveform one frame reads: the frame itself, and the lag left over from the one before.
const LONGEST: usize = 4 * PITCH;

/// The pointer along the waveform, and what was held from earlier frames.
#[derive(Debug, Clone)]
pub struct Perturbation {
    position: u64,
    lag: usize,
    previous_period: f32,
    jitter: f32,
    shimmer: f32,
    wave: Vec<f64>,
    sums: Vec<f64>,
    squares: Vec<f64>,
    correlation: Vec<f64>,
}

/// Jitter (relative, 0 to 1) and shimmer (dB) of one frame; 0 where unvoiced.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PerturbationValues {
    /// Mean absolute difference of successive periods over the mean period.
    pub jitter: f32,
    /// `20 log10(1 + mean absolute difference of successive peak-to-peak amplitudes / mean amplitude)`.
    pub shimmer_db: f32,
}

impl Default for Perturbation {
    fn default() -> Self {
        Self {
            position: 0,
            lag: 0,
            previous_period: 0.0,
            jitter: 0.0,
            shimmer: 0.0,
            wave: Vec::with_capacity(LONGEST),
            sums: Vec::with_capacity(LONGEST + 1),
            squares: Vec::with_capacity(LONGEST + 1),
            correlation: Vec::with_capacity(128),
        }
    }
}

impl Perturbation {
    /// Measures frame `index` with fundamental `f0_hz` (0 = unvoiced). Frames must come in order.
    ///
    /// `history` must reach from a little before the frame (one frame length) to its end. Periods that reach beyond
    /// the hop are measured again by the next frame, as the reference program does.
    pub fn process(&mut self, history: &History, index: u64, f0_hz: f64) -> PerturbationValues {
        let start = index * HOP as u64;
        let need = HOP + self.lag;
        let mut read = need;
        let period = if f0_hz > 0.0 { f64::from(RATE_HZ) / f0_hz } else { 0.0 };
        let longest = (1.1 * period).ceil() as usize;
        if f0_hz > 0.0 {
            read = read.max(2 * longest + 2);
        }
        read = read.min(self.lag + PITCH);
        let base = start.saturating_sub(self.lag as u64);
        if base != self.position {
            self.position = start;
            read = read.min(PITCH);
        }
        if f0_hz <= 0.0 {
            self.position += need as u64;
            self.lag = 0;
            self.previous_period = 0.0;
            self.jitter = 0.0;
            self.shimmer = 0.0;
            return PerturbationValues::default();
        }
        let wave = history.get(self.position, read).unwrap_or_default();
        self.load(wave);
        let last = self.measure(need, read.min(wave.len()), period, longest);
        self.lag = need - last;
        self.position += last as u64;
        PerturbationValues { jitter: self.jitter, shimmer_db: 20.0 * (1.0 + self.shimmer).log10() }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.position = 0;
        self.lag = 0;
        self.previous_period = 0.0;
        self.jitter = 0.0;
        self.shimmer = 0.0;
    }

    /// Copies the waveform in f64 and prepares running sums for the means and deviations.
    fn load(&mut self, wave: &[f32]) {
        self.wave.clear();
        self.sums.clear();
        self.squares.clear();
        self.sums.push(0.0);
        self.squares.push(0.0);
        let (mut sum, mut square) = (0.0, 0.0);
        for x in wave.iter().map(|x| f64::from(*x)) {
            self.wave.push(x);
            sum += x;
            square += x * x;
            self.sums.push(sum);
            self.squares.push(square);
        }
    }

    /// Steps from period to period; returns where the last one within the hop began.
    fn measure(&mut self, need: usize, read: usize, period: f64, longest: usize) -> usize {
        let shortest = (0.9 * period).floor() as usize;
        let step = period.round() as usize;
        let (mut start, mut last) = (0usize, 0usize);
        let (mut periods, mut period_sum) = (0u32, 0.0f64);
        let (mut differences, mut difference_sum) = (0u32, 0.0f64);
        let (mut amplitude_sum, mut amplitude_difference) = (0.0f64, 0.0f64);
        while start + 2 * longest + 1 < read {
            match self.best_lag(start, shortest, longest) {
                None => start += step,
                Some((best, refined, height)) => {
                    if height > ACCEPT {
                        let length = (refined / f64::from(RATE_HZ)) as f32;
                        period_sum += f64::from(length);
                        periods += 1;
                        if self.previous_period > 0.0 {
                            difference_sum += f64::from((self.previous_period - length).abs());
                            differences += 1;
                        }
                        self.previous_period = length;
                        let first = swing(&self.wave[start + 1..(start + best - 1).max(start + 1)]);
                        let second = swing(&self.wave[start + best + 1..(start + 2 * best - 1).max(start + best + 1)]);
                        amplitude_sum += 0.5 * (first + second);
                        amplitude_difference += (first - second).abs();
                    }
                    start += best;
                }
            }
            if start + 1 < need {
                last = start;
            }
        }
        if periods > 0 {
            self.jitter = if differences > 0 && period_sum > 0.0 {
                let mean_difference = difference_sum / f64::from(differences);
                (mean_difference / (period_sum / f64::from(periods))).min(1.0) as f32
            } else {
                0.0
            };
            self.shimmer =
                if amplitude_sum > 0.0 { (amplitude_difference / amplitude_sum).min(1.0) as f32 } else { 0.0 };
        }
        last
    }

    /// The lag with the highest local maximum of correlation, refined by a parabola: `(lag, refined lag, height)`.
    fn best_lag(&mut self, start: usize, shortest: usize, longest: usize) -> Option<(usize, f64, f64)> {
        self.correlation.clear();
        for lag in shortest..=longest {
            let value = self.correlate(start, lag);
            self.correlation.push(value);
        }
        let c = &self.correlation;
        let mut best: Option<usize> = None;
        // The last interior lag is not tested.
        for i in 1..c.len().saturating_sub(2) {
            if c[i] > c[i - 1] && c[i] > c[i + 1] && best.is_none_or(|b| c[i] > c[b]) {
                best = Some(i);
            }
        }
        best.map(|i| {
            let (a, b, d) = (c[i - 1], c[i], c[i + 1]);
            let bend = a - 2.0 * b + d;
            let shift = 0.5 * (a - d) / bend;
            ((shortest + i), (shortest + i) as f64 + shift, b - 0.25 * (a - d) * shift)
        })
    }

    /// Correlation coefficient of two neighbouring stretches of length `lag`.
    fn correlate(&self, start: usize, lag: usize) -> f64 {
        let (a, b) = (&self.wave[start..start + lag], &self.wave[start + lag..start + 2 * lag]);
        let mut parts = [0.0f64; 8];
        let (ac, bc) = (a.chunks_exact(8), b.chunks_exact(8));
        let rest: f64 = ac.remainder().iter().zip(bc.remainder()).map(|(x, y)| x * y).sum();
        for (x, y) in ac.zip(bc) {
            for i in 0..8 {
                parts[i] += x[i] * y[i];
            }
        }
        let product = parts.iter().sum::<f64>() + rest;
        let n = lag as f64;
        let span = |table: &[f64], from: usize| table[from + lag] - table[from];
        let (sa, sb) = (span(&self.sums, start), span(&self.sums, start + lag));
        let va = span(&self.squares, start) - sa * sa / n;
        let vb = span(&self.squares, start + lag) - sb * sb / n;
        let spread = va * vb;
        if va > 0.0 && spread > 0.0 { (product - sa * sb / n) / spread.sqrt() } else { 0.0 }
    }
}

fn swing(wave: &[f64]) -> f64 {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for x in wave {
        low = if *x < low { *x } else { low };
        high = if *x > high { *x } else { high };
    }
    if high >= low { high - low } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(wave: &[f32], f0: f64) -> Vec<PerturbationValues> {
        let mut history = History::new(wave.len());
        history.push(wave);
        let mut p = Perturbation::default();
        let frames = (wave.len() - PITCH) / HOP + 1;
        (0..frames).map(|k| p.process(&history, k as u64, f0)).collect()
    }

    #[test]
    fn a_sine_has_neither() {
        let wave: Vec<f32> =
            (0..16_000).map(|i| (std::f64::consts::TAU * 160.0 * f64::from(i) / 16_000.0).sin() as f32).collect();
        for v in &run(&wave, 160.0)[1..] {
            assert!(v.jitter < 1e-4 && v.shimmer_db < 1e-2, "{v:?}");
        }
    }

    /// Pulses whose spacing alternates by +-1 % and whose height alternates by a known ratio.
    #[test]
    fn alternating_pulses_show_what_was_put_in() {
        let mut wave = vec![0.0f32; 16_000];
        let (mut at, mut n) = (50.0f64, 0);
        while at < 15_900.0 {
            let height = if n % 2 == 0 { 0.8 } else { 0.72 };
            for (i, w) in wave.iter_mut().enumerate().skip((at as usize).saturating_sub(40)).take(80) {
                let t = (i as f64 - at) / 6.0;
                *w += (height * (-0.5 * t * t).exp()) as f32;
            }
            at += if n % 2 == 0 { 101.0 } else { 99.0 };
            n += 1;
        }
        let values = run(&wave, 160.0);
        let mean = |f: fn(&PerturbationValues) -> f32| {
            let v: Vec<f64> = values[5..].iter().map(|v| f64::from(f(v))).collect();
            v.iter().sum::<f64>() / v.len() as f64
        };
        let jitter = mean(|v| v.jitter);
        assert!((jitter - 0.02).abs() < 0.004, "{jitter}");
        let shimmer = mean(|v| v.shimmer_db);
        let expected = 20.0 * (1.0 + 0.08 / 0.76f64).log10();
        assert!((shimmer - expected).abs() < 0.15, "{shimmer} {expected}");
    }

    #[test]
    fn unvoiced_is_zero() {
        assert!(run(&[0.1; 4000], 0.0).iter().all(|v| *v == PerturbationValues::default()));
    }
}
