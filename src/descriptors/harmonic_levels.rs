//! Frequency and level of each harmonic of a voiced frame, and the noise between them.

/// Harmonics that fit between 50 Hz and the top.
pub const MOST: usize = 84;
/// Highest frequency looked at, in Hz.
const TOP_HZ: f64 = 4200.0;
/// Reach of the search for a harmonic's peak, relative to F0.
const REACH: f64 = 0.2;
/// Mean of the logarithm of an exponentially distributed power lies this much below the logarithm of its mean.
const LOG_BIAS: f32 = 0.577_215_7;
/// Noise is taken as at least this share of a harmonic's power, which keeps the weights of clean voices finite.
const LEAST_NOISE: f32 = 1e-6;

/// The harmonics of one frame.
#[derive(Debug, Clone)]
pub struct HarmonicLevels {
    /// Number of harmonics; the first `count` entries of each list hold.
    pub count: usize,
    /// Frequency in Hz, by the parabola through the logarithms of three bins (exact for a Gaussian window).
    pub hz: [f32; MOST],
    /// Natural logarithm of the amplitude at that frequency, unscaled.
    pub ln: [f32; MOST],
    /// Natural logarithm of the power of the noise at the harmonic, from the valleys around it.
    pub ln_noise: [f32; MOST],
}

impl Default for HarmonicLevels {
    fn default() -> Self {
        Self { count: 0, hz: [0.0; MOST], ln: [0.0; MOST], ln_noise: [0.0; MOST] }
    }
}

/// One window's properties.
#[derive(Debug, Clone, Copy)]
pub struct HarmonicPlan {
    df_hz: f64,
    /// Deviation of the window's spectrum (amplitude), in Hz.
    width_hz: f64,
}

impl HarmonicPlan {
    /// A plan for spectra with bins `df_hz` apart under a Gaussian window whose deviation is `sigma_s` seconds.
    #[must_use]
    pub fn new(df_hz: f64, sigma_s: f64) -> Self {
        Self { df_hz, width_hz: 1.0 / (std::f64::consts::TAU * sigma_s) }
    }

    /// Finds the harmonics of `f0_hz` in the natural logarithm of a power spectrum.
    pub fn process(&self, out: &mut HarmonicLevels, ln_power: &[f32], f0_hz: f64) {
        out.count = ((TOP_HZ / f0_hz) as usize).min(MOST);
        let reach = ((REACH * f0_hz / self.df_hz) as usize).max(1);
        let last = ln_power.len() - 2;
        for h in 0..out.count {
            let centre = ((h + 1) as f64 * f0_hz / self.df_hz).round() as usize;
            let (from, to) = (centre.saturating_sub(reach).max(1), (centre + reach).min(last));
            let best = (from..=to).fold(from, |b, i| if ln_power[i] > ln_power[b] { i } else { b });
            let (a, b, c) = (ln_power[best - 1], ln_power[best], ln_power[best + 1]);
            let bend = a - 2.0 * b + c;
            let shift = if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-1.0, 1.0) } else { 0.0 };
            out.hz[h] = ((best as f64 + f64::from(shift)) * self.df_hz) as f32;
            out.ln[h] = 0.5 * (b - 0.25 * (a - c) * shift);
        }
        self.noise(out, ln_power, f0_hz);
    }

    /// Noise under each harmonic: the valleys around it, less what leaks into them from the harmonics.
    fn noise(&self, out: &mut HarmonicLevels, ln_power: &[f32], f0_hz: f64) {
        let mut valley = [0.0f32; MOST + 1];
        let count = out.count;
        for (j, v) in valley[..=count].iter_mut().enumerate() {
            let at = (j as f64 + 0.5) * f0_hz / self.df_hz;
            let bin = (at as usize).min(ln_power.len() - 2);
            let share = at.fract() as f32;
            *v = ln_power[bin] + share * (ln_power[bin + 1] - ln_power[bin]);
        }
        let leak = 4.0 * (-(0.5 * f0_hz / self.width_hz).powi(2)).exp() as f32;
        let mut powers = [0.0f32; MOST];
        powers.iter_mut().zip(&out.ln[..count]).for_each(|(p, ln)| *p = (2.0 * ln).exp());
        for h in 0..count {
            let (from, to) = (h.saturating_sub(2), (h + 3).min(count));
            let mean = valley[from..=to].iter().sum::<f32>() / (to - from + 1) as f32;
            let power = powers[h];
            let beside = |i: usize| powers[i.min(count - 1)];
            let leaked = leak * 0.25 * (beside(h.saturating_sub(1)) + 2.0 * power + beside(h + 1));
            let noise = (mean + LOG_BIAS).exp() - leaked;
            out.ln_noise[h] = noise.max(LEAST_NOISE * power).ln();
        }
    }
}
