//! Decisions: the detector's frames of 16 ms as voice activity of the pieces of 10 ms, as far as these stand above the noise.

use super::noise_gate::NoiseGate;
use crate::segment::vad::VAD_FRAME;
use crate::signal::HOP;
use std::collections::VecDeque;

/// What was decided of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analyzer) struct Decision {
    /// The detector takes it for speech, and it stands above steady noise.
    pub speech: bool,
    /// Some of it is lost, or no number.
    pub bad: bool,
}

/// Decisions of one channel. The one in which the middle of a piece lies counts for it.
#[derive(Debug)]
pub(super) struct Decisions {
    /// Pieces that were taken and not decided: whether they are bad, and whether they stand above the noise.
    waiting: VecDeque<(bool, bool)>,
    gate: NoiseGate,
    decided: VecDeque<Decision>,
    /// Pieces decided, and samples that the detector has decided on.
    pieces: u64,
    samples: u64,
    /// The latest decision.
    speech: bool,
}

impl Decisions {
    /// None yet.
    pub fn new() -> Self {
        Self {
            waiting: VecDeque::with_capacity(32),
            gate: NoiseGate::new(),
            decided: VecDeque::with_capacity(32),
            pieces: 0,
            samples: 0,
            speech: false,
        }
    }

    /// Takes the next piece. What is bad tells nothing of the noise.
    pub fn take(&mut self, piece: &[f32], bad: bool) {
        let above = bad || self.gate.hear(piece);
        self.waiting.push_back((bad, above));
    }

    /// Takes the next decision.
    pub fn decide(&mut self, speech: bool) {
        self.samples += VAD_FRAME as u64;
        self.speech = speech;
        let middle = |piece: u64| piece * HOP as u64 + HOP as u64 / 2;
        while middle(self.pieces) < self.samples {
            self.emit();
        }
    }

    fn emit(&mut self) {
        let (bad, above) = self.waiting.pop_front().unwrap_or((false, true));
        self.decided.push_back(Decision { speech: self.speech && above, bad });
        self.pieces += 1;
    }

    /// The stream ends: for its last few milliseconds the latest decision counts.
    pub fn finish(&mut self) {
        while !self.waiting.is_empty() {
            self.emit();
        }
    }

    /// The next piece that is decided.
    pub fn next(&mut self) -> Option<Decision> {
        self.decided.pop_front()
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.waiting.clear();
        self.gate.reset();
        self.decided.clear();
        (self.pieces, self.samples, self.speech) = (0, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_the_decision_of_its_middle() {
        let mut d = Decisions::new();
        let mut found = Vec::new();
        let spoken = |frame: u64| frame % 3 == 1 || frame > 40;
        for piece in 0..100u64 {
            d.take(&[], piece % 10 == 9);
            // The detector hears what was taken.
            while (d.samples / VAD_FRAME as u64 + 1) * VAD_FRAME as u64 <= (piece + 1) * HOP as u64 {
                d.decide(spoken(d.samples / VAD_FRAME as u64));
            }
            found.extend(std::iter::from_fn(|| d.next()));
        }
        assert!(found.len() >= 98);
        d.finish();
        found.extend(std::iter::from_fn(|| d.next()));
        assert_eq!(found.len(), 100);
        for (piece, decision) in found.iter().enumerate() {
            let frame = (piece as u64 * 160 + 80) / 256;
            assert_eq!(*decision, Decision { speech: spoken(frame.min(61)), bad: piece % 10 == 9 }, "piece {piece}");
        }
    }
}
