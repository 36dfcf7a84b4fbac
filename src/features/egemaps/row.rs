//! What one frame of the stream hands on: smoothed contours, ready for rows of descriptors and for functionals.

use super::{LLDS, SHORT_COLUMNS};

/// Descriptors of the short (20 ms) frames, smoothed over three frames.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShortRow {
    /// Loudness, alpha ratio, Hammarberg index, both slopes, flux, MFCC 1 to 4, in the order of the columns.
    pub columns: [f32; SHORT_COLUMNS],
    /// Mean square of the frame itself, not smoothed.
    pub mean_square: f32,
    /// A sample under the frame or under those it is smoothed with was no number.
    pub bad: bool,
}

/// Voice contours of one frame as the functionals use them: 0 stands for "no value here".
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct VoiceRow {
    /// F0 in semitones above 27.5 Hz.
    pub f0: f32,
    /// Jitter, shimmer, HNR, H1-H2, H1-A3, then frequency, bandwidth and amplitude of each formant.
    pub voice: [f32; 14],
    /// Alpha ratio, Hammarberg index, slopes, flux, MFCC 1 to 4 of voiced frames.
    pub voiced: [f32; 9],
    /// Alpha ratio, Hammarberg index, slopes, flux of unvoiced frames.
    pub unvoiced: [f32; 5],
    /// A sample under the frame or under those it is smoothed with was no number.
    pub bad: bool,
}

/// One row of the 25 low-level descriptors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LldRow {
    /// The columns in the order of the catalogue.
    pub columns: [f32; LLDS],
    /// A sample under the row was no number: the columns mean nothing.
    pub bad: bool,
}

/// Where the frames of a stream go. Short rows come in order, voice rows in order and later than the short row of the
/// same index, rows of descriptors in order.
pub trait Sink {
    /// Short frame `index` is complete.
    fn short(&mut self, index: u64, row: &ShortRow);
    /// Voice frame `index` is complete. `counted` is false for the frames that whole-file functionals leave out.
    fn voice(&mut self, index: u64, row: &VoiceRow, counted: bool);
    /// Row `index` of the low-level descriptors is complete.
    fn lld(&mut self, index: u64, row: &LldRow);
}
