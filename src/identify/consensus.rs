//! Consensus ranking of features over contexts, learners and views, with confidence intervals of the ranks.
//!
//! Every vote ranks the features. Within a context votes of one view are averaged, each learner counting by its recall beyond
//! chance on speakers that it had not heard; views count the same, contexts of a corpus count the same, corpora count the same.
//! The interval of a rank comes from drawing speakers (and pairs of halves) anew.

use super::importance::{View, Vote};
use super::statistics::{Interval, interval, quantile, ranks};
use crate::explain::sampled::Random;
use ndarray::Array1;
use rayon::prelude::*;
use serde::Serialize;

/// The votes of one context.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Name of the context.
    pub context: String,
    /// What it counts with: panels of one block are averaged first.
    pub block: String,
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

/// How often each unit is drawn.
fn drawn(n: usize, random: Option<&mut Random>) -> Array1<f64> {
    match random {
        None => Array1::from_elem(n, 1.0),
        Some(r) => {
            let mut counts = Array1::zeros(n);
            (0..n).for_each(|_| counts[r.below(n.max(1))] += 1.0);
            counts
        }
    }
}

/// Mean standing within a panel; `None` where no vote counts.
fn panel(p: &Panel, width: usize, mut random: Option<&mut Random>) -> Option<Array1<f64>> {
    let speakers = p.votes.iter().find(|v| v.view != View::Selection).map_or(0, |v| v.by_unit.nrows());
    let counts = drawn(speakers, random.as_deref_mut());
    let mut out = Array1::zeros(width);
    let mut views = 0.0;
    for view in View::ALL {
        let (mut sum, mut weight) = (Array1::<f64>::zeros(width), 0.0);
        for v in p.votes.iter().filter(|v| v.view == view && v.weight > 0.0 && v.by_unit.nrows() > 0) {
            let redrawn;
            let counts = if v.by_unit.nrows() == counts.len() {
                &counts
            } else {
                redrawn = drawn(v.by_unit.nrows(), random.as_deref_mut());
                &redrawn
            };
            sum = sum + Array1::from(standing(&v.by_unit.t().dot(counts).to_vec())) * v.weight;
            weight += v.weight;
        }
        if weight > 0.0 {
            out = out + sum / weight;
            views += 1.0;
        }
    }
    (views > 0.0).then(|| out / views)
}

/// Mean standing over blocks of panels.
fn whole(panels: &[Panel], width: usize, mut random: Option<&mut Random>) -> Vec<f64> {
    let mut blocks: Vec<(&str, Array1<f64>, f64)> = Vec::new();
    for p in panels {
        let Some(score) = panel(p, width, random.as_deref_mut()) else { continue };
        match blocks.iter_mut().find(|b| b.0 == p.block) {
            Some(b) => {
                b.1 = &b.1 + &score;
                b.2 += 1.0;
            }
            None => blocks.push((&p.block, score, 1.0)),
        }
    }
    let n = blocks.len().max(1) as f64;
    blocks.iter().fold(Array1::zeros(width), |a, b| a + &b.1 / (b.2 * n)).to_vec()
}

