//! Findings of a study: the content of `ranking.json` (`affect.ranking/2`) and of the report.

use super::audit::Confound;
use super::direction::{Direction, Flip};
use super::friedman::Friedman;
use super::importance::selection::ErrorBound;
use super::learners::Learner;
use super::measure::Bin;
use super::prepare::Normalisation;
use super::skipped::Skipped;
use super::sufficiency::Curve;
use super::transfer::Transfer;
use crate::statistics::Interval;
use serde::Serialize;

/// Name and version of the form.
pub const SCHEMA: &str = "affect.ranking/2";

/// The findings of a study.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub program: &'static str,
    /// Name and version of the feature set.
    pub feature_set: (String, String),
    /// Version of the table that brings labels to one name.
    pub labels_version: &'static str,
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// The corpora.
    pub corpora: Vec<CorpusFacts>,
    /// The conditions.
    pub conditions: Vec<String>,
    /// Files that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Suspected leaks and confounds in the data.
    pub audits: Audits,
    /// Contexts, with what learners reach there.
    pub contexts: Vec<ContextFindings>,
    /// What was left out, such as contexts that are too small, and why.
    pub skipped: Vec<Skipped>,
    /// Features, the most important first.
    pub features: Vec<FeatureFindings>,
    /// All effects in whole clean corpora, by feature in the order of `features`.
    pub effects: Vec<Vec<Direction>>,
    /// Groups, the most important first.
    pub groups: Vec<GroupFindings>,
    /// Clusters of features that rise and fall together, by name.
    pub clusters: Vec<Vec<String>>,
    /// Features that move one way here and the other way there.
    pub flips: Vec<Flip>,
    /// How far opinions agree.
    pub agreement: Agreement,
    /// Recall against number of features.
    pub curves: Vec<Curve>,
    /// The same under conditions, learnt clean and learnt alike.
    pub condition_curves: Vec<Curve>,
    /// From corpus to corpus.
    pub transfers: Vec<Transfer>,
    /// Comparison of learners over corpora; none where there is one.
    pub friedman: Option<(Vec<Learner>, Friedman)>,
}

/// A corpus.
#[derive(Debug, Clone, Serialize)]
pub struct CorpusFacts {
    /// Its name.
    pub name: String,
    /// Recordings.
    pub recordings: usize,
    /// Speakers.
    pub speakers: usize,
    /// Languages.
    pub languages: Vec<String>,
    /// Labels with their numbers.
    pub labels: Vec<(String, usize)>,
    /// Median level, in dB relative to full scale.
    pub level_dbfs: f64,
    /// Licence, as given.
    pub licence: String,
}

/// Suspected leaks and confounds in the data.
#[derive(Debug, Clone, Serialize)]
pub struct Audits {
    /// The same sound under two names.
    pub twins: Vec<[String; 2]>,
    /// Corpora whose recordings were brought to one peak level, with the spread of their peaks in dB.
    pub levelled: Vec<(String, f64)>,
    /// What tells the label, or the corpus, without the voice.
    pub confounds: Vec<Confound>,
}

/// What learners reach in a context.
#[derive(Debug, Clone, Serialize)]
pub struct ContextFindings {
    /// Its name.
    pub name: String,
    /// The corpus, where there is one.
    pub corpus: Option<String>,
    /// The condition.
    pub condition: String,
    /// What its figures rest on.
    pub protocol: String,
    /// The labels.
    pub labels: Vec<String>,
    /// What chance gives.
    pub chance: f64,
    /// Recall by learner and normalisation.
    pub skills: Vec<Skill>,
    /// Recall of the learner that is chosen inside every fold.
    pub chosen: Vec<ChosenSkill>,
    /// Features above chance: false discovery level below 5 %.
    pub above_chance: usize,
    /// Stability of what halves select.
    pub selection_stability: Option<Interval>,
    /// Bound on false selections.
    pub selection_bound: Option<ErrorBound>,
    /// Its own ten most important features.
    pub top: Vec<String>,
}

/// A learner's recall.
#[derive(Debug, Clone, Serialize)]
pub struct Skill {
    /// Which.
    pub learner: Learner,
    /// Its strength.
    pub strength: f64,
    /// What values were compared with.
    pub normalisation: Normalisation,
    /// Unweighted average recall, with the interval over speakers drawn anew.
    pub uar: Interval,
    /// Expected calibration error at the temperature that suits it.
    pub calibration_error: f64,
}

/// Recall of what was chosen inside the folds.
#[derive(Debug, Clone, Serialize)]
pub struct ChosenSkill {
    /// What values were compared with.
    pub normalisation: Normalisation,
    /// Unweighted average recall, with the interval over speakers drawn anew.
    pub uar: Interval,
    /// What was chosen, by fold.
    pub choices: Vec<(Learner, f64)>,
    /// Expected calibration error at the temperature that suits it.
    pub calibration_error: f64,
    /// Reliability diagram.
    pub reliability: Vec<Bin>,
    /// How much better it is than the second-best learner of the context, over speakers drawn anew, and how often it is not.
    pub against: Option<(Learner, Interval, f64)>,
}

/// A feature in the consensus.
#[derive(Debug, Clone, Serialize)]
pub struct FeatureFindings {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Mean standing over all opinions, 1 for what is first everywhere.
    pub score: f64,
    /// Rank, with its interval over the speakers of these corpora drawn anew.
    pub rank: Interval,
    /// Rank, with its interval over corpora such as these; none where there is one.
    pub rank_over_corpora: Option<Interval>,
    /// In how many contexts it tells labels apart beyond chance (false discovery level below 5 %).
    pub generality: usize,
    /// Out of how many contexts.
    pub of_contexts: usize,
    /// Its rank in each corpus by itself.
    pub by_corpus: Vec<(String, f64)>,
    /// Largest effects by label in whole clean corpora.
    pub directions: Vec<Direction>,
    /// Whether it turns round between corpora for some label.
    pub flips: bool,
}

/// A group in the consensus; credited as a group, not as the sum of its features.
#[derive(Debug, Clone, Serialize)]
pub struct GroupFindings {
    /// Its name.
    pub name: String,
    /// Features in it.
    pub features: usize,
    /// Mean standing.
    pub score: f64,
    /// Rank, with its interval over the speakers of these corpora drawn anew.
    pub rank: Interval,
    /// Rank, with its interval over corpora such as these; none where there is one.
    pub rank_over_corpora: Option<Interval>,
    /// Its rank in each corpus by itself.
    pub by_corpus: Vec<(String, f64)>,
}

/// Agreement between the rankings of corpora, languages, learners and views.
#[derive(Debug, Clone, Serialize)]
pub struct Agreement {
    /// Between learners, corpora, languages, views: Kendall's W, and the median rank-biased overlap (p 0.9) of all pairs.
    pub between: Vec<(String, Option<f64>, Option<f64>)>,
    /// Nogueira's stability of the twenty most important features between corpora, between learners.
    pub top20: Vec<(String, Option<Interval>)>,
    /// Share of the disagreement by circumstance; the last one is their interplay.
    pub shares: Vec<(String, f64)>,
}
