//! Emotion that a layer tells: the study's logistic regression on pooled states, in the study's folds.

use super::error::ProbeError;
use crate::identify::contexts::Context;
use crate::identify::learners::{Fitted, Learner, Rows, fit};
use crate::identify::measure::top;
use crate::statistics::{Interval, interval, moments};
use ndarray::{Array1, Array2, Axis};

/// What one fold's training part made of a layer: scores `weights x + bias` of its states.
#[derive(Debug, Clone)]
pub struct Map {
    /// Classes by channels.
    pub weights: Array2<f64>,
    /// By class.
    pub bias: Array1<f64>,
}

/// Answers out of fold, and the maps that gave them.
#[derive(Debug, Clone)]
pub struct Readout {
    /// Class of each recording.
    pub answers: Vec<usize>,
    /// By fold.
    pub maps: Vec<Map>,
}

/// Classes with the largest scores.
pub fn answers(scores: &Array2<f64>) -> Vec<usize> {
    scores.outer_iter().map(|s| top(&s.to_vec())).collect()
}

/// Fits in every fold, on columns in standard deviations of the training part, and answers for the rest. What is undefined (not a number)
/// stands at the mean of the training part.
pub fn readout(context: &Context, columns: &Rows, seed: u64) -> Result<Readout, ProbeError> {
    let mut out = Readout { answers: vec![0; columns.nrows()], maps: Vec::new() };
    for fold in 0..context.fold_count() {
        let (tested, learnt) = context.split(fold);
        let (mean, spread): (Vec<f64>, Vec<f64>) =
            (0..columns.ncols()).map(|k| moments(learnt.iter().map(|i| columns[(*i, k)]))).unzip();
        let (mean, spread) = (Array1::from(mean), Array1::from(spread));
        let standard = |which: &[usize]| {
            let z = (columns.select(Axis(0), which).mapv(f64::from) - &mean) / &spread;
            z.mapv(|v| if v.is_finite() { v } else { 0.0 })
        };
        let rows = standard(&learnt).mapv(|v| v as f32);
        let classes: Vec<usize> = learnt.iter().map(|i| context.classes[*i]).collect();
        let fitted = fit(Learner::Logistic, Learner::Logistic.strength(), &rows, &classes, &context.labels, seed)?;
        let Fitted::Linear(linear) = fitted else { return Err(ProbeError::Numbers("a read-out that is not linear")) };
        let (weights, bias) = (linear.weights.mapv(f64::from), linear.bias.mapv(f64::from));
        let scores = standard(&tested).dot(&weights.t()) + &bias;
        let weights = weights / &spread;
        let bias = bias - weights.dot(&mean);
        tested.iter().zip(answers(&scores)).for_each(|(i, a)| out.answers[*i] = a);
        out.maps.push(Map { weights, bias });
    }
    Ok(out)
}

/// Hits by speaker and class: recall when speakers are drawn anew. Hits may be shares, the mean of several runs.
#[derive(Debug, Clone)]
pub struct Recall {
    hits: Array2<f64>,
    counts: Array2<f64>,
}

impl Recall {
    /// Of the share of runs that answer right, by recording.
    pub fn of(context: &Context, right: &[f64]) -> Self {
        let shape = (context.speaker_names.len(), context.labels.len());
        let (mut hits, mut counts) = (Array2::zeros(shape), Array2::zeros(shape));
        for (i, r) in right.iter().enumerate() {
            let place = (context.speakers[i], context.classes[i]);
            hits[place] += r;
            counts[place] += 1.0;
        }
        Self { hits, counts }
    }

    /// Of answers.
    pub fn of_answers(context: &Context, answers: &[usize]) -> Self {
        let right: Vec<f64> = answers.iter().zip(&context.classes).map(|(a, c)| f64::from(u8::from(a == c))).collect();
        Self::of(context, &right)
    }

    /// Unweighted average recall over speakers, some of them several times; of classes that come.
    fn over(&self, speakers: &[usize]) -> f64 {
        let recall = |c: usize| {
            let sum = |of: &Array2<f64>| speakers.iter().map(|s| of[(*s, c)]).sum::<f64>();
            let count = sum(&self.counts);
            (count > 0.0).then(|| sum(&self.hits) / count)
        };
        let known: Vec<f64> = (0..self.hits.ncols()).filter_map(recall).collect();
        known.iter().sum::<f64>() / known.len().max(1) as f64
    }

    /// Unweighted average recall over all speakers.
    pub fn uar(&self) -> f64 {
        self.over(&(0..self.hits.nrows()).collect::<Vec<_>>())
    }

    /// With its interval.
    pub fn with_interval(&self, draws: &[Vec<usize>]) -> Interval {
        interval(self.uar(), draws.iter().map(|d| self.over(d)).collect())
    }

    /// The difference to another, with its interval: the same speakers drawn for both.
    pub fn beyond(&self, other: &Self, draws: &[Vec<usize>]) -> Interval {
        interval(self.uar() - other.uar(), draws.iter().map(|d| self.over(d) - other.over(d)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::made::pool;
    use crate::identify::measure::uar;

    #[test]
    fn recall_over_speakers_is_that_of_their_answers() {
        let pool = pool(&["c"], 6, 9, 1);
        let context = Context::new(&pool, "x".into(), (0..pool.recordings.len()).collect(), 0).unwrap();
        let answers: Vec<usize> =
            (0..context.classes.len()).map(|i| (context.classes[i] + i % 3 / 2) % context.labels.len()).collect();
        let r = Recall::of_answers(&context, &answers);
        assert!((r.uar() - uar(&context.classes, &answers, context.labels.len())).abs() < 1e-12);
        let some = [1, 1, 3];
        let members: Vec<usize> =
            some.iter().flat_map(|s| (0..answers.len()).filter(|i| context.speakers[*i] == *s)).collect();
        let of = |list: &[usize]| members.iter().map(|i| list[*i]).collect::<Vec<_>>();
        assert!((r.over(&some) - uar(&of(&context.classes), &of(&answers), context.labels.len())).abs() < 1e-12);
    }

    /// Scores by the maps are those that gave the answers, whatever is in the columns' units.
    #[test]
    fn maps_answer_as_the_read_out_does() {
        let pool = pool(&["c"], 6, 9, 1);
        let context = Context::new(&pool, "x".into(), (0..pool.recordings.len()).collect(), 0).unwrap();
        let n = context.classes.len();
        let columns = Array2::from_shape_fn((n, 3), |(i, k)| {
            (context.classes[i] as f32 + ((i * 31 + k * 17) % 11) as f32 / 7.0) * [1.0, 50.0, 0.01][k] + 3.0
        });
        let r = readout(&context, &columns, 1).unwrap();
        for (fold, map) in r.maps.iter().enumerate() {
            let (tested, _) = context.split(fold);
            let scores = columns.select(Axis(0), &tested).mapv(f64::from).dot(&map.weights.t()) + &map.bias;
            assert_eq!(answers(&scores), tested.iter().map(|i| r.answers[*i]).collect::<Vec<_>>());
        }
        assert!(Recall::of_answers(&context, &r.answers).uar() > 0.7);
        let mut gaps = columns.clone();
        gaps.column_mut(1).fill(f32::NAN);
        assert!(readout(&context, &gaps, 1).unwrap().maps.iter().all(|m| m.bias.iter().all(|v| v.is_finite())));
    }
}
