//! Voices with known properties: an impulse train through a source shape and resonances, with known disturbances.
//!
//! Made at 96 kHz in f64 and brought to 16 kHz through a long linear-phase filter, so that period onsets lie anywhere
//! between samples.
#![allow(dead_code, reason = "each test takes a part")]

use std::f64::consts::{PI, TAU};

const OVER: usize = 6;
const RATE: f64 = 16_000.0;
const FAST: f64 = RATE * OVER as f64;

/// Formants and bandwidths of a vowel, in Hz.
#[derive(Debug, Clone, Copy)]
pub struct Vowel {
    pub name: &'static str,
    pub hz: [f64; 8],
    pub bandwidth_hz: [f64; 8],
}

pub const VOWELS: [Vowel; 5] = [
    vowel("a", [700.0, 1220.0, 2600.0, 3500.0], [60.0, 80.0, 120.0, 150.0]),
    vowel("e", [480.0, 1900.0, 2550.0, 3500.0], [50.0, 80.0, 120.0, 150.0]),
    vowel("i", [270.0, 2290.0, 3010.0, 3700.0], [50.0, 80.0, 120.0, 150.0]),
    vowel("o", [450.0, 850.0, 2450.0, 3350.0], [55.0, 75.0, 115.0, 155.0]),
    vowel("u", [330.0, 800.0, 2350.0, 3300.0], [50.0, 70.0, 110.0, 150.0]),
];

const fn vowel(name: &'static str, f: [f64; 4], b: [f64; 4]) -> Vowel {
    Vowel {
        name,
        hz: [f[0], f[1], f[2], f[3], 4500.0, 5500.0, 6500.0, 7500.0],
        bandwidth_hz: [b[0], b[1], b[2], b[3], 200.0, 250.0, 300.0, 350.0],
    }
}

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    pub f0_hz: f64,
    pub vowel: Vowel,
    pub seconds: f64,
    /// Relative deviation of the period.
    pub jitter: f64,
    /// Deviation of the level of the pulses, in dB.
    pub shimmer_db: f64,
    /// Harmonics-to-noise ratio (white noise), `None` for no noise.
    pub hnr_db: Option<f64>,
    pub seed: u64,
}

impl Recipe {
    pub fn steady(f0_hz: f64, vowel: Vowel) -> Self {
        Self { f0_hz, vowel, seconds: 1.0, jitter: 0.0, shimmer_db: 0.0, hnr_db: Some(40.0), seed: 1 }
    }
}

/// A voice and what was really put into it.
pub struct Voice {
    pub samples: Vec<f32>,
    /// Mean absolute difference of neighbouring periods over the mean, in percent.
    pub jitter_percent: f64,
    /// Mean absolute level difference of neighbouring pulses, in dB.
    pub shimmer_db: f64,
    pub f0_hz: f64,
    /// Level of the harmonic at a frequency, in dB, by the transfer function.
    pub recipe: Recipe,
}

/// A small generator of normal deviates (Marsaglia's xorshift, Box and Muller).
pub struct Normal(pub u64);

