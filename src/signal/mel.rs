//! A bank of triangular filters that are linear and equally spaced on the mel scale.

/// Mel value of a frequency in Hz: `1127 ln(1 + f / 700)` (O'Shaughnessy's formula, natural logarithm).
#[must_use]
pub fn hz_to_mel(hz: f64) -> f64 {
    1127.0 * (1.0 + hz / 700.0).ln()
}

/// Frequency in Hz of a mel value.
#[must_use]
pub fn mel_to_hz(mel: f64) -> f64 {
    700.0 * ((mel / 1127.0).exp() - 1.0)
}

/// Triangles with peak 1 over the bins of a power spectrum.
#[derive(Debug, Clone)]
pub struct MelBank {
    first_bin: usize,
    /// For every bin the band that its falling part belongs to, and the weight there; the rest goes one band up.
    shares: Vec<(u16, f32)>,
    centres_hz: Vec<f64>,
}

impl MelBank {
    /// `bands` triangles between `low_hz` and `high_hz` over bins `df_hz` apart.
    ///
    /// Only bins strictly between the bins nearest to the two edges count.
    #[must_use]
    pub fn new(bands: usize, low_hz: f64, high_hz: f64, df_hz: f64) -> Self {
        let low = hz_to_mel(low_hz);
        let step = (hz_to_mel(high_hz) - low) / (bands + 1) as f64;
        let edge = |j: usize| low + step * j as f64;
        let first_bin = (low_hz / df_hz).round() as usize + 1;
        let end_bin = (high_hz / df_hz).round() as usize;
        let mut shares = Vec::with_capacity(end_bin.saturating_sub(first_bin));
        let mut j = 0usize;
        for k in first_bin..end_bin {
            let mel = hz_to_mel(k as f64 * df_hz);
            while j < bands && mel > edge(j + 1) {
                j += 1;
            }
            let w = (edge(j + 1) - mel) / (edge(j + 1) - edge(j));
            shares.push((j as u16, w as f32));
        }
        Self { first_bin, shares, centres_hz: (1..=bands).map(|b| mel_to_hz(edge(b))).collect() }
    }

    /// Centre frequencies of the bands, in Hz.
    #[must_use]
    pub fn centres_hz(&self) -> &[f64] {
        &self.centres_hz
    }

    /// Band energies of a power spectrum into `energies` (one per band). Bands below and above the bank are dropped.
    pub fn process(&self, power: &[f32], energies: &mut [f32]) {
        energies.fill(0.0);
        let bands = energies.len();
        let bins = power.get(self.first_bin..).unwrap_or_default();
        // `shares` runs through the bands in order, so each pair of bands is summed in registers.
        let (mut band, mut falling, mut rising) = (0usize, 0.0f32, 0.0f32);
        let mut flush = |band: usize, falling: f32, rising: f32| {
            if band >= 1 {
                energies[band - 1] += falling;
            }
            if band < bands {
                energies[band] += rising;
            }
        };
        for (&(b, w), &p) in self.shares.iter().zip(bins) {
            let b = usize::from(b);
            if b != band {
                flush(band, falling, rising);
                (band, falling, rising) = (b, 0.0, 0.0);
            }
            let part = p * w;
            falling += part;
            rising += p - part;
        }
        flush(band, falling, rising);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mel_is_its_own_inverse() {
        for f in [20.0, 440.0, 1000.0, 8000.0] {
            assert!((mel_to_hz(hz_to_mel(f)) - f).abs() < 1e-9 * f);
        }
    }

    /// A band's energy is the sum of the power under its own triangle, written the textbook way.
    #[test]
    fn equals_explicit_triangles() {
        let bank = MelBank::new(26, 20.0, 8000.0, 31.25);
        let power: Vec<f32> = (0..257).map(|k| ((k * 37) % 101) as f32 + 0.5).collect();
        let mut energies = vec![0.0; 26];
        bank.process(&power, &mut energies);
        let lo = hz_to_mel(20.0);
        let step = (hz_to_mel(8000.0) - lo) / 27.0;
        for b in 1..=26usize {
            let centre = lo + step * b as f64;
            let expected: f64 = (2..256)
                .map(|k| {
                    let distance = (hz_to_mel(k as f64 * 31.25) - centre).abs() / step;
                    f64::from(power[k]) * (1.0 - distance).max(0.0)
                })
                .sum();
            let got = f64::from(energies[b - 1]);
            assert!((got - expected).abs() <= 1e-4 * expected.max(1.0), "band {b}: {got} {expected}");
        }
    }
}
