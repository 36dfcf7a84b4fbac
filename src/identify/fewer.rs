//! Recall against number of features: the curves of a study, in clean contexts and under acoustic conditions.

use super::contexts::Context;
use super::error::TrainError;
use super::learners::Rows;
use super::measure::uar;
use super::pool::Pool;
use super::prepare::{Normalisation, raw, standardised};
use super::settings::StudySettings;
use super::steps::Steps;
use super::sufficiency::{self, Curve, Order};
use ndarray::Axis;
use rayon::prelude::*;

/// Curves of one context, or why there are none, by its name.
type Named = (String, Result<Vec<Curve>, TrainError>);

/// Standing by backward elimination over a whole context.
fn whole_standing(pool: &Pool, context: &Context, how: Normalisation) -> Result<Vec<f64>, TrainError> {
    let rows = raw(pool, context, how);
    let everyone: Vec<usize> = (0..rows.nrows()).collect();
    sufficiency::standing_inside(&standardised(&rows, &everyone), &context.classes, context.labels.len())
}

/// Every clean whole corpus in both normalisations.
pub(super) fn curves(pool: &Pool, clean: &[&Context], settings: &StudySettings, steps: &Steps<'_>) -> Vec<Named> {
    let jobs: Vec<(usize, Normalisation)> = (0..clean.len()).flat_map(|c| Normalisation::ALL.map(|n| (c, n))).collect();
    let standings: Vec<Result<Vec<f64>, TrainError>> =
        jobs.par_iter().map(|(c, n)| whole_standing(pool, clean[*c], *n)).collect();
    jobs.par_iter()
        .map(|(c, n)| {
            let others: Vec<Vec<f64>> = jobs
                .iter()
                .zip(&standings)
                .filter(|((other, how), _)| other != c && how == n)
                .filter_map(|(_, s)| s.as_ref().ok().cloned())
                .collect();
            let name = format!("few features, {}, {}", clean[*c].name, n.name());
            let outcome = steps.step(&name, || {
                let rows = raw(pool, clean[*c], *n);
                sufficiency::within(clean[*c], &rows, *n, &others, &settings.sizes, settings.seed)
            });
            (name, outcome)
        })
        .collect()
}

/// Every whole corpus under every other condition: learnt from clean sound, and from sound of the same kind.
pub(super) fn condition_curves(
    pool: &Pool,
    whole: &[&Context],
    settings: &StudySettings,
    steps: &Steps<'_>,
) -> Vec<Named> {
    let jobs: Vec<&Context> = whole.iter().copied().filter(|c| c.heard > 0).collect();
    jobs.par_iter()
        .map(|c| {
            let name = format!("few features, {}", c.name);
            let outcome = steps.step(&name, || {
                let mut out = Vec::new();
                let Some(clean) = whole.iter().find(|o| o.heard == 0 && o.corpus == c.corpus) else {
                    return Ok(out);
                };
                for how in Normalisation::ALL {
                    let (quiet, noisy) = (raw(pool, clean, how), raw(pool, c, how));
                    for (learnt, from) in [(*clean, &quiet), (*c, &noisy)] {
                        out.push(condition_curve(learnt, from, c, &noisy, how, settings)?);
                    }
                }
                Ok(out)
            });
            (name, outcome)
        })
        .collect()
}

fn condition_curve(
    learnt: &Context,
    from: &Rows,
    tested: &Context,
    heard: &Rows,
    normalisation: Normalisation,
    settings: &StudySettings,
) -> Result<Curve, TrainError> {
    let (n, d) = heard.dim();
    let sizes: Vec<usize> = settings.sizes.iter().copied().filter(|s| *s < d).chain([d]).collect();
    let mut given = vec![vec![0; n]; sizes.len()];
    // Both lists of rows behind one another: statistics and ranking come from the first alone.
    let both = ndarray::concatenate(Axis(0), &[from.view(), heard.view()])
        .map_err(|e| TrainError::Learner(format!("conditions with different features: {e}")))?;
    for k in 0..tested.fold_count() {
        let (outside, inside) = tested.split(k);
        let rows = standardised(&both, &inside);
        let learn = rows.select(Axis(0), &inside);
        let y: Vec<usize> = inside.iter().map(|i| learnt.classes[*i]).collect();
        let test = rows.select(Axis(0), &outside.iter().map(|i| i + n).collect::<Vec<_>>());
        let ordered = sufficiency::elimination(&learn, &y, learnt.labels.len())?;
        for (s, size) in sizes.iter().enumerate() {
            let a = sufficiency::answers(&learn, &y, &learnt.labels, &test, &ordered[..*size])?;
            outside.iter().zip(a).for_each(|(i, a)| given[s][*i] = a);
        }
    }
    let points: Vec<(usize, f64)> =
        sizes.iter().zip(&given).map(|(s, a)| (*s, uar(&tested.classes, a, tested.labels.len()))).collect();
    Ok(Curve {
        tested: tested.name.clone(),
        learnt: learnt.name.clone(),
        normalisation,
        order: Order::Own,
        points,
        smallest: None,
    })
}
