//! Consensus ranking of features over contexts, learners and views, with confidence intervals of the ranks.
//!
//! Every vote ranks the features. Within a context votes of one view are averaged, each learner counting by its recall beyond
//! chance on speakers that it had not heard; views count the same, contexts of a corpus count the same, corpora count the same.
//! The interval of a rank comes from drawing the speakers of every corpus anew, once for all its contexts (and the pairs of halves),
//! and beside it stands the interval over corpora.

use super::importance::{View, Vote};
use crate::signal::random::Random;
use crate::statistics::streams::{Purpose, stream};
use crate::statistics::{Interval, interval, ranks};
use ndarray::Array1;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// The votes of one context.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Name of the context.
    pub context: String,
    /// What it counts with, its corpus: panels of one block are averaged first, and their speakers are the same people.
    pub block: String,
    /// Names of the speakers, across corpora, in the order of the votes' rows.
    pub speakers: Vec<String>,
    /// The votes.
    pub votes: Vec<Vote>,
}

/// A place in the consensus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Place {
    /// Mean standing over all opinions: 1 for what is first everywhere, 0 for what is last everywhere.
    pub score: f64,
    /// Rank, 1 the first, with its 95 % interval.
    pub rank: Interval,
}

/// Standing of values from 1 (largest) to 0 (smallest), equals in the middle.
#[must_use]
pub fn standing(values: &[f64]) -> Vec<f64> {
    let most = (values.len().max(2) - 1) as f64;
    ranks(values).iter().map(|r| 1.0 - (r - 1.0) / most).collect()
}

/// How often each of `n` units is drawn when all but one are drawn: so many give means the variance that they have (Rao and Wu,
/// Resampling inference with complex survey data, JASA 83(401), 1988); as many as there are would give too little.
fn drawn(n: usize, random: &mut Random) -> Array1<f64> {
    let mut counts = Array1::zeros(n);
    (0..n.saturating_sub(1).max(1.min(n))).for_each(|_| counts[random.below(n)] += 1.0);
    counts
}

/// Panels with their blocks, and where each panel's speakers stand among their block's.
struct Blocks<'a> {
    /// Block by panel.
    block_of: Vec<usize>,
    /// Places of each panel's speakers.
    places: Vec<Vec<usize>>,
    /// Number of speakers by block.
    speakers: Vec<usize>,
    panels: &'a [Panel],
}

impl<'a> Blocks<'a> {
    fn new(panels: &'a [Panel]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut people: Vec<BTreeMap<&str, usize>> = Vec::new();
        let (mut block_of, mut places) = (Vec::new(), Vec::new());
        for p in panels {
            let block = names.iter().position(|n| *n == p.block).unwrap_or(names.len());
            if block == names.len() {
                names.push(&p.block);
                people.push(BTreeMap::new());
            }
            let known = &mut people[block];
            let place = |s: &'a String| {
                let next = known.len();
                *known.entry(s).or_insert(next)
            };
            places.push(p.speakers.iter().map(place).collect());
            block_of.push(block);
        }
        Self { block_of, places, speakers: people.iter().map(BTreeMap::len).collect(), panels }
    }

    /// Mean standing over blocks. With random numbers the speakers of every block are drawn anew, once for all its panels, and so
    /// are every panel's pairs of halves.
    fn standing(&self, width: usize, mut random: Option<&mut Random>) -> Vec<f64> {
        let times: Vec<Array1<f64>> = match &mut random {
            None => self.speakers.iter().map(|n| Array1::from_elem(*n, 1.0)).collect(),
            Some(r) => self.speakers.iter().map(|n| drawn(*n, r)).collect(),
        };
        let mut sums = vec![(Array1::<f64>::zeros(width), 0.0); self.speakers.len()];
        for ((p, block), places) in self.panels.iter().zip(&self.block_of).zip(&self.places) {
            let counts: Array1<f64> = places.iter().map(|k| times[*block][*k]).collect();
            if let Some(score) = panel(p, width, &counts, random.as_deref_mut()) {
                sums[*block].0 += &score;
                sums[*block].1 += 1.0;
            }
        }
        let heard = sums.iter().filter(|s| s.1 > 0.0).count().max(1) as f64;
        let mean = |a: Array1<f64>, (sum, n): &(Array1<f64>, f64)| if *n > 0.0 { a + sum / (*n * heard) } else { a };
        sums.iter().fold(Array1::zeros(width), mean).to_vec()
    }
}

