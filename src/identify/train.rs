//! Training, calibration and export of a model from a dataset.

use super::amount::{self, Head, Heard};
use super::background::{prototypes, spread};
use super::by_corpus::{apart, fit_by_corpus};
use super::comparison::{Compared, Course, in_words};
use super::data::Dataset;
use super::entry::{entering, normaliser};
use super::error::TrainError;
use super::export;
use super::judge::{Predictions, Protocol, judge};
use super::learners::{Fitted, Learner};
use super::novelty;
use super::prepare::CLIP;
pub use super::recipe::{Background, Reference, TrainSettings};
use super::unseen;
use crate::model::card::{Abstain, Calibration, Card, FORMAT, Input, Normaliser, Output, OutputKind};

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
    /// Unweighted average recall out of fold, by learner and strength: what the choice of the learner rests on. The card has the
    /// recall of the choice itself.
    pub recall: Vec<(Learner, f64, f64)>,
    /// Scores out of fold of what was chosen inside every fold, before the temperature.
    pub logits: Vec<Vec<f64>>,
    /// The learner fitted to everything.
    pub fitted: Fitted,
    /// Arousal, where it was learnt by itself.
    pub head: Option<Head>,
}

/// Trains, calibrates and exports. `progress` is told of every fit that is done, out of how many; it may end the work by
/// saying `false`.
///
/// Folds share neither speaker, session nor sound; normaliser and weights are fitted inside the folds, and where there are several
/// learners the choice is made inside them too, so that no figure is a maximum over learners. `other` are recordings of corpora
/// that are not learnt from: temperature and the threshold of abstention come from predictions on corpora that the weights have
/// not heard ([`unseen`]). Where there are none they come from predictions out of fold, and the temperature does not
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
    train_with(data, other, None, settings, progress)
}

