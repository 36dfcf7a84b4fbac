//! Training, calibration and export of a model from a dataset.

use super::data::Dataset;
use super::error::TrainError;
use super::export;
use super::learners::{Fitted, Learner, Rows, fit, rows_of};
use super::measure::{calibration_error, least_sure, recalls, temperature, tempered, top, uar};
use super::prepare::CLIP;
use super::unseen::{self, Unseen};
use crate::model::card::{Abstain, Calibration, Card, Derived, FORMAT, Input, Metric, Normaliser, Output, OutputKind};
use crate::model::vector;
use ndarray::Axis;
use std::collections::{BTreeMap, BTreeSet};

/// What features are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    /// The training speakers.
    #[default]
    Training,
    /// What is usual for each speaker.
    Speaker,
}

/// Background dataset of explanations: the rows that attributions compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// So many recordings' rows, the same number for each label.
    Rows(usize),
    /// The mean row of each label in each corpus: no recording can be told from them.
    Prototypes,
}

/// Settings of the training of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSettings {
    /// Name of the model.
    pub id: String,
    /// Version of the model.
    pub version: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The learners to try, each with its strength; the one with the best recall out of fold is kept.
    pub learners: Vec<(Learner, f64)>,
    /// What features are compared with.
    pub reference: Reference,
    /// Number of folds, where the corpus gives none.
    pub folds: usize,
    /// Seed of learners that draw at random.
    pub seed: u64,
    /// Share of the least sure answers that are not given.
    pub silent_share: f64,
    /// Background dataset of explanations.
    pub background: Background,
    /// Licence of the weights.
    pub licence: String,
    /// Names of the corpora.
    pub corpora: Vec<String>,
    /// What it cannot do.
    pub limits: Vec<String>,
    /// Dimensions that follow from the labels, in their alphabetical order.
    pub derived: Vec<Derived>,
    /// Figures that were measured elsewhere.
    pub metrics: Vec<Metric>,
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model's bytes, the card inside.
    pub bytes: Vec<u8>,
    /// The card.
    pub card: Card,
    /// The learner that was kept.
    pub learner: Learner,
    /// Its strength.
    pub strength: f64,
    /// Unweighted average recall out of fold, by learner and strength.
    pub recall: Vec<(Learner, f64, f64)>,
    /// Scores out of fold, before the temperature.
    pub logits: Vec<Vec<f64>>,
    /// The learner fitted to everything.
    pub fitted: Fitted,
}

/// The normaliser of a model that learns from the rows `fit`.
pub(super) fn normaliser(data: &Dataset, reference: Reference, fit: &[usize]) -> Normaliser {
    match reference {
        Reference::Training => data.statistics(fit),
        Reference::Speaker => Normaliser::Speaker,
    }
}

/// The rows as they enter the model of a card.
pub(super) fn entering(data: &Dataset, card: &Card) -> Result<Rows, TrainError> {
    let one = |(i, s): (usize, &super::data::Sample)| {
        vector::row(card, &s.values, data.against.get(i).map(Vec::as_slice))
            .map_err(|e| TrainError::Learner(e.to_string()))
    };
    Ok(rows_of(&data.samples.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()?))
}

