//! Learning from labelled recordings: a first complete path from rows of features to a model that the stream runs.

pub mod boosting;
pub mod data;
pub mod export;
pub mod logistic;
pub mod measure;
pub mod train;
