//! Training of a model from a pool of recordings: which data it learns from, which learner, what its card says.

use super::amount::Heard;
use super::data::{Dataset, Sample, View};
use super::error::TrainError;
use super::labels::dimensions;
use super::learners::Learner;
use super::pool::Pool;
use super::prepare::Normalisation;
use super::recipe::{Reference, TrainSettings};
use super::train::{Trained, train, train_with};
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
                        file: r.file.clone(),
                        speaker: r.who(),
                        session: r.session.clone(),
                        audio: r.audio.clone(),
                        fold: r.fold,
                        corpus: r.corpus.clone(),
                        condition: heard.condition.clone(),
                        view: View::default(),
                    });
                }
            }
        }
        let mut data =
            Dataset { feature_set: pool.feature_set.clone(), names: pool.names.clone(), samples, against: Vec::new() };
        data.compare(reference)?;
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
        let metric = |t: &super::transfer::Transfer| {
            // Where there was a choice: the figure of what the corpora learnt from would have chosen among themselves.
            let (value, choice) = match &t.chosen {
                _ if sum.len() == 1 => (t.learners[k].2, String::new()),
                Some((learner, strength, uar)) => (
                    uar.value,
                    format!(
                        "; the learner was chosen among the corpora learnt from ({} at {strength})",
                        learner.name()
                    ),
                ),
                None => (
                    t.learners[k].2,
                    format!("; not nested: the best of {} learners by the mean of these figures", sum.len()),
                ),
            };
            Metric {
                name: format!("UAR on {}, learnt from {}", t.tested, t.learnt.join(" and ")),
                value,
                protocol: format!(
                    "leave one corpus out, {} (chance {:.2}), clean, normalised {}{choice}",
                    t.labels.join(", "),
                    1.0 / t.labels.len() as f64,
                    match how {
                        Normalisation::Training => "with the training speakers' statistics",
                        Normalisation::Speaker => "per speaker (mean and standard deviation)",
                    },
                ),
            }
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

/// Trains the model of a plan. Of several learners (or without any in the settings) the one is taken that travels best between the
/// corpora, or for a single corpus the one with the best recall out of fold.
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
        Reference::Training | Reference::Both => Normalisation::Training,
        Reference::Speaker => Normalisation::Speaker,
    };
    if let Some((learner, strength, metrics)) = travels(pool, plan, how, &settings.learners)? {
        extra = metrics;
        if settings.learners.len() != 1 {
            settings.learners = vec![(learner, strength)];
            settings.selection =
                "; the learner is the one that travels best between these corpora, not nested".to_owned();
        }
    }
    if settings.learners.is_empty() {
        settings.learners = CANDIDATES.to_vec();
    }
    let data = plan.dataset(pool, settings.reference)?;
    let other = plan.elsewhere(pool).dataset(pool, settings.reference)?;
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
    if settings.reference != Reference::Both || settings.derived.is_empty() {
        return train(&data, &other, &settings, progress);
    }
    train_with(&data, &other, Some(Heard { known: &data, other: &other }), &settings, progress)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::made;
    use crate::identify::train::Background;

    /// Figures from corpus to corpus are of a learner that the tested corpus had no part in choosing, or say that it had.
    #[test]
    fn transfers_on_a_card_are_nested_or_say_so() {
        for (corpora, asked) in [(&["a", "b", "c"][..], 0), (&["a", "b"], 0), (&["a", "b"], 1), (&["a", "b", "c"], 2)] {
            let pool = made::pool(corpora, 4, 12, 7);
            let plan = Plan {
                corpora: pool.corpora(),
                labels: None,
                conditions: vec!["clean".to_owned()],
                level: true,
                without: Vec::new(),
                common: ["off", "on"].map(str::to_owned).to_vec(),
            };
            let settings = TrainSettings {
                id: "m".to_owned(),
                version: "1".to_owned(),
                description: String::new(),
                learners: [(Learner::Logistic, 0.02), (Learner::Sparse, 0.1)][..asked].to_vec(),
                selection: String::new(),
                reference: Reference::Training,
                folds: 4,
                seed: 1,
                silent_share: 0.0,
                background: Background::Rows(4),
                licence: String::new(),
                corpora: Vec::new(),
                limits: Vec::new(),
                derived: Vec::new(),
                metrics: Vec::new(),
            };
            let candidates = if asked == 0 { CANDIDATES_OF_SEVERAL.to_vec() } else { settings.learners.clone() };
            let card = model(&pool, &plan, settings, &mut |_, _| true).unwrap().card;
            let parts = Parts::of(&pool, &plan.common, Normalisation::Training, &|_| true);
            for (test, corpus) in corpora.iter().enumerate() {
                let learn: Vec<usize> = (0..corpora.len()).filter(|k| *k != test).collect();
                let t = parts.transfer(&learn, test, &candidates, 1).unwrap();
                let figure =
                    card.metrics.iter().find(|m| m.name.starts_with(&format!("UAR on {corpus}, learnt"))).unwrap();
                match (corpora.len(), candidates.len()) {
                    (_, 1) => assert!(figure.value == t.learners[0].2 && !figure.protocol.contains("chosen")),
                    (3, _) => {
                        assert_eq!(figure.value, t.chosen.unwrap().2.value);
                        assert!(
                            figure.protocol.contains("chosen among the corpora learnt from"),
                            "{}",
                            figure.protocol
                        );
                    }
                    _ => assert!(figure.protocol.contains("not nested: the best of"), "{}", figure.protocol),
                }
            }
            // All other figures are of a learner that was chosen before, by these corpora.
            let home = card.metrics.iter().find(|m| m.name == "UAR").unwrap();
            assert_eq!(home.protocol.contains("travels best between these corpora, not nested"), candidates.len() > 1);
        }
    }
}
