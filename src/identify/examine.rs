//! Results of one context: cross-validation of the learners, feature importance in all views, effects of labels.

use super::clusters::{clusters, spearman};
use super::consensus::{Panel, consensus, order, standing};
use super::contexts::Context;
use super::direction::{Direction, directions};
use super::error::TrainError;
use super::evaluate::{Evaluation, evaluate, nested, paired, uar_by_speaker};
use super::findings::{ChosenSkill, ContextFindings, Skill};
use super::importance::{Players, View, Vote, permutation, selection, shapley, univariate};
use super::learners::{Learner, Rows};
use super::measure::{calibration_error, reliability, temperature, tempered, top};
use super::pool::Pool;
use super::prepare::{Normalisation, raw, standardised};
use super::settings::StudySettings;
use super::stability::nogueira;
use ndarray::Axis;
use rayon::prelude::*;

/// Everything that was found out about one context.
pub(super) struct Examined {
    pub findings: ContextFindings,
    pub features: Panel,
    pub groups: Panel,
    /// Which features tell labels apart beyond chance.
    pub above: Vec<bool>,
    /// What halves select.
    pub halves: Vec<Vec<bool>>,
    pub directions: Vec<Direction>,
    /// Standing by learner, view and seed, where there is one for each feature.
    pub opinions: Vec<(Learner, View, u64, Vec<f64>)>,
}

/// One learner in a context with one normalisation.
struct Examination {
    skill: Skill,
    answers: Vec<usize>,
    features: Vec<Vote>,
    groups: Vec<Vote>,
}

/// Calibrated probabilities of scores.
fn calibrated(scores: &[Vec<f64>], classes: &[usize]) -> Vec<Vec<f64>> {
    let t = temperature(scores, classes);
    scores.iter().map(|s| tempered(s, t)).collect()
}

/// A context with its rows and what does not depend on the learner.
struct Prepared<'a> {
    context: &'a Context,
    raw: Vec<(Normalisation, Rows)>,
    clusters: Vec<Vec<usize>>,
    groups: Vec<Vec<usize>>,
}

fn examine(
    p: &Prepared<'_>,
    normalisation: usize,
    learner: Learner,
    seed: u64,
    settings: &StudySettings,
) -> Result<Examination, TrainError> {
    let (context, (how, rows)) = (p.context, &p.raw[normalisation]);
    let strength = learner.strength();
    let e: Evaluation = evaluate(context, rows, *how, learner, strength, seed, true)?;
    let values = shapley::values(context, &e, &p.groups)?;
    let losses = permutation::losses(context, &e, &p.clusters, seed);
    let weight = e.skill(context.labels.len());
    let vote = |view, by_unit| Vote { view, learner: Some(learner), seed, by_unit, weight, players: None };
    let per_feature = permutation::by_feature(&losses, &p.clusters, rows.ncols());
    let mut features = vec![vote(View::Permutation, shapley::by_speaker(context, &per_feature))];
    if let Some(v) = &values.features {
        features.push(vote(View::Shapley, shapley::by_speaker(context, v)));
    }
    let mixed = permutation::losses(context, &e, &p.groups, seed);
    let groups = vec![
        vote(View::Permutation, shapley::by_speaker(context, &mixed)),
        vote(View::Shapley, shapley::by_speaker(context, &values.groups)),
    ];
    let answers = e.answers();
    let skill = Skill {
        learner,
        strength,
        normalisation: *how,
        uar: uar_by_speaker(context, &answers, settings.draws, settings.seed),
        calibration_error: calibration_error(&calibrated(&e.scores, &context.classes), &context.classes),
    };
    Ok(Examination { skill, answers, features, groups })
}

