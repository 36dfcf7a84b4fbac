//! What a session shall do.

use super::{Segments, Session};
use crate::analyzer::{Analyzer, Config, FeatureSet, Policy};
#[cfg(feature = "model")]
use crate::analyzer::{Scorer, ScoringConfig};
use crate::error::ConfigError;
#[cfg(feature = "model")]
use crate::model::{self, Model, ModelError, pool};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A session that is being described. Nothing is checked before [`Self::build`].
#[derive(Debug, Clone)]
pub struct SessionBuilder {
    rate_hz: u32,
    channels: usize,
    config: Config,
    segments: Segments,
    #[cfg(feature = "model")]
    model: Asked,
}

/// Which model is asked.
#[cfg(feature = "model")]
#[derive(Debug, Clone)]
enum Asked {
    Nobody,
    Default,
    Model(Arc<Model>),
    Scorer(Arc<Scorer>),
}

/// A session that cannot begin.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SessionError {
    /// A setting, or the audio, cannot be used.
    Config(ConfigError),
    /// More roles than channels.
    Roles {
        /// Number of roles.
        found: usize,
        /// Number of channels.
        channels: usize,
    },
    /// The model cannot be used.
    #[cfg(feature = "model")]
    Model(ModelError),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(e) => e.fmt(f),
            Self::Roles { found, channels } => write!(
                f,
                "{found} roles for {channels} channels: expected at most one a channel, in their order, and \"\" for a channel \
                 without a role"
            ),
            #[cfg(feature = "model")]
            Self::Model(e) => e.fmt(f),
        }
    }
}

impl Error for SessionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Config(e) => Some(e),
            Self::Roles { .. } => None,
            #[cfg(feature = "model")]
            Self::Model(e) => Some(e),
        }
    }
}

impl From<ConfigError> for SessionError {
    fn from(e: ConfigError) -> Self {
        Self::Config(e)
    }
}

#[cfg(feature = "model")]
impl From<ModelError> for SessionError {
    fn from(e: ModelError) -> Self {
        Self::Model(e)
    }
}

impl SessionBuilder {
    pub(super) fn new(rate_hz: u32, channels: usize) -> Self {
        Self {
            rate_hz,
            channels,
            config: Config::default(),
            segments: Segments::default(),
            #[cfg(feature = "model")]
            model: Asked::Nobody,
        }
    }

    /// Name of the stream, part of every identity; without this call `stream`.
    #[must_use]
    pub fn stream(mut self, name: &str) -> Self {
        self.config.stream = name.into();
        self
    }

    /// Roles of the channels in order, `""` for none. The roles `caller`, `customer`, `client`, `patient`, `guest` and `user` may be
    /// scored; all others have features only ([`Policy::for_role`]).
    #[must_use]
    pub fn roles<'a>(mut self, roles: impl IntoIterator<Item = &'a str>) -> Self {
        self.config.roles = roles.into_iter().map(Arc::from).collect();
        self
    }

    /// Policies of the channels in order, instead of what follows from the roles.
    #[must_use]
    pub fn policies(mut self, policies: impl IntoIterator<Item = Policy>) -> Self {
        self.config.policy = policies.into_iter().map(Some).collect();
        self
    }

    /// What becomes a result: [`super::Utterances`], [`super::Windows`], or without this call the whole stream.
    #[must_use]
    pub fn segments(mut self, segments: impl Into<Segments>) -> Self {
        self.segments = segments.into();
        self
    }

    /// The feature set; without this call `affect-v1`, or what the model needs.
    #[must_use]
    pub fn feature_set(mut self, set: FeatureSet) -> Self {
        self.config.sets = vec![set];
        self
    }

    /// Compares the features with what is usual for the speaker of the channel, learnt as they speak.
    #[must_use]
    pub fn speaker_baseline(mut self) -> Self {
        self.config.baseline = true;
        self
    }

    /// Follows the conversation of the channels, each being a party: [`Session::conversation`] tells who talks how much, at once, in which turns.
    #[must_use]
    pub fn conversation(mut self) -> Self {
        self.config.conversation.get_or_insert_default();
        self
    }

    /// The same, also while it goes on: anew after every such stretch of the stream, 1 s to 24 h long.
    #[must_use]
    pub fn conversation_every(mut self, stretch: Duration) -> Self {
        let samples = stretch.as_nanos() * 16_000 / 1_000_000_000;
        let interval = u64::try_from(samples).unwrap_or(u64::MAX).max(1);
        self.config.conversation.get_or_insert_default().interval = interval;
        self
    }

    /// Scores with the model of this library, with reasons.
    #[cfg(feature = "model")]
    #[must_use]
    pub fn default_model(mut self) -> Self {
        self.model = Asked::Default;
        self
    }

    /// Scores with a model ([`pool::open`] reads one from a file), with reasons.
    #[cfg(feature = "model")]
    #[must_use]
    pub fn model(mut self, model: Arc<Model>) -> Self {
        self.model = Asked::Model(model);
        self
    }

    /// Scores in a way of one's own.
    #[cfg(feature = "model")]
    #[must_use]
    pub fn scorer(mut self, scorer: Arc<Scorer>) -> Self {
        self.model = Asked::Scorer(scorer);
        self
    }

    /// Checks everything, and begins.
    ///
    /// # Errors
    /// [`SessionError`], which says what was expected, what came, and what to do.
    pub fn build(mut self) -> Result<Session, SessionError> {
        if self.config.roles.len() > self.channels && self.channels > 0 {
            return Err(SessionError::Roles { found: self.config.roles.len(), channels: self.channels });
        }
        self.config.segmentation = self.segments.into();
        #[cfg(feature = "model")]
        self.ask()?;
        Ok(Session { analyzer: Analyzer::new(self.config, self.rate_hz, self.channels)?, conversation: None })
    }

    #[cfg(feature = "model")]
    fn ask(&mut self) -> Result<(), ModelError> {
        let with_reasons = |model| Scorer::new(model, ScoringConfig::default()).map(Arc::new);
        let scorer = match &self.model {
            Asked::Nobody => return Ok(()),
            Asked::Default => {
                with_reasons(pool::open_bytes(model::DEFAULT.to_vec(), None, &model::Options::default())?)?
            }
            Asked::Model(model) => with_reasons(model.clone())?,
            Asked::Scorer(scorer) => scorer.clone(),
        };
        // Nobody who asks a model has to know its feature set.
        if let Some(set) = scorer.set().filter(|s| !self.config.sets.contains(s)) {
            self.config.sets = vec![set];
        }
        self.config.scorer = Some(scorer);
        Ok(())
    }
}
