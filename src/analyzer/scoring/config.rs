//! Scoring settings: what is explained, in which unit, and how rows of several streams are run.

use super::reference::ModelReference;
use crate::error::ConfigError;
use crate::explain::Unit;
use crate::model::ModelError;
use std::str::FromStr;
use std::time::Duration;

/// Depth of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Attribution {
    /// What suits the model: features where it takes features, frames where it takes waveforms.
    #[default]
    Auto,
    /// Nothing.
    None,
    /// Groups of features.
    Groups,
    /// Groups, and the features that moved the score most.
    Features,
    /// Grad-CAM over the frames of a waveform, and what is measured where it is strong.
    Frames,
    /// The same by silencing segment after segment: needs no gradient, and a run for every 100 ms.
    Occlusion,
}

impl Attribution {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Auto, Self::None, Self::Groups, Self::Features, Self::Frames, Self::Occlusion];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Groups => "groups",
            Self::Features => "features",
            Self::Frames => "frames",
            Self::Occlusion => "occlusion",
        }
    }
}

impl FromStr for Attribution {
    type Err = ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|a| a.name() == s).ok_or_else(|| ConfigError::Unknown {
            what: "attribution",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Scoring settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoringConfig {
    /// How much is explained.
    pub attribution: Attribution,
    /// How many features or spans are listed; 0 for all, and the relevance of every frame.
    pub top_k: usize,
    /// The layer whose frames are explained, of models of waveforms: `auto`, a tensor, or `hidden-K`.
    pub layer: String,
    /// With how many random spans the strongest one of a final result is compared, for its reliability: as many more runs of the
    /// model. 0 for none.
    pub reliability: usize,
    /// What is explained: `top` (the top label, and dimensions that the model learnt by themselves), `all`, or names of labels
    /// or dimensions with commas.
    pub target: String,
    /// In which unit.
    pub unit: Unit,
    /// What features are compared with, for models that know both references.
    pub reference: ModelReference,
    /// Rows of several streams that are run together, at most.
    pub batch_size: usize,
    /// How long a row waits for others.
    pub batch_wait: Duration,
}

impl Default for ScoringConfig {
    fn default() -> Self {
        Self {
            attribution: Attribution::default(),
            top_k: 3,
            layer: "auto".to_owned(),
            reliability: 0,
            target: "top".to_owned(),
            unit: Unit::default(),
            reference: ModelReference::default(),
            batch_size: 1,
            batch_wait: Duration::ZERO,
        }
    }
}

impl ScoringConfig {
    /// What is explained of a model with those labels and dimensions.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] for a target that is neither.
    pub(super) fn targets(&self, labels: &[String], dimensions: &[&str]) -> Result<Targets, ModelError> {
        let every = || (0..dimensions.len()).collect();
        match self.target.as_str() {
            "top" | "" => Ok(Targets { labels: None, dimensions: every() }),
            "all" => Ok(Targets { labels: Some((0..labels.len()).collect()), dimensions: every() }),
            names => {
                let (mut of_labels, mut of_dimensions) = (Vec::new(), Vec::new());
                for name in names.split(',').map(str::trim) {
                    if let Some(k) = labels.iter().position(|l| l == name) {
                        of_labels.push(k);
                    } else if let Some(k) = dimensions.iter().position(|d| *d == name) {
                        of_dimensions.push(k);
                    } else {
                        let known: Vec<&str> =
                            labels.iter().map(String::as_str).chain(dimensions.iter().copied()).collect();
                        let expected = format!("top, all, or some of {}", known.join(", "));
                        return Err(ModelError::mismatch("target", expected, names));
                    }
                }
                Ok(Targets { labels: Some(of_labels), dimensions: of_dimensions })
            }
        }
    }
}

/// Places of what is explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Targets {
    /// Among the labels; `None` for the top one of each segment.
    pub labels: Option<Vec<usize>>,
    /// Among the dimensions that the model learnt by themselves.
    pub dimensions: Vec<usize>,
}
