//! Runs a study: from a pool of recordings to the findings.

use super::assemble::assemble;
use super::consensus::{Panel, consensus, order, voting};
use super::contexts::{self, Context};
use super::error::TrainError;
use super::examine::{Examined, examined};
use super::fewer::{condition_curves, curves};
use super::findings::Findings;
use super::pool::Pool;
use super::prepare::Normalisation;
use super::settings::StudySettings;
use super::skipped::done;
use super::steps::{Progress, Steps};
use super::transfer::{CANDIDATES, Parts};
use crate::features::catalogue::Group;
use rayon::prelude::*;

/// Runs a study. A context, curve or transfer that cannot be done is left out and named in the findings.
///
/// # Errors
/// [`TrainError`] for a pool without a context, or an interruption.
pub fn run(pool: &Pool, settings: &StudySettings, progress: Progress<'_>) -> Result<Findings, TrainError> {
    let (contexts, mut skipped) = contexts::all(pool);
    let parts: Vec<Parts> = Normalisation::ALL
        .into_iter()
        .map(|n| Parts::of(pool, &settings.common, n, &|k| !pool.level_dependent[k]))
        .collect();
    let moves: Vec<(usize, Vec<usize>, usize)> =
        (0..2).flat_map(|n| parts[n].directions().into_iter().map(move |d| (n, d.0, d.1))).collect();
    let whole = contexts.iter().filter(|c| c.whole).count();
    let clean = contexts.iter().filter(|c| c.whole && c.heard == 0).count();
    let steps = Steps::new(progress, contexts.len() + clean + whole + moves.len() + 1);
    // One after the other, each on all threads: progress comes as soon as one is done, and an interruption waits for one at most.
    let outcomes = contexts
        .into_iter()
        .map(|c| (c.name.clone(), steps.step(&c.name.clone(), || examined(pool, &c, settings).map(|e| (c, e)))))
        .collect();
    let (contexts, examined): (Vec<Context>, Vec<Examined>) = done(outcomes, &mut skipped)?.into_iter().unzip();
    if contexts.is_empty() {
        let why = skipped.first().map_or(String::new(), |s| format!(" ({}: {})", s.name, s.why));
        return Err(TrainError::TooFew { what: format!("contexts{why}"), found: 0, expected: 1 });
    }
    let whole: Vec<&Context> = contexts.iter().filter(|c| c.whole).collect();
    let clean: Vec<&Context> = whole.iter().copied().filter(|c| c.heard == 0).collect();
    let mut curves = done(curves(pool, &clean, settings, &steps), &mut skipped)?.concat();
    let condition_curves = done(condition_curves(pool, &whole, settings, &steps), &mut skipped)?.concat();
    let outcomes = moves
        .par_iter()
        .map(|(n, learn, test)| {
            let p = &parts[*n];
            let name = p.name(learn, *test);
            let outcome = steps.step(&name, || p.transfer(learn, *test, &CANDIDATES, settings.seed));
            (name, outcome)
        })
        .collect();
    let transfers = done(outcomes, &mut skipped)?;
    for p in parts.iter().filter(|p| p.corpora().len() > 2) {
        let curve = |test: usize| {
            let others: Vec<usize> = (0..p.corpora().len()).filter(|k| *k != test).collect();
            let name = format!("few features, {}", p.name(&others, test));
            (name, p.curve(test, &settings.sizes, settings.seed))
        };
        curves.extend(done((0..p.corpora().len()).map(curve).collect(), &mut skipped)?);
    }
    let findings = assemble(pool, settings, &contexts, examined, skipped, curves, condition_curves, transfers);
    steps.finish("ranking")?;
    Ok(findings)
}

