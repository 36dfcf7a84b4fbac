//! Settings of a probe.

/// Extent of a probe: how often it draws, how many frames and recordings it samples, and what is erased beside groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// Draws of speakers for intervals.
    pub draws: usize,
    /// Times that targets are shuffled.
    pub shuffles: usize,
    /// Random erasures of the read-out for each that is asked for.
    pub erasures: usize,
    /// Single features that are erased, beside the groups.
    pub features: Vec<String>,
    /// Layers, evenly spread over the blocks, from which the model is run on with an erased state.
    pub score_layers: usize,
    /// Recordings, evenly spread over the speakers, for which it is.
    pub score_recordings: usize,
    /// Random erasures for each of these.
    pub score_erasures: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            draws: 500,
            shuffles: 3,
            erasures: 39,
            features: Vec::new(),
            score_layers: 5,
            score_recordings: 10,
            score_erasures: 19,
        }
    }
}

/// Frames of a recording whose states are kept.
pub const FRAMES: usize = 6;
