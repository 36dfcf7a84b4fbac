//! The pitch that a stream has usually had of late, and what a candidate far from it costs.

/// What a stream begins with: between the voices of men and women.
const BEGIN_HZ: f64 = 170.0;
/// Step of the estimate per voiced frame, in octaves: an octave in a quarter of a second.
const STEP: f64 = 0.04;
/// Voiced frames after which the estimate begins to count, and counts in full.
const FIRST: u32 = 25;
const FULL: u32 = 50;
/// Cost per square octave, in units of a candidate's score, and the highest cost.
const COST: f64 = 0.05;
const MOST: f64 = 0.3;
/// Pitches from which on the fundamental begins to lie above the lower edge of a telephone line, and does, in Hz.
const ABOVE_LINE_HZ: (f64, f64) = (240.0, 320.0);

/// The running centre of F0 on an octave axis, moved by a fixed step towards every voiced frame: a running median.
#[derive(Debug, Clone, Copy)]
pub struct UsualPitch {
    octaves: f64,
    frames: u32,
}

impl Default for UsualPitch {
    fn default() -> Self {
        Self { octaves: BEGIN_HZ.log2(), frames: 0 }
    }
}

impl UsualPitch {
    /// Takes the F0 of a voiced frame, as `log2` of Hz.
    pub fn hear(&mut self, octaves: f64) {
        self.octaves += (octaves - self.octaves).clamp(-STEP, STEP);
        self.frames = (self.frames + 1).min(FULL);
    }

    /// How far the usual pitch lies above the lower edge of a telephone line, which then carries the fundamental whatever it
    /// removes: 0 to 1, and 0 before half a second of voice has been heard.
    #[must_use]
    pub fn above_line(&self) -> f64 {
        if self.frames < FULL {
            return 0.0;
        }
        let (from, to) = (ABOVE_LINE_HZ.0.log2(), ABOVE_LINE_HZ.1.log2());
        ((self.octaves - from) / (to - from)).clamp(0.0, 1.0)
    }

    /// What a candidate at `octaves` (`log2` of Hz) costs: the square of its distance, up to a bound, and nothing before a
    /// quarter of a second of voice has been heard.
    #[must_use]
    pub fn cost(&self, octaves: f64) -> f64 {
        let distance = octaves - self.octaves;
        f64::from(self.frames.saturating_sub(FIRST)) / f64::from(FULL - FIRST) * (COST * distance * distance).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_voice_and_forgets_it() {
        let mut usual = UsualPitch::default();
        assert_eq!(usual.cost(9.0), 0.0);
        (0..60).for_each(|_| usual.hear(100f64.log2()));
        assert_eq!(usual.cost(100f64.log2()), 0.0);
        assert!((usual.cost(200f64.log2()) - COST).abs() < 1e-12);
        assert!(usual.cost(800f64.log2()) == MOST);
        (0..60).for_each(|_| usual.hear(200f64.log2()));
        assert_eq!(usual.cost(200f64.log2()), 0.0);
    }

    #[test]
    fn a_high_voice_lies_above_the_line() {
        let mut usual = UsualPitch::default();
        (0..49).for_each(|_| usual.hear(400f64.log2()));
        assert_eq!(usual.above_line(), 0.0, "half a second has to be heard first");
        (0..60).for_each(|_| usual.hear(400f64.log2()));
        assert_eq!(usual.above_line(), 1.0);
        (0..60).for_each(|_| usual.hear((240.0 * (4f64 / 3.0).sqrt()).log2()));
        assert!((usual.above_line() - 0.5).abs() < 1e-9);
        (0..60).for_each(|_| usual.hear(200f64.log2()));
        assert_eq!(usual.above_line(), 0.0);
    }
}
