//! Datasets: labelled recordings as feature vectors.

use super::error::TrainError;
use super::folds::{Folds, Ties};
use super::recipe::Reference;
use crate::features::baseline::{Baseline, Population};
use crate::model::card::Normaliser;
use crate::statistics::moments;
use std::collections::BTreeMap;

/// One recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Values in the order of the features' names.
    pub values: Vec<Option<f32>>,
    /// Seconds of speech in it.
    pub speech_s: f64,
    /// What was labelled.
    pub label: String,
    /// The recording, for messages.
    pub file: String,
    /// Who speaks, across corpora.
    pub speaker: String,
    /// The session, where known: nothing of a session is both learnt from and tested on.
    pub session: Option<String>,
    /// Hash of the samples; empty where it is not known.
    pub audio: String,
    /// Its fold, where the corpus gives one.
    pub fold: Option<usize>,
    /// Which corpus it is from.
    pub corpus: String,
    /// Under which condition it was heard.
    pub condition: String,
    /// What it is compared with.
    pub view: View,
}

impl Sample {
    /// What ties it to other samples.
    #[must_use]
    pub fn ties(&self) -> Ties {
        Ties {
            file: self.file.clone(),
            speaker: self.speaker.clone(),
            session: self.session.as_ref().map(|s| format!("{}/{s}", self.corpus)),
            audio: self.audio.clone(),
        }
    }
}

/// What a row is compared with, where a model learns from both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The training speakers.
    #[default]
    Training,
    /// What is usual for the speaker.
    Speaker,
}

impl View {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Training, Self::Speaker];

    /// How much of the reference is the speaker.
    #[must_use]
    pub const fn share(self) -> f64 {
        match self {
            Self::Training => 0.0,
            Self::Speaker => 1.0,
        }
    }

    /// In words, after "compared with".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Training => "training speakers",
            Self::Speaker => "the speaker",
        }
    }
}

/// A corpus as rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name of the feature set, and its version.
    pub feature_set: (String, String),
    /// Names of the features.
    pub names: Vec<String>,
    /// The recordings.
    pub samples: Vec<Sample>,
    /// The recordings against what is usual for their speakers, where that was asked for.
    pub against: Vec<Vec<Option<f32>>>,
}

impl Dataset {
    /// The labels in alphabetical order.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = self.samples.iter().map(|s| s.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// Index of each sample's label.
    #[must_use]
    pub fn classes(&self) -> Vec<usize> {
        let labels = self.labels();
        self.samples.iter().map(|s| labels.iter().position(|l| *l == s.label).unwrap_or(0)).collect()
    }

    /// The dataset with the features that `keep` takes.
    #[must_use]
    pub fn select(&self, keep: impl Fn(&str) -> bool) -> Self {
        let places: Vec<usize> = (0..self.names.len()).filter(|k| keep(&self.names[*k])).collect();
        let take = |s: &Sample| Sample { values: places.iter().map(|p| s.values[*p]).collect(), ..s.clone() };
        Self {
            feature_set: self.feature_set.clone(),
            names: places.iter().map(|p| self.names[*p].clone()).collect(),
            samples: self.samples.iter().map(take).collect(),
            against: self.against.iter().map(|z| places.iter().map(|p| z[*p]).collect()).collect(),
        }
    }

