//! The recipe of a model: what its training is told.

use super::learners::Learner;
use crate::model::card::{Derived, Metric};

/// What features are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    /// The training speakers.
    #[default]
    Training,
    /// What is usual for each speaker.
    Speaker,
    /// Both: the training speakers while nothing is known of the speaker, then the speaker.
    Both,
}

impl Reference {
    /// Names in settings.
    pub const NAMES: [&str; 3] = ["training", "speaker", "both"];

    /// The reference of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Training, Self::Speaker, Self::Both].into_iter().zip(Self::NAMES).find(|r| r.1 == name).map(|r| r.0)
    }
}

/// Background dataset of explanations: the rows that attributions compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// So many recordings' rows, the same number for each label.
    Rows(usize),
    /// The mean row of each label in each corpus: no recording can be told from them.
    Prototypes,
}

/// Settings of the training of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSettings {
    /// Name of the model.
    pub id: String,
    /// Version of the model.
    pub version: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The learners to try, each with its strength; the one with the best recall out of fold is kept, and figures are those of
    /// the same choice made inside every fold.
    pub learners: Vec<(Learner, f64)>,
    /// How the learner was chosen, where that was before: said with every figure.
    pub selection: String,
    /// What features are compared with.
    pub reference: Reference,
    /// Number of folds, where the corpus gives none.
    pub folds: usize,
    /// Seed of learners that draw at random.
    pub seed: u64,
    /// Share of the least sure answers that are not given.
    pub silent_share: f64,
    /// Background dataset of explanations.
    pub background: Background,
    /// Licence of the weights.
    pub licence: String,
    /// Names of the corpora.
    pub corpora: Vec<String>,
    /// What it cannot do.
    pub limits: Vec<String>,
    /// Dimensions that follow from the labels, in their alphabetical order.
    pub derived: Vec<Derived>,
    /// Figures that were measured elsewhere.
    pub metrics: Vec<Metric>,
}
