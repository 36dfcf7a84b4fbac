//! Findings of interventions: the content of `interventions.json` (`affect.interventions/1`) and of the report.

use crate::statistics::Interval;
use serde::Serialize;

/// Name and version of the form.
pub const SCHEMA: &str = "affect.interventions/1";

/// What a model listens to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub program: &'static str,
    /// The model.
    pub model: ModelFacts,
    /// What it was asked about.
    pub sample: SampleFacts,
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// Draws of speakers, and of signs.
    pub draws: usize,
    /// False discovery level at which an effect counts as one.
    pub level: f64,
    /// Scores of the model.
    pub scores: Vec<ScoreFacts>,
    /// Properties, that with the largest effect first: by the lower end of its interval.
    pub properties: Vec<PropertyFindings>,
    /// Groups of properties, in the same order.
    pub groups: Vec<GroupFindings>,
    /// Pairs of properties whose interaction was asked for.
    pub interactions: Vec<InteractionFindings>,
    /// Beside them, the exact attributions to groups of features, where the model takes features; by score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributions: Vec<AttributionFindings>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelFacts {
    /// Name that it was given by.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Engine that ran it.
    pub engine: String,
    /// What its numbers are.
    pub kind: String,
    /// What novelty rests on.
    pub novelty_by: &'static str,
}

/// The recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleFacts {
    /// Recordings that were heard.
    pub recordings: usize,
    /// Their speakers; `None` where nobody says.
    pub speakers: Option<usize>,
    /// What intervals are over: `speakers`, or `recordings` where speakers are too few or unknown, and then for these recordings' speakers
    /// only.
    pub unit: &'static str,
    /// Recordings that take no part, and why.
    pub left_out: Vec<(String, String)>,
}

impl SampleFacts {
    /// Number of units that intervals are over.
    #[must_use]
    pub fn units(&self) -> usize {
        self.speakers.filter(|_| self.unit == "speakers").unwrap_or(self.recordings)
    }
}

/// A score of the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreFacts {
    /// Its name.
    pub name: String,
    /// Standard deviation of the score over the recordings as they are.
    pub spread: f64,
}

/// What a property does to the scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PropertyFindings {
    /// Name.
    pub property: &'static str,
    /// Group of features that it belongs to.
    pub group: &'static str,
    /// One deviation of it in the unit of `deviation_unit`.
    pub deviation: f64,
    /// Unit; `1` for factors.
    pub deviation_unit: &'static str,
    /// The feature of `affect-v1` that the deviation is one of.
    pub by: &'static str,
    /// Root mean square, over the scores that move, of the effects in deviations of the score; `None` where nothing came.
    pub effect: Option<Interval>,
    /// Effects by score.
    pub effects: Vec<EffectFindings>,
    /// By dose.
    pub doses: Vec<DoseFindings>,
}

/// What a property does to one score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EffectFindings {
    /// The score.
    pub score: String,
    /// Root mean square response per deviation of the property.
    pub effect: Option<Interval>,
    /// Slope of the score per deviation of the property.
    pub slope_per_deviation: Option<Interval>,
    /// Slope of the score per unit of the property.
    pub slope_per_unit: Option<Interval>,
    /// p value: signs of speakers' responses turned round.
    pub p: f64,
    /// The false discovery level at which it counts, over all properties and scores.
    pub q: f64,
    /// Whether that lies below the level.
    pub beyond_chance: bool,
    /// Place among the properties of this score, from 1: by the lower end of the effect's interval.
    pub rank: usize,
    /// Slopes, per deviation, of the contributions of groups of features, where the model takes features.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_group: Vec<(String, f64)>,
}

/// What a dose does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoseFindings {
    /// The dose.
    pub dose: f64,
    /// Its size in deviations.
    pub deviations: f64,
    /// Recordings that it came to.
    pub realised: usize,
    /// Those that it did not come to, by reason.
    pub failed: Vec<(String, usize)>,
    /// What came of it, at the median, in its unit; `None` where nothing tells it.
    pub came: Option<f64>,
    /// Median movement of groups of features, in deviations.
    pub moved: Vec<(&'static str, Option<f64>)>,
    /// Median share of what is familiar that lies nearer than the altered recordings; `None` where too little is known.
    pub novelty: Option<f64>,
    /// Share of altered recordings that lie beyond 99 % of what is familiar.
    pub unlike: Option<f64>,
    /// How much its responses count, on average.
    pub weight: Option<f64>,
    /// Mean response of every score, with its interval.
    pub responses: Vec<ResponseFindings>,
}

/// Response of a score to a dose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseFindings {
    /// The score.
    pub score: String,
    /// Altered less unaltered, paired within recordings, the mean over speakers.
    pub mean: Option<Interval>,
}

/// A group of properties.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupFindings {
    /// Name.
    pub group: &'static str,
    /// Root of the sum of the squares of the effects of its properties.
    pub effect: Option<Interval>,
    /// The same by score, in the score's own unit.
    pub by_score: Vec<(String, Option<f64>)>,
}

/// What two properties do together beyond what each does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InteractionFindings {
    /// The properties.
    pub properties: (&'static str, &'static str),
    /// The score.
    pub score: String,
    /// Response beyond the sum of both, per deviation of the one and of the other.
    pub per_deviations: Option<Interval>,
    /// p value, as of effects.
    pub p: f64,
    /// The false discovery level, over all interactions.
    pub q: f64,
    /// Whether that lies below the level.
    pub beyond_chance: bool,
}

/// Exact attributions of a score beside its responses, by group of features.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributionFindings {
    /// The score.
    pub score: String,
    /// Every group of the model's features.
    pub groups: Vec<GroupAttribution>,
    /// Spearman's correlation of what is attributed and what passes through; `None` for fewer than three groups, or where all are
    /// equal.
    pub rank_correlation: Option<f64>,
}

/// A group of features: what is attributed to it, and what of the responses passes through it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupAttribution {
    /// Name.
    pub group: &'static str,
    /// Mean size of its exact contribution beyond its mean, over the recordings as they are.
    pub attributed: f64,
    /// Root of the sum, over all properties, of the squares of the slopes of its contribution per deviation.
    pub through: f64,
    /// Effect of the properties that belong to the group, through whichever features; `None` where it has none.
    pub own: Option<f64>,
}