/// Trains, calibrates and exports. `progress` is told of every fit that is done, out of how many; it may end the work by
/// saying `false`.
///
/// Folds share no speaker; normaliser and weights are fitted inside the folds. `other` are recordings of corpora that are not
/// learnt from: temperature and the threshold of abstention come from predictions on corpora that the weights have not heard
/// ([`unseen`]). Where there are none they come from predictions out of fold, and the temperature does not
/// sharpen: it is at least 1.
///
/// # Errors
/// [`TrainError`] naming what is wrong with the data, or what failed.
pub fn train(
    data: &Dataset,
    other: &Dataset,
    settings: &TrainSettings,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Trained, TrainError> {
    data.check()?;
    if settings.reference == Reference::Speaker && data.against.len() != data.samples.len() {
        let (found, expected) = (data.against.len(), data.samples.len());
        return Err(TrainError::TooFew { what: "rows compared with their speakers".to_owned(), found, expected });
    }
    let (labels, classes, folds) = (data.labels(), data.classes(), data.folds(settings.folds)?);
    let count = folds.iter().max().map_or(0, |m| m + 1);
    let mut card = blank(data, settings);
    // Every learner on every fold, then the one that is kept on everything, and without each corpus that can judge it.
    let elsewhere = unseen::corpora(data, other);
    let steps = settings.learners.len() * count + 1 + elsewhere.len();
    let mut done = 0;
    let mut step = || {
        done += 1;
        if progress(done, steps) { Ok(()) } else { Err(TrainError::Learner("interrupted".to_owned())) }
    };
    let mut best: Option<(Learner, f64, f64, Vec<Vec<f64>>)> = None;
    let mut recall = Vec::new();
    for &(learner, strength) in &settings.learners {
        let mut logits: Vec<Vec<f64>> = vec![Vec::new(); data.samples.len()];
        for fold in 0..count {
            let (outside, inside): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|i| folds[*i] == fold);
            card.normaliser = normaliser(data, settings.reference, &inside);
            let matrix = entering(data, &card)?;
            let y: Vec<usize> = inside.iter().map(|i| classes[*i]).collect();
            let fitted = fit(learner, strength, &matrix.select(Axis(0), &inside), &y, &labels, settings.seed)?;
            let scores = fitted.scores(&matrix.select(Axis(0), &outside));
            outside.iter().zip(scores.axis_iter(Axis(0))).for_each(|(i, s)| logits[*i] = s.to_vec());
            step()?;
        }
        let answers: Vec<usize> = logits.iter().map(|l| top(l)).collect();
        let u = uar(&classes, &answers, labels.len());
        recall.push((learner, strength, u));
        if best.as_ref().is_none_or(|b| u > b.2) {
            best = Some((learner, strength, u, logits));
        }
    }
    let Some((learner, strength, _, logits)) = best else {
        return Err(TrainError::TooFew { what: "learners".to_owned(), found: 0, expected: 1 });
    };
    let everything: Vec<usize> = (0..data.samples.len()).collect();
    card.normaliser = normaliser(data, settings.reference, &everything);
    let matrix = entering(data, &card)?;
    let fitted = fit(learner, strength, &matrix, &classes, &labels, settings.seed)?;
    step()?;
    let mut unseen = Vec::with_capacity(elsewhere.len());
    for corpus in &elsewhere {
        unseen.push(unseen::prediction(corpus, (data, other), &card, settings, (learner, strength))?);
        step()?;
    }
    judge(&mut card, &Predictions { logits: &logits, unseen: &unseen }, &classes, &labels, settings, count, data);
    card.background = match settings.background {
        Background::Rows(total) => spread(&matrix, &classes, labels.len(), total),
        Background::Prototypes => prototypes(&matrix, data),
    };
    card.outputs = outputs(&fitted, &labels);
    Ok(Trained { bytes: export::model(&fitted, &card), card, learner, strength, recall, logits, fitted })
}

fn blank(data: &Dataset, settings: &TrainSettings) -> Card {
    Card {
        format: FORMAT.to_owned(),
        id: settings.id.clone(),
        version: settings.version.clone(),
        description: settings.description.clone(),
        input: Input::Features {
            name: export::INPUT.to_owned(),
            feature_set: data.feature_set.0.clone(),
            feature_set_version: data.feature_set.1.clone(),
            features: data.names.clone(),
        },
        outputs: Vec::new(),
        normaliser: Normaliser::None,
        clip: Some(f64::from(CLIP)),
        calibration: Calibration::default(),
        abstain: Abstain::default(),
        derived: settings.derived.clone(),
        background: Vec::new(),
        licence: settings.licence.clone(),
        corpora: settings.corpora.clone(),
        metrics: Vec::new(),
        limits: settings.limits.clone(),
    }
}

fn outputs(fitted: &Fitted, labels: &[String]) -> Vec<Output> {
    let output = |name: &str, kind| Output { name: name.to_owned(), kind, labels: labels.to_vec() };
    match fitted {
        Fitted::Trees(_) => vec![
            output(export::PROBABILITIES, OutputKind::Probabilities),
            Output { labels: Vec::new(), ..output(export::LABEL, OutputKind::Label) },
        ],
        _ => vec![output(export::LOGITS, OutputKind::Logits), output(export::PROBABILITIES, OutputKind::Probabilities)],
    }
}

/// What a model is judged by.
struct Predictions<'a> {
    /// Out of fold.
    logits: &'a [Vec<f64>],
    /// On corpora that the weights have not heard.
    unseen: &'a [Unseen],
}