pub(super) fn examined(pool: &Pool, context: &Context, settings: &StudySettings) -> Result<Examined, TrainError> {
    let members = pool.members();
    let raws: Vec<(Normalisation, Rows)> = Normalisation::ALL.into_iter().map(|n| (n, raw(pool, context, n))).collect();
    let everyone: Vec<usize> = (0..context.members.len()).collect();
    let clusters = clusters(&spearman(&standardised(&raws[1].1, &everyone)));
    let p = Prepared { context, raw: raws, clusters, groups: members.iter().map(|m| m.1.clone()).collect() };
    // Whole clean corpora are looked at with a second seed, so that chance can be told from everything else.
    let seeds: Vec<u64> =
        if context.heard == 0 && context.whole { vec![settings.seed, settings.seed + 1] } else { vec![settings.seed] };
    let mut jobs: Vec<(usize, Learner, u64)> = Vec::new();
    for n in 0..2 {
        for learner in &settings.learners {
            for (k, seed) in seeds.iter().enumerate() {
                // The second seed only for one normalisation; it is there to be compared.
                if k == 0 || n == 1 {
                    jobs.push((n, *learner, *seed));
                }
            }
        }
    }
    let done: Vec<((usize, Learner, u64), Examination)> =
        jobs.into_par_iter().map(|j| examine(&p, j.0, j.1, j.2, settings).map(|e| (j, e))).collect::<Result<_, _>>()?;
    let effects = univariate::effects(context, &p.raw[1].1, settings.permutations, settings.seed);
    let selected = selection::select(context, &p.raw[1].1, settings.pairs, settings.seed);
    let skill = done.iter().map(|d| d.1.features[0].weight).fold(0.0, f64::max);
    let model_free_votes = |groups: Option<&[Vec<usize>]>| {
        let vote = |view, by_unit: &ndarray::Array2<f64>, chance: &dyn Fn(&[Vec<usize>]) -> Vec<f64>| {
            let players = groups.map(|g| Players { features: g.to_vec(), chance: chance(g) });
            Vote { view, learner: None, seed: settings.seed, by_unit: by_unit.clone(), weight: skill, players }
        };
        [
            vote(View::Univariate, &effects.by_speaker, &|g| effects.chance(g)),
            vote(View::Selection, &selected.both, &|g| selected.chance(g)),
        ]
    };
    let mut opinions = Vec::new();
    let mean = |v: &Vote| standing(&v.by_unit.sum_axis(Axis(0)).to_vec());
    for ((_, learner, seed), e) in done.iter().filter(|d| d.0.0 == 1) {
        opinions.extend(e.features.iter().map(|v| (*learner, v.view, *seed, mean(v))));
    }
    let first = || done.iter().filter(|d| d.0.2 == settings.seed);
    let panel = |votes: Vec<Vote>| Panel {
        context: context.name.clone(),
        block: context.corpus.clone().unwrap_or_else(|| context.name.clone()),
        speakers: context.speaker_names.clone(),
        votes,
    };
    let features = panel(first().flat_map(|d| d.1.features.clone()).chain(model_free_votes(None)).collect());
    let groups = panel(first().flat_map(|d| d.1.groups.clone()).chain(model_free_votes(Some(&p.groups))).collect());
    let above: Vec<bool> = effects.q.iter().map(|q| *q < 0.05).collect();
    let mut chosen = Vec::new();
    for (n, (how, rows)) in p.raw.iter().enumerate() {
        let best = nested(context, rows, &settings.candidates, settings.seed)?;
        let answers: Vec<usize> = best.scores.iter().map(|s| top(s)).collect();
        let probabilities = calibrated(&best.scores, &context.classes);
        let rivals = first().filter(|d| d.0.0 == n && !best.choices.iter().any(|c| c.0 == d.0.1));
        let rival = rivals.max_by(|a, b| a.1.skill.uar.value.total_cmp(&b.1.skill.uar.value));
        chosen.push(ChosenSkill {
            normalisation: *how,
            uar: uar_by_speaker(context, &answers, settings.draws, settings.seed),
            choices: best.choices,
            calibration_error: calibration_error(&probabilities, &context.classes),
            reliability: reliability(&probabilities, &context.classes),
            against: rival.map(|r| {
                let (i, p) = paired(context, &answers, &r.1.answers, settings.draws, settings.seed);
                (r.0.1, i, p)
            }),
        });
    }
    let scores: Vec<f64> =
        consensus(std::slice::from_ref(&features), pool.width(), 0, 1).iter().map(|p| p.score).collect();
    let findings = ContextFindings {
        name: context.name.clone(),
        corpus: context.corpus.clone(),
        condition: context.condition.clone(),
        protocol: context.protocol(),
        labels: context.labels.clone(),
        chance: 1.0 / context.labels.len() as f64,
        skills: first().map(|d| d.1.skill.clone()).collect(),
        chosen,
        above_chance: above.iter().filter(|a| **a).count(),
        selection_stability: nogueira(&selected.halves),
        selection_bound: Some(selected.bound(0.8)),
        top: order(&scores).into_iter().take(10).map(|f| pool.names[f].clone()).collect(),
    };
    let directions = if context.heard == 0 && context.whole { directions(context, &p.raw[1].1) } else { Vec::new() };
    Ok(Examined { findings, features, groups, above, halves: selected.halves, directions, opinions })
}