/// The consensus of panels over `width` features.
#[must_use]
pub fn consensus(panels: &[Panel], width: usize, draws: usize, seed: u64) -> Vec<Place> {
    let scores = whole(panels, width, None);
    let real = ranks(&scores);
    let drawn_ranks: Vec<Vec<f64>> = (0..draws as u64)
        .into_par_iter()
        .map(|k| {
            let mut random = Random(seed.wrapping_add(k).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            ranks(&whole(panels, width, Some(&mut random)))
        })
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

/// One ranking with the levels of the factors it was made under, for [`shares`].
#[derive(Debug, Clone)]
pub struct Opinion {
    /// Levels of the factors, in their order.
    pub levels: Vec<usize>,
    /// Standing of every feature.
    pub standing: Vec<f64>,
}

/// Share of the variance between rankings that each factor accounts for by itself, and what is left to their interaction: sums of
/// squares of a balanced design around each feature's mean. `None` where nothing varies.
#[must_use]
pub fn shares(opinions: &[Opinion], factors: usize) -> Option<Vec<f64>> {
    let width = opinions.first()?.standing.len();
    let n = opinions.len() as f64;
    let mut total = 0.0;
    let mut explained = vec![0.0; factors];
    for f in 0..width {
        let mean = opinions.iter().map(|o| o.standing[f]).sum::<f64>() / n;
        total += opinions.iter().map(|o| (o.standing[f] - mean).powi(2)).sum::<f64>();
        for (k, place) in explained.iter_mut().enumerate() {
            let levels = opinions.iter().map(|o| o.levels[k]).max().unwrap_or(0) + 1;
            for level in 0..levels {
                let part: Vec<f64> = opinions.iter().filter(|o| o.levels[k] == level).map(|o| o.standing[f]).collect();
                if !part.is_empty() {
                    let m = part.iter().sum::<f64>() / part.len() as f64;
                    *place += part.len() as f64 * (m - mean).powi(2);
                }
            }
        }
    }
    if total <= 0.0 {
        return None;
    }
    let mut out: Vec<f64> = explained.iter().map(|s| s / total).collect();
    out.push((1.0 - out.iter().sum::<f64>()).max(0.0));
    Some(out)
}

/// Median of a list; `None` for an empty one.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Speakers drawn from a world in which the true order of features is known: intervals of ranks hold it.
    #[test]
    fn rank_intervals_cover() {
        let mut r = Random(77);
        let truth: Vec<f64> = (0..12).map(|f| f64::from(12 - f) * 0.25).collect();
        let (mut hit, mut all) = (0, 0);
        for world in 0..150 {
            let by_unit = Array2::from_shape_fn((12, 12), |(_, f)| truth[f] + r.normal());
            let vote = Vote { view: View::Univariate, learner: None, seed: 0, by_unit, weight: 1.0 };
            let panels = [Panel { context: "c".into(), block: "b".into(), votes: vec![vote] }];
            for (f, place) in consensus(&panels, 12, 200, world).iter().enumerate() {
                hit += usize::from(place.rank.low <= f as f64 + 1.0 && f as f64 + 1.0 <= place.rank.high);
                all += 1;
            }
        }
        let share = f64::from(hit as u32) / f64::from(all);
        assert!(share > 0.93, "{share}");
    }

    #[test]
    fn the_weak_do_not_vote_like_the_strong() {
        let vote = |weight, values: [f64; 3]| Vote {
            view: View::Shapley,
            learner: None,
            seed: 0,
            by_unit: Array2::from_shape_fn((4, 3), |(_, f)| values[f]),
            weight,
        };
        let votes = vec![vote(0.9, [3.0, 2.0, 1.0]), vote(0.1, [1.0, 2.0, 3.0]), vote(0.0, [0.0, 9.0, 0.0])];
        let panels = [Panel { context: "c".into(), block: "b".into(), votes }];
        let places = consensus(&panels, 3, 20, 1);
        assert!(places[0].score > places[1].score && places[1].score > places[2].score);
        assert!((places[0].score - 0.9).abs() < 1e-12);
    }

    #[test]
    fn shares_of_a_known_design() {
        // Two corpora that order features the other way round, two learners that agree.
        let o = |c: usize, l: usize| Opinion {
            levels: vec![c, l],
            standing: if c == 0 { vec![1.0, 0.0] } else { vec![0.0, 1.0] },
        };
        let s = shares(&[o(0, 0), o(0, 1), o(1, 0), o(1, 1)], 2).unwrap();
        assert!((s[0] - 1.0).abs() < 1e-12 && s[1].abs() < 1e-12 && s[2].abs() < 1e-12, "{s:?}");
        assert_eq!(shares(&[o(0, 0), o(0, 1)], 2), None);
    }
}
