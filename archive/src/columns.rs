//! Columns of a table of records: where each stands in the record's JSON, and its type.

use affect::analyzer::Scorer;
use affect::features::catalogue::Entry;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a table has columns for, beside those that all records have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Columns {
    /// Names of the features, in order.
    pub features: Vec<String>,
    /// Labels that have probabilities.
    pub probabilities: Vec<String>,
    /// Dimensions.
    pub dimensions: Vec<String>,
    /// Dimensions that have intervals.
    pub intervals: Vec<String>,
    /// Labels and dimensions that may be explained, and the groups of features that contribute to them: of these there are columns in the
    /// table of calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explained: Vec<String>,
    /// Groups of features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: String,
    /// Where it stands in the record's JSON.
    pub path: Vec<String>,
    pub kind: DataType,
}

/// Columns that all records have.
const COMMON: [(&str, &str, Kind); 46] = [
    ("id", "id", Kind::Text),
    ("segment_id", "segment_id", Kind::Text),
    ("revision", "revision", Kind::Whole),
    ("stream", "stream", Kind::Text),
    ("channel", "channel/index", Kind::Small),
    ("role", "channel/role", Kind::Text),
    ("track", "channel/track", Kind::Small),
    ("same_as", "channel/same_as", Kind::SmallList),
    ("policy", "policy", Kind::Text),
    ("segment", "segment", Kind::Text),
    ("start_ns", "start_ns", Kind::Whole),
    ("end_ns", "end_ns", Kind::Whole),
    ("running_start_ns", "running_start_ns", Kind::Whole),
    ("running_end_ns", "running_end_ns", Kind::Whole),
    ("partial", "partial", Kind::Yes),
    ("discont", "discont", Kind::Yes),
    ("ended", "ended", Kind::Text),
    ("source", "source", Kind::Text),
    ("software", "provenance/software", Kind::Text),
    ("feature_set", "provenance/feature_set", Kind::Text),
    ("feature_set_version", "provenance/feature_set_version", Kind::Text),
    ("configuration", "provenance/configuration", Kind::Text),
    ("quality_speech_s", "quality/speech_s", Kind::Single),
    ("quality_voiced_share", "quality/voiced_share", Kind::Single),
    ("quality_snr_db", "quality/snr_db", Kind::Single),
    ("quality_clipping_share", "quality/clipping_share", Kind::Single),
    ("quality_band_low_hz", "quality/band_low_hz", Kind::Single),
    ("quality_bandwidth_hz", "quality/bandwidth_hz", Kind::Single),
    ("quality_level_dbfs", "quality/level_dbfs", Kind::Single),
    ("quality_skipped_frames", "quality/skipped_frames", Kind::Whole),
    ("quality_lost_share", "quality/lost_share", Kind::Single),
    ("quality_concealed_share", "quality/concealed_share", Kind::Single),
    ("quality_reason", "quality/reason", Kind::Text),
    ("baseline_speech_s", "baseline/speech_s", Kind::Single),
    ("baseline_memory", "baseline/memory", Kind::Text),
    ("model", "provenance/model/id", Kind::Text),
    ("model_version", "provenance/model/version", Kind::Text),
    ("model_sha256", "provenance/model/sha256", Kind::Text),
    ("model_engine", "provenance/model/engine", Kind::Text),
    ("model_reference", "provenance/model/normaliser", Kind::Text),
    ("label", "emotion/label", Kind::Text),
    ("confidence", "emotion/confidence", Kind::Double),
    ("abstained", "emotion/abstained", Kind::Text),
    ("entropy_bits", "emotion/entropy_bits", Kind::Double),
    ("novelty", "emotion/novelty", Kind::Double),
    ("speaker_speech_s", "emotion/baseline_speech_s", Kind::Single),
];

/// Types, for tables of constants.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Whole,
    Small,
    SmallList,
    Yes,
    Single,
    Double,
}

impl Kind {
    fn of(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Whole => DataType::Int64,
            Self::Small => DataType::Int32,
            Self::SmallList => list(DataType::Int32),
            Self::Yes => DataType::Boolean,
            Self::Single => DataType::Float32,
            Self::Double => DataType::Float64,
        }
    }
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", of, true)))
}

