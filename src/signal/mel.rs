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
    /// For every bin its weight in the band whose falling part it lies in; the rest goes one band up.
    shares: Vec<f32>,
    /// For each band that has bins in its falling part, with 0 for none below the first: its number, and how many they are.
    falling: Vec<(usize, usize)>,
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
        let mut falling: Vec<(usize, usize)> = Vec::new();
        let mut j = 0usize;
        for k in first_bin..end_bin {
            let mel = hz_to_mel(k as f64 * df_hz);
            while j < bands && mel > edge(j + 1) {
                j += 1;
            }
            let w = (edge(j + 1) - mel) / (edge(j + 1) - edge(j));
            shares.push(w as f32);
            match falling.last_mut() {
                Some((band, count)) if *band == j => *count += 1,
                _ => falling.push((j, 1)),
            }
        }
        Self { first_bin, shares, falling, centres_hz: (1..=bands).map(|b| mel_to_hz(edge(b))).collect() }
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
        let mut bins = power.get(self.first_bin..).unwrap_or_default();
        let mut shares = &self.shares[..];
        // Bins run through the bands in order, so each pair of bands is summed in registers.
        for &(band, count) in &self.falling {
            let (here, later) = bins.split_at(count.min(bins.len()));
            let (weights, more) = shares.split_at(count);
            (bins, shares) = (later, more);
            let (mut falling, mut rising) = (0.0f32, 0.0f32);
            for (p, w) in here.iter().zip(weights) {
                let part = p * w;
                falling += part;
                rising += p - part;
            }
            if band >= 1 {
                energies[band - 1] += falling;
            }
            if band < bands {
                energies[band] += rising;
            }
        }
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
