//! Sameness of channels: a voice recorded on two of them would be counted as two speakers.
//!
//! Definition: the correlation of the samples of two channels over the whole stream, at equal times. A gain between them
//! does not matter; a delay between them hides it.

use affect::signal::samples::Samples;

/// Channels that are compared, each with each.
const COMPARED: usize = 8;

/// Least correlation of channels that are the same. Two sides of a call are below 0.3 as far as was seen, and one channel that
/// was copied and coded twice above 0.98.
const SAME: f64 = 0.95;

/// Least root mean square of a channel that has a sound at all, of full scale.
const AUDIBLE: f64 = 1e-3;

/// Sums of products of the channels' samples over the stream.
#[derive(Debug, Default)]
pub struct Sameness {
    rate_hz: u32,
    frames: u64,
    channels: usize,
    /// Sums of products, row by row of the matrix of channels.
    products: Vec<f64>,
    block: Vec<f32>,
}

impl Sameness {
    /// Sums before the first block.
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz, ..Self::default() }
    }

    /// Takes a block.
    pub fn hear(&mut self, samples: &Samples<'_>) {
        let (n, channels) = (samples.frames(), samples.channels().min(COMPARED));
        if channels < 2 || n == 0 {
            return;
        }
        if channels != self.channels {
            *self =
                Self { rate_hz: self.rate_hz, channels, products: vec![0.0; channels * channels], ..Self::default() };
        }
        self.block.resize(channels * n, 0.0);
        for (c, channel) in self.block.chunks_exact_mut(n).enumerate() {
            samples.read_channel(c, 0, channel);
        }
        let blocks: Vec<&[f32]> = self.block.chunks_exact(n).collect();
        for a in 0..channels {
            for b in a..channels {
                let product = |(x, y): (&f32, &f32)| f64::from(x * y);
                let sum: f64 = blocks[a].iter().zip(blocks[b]).map(product).filter(|p| p.is_finite()).sum();
                self.products[a * channels + b] += sum;
            }
        }
        self.frames += n as u64;
    }

    /// Pairs of channels that carry the same sound, after a second or more of it.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        let n = self.channels;
        let power = |c: usize| self.products[c * n + c];
        let least = AUDIBLE * AUDIBLE * self.frames as f64;
        let same = |a: usize, b: usize| {
            power(a) > least && power(b) > least && self.products[a * n + b] >= SAME * (power(a) * power(b)).sqrt()
        };
        if self.frames < u64::from(self.rate_hz) {
            return Vec::new();
        }
        (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).filter(|(a, b)| same(*a, *b)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(seed: u64, n: usize) -> Vec<f32> {
        let mut s = seed;
        let mut next = || {
            s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (s >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    fn pairs(channels: &[&[f32]]) -> Vec<(usize, usize)> {
        let mut s = Sameness::new(8000);
        let n = channels[0].len();
        for start in (0..n).step_by(333) {
            let planes: Vec<&[f32]> = channels.iter().map(|c| &c[start..(start + 333).min(n)]).collect();
            s.hear(&Samples::f32_planar(&planes).unwrap());
        }
        s.pairs()
    }

    #[test]
    fn copies_are_seen_at_any_gain_and_others_are_not() {
        let (a, b) = (sound(1, 16_000), sound(2, 16_000));
        let quiet: Vec<f32> = a.iter().zip(&b).map(|(x, y)| 0.1 * x + 0.01 * y).collect();
        let crosstalk: Vec<f32> = a.iter().zip(&b).map(|(x, y)| 0.3 * x + y).collect();
        let silence = vec![0.0; 16_000];
        assert_eq!(pairs(&[&a, &b]), []);
        assert_eq!(pairs(&[&a, &b, &quiet]), [(0, 2)]);
        assert_eq!(pairs(&[&a, &crosstalk]), []);
        assert_eq!(pairs(&[&silence, &silence]), []);
        assert_eq!(pairs(&[&a[..7000], &a[..7000]]), [], "less than a second");
    }
}
