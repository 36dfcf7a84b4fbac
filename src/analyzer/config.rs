//! Configuration of the analyzer: feature sets, segmentation, channels, scoring.

use super::Scorer;
use crate::conversation::Parameters;
use crate::error::ConfigError;
use crate::features::catalogue::{self, Entry};
use crate::features::{affect, egemaps};
use crate::record::Policy;
use crate::segment::utterance::UtteranceConfig;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A feature set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FeatureSet {
    /// `affect-v1`: features that mean what their names say.
    #[default]
    AffectV1,
    /// eGeMAPSv02, compatible with existing tables and models.
    EgemapsV02,
}

impl FeatureSet {
    /// All sets.
    pub const ALL: [Self; 2] = [Self::AffectV1, Self::EgemapsV02];

    /// Name of the set.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AffectV1 => affect::NAME,
            Self::EgemapsV02 => egemaps::NAME,
        }
    }

    /// Version of the set.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::AffectV1 => affect::VERSION,
            Self::EgemapsV02 => egemaps::VERSION,
        }
    }

    /// Whether it is defined on the samples as they were recorded; others are on samples without their offset (DC).
    #[must_use]
    pub const fn as_recorded(self) -> bool {
        match self {
            Self::AffectV1 => false,
            Self::EgemapsV02 => true,
        }
    }

    /// Its low-level descriptors, in the order of its tables.
    #[must_use]
    pub fn llds(self) -> &'static [Entry] {
        match self {
            Self::AffectV1 => catalogue::affect_llds(),
            Self::EgemapsV02 => catalogue::egemaps_llds(),
        }
    }

    /// Its functionals, in the order of its tables.
    #[must_use]
    pub fn functionals(self) -> &'static [Entry] {
        match self {
            Self::AffectV1 => catalogue::affect_functionals(),
            Self::EgemapsV02 => catalogue::egemaps_functionals(),
        }
    }

    /// Sets by name, several with commas.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] naming the sets there are, also for an empty list.
    pub fn list(names: &str) -> Result<Vec<Self>, ConfigError> {
        let mut sets: Vec<Self> = Vec::new();
        for set in names.split(',').map(|n| n.trim().parse()) {
            let set = set?;
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
        Ok(sets)
    }
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FeatureSet {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|set| set.name() == s).ok_or_else(|| ConfigError::Unknown {
            what: "feature set",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Sliding windows; lengths in samples at 16 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowConfig {
    /// Length of a window. Default 3 s.
    pub length: u64,
    /// Distance between the starts of windows. Default 1 s.
    pub hop: u64,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self { length: 48_000, hop: 16_000 }
    }
}

/// Segmentation: which stretches of a stream become results.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Segmentation {
    /// Every frame of 10 ms: low-level descriptors instead of functionals. The set's rules for the end of the input
    /// apply.
    Frames,
    /// Sliding windows.
    Windows(WindowConfig),
    /// Utterances by voice activity detection.
    Utterances(UtteranceConfig),
    /// The whole stream. The set's rules for the end of the input apply.
    File,
}

/// Channel selection: which channels are analysed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ChannelMode {
    /// Each channel by itself.
    #[default]
    Each,
    /// The mean of all channels.
    Mix,
    /// These channels, each by itself.
    List(Vec<usize>),
}

impl FromStr for ChannelMode {
    type Err = ConfigError;

    /// `per-channel`, `mix`, or channel numbers with commas.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let unknown = || ConfigError::Unknown {
            what: "channel mode",
            found: s.to_owned(),
            known: "per-channel, mix, or channel numbers such as 0,2".to_owned(),
        };
        match s {
            "per-channel" => Ok(Self::Each),
            "mix" => Ok(Self::Mix),
            _ => {
                let mut channels = s
                    .split(',')
                    .map(|c| c.trim().parse::<usize>().map_err(|_| unknown()))
                    .collect::<Result<Vec<_>, _>>()?;
                channels.sort_unstable();
                channels.dedup();
                Ok(Self::List(channels))
            }
        }
    }
}

