//! Names of what results of a model may say.

use crate::features::catalogue::Group;
use std::sync::Arc;

/// Names of the numbers in results of a model, in the order in which they stand there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Says {
    /// Labels with probabilities.
    pub probabilities: Vec<Arc<str>>,
    /// Dimensions and targets, those that follow from labels included.
    pub dimensions: Vec<Arc<str>>,
    /// Dimensions with intervals.
    pub intervals: Vec<Arc<str>>,
    /// Labels and dimensions that explanations by groups of features may be about, by name.
    pub explained: Vec<Arc<str>>,
    /// Those groups; none where nothing is explained, or the frames of a waveform.
    pub groups: Vec<Group>,
}
