//! Reference of a segment: what its features are compared with, and how much of that is the speaker.

use crate::error::ConfigError;
use crate::explain::sentence::Reference;
use crate::features::baseline::PRIOR_S;
use crate::model::card::{Card, Normaliser};
use crate::record::Record;
use std::str::FromStr;

/// Speech behind a speaker's baseline that [`ModelReference::Speaker`] asks for, in seconds.
const LEAST_S: f64 = 10.0;

/// Choice of the reference, for models that know both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ModelReference {
    /// The training speakers until the speaker was heard, then the speaker.
    #[default]
    Auto,
    /// The training speakers, always.
    Training,
    /// The speaker; no answer before ten seconds of the voice were heard.
    Speaker,
}

impl ModelReference {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Training, Self::Speaker];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Training => "training",
            Self::Speaker => "speaker",
        }
    }

    /// Whether a model with that normaliser can be asked to compare like this.
    #[must_use]
    pub const fn suits(self, normaliser: &Normaliser) -> bool {
        match (self, normaliser) {
            (Self::Auto, _) | (_, Normaliser::Blended) => true,
            (Self::Training, Normaliser::Training { .. }) | (Self::Speaker, Normaliser::Speaker) => true,
            (Self::Training | Self::Speaker, _) => false,
        }
    }

    /// Whether a model with that normaliser then needs a baseline of the speaker.
    #[must_use]
    pub const fn needs_baseline(self, normaliser: &Normaliser) -> bool {
        match normaliser {
            Normaliser::Speaker => true,
            Normaliser::Blended => !matches!(self, Self::Training),
            Normaliser::None | Normaliser::Training { .. } => false,
        }
    }
}

impl std::fmt::Display for ModelReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ModelReference {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|r| r.name() == s).ok_or_else(|| ConfigError::Unknown {
            what: "model-reference",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// What one segment is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Compared {
    /// In words.
    pub reference: Reference,
    /// How much of the reference is the speaker, from 0 to 1.
    pub share: f64,
    /// Seconds of speech that the speaker's baseline rests on, where there is one.
    pub rests_on_s: Option<f32>,
    /// Seconds that it has to rest on.
    pub least_s: f64,
}

impl Compared {
    /// A segment as a card and a choice have it.
    pub fn new(card: &Card, asked: ModelReference, record: &Record) -> Self {
        let normaliser = &card.normaliser;
        let baseline = record.baseline.as_ref().filter(|_| asked.needs_baseline(normaliser));
        let rests_on_s = baseline.map(|b| b.speech_s);
        let heard = f64::from(rests_on_s.unwrap_or(0.0));
        let share = if *normaliser == Normaliser::Blended { heard / (heard + PRIOR_S) } else { 0.0 };
        let reference = match normaliser {
            Normaliser::Blended if share < 0.5 => Reference::TrainingSpeakers,
            Normaliser::Blended => Reference::ThisSpeaker,
            other => Reference::of(other),
        };
        let blended_speaker = asked == ModelReference::Speaker && *normaliser == Normaliser::Blended;
        let least_s = if blended_speaker { LEAST_S } else { card.abstain.min_baseline_s };
        Self { reference, share, rests_on_s, least_s }
    }
}
