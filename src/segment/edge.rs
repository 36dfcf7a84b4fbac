//! Edges of speech: where somebody begins to speak, and where they have ended.

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
