//! Training of a model from a pool of recordings: which data it learns from, which learner, what its card says.

use super::audit;
use super::data::{Dataset, Sample};
use super::error::TrainError;
use super::labels::dimensions;
use super::learners::Learner;
use super::pool::{Pool, Recording};
use super::prepare::Normalisation;
use super::train::{Reference, TrainSettings, Trained, train};
use super::transfer::Parts;
use crate::model::card::{Derived, Metric};
use std::collections::BTreeSet;

/// Which part of a pool a model learns from.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Corpora.
    pub corpora: Vec<String>,
    /// Labels; without, those of a single corpus, or of several those that at least two of them have: a label that only one has
    /// would name the corpus.
    pub labels: Option<Vec<String>>,
    /// Conditions.
    pub conditions: Vec<String>,
    /// Keep features that move with the gain of the recording.
    pub level: bool,
    /// Features whose names begin like this are left out.
    pub without: Vec<String>,
    /// Labels that transfers between corpora are judged by.
    pub common: Vec<String>,
}

impl Plan {
    /// The labels of the model.
    #[must_use]
    pub fn labels(&self, pool: &Pool) -> Vec<String> {
        if let Some(list) = &self.labels {
            return list.clone();
        }
        let pairs: BTreeSet<(&str, &str)> = pool
            .recordings
            .iter()
            .filter(|r| self.corpora.contains(&r.corpus))
            .map(|r| (r.label.as_str(), r.corpus.as_str()))
            .collect();
        let needed = if self.corpora.len() > 1 { 2 } else { 1 };
        let labels: BTreeSet<&str> = pairs.iter().map(|p| p.0).collect();
        labels.into_iter().filter(|l| pairs.iter().filter(|p| p.0 == *l).count() >= needed).map(str::to_owned).collect()
    }

    /// The rows that are learnt from.
    ///
    /// # Errors
    /// [`TrainError::Width`] where speakers are to be compared with themselves over features that have no baseline.
    pub fn dataset(&self, pool: &Pool, reference: Reference) -> Result<Dataset, TrainError> {
        let labels = self.labels(pool);
        let mut samples = Vec::new();
        for heard in pool.heard.iter().filter(|h| self.conditions.contains(&h.condition)) {
            for (i, r) in pool.recordings.iter().enumerate() {
                if self.corpora.contains(&r.corpus) && labels.contains(&r.label) {
                    samples.push(Sample {
                        values: heard.values[i].clone(),
                        speech_s: heard.speech_s[i],
                        label: r.label.clone(),
                        speaker: r.who(),
                        fold: r.fold,
                        corpus: r.corpus.clone(),
                        condition: heard.condition.clone(),
                    });
                }
            }
        }
        let mut data =
            Dataset { feature_set: pool.feature_set.clone(), names: pool.names.clone(), samples, against: Vec::new() };
        if reference == Reference::Speaker {
            data.compare_with_speakers()?;
        }
        Ok(data.select(|n| pool.names.iter().position(|x| x == n).is_some_and(|k| self.takes(pool, k))))
    }

    /// Whether the model takes feature number `k` of the pool.
    fn takes(&self, pool: &Pool, k: usize) -> bool {
        (self.level || !pool.level_dependent[k]) && !self.without.iter().any(|w| pool.names[k].starts_with(w.as_str()))
    }

    /// The same of the corpora that are not learnt from.
    fn elsewhere(&self, pool: &Pool) -> Self {
        let corpora = pool.corpora().into_iter().filter(|c| !self.corpora.contains(c)).collect();
        Self { corpora, labels: Some(self.labels(pool)), ..self.clone() }
    }
}

