//! Recordings of several corpora with their features under every condition.

use super::folds::Ties;
use crate::features::catalogue::{Entry, Group};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a recording is like apart from what is said, for audits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Level of the sound, in dB relative to full scale.
    pub level_dbfs: f64,
    /// Largest sample, in dB relative to full scale.
    pub peak_dbfs: f64,
    /// Share of samples that are exactly zero.
    pub silence_share: f64,
    /// Frequency below which 99.9 % of the energy lies, in Hz.
    pub bandwidth_hz: f64,
    /// Length, in seconds.
    pub duration_s: f64,
}

/// One recording.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// The file, as the manifest names it.
    pub file: String,
    /// Which corpus.
    pub corpus: String,
    /// Which language, where known.
    pub language: Option<String>,
    /// Who speaks, within the corpus.
    pub speaker: String,
    /// Sex of the speaker, where known.
    pub sex: Option<String>,
    /// What is said, where known.
    pub sentence: Option<String>,
    /// Which session, where known: nothing of a session is both learnt from and tested on.
    pub session: Option<String>,
    /// What was labelled, harmonised.
    pub label: String,
    /// Its fold, where the corpus gives one.
    pub fold: Option<usize>,
    /// Hash of the samples: equal for identical sound.
    pub audio: String,
    /// What it is like.
    pub facts: Facts,
}

impl Recording {
    /// Who speaks, across corpora.
    #[must_use]
    pub fn who(&self) -> String {
        format!("{}/{}", self.corpus, self.speaker)
    }

    /// What ties it to other recordings.
    #[must_use]
    pub fn ties(&self) -> Ties {
        Ties {
            file: self.file.clone(),
            speaker: self.who(),
            session: self.session.as_ref().map(|s| format!("{}/{s}", self.corpus)),
            audio: self.audio.clone(),
        }
    }
}

/// Features of all recordings under one condition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Heard {
    /// Name of the condition.
    pub condition: String,
    /// Values in the order of the names, by recording.
    pub values: Vec<Vec<Option<f32>>>,
    /// Seconds of speech, by recording.
    pub speech_s: Vec<f64>,
}

/// Everything that a study learns from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pool {
    /// Name and version of the feature set.
    pub feature_set: (String, String),
    /// Names of the features.
    pub names: Vec<String>,
    /// The group of each feature.
    pub groups: Vec<Group>,
    /// Whether a feature moves with the gain of the recording.
    pub level_dependent: Vec<bool>,
    /// The recordings.
    pub recordings: Vec<Recording>,
    /// What was heard of them; clean first.
    pub heard: Vec<Heard>,
}

impl Pool {
    /// An empty pool for the features of a catalogue.
    #[must_use]
    pub fn of(set: &str, version: &str, catalogue: &[Entry]) -> Self {
        Self {
            feature_set: (set.to_owned(), version.to_owned()),
            names: catalogue.iter().map(|e| e.name.clone()).collect(),
            groups: catalogue.iter().map(|e| e.group).collect(),
            level_dependent: catalogue.iter().map(|e| e.level_dependent).collect(),
            ..Self::default()
        }
    }

    /// Number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The corpora, in the order of the recordings.
    #[must_use]
    pub fn corpora(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for r in &self.recordings {
            if !out.contains(&r.corpus) {
                out.push(r.corpus.clone());
            }
        }
        out
    }

    /// The groups that occur with their features.
    #[must_use]
    pub fn members(&self) -> Vec<(Group, Vec<usize>)> {
        let mut features_of: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        self.groups.iter().enumerate().for_each(|(k, g)| features_of.entry(*g).or_default().push(k));
        features_of.into_iter().collect()
    }
}
