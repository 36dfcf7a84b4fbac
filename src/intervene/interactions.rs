//! Findings of pairs of properties: what both do at once beyond what each does alone.

use super::assemble::LEVEL;
use super::curves::Curves;
use super::dose::{Schedule, coordinate, deviation};
use super::findings::{InteractionFindings, ScoreFacts};
use super::material::Material;
use crate::alter::Property;
use crate::statistics::false_discovery;

impl Material<'_> {
    /// Interactions of the pairs of a schedule, at their outermost doses.
    pub fn interactions(&self, schedule: &Schedule, scores: &[ScoreFacts]) -> Vec<InteractionFindings> {
        let mut out = Vec::new();
        for (a, b) in &schedule.pairs {
            let corners: Vec<(f64, f64)> = schedule
                .ends(*a)
                .into_iter()
                .flat_map(|x| schedule.ends(*b).into_iter().map(move |y| (x, y)))
                .collect();
            let size = |p: Property, d: f64| coordinate(p, d) / deviation(p);
            let sizes: Vec<f64> = corners.iter().map(|(x, y)| size(*a, *x) * size(*b, *y)).collect();
            for (k, score) in scores.iter().enumerate() {
                let of = |points: Vec<Vec<(Property, f64)>>| self.score(&points, &sizes, k);
                let both = of(corners.iter().map(|(x, y)| vec![(*a, *x), (*b, *y)]).collect());
                let alone = [
                    of(corners.iter().map(|(x, _)| vec![(*a, *x)]).collect()),
                    of(corners.iter().map(|(_, y)| vec![(*b, *y)]).collect()),
                ];
                let beyond = |u: usize, at: usize| {
                    let (mean, weight) = both.units[u][at]?;
                    let sum = alone.iter().map(|c| c.units[u][at].map(|m| m.0)).sum::<Option<f64>>()?;
                    Some((mean - sum, weight))
                };
                let units = (0..self.count).map(|u| (0..corners.len()).map(|at| beyond(u, at)).collect()).collect();
                let curves = Curves { sizes: sizes.clone(), units };
                out.push(InteractionFindings {
                    properties: (a.name(), b.name()),
                    score: score.name.clone(),
                    per_deviations: curves.slope(&self.draws),
                    p: curves.p(self.settings.draws, self.settings.seed, 1_000_000 + out.len() as u64),
                    q: 1.0,
                    beyond_chance: false,
                });
            }
        }
        let q = false_discovery(&out.iter().map(|i| i.p).collect::<Vec<_>>());
        out.iter_mut().zip(q).for_each(|(i, q)| (i.q, i.beyond_chance) = (q, q <= LEVEL));
        out
    }
}
