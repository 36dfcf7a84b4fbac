//! Findings of one property: effects and slopes of every score, and what came of every dose.

use super::curves::{Curves, Square};
use super::dose::{coordinate, deviation, feature, group, unit};
use super::familiar::Novel;
use super::findings::{DoseFindings, EffectFindings, PropertyFindings, ResponseFindings, ScoreFacts};
use super::material::Material;
use super::subject::Answer;
use super::trial::Outcome;
use crate::alter::Property;
use crate::features::catalogue::Group;
use crate::statistics::{Interval, median};
use std::collections::BTreeMap;

/// From this share on, an altered recording is unlike what is familiar.
const UNLIKE: f64 = 0.99;

/// Squared effects of a property.
#[derive(Debug, Clone)]
pub(super) struct Squares {
    /// Mean over the scores, in their deviations; `None` where nothing came.
    pub all: Option<Square>,
    /// By score, in its own unit.
    pub by_score: Vec<Square>,
}

impl Material<'_> {
    /// What a property does, and its squared effects: over all scores in their deviations, and of every score.
    pub fn property(
        &self,
        property: Property,
        doses: &[f64],
        scores: &[ScoreFacts],
        number: usize,
    ) -> (PropertyFindings, Squares) {
        let points: Vec<Vec<(Property, f64)>> = doses.iter().map(|d| vec![(property, *d)]).collect();
        let sizes: Vec<f64> = doses.iter().map(|d| coordinate(property, *d) / deviation(property)).collect();
        let curves: Vec<Curves> = (0..scores.len()).map(|k| self.score(&points, &sizes, k)).collect();
        let squares: Vec<Square> = curves.iter().map(|c| c.square(&self.draws)).collect();
        let effects = (curves.iter().zip(scores).enumerate())
            .map(|(k, (c, s))| EffectFindings {
                score: s.name.clone(),
                effect: squares[k].effect(),
                slope_per_deviation: c.slope(&self.draws),
                slope_per_unit: c.slope(&self.draws).map(|i| over(i, deviation(property))),
                p: c.p(self.settings.draws, self.settings.seed, (number * scores.len() + k) as u64),
                q: 1.0,
                beyond_chance: false,
                rank: 0,
                by_group: self.by_group(k, &points, &sizes),
            })
            .collect();
        let moving: Vec<Square> =
            squares.iter().zip(scores).filter(|(_, s)| s.spread > 0.0).map(|(q, s)| q.over(s.spread)).collect();
        // The mean over the scores.
        let all = Square::sum(moving.iter()).map(|s| s.over((moving.len() as f64).sqrt()));
        let doses = (points.iter().zip(doses).enumerate())
            .map(|(k, (point, dose))| {
                let responses = curves.iter().zip(scores);
                let responses = responses
                    .map(|(c, s)| ResponseFindings { score: s.name.clone(), mean: c.mean(&self.draws, k) })
                    .collect();
                self.dose(point, *dose, sizes[k], responses)
            })
            .collect();
        let findings = PropertyFindings {
            property: property.name(),
            group: group(property).name(),
            deviation: deviation(property),
            deviation_unit: unit(property),
            by: feature(property),
            effect: all.as_ref().and_then(Square::effect),
            effects,
            doses,
        };
        (findings, Squares { all, by_score: squares })
    }

    /// Slopes of the contributions of groups of features to a score.
    fn by_group(&self, score: usize, points: &[Vec<(Property, f64)>], sizes: &[f64]) -> Vec<(String, f64)> {
        let one = |(g, group): (usize, &Group)| {
            let of = |a: &Answer| a.by_group.get(score)?.get(g).copied();
            let curves = self.curves(points, sizes.to_vec(), |a, b| Some(of(a)? - of(b)?));
            Some((group.name().to_owned(), curves.slope(&[])?.value))
        };
        self.subject.groups().iter().enumerate().filter_map(one).collect()
    }

    fn dose(
        &self,
        point: &[(Property, f64)],
        dose: f64,
        deviations: f64,
        responses: Vec<ResponseFindings>,
    ) -> DoseFindings {
        let mut failed: BTreeMap<String, usize> = BTreeMap::new();
        let (mut told, mut moved) = (Vec::new(), vec![Vec::new(); Group::ALL.len()]);
        let mut novel: Vec<Novel> = Vec::new();
        let mut realised = 0;
        for participant in self.participants {
            match participant.trial.version(point).map(|v| &v.outcome) {
                Some(Outcome::Altered { heard, came, moved: groups }) => {
                    realised += 1;
                    told.extend(came.first().copied().flatten());
                    moved.iter_mut().zip(groups).for_each(|(list, m)| list.extend(*m));
                    novel.extend(self.familiar.of(heard));
                }
                Some(Outcome::Failed(why)) => *failed.entry(without_numbers(why)).or_default() += 1,
                None => {}
            }
        }
        let share = |of: &dyn Fn(&Novel) -> f64| {
            (!novel.is_empty()).then(|| novel.iter().map(of).sum::<f64>() / novel.len() as f64)
        };
        DoseFindings {
            dose,
            deviations,
            realised,
            failed: failed.into_iter().collect(),
            came: median(told),
            moved: Group::ALL.iter().zip(moved).map(|(g, list)| (g.name(), median(list))).collect(),
            novelty: median(novel.iter().map(|n| n.share).collect()),
            unlike: share(&|n| f64::from(u8::from(n.share >= UNLIKE))),
            weight: share(&|n| n.weight),
            responses,
        }
    }
}

fn over(i: Interval, by: f64) -> Interval {
    Interval { value: i.value / by, low: i.low / by, high: i.high / by }
}

/// A reason without its numbers, so that equal reasons count together.
fn without_numbers(why: &str) -> String {
    let mut out = String::new();
    for word in why.split(' ') {
        let word = if word.chars().any(|c| c.is_ascii_digit()) { "…" } else { word };
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