    /// The recordings that `keep` takes.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Sample) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.samples.len()).filter(|i| keep(&self.samples[*i])).collect();
        Self {
            feature_set: self.feature_set.clone(),
            names: self.names.clone(),
            samples: kept.iter().map(|i| self.samples[*i].clone()).collect(),
            against: kept.iter().filter_map(|i| self.against.get(*i).cloned()).collect(),
        }
    }

    /// Checks what training needs.
    ///
    /// # Errors
    /// [`TrainError`] naming what is missing.
    pub fn check(&self) -> Result<(), TrainError> {
        let few = |what: &str, found: usize| {
            if found < 2 { Err(TrainError::TooFew { what: what.to_owned(), found, expected: 2 }) } else { Ok(()) }
        };
        few("labels", self.labels().len())?;
        few("speakers", self.speakers().len())?;
        if self.names.is_empty() {
            return Err(TrainError::TooFew { what: "features".to_owned(), found: 0, expected: 1 });
        }
        let expected = self.names.len();
        match self.samples.iter().find(|s| s.values.len() != expected) {
            Some(s) => Err(TrainError::Width { found: s.values.len(), expected }),
            None => Ok(()),
        }
    }

    /// The speakers in alphabetical order.
    #[must_use]
    pub fn speakers(&self) -> Vec<String> {
        let mut speakers: Vec<String> = self.samples.iter().map(|s| s.speaker.clone()).collect();
        speakers.sort_unstable();
        speakers.dedup();
        speakers
    }

    /// Folds of the samples: the corpora's own where they give one for every sample, else speakers are dealt out.
    ///
    /// # Errors
    /// [`TrainError`] as [`Folds::new`].
    pub fn folds(&self, count: usize) -> Result<Folds, TrainError> {
        let ties: Vec<Ties> = self.samples.iter().map(Sample::ties).collect();
        Folds::new(&ties, self.samples.iter().map(|s| s.fold).collect(), count)
    }

    /// Statistics of the given samples: means and standard deviations of what is defined. A feature that does not move gets
    /// scale 1.
    #[must_use]
    pub fn statistics(&self, of: &[usize]) -> Normaliser {
        let of = |k: usize| moments(of.iter().filter_map(|i| self.samples[*i].values[k]));
        let (location, scale) = (0..self.names.len()).map(of).unzip();
        Normaliser::Training { location, scale }
    }

    /// Compares every sample as a model with that reference does.
    ///
    /// # Errors
    /// [`TrainError::Learner`] for features that have no baseline.
    pub fn compare(&mut self, reference: Reference) -> Result<(), TrainError> {
        match reference {
            Reference::Training => Ok(()),
            Reference::Speaker => self.compare_with_speakers(),
            Reference::Both => self.compare_with_both(),
        }
    }

    /// The population, for the features of this dataset.
    fn population(&self) -> Result<Population, TrainError> {
        Population::affect_of(&self.names).map_err(|name| {
            TrainError::Learner(format!("feature \"{name}\" is not one of affect-v1: it has no baseline"))
        })
    }

    /// Every sample twice: compared with its speaker, and, as of somebody who has not been heard before, with the population.
    fn compare_with_both(&mut self) -> Result<(), TrainError> {
        self.compare_with_speakers()?;
        let usual = Baseline::new(self.population()?).usual_of_all();
        let z = |(v, u): (&Option<f32>, &Option<(f64, f64)>)| Baseline::against((*u)?, (*v)?).map(|d| d.z as f32);
        let unknown: Vec<Sample> = self.samples.iter().map(|s| Sample { view: View::Training, ..s.clone() }).collect();
        self.against.extend(unknown.iter().map(|s| s.values.iter().zip(&usual).map(z).collect::<Vec<_>>()));
        self.samples.extend(unknown);
        Ok(())
    }

    /// Compares every sample with what is usual for its speaker (under the same condition): what a baseline
    /// of all that the speaker says calls usual; labels play no part.
    fn compare_with_speakers(&mut self) -> Result<(), TrainError> {
        let population = self.population()?;
        let mut baselines: BTreeMap<(&str, &str), Baseline> = BTreeMap::new();
        for s in &self.samples {
            let key = (s.speaker.as_str(), s.condition.as_str());
            let b = baselines.entry(key).or_insert_with(|| Baseline::of_all(population.clone()));
            b.push(&s.values, s.speech_s);
        }
        let usual: BTreeMap<_, _> = baselines.iter().map(|(k, b)| (*k, b.usual_of_all())).collect();
        let z = |s: &Sample| {
            let usual = &usual[&(s.speaker.as_str(), s.condition.as_str())];
            let z = |(v, u): (&Option<f32>, &Option<(f64, f64)>)| Baseline::against((*u)?, (*v)?).map(|d| d.z as f32);
            s.values.iter().zip(usual).map(z).collect()
        };
        self.against = self.samples.iter().map(z).collect();
        self.samples.iter_mut().for_each(|s| s.view = View::Speaker);
        Ok(())
    }
}
