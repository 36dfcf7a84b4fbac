//! What can be wrong with a voice that is to be altered: each variant says what was expected and what came.

use super::property::Property;
use crate::error::InputError;
use crate::signal::samples::LARGEST;
use std::error::Error;
use std::fmt;

/// Why a voice could not be altered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AlterError {
    /// Audio that cannot be analysed.
    Input(InputError),
    /// A sample that is no number or beyond all sound.
    NotASample {
        /// Place of the sample.
        at: usize,
        /// Value that came.
        found: f32,
    },
    /// No voiced frame, and a property of the voice.
    NoVoice(Property),
    /// F0 that would leave the range of voices, 60 to 600 Hz, in every frame.
    NoSuchVoice {
        /// Median F0 that would come, in Hz.
        found_hz: f64,
    },
    /// An HNR so low that no voice is heard in the noise any more.
    NoisierThanAVoice {
        /// HNR that was asked for, in dB.
        asked_db: f64,
        /// Nearest median HNR that came, in dB; `None` where none did.
        nearest_db: Option<f64>,
    },
    /// Sound beyond what the analysis takes for sound.
    TooLoud {
        /// Largest sample that would come, relative to full scale.
        found: f32,
    },
    /// An HNR above the one that there is: noise is added, never taken away.
    ClearerThanItIs {
        /// HNR that was asked for, in dB.
        asked_db: f64,
        /// Median HNR of the voice, in dB.
        present_db: f64,
    },
}

impl From<InputError> for AlterError {
    fn from(e: InputError) -> Self {
        Self::Input(e)
    }
}

impl fmt::Display for AlterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(e) => e.fmt(f),
            Self::NotASample { at, found } => {
                write!(f, "sample {at} is {found}: expected a number that is sound; mend the file first")
            }
            Self::NoVoice(p) => write!(
                f,
                "no voiced frame: {} is a property of a voice, and none was found; choose a channel in which somebody speaks",
                p.name()
            ),
            Self::NoisierThanAVoice { asked_db, nearest_db } => {
                write!(f, "an HNR of {asked_db:.1} dB was asked for: expected a higher one")?;
                match nearest_db {
                    Some(db) => write!(f, "; the nearest that came is {db:.1} dB"),
                    None => write!(f, "; no voice was heard in the noise any more"),
                }
            }
            Self::TooLoud { found } => {
                write!(
                    f,
                    "a sample would come to {found} times full scale: expected at most {LARGEST}; ask for a lower level"
                )
            }
            Self::NoSuchVoice { found_hz } => {
                write!(
                    f,
                    "F0 would come to {found_hz:.0} Hz at the median and lie outside 60 to 600 Hz everywhere: expected a smaller dose"
                )
            }
            Self::ClearerThanItIs { asked_db, present_db } => write!(
                f,
                "an HNR of {asked_db:.1} dB was asked for and the voice has {present_db:.1} dB: expected at most that; noise is added, never \
                 taken away"
            ),
        }
    }
}

impl Error for AlterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Input(e) => Some(e),
            _ => None,
        }
    }
}
