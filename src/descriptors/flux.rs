//! Spectral flux: how much the magnitude spectrum changed since the previous frame.

/// The previous magnitude spectrum of one stream.
#[derive(Debug, Clone)]
pub struct FluxState {
    previous: Vec<f32>,
    started: bool,
}

impl FluxState {
    /// State for the lowest `bins` bins.
    #[must_use]
    pub fn new(bins: usize) -> Self {
        Self { previous: vec![0.0; bins], started: false }
    }

    /// `sqrt(mean over bins of (|X_t| - |X_{t-1}|)^2)`, magnitudes from a power spectrum, not normalised.
    ///
    /// Unit: linear amplitude, unscaled. Range `>= 0`; 0 for the first frame, for silence and for a steady sound.
    pub fn process(&mut self, power: &[f32]) -> f32 {
        let mut parts = [0.0f32; 8];
        for (previous, now) in self.previous.chunks_mut(8).zip(power.chunks(8)) {
            for ((old, p), part) in previous.iter_mut().zip(now).zip(&mut parts) {
                let magnitude = p.sqrt();
                let change = magnitude - *old;
                *old = magnitude;
                *part += change * change;
            }
        }
        if !std::mem::replace(&mut self.started, true) {
            return 0.0;
        }
        (parts.iter().sum::<f32>() / self.previous.len().max(1) as f32).sqrt()
    }

    /// Forgets the previous frame.
    pub fn reset(&mut self) {
        self.started = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_frame_steady_frame_and_a_step() {
        let mut flux = FluxState::new(4);
        assert_eq!(flux.process(&[4.0, 4.0, 4.0, 4.0, 9.0]), 0.0);
        assert_eq!(flux.process(&[4.0, 4.0, 4.0, 4.0, 0.0]), 0.0);
        // magnitudes 2 -> 4 in every bin
        assert!((flux.process(&[16.0; 5]) - 2.0).abs() < 1e-6);
        flux.reset();
        assert_eq!(flux.process(&[1.0; 5]), 0.0);
    }
}
