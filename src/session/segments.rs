//! What becomes a result of a session, in durations.

use crate::analyzer::{Segmentation, WindowConfig};
use crate::segment::utterance::UtteranceConfig;
use crate::signal::clock::{ns_to_samples, samples_to_ns};
use std::time::Duration;

/// What becomes a result.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Segments {
    /// The whole stream, at its end.
    #[default]
    Whole,
    /// Sliding windows.
    Windows(Windows),
    /// Utterances: speech between two pauses.
    Utterances(Utterances),
}

/// Samples at 16 kHz in a duration, to the nearest one.
fn samples(time: Duration) -> u64 {
    ns_to_samples(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2))
}

fn duration(samples: u64) -> Duration {
    Duration::from_nanos(samples_to_ns(samples))
}

impl From<Segments> for Segmentation {
    fn from(segments: Segments) -> Self {
        match segments {
            Segments::Whole => Self::File,
            Segments::Windows(w) => Self::Windows(w.into()),
            Segments::Utterances(u) => Self::Utterances(u.0),
        }
    }
}

impl From<Windows> for Segments {
    fn from(windows: Windows) -> Self {
        Self::Windows(windows)
    }
}

impl From<Utterances> for Segments {
    fn from(utterances: Utterances) -> Self {
        Self::Utterances(utterances)
    }
}

/// Sliding windows of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    length: Duration,
    hop: Duration,
}

impl Windows {
    /// Windows of `length` (0.1 to 300 s) that start every `hop` (0.01 to 300 s).
    #[must_use]
    pub const fn new(length: Duration, hop: Duration) -> Self {
        Self { length, hop }
    }
}

impl Default for Windows {
    /// Three seconds, every second.
    fn default() -> Self {
        let w = WindowConfig::default();
        Self::new(duration(w.length), duration(w.hop))
    }
}

impl From<Windows> for WindowConfig {
    fn from(w: Windows) -> Self {
        Self { length: samples(w.length), hop: samples(w.hop) }
    }
}

/// Utterances by voice activity detection.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Utterances(UtteranceConfig);

impl Utterances {
    /// A pause this long ends an utterance: 0.02 to 10 s; without this call 0.5 s.
    #[must_use]
    pub fn min_pause(mut self, time: Duration) -> Self {
        self.0.min_pause = samples(time);
        self.0.hangover = self.0.hangover.min(self.0.min_pause);
        self
    }

    /// Less speech than this is no utterance; without this call 0.25 s.
    #[must_use]
    pub fn min_speech(mut self, time: Duration) -> Self {
        self.0.min_speech = samples(time);
        self
    }

    /// An utterance this long is cut: 1 to 300 s; without this call 15 s.
    #[must_use]
    pub fn max_length(mut self, time: Duration) -> Self {
        self.0.max_length = samples(time);
        self
    }

    /// A long utterance has an interim result whenever it has grown by this (0.1 s or more); without this call every 2 s.
    #[must_use]
    pub fn interim(mut self, every: Duration) -> Self {
        self.0.interim = samples(every);
        self
    }

    /// No interim results.
    #[must_use]
    pub fn final_only(mut self) -> Self {
        self.0.interim = 0;
        self
    }

    /// Probability of speech, above 0 and below 1, from which 16 ms count as speech; without this call 0.5.
    #[must_use]
    pub fn threshold(mut self, probability: f32) -> Self {
        self.0.threshold = probability;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_the_samples_of_the_analyzer() {
        let second = Duration::from_secs(1);
        let windows = Segmentation::from(Segments::from(Windows::new(3 * second, second / 100)));
        assert_eq!(windows, Segmentation::Windows(WindowConfig { length: 48_000, hop: 160 }));
        assert_eq!(WindowConfig::from(Windows::default()), WindowConfig::default());
        let defaults = Segmentation::from(Segments::from(Utterances::default()));
        assert_eq!(defaults, Segmentation::Utterances(UtteranceConfig::default()));
        let set = Utterances::default()
            .min_pause(second / 20)
            .min_speech(second / 10)
            .max_length(5 * second)
            .interim(second)
            .threshold(0.7);
        let expected = UtteranceConfig {
            threshold: 0.7,
            hangover: 800,
            min_speech: 1_600,
            min_pause: 800,
            max_length: 80_000,
            interim: 16_000,
        };
        assert_eq!((set.0, set.final_only().0.interim), (expected, 0));
        assert!(samples(Duration::MAX) > UtteranceConfig::LONGEST);
    }
}
