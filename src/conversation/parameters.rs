//! Parameters of the measures: the thresholds in their definitions.

use crate::error::ConfigError;

/// Thresholds of the measures, in frames of 10 ms. There is no common definition of an interruption or a backchannel, so these
/// are stated in every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Speech of a party is one spurt as long as its pauses are shorter than this. Default 0.2 s (inter-pausal units).
    pub spurt_pause: u32,
    /// A spurt with less speech than this is none: it takes no turn and is no backchannel. Default 0.1 s.
    pub spurt_least: u32,
    /// Silence of all parties longer than this is non-talk. Default 3 s.
    pub non_talk: u32,
    /// An interruption begins at least this far into the other's spurt. Default 1 s.
    pub interruption_into: u32,
    /// It overlaps the other's spurt by at least this. Default 0.5 s.
    pub interruption_overlap: u32,
    /// It goes on for at least this after the other has stopped. Default 1 s.
    pub interruption_after: u32,
    /// A backchannel is at most this long. Default 1 s.
    pub backchannel: u32,
    /// A mean of scores rests on at least so much speech. Default 3 s.
    pub score_speech: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            spurt_pause: 20,
            spurt_least: 10,
            non_talk: 300,
            interruption_into: 100,
            interruption_overlap: 50,
            interruption_after: 100,
            backchannel: 100,
            score_speech: 300,
        }
    }
}

impl Parameters {
    /// Longest threshold, in frames: one minute.
    pub const LONGEST: u32 = 6_000;

    /// The thresholds with their names in records, in seconds.
    #[must_use]
    pub fn named(&self) -> [(&'static str, f64); 8] {
        // Every field is named here: a new one does not compile until it has a name.
        let Self {
            spurt_pause,
            spurt_least,
            non_talk,
            interruption_into,
            interruption_overlap,
            interruption_after,
            backchannel,
            score_speech,
        } = *self;
        [
            ("spurt_pause_s", spurt_pause),
            ("spurt_least_s", spurt_least),
            ("non_talk_s", non_talk),
            ("interruption_into_s", interruption_into),
            ("interruption_overlap_s", interruption_overlap),
            ("interruption_after_s", interruption_after),
            ("backchannel_s", backchannel),
            ("score_speech_s", score_speech),
        ]
        .map(|(name, frames)| (name, f64::from(frames) / 100.0))
    }

    /// The thresholds out of their names in records and seconds; names that are not known are left out.
    pub(super) fn from_named<'a>(named: impl Iterator<Item = (&'a str, f64)>) -> Result<Self, String> {
        let mut p = Self::default();
        let Self {
            spurt_pause,
            spurt_least,
            non_talk,
            interruption_into,
            interruption_overlap,
            interruption_after,
            backchannel,
            score_speech,
        } = &mut p;
        let places = [
            spurt_pause,
            spurt_least,
            non_talk,
            interruption_into,
            interruption_overlap,
            interruption_after,
            backchannel,
            score_speech,
        ];
        let names = Self::default().named().map(|n| n.0);
        let mut missing: Vec<&str> = names.to_vec();
        for (name, seconds) in named {
            let Some(k) = names.iter().position(|n| *n == name) else { continue };
            let frames = (seconds * 100.0).round();
            if !(1.0..=f64::from(Self::LONGEST)).contains(&frames) {
                return Err(format!("parameters.{name}: {seconds}, expected 0.01 to {} s", Self::LONGEST / 100));
            }
            *places[k] = frames as u32;
            missing.retain(|n| *n != name);
        }
        match missing.first() {
            Some(name) => Err(format!("parameters.{name} is missing")),
            None => Ok(p),
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ConfigError::Range`] for a threshold of 0 or beyond one minute.
    pub fn check(&self) -> Result<(), ConfigError> {
        let longest = f64::from(Self::LONGEST) / 100.0;
        match self.named().into_iter().find(|(_, s)| !(0.01..=longest).contains(s)) {
            Some((name, found)) => Err(ConfigError::Range { name, found, expected: "0.01 to 60 s" }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_enforced() {
        let good = Parameters::default();
        assert_eq!(good.check(), Ok(()));
        for bad in [
            Parameters { spurt_pause: 0, ..good },
            Parameters { interruption_after: 0, ..good },
            Parameters { non_talk: Parameters::LONGEST + 1, ..good },
            Parameters { score_speech: u32::MAX, ..good },
        ] {
            assert!(matches!(bad.check(), Err(ConfigError::Range { .. })), "{bad:?}");
        }
    }
}
