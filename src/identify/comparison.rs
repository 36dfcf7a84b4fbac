//! Comparison of learners out of fold, with the choice among them made inside every fold.

use super::by_corpus::fit_by_corpus;
use super::data::Dataset;
use super::entry::{entering, normaliser};
use super::error::TrainError;
use super::folds::Folds;
use super::learners::Learner;
use super::measure::{top, uar};
use super::recipe::TrainSettings;
use crate::model::card::Card;
use ndarray::{Array2, Axis};

/// Folds inside a training part, by which the learner is chosen there.
const INNER: usize = 3;

/// Learners compared out of fold.
pub(super) struct Compared {
    /// Recall of each over all folds.
    pub recall: Vec<(Learner, f64, f64)>,
    /// Scores out of fold of what was chosen inside every fold.
    pub logits: Vec<Vec<f64>>,
    /// What was chosen, by fold: a place among the learners.
    pub choices: Vec<usize>,
}

/// The fits of a training.
pub(super) struct Course<'a> {
    pub data: &'a Dataset,
    pub settings: &'a TrainSettings,
    pub classes: &'a [usize],
    pub labels: &'a [String],
    pub card: &'a mut Card,
    pub done: usize,
    pub total: usize,
    pub progress: &'a mut dyn FnMut(usize, usize) -> bool,
}

impl Course<'_> {
    pub(super) fn step(&mut self) -> Result<(), TrainError> {
        self.done += 1;
        if (self.progress)(self.done, self.total) { Ok(()) } else { Err(TrainError::Interrupted) }
    }

    /// Splits inside a training part by which the learner is chosen; none where there is nothing to choose. Splits with fewer than
    /// two labels to learn from say nothing.
    fn inner(&self, folds: &Folds, inside: &[usize]) -> Vec<(Vec<usize>, Vec<usize>)> {
        if self.settings.learners.len() < 2 {
            return Vec::new();
        }
        let several = |part: &[usize]| part.iter().any(|i| self.classes[*i] != self.classes[part[0]]);
        folds.inner(inside, INNER).into_iter().filter(|(_, learnt)| several(learnt)).collect()
    }

    /// Number of fits that a comparison needs.
    pub(super) fn fits(&self, folds: &Folds) -> usize {
        let splits: usize = (0..folds.count()).map(|k| 1 + self.inner(folds, &folds.split(k).1).len()).sum();
        splits * self.settings.learners.len()
    }

    /// Scores of every learner on what was not learnt from.
    fn scores(&mut self, outside: &[usize], inside: &[usize]) -> Result<Vec<Array2<f64>>, TrainError> {
        self.card.normaliser = normaliser(self.data, self.settings.reference, inside);
        let matrix = entering(self.data, self.card)?;
        let (x, z) = (matrix.select(Axis(0), inside), matrix.select(Axis(0), outside));
        let y: Vec<usize> = inside.iter().map(|i| self.classes[*i]).collect();
        let mut out = Vec::with_capacity(self.settings.learners.len());
        let corpora: Vec<&str> = inside.iter().map(|i| self.data.samples[*i].corpus.as_str()).collect();
        for &how in &self.settings.learners {
            out.push(fit_by_corpus(how, &x, &y, &corpora, self.labels, self.settings.seed)?.scores(&z));
            self.step()?;
        }
        Ok(out)
    }

    /// The learner with the best recall of the pooled predictions of some splits, the first of equals; by its place.
    fn chosen(&mut self, splits: &[(Vec<usize>, Vec<usize>)]) -> Result<usize, TrainError> {
        let mut truth = Vec::new();
        let mut answers: Vec<Vec<usize>> = vec![Vec::new(); self.settings.learners.len()];
        for (outside, inside) in splits {
            truth.extend(outside.iter().map(|i| self.classes[*i]));
            for (list, scores) in answers.iter_mut().zip(self.scores(outside, inside)?) {
                list.extend(scores.outer_iter().map(|s| top(&s.to_vec())));
            }
        }
        Ok(top(&answers.iter().map(|a| uar(&truth, a, self.labels.len())).collect::<Vec<_>>()))
    }

    pub(super) fn compared(&mut self, folds: &Folds) -> Result<Compared, TrainError> {
        let (n, count) = (self.data.samples.len(), self.settings.learners.len());
        let mut answers = vec![vec![0; n]; count];
        let mut logits = vec![Vec::new(); n];
        let mut choices = Vec::with_capacity(folds.count());
        for k in 0..folds.count() {
            let (outside, inside) = folds.split(k);
            let splits = self.inner(folds, &inside);
            let choice = self.chosen(&splits)?;
            for (l, scores) in self.scores(&outside, &inside)?.into_iter().enumerate() {
                for (i, s) in outside.iter().zip(scores.outer_iter()) {
                    answers[l][*i] = top(&s.to_vec());
                    if l == choice {
                        logits[*i] = s.to_vec();
                    }
                }
            }
            choices.push(choice);
        }
        let recall = |l: usize| uar(self.classes, &answers[l], self.labels.len());
        let recall =
            (0..count).map(|l| (self.settings.learners[l].0, self.settings.learners[l].1, recall(l))).collect();
        Ok(Compared { recall, logits, choices })
    }
}

/// How the learner was chosen inside the folds, for protocols; empty where there was none to choose.
pub(super) fn in_words(choices: &[usize], learners: &[(Learner, f64)]) -> String {
    if learners.len() < 2 {
        return String::new();
    }
    let one = |(l, (learner, strength)): (usize, &(Learner, f64))| {
        let times = choices.iter().filter(|c| **c == l).count();
        (times > 0).then(|| format!("{} at {strength} in {times}", learner.name()))
    };
    let list: Vec<String> = learners.iter().enumerate().filter_map(one).collect();
    format!("; the learner was chosen inside every fold ({})", list.join(", "))
}