/// Mean standing within a panel whose speakers come so often; `None` where no vote counts.
fn panel(p: &Panel, width: usize, speakers: &Array1<f64>, mut random: Option<&mut Random>) -> Option<Array1<f64>> {
    let mut out = Array1::zeros(width);
    let mut views = 0.0;
    for view in View::ALL {
        let (mut sum, mut weight) = (Array1::<f64>::zeros(width), 0.0);
        for v in p.votes.iter().filter(|v| v.view == view && v.weight > 0.0 && v.by_unit.nrows() > 0) {
            let redrawn;
            let counts = match (view, &mut random) {
                (View::Selection, None) => {
                    redrawn = Array1::from_elem(v.by_unit.nrows(), 1.0);
                    &redrawn
                }
                (View::Selection, Some(r)) => {
                    redrawn = drawn(v.by_unit.nrows(), r);
                    &redrawn
                }
                _ => speakers,
            };
            // None of the panel's speakers was drawn.
            if counts.sum() > 0.0 {
                sum = sum + Array1::from(standing(&v.importance(counts))) * v.weight;
                weight += v.weight;
            }
        }
        if weight > 0.0 {
            out = out + sum / weight;
            views += 1.0;
        }
    }
    (views > 0.0).then(|| out / views)
}

/// The panels that vote: those of single corpora. Contexts of several corpora hold the same recordings again; they vote where there
/// are no others.
#[must_use]
pub fn voting(panels: Vec<(Option<&str>, Panel)>) -> Vec<Panel> {
    let single = panels.iter().any(|p| p.0.is_some());
    panels.into_iter().filter(|p| p.0.is_some() || !single).map(|p| p.1).collect()
}

/// The consensus of panels over `width` features, with intervals of the ranks over speakers drawn anew.
#[must_use]
pub fn consensus(panels: &[Panel], width: usize, draws: usize, seed: u64) -> Vec<Place> {
    let blocks = Blocks::new(panels);
    let scores = blocks.standing(width, None);
    let real = ranks(&scores);
    let drawn_ranks: Vec<Vec<f64>> = (0..draws as u64)
        .into_par_iter()
        .map(|k| ranks(&blocks.standing(width, Some(&mut stream(seed, Purpose::Ranks, k)))))
        .collect();
    (0..width)
        .map(|f| Place { score: scores[f], rank: interval(real[f], drawn_ranks.iter().map(|r| r[f]).collect()) })
        .collect()
}