/// The learner that does best from corpus to corpus, and what it reaches there.
fn travels(
    pool: &Pool,
    plan: &Plan,
    how: Normalisation,
    asked: &[(Learner, f64)],
) -> Result<Option<(Learner, f64, Vec<Metric>)>, TrainError> {
    let mut sum: Vec<(Learner, f64, f64)> = Vec::new();
    let mut transfers = Vec::new();
    let keep: Vec<usize> =
        (0..pool.recordings.len()).filter(|i| plan.corpora.contains(&pool.recordings[*i].corpus)).collect();
    let part = Pool {
        recordings: keep.iter().map(|i| pool.recordings[*i].clone()).collect(),
        heard: pool.heard[..1]
            .iter()
            .map(|h| super::pool::Heard {
                condition: h.condition.clone(),
                values: keep.iter().map(|i| h.values[*i].clone()).collect(),
                speech_s: keep.iter().map(|i| h.speech_s[*i]).collect(),
            })
            .collect(),
        ..Pool { recordings: Vec::new(), heard: Vec::new(), ..pool.clone() }
    };
    let parts = Parts::of(&part, &plan.common, how, &|k| plan.takes(pool, k));
    let n = parts.corpora().len();
    if n < 2 {
        return Ok(None);
    }
    for test in 0..n {
        let learn: Vec<usize> = (0..n).filter(|k| *k != test).collect();
        let t = parts.transfer(&learn, test, if asked.is_empty() { &CANDIDATES_OF_SEVERAL } else { asked }, 1)?;
        for (k, (learner, strength, uar)) in t.learners.iter().enumerate() {
            match sum.get_mut(k) {
                Some(s) => s.2 += uar,
                None => sum.push((*learner, *strength, *uar)),
            }
        }
        transfers.push(t);
    }
    let best = (0..sum.len()).reduce(|a, b| if sum[b].2 > sum[a].2 { b } else { a });
    Ok(best.map(|k| {
        let metric = |t: &super::transfer::Transfer| Metric {
            name: format!("UAR on {}, learnt from {}", t.tested, t.learnt.join(" and ")),
            value: t.learners[k].2,
            protocol: format!(
                "leave one corpus out, {} (chance {:.2}), clean, normalised {}{}",
                t.labels.join(", "),
                1.0 / t.labels.len() as f64,
                match how {
                    Normalisation::Training => "with the training speakers' statistics",
                    Normalisation::Speaker => "per speaker (mean and standard deviation)",
                },
                if sum.len() > 1 { "; the learner was chosen by the mean of these figures" } else { "" }
            ),
        };
        (sum[k].0, sum[k].1, transfers.iter().map(metric).collect())
    }))
}

/// What is tried where nothing else is asked for.
pub const CANDIDATES: [(Learner, f64); 4] =
    [(Learner::Logistic, 0.02), (Learner::Logistic, 0.005), (Learner::Sparse, 0.05), (Learner::KernelSvm, 1.0)];

/// The same for several corpora: what leaves little room for what is special about one of them.
pub const CANDIDATES_OF_SEVERAL: [(Learner, f64); 5] = [
    (Learner::Logistic, 0.001),
    (Learner::Logistic, 0.005),
    (Learner::Logistic, 0.02),
    (Learner::Sparse, 0.1),
    (Learner::Perceptron, 3.0),
];

/// Trains the model of a plan. Without learners in the settings the one is taken that travels best between the corpora, or for a
/// single corpus the one with the best recall out of fold.
///
/// # Errors
/// [`TrainError`] naming what is wrong with the data, or what failed.
pub fn model(
    pool: &Pool,
    plan: &Plan,
    mut settings: TrainSettings,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Trained, TrainError> {
    let mut extra = Vec::new();
    let how = match settings.reference {
        Reference::Training => Normalisation::Training,
        Reference::Speaker => Normalisation::Speaker,
    };
    if let Some((learner, strength, metrics)) = travels(pool, plan, how, &settings.learners)? {
        extra = metrics;
        if settings.learners.is_empty() {
            settings.learners = vec![(learner, strength)];
        }
    }
    if settings.learners.is_empty() {
        settings.learners = CANDIDATES.to_vec();
    }
    let data = plan.dataset(pool, settings.reference)?;
    let other = plan.elsewhere(pool).dataset(pool, settings.reference)?;
    // The same sound in two folds would leak: what was memorised in one is tested in the other.
    let used: Vec<&Recording> = pool.recordings.iter().filter(|r| plan.corpora.contains(&r.corpus)).collect();
    let folds: Option<Vec<usize>> = used.iter().map(|r| r.fold).collect();
    if let Some(folds) = folds {
        audit::split(&used, &folds).map_err(|leak| TrainError::Learner(leak.to_string()))?;
    }
    settings.metrics.extend(extra);
    let labels = data.labels();
    let known: Option<Vec<(f64, f64)>> = labels.iter().map(|l| dimensions(l)).collect();
    if let Some(k) = known {
        let dimension = |name: &str, of_labels: Vec<f64>| Derived { name: name.to_owned(), of_labels };
        settings.derived = vec![
            dimension("arousal", k.iter().map(|d| d.0).collect()),
            dimension("valence", k.iter().map(|d| d.1).collect()),
        ];
    }
    train(&data, &other, &settings, progress)
}