impl fmt::Display for ChannelMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Each => f.write_str("per-channel"),
            Self::Mix => f.write_str("mix"),
            Self::List(list) => f.write_str(&list.iter().map(usize::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

/// Settings of the measures of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConversationConfig {
    /// An interim one comes whenever so many samples at 16 kHz have passed; 0 (the default) for none. At least 1 s.
    pub interval: u64,
    /// Thresholds of the measures.
    pub parameters: Parameters,
}

impl ConversationConfig {
    /// Longest time between interim ones, in samples at 16 kHz: one day.
    pub const LONGEST: u64 = 86_400 * 16_000;

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ConfigError::Range`] naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.interval != 0 && !(16_000..=Self::LONGEST).contains(&self.interval) {
            return Err(ConfigError::Range {
                name: "conversation-interval",
                found: self.interval as f64 / 16_000.0,
                expected: "0 (at the end only), or 1 to 86400 s",
            });
        }
        self.parameters.check()
    }
}

/// Settings of an analyzer.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The feature sets; each makes records of its own. They share frames and spectra.
    pub sets: Vec<FeatureSet>,
    /// What becomes a result.
    pub segmentation: Segmentation,
    /// Which channels are analysed.
    pub channels: ChannelMode,
    /// Roles of the channels in order (`agent`, `caller`); an empty name is no role.
    pub roles: Vec<Arc<str>>,
    /// Names of the speakers on the channels, in order; an empty name leaves the speaker unknown. Names tell whether a channel goes on with
    /// what is usual for its speaker ([`super::Analyzer::adopt`]); no result carries them.
    pub speakers: Vec<Arc<str>>,
    /// Name of the stream, part of every identity.
    pub stream: Arc<str>,
    /// Name of whoever makes the records.
    pub source: Arc<str>,
    /// Run voice activity detection for the quality of windows and whole files too (utterances, and what a model may
    /// score, always do).
    pub voice_activity: bool,
    /// Compare the features of `affect-v1` with what is usual for the speaker of the channel, learnt as they speak.
    pub baseline: bool,
    /// The model that scores segments, if any. Its feature set must be among the sets.
    pub scorer: Option<Arc<Scorer>>,
    /// Leave scoring to whoever takes the records: [`super::Analyzer::score`], from any thread.
    pub deferred: bool,
    /// Analyse channels that carry the same samples (dual mono) once. Single frames are always those of every channel.
    pub collapse_dual_mono: bool,
    /// Policies of the channels in order, as far as they are not left to the roles: [`super::Policies`].
    pub policy: Vec<Option<Policy>>,
    /// Follow the conversation of the channels, each being a party: [`super::Output::Conversation`]. All other results are the same with it and without.
    pub conversation: Option<ConversationConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sets: vec![FeatureSet::default()],
            segmentation: Segmentation::File,
            channels: ChannelMode::default(),
            roles: Vec::new(),
            speakers: Vec::new(),
            stream: "stream".into(),
            source: "affect".into(),
            voice_activity: true,
            baseline: false,
            scorer: None,
            deferred: false,
            collapse_dual_mono: true,
            policy: Vec::new(),
            conversation: None,
        }
    }
}

impl Config {
    /// Longest window, in samples (five minutes): memory grows with it.
    pub const LONGEST_WINDOW: u64 = UtteranceConfig::LONGEST;

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ConfigError::Range`] naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.sets.is_empty() {
            return Err(ConfigError::Unknown {
                what: "feature set",
                found: String::new(),
                known: FeatureSet::ALL.map(FeatureSet::name).join(", "),
            });
        }
        if let Some(set) = self.scorer.as_ref().and_then(|s| s.set()).filter(|s| !self.sets.contains(s)) {
            return Err(ConfigError::Unknown {
                what: "feature set for this model",
                found: self.sets.iter().map(|s| s.name()).collect::<Vec<_>>().join(", "),
                known: set.name().to_owned(),
            });
        }
        self.conversation.map_or(Ok(()), |c| c.check())?;
        let seconds = |n: u64| n as f64 / 16_000.0;
        match &self.segmentation {
            Segmentation::Utterances(u) => u.check(),
            Segmentation::Windows(w) if !(1_600..=Self::LONGEST_WINDOW).contains(&w.length) => {
                Err(ConfigError::Range { name: "window", found: seconds(w.length), expected: "0.1 to 300 s" })
            }
            Segmentation::Windows(w) if !(160..=Self::LONGEST_WINDOW).contains(&w.hop) => {
                Err(ConfigError::Range { name: "hop", found: seconds(w.hop), expected: "0.01 to 300 s" })
            }
            _ => Ok(()),
        }
    }

    /// Probability of speech from which a frame counts as speech.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        match self.segmentation {
            Segmentation::Utterances(u) => u.threshold,
            _ => UtteranceConfig::default().threshold,
        }
    }

    /// Role of a channel, where given.
    #[must_use]
    pub fn role(&self, channel: Option<usize>) -> Option<Arc<str>> {
        self.roles.get(channel?).filter(|r| !r.is_empty()).cloned()
    }

    /// Name of a channel's speaker, empty where nobody is named; the first name is that of the mean of all channels.
    #[must_use]
    pub(super) fn speaker(&self, channel: Option<usize>) -> Arc<str> {
        self.speakers.get(channel.unwrap_or(0)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for set in FeatureSet::ALL {
            assert_eq!(set.name().parse(), Ok(set));
        }
        assert_eq!(FeatureSet::list("egemaps-v02, affect-v1,egemaps-v02").map(|l| l.len()), Ok(2));
        assert!(FeatureSet::list("").is_err());
        assert!("egemaps".parse::<FeatureSet>().unwrap_err().to_string().contains("egemaps-v02"));
        for mode in [ChannelMode::Each, ChannelMode::Mix, ChannelMode::List(vec![0, 2])] {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!("2,0,2".parse(), Ok(ChannelMode::List(vec![0, 2])));
        assert!("left".parse::<ChannelMode>().is_err());
    }

    proptest::proptest! {
        /// Whatever is written as a mode or a set is understood or refused, never a panic.
        #[test]
        fn any_text_is_understood_or_refused(text in ".{0,40}") {
            let _ = text.parse::<ChannelMode>();
            let known = FeatureSet::ALL.iter().any(|s| s.name() == text);
            proptest::prop_assert!(text.parse::<FeatureSet>().is_ok() == known);
            let _ = FeatureSet::list(&text);
        }
    }

    #[test]
    fn windows_have_a_range() {
        let with = |length, hop| {
            Config { segmentation: Segmentation::Windows(WindowConfig { length, hop }), ..Config::default() }.check()
        };
        assert_eq!(with(48_000, 16_000), Ok(()));
        assert!(with(0, 16_000).is_err() && with(48_000, 0).is_err() && with(u64::MAX, 1_600).is_err());
    }
}
