//! Attributions: which named feature moved a score, and by how much.
//!
//! The game is interventional: the worth of a coalition is the mean over background rows of the model's output with the
//! row's values for the coalition's features. Linear maps have a closed form, tree ensembles TreeSHAP; any other graph
//! gets exact Shapley values over groups of features and sampled ones, with their standard error, inside the groups.
//! Every attribution is complete: its values add up to the output minus the base value, and what is left is the residual.

mod applies;
pub mod cues;
pub mod distinct;
mod explainer;
pub mod frames;
pub mod gradient;
pub mod groups;
pub mod layout;
pub mod linear;
mod play;
mod prepared;
pub mod relevance;
pub mod reliability;
pub mod sampled;
pub mod sentence;
pub mod shapley;
pub mod spans;
pub mod trees;

pub use applies::{Applies, applies};
pub use explainer::{Explained, Explainer};

use crate::model::ModelError;

/// Takes the values of one row.
pub type TakeRow<'a> = &'a mut dyn FnMut(&[f64]);

/// A function of rows that is explained.
pub trait Game {
    /// Numbers that it gives for a row.
    fn outputs(&self) -> usize;

    /// Evaluates rows (one after another) and hands out their numbers in order.
    ///
    /// # Errors
    /// [`ModelError`] of the run.
    fn play(&self, rows: &[f32], take: TakeRow<'_>) -> Result<(), ModelError>;
}

/// Unit in which a score is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Unit {
    /// The model's own: logits (divided by the calibration's temperature), margins, probabilities of a forest, or values
    /// of a dimension.
    #[default]
    Score,
    /// Calibrated probabilities.
    Probability,
}

/// Method of attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Closed form.
    Linear,
    /// Interventional TreeSHAP.
    Tree,
    /// Exact Shapley values over groups.
    ShapleyGroups,
    /// Shapley values of single features: exact for up to 12, sampled for more.
    Shapley,
    /// Integrated gradients.
    IntegratedGradients,
    /// The gradient itself: no attribution, but what one is made of.
    Gradient,
    /// Grad-CAM over the frames of a layer.
    GradCam,
    /// How much a score falls when a segment is silenced.
    Occlusion,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Linear,
        Self::Tree,
        Self::ShapleyGroups,
        Self::Shapley,
        Self::IntegratedGradients,
        Self::Gradient,
        Self::GradCam,
        Self::Occlusion,
    ];

    /// The name in results and settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Tree => "tree",
            Self::ShapleyGroups => "shapley-groups",
            Self::Shapley => "shapley",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Gradient => "gradient",
            Self::GradCam => "grad-cam",
            Self::Occlusion => "occlusion",
        }
    }
}

/// Features up to this number are explained exactly without groups too.
pub const EXACT: usize = 12;

/// One attribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// How it was made.
    pub method: Method,
    /// The mean over the background.
    pub base: f64,
    /// The row's own output.
    pub output: f64,
    /// A value for each player.
    pub values: Vec<f64>,
    /// `output - base - sum(values)`; for gradients there is none.
    pub residual: Option<f64>,
    /// Standard errors, where values were sampled.
    pub stderr: Option<Vec<f64>>,
}

impl Attribution {
    fn complete(method: Method, base: f64, output: f64, values: Vec<f64>, stderr: Option<Vec<f64>>) -> Self {
        let residual = Some(output - base - values.iter().sum::<f64>());
        Self { method, base, output, values, residual, stderr }
    }
}
