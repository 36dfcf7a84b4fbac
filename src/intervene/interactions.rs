//! Findings of pairs of properties: what both do at once beyond what each does alone.

use super::assemble::LEVEL;
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
            let points: Vec<[(Property, f64); 2]> = corners.iter().map(|(x, y)| [(*a, *x), (*b, *y)]).collect();
            for (k, score) in scores.iter().enumerate() {
                let curves = self.interplay(&points, sizes.clone(), k);
                out.push(InteractionFindings {
                    properties: (a.name(), b.name()),
                    score: score.name.clone(),
                    per_deviations: curves.slope(&self.draws),
                    p: curves.p_of_slope(self.settings.draws, self.settings.seed, 1_000_000 + out.len() as u64),
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