/// The same, with arousal as a dimension that is learnt by itself from rows with more labels, where a corpus that the weights have
/// not heard can tell what it is worth.
///
/// # Errors
/// As [`train`].
pub fn train_with(
    data: &Dataset,
    other: &Dataset,
    arousal: Option<Heard<'_>>,
    settings: &TrainSettings,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Trained, TrainError> {
    data.check()?;
    if settings.reference != Reference::Training && data.against.len() != data.samples.len() {
        let (found, expected) = (data.against.len(), data.samples.len());
        return Err(TrainError::TooFew { what: "rows compared with their speakers".to_owned(), found, expected });
    }
    if settings.learners.is_empty() {
        return Err(TrainError::TooFew { what: "learners".to_owned(), found: 0, expected: 1 });
    }
    let (labels, classes, folds) = (data.labels(), data.classes(), data.folds(settings.folds)?);
    let elsewhere = unseen::corpora(data, other);
    let mut card = blank(data, settings);
    let mut course =
        Course { data, settings, classes: &classes, labels: &labels, card: &mut card, done: 0, total: 0, progress };
    course.total = course.fits(&folds) + 1 + elsewhere.len() + usize::from(arousal.is_some());
    let Compared { recall, mut logits, choices } = course.compared(&folds)?;
    // The first of equals.
    let best = (0..recall.len()).reduce(|a, b| if recall[b].2 > recall[a].2 { b } else { a }).unwrap_or(0);
    let (learner, strength, _) = recall[best];
    let everything: Vec<usize> = (0..data.samples.len()).collect();
    course.card.normaliser = normaliser(data, settings.reference, &everything);
    let matrix = entering(data, course.card)?;
    let corpora: Vec<&str> = data.samples.iter().map(|s| s.corpus.as_str()).collect();
    let averaged = apart(learner, &classes, &corpora).is_some();
    let fitted = fit_by_corpus((learner, strength), &matrix, &classes, &corpora, &labels, settings.seed)?;
    course.step()?;
    // Models of one reference are as they were: their figures are under no widening.
    let mut novelty = (settings.reference == Reference::Both).then(|| novelty::fit(&matrix));
    if let Some(novelty) = &novelty {
        for (l, row) in logits.iter_mut().zip(matrix.rows()) {
            let widening = novelty.widening(novelty.distance(&row.to_vec()));
            l.iter_mut().for_each(|v| *v /= widening);
        }
    }
    let mut unseen = Vec::with_capacity(elsewhere.len());
    for corpus in &elsewhere {
        unseen.extend(unseen::prediction(corpus, (data, other), course.card, settings, (learner, strength))?);
        course.step()?;
    }
    if let Some(novelty) = &mut novelty {
        let distances: Vec<Vec<f64>> = unseen.iter().map(|u| u.distances.clone()).collect();
        novelty.limit = novelty::limit(novelty, &distances);
    }
    let head = match arousal {
        Some(heard) => {
            let head = amount::learn(heard, course.card, settings, &labels)?;
            course.step()?;
            head
        }
        None => None,
    };
    card.novelty = novelty;
    let choice = in_words(&choices, &settings.learners);
    let how = Protocol { data, folds: folds.count(), choice: &choice, averaged };
    judge(&mut card, &Predictions { logits: &logits, unseen: &unseen }, &classes, &labels, settings, &how);
    card.background = match settings.background {
        Background::Rows(total) => spread(&matrix, &classes, labels.len(), total),
        Background::Prototypes => prototypes(&matrix, data),
    };
    card.outputs = outputs(&fitted, &labels);
    if let Some(head) = &head {
        card.derived.retain(|d| d.name != amount::NAME);
        card.metrics.extend(head.metrics.iter().cloned());
        card.outputs.push(Output {
            name: amount::NAME.to_owned(),
            kind: OutputKind::Dimensions,
            labels: vec![amount::NAME.to_owned()],
            amount: Some(head.rule),
        });
    }
    let bytes = export::model(&fitted, head.as_ref(), &card);
    Ok(Trained { bytes, card, learner, strength, recall, logits, fitted, head })
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
        novelty: None,
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
    let output = |name: &str, kind| Output { name: name.to_owned(), kind, labels: labels.to_vec(), amount: None };
    match fitted {
        Fitted::Trees(_) => vec![
            output(export::PROBABILITIES, OutputKind::Probabilities),
            Output { labels: Vec::new(), ..output(export::LABEL, OutputKind::Label) },
        ],
        _ => vec![output(export::LOGITS, OutputKind::Logits), output(export::PROBABILITIES, OutputKind::Probabilities)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::data::{Sample, View};
    use crate::identify::measure::{top, uar};
    use crate::statistics::streams::{Purpose, stream};

    fn settings(learners: Vec<(Learner, f64)>) -> TrainSettings {
        TrainSettings {
            id: "m".to_owned(),
            version: "1".to_owned(),
            description: String::new(),
            learners,
            selection: String::new(),
            reference: Reference::Training,
            folds: 6,
            seed: 1,
            silent_share: 0.0,
            background: Background::Rows(4),
            licence: String::new(),
            corpora: Vec::new(),
            limits: Vec::new(),
            derived: Vec::new(),
            metrics: Vec::new(),
        }
    }

    /// Labels that nothing tells.
    fn noise(seed: u64) -> Dataset {
        let mut r = stream(seed, Purpose::Recordings, 0);
        let sample = |k: usize| Sample {
            values: (0..8).map(|_| Some(r.normal() as f32)).collect(),
            speech_s: 1.0,
            label: ["off", "on"][k % 2].to_owned(),
            file: k.to_string(),
            speaker: (k / 6).to_string(),
            session: None,
            audio: String::new(),
            fold: None,
            corpus: "c".to_owned(),
            condition: "clean".to_owned(),
            view: View::default(),
        };
        let names = (0..8).map(|k| format!("f{k}")).collect();
        let feature_set = ("affect-v1".to_owned(), "1".to_owned());
        Dataset { feature_set, names, samples: (0..48).map(sample).collect(), against: Vec::new() }
    }

    /// Where there is nothing to learn, the best of many learners is better than chance on the folds that it was chosen by, and the
    /// figure on the card is not.
    #[test]
    fn no_figure_is_a_maximum_over_learners() {
        let mut learners: Vec<(Learner, f64)> = [0.001, 0.1, 10.0].map(|c| (Learner::Logistic, c)).to_vec();
        learners.extend([0.2, 0.5, 0.8].map(|s| (Learner::Sparse, s)));
        learners.extend([(Learner::KernelSvm, 1.0), (Learner::Boosting, 5.0)]);
        let (mut most, mut nested) = (Vec::new(), Vec::new());
        for world in 0..60 {
            let data = noise(world);
            let trained = train(&data, &data.only(|_| false), &settings(learners.clone()), &mut |_, _| true).unwrap();
            most.push(trained.recall.iter().map(|r| r.2).fold(0.0, f64::max));
            let figure = &trained.card.metrics[0];
            let answers: Vec<usize> = trained.logits.iter().map(|l| top(l)).collect();
            assert_eq!((figure.name.as_str(), figure.value), ("UAR", uar(&data.classes(), &answers, 2)));
            assert!(figure.protocol.contains("; the learner was chosen inside every fold ("), "{}", figure.protocol);
            nested.push(figure.value);
        }
        let mean = |list: &[f64]| list.iter().sum::<f64>() / list.len() as f64;
        let error = |list: &[f64]| {
            let m = mean(list);
            (list.iter().map(|v| (v - m).powi(2)).sum::<f64>() / list.len() as f64 / list.len() as f64).sqrt()
        };
        eprintln!(
            "chance 0.5: the best {:.3}, chosen inside {:.3} ({:.3})",
            mean(&most),
            mean(&nested),
            error(&nested)
        );
        assert!(mean(&most) > 0.5 + 5.0 * error(&most), "{}", mean(&most));
        assert!(
            (mean(&nested) - 0.5).abs() < 3.0 * error(&nested) && mean(&nested) < mean(&most) - 0.03,
            "{}",
            mean(&nested)
        );
    }

    /// Every fit is a step, the last is told as the last; one learner has no choice to speak of.
    #[test]
    fn fits_are_counted() {
        for learners in [vec![(Learner::Logistic, 0.1)], vec![(Learner::Logistic, 0.1), (Learner::Sparse, 0.5)]] {
            let (data, mut told) = (noise(1), Vec::new());
            let count = learners.len();
            let mut progress = |done, of| {
                told.push((done, of));
                true
            };
            let trained = train(&data, &data.only(|_| false), &settings(learners), &mut progress).unwrap();
            let total = if count == 1 { 6 + 1 } else { 2 * 6 * (1 + 3) + 1 };
            assert_eq!(told, (1..=total).map(|k| (k, total)).collect::<Vec<_>>());
            assert_eq!(trained.card.metrics[0].protocol.contains("chosen"), count > 1);
        }
        let e =
            train(&noise(1), &noise(1).only(|_| false), &settings(vec![(Learner::Logistic, 0.1)]), &mut |_, _| false);
        assert_eq!(e.unwrap_err(), TrainError::Interrupted);
    }

    /// Samples that share a session are not parted, whoever speaks.
    #[test]
    fn sessions_stay_in_one_fold() {
        let mut data = noise(1);
        data.samples.iter_mut().for_each(|s| s.session = Some((s.speaker.parse::<usize>().unwrap() / 4).to_string()));
        let trained = train(&data, &data.only(|_| false), &settings(vec![(Learner::Logistic, 0.1)]), &mut |_, _| true);
        assert!(trained.unwrap().card.metrics[0].protocol.contains("2 folds"));
    }
}
