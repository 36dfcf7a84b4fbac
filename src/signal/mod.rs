//! Samples to spectra: sample views, resampling to 16 kHz, frames, windows and transforms.

pub mod clock;
pub mod conceal;
pub mod fourier;
pub mod frames;
pub mod history;
pub mod holes;
pub mod level;
pub mod log;
pub mod mel;
pub mod offset;
pub mod random;
pub mod resample;
pub mod samples;
pub mod side;
pub mod spectrum;
pub mod spline;
pub mod sums;
pub(crate) mod wide;
pub mod window;

/// The rate at which everything is analysed, in Hz.
pub const RATE_HZ: u32 = 16_000;
/// Distance between frame starts, in samples at 16 kHz (10 ms).
pub const HOP: usize = 160;
/// Length of a short frame, in samples at 16 kHz (20 ms).
pub const SHORT: usize = 320;
/// Length of a pitch frame, in samples at 16 kHz (60 ms).
pub const PITCH: usize = 960;
