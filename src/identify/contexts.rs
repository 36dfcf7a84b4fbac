//! Contexts: subsets of the recordings (a corpus, a sex, a language) under one acoustic condition. Every figure of a study belongs
//! to one.

use super::error::TrainError;
use super::folds::Folds;
use super::pool::{Pool, Recording};
use super::skipped::Skipped;
use serde::Serialize;

/// Fewer speakers than this make no context: nothing can be said about speakers that were not heard.
pub const LEAST_SPEAKERS: usize = 4;

/// Folds, where the corpus gives none and has as many speakers.
const DEALT: usize = 6;

/// Some of the recordings under one condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Context {
    /// Name in tables: `corpus, female, telephone`.
    pub name: String,
    /// The corpus, where there is one.
    pub corpus: Option<String>,
    /// The language, where there is one.
    pub language: Option<String>,
    /// The sex, where there is one.
    pub sex: Option<String>,
    /// The condition.
    pub condition: String,
    /// Whether it is all that there is of a corpus, both sexes together.
    pub whole: bool,
    /// Its recordings, by number in the pool.
    #[serde(skip)]
    pub members: Vec<usize>,
    /// Number of the condition in the pool.
    #[serde(skip)]
    pub heard: usize,
    /// The labels, in alphabetical order.
    pub labels: Vec<String>,
    /// The label of each member, by number.
    #[serde(skip)]
    pub classes: Vec<usize>,
    /// Its folds.
    #[serde(skip)]
    pub folds: Folds,
    /// The speaker of each member, by number.
    #[serde(skip)]
    pub speakers: Vec<usize>,
    /// Names of the speakers.
    pub speaker_names: Vec<String>,
}

impl Context {
    /// The context of some recordings under a condition.
    ///
    /// # Errors
    /// [`TrainError`] for too few speakers or labels, or folds as in [`Folds::new`].
    pub fn new(pool: &Pool, name: String, members: Vec<usize>, heard: usize) -> Result<Self, TrainError> {
        let property_of_members = |f: &dyn Fn(&Recording) -> String| -> Vec<String> {
            members.iter().map(|i| f(&pool.recordings[*i])).collect()
        };
        let (labels, classes) = numbered(&property_of_members(&|r| r.label.clone()));
        let (speaker_names, speakers) = numbered(&property_of_members(&Recording::who));
        for (what, found, expected) in [
            ("speakers", speaker_names.len(), LEAST_SPEAKERS),
            ("labels", labels.len(), 2),
            ("recordings", members.len(), 12),
        ] {
            if found < expected {
                return Err(TrainError::TooFew { what: what.to_owned(), found, expected });
            }
        }
        let one = |f: &dyn Fn(&Recording) -> Option<String>| -> Option<String> {
            let first = f(&pool.recordings[members[0]])?;
            members.iter().all(|i| f(&pool.recordings[*i]).as_ref() == Some(&first)).then_some(first)
        };
        let (corpus, language, sex) =
            (one(&|r| Some(r.corpus.clone())), one(&|r| r.language.clone()), one(&|r| r.sex.clone()));
        let folds = folds(pool, &members, corpus.is_some())?;
        let condition = pool.heard[heard].condition.clone();
        let whole =
            corpus.as_ref().is_some_and(|c| pool.recordings.iter().filter(|r| r.corpus == *c).count() == members.len());
        Ok(Self {
            name,
            corpus,
            language,
            sex,
            condition,
            whole,
            members,
            heard,
            labels,
            classes,
            folds,
            speakers,
            speaker_names,
        })
    }

    /// Number of folds.
    #[must_use]
    pub const fn fold_count(&self) -> usize {
        self.folds.count()
    }

    /// Members outside and inside a fold's training part: `(tested, learnt from)`.
    #[must_use]
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        self.folds.split(fold)
    }

    /// What a figure of this context rests on, in words.
    #[must_use]
    pub fn protocol(&self) -> String {
        format!(
            "{} recordings of {} speakers, {} folds that share neither speaker, session nor recording, predictions out of fold pooled",
            self.members.len(),
            self.speaker_names.len(),
            self.fold_count()
        )
    }
}

/// Distinct names in alphabetical order, and the number of each entry's.
fn numbered(entries: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut names = entries.to_vec();
    names.sort_unstable();
    names.dedup();
    let numbers = entries.iter().map(|l| names.binary_search(l).unwrap_or(0)).collect();
    (names, numbers)
}

/// Folds of some recordings: the corpus's own where there is one corpus and all of them have one.
fn folds(pool: &Pool, members: &[usize], one_corpus: bool) -> Result<Folds, TrainError> {
    let recordings = || members.iter().map(|i| &pool.recordings[*i]);
    let given = one_corpus.then(|| recordings().map(|r| r.fold).collect::<Option<Vec<usize>>>()).flatten();
    Folds::new(&recordings().map(Recording::ties).collect::<Vec<_>>(), given, DEALT)
}

/// All contexts: every corpus, every sex in it, every language of several corpora, each under every condition; and those that are
/// too small.
#[must_use]
pub fn all(pool: &Pool) -> (Vec<Context>, Vec<Skipped>) {
    let mut parts: Vec<(String, Vec<usize>)> = Vec::new();
    let recordings_where = |take: &dyn Fn(&Recording) -> bool| -> Vec<usize> {
        (0..pool.recordings.len()).filter(|i| take(&pool.recordings[*i])).collect()
    };
    for corpus in pool.corpora() {
        let whole = parts.len();
        parts.push((corpus.clone(), recordings_where(&|r| r.corpus == corpus)));
        for (sex, name) in [("f", "female"), ("m", "male")] {
            let members = recordings_where(&|r| r.corpus == corpus && r.sex.as_deref() == Some(sex));
            // Where all are of one sex the context would be the corpus over again.
            if !members.is_empty() && members.len() < parts[whole].1.len() {
                parts.push((format!("{corpus}, {name}"), members));
            }
        }
    }
    let (languages, _) = numbered(&pool.recordings.iter().filter_map(|r| r.language.clone()).collect::<Vec<_>>());
    for language in languages {
        let members = recordings_where(&|r| r.language.as_ref() == Some(&language));
        let first = &pool.recordings[members[0]].corpus;
        if members.iter().any(|i| pool.recordings[*i].corpus != *first) {
            parts.push((format!("language {language}"), members));
        }
    }
    let (mut contexts, mut skipped) = (Vec::new(), Vec::new());
    for (heard, h) in pool.heard.iter().enumerate() {
        for (part, members) in &parts {
            let name = format!("{part}, {}", h.condition);
            match Context::new(pool, name.clone(), members.clone(), heard) {
                Ok(c) => contexts.push(c),
                Err(e) => skipped.push(Skipped { name, why: e.to_string() }),
            }
        }
    }
    (contexts, skipped)
}
