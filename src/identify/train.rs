//! From labelled rows to a model that the stream runs.

use super::boosting::{self, Boosting};
use super::data::{Dataset, TrainError};
use super::export;
use super::logistic::{self, Logistic};
use super::measure::{calibration_error, least_sure, recalls, temperature, tempered, top, uar};
use crate::model::card::{Abstain, Calibration, Card, FORMAT, Input, Metric, Normaliser, Output, OutputKind};
use crate::model::vector;
use crate::onnx::trees::Ensemble;

/// Normalised features are clipped to this many standard deviations.
const CLIP: f64 = 4.0;

/// Which learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learner {
    /// Multinomial logistic regression with an L2 penalty.
    Logistic,
    /// Gradient-boosted trees.
    Boosting,
}

impl Learner {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Logistic, Self::Boosting];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Boosting => "boosting",
        }
    }
}

/// What features are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reference {
    /// The training speakers.
    #[default]
    Training,
    /// What is usual for each speaker.
    Speaker,
}

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Name of the model.
    pub id: String,
    /// Version of the model.
    pub version: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The learners to try; the one with the best recall out of fold is kept.
    pub learners: Vec<Learner>,
    /// What features are compared with.
    pub reference: Reference,
    /// Number of folds, where the corpus gives none.
    pub folds: usize,
    /// Inverse penalty of the logistic regression.
    pub strength: f64,
    /// Share of the least sure answers that are not given.
    pub silent_share: f64,
    /// Background rows to keep.
    pub background: usize,
    /// Licence of the weights.
    pub licence: String,
    /// Names of the corpora.
    pub corpora: Vec<String>,
    /// What it cannot do.
    pub limits: Vec<String>,
}

/// A fitted learner.
enum Fitted {
    Logistic(Logistic),
    Boosting(Ensemble),
}