fn map(of: DataType) -> DataType {
    let entries = Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", of, true)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false)
}

fn structure(of: &[(&str, DataType)]) -> DataType {
    DataType::Struct(of.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect())
}

/// Key of what an explanation or one of its features says beyond its columns.
pub(crate) const REST: &str = "rest";

/// Names inside an explanation, and inside one of its features.
pub(crate) const EXPLANATION: [&str; 10] =
    ["method", "target", "unit", "base", "output", "residual", "reference", "groups", "features", "other_features"];
pub(crate) const SHARE: [&str; 9] =
    ["name", "contribution", "stderr", "value", "unit", "z", "does_not_survive", "near_copies", "sentence"];

fn explanations() -> DataType {
    let (text, double) = (DataType::Utf8, DataType::Float64);
    let named = || structure(&[("name", DataType::Utf8), ("contribution", DataType::Float64)]);
    let kind = |name: &str| match name {
        "base" | "output" | "residual" | "other_features" | "contribution" | "stderr" | "z" => double.clone(),
        "value" => DataType::Float32,
        "does_not_survive" => list(DataType::Utf8),
        "near_copies" | "groups" => list(named()),
        _ => text.clone(),
    };
    let with_rest = |names: &[&str], special: &dyn Fn(&str) -> Option<DataType>| {
        let all_names = names.iter().copied().chain([REST]);
        let fields: Vec<(&str, DataType)> = all_names.map(|n| (n, special(n).unwrap_or_else(|| kind(n)))).collect();
        structure(&fields)
    };
    let share = with_rest(&SHARE, &|_| None);
    list(with_rest(&EXPLANATION, &|n| (n == "features").then(|| list(share.clone()))))
}

impl Columns {
    /// Columns for the features of a set (functionals or descriptors), and for what a model says.
    #[must_use]
    pub fn of(features: &[Entry], scorer: Option<&Scorer>) -> Self {
        let texts = |list: &[Arc<str>]| list.iter().map(|t| t.to_string()).collect();
        let said = scorer.map(Scorer::says).unwrap_or_default();
        Self {
            features: features.iter().map(|e| e.name.clone()).collect(),
            probabilities: texts(&said.probabilities),
            dimensions: texts(&said.dimensions),
            intervals: texts(&said.intervals),
            explained: texts(&said.explained),
            groups: said.groups.iter().map(|g| g.name().to_owned()).collect(),
        }
    }

    /// All columns in order.
    pub(crate) fn all(&self) -> Vec<Column> {
        let path = |p: &str| p.split('/').map(str::to_owned).collect::<Vec<_>>();
        let mut out: Vec<Column> = COMMON
            .iter()
            .map(|(name, at, kind)| Column { name: (*name).to_owned(), path: path(at), kind: kind.of() })
            .collect();
        let mut add = |name: String, path: Vec<&str>, kind: DataType| {
            out.push(Column { name, path: path.into_iter().map(str::to_owned).collect(), kind });
        };
        for d in &self.dimensions {
            add(format!("dimension_{d}"), vec!["emotion", "dimensions", d], DataType::Float64);
        }
        for d in &self.intervals {
            add(format!("interval_low_{d}"), vec!["emotion", "intervals", d, "0"], DataType::Float64);
            add(format!("interval_high_{d}"), vec!["emotion", "intervals", d, "1"], DataType::Float64);
        }
        for l in &self.probabilities {
            add(format!("probability_{l}"), vec!["emotion", "probabilities", l], DataType::Float64);
        }
        for f in &self.features {
            add(f.clone(), vec!["features", f], DataType::Float32);
        }
        add("reasons".to_owned(), vec!["reasons"], map(DataType::Utf8));
        add("z".to_owned(), vec!["baseline", "z"], map(DataType::Float32));
        add("usual".to_owned(), vec!["baseline", "usual"], map(DataType::Float32));
        add("explanations".to_owned(), vec!["explanations"], explanations());
        add(REST.to_owned(), vec![], DataType::Utf8);
        out
    }

    /// The schema of the table.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.all().into_iter().map(|c| Field::new(c.name, c.kind, true)).collect::<Vec<_>>()))
    }
}
