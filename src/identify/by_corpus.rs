//! Linear models learnt corpus by corpus, their weights averaged.
//!
//! In one pot the largest corpus decides, and what is special about it passes for emotion. Learnt apart, corpora vote: where their
//! scores contradict each other they cancel out, so that accuracy on a corpus that none of them is rises and confidence falls by
//! itself where they disagree. The average of linear models is a linear model.

use super::error::TrainError;
use super::learners::linear::Linear;
use super::learners::{Fitted, Learner, Rows, fit};
use ndarray::{Array1, Array2, Axis};

/// Rows of each corpus, in alphabetical order of the corpora; `None` where they are learnt from together: there is one corpus, or
/// one lacks a class that the others have, or the learner is not linear.
#[must_use]
pub fn apart(learner: Learner, classes: &[usize], corpora: &[&str]) -> Option<Vec<Vec<usize>>> {
    let linear = matches!(learner, Learner::Logistic | Learner::Sparse | Learner::LinearSvm);
    let sorted = |mut list: Vec<_>| {
        list.sort_unstable();
        list.dedup();
        list
    };
    let mut names = corpora.to_vec();
    names.sort_unstable();
    names.dedup();
    let parts: Vec<Vec<usize>> =
        names.iter().map(|n| (0..classes.len()).filter(|i| corpora[*i] == *n).collect()).collect();
    let all = sorted(classes.to_vec());
    let complete = |part: &Vec<usize>| sorted(part.iter().map(|i| classes[*i]).collect()) == all;
    (linear && parts.len() > 1 && parts.iter().all(complete)).then_some(parts)
}

/// Fits rows to classes as [`fit`] does, corpus by corpus where [`apart`] says so; `corpora` names that of each row.
///
/// # Errors
/// As [`fit`].
pub fn fit_by_corpus(
    (learner, strength): (Learner, f64),
    rows: &Rows,
    classes: &[usize],
    corpora: &[&str],
    labels: &[String],
    seed: u64,
) -> Result<Fitted, TrainError> {
    let Some(parts) = apart(learner, classes, corpora) else {
        return fit(learner, strength, rows, classes, labels, seed);
    };
    let mut weights = Array2::<f64>::zeros((labels.len(), rows.ncols()));
    let mut bias = Array1::<f64>::zeros(labels.len());
    for part in &parts {
        let y: Vec<usize> = part.iter().map(|i| classes[*i]).collect();
        let Fitted::Linear(one) = fit(learner, strength, &rows.select(Axis(0), part), &y, labels, seed)? else {
            return Err(TrainError::Learner(format!("{}: its models are not linear", learner.name())));
        };
        weights += &one.weights.mapv(f64::from);
        bias += &one.bias.mapv(f64::from);
    }
    let n = parts.len() as f64;
    Ok(Fitted::Linear(Linear { weights: weights.mapv(|v| (v / n) as f32), bias: bias.mapv(|v| (v / n) as f32) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::streams::{Purpose, stream};

    /// Two corpora of which the larger follows its first column alone, the smaller its second.
    fn two() -> (Rows, Vec<usize>, Vec<&'static str>) {
        let mut r = stream(3, Purpose::Recordings, 0);
        let corpora: Vec<&str> = (0..1000).map(|i| if i < 900 { "large" } else { "small" }).collect();
        let rows = Rows::from_shape_fn((1000, 2), |_| r.normal() as f32);
        let classes = (0..1000).map(|i| usize::from(rows[(i, usize::from(i >= 900))] > 0.0)).collect();
        (rows, classes, corpora)
    }

    fn names() -> Vec<String> {
        ["off", "on"].map(str::to_owned).to_vec()
    }

    fn linear(f: &Fitted) -> Linear {
        match f {
            Fitted::Linear(m) => m.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The average is that of the two models, and the small corpus has as much to say as the large one.
    #[test]
    fn corpora_have_one_vote_each() {
        let (rows, classes, corpora) = two();
        let how = (Learner::Logistic, 0.1);
        let together = linear(&fit(how.0, how.1, &rows, &classes, &names(), 1).unwrap());
        let apart = linear(&fit_by_corpus(how, &rows, &classes, &corpora, &names(), 1).unwrap());
        let alone = |range: std::ops::Range<usize>| {
            let members: Vec<usize> = range.clone().collect();
            let y = &classes[range];
            linear(&fit(how.0, how.1, &rows.select(Axis(0), &members), y, &names(), 1).unwrap())
        };
        let (a, b) = (alone(0..900), alone(900..1000));
        for k in 0..2 {
            let mean = 0.5 * (a.weights[(1, k)] + b.weights[(1, k)]);
            assert!((apart.weights[(1, k)] - mean).abs() < 1e-6);
        }
        let share = |m: &Linear| {
            let w = |k: usize| f64::from(m.weights[(1, k)] - m.weights[(0, k)]);
            w(1) / (w(0) + w(1))
        };
        assert!(
            share(&together) < 0.5 * share(&apart) && share(&apart) > 0.25,
            "{} {}",
            share(&together),
            share(&apart)
        );
        // Where the two disagree the scores are smaller than where they agree.
        let at = |x: f32, y: f32| {
            let s = apart.scores(&Rows::from_shape_vec((1, 2), vec![x, y]).unwrap());
            (s[(0, 1)] - s[(0, 0)]).abs()
        };
        assert!(at(1.0, -1.0) < 0.6 * at(1.0, 1.0), "{} {}", at(1.0, -1.0), at(1.0, 1.0));
    }

    /// One corpus, a corpus that lacks a class, or a learner that is not linear: in one pot, as without corpora.
    #[test]
    fn what_cannot_be_averaged_is_learnt_together() {
        let (rows, mut classes, corpora) = two();
        assert_eq!(apart(Learner::Logistic, &classes, &corpora).unwrap().iter().map(Vec::len).sum::<usize>(), 1000);
        assert_eq!(apart(Learner::Logistic, &classes, &vec!["one"; 1000]), None);
        assert_eq!(apart(Learner::Forest, &classes, &corpora), None);
        classes[900..].fill(1);
        assert_eq!(apart(Learner::Sparse, &classes, &corpora), None);
        let how = (Learner::Logistic, 0.1);
        let same = fit_by_corpus(how, &rows, &classes, &corpora, &names(), 1).unwrap();
        assert_eq!(linear(&same), linear(&fit(how.0, how.1, &rows, &classes, &names(), 1).unwrap()));
    }
}