/// The features of a pool (by number) and its groups, the most important first: the consensus alone, without intervals, curves and
/// transfers.
///
/// # Errors
/// As [`run`].
pub fn ranking(pool: &Pool, settings: &StudySettings) -> Result<(Vec<usize>, Vec<Group>), TrainError> {
    let (contexts, mut skipped) = contexts::all(pool);
    let examine = |c: &Context| (c.name.clone(), examined(pool, c, settings).map(|e| (c.corpus.clone(), e)));
    let examined_contexts = done(contexts.iter().map(examine).collect(), &mut skipped)?;
    let panels = |of: &dyn Fn(&Examined) -> Panel| -> Vec<Panel> {
        voting(examined_contexts.iter().map(|(corpus, e)| (corpus.as_deref(), of(e))).collect())
    };
    let (features, groups) = (panels(&|e| e.features.clone()), panels(&|e| e.groups.clone()));
    let members = pool.members();
    let first = |panels: &[Panel], width: usize| {
        order(&consensus(panels, width, 0, 1).iter().map(|p| p.score).collect::<Vec<f64>>())
    };
    let groups = first(&groups, members.len()).into_iter().map(|g| members[g].0).collect();
    Ok((first(&features, pool.width()), groups))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::learners::Learner;
    use crate::identify::made;

    fn quick() -> StudySettings {
        StudySettings {
            learners: vec![Learner::Logistic, Learner::Sparse],
            candidates: vec![(Learner::Logistic, 0.1), (Learner::Sparse, 0.1)],
            draws: 20,
            permutations: 19,
            pairs: 4,
            sizes: vec![3],
            common: ["off", "on"].map(str::to_owned).to_vec(),
            ..StudySettings::default()
        }
    }

    fn found(pool: &Pool) -> Findings {
        run(pool, &quick(), &|_, _, _| true).unwrap()
    }

    /// People who speak in two sessions each are studied; where given folds part a session, the corpus is left out and the session
    /// named.
    #[test]
    fn speakers_with_two_sessions_are_studied() {
        let mut pool = made::pool(&["c"], 6, 12, 1);
        for (k, r) in pool.recordings.iter_mut().enumerate() {
            r.session = Some(format!("{}-{}", r.speaker, k % 2));
        }
        let whole = found(&pool);
        assert!(whole.contexts[0].protocol.contains("6 folds") && whole.skipped.is_empty(), "{:?}", whole.skipped);
        // Pairs of people share a session: three groups, and folds inside the training part do not part them either.
        for r in &mut pool.recordings {
            let number: usize = r.speaker[1..].parse().unwrap();
            r.session = Some((number / 2).to_string());
        }
        assert!(found(&pool).contexts[0].protocol.contains("3 folds"));
        for r in &mut pool.recordings {
            r.fold = r.speaker[1..].parse().ok();
        }
        let e = run(&pool, &quick(), &|_, _, _| true).unwrap_err().to_string();
        assert!(e.contains("session \"c/0\" is both learnt from and tested on"), "{e}");
    }

    /// The same sound under two speakers' names joins them.
    #[test]
    fn the_same_sound_is_not_parted() {
        let mut pool = made::pool(&["c"], 6, 12, 1);
        pool.recordings[20].audio = pool.recordings[0].audio.clone();
        let whole = found(&pool);
        assert!(whole.contexts[0].protocol.contains("5 folds"), "{}", whole.contexts[0].protocol);
        assert_eq!(whole.audits.twins, [["c/c-0".to_owned(), "c/c-20".to_owned()]]);
    }

    /// A corpus in which one person alone has a label cannot be learnt from without that person: it is left out and named, and the
    /// rest of the study is done as without it.
    #[test]
    fn an_odd_context_ends_nothing() {
        let mut pool = made::pool(&["fine", "odd"], 5, 12, 3);
        for r in &mut pool.recordings {
            if r.corpus == "odd" && r.speaker != "s2" {
                r.label = "off".to_owned();
            }
        }
        let whole = found(&pool);
        assert_eq!(whole.contexts.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["fine, clean"]);
        let odd = whole.skipped.iter().find(|s| s.name == "odd, clean").unwrap();
        assert!(odd.why.contains("fewer than two classes"), "{odd:?}");
        assert!(crate::identify::report::page(&whole).unwrap().contains("odd, clean (training failed"));
        let alone = made::pool(&["fine"], 5, 12, 3);
        assert_eq!(whole.contexts[0].skills[0].uar, found(&alone).contexts[0].skills[0].uar);
        let (features, _) = ranking(&pool, &quick()).unwrap();
        assert!(features[..2].contains(&0) && features[..2].contains(&1), "{features:?}");
        pool.recordings.iter_mut().filter(|r| r.speaker != "s2").for_each(|r| r.label = "off".to_owned());
        let e = run(&pool, &quick(), &|_, _, _| true).unwrap_err().to_string();
        assert!(e.starts_with("0 contexts (fine, clean: training failed"), "{e}");
    }

    /// What begins after an interruption is not done.
    #[test]
    fn an_interruption_ends_a_study() {
        let pool = made::pool(&["a", "b"], 4, 12, 1);
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let counted = |_: &str, _: usize, _: usize| calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 1;
        assert_eq!(run(&pool, &quick(), &counted).unwrap_err(), TrainError::Interrupted);
    }

    /// Ranks have an interval over corpora where there are several, and learners are compared over corpora alone.
    #[test]
    fn corpora_are_the_blocks() {
        let mut pool = made::pool(&["a", "b", "c"], 4, 12, 5);
        pool.recordings.iter_mut().for_each(|r| r.language = Some("en".to_owned()));
        let whole = found(&pool);
        assert!(whole.contexts.iter().any(|c| c.name == "language en, clean"), "no context of several corpora");
        assert_eq!(whole.friedman.as_ref().unwrap().1.blocks, 3);
        assert!(whole.features.iter().all(|f| f.by_corpus.len() == 3 && f.rank_over_corpora.is_some()));
        let one = found(&made::pool(&["a"], 4, 12, 5));
        assert!(one.friedman.is_none() && one.features[0].rank_over_corpora.is_none());
    }
}
