//! Subject: the model whose scores are asked for, whatever enters it.

use super::frames::FrameRule;
use crate::analyzer::{Analyzer, Attribution, Config, FeatureSet, Output, Scorer, ScoringConfig, Segmentation};
use crate::error::{ConfigError, InputError};
use crate::features::catalogue::Group;
use crate::model::card::{Normaliser, OutputKind};
use crate::model::{Model, ModelError};
use crate::record::Record;
use crate::signal::resample::Resampler;
use crate::signal::samples::Samples;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What a model says of one recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its own numbers, before calibration.
    pub scores: Vec<f64>,
    /// Distance from what the model has learnt from, where its card knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// Values of every frame, of an output that has one for each; `None` where the model is not sure of the frame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Option<f64>>,
    /// Contributions of the subject's groups to each number of the main output, where the model takes features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_group: Vec<Vec<f64>>,
}

/// Why a model says nothing of a recording.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// The audio cannot be analysed.
    Config(ConfigError),
    /// The model cannot be asked.
    Model(ModelError),
    /// No audio at all.
    Empty,
    /// No frame counts.
    NoFrame,
    /// Less than half of the features that the model takes are defined: it would answer with what is usual.
    NothingMeasured {
        /// Features that are defined.
        defined: usize,
        /// Features that the model takes.
        of: usize,
    },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(e) => e.fmt(f),
            Self::Model(e) => e.fmt(f),
            Self::Empty => f.write_str("nothing to analyse: expected audio"),
            Self::NothingMeasured { defined, of } => {
                write!(
                    f,
                    "{defined} of {of} features of the model are defined: expected at least half; choose longer speech"
                )
            }
            Self::NoFrame => f.write_str("no frame counts: expected some that the model is sure of"),
        }
    }
}

impl std::error::Error for AskError {}

impl From<ConfigError> for AskError {
    fn from(e: ConfigError) -> Self {
        Self::Config(e)
    }
}

impl From<InputError> for AskError {
    fn from(e: InputError) -> Self {
        Self::Config(ConfigError::Input(e))
    }
}

impl From<ModelError> for AskError {
    fn from(e: ModelError) -> Self {
        Self::Model(e)
    }
}

/// How the model is asked.
#[derive(Debug)]
enum How {
    /// As the stream asks it.
    Scorer(Arc<Scorer>),
    /// The waveform at 16 kHz; numbers for all of it.
    Waveform,
    /// The waveform at 16 kHz; numbers for every frame.
    Frames(FrameRule),
}

/// A model that is asked about recordings.
#[derive(Debug)]
pub struct Subject {
    model: Arc<Model>,
    how: How,
    names: Vec<String>,
    groups: Vec<Group>,
}

