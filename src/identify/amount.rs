//! Arousal as a dimension that a model learns by itself: high against the rest, over the model's labels.
//!
//! What is fitted is the probability that the label's arousal is high (anger, happiness, fear, surprise), by logistic regression; two
//! times that less one is the amount, from -1 to 1. Temperature and interval come from corpora that the weights have not heard: the
//! interval holds the middle 80 % of what the labels stand for (-1, 0 or 1) around the amount.

use super::by_corpus::fit_by_corpus;
use super::data::{Dataset, Sample, View};
use super::entry::{entering, normaliser};
use super::error::TrainError;
use super::labels::dimensions;
use super::learners::{Fitted, Learner, Rows};
use super::measure::{temperature_over, uar};
use super::recipe::TrainSettings;
use crate::model::card::{Amount, Calibration, Card, Metric, Reach};
use ndarray::Array1;

/// Name of the dimension and of the graph's output.
pub const NAME: &str = "arousal";
/// Inverse penalty of the regression: from corpus to corpus 0.0002 to 0.005 differ little.
const STRENGTH: f64 = 0.001;
/// Share of the truths that the interval shall hold.
const COVERAGE: f64 = 0.8;

/// What is learnt from, and what is heard but not learnt from; the arousal of all labels is known.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Learnt from.
    pub known: &'a Dataset,
    /// Of other corpora.
    pub other: &'a Dataset,
}

/// A dimension that was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Weights by feature.
    pub weights: Array1<f32>,
    /// Constant term.
    pub bias: f32,
    /// What makes an amount of its number.
    pub rule: Amount,
    /// Figures for the card.
    pub metrics: Vec<Metric>,
}

/// What the label of a sample stands for.
fn truth(s: &Sample) -> f64 {
    dimensions(&s.label).map_or(0.0, |d| d.0)
}

fn high(s: &Sample) -> usize {
    usize::from(truth(s) > 0.0)
}

/// Weights and constant term of high against the rest.
fn direction(data: &Dataset, rows: &Rows, seed: u64) -> Result<(Array1<f32>, f32), TrainError> {
    let classes: Vec<usize> = data.samples.iter().map(high).collect();
    let labels = ["rest", "high"].map(str::to_owned);
    let corpora: Vec<&str> = data.samples.iter().map(|s| s.corpus.as_str()).collect();
    match fit_by_corpus((Learner::Logistic, STRENGTH), rows, &classes, &corpora, &labels, seed)? {
        Fitted::Linear(m) => Ok((&m.weights.row(1) - &m.weights.row(0), m.bias[1] - m.bias[0])),
        _ => Err(TrainError::Learner("logistic regression is linear".to_owned())),
    }
}

/// Numbers on a corpus that the weights have not heard.
struct Unheard {
    corpus: String,
    learnt: Vec<String>,
    samples: Vec<(Sample, f64)>,
}

