//! Predictions on corpora that a model's weights have not heard: what its confidence is worth elsewhere.
//!
//! A temperature fitted at home sharpens: inside a corpus the next speaker is much like the last one, elsewhere nothing is.
//! Every corpus that has the model's labels is therefore predicted by weights learnt from the model's other corpora, and the
//! temperature is the one with the least loss over these predictions, corpora weighing the same.

use super::by_corpus::fit_by_corpus;
use super::data::{Dataset, Sample, View};
use super::entry::{entering, normaliser};
use super::error::TrainError;
use super::learners::Learner;
use super::measure::{calibration_error, least_sure, temperature_over, tempered, top, uar};
use super::novelty;
use super::recipe::{Reference, TrainSettings};
use crate::model::card::{Calibration, Card, Metric};
use std::collections::BTreeSet;

/// Predictions on one corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct Unseen {
    /// The corpus.
    pub corpus: String,
    /// What the weights were learnt from.
    pub learnt: Vec<String>,
    /// What its rows are compared with.
    pub view: View,
    /// Distances of its rows from what the weights were learnt from, ascending.
    pub distances: Vec<f64>,
    /// Scores, drawn together where rows are novel, before any temperature.
    pub logits: Vec<Vec<f64>>,
    /// The labels' indices.
    pub classes: Vec<usize>,
}

/// The corpora of `known` (what the model learns from) and `other` (what it does not) that can be predicted unseen: they have all
/// of the model's labels, and so has what is left to learn from without them.
#[must_use]
pub fn corpora(known: &Dataset, other: &Dataset) -> Vec<String> {
    let labels = known.labels();
    let mut names: Vec<&str> = known.samples.iter().chain(&other.samples).map(|s| s.corpus.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let complete = |name: &&str| {
        let has = |data: &Dataset, of: bool| {
            let mut found: Vec<&str> =
                data.samples.iter().filter(|s| (s.corpus == *name) == of).map(|s| s.label.as_str()).collect();
            found.sort_unstable();
            found.dedup();
            found == labels
        };
        (has(known, true) || has(other, true)) && has(known, false)
    };
    names.into_iter().filter(complete).map(str::to_owned).collect()
}

/// Predictions on one of the [`corpora`] by weights that have not heard it: one list for each view of its rows.
///
/// # Errors
/// [`TrainError`] of the learner.
pub fn prediction(
    corpus: &str,
    (known, other): (&Dataset, &Dataset),
    card: &Card,
    settings: &TrainSettings,
    how: (Learner, f64),
) -> Result<Vec<Unseen>, TrainError> {
    let of_it = |s: &Sample| s.corpus == corpus;
    let test = if known.samples.iter().any(of_it) { known.only(of_it) } else { other.only(of_it) };
    let sounds: BTreeSet<&str> = test.samples.iter().map(|s| s.audio.as_str()).filter(|a| !a.is_empty()).collect();
    let train = known.only(|s| !of_it(s) && !sounds.contains(s.audio.as_str()));
    let everything: Vec<usize> = (0..train.samples.len()).collect();
    let card = Card { normaliser: normaliser(&train, settings.reference, &everything), ..card.clone() };
    let rows = entering(&train, &card)?;
    // Without what sounds in both a label may be missing: numbers are those of the model's labels.
    let labels = known.labels();
    let classes = |of: &Dataset| -> Vec<usize> {
        of.samples.iter().map(|s| labels.iter().position(|l| *l == s.label).unwrap_or(0)).collect()
    };
    let corpora: Vec<&str> = train.samples.iter().map(|s| s.corpus.as_str()).collect();
    let fitted = fit_by_corpus(how, &rows, &classes(&train), &corpora, &labels, settings.seed)?;
    let novelty = (settings.reference == Reference::Both).then(|| novelty::fit(&rows));
    let distance = |row: &[f32]| novelty.as_ref().map_or(0.0, |n| n.distance(row));
    let widening = |d: f64| novelty.as_ref().map_or(1.0, |n| n.widening(d));
    let entered = entering(&test, &card)?;
    let scores = fitted.scores(&entered);
    let mut learnt: Vec<String> = train.samples.iter().map(|s| s.corpus.clone()).collect();
    learnt.sort_unstable();
    learnt.dedup();
    let classes = classes(&test);
    let of_view = |view: View| {
        let members: Vec<usize> = (0..classes.len()).filter(|i| test.samples[*i].view == view).collect();
        let mut distances: Vec<f64> = members.iter().map(|i| distance(&entered.row(*i).to_vec())).collect();
        let logit = |(i, d): (&usize, &f64)| scores.row(*i).iter().map(|s| s / widening(*d)).collect();
        let logits = members.iter().zip(&distances).map(logit).collect();
        distances.sort_by(f64::total_cmp);
        let classes = members.iter().map(|i| classes[*i]).collect();
        Unseen { corpus: corpus.to_owned(), learnt: learnt.clone(), view, distances, logits, classes }
    };
    Ok(View::ALL.map(of_view).into_iter().filter(|u| !u.classes.is_empty()).collect())
}

fn groups<'a>(list: impl Iterator<Item = &'a Unseen>) -> Vec<(&'a [Vec<f64>], &'a [usize])> {
    list.map(|u| (&u.logits[..], &u.classes[..])).collect()
}

/// The temperature with the least loss over the corpora, for rows of one view; `None` without any.
#[must_use]
pub fn temperature(list: &[Unseen], view: View) -> Option<f64> {
    let ours = groups(list.iter().filter(|u| u.view == view));
    (!ours.is_empty()).then(|| temperature_over(&ours))
}

