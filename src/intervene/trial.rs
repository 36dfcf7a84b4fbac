//! Trial: one recording, asked about as it is and with every combination of doses, and what came of the doses.

use super::dose::doses;
use super::subject::{Answer, AskError, Subject};
use crate::alter::{Measured, Property, Voice};
use crate::features::catalogue::{Group, affect_functionals};
use crate::record::Record;
use serde::{Deserialize, Serialize};

/// A recording as it was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// What the model says.
    pub answer: Answer,
    /// Values of `affect-v1` in the order of the catalogue.
    pub features: Vec<Option<f32>>,
}

/// What became of doses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The voice was altered.
    Altered {
        /// The altered recording.
        heard: Heard,
        /// What came of every dose, in its unit; `None` where nothing tells it.
        came: Vec<Option<f64>>,
        /// Median movement of each group of features, in deviations, in the order of [`Group::ALL`].
        moved: Vec<Option<f64>>,
    },
    /// It could not be altered, or not be asked about afterwards, and why.
    Failed(String),
}

/// A recording under one combination of doses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// The doses.
    pub doses: Vec<(Property, f64)>,
    /// What became of them.
    pub outcome: Outcome,
}

/// One recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// As it is.
    pub original: Heard,
    /// Altered.
    pub versions: Vec<Version>,
}

/// Why a recording takes no part.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TrialError {
    /// The voice cannot be altered at all.
    Voice(crate::alter::AlterError),
    /// The model says nothing of it as it is.
    Ask(AskError),
    /// Somebody asked to stop: what was heard until then.
    Stopped(Box<Trial>),
}

impl std::fmt::Display for TrialError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Voice(e) => e.fmt(f),
            Self::Ask(e) => e.fmt(f),
            Self::Stopped(_) => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for TrialError {}

impl Trial {
    /// Alters a recording of one channel in every way, and asks. Versions that are `known` from before are taken as they are, and all of
    /// them are kept. `stop` is asked before every alteration.
    ///
    /// # Errors
    /// [`TrialError`] for a recording that cannot be asked about as it is, and where it was stopped.
    pub fn new(
        subject: &Subject,
        samples: Vec<f32>,
        rate_hz: u32,
        combinations: &[Vec<(Property, f64)>],
        known: Option<Self>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, TrialError> {
        let (answer, before) = subject.ask(&samples, rate_hz).map_err(TrialError::Ask)?;
        let original = Heard { answer, features: values(&before) };
        let mut versions = known.filter(|k| k.original == original).map(|k| k.versions).unwrap_or_default();
        let voice = Voice::new(samples, rate_hz).map_err(TrialError::Voice)?;
        for combination in combinations {
            if versions.iter().any(|v| v.doses == *combination) {
                continue;
            }
            if stop() {
                return Err(TrialError::Stopped(Box::new(Self { original, versions })));
            }
            let outcome = outcome(subject, &voice, &before, combination).unwrap_or_else(Outcome::Failed);
            versions.push(Version { doses: combination.clone(), outcome });
        }
        Ok(Self { original, versions })
    }

    /// Whether it could be one of this model: remembered ones may be of another kind.
    #[must_use]
    pub fn fits(&self, subject: &Subject) -> bool {
        let fits = |h: &Heard| {
            h.answer.scores.len() == subject.names().len() && h.features.len() == affect_functionals().len()
        };
        fits(&self.original)
            && self.versions.iter().all(|v| match &v.outcome {
                Outcome::Altered { heard, .. } => fits(heard),
                Outcome::Failed(_) => true,
            })
    }

    /// Whether it has all these combinations.
    #[must_use]
    pub fn has(&self, combinations: &[Vec<(Property, f64)>]) -> bool {
        combinations.iter().all(|c| self.version(c).is_some())
    }

    /// The recording under a combination of doses.
    #[must_use]
    pub fn version(&self, doses: &[(Property, f64)]) -> Option<&Version> {
        self.versions.iter().find(|v| v.doses == doses)
    }
}

fn outcome(
    subject: &Subject,
    voice: &Voice,
    before: &Record,
    combination: &[(Property, f64)],
) -> Result<Outcome, String> {
    let asked = doses(combination, voice)?;
    let altered = voice.alter(&asked).map_err(|e| e.to_string())?;
    let (answer, after) = subject.ask(&altered.samples, voice.rate_hz()).map_err(|e| e.to_string())?;
    let measured = Measured::between(voice, &altered, &asked, before, &after);
    let came = |(property, _): &(Property, f64)| {
        let came = measured.doses.iter().find(|(p, _, _)| p == property).and_then(|(_, _, came)| *came);
        // A dose of HNR is a change.
        if *property == Property::Hnr { came.zip(voice.hnr_db()).map(|(came, present)| came - present) } else { came }
    };
    Ok(Outcome::Altered {
        heard: Heard { answer, features: values(&after) },
        came: combination.iter().map(came).collect(),
        moved: Group::ALL.iter().map(|g| measured.moved(*g)).collect(),
    })
}

/// Values of `affect-v1`.
fn values(record: &Record) -> Vec<Option<f32>> {
    affect_functionals().iter().map(|e| record.value(&e.name)).collect()
}
