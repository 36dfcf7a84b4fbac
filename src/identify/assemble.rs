//! Findings of a study from the results of its contexts: consensus ranking, agreement, audits.

use super::audit;
use super::clusters::{clusters, spearman};
use super::consensus::{Panel, consensus, order, voting};
use super::contexts::{self, Context};
use super::direction::{Direction, flips};
use super::examine::Examined;
use super::findings::{Agreement, Audits, CorpusFacts, FeatureFindings, Findings, GroupFindings, SCHEMA};
use super::friedman::{by_corpus, friedman};
use super::generality::over_corpora;
use super::importance::View;
use super::labels;
use super::learners::Learner;
use super::opinions::{Opinion, shares};
use super::pool::{Pool, Recording};
use super::prepare::{Normalisation, raw, standardised};
use super::settings::StudySettings;
use super::skipped::Skipped;
use super::stability::{kendall_w, nogueira, rank_biased_overlap};
use super::sufficiency::Curve;
use crate::statistics::{median, ranks};

fn corpus_facts(pool: &Pool, settings: &StudySettings) -> Vec<CorpusFacts> {
    let facts_of = |name: String| {
        let recordings: Vec<&Recording> = pool.recordings.iter().filter(|r| r.corpus == name).collect();
        let distinct = |f: &dyn Fn(&Recording) -> Option<String>| {
            let mut values: Vec<String> = recordings.iter().filter_map(|r| f(r)).collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        CorpusFacts {
            recordings: recordings.len(),
            speakers: distinct(&|r| Some(r.who())).len(),
            languages: distinct(&|r| r.language.clone()),
            labels: distinct(&|r| Some(r.label.clone()))
                .into_iter()
                .map(|l| {
                    let n = recordings.iter().filter(|r| r.label == l).count();
                    (l, n)
                })
                .collect(),
            level_dbfs: median(recordings.iter().map(|r| r.facts.level_dbfs).collect()).unwrap_or(f64::NEG_INFINITY),
            licence: settings.licences.iter().find(|l| l.0 == name).map(|l| l.1.clone()).unwrap_or_default(),
            name,
        }
    };
    pool.corpora().into_iter().map(facts_of).collect()
}

/// Overlap of all pairs of lists, their median.
fn overlaps(lists: &[Vec<f64>]) -> Option<f64> {
    let orders: Vec<Vec<usize>> = lists.iter().map(|l| order(l)).collect();
    let mut pair_overlaps = Vec::new();
    for a in 0..orders.len() {
        for b in a + 1..orders.len() {
            pair_overlaps.push(rank_biased_overlap(&orders[a], &orders[b], 0.9));
        }
    }
    median(pair_overlaps)
}

/// The twenty best of each list.
fn best20(lists: &[Vec<f64>]) -> Vec<Vec<bool>> {
    let one = |l: &Vec<f64>| {
        let mut z = vec![false; l.len()];
        order(l).into_iter().take(20).for_each(|f| z[f] = true);
        z
    };
    lists.iter().map(one).collect()
}

fn lists_of(named: &[(String, Vec<f64>)]) -> Vec<Vec<f64>> {
    named.iter().map(|b| b.1.clone()).collect()
}

fn mean_lists(lists: &[&Vec<f64>]) -> Vec<f64> {
    let n = lists.len().max(1) as f64;
    (0..lists.first().map_or(0, |l| l.len())).map(|f| lists.iter().map(|l| l[f]).sum::<f64>() / n).collect()
}

fn agreement(contexts: &[Context], examined: &[Examined], by_block: &[(String, Vec<f64>)], width: usize) -> Agreement {
    let clean: Vec<(&Context, &Examined)> =
        contexts.iter().zip(examined).filter(|(c, _)| c.heard == 0 && c.whole).collect();
    let mut opinions = Vec::new();
    let learners: Vec<Learner> = Learner::ALL
        .into_iter()
        .filter(|l| clean.iter().all(|(_, e)| e.opinions.iter().any(|o| o.0 == *l && o.1 == View::Shapley)))
        .collect();
    let views = [View::Shapley, View::Permutation];
    for (c, (_, e)) in clean.iter().enumerate() {
        for (learner, view, seed, standing) in &e.opinions {
            let place = learners.iter().position(|l| l == learner).zip(views.iter().position(|v| v == view));
            if let Some((l, v)) = place {
                let first = e.opinions.iter().map(|o| o.2).min().unwrap_or(0);
                opinions.push(Opinion { levels: vec![c, l, v, (seed - first) as usize], standing: standing.clone() });
            }
        }
    }
    let names = ["corpus", "learner", "view", "seed", "their interplay"];
    let shares = shares(&opinions, 4).map_or_else(Vec::new, |s| names.map(str::to_owned).into_iter().zip(s).collect());
    let by = |k: usize, n: usize| -> Vec<Vec<f64>> {
        (0..n)
            .map(|level| {
                mean_lists(&opinions.iter().filter(|o| o.levels[k] == level).map(|o| &o.standing).collect::<Vec<_>>())
            })
            .filter(|l| l.len() == width)
            .collect()
    };
    let corpora = lists_of(by_block);
    let mut languages: Vec<(String, Vec<&Vec<f64>>)> = Vec::new();
    for (name, standing) in by_block {
        let language = contexts.iter().find(|c| c.corpus.as_ref() == Some(name)).and_then(|c| c.language.clone());
        if let Some(l) = language {
            match languages.iter_mut().find(|x| x.0 == l) {
                Some(x) => x.1.push(standing),
                None => languages.push((l, vec![standing])),
            }
        }
    }
    let languages: Vec<Vec<f64>> = languages.iter().map(|l| mean_lists(&l.1)).collect();
    let (by_learner, by_view) = (by(1, learners.len()), by(2, 2));
    let lists = [("corpora", &corpora), ("languages", &languages), ("learners", &by_learner), ("views", &by_view)];
    let between = lists.map(|(n, l)| (n.to_owned(), kendall_w(l), overlaps(l))).to_vec();
    let mut top20: Vec<_> = lists.map(|(n, l)| (n.to_owned(), nogueira(&best20(l)))).to_vec();
    top20.extend(clean.iter().map(|(c, e)| (format!("halves of {}", c.name), nogueira(&e.halves))));
    Agreement { between, top20, shares }
}

/// The findings of a study.
#[expect(clippy::too_many_arguments, reason = "the parts of the findings")]
pub(super) fn assemble(
    pool: &Pool,
    settings: &StudySettings,
    contexts: &[Context],
    examined: Vec<Examined>,
    skipped: Vec<Skipped>,
    curves: Vec<Curve>,
    condition_curves: Vec<Curve>,
    transfers: Vec<super::transfer::Transfer>,
) -> Findings {
    let width = pool.width();
    let members = pool.members();
    let panels_of = |of: &dyn Fn(&Examined) -> Panel| -> Vec<Panel> {
        voting(contexts.iter().zip(&examined).map(|(c, e)| (c.corpus.as_deref(), of(e))).collect())
    };
    let (panels, group_panels) = (panels_of(&|e| e.features.clone()), panels_of(&|e| e.groups.clone()));
    let places = consensus(&panels, width, settings.draws, settings.seed);
    let group_places = consensus(&group_panels, members.len(), settings.draws, settings.seed);
    let mut blocks: Vec<String> = Vec::new();
    panels.iter().for_each(|p| {
        if !blocks.contains(&p.block) {
            blocks.push(p.block.clone());
        }
    });
    let alone = |panels: &[Panel], width: usize| -> Vec<(String, Vec<f64>)> {
        let one = |b: &String| {
            let block_panels: Vec<Panel> = panels.iter().filter(|p| p.block == *b).cloned().collect();
            (b.clone(), consensus(&block_panels, width, 0, 1).iter().map(|p| p.score).collect())
        };
        blocks.iter().map(one).collect()
    };
    let (by_block, groups_by_block) = (alone(&panels, width), alone(&group_panels, members.len()));
    let general = over_corpora(&lists_of(&by_block));
    let general_groups = over_corpora(&lists_of(&groups_by_block));
    let rank_in = |lists: &[(String, Vec<f64>)], f: usize| -> Vec<(String, f64)> {
        lists.iter().map(|(b, l)| (b.clone(), ranks(l)[f])).collect()
    };
    let directions: Vec<Direction> = examined.iter().flat_map(|e| e.directions.clone()).collect();
    let flips = flips(&directions, &pool.names);
    let feature = |f: usize| {
        let mut feature_directions: Vec<Direction> =
            directions.iter().filter(|d| d.feature == f && d.sign() != 0).cloned().collect();
        feature_directions.sort_by(|a, b| b.effect.value.abs().total_cmp(&a.effect.value.abs()));
        feature_directions.truncate(8);
        FeatureFindings {
            name: pool.names[f].clone(),
            group: pool.groups[f].name().to_owned(),
            score: places[f].score,
            rank: places[f].rank,
            rank_over_corpora: general.as_ref().map(|g| g[f]),
            generality: examined.iter().filter(|e| e.above[f]).count(),
            of_contexts: examined.len(),
            by_corpus: rank_in(&by_block, f),
            directions: feature_directions,
            flips: flips.iter().any(|x| x.feature == pool.names[f]),
        }
    };
    let scores: Vec<f64> = places.iter().map(|p| p.score).collect();
    let group_scores: Vec<f64> = group_places.iter().map(|p| p.score).collect();
    let group = |g: usize| GroupFindings {
        name: members[g].0.name().to_owned(),
        features: members[g].1.len(),
        score: group_places[g].score,
        rank: group_places[g].rank,
        rank_over_corpora: general_groups.as_ref().map(|l| l[g]),
        by_corpus: rank_in(&groups_by_block, g),
    };
    let mut confounds = audit::corpora(pool, settings.seed);
    for c in contexts.iter().filter(|c| c.heard == 0 && c.whole) {
        confounds.extend(audit::labels(pool, c, settings.seed));
    }
    let figures: Vec<(&str, Vec<f64>)> = examined
        .iter()
        .filter_map(|e| e.findings.corpus.as_deref().map(|corpus| (corpus, &e.findings.skills)))
        .flat_map(|(corpus, skills)| {
            Normalisation::ALL.map(|n| {
                let of = |l: &Learner| skills.iter().find(|s| s.learner == *l && s.normalisation == n);
                (corpus, settings.learners.iter().filter_map(|l| of(l).map(|s| s.uar.value)).collect())
            })
        })
        .collect();
    let friedman = friedman(&by_corpus(&figures), settings.seed).ok().map(|f| (settings.learners.clone(), f));
    let everyone: Vec<usize> = (0..pool.recordings.len()).collect();
    let together = contexts::Context::new(pool, "all".to_owned(), everyone.clone(), 0)
        .map(|c| clusters(&spearman(&standardised(&raw(pool, &c, Normalisation::Speaker), &everyone))))
        .unwrap_or_default();
    let file = |i: usize| format!("{}/{}", pool.recordings[i].corpus, pool.recordings[i].file);
    Findings {
        schema: SCHEMA,
        program: env!("CARGO_PKG_VERSION"),
        feature_set: pool.feature_set.clone(),
        labels_version: labels::VERSION,
        seed: settings.seed,
        corpora: corpus_facts(pool, settings),
        conditions: pool.heard.iter().map(|h| h.condition.clone()).collect(),
        unreadable: Vec::new(),
        audits: Audits {
            twins: audit::twins(&pool.recordings).into_iter().map(|(a, b)| [file(b), file(a)]).collect(),
            levelled: audit::levelled(pool),
            confounds,
        },
        features: order(&scores).into_iter().map(feature).collect(),
        effects: order(&scores)
            .into_iter()
            .map(|f| directions.iter().filter(|d| d.feature == f).cloned().collect())
            .collect(),
        groups: order(&group_scores).into_iter().map(group).collect(),
        clusters: together
            .iter()
            .filter(|c| c.len() > 1)
            .map(|c| c.iter().map(|f| pool.names[*f].clone()).collect())
            .collect(),
        flips,
        agreement: agreement(contexts, &examined, &by_block, width),
        friedman,
        contexts: examined.into_iter().map(|e| e.findings).collect(),
        skipped,
        curves,
        condition_curves,
        transfers,
    }
}
