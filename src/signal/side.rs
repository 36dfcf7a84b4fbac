//! One side of a hole: what repeats in the sound next to it, and how that goes on into the hole.

/// Sound that is looked at before a hole, in ms: the longest period twice, and some room.
pub const BEFORE_MS: usize = 36;
/// Shortest and longest period that is sought, in ms: 500 to 62.5 Hz.
const SHORTEST_MS: f64 = 2.0;
const LONGEST_MS: f64 = 16.0;
/// Longest and shortest stretch that is compared with itself a period away, in ms.
const COMPARED_MS: f64 = 15.0;
const LEAST_COMPARED_MS: f64 = 4.0;
/// Least correlation of a voiced side.
const VOICED: f32 = 0.55;
/// A lag this much less alike than the best, and shorter, is the period: multiples of a period are periods too.
const AS_GOOD: f32 = 0.9;
/// Rate at which the period is sought first, in Hz.
const COARSE_HZ: usize = 8_000;
/// Samples that the interpolation between samples needs beside them.
const BESIDE: usize = 3;

/// A side of a hole, in the direction away from it: sample 0 is next to the hole.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// In the order of time, not empty.
    pub samples: &'a [f32],
    /// The samples lie before the hole.
    pub before: bool,
}

impl Side<'_> {
    /// The sample at a distance from the one next to the hole; beyond what is there, the last.
    #[must_use]
    pub fn at(&self, distance: usize) -> f32 {
        let n = self.samples.len();
        let i = distance.min(n - 1);
        self.samples[if self.before { n - 1 - i } else { i }]
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    /// The waveform between samples (cubic, Catmull and Rom), at a distance from the sample next to the hole.
    fn between(&self, distance: f64) -> f32 {
        let distance = distance.max(1.0);
        let i = distance as usize;
        let t = (distance - i as f64) as f32;
        let [a, b, c, d] = [self.at(i - 1), self.at(i), self.at(i + 1), self.at(i + 2)];
        b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    }

    /// The waveform at `into` samples into the hole (the first is 0), by repetition of the period next to it.
    #[must_use]
    pub fn repeated(&self, into: f64, period: f64) -> f32 {
        // The period repeated is the one that ends two samples away from the hole, where all neighbours are known.
        let guard = 2.0;
        let back = guard + (-1.0 - into - guard).rem_euclid(period);
        // In its last quarter towards the hole the period before fades in, so that the end meets the beginning.
        let quarter = 0.25 * period;
        let near = back - guard;
        if near < quarter && back + period + BESIDE as f64 <= self.len() as f64 {
            let own = (near / quarter) as f32;
            own * self.between(back) + (1.0 - own) * self.between(back + period)
        } else {
            self.between(back)
        }
    }

    /// What differs from one period to the next, at `into` samples into the hole, mirrored: the part of the sound that does not repeat.
    #[must_use]
    pub fn rough(&self, into: usize, period: f64) -> f32 {
        let most = (self.len() as f64 - period) as usize;
        let Some(n) = most.checked_sub(BESIDE).filter(|n| *n > 0) else { return 0.0 };
        let at = into % (2 * n);
        let back = if at < n { at } else { 2 * n - 1 - at };
        self.at(back) - self.between(back as f64 + period)
    }

    /// The waveform at `into` samples into the hole, mirrored at its edge and at the end of what is there.
    #[must_use]
    pub fn mirrored(&self, into: usize) -> f32 {
        let n = self.len();
        let at = into % (2 * n);
        self.at(if at < n { at } else { 2 * n - 1 - at })
    }
}

/// Finds the period of a side.
#[derive(Debug, Clone)]
pub struct PeriodFinder {
    rate_hz: usize,
    coarse: Vec<f32>,
}

impl PeriodFinder {
    /// For audio of `rate_hz`.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let rate_hz = rate_hz as usize;
        Self { rate_hz, coarse: Vec::with_capacity(rate_hz * BEFORE_MS / 1000 / (rate_hz / COARSE_HZ).max(1) + 1) }
    }

    /// Length of the period next to the hole, in samples; `None` where the sound is not voiced. Where one is expected, only that length
    /// of sound and a quarter of it are needed.
    pub fn period(&mut self, side: Side<'_>, expected: Option<f64>) -> Option<f64> {
        let ms = self.rate_hz as f64 / 1000.0;
        let step = (self.rate_hz / COARSE_HZ).max(1);
        let count = side.len() / step;
        self.coarse.clear();
        self.coarse.extend((0..count).map(|i| (0..step).map(|k| side.at(i * step + k)).sum::<f32>() / step as f32));
        let coarse_ms = ms / step as f64;
        let (low, high, least) = match expected {
            Some(p) => (0.8 * p / step as f64, 1.25 * p / step as f64, 0.25 * p / step as f64),
            None => (SHORTEST_MS * coarse_ms, LONGEST_MS * coarse_ms, LEAST_COMPARED_MS * coarse_ms),
        };
        let most = (COMPARED_MS * coarse_ms) as usize;
        let alike = |lag: usize| {
            let n = count.checked_sub(lag)?.min(most);
            (n as f64 >= least).then(|| correlation(&self.coarse[..n], &self.coarse[lag..lag + n]))
        };
        let lags = (low.floor() as usize).max(2)..=(high.ceil() as usize);
        let mut best = (0usize, 0.0f32);
        for lag in lags.clone() {
            if let Some(r) = alike(lag).filter(|r| *r > best.1) {
                best = (lag, r);
            }
        }
        let peak = |lag: usize| {
            let r = alike(lag)?;
            (alike(lag - 1)? <= r && r >= alike(lag + 1).unwrap_or(-1.0)).then_some(r)
        };
        let shorter = lags.take_while(|l| *l < best.0).find(|l| peak(*l).is_some_and(|r| r >= AS_GOOD * best.1));
        let lag = shorter.unwrap_or(best.0);
        (best.1 >= VOICED && lag > 0).then(|| self.refined(side, lag * step, step, most * step)).flatten()
    }

    /// The period to a fraction of a sample, near `lag` samples.
    fn refined(&self, side: Side<'_>, lag: usize, reach: usize, most: usize) -> Option<f64> {
        let n = side.len();
        let part = |from: usize, count: usize| {
            let from = if side.before { n - from - count } else { from };
            &side.samples[from..from + count]
        };
        let alike = |lag: usize| {
            let count = n.saturating_sub(lag).min(most);
            if count == 0 { 0.0 } else { correlation(part(0, count), part(lag, count)) }
        };
        let lags = lag.saturating_sub(reach).max(2)..=lag + reach;
        let best = lags.map(|l| (l, alike(l))).max_by(|a, b| a.1.total_cmp(&b.1))?;
        let (a, b, c) = (alike(best.0 - 1), best.1, alike(best.0 + 1));
        let bend = a - 2.0 * b + c;
        let shift = if bend < 0.0 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 };
        Some(best.0 as f64 + f64::from(shift))
    }
}

/// Correlation of two stretches, their means taken off.
#[must_use]
pub fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len() as f32;
    let (mean_a, mean_b) = (a.iter().sum::<f32>() / n, b.iter().sum::<f32>() / n);
    let (mut product, mut own, mut other) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        product += x * y;
        own += x * x;
        other += y * y;
    }
    let power = (own * other).sqrt();
    if power > 0.0 { product / power } else { 0.0 }
}
