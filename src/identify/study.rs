//! A study: from a pool of recordings to findings.

use super::assemble::assemble;
use super::audit;
use super::consensus::{Panel, consensus, order};
use super::contexts::{self, Context};
use super::data::TrainError;
use super::examine::{Examined, examined};
use super::fewer::{condition_curves, curves};
use super::findings::Findings;
use super::learners::Learner;
use super::pool::{Pool, Recording};
use super::prepare::Normalisation;
use super::transfer::{CANDIDATES, Parts};
use crate::features::catalogue::Group;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Seed of everything that is drawn at random.
    pub seed: u64,
    /// The learners that vote.
    pub learners: Vec<Learner>,
    /// What is chosen from inside the folds.
    pub candidates: Vec<(Learner, f64)>,
    /// Draws of speakers.
    pub draws: usize,
    /// Permutations of labels.
    pub permutations: usize,
    /// Complementary pairs.
    pub pairs: usize,
    /// Numbers of features on curves.
    pub sizes: Vec<usize>,
    /// Labels for transfers between corpora.
    pub common: Vec<String>,
    /// Licences by corpus.
    pub licences: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            learners: Learner::ALL.to_vec(),
            candidates: vec![
                (Learner::Logistic, 0.02),
                (Learner::Logistic, 0.1),
                (Learner::Logistic, 0.005),
                (Learner::Sparse, 0.05),
                (Learner::KernelSvm, 1.0),
            ],
            draws: 500,
            permutations: 499,
            pairs: 25,
            sizes: vec![5, 10, 20, 40, 80],
            common: ["anger", "happiness", "neutral", "sadness"].map(str::to_owned).to_vec(),
            licences: Vec::new(),
        }
    }
}

/// Told of every step that is done: what, how many, out of how many. Saying `false` ends the study.
pub type Progress<'a> = &'a (dyn Fn(&str, usize, usize) -> bool + Sync);

/// Refuses splits that leak.
fn audited(pool: &Pool, contexts: &[Context]) -> Result<(), TrainError> {
    for c in contexts {
        let of: Vec<&Recording> = c.members.iter().map(|i| &pool.recordings[*i]).collect();
        audit::split(&of, &c.folds).map_err(|leak| TrainError::Learner(format!("{}: {leak}", c.name)))?;
    }
    Ok(())
}

/// Runs a study.
///
/// # Errors
/// [`TrainError`] for a pool without a context, a split that leaks, a learner that fails, or an interruption.
pub fn run(pool: &Pool, settings: &Settings, progress: Progress<'_>) -> Result<Findings, TrainError> {
    let (contexts, skipped) = contexts::all(pool);
    if contexts.is_empty() {
        let why = skipped.first().map_or(String::new(), |s| format!(" ({}: {})", s.name, s.why));
        return Err(TrainError::TooFew { what: format!("contexts{why}"), found: 0, expected: 1 });
    }
    audited(pool, &contexts)?;
    let parts: Vec<Parts> =
        Normalisation::ALL.into_iter().map(|n| Parts::of(pool, &settings.common, n, false)).collect();
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
    let found: Vec<Examined> = contexts
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
    let found = assemble(pool, settings, &contexts, found, skipped, curves, condition_curves, transfers);
    step("ranking")?;
    Ok(found)
}

/// The features of a pool (by number) and its groups, the most important first: the consensus alone, without intervals, curves and
/// transfers.
///
/// # Errors
/// As [`run`].
pub fn ranking(pool: &Pool, settings: &Settings) -> Result<(Vec<usize>, Vec<Group>), TrainError> {
    let (contexts, _) = contexts::all(pool);
    audited(pool, &contexts)?;
    let found: Vec<Examined> =
        contexts.par_iter().map(|c| examined(pool, c, settings)).collect::<Result<_, TrainError>>()?;
    let (features, groups): (Vec<Panel>, Vec<Panel>) = found.into_iter().map(|e| (e.features, e.groups)).unzip();
    let members = pool.members();
    let first = |panels: &[Panel], width: usize| {
        order(&consensus(panels, width, 0, 1).iter().map(|p| p.score).collect::<Vec<f64>>())
    };
    let groups = first(&groups, members.len()).into_iter().map(|g| members[g].0).collect();
    Ok((first(&features, pool.width()), groups))
}

pub(super) type Step<'a> = &'a (dyn Fn(&str) -> Result<(), TrainError> + Sync);
