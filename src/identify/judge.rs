//! What a trained model is worth: calibration, abstention and the figures of its card.

use super::data::{Dataset, Sample, View};
use super::measure::{calibration_error, least_sure, recalls, temperature, tempered, top, uar};
use super::recipe::{Reference, TrainSettings};
use super::unseen::{self, Unseen};
use crate::model::card::{Abstain, Calibration, Card, Metric};
use std::collections::{BTreeMap, BTreeSet};

/// What a model is judged by.
pub(super) struct Predictions<'a> {
    /// Scores out of fold.
    pub logits: &'a [Vec<f64>],
    /// On corpora that the weights have not heard.
    pub unseen: &'a [Unseen],
}

/// What figures out of fold rest on.
#[derive(Clone, Copy)]
pub(super) struct Protocol<'a> {
    /// The recordings.
    pub data: &'a Dataset,
    /// Number of folds.
    pub folds: usize,
    /// How the learner was chosen inside them; empty where there was one.
    pub choice: &'a str,
    /// Whether corpora were learnt from one by one and averaged.
    pub averaged: bool,
}

/// Calibration and abstention from predictions on corpora that were not heard, where there are any; figures from these and from
/// predictions out of fold.
pub(super) fn judge(
    card: &mut Card,
    predictions: &Predictions<'_>,
    classes: &[usize],
    labels: &[String],
    settings: &TrainSettings,
    how: &Protocol<'_>,
) {
    let Predictions { logits, unseen } = *predictions;
    // A temperature for each view that there is. Averages of models of several corpora have none: where the corpora disagree their
    // scores cancel out, and what a single one says of another, which is all that could be fitted to, does not.
    let of_view = |view: View| {
        let members: Vec<usize> = (0..classes.len()).filter(|i| how.data.samples[*i].view == view).collect();
        let home = || {
            let ours: Vec<Vec<f64>> = members.iter().map(|i| logits[*i].clone()).collect();
            temperature(&ours, &members.iter().map(|i| classes[*i]).collect::<Vec<_>>()).max(1.0)
        };
        let fitted = || unseen::temperature(unseen, view).unwrap_or_else(home);
        (!members.is_empty()).then(|| if how.averaged { 1.0 } else { fitted() })
    };
    let views = View::ALL.map(of_view);
    let calibration =
        Calibration { temperature: views[0].or(views[1]).unwrap_or(1.0), temperature_speaker: views[0].and(views[1]) };
    let of_row = |i: usize| calibration.at(how.data.samples[i].view.share());
    let before: Vec<Vec<f64>> = logits.iter().map(|l| tempered(l, 1.0)).collect();
    let after: Vec<Vec<f64>> = logits.iter().enumerate().map(|(i, l)| tempered(l, of_row(i))).collect();
    let answers: Vec<usize> = logits.iter().map(|l| top(l)).collect();
    let threshold = unseen::threshold(unseen, calibration, settings.silent_share)
        .unwrap_or_else(|| least_sure(&after, settings.silent_share));
    let given: Vec<usize> = (0..classes.len()).filter(|i| after[*i][answers[*i]] >= threshold).collect();
    let pick = |values: &[usize]| -> Vec<usize> { given.iter().map(|i| values[*i]).collect() };
    card.calibration = calibration;
    card.abstain = Abstain {
        confidence_below: threshold,
        min_speech_s: 0.5,
        min_baseline_s: if settings.reference == Reference::Speaker { 10.0 } else { 0.0 },
    };
    let Protocol { data, folds, choice, averaged } = *how;
    let normalised = match settings.reference {
        Reference::Training => "normalised with the training speakers' statistics",
        Reference::Speaker => "normalised with each test speaker's own unlabelled speech",
        Reference::Both => {
            "each compared twice: with the population of the feature set, and with the test speaker's own unlabelled speech"
        }
    };
    let selection = &settings.selection;
    let protocol = format!(
        "{} recordings of {} speakers, {folds} folds that share no speaker, predictions out of fold pooled, \
         {normalised}{choice}{selection}",
        data.samples.len(),
        data.speakers().len()
    );
    let metric = |name: String, value: f64, extra: &str| Metric { name, value, protocol: format!("{protocol}{extra}") };
    let n = labels.len();
    card.metrics = vec![metric("UAR".to_owned(), uar(classes, &answers, n), "")];
    let mut several: Vec<(String, Vec<usize>)> = Vec::new();
    let grouped_by = |f: &dyn Fn(&Sample) -> String| -> Vec<(String, Vec<usize>)> {
        let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        data.samples.iter().enumerate().for_each(|(i, s)| parts.entry(f(s)).or_default().push(i));
        if parts.len() > 1 { parts.into_iter().collect() } else { Vec::new() }
    };
    several.extend(grouped_by(&|s| format!("corpus {}", s.corpus)));
    several.extend(grouped_by(&|s| format!("condition {}", s.condition)));
    several.extend(grouped_by(&|s| format!("compared with {}", s.view.words())));
    for (part, members) in several {
        let take = |from: &[usize]| -> Vec<usize> { members.iter().map(|i| from[*i]).collect() };
        card.metrics.push(metric(format!("UAR, {part}"), uar(&take(classes), &take(&answers), n), ""));
    }
    for (label, r) in labels.iter().zip(recalls(classes, &answers, n)) {
        card.metrics.extend(r.map(|r| metric(format!("recall of {label}"), r, "")));
    }
    let seen = match (averaged, unseen.is_empty()) {
        (true, _) => unseen::UNFITTED,
        (false, true) => "; the temperature was chosen on the same predictions",
        (false, false) => "; the temperature is that of corpora that were not heard",
    };
    let seen_too = if unseen.is_empty() {
        "; the threshold was chosen on the same predictions"
    } else {
        "; the threshold is that of corpora that were not heard"
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
    card.metrics.extend(unseen::metrics(
        unseen,
        n,
        (calibration, averaged),
        &format!("{}, {normalised}{selection}", conditions(data)),
    ));
    card.metrics.extend(settings.metrics.iter().cloned());
}

/// The conditions of a dataset, in words.
fn conditions(data: &Dataset) -> String {
    let names: BTreeSet<&str> = data.samples.iter().map(|s| s.condition.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