/// Features by score, the best first; equals by number.
#[must_use]
pub fn order(scores: &[f64]) -> Vec<usize> {
    let mut out: Vec<usize> = (0..scores.len()).collect();
    out.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    const SPEAKERS: usize = 12;
    const FEATURES: usize = 12;
    const DRAWS: usize = 200;

    /// Nine contexts of one corpus: what a speaker is like is the same in all of them, the rest is of each. Two learners and two views by
    /// speaker, and selection by pairs of halves of the speakers' recordings.
    fn world(r: &mut Random) -> Vec<Panel> {
        let truth = |f: usize| (FEATURES - f) as f64 * 0.25;
        let people = Array2::from_shape_fn((SPEAKERS, FEATURES), |(_, f)| truth(f) + r.normal());
        let panel = |k: usize| {
            let here = people.mapv(|v| v + 0.3 * r.normal());
            let mut vote = |view, size: f64| {
                let by_unit = here.mapv(|v| v + size * r.normal());
                Vote { view, learner: None, seed: 0, by_unit, weight: 1.0, players: None }
            };
            let mut votes = vec![vote(View::Univariate, 0.1), vote(View::Shapley, 0.5), vote(View::Shapley, 0.5)];
            let best = |half: Vec<f64>| {
                let mut chosen = [false; FEATURES];
                order(&half).into_iter().take(4).for_each(|f| chosen[f] = true);
                chosen
            };
            let mut both = Array2::zeros((10, FEATURES));
            for mut pair in both.outer_iter_mut() {
                let mut half = || best((0..FEATURES).map(|f| here.column(f).sum() / 12.0 + 0.2 * r.normal()).collect());
                let (a, b) = (half(), half());
                (0..FEATURES).for_each(|f| pair[f] = f64::from(u8::from(a[f] && b[f])));
            }
            votes.push(Vote { view: View::Selection, by_unit: both, ..votes[0].clone() });
            let speakers = (0..SPEAKERS).map(|s| format!("c/{s}")).collect();
            Panel { context: k.to_string(), block: "c".to_owned(), speakers, votes }
        };
        (0..9).map(panel).collect()
    }

    fn covered(panels: &[Panel], seed: u64) -> usize {
        let holds = |(f, p): &(usize, Place)| p.rank.low <= *f as f64 + 1.0 && *f as f64 + 1.0 <= p.rank.high;
        consensus(panels, FEATURES, DRAWS, seed).into_iter().enumerate().filter(holds).count()
    }

    /// Intervals of ranks hold the true ones where a corpus votes in nine contexts: its people are drawn once for all of them. Were they
    /// drawn anew for every context, as if they were nine times as many, the intervals would hold too few.
    #[test]
    fn rank_intervals_cover_over_contexts_of_the_same_people() {
        const WORLDS: u64 = 150;
        let (mut joint, mut apart) = (0, 0);
        for seed in 0..WORLDS {
            let mut panels = world(&mut stream(seed, Purpose::Voices, 0));
            joint += covered(&panels, seed);
            for (k, p) in panels.iter_mut().enumerate() {
                p.speakers = (0..SPEAKERS).map(|s| format!("{k}/{s}")).collect();
            }
            apart += covered(&panels, seed);
        }
        let share = |n: usize| n as f64 / (WORLDS as f64 * FEATURES as f64);
        eprintln!("coverage of 95 % intervals: {:.3} drawn once, {:.3} drawn by context", share(joint), share(apart));
        assert!(share(joint) >= 0.93, "{}", share(joint));
        assert!(share(apart) < 0.85, "{}", share(apart));
    }

    /// Contexts of several corpora hold the recordings of others again, and do not vote beside them.
    #[test]
    fn corpora_vote_once() {
        let mut panels = world(&mut stream(1, Purpose::Voices, 0));
        let last = panels.pop().unwrap();
        let names = |list: &[Panel]| list.iter().map(|p| p.context.clone()).collect::<Vec<_>>();
        let of_one = voting(vec![(Some("c"), panels[0].clone()), (None, last.clone())]);
        assert_eq!(names(&of_one), ["0"]);
        assert_eq!(names(&voting(vec![(None, last)])), ["8"]);
    }

    #[test]
    fn the_weak_do_not_vote_like_the_strong() {
        let vote = |weight, values: [f64; 3]| Vote {
            view: View::Shapley,
            learner: None,
            seed: 0,
            by_unit: Array2::from_shape_fn((4, 3), |(_, f)| values[f]),
            weight,
            players: None,
        };
        let votes = vec![vote(0.9, [3.0, 2.0, 1.0]), vote(0.1, [1.0, 2.0, 3.0]), vote(0.0, [0.0, 9.0, 0.0])];
        let speakers = ["1", "2", "3", "4"].map(str::to_owned).to_vec();
        let panels = [Panel { context: "c".into(), block: "b".into(), speakers, votes }];
        let places = consensus(&panels, 3, 20, 1);
        assert!(places[0].score > places[1].score && places[1].score > places[2].score);
        assert!((places[0].score - 0.9).abs() < 1e-12);
    }
}