impl Fitted {
    fn logits(&self, row: &[f32]) -> Vec<f64> {
        match self {
            Self::Logistic(m) => m.logits(row),
            Self::Boosting(m) => m.sums(row),
        }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The model's bytes, the card inside.
    pub bytes: Vec<u8>,
    /// The card.
    pub card: Card,
    /// The learner that was kept.
    pub learner: Learner,
    /// Unweighted average recall out of fold, by learner.
    pub recall: Vec<(Learner, f64)>,
}

/// The rows as they enter a model, for a normaliser fitted on `fit`.
fn rows(
    data: &Dataset,
    reference: Reference,
    z: &[Vec<Option<f32>>],
    card: &mut Card,
    fit: &[usize],
) -> Result<Vec<Vec<f32>>, TrainError> {
    card.normaliser = match reference {
        Reference::Training => data.statistics(fit),
        Reference::Speaker => Normaliser::Speaker,
    };
    let one = |(i, s): (usize, &super::data::Sample)| {
        vector::row(card, &s.values, z.get(i).map(Vec::as_slice)).map_err(|e| TrainError::Learner(e.to_string()))
    };
    data.samples.iter().enumerate().map(one).collect()
}

fn fit(
    learner: Learner,
    rows: &[Vec<f32>],
    classes: &[usize],
    labels: &[String],
    settings: &Settings,
) -> Result<Fitted, TrainError> {
    Ok(match learner {
        Learner::Logistic => Fitted::Logistic(logistic::fit(rows, classes, labels.len(), settings.strength)?),
        Learner::Boosting => Fitted::Boosting(boosting::fit(rows, classes, labels, Boosting::default())?),
    })
}

/// Trains, calibrates and exports. `progress` is told of every fit that is done, out of how many; it may end the work by
/// saying `false`.
///
/// Folds share no speaker; normaliser and weights are fitted inside the folds; temperature and the threshold of
/// abstention come from predictions out of fold.
///
/// # Errors
/// [`TrainError`] naming what is wrong with the data, or what failed.
pub fn train(
    data: &Dataset,
    settings: &Settings,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Trained, TrainError> {
    data.check()?;
    if settings.reference == Reference::Speaker && data.names.len() != crate::features::affect::FUNCTIONALS {
        return Err(TrainError::Width { found: data.names.len(), expected: crate::features::affect::FUNCTIONALS });
    }
    let (labels, classes, folds) = (data.labels(), data.classes(), data.folds(settings.folds)?);
    let count = folds.iter().max().map_or(0, |m| m + 1);
    let z = if settings.reference == Reference::Speaker { data.against_speakers() } else { Vec::new() };
    let mut card = blank(data, settings);
    let steps = settings.learners.len() * (count + 1);
    let mut done = 0;
    let mut step = || {
        done += 1;
        if progress(done, steps) { Ok(()) } else { Err(TrainError::Learner("interrupted".to_owned())) }
    };
    let mut best: Option<(Learner, f64, Vec<Vec<f64>>)> = None;
    let mut recall = Vec::new();
    for &learner in &settings.learners {
        let mut logits: Vec<Vec<f64>> = vec![Vec::new(); data.samples.len()];
        for fold in 0..count {
            let inside: Vec<usize> = (0..folds.len()).filter(|i| folds[*i] != fold).collect();
            let all = rows(data, settings.reference, &z, &mut card, &inside)?;
            let x: Vec<Vec<f32>> = inside.iter().map(|i| all[*i].clone()).collect();
            let y: Vec<usize> = inside.iter().map(|i| classes[*i]).collect();
            let fitted = fit(learner, &x, &y, &labels, settings)?;
            (0..folds.len()).filter(|i| folds[*i] == fold).for_each(|i| logits[i] = fitted.logits(&all[i]));
            step()?;
        }
        let answers: Vec<usize> = logits.iter().map(|l| top(l)).collect();
        let u = uar(&classes, &answers, labels.len());
        recall.push((learner, u));
        if best.as_ref().is_none_or(|b| u > b.1) {
            best = Some((learner, u, logits));
        }
    }
    let Some((learner, _, logits)) = best else {
        return Err(TrainError::TooFew { what: "learners".to_owned(), found: 0, expected: 1 });
    };
    let everything: Vec<usize> = (0..data.samples.len()).collect();
    let all = rows(data, settings.reference, &z, &mut card, &everything)?;
    let fitted = fit(learner, &all, &classes, &labels, settings)?;
    step()?;
    judge(&mut card, &logits, &classes, &labels, settings, count, data);
    card.background = background(&all, &classes, labels.len(), settings.background);
    card.outputs = outputs(&fitted, &labels);
    let bytes = match &fitted {
        Fitted::Logistic(m) => export::logistic(m, &card),
        Fitted::Boosting(m) => export::trees(m, &card),
    };
    Ok(Trained { bytes, card, learner, recall })
}

fn blank(data: &Dataset, settings: &Settings) -> Card {
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
        clip: Some(CLIP),
        calibration: Calibration::default(),
        abstain: Abstain::default(),
        background: Vec::new(),
        licence: settings.licence.clone(),
        corpora: settings.corpora.clone(),
        metrics: Vec::new(),
        limits: settings.limits.clone(),
    }
}

fn outputs(fitted: &Fitted, labels: &[String]) -> Vec<Output> {
    let of = |name: &str, kind| Output { name: name.to_owned(), kind, labels: labels.to_vec() };
    match fitted {
        Fitted::Logistic(_) => {
            vec![of(export::LOGITS, OutputKind::Logits), of(export::PROBABILITIES, OutputKind::Probabilities)]
        }
        Fitted::Boosting(_) => vec![
            of(export::PROBABILITIES, OutputKind::Probabilities),
            Output { labels: Vec::new(), ..of(export::LABEL, OutputKind::Label) },
        ],
    }
}

/// Calibration, abstention and figures, all from predictions out of fold.
fn judge(
    card: &mut Card,
    logits: &[Vec<f64>],
    classes: &[usize],
    labels: &[String],
    settings: &Settings,
    folds: usize,
    data: &Dataset,
) {
    let t = temperature(logits, classes);
    let before: Vec<Vec<f64>> = logits.iter().map(|l| tempered(l, 1.0)).collect();
    let after: Vec<Vec<f64>> = logits.iter().map(|l| tempered(l, t)).collect();
    let answers: Vec<usize> = logits.iter().map(|l| top(l)).collect();
    let threshold = least_sure(&after, settings.silent_share);
    let given: Vec<usize> = (0..classes.len()).filter(|i| after[*i][answers[*i]] >= threshold).collect();
    let pick = |list: &[usize]| -> Vec<usize> { given.iter().map(|i| list[*i]).collect() };
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
    for (label, r) in labels.iter().zip(recalls(classes, &answers, n)) {
        card.metrics.extend(r.map(|r| metric(format!("recall of {label}"), r, "")));
    }
    let seen = "; the temperature was chosen on the same predictions";
    card.metrics.extend([
        metric("expected calibration error, ten bins".to_owned(), calibration_error(&after, classes), seen),
        metric("the same without calibration".to_owned(), calibration_error(&before, classes), ""),
        metric("share of answers given".to_owned(), given.len() as f64 / classes.len().max(1) as f64, ""),
        metric(
            "UAR of answers given".to_owned(),
            uar(&pick(classes), &pick(&answers), n),
            "; the threshold was chosen on the same predictions",
        ),
    ]);
}

/// Rows that stand for the data: the same number from each class, evenly spaced in the corpus's order.
fn background(rows: &[Vec<f32>], classes: &[usize], count: usize, total: usize) -> Vec<Vec<f32>> {
    let mut out = Vec::with_capacity(total);
    for c in 0..count {
        let members: Vec<usize> = (0..rows.len()).filter(|i| classes[*i] == c).collect();
        let share = total / count + usize::from(c < total % count);
        out.extend((0..share.min(members.len())).map(|k| rows[members[k * members.len() / share]].clone()));
    }
    out
}
