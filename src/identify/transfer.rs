//! Transfer between corpora: the labels that all share, learnt on some corpora and tested on another.

use super::by_corpus::fit_by_corpus;
use super::contexts::Context;
use super::error::TrainError;
use super::learners::{Learner, Rows};
use super::measure::{top, uar};
use super::pool::Pool;
use super::prepare::{Normalisation, raw, standardised};
use super::sufficiency::{Curve, Order, answers, elimination, smallest};
use crate::statistics::Interval;
use ndarray::{Array2, Axis, concatenate};
use serde::Serialize;

/// Candidate learners for transfer: strong penalties, so that they fit little that is special about one corpus.
pub const CANDIDATES: [(Learner, f64); 7] = [
    (Learner::Logistic, 0.02),
    (Learner::Logistic, 0.005),
    (Learner::Logistic, 0.001),
    (Learner::Sparse, 0.1),
    (Learner::KernelSvm, 0.3),
    (Learner::Forest, 100.0),
    (Learner::Perceptron, 3.0),
];

/// What a curve from all other corpora to one was learnt from.
pub const OTHERS: &str = "the other corpora";

/// One direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Transfer {
    /// What was learnt from.
    pub learnt: Vec<String>,
    /// What was tested.
    pub tested: String,
    /// What values were compared with.
    pub normalisation: Normalisation,
    /// The labels.
    pub labels: Vec<String>,
    /// Recall by learner and strength.
    pub learners: Vec<(Learner, f64, f64)>,
    /// The learner that the corpora learnt from would have chosen among themselves, its strength, and its recall with the
    /// 95 % interval over speakers drawn anew.
    pub chosen: Option<(Learner, f64, Interval)>,
}

/// Recordings of a corpus with the given labels.
fn part(pool: &Pool, corpus: &str, labels: &[String]) -> Result<Context, TrainError> {
    let members = (0..pool.recordings.len())
        .filter(|i| pool.recordings[*i].corpus == corpus && labels.contains(&pool.recordings[*i].label))
        .collect();
    Context::new(pool, format!("{corpus}, {}", pool.heard[0].condition), members, 0)
}

/// One corpus.
struct Part {
    name: String,
    context: Context,
    rows: Rows,
    /// Hashes of the samples.
    sounds: Vec<String>,
}

/// Rows of several corpora to learn from, and of another one to test on.
struct Direction<'a> {
    learnt: Rows,
    classes: Vec<usize>,
    corpora: Vec<&'a str>,
    tested: Rows,
}

/// Corpora with their rows of some of the features.
pub struct Parts {
    parts: Vec<Part>,
    labels: Vec<String>,
    normalisation: Normalisation,
}

impl Parts {
    /// All corpora that have all of the labels, with the features whose numbers `takes` accepts.
    #[must_use]
    pub fn of(pool: &Pool, labels: &[String], normalisation: Normalisation, takes: &dyn Fn(usize) -> bool) -> Self {
        let keep: Vec<usize> = (0..pool.width()).filter(|k| takes(*k)).collect();
        let one = |corpus: String| {
            let context = part(pool, &corpus, labels).ok().filter(|c| c.labels.len() == labels.len())?;
            let rows = raw(pool, &context, normalisation).select(Axis(1), &keep);
            let sounds = context.members.iter().map(|i| pool.recordings[*i].audio.clone()).collect();
            Some(Part { name: corpus, context, rows, sounds })
        };
        Self { parts: pool.corpora().into_iter().filter_map(one).collect(), labels: labels.to_vec(), normalisation }
    }

    /// Names of the corpora.
    #[must_use]
    pub fn corpora(&self) -> Vec<String> {
        self.parts.iter().map(|p| p.name.clone()).collect()
    }