fn corpora(data: &Dataset) -> Vec<String> {
    let mut names: Vec<String> = data.samples.iter().map(|s| s.corpus.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Both kinds occur.
fn both(data: &Dataset) -> bool {
    [0, 1].iter().all(|c| data.samples.iter().any(|s| high(s) == *c))
}

fn unheard(heard: Heard<'_>, card: &Card, settings: &TrainSettings) -> Result<Vec<Unheard>, TrainError> {
    let mut out = Vec::new();
    for (data, corpus) in
        [heard.known, heard.other].into_iter().flat_map(|d| corpora(d).into_iter().map(move |c| (d, c)))
    {
        let test = data.only(|s| s.corpus == corpus);
        let sounds: std::collections::BTreeSet<&str> =
            test.samples.iter().map(|s| s.audio.as_str()).filter(|a| !a.is_empty()).collect();
        let train = heard.known.only(|s| s.corpus != corpus && !sounds.contains(s.audio.as_str()));
        if !both(&test) || !both(&train) {
            continue;
        }
        let everything: Vec<usize> = (0..train.samples.len()).collect();
        let card = Card { normaliser: normaliser(&train, settings.reference, &everything), ..card.clone() };
        let (weights, bias) = direction(&train, &entering(&train, &card)?, settings.seed)?;
        let numbers = entering(&test, &card)?.dot(&weights) + bias;
        let samples = test.samples.iter().cloned().zip(numbers.iter().map(|v| f64::from(*v))).collect();
        out.push(Unheard { learnt: corpora(&train), corpus, samples });
    }
    Ok(out)
}

/// The temperature with the least loss over corpora, for rows of one view.
fn temperature(list: &[&Unheard], view: View) -> Option<f64> {
    let groups: Vec<(Vec<Vec<f64>>, Vec<usize>)> = list
        .iter()
        .map(|u| u.samples.iter().filter(|s| s.0.view == view).map(|(s, n)| (vec![0.0, *n], high(s))).unzip())
        .filter(|g: &(Vec<Vec<f64>>, Vec<usize>)| !g.1.is_empty())
        .collect();
    let parts: Vec<(&[Vec<f64>], &[usize])> = groups.iter().map(|g| (&g.0[..], &g.1[..])).collect();
    (!parts.is_empty()).then(|| temperature_over(&parts))
}

/// Temperatures and interval by some corpora.
fn rule(list: &[&Unheard]) -> Option<Amount> {
    let (training, speaker) = (temperature(list, View::Training), temperature(list, View::Speaker));
    let calibration = Calibration { temperature: training.or(speaker)?, temperature_speaker: training.and(speaker) };
    let [training, speaker] = View::ALL.map(|view| reach(list, view, calibration));
    Some(Amount { calibration, coverage: COVERAGE, reach: training.or(speaker)?, reach_speaker: training.and(speaker) })
}

/// How far truths lie from the amounts of one view, corpora weighing the same.
fn reach(list: &[&Unheard], view: View, calibration: Calibration) -> Option<Reach> {
    let residuals = |u: &&Unheard| {
        let ours: Vec<&(Sample, f64)> = u.samples.iter().filter(|s| s.0.view == view).collect();
        let weight = 1.0 / ours.len() as f64;
        ours.iter().map(|(s, n)| (truth(s) - amount(calibration, s, *n), weight)).collect::<Vec<_>>()
    };
    let mut all: Vec<(f64, f64)> = list.iter().flat_map(residuals).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = all.iter().map(|r| r.1).sum();
    let at = |p: f64| below(&all, 0.5 * p * total).map(|r| r.clamp(-2.0, 2.0));
    Some(Reach { below: (-at(1.0 - COVERAGE)?).max(0.0), above: at(1.0 + COVERAGE)?.max(0.0) })
}

/// The value at which so much weight is reached, of values in ascending order with their weights.
fn below(sorted: &[(f64, f64)], weight: f64) -> Option<f64> {
    let mut sum = 0.0;
    let reached = |(_, w): &&(f64, f64)| {
        sum += w;
        sum >= weight
    };
    sorted.iter().find(reached).or(sorted.last()).map(|v| v.0)
}

fn amount(calibration: Calibration, s: &Sample, number: f64) -> f64 {
    Amount::of(number, calibration.at(if s.view == View::Speaker { 1.0 } else { 0.0 }))
}

/// Learns the dimension; `None` where no corpus can tell what it is worth elsewhere. `labels` are those of the model.
///
/// # Errors
/// [`TrainError`] of the regression.
pub fn learn(
    heard: Heard<'_>,
    card: &Card,
    settings: &TrainSettings,
    labels: &[String],
) -> Result<Option<Head>, TrainError> {
    if !both(heard.known) {
        return Ok(None);
    }
    let unheard = unheard(heard, card, settings)?;
    let all: Vec<&Unheard> = unheard.iter().collect();
    let Some(rule) = rule(&all) else { return Ok(None) };
    let (weights, bias) = direction(heard.known, &entering(heard.known, card)?, settings.seed)?;
    Ok(Some(Head { weights, bias, rule, metrics: metrics(&all, rule, labels) }))
}

/// Figures, corpus by corpus; the interval of a corpus is that of the others, where there are others.
fn metrics(list: &[&Unheard], chosen: Amount, labels: &[String]) -> Vec<Metric> {
    let mut out = Vec::new();
    let several = list.iter().flat_map(|u| &u.samples).any(|s| s.0.view != list[0].samples[0].0.view);
    for u in list {
        let others: Vec<&Unheard> = list.iter().copied().filter(|o| o.corpus != u.corpus).collect();
        let (of, whose) = match rule(&others) {
            Some(rule) => (rule, "temperature and interval of the other corpora"),
            None => (chosen, "temperature and interval chosen on the same predictions"),
        };
        let protocol = format!("a corpus that the weights have not heard (learnt from {})", u.learnt.join(" and "));
        for view in View::ALL {
            let words = view.words();
            let rows: Vec<&(Sample, f64)> = u.samples.iter().filter(|s| s.0.view == view).collect();
            if rows.is_empty() {
                continue;
            }
            let protocol = format!("{} rows of {protocol}, all conditions, compared with {words}", rows.len());
            let against = if several { format!(", compared with {words}") } else { String::new() };
            let mut metric = |name: String, value: f64, more: &str| {
                out.push(Metric {
                    name: format!("{name}{against}, unseen"),
                    value,
                    protocol: format!("{protocol}{more}"),
                });
            };
            let mut conditions: Vec<&str> = rows.iter().map(|s| s.0.condition.as_str()).collect();
            conditions.sort_unstable();
            conditions.dedup();
            for condition in conditions {
                let ours: Vec<&&(Sample, f64)> =
                    rows.iter().filter(|s| s.0.condition == condition && labels.contains(&s.0.label)).collect();
                let (truths, answers): (Vec<usize>, Vec<usize>) =
                    ours.iter().map(|(s, n)| (high(s), usize::from(*n > 0.0))).unzip();
                let name = format!("high/low {NAME} UAR on {}, {condition}", u.corpus);
                metric(name, uar(&truths, &answers, 2), &format!("; {}", labels.join(", ")));
            }
            let inside = |s: &&&(Sample, f64)| {
                let a = amount(of.calibration, &s.0, s.1);
                let (low, high) = of.interval(a, s.0.view.share());
                (low - 1e-9..=high + 1e-9).contains(&truth(&s.0))
            };
            let share = rows.iter().filter(inside).count() as f64 / rows.len() as f64;
            metric(format!("{NAME} within its interval on {}", u.corpus), share, &format!("; {whose}"));
        }
    }
    out
}
