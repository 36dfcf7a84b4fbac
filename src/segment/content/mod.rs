//! Speech test of a segment: speech, or tones, notes and noise that the detector let through.
//!
//! The detector hears 16 ms and little before; here whole segments are looked at. Every 20 ms leave a [`Clue`]; the clues
//! of a segment give measures, and their weighted sum says whether it is speech.

pub mod clue;
mod judge;
mod measures;
mod nuclei;
mod period;
mod weights;

use crate::signal::HOP;
use crate::signal::frames::ShortFrame;
use clue::{Clue, Clues, HOPS};
use judge::Tally;

/// Samples at 16 kHz per clue.
const SAMPLES: u64 = HOPS * HOP as u64;
/// Clues that are judged together: 5 s.
const STRETCH: usize = 250;
/// From this many on they are more than one stretch.
const LONG: usize = STRETCH + STRETCH / 2;

/// What the clues of a segment say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The segment is speech, or too short to tell.
    pub speech: bool,
    /// Share of what the detector took for speech that lies in stretches which are speech, 0 to 1.
    pub share: f32,
}

/// The content of one channel: its recent clues, or those of a whole stream, summed up.
#[derive(Debug)]
pub struct Content {
    clues: Clues,
    ring: Vec<Clue>,
    /// Clues so far.
    count: u64,
    /// Those of the segment at hand, in order.
    together: Vec<Clue>,
    scratch: measures::Scratch,
    /// Whole streams: what was judged, and up to which clue.
    whole: Option<(Tally, u64)>,
}

/// Measures by name; `None` is one with too little to go by.
pub type Measured = Vec<(&'static str, Option<f32>)>;

/// Evidence that a stretch is speech, in natural logarithms of odds, and the measures that it follows from by name, `None`
/// where one has too little to go by. Too few clues that the detector took for speech give `None`.
#[must_use]
pub fn evidence(clues: &[Clue]) -> Option<(f64, Measured)> {
    let (values, _) = measures::measures(clues, &mut measures::Scratch::default())?;
    let named = weights::WEIGHTS.iter().zip(values).map(|(w, v)| (w.name, v)).collect();
    Some((judge::evidence(&values), named))
}

impl Content {
    /// For segments of at most `hops` hops, or for a whole stream, which is judged as it comes.
    #[must_use]
    pub fn new(hops: usize, whole: bool) -> Self {
        let kept = if whole { LONG + 1 } else { hops / HOPS as usize + 1 };
        Self {
            clues: Clues::default(),
            ring: vec![Clue::default(); kept],
            count: 0,
            together: Vec::with_capacity(kept),
            scratch: measures::Scratch::new(LONG),
            whole: whole.then(|| (Tally::default(), 0)),
        }
    }

    /// Takes a short frame, and the detector's probability of speech.
    pub fn short(&mut self, frame: &ShortFrame<'_>, speech: f32) {
        let Some((at, clue)) = self.clues.short(frame, speech) else { return };
        let slot = (at % self.ring.len() as u64) as usize;
        self.ring[slot] = clue;
        self.count = at + 1;
        if let Some((mut tally, from)) = self.whole
            && self.count - from >= LONG as u64
        {
            self.gather(from, from + STRETCH as u64);
            tally.push(&self.together, &mut self.scratch);
            self.whole = Some((tally, from + STRETCH as u64));
        }
    }

    /// Whether the samples `start .. end` are speech. A segment that is the whole stream begins with it.
    pub fn verdict(&mut self, start: u64, end: u64) -> Verdict {
        let (mut tally, first) = self.whole.unwrap_or((Tally::default(), start.div_ceil(SAMPLES)));
        let last = (end / SAMPLES).min(self.count).max(first);
        self.gather(first, last);
        let mut rest = &self.together[..];
        while rest.len() >= LONG {
            let (now, later) = rest.split_at(STRETCH);
            tally.push(now, &mut self.scratch);
            rest = later;
        }
        tally.push(rest, &mut self.scratch);
        tally.verdict()
    }

    fn gather(&mut self, from: u64, to: u64) {
        self.together.clear();
        let kept = self.ring.len() as u64;
        // What has left the ring is not looked at; segments fit into it.
        let from = from.max(to.saturating_sub(kept));
        self.together.extend((from..to).map(|k| self.ring[(k % kept) as usize]));
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.clues.reset();
        self.count = 0;
        if let Some(w) = &mut self.whole {
            *w = (Tally::default(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::frames::{FrameSink, Frames, PitchFrame};

    struct Sink(Content);

    impl FrameSink for Sink {
        fn short(&mut self, frame: &ShortFrame<'_>) {
            self.0.short(frame, 0.9);
        }

        fn pitch(&mut self, _: &PitchFrame<'_>) {}
    }

    fn heard(content: Content, x: &[f32]) -> Content {
        let (mut frames, mut sink) = (Frames::new(960), Sink(content));
        for hop in x.chunks(HOP) {
            frames.push(hop, &mut sink);
        }
        sink.0
    }

    fn tone(seconds: usize) -> Vec<f32> {
        (0..seconds * 16_000).map(|i| 0.3 * (i as f32 * 425.0 / 16_000.0 * std::f32::consts::TAU).sin()).collect()
    }

    #[test]
    fn whole_streams_and_segments_are_judged_alike() {
        for seconds in [2, 7, 8, 21] {
            let (x, end) = (tone(seconds), seconds as u64 * 16_000);
            let mut whole = heard(Content::new(64, true), &x);
            let mut segment = heard(Content::new(seconds * 100, false), &x);
            assert_eq!(whole.verdict(0, end), segment.verdict(0, end), "{seconds} s");
            assert_eq!(whole.verdict(0, end), Verdict { speech: false, share: 0.0 }, "{seconds} s");
            assert_eq!(whole.verdict(0, end), whole.verdict(0, end), "asking changes nothing");
        }
    }

    #[test]
    fn nothing_heard_is_not_judged_and_reset_equals_new() {
        let mut content = heard(Content::new(64, true), &tone(9));
        content.reset();
        assert_eq!(content.verdict(0, 0), Verdict { speech: true, share: 1.0 });
        let x = tone(2);
        assert_eq!(heard(content, &x).verdict(0, 32_000), heard(Content::new(64, true), &x).verdict(0, 32_000));
    }
}
