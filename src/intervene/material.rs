//! Material of findings: responses paired within recordings, by speaker and combination of doses.

use super::assemble::{Participant, Settings};
use super::curves::Curves;
use super::familiar::{Familiar, Novel};
use super::subject::{Answer, Subject};
use super::trial::{Heard, Outcome, Version};
use crate::alter::Property;

/// Everything that figures are made of.
pub(super) struct Material<'a> {
    pub subject: &'a Subject,
    pub participants: &'a [Participant<'a>],
    /// Which unit each participant belongs to.
    pub units: Vec<usize>,
    pub count: usize,
    pub familiar: Familiar<'a>,
    pub draws: Vec<Vec<usize>>,
    pub settings: Settings,
}

/// The altered recording, where it came to one.
fn heard(version: &Version) -> Option<&Heard> {
    if let Outcome::Altered { heard, .. } = &version.outcome { Some(heard) } else { None }
}

impl Material<'_> {
    /// Curves of what `of` says of altered and unaltered recordings, over points that are combinations of doses.
    pub fn curves(
        &self,
        points: &[Vec<(Property, f64)>],
        sizes: Vec<f64>,
        of: impl Fn(&Answer, &Answer) -> Option<f64>,
    ) -> Curves {
        let mut sums = vec![vec![(0.0, 0.0, 0usize); points.len()]; self.count];
        for (participant, unit) in self.participants.iter().zip(&self.units) {
            for (k, point) in points.iter().enumerate() {
                let Some(altered) = participant.trial.version(point).and_then(heard) else { continue };
                let Some(response) = of(&altered.answer, &participant.trial.original.answer) else { continue };
                let weight = self.familiar.of(altered).map_or(1.0, |n: Novel| n.weight);
                let sum = &mut sums[*unit][k];
                *sum = (sum.0 + weight * response, sum.1 + weight, sum.2 + 1);
            }
        }
        let mean = |(sum, weight, n): &(f64, f64, usize)| (*n > 0).then(|| (sum / weight, weight / *n as f64));
        Curves { sizes, units: sums.iter().map(|u| u.iter().map(mean).collect()).collect() }
    }

    /// The same of a score.
    pub fn score(&self, points: &[Vec<(Property, f64)>], sizes: &[f64], score: usize) -> Curves {
        self.curves(points, sizes.to_vec(), |altered, original| self.subject.response(altered, original, score))
    }
}
