//! Voice activity detection: the probability of speech every 16 ms, by the pure-Rust detector `earshot`.

use earshot::Detector;

/// Samples per decision (16 ms at 16 kHz).
pub const VAD_FRAME: usize = 256;

/// The detector of one channel.
pub struct Vad {
    detector: Box<Detector>,
    frame: [f32; VAD_FRAME],
    filled: usize,
}

impl std::fmt::Debug for Vad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vad").field("filled", &self.filled).finish()
    }
}

impl Default for Vad {
    fn default() -> Self {
        Self { detector: Box::default(), frame: [0.0; VAD_FRAME], filled: 0 }
    }
}

impl Vad {
    /// Takes samples (finite; beyond full scale they are clipped for the detector) and hands on the probability of
    /// speech, 0 to 1, of every complete frame.
    pub fn push(&mut self, mut samples: &[f32], mut decided: impl FnMut(f32)) {
        while !samples.is_empty() {
            let take = samples.len().min(VAD_FRAME - self.filled);
            let (now, later) = samples.split_at(take);
            for (f, x) in self.frame[self.filled..].iter_mut().zip(now) {
                *f = x.clamp(-1.0, 1.0);
            }
            self.filled += take;
            samples = later;
            if self.filled == VAD_FRAME {
                self.filled = 0;
                let p = self.detector.predict_f32(&self.frame);
                // The detector's arithmetic cannot be trusted with odd input: what is no probability is no speech.
                decided(if p.is_finite() { p.clamp(0.0, 1.0) } else { 0.0 });
            }
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.detector.reset();
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_no_speech_and_reset_equals_new() {
        let wave: Vec<f32> = (0..16_000).map(|i| ((i * 7919 % 4001) as f32 / 4001.0 - 0.5) * 3.0).collect();
        let run = |v: &mut Vad| {
            let mut out = Vec::new();
            v.push(&wave, |p| out.push(p));
            out
        };
        let mut vad = Vad::default();
        let mut quiet = Vec::new();
        vad.push(&[0.0; 16_000], |p| quiet.push(p));
        assert_eq!(quiet.len(), 62);
        assert!(quiet.iter().all(|p| *p < 0.5));
        vad.reset();
        assert_eq!(run(&mut vad), run(&mut Vad::default()));
    }
}