/// The confidence below which the least sure share of the answers lies, the mean over the corpora and views.
#[must_use]
pub fn threshold(list: &[Unseen], calibration: Calibration, silent_share: f64) -> Option<f64> {
    let one = |u: &Unseen| least_sure(&at(u, calibration.at(u.view.share())), silent_share);
    (!list.is_empty()).then(|| list.iter().map(one).sum::<f64>() / list.len() as f64)
}

fn at(u: &Unseen, temperature: f64) -> Vec<Vec<f64>> {
    u.logits.iter().map(|l| tempered(l, temperature)).collect()
}

/// What protocols say of averages of models of several corpora.
pub const UNFITTED: &str = "; no temperature: corpora were learnt from one by one, and the models averaged";

/// Figures for a card, corpus by corpus. The calibration error of a corpus is that under the temperature of the others, where
/// there are others, and under none where models of several corpora were averaged (`averaged`).
#[must_use]
pub fn metrics(list: &[Unseen], labels: usize, (chosen, averaged): (Calibration, bool), how: &str) -> Vec<Metric> {
    let mut out = Vec::new();
    let several = list.iter().any(|u| u.view != list[0].view);
    for u in list {
        let others = groups(list.iter().filter(|o| o.corpus != u.corpus && o.view == u.view));
        let against = if several { format!(", compared with {}", u.view.words()) } else { String::new() };
        let (t, whose) = if averaged {
            (chosen.at(u.view.share()), UNFITTED.to_owned())
        } else if others.is_empty() {
            let t = chosen.at(u.view.share());
            (t, format!("; its own temperature, chosen on the same predictions ({t:.2})"))
        } else {
            let t = temperature_over(&others);
            (t, format!("; the temperature of the other corpora in this list ({t:.2})"))
        };
        let probabilities = at(u, t);
        let answers: Vec<usize> = probabilities.iter().map(|p| top(p)).collect();
        let confidence = |i: &usize| probabilities[*i][answers[*i]];
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.sort_by(|a, b| confidence(b).total_cmp(&confidence(a)));
        let half = &order[..order.len().div_ceil(2)];
        let pick = |values: &[usize]| -> Vec<usize> { half.iter().map(|i| values[*i]).collect() };
        let mean = order.iter().map(confidence).sum::<f64>() / order.len().max(1) as f64;
        let protocol = format!(
            "{} recordings of a corpus that the weights have not heard (learnt from {}), {how}",
            answers.len(),
            u.learnt.join(" and ")
        );
        let mut metric = |name: String, value: f64, more: &str| {
            out.push(Metric { name: format!("{name}{against}, unseen"), value, protocol: format!("{protocol}{more}") });
        };
        metric(format!("UAR on {}", u.corpus), uar(&u.classes, &answers, labels), "");
        metric(format!("calibration error on {}", u.corpus), calibration_error(&probabilities, &u.classes), &whose);
        metric(format!("mean confidence on {}", u.corpus), mean, &whose);
        let sure = uar(&pick(&u.classes), &pick(&answers), labels);
        metric(format!("UAR of the more confident half on {}", u.corpus), sure, "");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::trees::softmax;
    use crate::signal::random::Random;

    /// Answers that are right as often as `sharpness` times their logits say.
    fn corpus(name: &str, sharpness: f64, count: usize, seed: u64) -> Unseen {
        let mut random = Random(seed);
        let (mut logits, mut classes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let l: Vec<f64> = (0..4).map(|_| 3.0 * random.uniform()).collect();
            let p = softmax(&l.iter().map(|v| v * sharpness).collect::<Vec<_>>());
            let mut u = random.uniform();
            classes.push(
                p.iter()
                    .position(|q| {
                        u -= q;
                        u < 0.0
                    })
                    .unwrap_or(3),
            );
            logits.push(l);
        }
        Unseen {
            corpus: name.to_owned(),
            learnt: vec!["home".to_owned()],
            view: View::Training,
            distances: Vec::new(),
            logits,
            classes,
        }
    }

    /// A corpus has the temperature by which its answers boast; of a large and a small one neither owns the common one.
    #[test]
    fn corpora_weigh_the_same() {
        let both = [corpus("large", 0.5, 8000, 1), corpus("small", 0.5, 1000, 3)];
        assert!(
            (temperature(&both, View::Training).unwrap() - 2.0).abs() < 0.2,
            "{:?}",
            temperature(&both, View::Training)
        );
        let mixed = [corpus("large", 0.25, 8000, 1), corpus("small", 1.0, 800, 5)];
        let alone = temperature(&mixed[..1], View::Training).unwrap();
        let t = temperature(&mixed, View::Training).unwrap();
        assert!((alone - 4.0).abs() < 0.6, "{alone}");
        assert!(t > 1.2 && t < 3.0, "a tenth of the answers counts for half: {t}");
        assert_eq!(temperature(&[], View::Training), None);
        assert_eq!(temperature(&both, View::Speaker), None);
    }

    /// The error of a corpus is not measured with a temperature that has seen it.
    #[test]
    fn figures_are_of_the_others_temperature() {
        let list = [corpus("honest", 1.0, 6000, 1), corpus("boasting", 0.4, 6000, 3)];
        let figures = metrics(&list, 4, (Calibration::default(), false), "clean");
        let value = |name: &str| figures.iter().find(|m| m.name == name).unwrap().value;
        let expected = |own: &Unseen, t: f64| calibration_error(&at(own, t), &own.classes);
        let t = temperature(&list[1..], View::Training).unwrap();
        assert!((t - 2.5).abs() < 0.3, "{t}");
        assert!((value("calibration error on honest, unseen") - expected(&list[0], t)).abs() < 1e-12);
        assert!(value("calibration error on boasting, unseen") > 0.1);
        assert!(value("UAR of the more confident half on honest, unseen") > value("UAR on honest, unseen") + 0.05);
    }
}