    /// Rows by the statistics of what is learnt from. What sounds in the tested corpus too is not learnt from.
    fn direction(&self, learn: &[usize], test: usize) -> Direction<'_> {
        let tested = &self.parts[test];
        let (mut rows, mut classes, mut corpora) = (Vec::new(), Vec::new(), Vec::new());
        for k in learn {
            let part = &self.parts[*k];
            let new = |i: &usize| part.sounds[*i].is_empty() || !tested.sounds.contains(&part.sounds[*i]);
            let kept: Vec<usize> = (0..part.rows.nrows()).filter(new).collect();
            classes.extend(kept.iter().map(|i| part.context.classes[*i]));
            corpora.extend(kept.iter().map(|_| part.name.as_str()));
            rows.push(part.rows.select(Axis(0), &kept));
        }
        rows.push(tested.rows.clone());
        let views: Vec<_> = rows.iter().map(Rows::view).collect();
        let matrix = concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, 0)));
        let n = matrix.nrows() - tested.rows.nrows();
        let inside: Vec<usize> = (0..n).collect();
        let z = standardised(&matrix, &inside);
        let (a, b) = z.view().split_at(Axis(0), n);
        Direction { learnt: a.to_owned(), classes, corpora, tested: b.to_owned() }
    }

    fn answers(&self, learn: &[usize], test: usize, how: (Learner, f64)) -> Result<Vec<usize>, TrainError> {
        let d = self.direction(learn, test);
        let scores = fit_by_corpus(how, &d.learnt, &d.classes, &d.corpora, &self.labels, 1)?.scores(&d.tested);
        Ok(scores.axis_iter(Axis(0)).map(|s| top(&s.to_vec())).collect())
    }

    fn recall(&self, test: usize, given: &[usize]) -> f64 {
        uar(&self.parts[test].context.classes, given, self.labels.len())
    }

    /// One direction, by numbers of corpora.
    ///
    /// # Errors
    /// [`TrainError`] of a learner.
    pub fn transfer(
        &self,
        learn: &[usize],
        test: usize,
        candidates: &[(Learner, f64)],
        seed: u64,
    ) -> Result<Transfer, TrainError> {
        let mut learners = Vec::new();
        for &how in candidates {
            learners.push((how.0, how.1, self.recall(test, &self.answers(learn, test, how)?)));
        }
        let mut chosen = None;
        if learn.len() > 1 {
            let mut best: Option<((Learner, f64), f64)> = None;
            for &how in candidates {
                let mut sum = 0.0;
                for inner in learn {
                    let rest: Vec<usize> = learn.iter().copied().filter(|k| k != inner).collect();
                    sum += self.recall(*inner, &self.answers(&rest, *inner, how)?);
                }
                if best.is_none_or(|b| sum > b.1) {
                    best = Some((how, sum));
                }
            }
            if let Some((how, _)) = best {
                let given = self.answers(learn, test, how)?;
                let i = super::evaluate::uar_by_speaker(&self.parts[test].context, &given, 400, seed);
                chosen = Some((how.0, how.1, i));
            }
        }
        Ok(Transfer {
            learnt: learn.iter().map(|k| self.parts[*k].name.clone()).collect(),
            tested: self.parts[test].name.clone(),
            normalisation: self.normalisation,
            labels: self.labels.clone(),
            learners,
            chosen,
        })
    }

    /// A direction in words.
    pub(super) fn name(&self, learn: &[usize], test: usize) -> String {
        let learnt: Vec<&str> = learn.iter().map(|k| self.parts[*k].name.as_str()).collect();
        format!("from {} to {}, {}", learnt.join(" and "), self.parts[test].name, self.normalisation.name())
    }

    /// All directions: from each corpus to each other, and from all others to each.
    #[must_use]
    pub fn directions(&self) -> Vec<(Vec<usize>, usize)> {
        let n = self.parts.len();
        let mut out = Vec::new();
        for test in 0..n {
            let others: Vec<usize> = (0..n).filter(|k| *k != test).collect();
            out.extend(others.iter().map(|k| (vec![*k], test)));
            if others.len() > 1 {
                out.push((others, test));
            }
        }
        out
    }

    /// Recall against number of features from the other corpora to one; the order comes from the corpora learnt from.
    ///
    /// # Errors
    /// [`TrainError`] of the learner.
    pub fn curve(&self, test: usize, sizes: &[usize], seed: u64) -> Result<Curve, TrainError> {
        let learn: Vec<usize> = (0..self.parts.len()).filter(|k| *k != test).collect();
        let Direction { learnt: x, classes: y, tested: z, .. } = self.direction(&learn, test);
        let d = x.ncols();
        let ordered = elimination(&x, &y, self.labels.len())?;
        let context = &self.parts[test].context;
        let (mut points, mut given) = (Vec::new(), Vec::new());
        for size in sizes.iter().copied().filter(|s| *s < d).chain([d]) {
            let a = answers(&x, &y, &self.labels, &z, &ordered[..size])?;
            points.push((size, self.recall(test, &a)));
            given.push(a);
        }
        let drawn = super::evaluate::resampled(context, 400, seed);
        let again = |drawn_members: &Vec<usize>| {
            let pick = |from: &[usize]| -> Vec<usize> { drawn_members.iter().map(|i| from[*i]).collect() };
            let truth = pick(&context.classes);
            let p: Vec<(usize, f64)> =
                points.iter().zip(&given).map(|(p, a)| (p.0, uar(&truth, &pick(a), self.labels.len()))).collect();
            smallest(&p) as f64
        };
        let interval = crate::statistics::interval(smallest(&points) as f64, drawn.iter().map(again).collect());
        Ok(Curve {
            tested: self.parts[test].name.clone(),
            learnt: OTHERS.to_owned(),
            normalisation: self.normalisation,
            order: Order::Consensus,
            points,
            smallest: Some(interval),
        })
    }
}
