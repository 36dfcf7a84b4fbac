//! Signal statistics of a recording: level, peak, bandwidth, length.

use super::pool::Facts;
use realfft::RealFftPlanner;

/// Samples of a window for the spectrum.
const WINDOW: usize = 2048;

fn decibel(amplitude: f64) -> f64 {
    20.0 * amplitude.max(1e-8).log10()
}

impl Facts {
    /// Facts of one channel. Silence has a level of -160 dB and no bandwidth.
    #[must_use]
    pub fn of(samples: &[f32], rate_hz: u32) -> Self {
        let n = samples.len().max(1) as f64;
        let rms = (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / n).sqrt();
        let peak = samples.iter().map(|s| f64::from(s.abs())).fold(0.0, f64::max);
        Self {
            level_dbfs: decibel(rms),
            peak_dbfs: decibel(peak),
            silence_share: samples.iter().filter(|s| **s == 0.0).count() as f64 / n,
            bandwidth_hz: bandwidth(samples, rate_hz),
            duration_s: samples.len() as f64 / f64::from(rate_hz.max(1)),
        }
    }
}

/// Frequency below which 99.9 % of the energy lies.
fn bandwidth(samples: &[f32], rate_hz: u32) -> f64 {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
    let mut out = fft.make_output_vec();
    let mut power = vec![0.0f64; out.len()];
    let shape: Vec<f32> =
        (0..WINDOW).map(|k| 0.5 - 0.5 * (std::f32::consts::TAU * k as f32 / WINDOW as f32).cos()).collect();
    for block in samples.chunks_exact(WINDOW) {
        let mut x: Vec<f32> = block.iter().zip(&shape).map(|(s, w)| s * w).collect();
        // Lengths are those of the plan.
        let _ = fft.process(&mut x, &mut out);
        power.iter_mut().zip(&out).for_each(|(p, v)| *p += f64::from(v.norm_sqr()));
    }
    let total: f64 = power.iter().sum();
    let mut sum = 0.0;
    let edge = power.iter().position(|p| {
        sum += p;
        sum >= 0.999 * total
    });
    if total > 0.0 { edge.unwrap_or(0) as f64 * f64::from(rate_hz) / WINDOW as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_described() {
        let x: Vec<f32> = (0..16_000)
            .map(|n| {
                if n < 8000 {
                    0.0
                } else {
                    (std::f64::consts::TAU * 1000.0 * f64::from(n) / 16_000.0).sin() as f32 * 0.5
                }
            })
            .collect();
        let f = Facts::of(&x, 16_000);
        assert!((f.peak_dbfs + 6.02).abs() < 0.01 && (f.level_dbfs + 12.04).abs() < 0.01, "{f:?}");
        assert!(f.silence_share >= 0.5 && (f.bandwidth_hz - 1000.0).abs() < 60.0 && f.duration_s == 1.0, "{f:?}");
        let none = Facts::of(&[], 16_000);
        assert!(none.level_dbfs == -160.0 && none.bandwidth_hz == 0.0);
    }
}
