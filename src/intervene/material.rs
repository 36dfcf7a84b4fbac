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
    /// Standard deviations of the scores over the recordings as they are.
    pub spreads: Vec<f64>,
    pub draws: Vec<Vec<usize>>,
    pub settings: Settings,
}

/// The altered recording, where it came to one.
fn heard(version: &Version) -> Option<&Heard> {
    if let Outcome::Altered { heard, .. } = &version.outcome { Some(heard) } else { None }
}

/// Responses below this share of the score's spread are rounding.
const ROUNDING: f64 = 1e-5;

impl Material<'_> {
    /// Curves of what `of` says of every recording at every point: a response, and how much it counts.
    fn gathered(&self, sizes: Vec<f64>, of: impl Fn(&Participant<'_>, usize) -> Option<(f64, f64)>) -> Curves {
        let mut sums = vec![vec![(0.0, 0.0, 0usize); sizes.len()]; self.count];
        for (participant, unit) in self.participants.iter().zip(&self.units) {
            for (k, sum) in sums[*unit].iter_mut().enumerate() {
                if let Some((response, weight)) = of(participant, k) {
                    *sum = (sum.0 + weight * response, sum.1 + weight, sum.2 + 1);
                }
            }
        }
        let mean = |(sum, weight, n): &(f64, f64, usize)| (*n > 0).then(|| (sum / weight, weight / *n as f64));
        Curves { sizes, units: sums.iter().map(|u| u.iter().map(mean).collect()).collect() }
    }

    /// What `of` says of an altered recording and of the recording as it is, and how much it counts.
    fn response(
        &self,
        participant: &Participant<'_>,
        point: &[(Property, f64)],
        of: impl Fn(&Answer, &Answer) -> Option<f64>,
    ) -> Option<(f64, f64)> {
        let altered = participant.trial.version(point).and_then(heard)?;
        let weight = self.familiar.of(altered).map_or(1.0, |n: Novel| n.weight);
        Some((of(&altered.answer, &participant.trial.original.answer)?, weight))
    }

    /// Response of a score; what is no more than rounding is none.
    fn of_score(&self, altered: &Answer, original: &Answer, score: usize) -> Option<f64> {
        let response = self.subject.response(altered, original, score)?;
        Some(if response.abs() <= ROUNDING * self.spreads[score] { 0.0 } else { response })
    }

    /// Curves of what `of` says of altered and unaltered recordings, over points that are combinations of doses.
    pub fn curves(
        &self,
        points: &[Vec<(Property, f64)>],
        sizes: Vec<f64>,
        of: impl Fn(&Answer, &Answer) -> Option<f64>,
    ) -> Curves {
        self.gathered(sizes, |participant, k| self.response(participant, &points[k], &of))
    }

    /// The same of a score.
    pub fn score(&self, points: &[Vec<(Property, f64)>], sizes: &[f64], score: usize) -> Curves {
        self.curves(points, sizes.to_vec(), |altered, original| self.of_score(altered, original, score))
    }

    /// Responses of a score to two doses at once beyond the sum of those to each, within every recording that has all three.
    pub fn interplay(&self, points: &[[(Property, f64); 2]], sizes: Vec<f64>, score: usize) -> Curves {
        self.gathered(sizes, |participant, k| {
            let of = |point: &[(Property, f64)]| self.response(participant, point, |a, o| self.of_score(a, o, score));
            let [a, b] = points[k];
            let (both, weight) = of(&points[k])?;
            Some((both - of(&[a])?.0 - of(&[b])?.0, weight))
        })
    }
}