impl Normal {
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    pub fn next(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

pub fn make(recipe: &Recipe) -> Voice {
    let mut random = Normal(recipe.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..8).for_each(|_| {
        random.next();
    });
    let n = (recipe.seconds * FAST) as usize;
    let mut x = vec![0.0f64; n];
    let (mut t, mut last) = (0.02, None::<(f64, f64)>);
    let (mut periods, mut levels): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    while t < recipe.seconds - 0.03 {
        let level = recipe.shimmer_db * random.next();
        let at = t * FAST;
        let (i, share) = (at as usize, at.fract());
        let a = 10f64.powf(level / 20.0);
        x[i] += a * (1.0 - share);
        x[i + 1] += a * share;
        if let Some((before, _)) = last {
            periods.push(t - before);
        }
        levels.push(level);
        last = Some((t, level));
        t += (1.0 + recipe.jitter * random.next()) / recipe.f0_hz;
    }
    for _ in 0..2 {
        let pole = (-TAU * 60.0 / FAST).exp();
        let mut y = 0.0;
        for v in &mut x {
            y = *v + pole * y;
            *v = y;
        }
    }
    let mut before = 0.0;
    for v in &mut x {
        (before, *v) = (*v, *v - before);
    }
    for (hz, b) in recipe.vowel.hz.iter().zip(recipe.vowel.bandwidth_hz) {
        let r = (-PI * b / FAST).exp();
        let (c1, c2) = (2.0 * r * (TAU * hz / FAST).cos(), r * r);
        let (mut y1, mut y2) = (0.0, 0.0);
        for v in &mut x {
            let y = (1.0 - c1 + c2) * *v + c1 * y1 - c2 * y2;
            (y2, y1) = (y1, y);
            *v = y;
        }
    }
    let mut samples = decimate(&x);
    let peak = samples.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    samples.iter_mut().for_each(|s| *s *= 0.5 / peak);
    if let Some(hnr) = recipe.hnr_db {
        let power = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
        let a = (power * 10f64.powf(-hnr / 10.0)).sqrt();
        samples.iter_mut().for_each(|s| *s += a * random.next());
    }
    let mean = periods.iter().sum::<f64>() / periods.len() as f64;
    let differences = |v: &[f64]| v.windows(2).map(|w| (w[0] - w[1]).abs()).sum::<f64>() / (v.len() - 1) as f64;
    Voice {
        samples: samples.iter().map(|s| *s as f32).collect(),
        jitter_percent: 100.0 * differences(&periods) / mean,
        shimmer_db: differences(&levels),
        f0_hz: 1.0 / mean,
        recipe: *recipe,
    }
}

/// Every sixth sample through a windowed sinc of 361 points that ends at 7.6 kHz.
fn decimate(x: &[f64]) -> Vec<f64> {
    const HALF: isize = 180;
    let taps: Vec<f64> = (-HALF..=HALF)
        .map(|i| {
            let t = i as f64;
            let cut = 2.0 * 7600.0 / FAST;
            let sinc = if i == 0 { cut } else { (PI * cut * t).sin() / (PI * t) };
            let w = 0.5 * (1.0 + (PI * t / (HALF as f64 + 1.0)).cos());
            sinc * w
        })
        .collect();
    (0..x.len() / OVER)
        .map(|k| {
            let centre = (k * OVER) as isize;
            taps.iter()
                .enumerate()
                .map(|(i, w)| {
                    let at = centre + i as isize - HALF;
                    usize::try_from(at).ok().and_then(|at| x.get(at)).map_or(0.0, |v| w * v)
                })
                .sum()
        })
        .collect()
}

impl Voice {
    /// Level in dB of the source and resonances at a frequency, by the generator's own difference equations.
    pub fn level_db(&self, hz: f64) -> f64 {
        let z = |f: f64| (TAU * f / FAST).sin_cos();
        let (s, c) = z(hz);
        let pole = (-TAU * 60.0 / FAST).exp();
        let one = |a: f64| ((1.0 - a * c).powi(2) + (a * s).powi(2)).ln();
        let mut ln = one(1.0) - 2.0 * one(pole);
        let (s2, c2w) = z(2.0 * hz);
        for (f, b) in self.recipe.vowel.hz.iter().zip(self.recipe.vowel.bandwidth_hz) {
            let r = (-PI * b / FAST).exp();
            let (c1, c2) = (2.0 * r * (TAU * f / FAST).cos(), r * r);
            let (re, im) = (1.0 - c1 * c + c2 * c2w, c1 * s - c2 * s2);
            ln += 2.0 * (1.0 - c1 + c2).ln() - (re * re + im * im).ln();
        }
        10.0 * std::f64::consts::LOG10_E * ln
    }
}
