//! Voice activity detection: the probability of speech every 16 ms, by the detector `earshot`.

mod detector;
mod network;
mod transform;

use detector::Detector;

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
        Self { detector: Box::new(Detector::new()), frame: [0.0; VAD_FRAME], filled: 0 }
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
                let p = self.detector.hear(&self.frame);
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

    /// A voice that comes and goes, noise, clipped sound and silence.
    fn sounds() -> Vec<f32> {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let voice = |i: usize| (1..20).map(|h| (i as f32 * h as f32 * 0.05).sin() / h as f32).sum::<f32>();
        let loud = |i: usize| (i as f32 * 4e-4).sin().max(0.0);
        (0..48_000)
            .map(|i| match i / 12_000 {
                0 => 0.3 * loud(i) * voice(i) + 1e-3 * noise(),
                1 => 0.1 * noise(),
                2 => 3.0 * voice(i),
                _ => 0.0,
            })
            .collect()
    }

    /// What `earshot` itself says, bit for bit, whatever the processor's registers.
    #[test]
    fn probabilities_are_those_of_earshot() {
        let (narrow, wide) = crate::signal::wide::tests::both(|| {
            let (mut vad, mut found) = (Vad::default(), Vec::new());
            vad.push(&sounds(), |p| found.push(p.to_bits()));
            found
        });
        let mut original = earshot::Detector::default();
        let clipped: Vec<f32> = sounds().iter().map(|x| x.clamp(-1.0, 1.0)).collect();
        let expected: Vec<u32> = clipped.chunks_exact(VAD_FRAME).map(|f| original.predict_f32(f).to_bits()).collect();
        assert_eq!(narrow, expected);
        assert_eq!(wide, expected);
        let (least, most) =
            expected.iter().fold((1.0f32, 0.0f32), |(l, m), p| (l.min(f32::from_bits(*p)), m.max(f32::from_bits(*p))));
        assert!(least < 0.2 && most > 0.9, "{least} {most}");
    }

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