/// Calibration and abstention from predictions on corpora that were not heard, where there are any; figures from these and from
/// predictions out of fold.
fn judge(
    card: &mut Card,
    predictions: &Predictions<'_>,
    classes: &[usize],
    labels: &[String],
    settings: &TrainSettings,
    folds: usize,
    data: &Dataset,
) {
    let Predictions { logits, unseen } = *predictions;
    let t = unseen::temperature(unseen).unwrap_or_else(|| temperature(logits, classes).max(1.0));
    let before: Vec<Vec<f64>> = logits.iter().map(|l| tempered(l, 1.0)).collect();
    let after: Vec<Vec<f64>> = logits.iter().map(|l| tempered(l, t)).collect();
    let answers: Vec<usize> = logits.iter().map(|l| top(l)).collect();
    let threshold = unseen::threshold(unseen, t, settings.silent_share)
        .unwrap_or_else(|| least_sure(&after, settings.silent_share));
    let given: Vec<usize> = (0..classes.len()).filter(|i| after[*i][answers[*i]] >= threshold).collect();
    let pick = |values: &[usize]| -> Vec<usize> { given.iter().map(|i| values[*i]).collect() };
    card.calibration = Calibration { temperature: t };
    card.abstain = Abstain {
        confidence_below: threshold,
        min_speech_s: 0.5,
        min_baseline_s: if settings.reference == Reference::Speaker { 10.0 } else { 0.0 },
    };
    let how = match settings.reference {
        Reference::Training => "normalised with the training speakers' statistics",
        Reference::Speaker => "normalised with each test speaker's own unlabelled speech",
    };
    let protocol = format!(
        "{} recordings of {} speakers, {folds} folds that share no speaker, predictions out of fold pooled, {how}",
        data.samples.len(),
        data.speakers().len()
    );
    let metric = |name: String, value: f64, extra: &str| Metric { name, value, protocol: format!("{protocol}{extra}") };
    let n = labels.len();
    card.metrics = vec![metric("UAR".to_owned(), uar(classes, &answers, n), "")];
    let mut several: Vec<(String, Vec<usize>)> = Vec::new();
    let grouped_by = |f: &dyn Fn(&super::data::Sample) -> String| -> Vec<(String, Vec<usize>)> {
        let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        data.samples.iter().enumerate().for_each(|(i, s)| parts.entry(f(s)).or_default().push(i));
        if parts.len() > 1 { parts.into_iter().collect() } else { Vec::new() }
    };
    several.extend(grouped_by(&|s| format!("corpus {}", s.corpus)));
    several.extend(grouped_by(&|s| format!("condition {}", s.condition)));
    for (part, members) in several {
        let take = |from: &[usize]| -> Vec<usize> { members.iter().map(|i| from[*i]).collect() };
        card.metrics.push(metric(format!("UAR, {part}"), uar(&take(classes), &take(&answers), n), ""));
    }
    for (label, r) in labels.iter().zip(recalls(classes, &answers, n)) {
        card.metrics.extend(r.map(|r| metric(format!("recall of {label}"), r, "")));
    }
    let (seen, seen_too) = if unseen.is_empty() {
        ("; the temperature was chosen on the same predictions", "; the threshold was chosen on the same predictions")
    } else {
        (
            "; the temperature is that of corpora that were not heard",
            "; the threshold is that of corpora that were not heard",
        )
    };
    card.metrics.extend([
        metric(
            "expected calibration error, ten bins of equal mass".to_owned(),
            calibration_error(&after, classes),
            seen,
        ),
        metric("the same without calibration".to_owned(), calibration_error(&before, classes), ""),
        metric("share of answers given".to_owned(), given.len() as f64 / classes.len().max(1) as f64, ""),
        metric("UAR of answers given".to_owned(), uar(&pick(classes), &pick(&answers), n), seen_too),
    ]);
    card.metrics.extend(unseen::metrics(unseen, n, t, &format!("{}, {how}", conditions(data))));
    card.metrics.extend(settings.metrics.iter().cloned());
}

/// The conditions of a dataset, in words.
fn conditions(data: &Dataset) -> String {
    let names: BTreeSet<&str> = data.samples.iter().map(|s| s.condition.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The background dataset: the same number of rows from each class, evenly spaced in the corpus's order.
fn spread(rows: &Rows, classes: &[usize], count: usize, total: usize) -> Vec<Vec<f32>> {
    let mut out = Vec::with_capacity(total);
    for c in 0..count {
        let members: Vec<usize> = (0..rows.nrows()).filter(|i| classes[*i] == c).collect();
        let share = total / count + usize::from(c < total % count);
        out.extend((0..share.min(members.len())).map(|k| rows.row(members[k * members.len() / share]).to_vec()));
    }
    out
}

/// The mean row of each label in each corpus.
fn prototypes(rows: &Rows, data: &Dataset) -> Vec<Vec<f32>> {
    let mut members_of: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (i, s) in data.samples.iter().enumerate() {
        members_of.entry((&s.label, &s.corpus)).or_default().push(i);
    }
    members_of.values().filter_map(|list| rows.select(Axis(0), list).mean_axis(Axis(0))).map(|r| r.to_vec()).collect()
}
