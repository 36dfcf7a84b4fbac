//! Findings of groups: effects of their properties together, and beside them the exact attributions of models of features.

use super::assemble::{Participant, order};
use super::curves::Square;
use super::findings::{AttributionFindings, GroupAttribution, GroupFindings, PropertyFindings, ScoreFacts};
use super::material::Material;
use super::properties::Squares;
use crate::features::catalogue::Group;
use crate::statistics::ranks;

/// The groups of all properties.
pub(super) fn groups(
    properties: &[PropertyFindings],
    squares: &[Squares],
    scores: &[ScoreFacts],
) -> Vec<GroupFindings> {
    let one = |g: &Group| {
        let members: Vec<&Squares> =
            properties.iter().zip(squares).filter(|(p, _)| p.group == g.name()).map(|(_, s)| s).collect();
        if members.is_empty() {
            return None;
        }
        let by_score = scores.iter().enumerate().map(|(k, score)| {
            let sum = Square::sum(members.iter().map(|m| &m.by_score[k]));
            (score.name.clone(), sum.and_then(|s| s.effect()).map(|e| e.value))
        });
        Some(GroupFindings {
            group: g.name(),
            effect: Square::sum(members.iter().filter_map(|m| m.all.as_ref())).and_then(|s| s.effect()),
            by_score: by_score.collect(),
        })
    };
    let mut out: Vec<GroupFindings> = Group::ALL.iter().filter_map(one).collect();
    out.sort_by(|a, b| order(a.effect, b.effect));
    out
}

impl Material<'_> {
    /// Exact attributions over the recordings as they are, by group, beside what of the responses passes through the group.
    pub fn attributions(&self, properties: &[PropertyFindings], found: &[GroupFindings]) -> Vec<AttributionFindings> {
        let names = self.subject.model().labels().iter().enumerate().filter(|_| !self.subject.groups().is_empty());
        let one = |(k, score): (usize, &String)| {
            let group = |(place, g): (usize, &Group)| {
                let of = |p: &Participant<'_>| p.trial.original.answer.by_group.get(k)?.get(place).copied();
                let list: Vec<f64> = self.participants.iter().filter_map(of).collect();
                let n = list.len().max(1) as f64;
                let mean = list.iter().sum::<f64>() / n;
                let slope = |p: &PropertyFindings| p.effects[k].by_group.iter().find(|s| s.0 == g.name()).map(|s| s.1);
                let own = found.iter().find(|f| f.group == g.name()).and_then(|f| f.by_score.get(k)?.1);
                GroupAttribution {
                    group: g.name(),
                    attributed: list.iter().map(|v| (v - mean).abs()).sum::<f64>() / n,
                    through: properties.iter().filter_map(slope).map(|s| s * s).sum::<f64>().sqrt(),
                    own,
                }
            };
            let groups: Vec<GroupAttribution> = self.subject.groups().iter().enumerate().map(group).collect();
            let both: Vec<(f64, f64)> = groups.iter().map(|g| (g.attributed, g.through)).collect();
            AttributionFindings { score: score.clone(), rank_correlation: spearman(&both), groups }
        };
        names.map(one).collect()
    }
}

/// Spearman's rank correlation.
fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (a, b) = (ranks(&a), ranks(&b));
    let middle = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum::<f64>();
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    (scale > 0.0).then(|| product(&a, &b) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlations_by_hand() {
        assert_eq!(spearman(&[(1.0, 2.0), (2.0, 4.0), (3.0, 9.0)]), Some(1.0));
        assert_eq!(spearman(&[(1.0, 9.0), (2.0, 4.0), (3.0, 2.0)]), Some(-1.0));
        // Differences of ranks 1, 1 and 0: 1 - 6 (1 + 1) / (3 (9 - 1)).
        assert!((spearman(&[(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)]).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!((spearman(&[(1.0, 2.0), (2.0, 1.0)]), spearman(&[(1.0, 1.0); 4])), (None, None));
    }
}
