//! Without models (the cargo feature `model`) nothing scores: a type without values stands for the scorer, so that the path
//! from samples to results is the same.

use super::FeatureSet;
use crate::record::Record;

/// A scorer that cannot be made.
#[derive(Debug, PartialEq)]
pub enum Scorer {}

impl Scorer {
    /// The feature set that the model needs.
    #[must_use]
    pub fn set(&self) -> Option<FeatureSet> {
        match *self {}
    }

    /// Whether the model compares with what is usual for the speaker.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        match *self {}
    }

    /// What features shall be compared with, where that was chosen.
    #[must_use]
    pub fn chosen_reference(&self) -> Option<&'static str> {
        match *self {}
    }

    /// Whether the model takes the samples themselves.
    #[must_use]
    pub fn needs_audio(&self) -> bool {
        match *self {}
    }

    /// Whether explanations need the low-level descriptors along the segment.
    #[must_use]
    pub fn needs_contours(&self) -> bool {
        match *self {}
    }

    /// Whether records of a set are what the model is about.
    #[must_use]
    pub fn takes(&self, _: &Record) -> bool {
        match *self {}
    }

    pub(super) fn score(&self, _: &mut Record) {
        match *self {}
    }
}
