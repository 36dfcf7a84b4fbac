//! Runs a study: from a pool of recordings to the findings.

use super::assemble::assemble;
use super::audit;
use super::consensus::{Panel, consensus, order};
use super::contexts::{self, Context};
use super::error::TrainError;
use super::examine::{Examined, examined};
use super::fewer::{condition_curves, curves};
use super::findings::Findings;
use super::pool::{Pool, Recording};
use super::prepare::Normalisation;
use super::settings::StudySettings;
use super::transfer::{CANDIDATES, Parts};
use crate::features::catalogue::Group;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Called after every step with its name, how many are done, and out of how many; `false` ends the study.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) -> bool + Sync);

/// Refuses splits that leak.
fn audited(pool: &Pool, contexts: &[Context]) -> Result<(), TrainError> {
    for c in contexts {
        let recordings: Vec<&Recording> = c.members.iter().map(|i| &pool.recordings[*i]).collect();
        audit::split(&recordings, &c.folds).map_err(|leak| TrainError::Learner(format!("{}: {leak}", c.name)))?;
    }
    Ok(())
}

/// Runs a study.
///
/// # Errors
/// [`TrainError`] for a pool without a context, a split that leaks, a learner that fails, or an interruption.
pub fn run(pool: &Pool, settings: &StudySettings, progress: Progress<'_>) -> Result<Findings, TrainError> {
    let (contexts, skipped) = contexts::all(pool);
    if contexts.is_empty() {
        let why = skipped.first().map_or(String::new(), |s| format!(" ({}: {})", s.name, s.why));
        return Err(TrainError::TooFew { what: format!("contexts{why}"), found: 0, expected: 1 });
    }
    audited(pool, &contexts)?;
    let parts: Vec<Parts> = Normalisation::ALL
        .into_iter()
        .map(|n| Parts::of(pool, &settings.common, n, &|k| !pool.level_dependent[k]))
        .collect();
    let whole: Vec<&Context> = contexts.iter().filter(|c| c.whole).collect();
    let clean: Vec<&Context> = whole.iter().copied().filter(|c| c.heard == 0).collect();
    let moves: Vec<(usize, Vec<usize>, usize)> =
        (0..2).flat_map(|n| parts[n].directions().into_iter().map(move |d| (n, d.0, d.1))).collect();
    let steps = contexts.len() + clean.len() + whole.len() + moves.len() + 1;
    let done = AtomicUsize::new(0);
    let step = |what: &str| {
        let n = done.fetch_add(1, Ordering::Relaxed) + 1;
        if progress(what, n, steps) { Ok(()) } else { Err(TrainError::Learner("interrupted".to_owned())) }
    };
    let examined_contexts: Vec<Examined> = contexts
        .par_iter()
        .map(|c| {
            let e = examined(pool, c, settings)?;
            step(&c.name)?;
            Ok(e)
        })
        .collect::<Result<_, TrainError>>()?;
    let curves = curves(pool, &clean, settings, &step)?;
    let condition_curves = condition_curves(pool, &whole, settings, &step)?;
    let transfers = moves
        .par_iter()
        .map(|(n, learn, test)| {
            let t = parts[*n].transfer(learn, *test, &CANDIDATES, settings.seed)?;
            step(&format!("to {}", t.tested))?;
            Ok(t)
        })
        .collect::<Result<Vec<_>, TrainError>>()?;
    let mut curves = curves;
    for p in parts.iter().filter(|p| p.corpora().len() > 2) {
        for test in 0..p.corpora().len() {
            curves.push(p.curve(test, &settings.sizes, settings.seed)?);
        }
    }
    let examined_contexts =
        assemble(pool, settings, &contexts, examined_contexts, skipped, curves, condition_curves, transfers);
    step("ranking")?;
    Ok(examined_contexts)
}

/// The features of a pool (by number) and its groups, the most important first: the consensus alone, without intervals, curves and
/// transfers.
///
/// # Errors
/// As [`run`].
pub fn ranking(pool: &Pool, settings: &StudySettings) -> Result<(Vec<usize>, Vec<Group>), TrainError> {
    let (contexts, _) = contexts::all(pool);
    audited(pool, &contexts)?;
    let examined_contexts: Vec<Examined> =
        contexts.par_iter().map(|c| examined(pool, c, settings)).collect::<Result<_, TrainError>>()?;
    let (features, groups): (Vec<Panel>, Vec<Panel>) =
        examined_contexts.into_iter().map(|e| (e.features, e.groups)).unzip();
    let members = pool.members();
    let first = |panels: &[Panel], width: usize| {
        order(&consensus(panels, width, 0, 1).iter().map(|p| p.score).collect::<Vec<f64>>())
    };
    let groups = first(&groups, members.len()).into_iter().map(|g| members[g].0).collect();
    Ok((first(&features, pool.width()), groups))
}
