//! What can be wrong with input and settings: each variant says what was expected and what came.

use std::error::Error;
use std::fmt;

/// Audio that cannot be analysed as it came. Nothing that was already computed is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError {
    /// The sample rate lies outside 8 to 192 kHz.
    Rate {
        /// The rate that came, in Hz.
        found: u32,
    },
    /// A block of audio without channels.
    NoChannels,
    /// Interleaved samples whose number is no multiple of the channel count.
    RaggedFrames {
        /// Number of samples that came.
        samples: usize,
        /// Number of channels they were said to have.
        channels: usize,
    },
    /// Planes of unequal length.
    UnequalPlanes {
        /// Length of the first plane.
        expected: usize,
        /// Length of the plane that differs.
        found: usize,
        /// Which plane differs.
        channel: usize,
    },
    /// A block with another number of channels than the analyzer was made for.
    Channels {
        /// Channels the analyzer was made for.
        expected: usize,
        /// Channels that came.
        found: usize,
    },
    /// Samples after the end of the stream was declared.
    Finished,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { found } => {
                write!(f, "sample rate {found} Hz: expected 8000 to 192000 Hz; resample the audio before")
            }
            Self::NoChannels => write!(f, "audio with 0 channels: expected at least 1; say how many are interleaved"),
            Self::RaggedFrames { samples, channels } => {
                write!(
                    f,
                    "{samples} interleaved samples are no whole number of frames of {channels} channels: keep the rest for the next block"
                )
            }
            Self::UnequalPlanes { expected, found, channel } => {
                write!(f, "plane {channel} has {found} samples: expected {expected}, as many as plane 0")
            }
            Self::Channels { expected, found } => {
                write!(
                    f,
                    "a block with {found} channels: expected {expected}; audio of another form needs an analysis of its own"
                )
            }
            Self::Finished => write!(f, "samples after the end of the stream: reset the analyzer first"),
        }
    }
}

impl Error for InputError {}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number outside its range.
    Range {
        /// Name of the setting.
        name: &'static str,
        /// The value that came.
        found: f64,
        /// The accepted range, in words.
        expected: &'static str,
    },
    /// A channel that the stream does not have.
    NoSuchChannel {
        /// The channel asked for.
        found: usize,
        /// Number of channels of the stream.
        channels: usize,
    },
    /// A name that is not known.
    Unknown {
        /// What the name is of.
        what: &'static str,
        /// The name that came.
        found: String,
        /// The names that are known.
        known: String,
    },
    /// The audio itself cannot be analysed.
    Input(InputError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { name, found, expected } => write!(f, "{name} = {found}: expected {expected}"),
            Self::NoSuchChannel { found, channels } => {
                write!(f, "channel {found} of a stream with {channels} channels (the first is 0)")
            }
            Self::Unknown { what, found, known } => {
                write!(f, "unknown {what} \"{found}\": expected one of {known}")
            }
            Self::Input(e) => e.fmt(f),
        }
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Input(e) => Some(e),
            _ => None,
        }
    }
}

impl From<InputError> for ConfigError {
    fn from(e: InputError) -> Self {
        Self::Input(e)
    }
}
