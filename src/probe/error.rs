//! What can be wrong with a probe: each variant says what was expected and what came.

use crate::identify::error::TrainError;
use crate::model::ModelError;
use std::fmt;

/// Why a model cannot be probed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ProbeError {
    /// The model takes features, not waveforms: it has no hidden states to look into.
    TakesFeatures,
    /// The graph of the waveform model has no tensor of frames that every way passes through.
    NoStates,
    /// A graph whose weights cannot be drawn anew: it has none.
    NoWeights,
    /// The model, or a run of it.
    Model(ModelError),
    /// Recordings, folds or learners.
    Train(TrainError),
    /// A computation that failed, and what failed.
    Numbers(&'static str),
    /// States that do not fit one another, such as those of another model.
    Unlike {
        /// What it is about.
        what: String,
        /// What was expected.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A feature that shall be erased and is not among those that are looked for.
    Feature {
        /// Its name.
        name: String,
    },
    /// The work was ended by the caller.
    Interrupted,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakesFeatures => f.write_str(
                "the model takes features: expected a waveform model, whose hidden states can be probed (`affect attribute` explains \
                 models of features exactly)",
            ),
            Self::NoStates => f.write_str(
                "no hidden states found: expected a graph with strided convolutions or attention whose frames every way to the output \
                 passes through (`affect explain-model` lists what was found)",
            ),
            Self::NoWeights => f.write_str("no weights in the graph: expected floating-point constants to draw anew"),
            Self::Model(e) => e.fmt(f),
            Self::Train(e) => e.fmt(f),
            Self::Numbers(what) => write!(f, "the probe came upon {what}: expected finite states of ordinary size"),
            Self::Unlike { what, expected, found } => write!(f, "{what}: expected {expected}, found {found}"),
            Self::Feature { name } => write!(
                f,
                "feature \"{name}\": expected one of the study's feature set that is defined in at least half of the recordings and varies"
            ),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for ProbeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Model(e) => Some(e),
            Self::Train(e) => Some(e),
            _ => None,
        }
    }
}

impl From<ModelError> for ProbeError {
    fn from(e: ModelError) -> Self {
        Self::Model(e)
    }
}

impl From<TrainError> for ProbeError {
    fn from(e: TrainError) -> Self {
        match e {
            TrainError::Interrupted => Self::Interrupted,
            e => Self::Train(e),
        }
    }
}
