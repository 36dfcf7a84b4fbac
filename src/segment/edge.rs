//! Edges of speech: where somebody begins to speak, and where they have ended.

use super::vad::VAD_FRAME;

/// Edge of speech on one channel, in samples at 16 kHz counted from the last cut of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The first frame of 16 ms that the detector takes for speech, after a pause or at the beginning.
    Started {
        /// Its first sample.
        at: u64,
    },
    /// A pause, or the end of the stream, has ended it.
    Ended {
        /// One past its last sample, the hang-over included.
        at: u64,
        /// There was enough speech for an utterance, which has a result of its own.
        utterance: bool,
    },
}

/// Somebody speaks.
#[derive(Debug, Clone, Copy)]
pub struct Speaking {
    /// One past the last sample of speech.
    until: u64,
    /// There is enough of it for an utterance.
    enough: bool,
}

impl Speaking {
    /// Takes the next frame of 16 ms, which ends at `end`, into what is known so far. Gives the edge that this decides.
    pub fn hear(
        known: &mut Option<Self>,
        speech: bool,
        enough: bool,
        end: u64,
        pause: u64,
        hangover: u64,
    ) -> Option<Edge> {
        match known {
            None if speech => {
                *known = Some(Self { until: end, enough });
                Some(Edge::Started { at: end - VAD_FRAME as u64 })
            }
            None => None,
            Some(s) => {
                s.enough |= enough;
                if speech {
                    s.until = end;
                }
                let decided = (end - s.until >= pause).then(|| s.ends(end, hangover));
                if decided.is_some() {
                    *known = None;
                }
                decided
            }
        }
    }

    /// Where it has ended if nothing follows on `position`.
    #[must_use]
    pub fn ends(&self, position: u64, hangover: u64) -> Edge {
        Edge::Ended { at: (self.until + hangover).min(position.max(self.until)), utterance: self.enough }
    }
}