impl Subject {
    /// A model with a card, or one of waveforms without. `frames` says what becomes of an output with a value for every frame.
    ///
    /// # Errors
    /// [`ModelError`] for models of features without a card, models that give hidden states and no scores, and what [`Scorer::new`] says.
    pub fn new(model: Arc<Model>, frames: Option<FrameRule>) -> Result<Self, ModelError> {
        if let Some(card) = model.card() {
            if model.kind() == OutputKind::HiddenStates {
                return Err(ModelError::mismatch("output", "scores", "hidden states"));
            }
            // Models that blend in the speaker compare with the population where nothing is known of them.
            if card.normaliser == Normaliser::Speaker {
                let expected = "a model that compares with its training speakers, or with the population";
                return Err(ModelError::mismatch("normaliser", expected, "the speaker's own baseline"));
            }
            let scorer =
                |attribution| Scorer::new(model.clone(), ScoringConfig { attribution, ..ScoringConfig::default() });
            let scorer = if model.takes_waveform().is_some() {
                scorer(Attribution::None)?
            } else {
                // What cannot be attributed is still asked.
                scorer(Attribution::Groups).or_else(|_| scorer(Attribution::None))?
            };
            let names = scorer.names().iter().map(ToString::to_string).collect();
            let groups = scorer.says().groups;
            return Ok(Self { model, how: How::Scorer(Arc::new(scorer)), names, groups });
        }
        if model.takes_waveform().is_none() {
            return Err(ModelError::NoCard);
        }
        let (how, names) = if model.labels().is_empty() {
            (How::Frames(frames.unwrap_or_default()), vec![model.output_name().to_owned()])
        } else {
            (How::Waveform, model.labels().to_vec())
        };
        Ok(Self { model, how, names, groups: Vec::new() })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Names of its scores.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The groups of [`Answer::by_group`].
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How its frames become one number, where it has a number for each.
    #[must_use]
    pub fn frames(&self) -> Option<&FrameRule> {
        if let How::Frames(rule) = &self.how { Some(rule) } else { None }
    }

    /// How far a score of an altered recording lies above that of the same recording as it is; frame by frame, where it has a value for
    /// each: those that the model is sure of in both, at the same place in the recording. `None` where there are none.
    #[must_use]
    pub fn response(&self, altered: &Answer, original: &Answer, score: usize) -> Option<f64> {
        match &self.how {
            How::Frames(rule) => rule.over.of(paired(&altered.frames, &original.frames)),
            _ => Some(altered.scores.get(score)? - original.scores.get(score)?),
        }
    }

    /// Asks about a recording of one channel; gives the features of `affect-v1` over all of it as well.
    ///
    /// # Errors
    /// [`AskError`] for audio that cannot be analysed, and a model that cannot answer.
    pub fn ask(&self, samples: &[f32], rate_hz: u32) -> Result<(Answer, Record), AskError> {
        let scorer = if let How::Scorer(s) = &self.how { Some(s) } else { None };
        let set = scorer.and_then(|s| s.set()).filter(|s| *s != FeatureSet::AffectV1);
        let mut records = records(samples, rate_hz, set, scorer)?;
        let answer = match &self.how {
            How::Scorer(scorer) => {
                let of = |r: &&Record| scorer.set().is_none_or(|s| s.name() == r.feature_set);
                let record = records.iter().find(of).ok_or(AskError::Empty)?;
                measured(&self.model, record)?;
                let numbers = scorer.numbers(record)?;
                Answer { distance: numbers.distance, by_group: numbers.by_group, ..plain(numbers.values) }
            }
            How::Waveform => plain(self.model.waveform(&at_16_khz(samples, rate_hz)?)?),
            How::Frames(rule) => {
                let samples = at_16_khz(samples, rate_hz)?;
                let frames = rule.frames(&self.model.waveform(&samples)?, &samples)?;
                let score = rule.over.of(frames.iter().flatten().copied().collect()).ok_or(AskError::NoFrame)?;
                Answer { frames, ..plain(vec![score]) }
            }
        };
        let place = records.iter().position(|r| r.feature_set == FeatureSet::AffectV1.name()).ok_or(AskError::Empty)?;
        let mut record = records.swap_remove(place);
        record.release();
        Ok((answer, record))
    }
}

fn plain(scores: Vec<f64>) -> Answer {
    Answer { scores, distance: None, frames: Vec::new(), by_group: Vec::new() }
}

/// Records over the whole of a channel, of `affect-v1` and another set.
fn records(
    samples: &[f32],
    rate_hz: u32,
    set: Option<FeatureSet>,
    scorer: Option<&Arc<Scorer>>,
) -> Result<Vec<Record>, AskError> {
    let config = Config {
        sets: std::iter::once(FeatureSet::AffectV1).chain(set).collect(),
        segmentation: Segmentation::File,
        // With it the record of a waveform model holds its samples.
        scorer: scorer.cloned(),
        deferred: true,
        ..Config::default()
    };
    let mut analyzer = Analyzer::new(config, rate_hz, 1)?;
    let mut records = Vec::new();
    let mut take = |o: Output<'_>| {
        if let Output::Segment(r) = o {
            records.push(*r);
        }
    };
    analyzer.push(&Samples::f32(samples, 1)?, &mut take)?;
    analyzer.finish(&mut take);
    Ok(records)
}

/// A channel at 16 kHz.
fn at_16_khz(samples: &[f32], rate_hz: u32) -> Result<Vec<f32>, InputError> {
    let mut resampler = Resampler::new(rate_hz)?;
    let mut out = Vec::new();
    resampler.push(samples, |block| out.extend_from_slice(block));
    resampler.finish(|block| out.extend_from_slice(block));
    Ok(out)
}

/// Whether at least half of the features that a model takes are defined.
fn measured(model: &Model, record: &Record) -> Result<(), AskError> {
    let Some(card) = model.card() else { return Ok(()) };
    let of = card.features().len();
    let defined = card.features().iter().filter(|n| record.value(n).is_some()).count();
    if 2 * defined < of { Err(AskError::NothingMeasured { defined, of }) } else { Ok(()) }
}

/// Differences of frames at the same place, relative to the length.
fn paired(altered: &[Option<f64>], original: &[Option<f64>]) -> Vec<f64> {
    let step = original.len() as f64 / altered.len().max(1) as f64;
    let one = |(k, v): (usize, &Option<f64>)| {
        let place = ((k as f64 + 0.5) * step) as usize;
        Some((*v)? - (*original.get(place)?)?)
    };
    altered.iter().enumerate().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_paired_by_their_place() {
        let same = paired(&[Some(2.0), None, Some(5.0)], &[Some(1.0), Some(1.0), None]);
        assert_eq!(same, [1.0]);
        // Twice as fast: every other frame has its partner.
        let original: Vec<Option<f64>> = (0..8).map(|k| Some(f64::from(k))).collect();
        assert_eq!(paired(&[Some(1.0), Some(3.0), Some(5.0), Some(7.0)], &original), [0.0; 4]);
        assert!(paired(&[], &original).is_empty() && paired(&original, &[]).is_empty());
    }
}
