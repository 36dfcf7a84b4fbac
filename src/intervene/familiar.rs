//! Familiarity of an altered recording: how far it lies from what the model has learnt from, or else from the recordings as they are.
//!
//! Where the model's card knows how far its training rows lay, that distance counts. Else it is the root of the mean square over the
//! features of `affect-v1` of their distance from the median of the unaltered recordings, in the spreads that these have (interquartile
//! range over 1.349), each at most five spreads. An answer counts fully up to the distance of 95 % of the rows or recordings, and by the
//! square of how many times as far it lies beyond it.

use super::trial::{Heard, Trial};
use crate::model::card::Novelty;
use crate::statistics::quantile;

/// Fewer recordings do not tell what is usual.
const LEAST: usize = 20;
/// Interquartile range of a normal distribution, in standard deviations.
const IQR_SIGMA: f64 = 1.349;
/// Largest distance of one feature that counts, in spreads.
const CLIP: f64 = 5.0;

/// How unlike an altered recording is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Novel {
    /// Share of the training rows, or of the recordings as they are, that lie nearer.
    pub share: f64,
    /// How much an answer counts.
    pub weight: f64,
}

/// What is usual.
#[derive(Debug)]
pub(super) enum Familiar<'a> {
    /// As the model's card says.
    Card(&'a Novelty),
    /// Among the recordings as they are: centre and spread of every feature, and their distances in ascending order.
    Sample { usual: Vec<Option<(f64, f64)>>, distances: Vec<f64> },
    /// Too few recordings to tell.
    Unknown,
}

impl<'a> Familiar<'a> {
    pub fn new(card: Option<&'a Novelty>, trials: &[&Trial]) -> Self {
        if let Some(novelty) = card {
            return Self::Card(novelty);
        }
        if trials.len() < LEAST {
            return Self::Unknown;
        }
        let columns = trials.first().map_or(0, |t| t.original.features.len());
        let usual: Vec<Option<(f64, f64)>> = (0..columns).map(|k| usual_of(trials, k)).collect();
        let mut distances: Vec<f64> = trials.iter().filter_map(|t| distance(&usual, &t.original.features)).collect();
        distances.sort_by(f64::total_cmp);
        Self::Sample { usual, distances }
    }

    /// What it rests on, in words.
    pub fn basis(&self) -> &'static str {
        match self {
            Self::Card(_) => "the rows that the model has learnt from",
            Self::Sample { .. } => "the recordings as they are",
            Self::Unknown => "nothing: too few recordings",
        }
    }

    pub fn of(&self, heard: &Heard) -> Option<Novel> {
        match self {
            Self::Card(n) => {
                let d = heard.answer.distance?;
                Some(Novel { share: n.share(d), weight: weight(d, n.quantiles.get(95).map(|q| f64::from(*q))) })
            }
            Self::Sample { usual, distances } => {
                let d = distance(usual, &heard.features)?;
                let nearer = distances.partition_point(|v| *v <= d);
                let share = nearer as f64 / distances.len().max(1) as f64;
                Some(Novel { share, weight: weight(d, quantile(distances, 0.95)) })
            }
            Self::Unknown => None,
        }
    }
}

fn weight(distance: f64, usual: Option<f64>) -> f64 {
    usual.map_or(1.0, |u| if distance > u { (u / distance).powi(2) } else { 1.0 })
}

/// Median and spread of a feature over the recordings as they are; `None` where it does not move.
fn usual_of(trials: &[&Trial], column: usize) -> Option<(f64, f64)> {
    let mut list: Vec<f64> = trials.iter().filter_map(|t| t.original.features[column].map(f64::from)).collect();
    list.sort_by(f64::total_cmp);
    let at = |share| quantile(&list, share);
    let spread = (at(0.75)? - at(0.25)?) / IQR_SIGMA;
    (spread > 0.0).then_some((at(0.5)?, spread))
}

fn distance(usual: &[Option<(f64, f64)>], features: &[Option<f32>]) -> Option<f64> {
    let z = |(u, v): (&Option<(f64, f64)>, &Option<f32>)| {
        let ((centre, spread), v) = ((*u)?, f64::from((*v)?));
        Some(((v - centre) / spread).clamp(-CLIP, CLIP).powi(2))
    };
    let squares: Vec<f64> = usual.iter().zip(features).filter_map(z).collect();
    (!squares.is_empty()).then(|| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::subject::Answer;
    use super::*;

    fn heard(features: &[f32], distance: Option<f64>) -> Heard {
        Heard {
            answer: Answer { scores: vec![0.0], distance, frames: Vec::new(), by_group: Vec::new() },
            features: features.iter().map(|v| Some(*v)).collect(),
        }
    }

    #[test]
    fn what_lies_far_counts_less() {
        let trials: Vec<Trial> =
            (0..101).map(|k| Trial { original: heard(&[k as f32, 7.0], None), versions: Vec::new() }).collect();
        let list: Vec<&Trial> = trials.iter().collect();
        let f = Familiar::new(None, &list);
        // Spread 50 / 1.349; the second column does not move and does not count.
        let spread = 50.0 / 1.349;
        let near = f.of(&heard(&[50.0, 99.0], None)).unwrap();
        assert_eq!((near.weight, near.share), (1.0, 1.0 / 101.0));
        let far = f.of(&heard(&[150.0, 7.0], None)).unwrap();
        let usual = 47.5f64.round() / spread;
        assert_eq!(far.share, 1.0);
        assert!((far.weight - (usual / (100.0 / spread)).powi(2)).abs() < 0.02, "{far:?}");
        assert!(Familiar::new(None, &list[..19]).of(&heard(&[50.0, 7.0], None)).is_none());
    }

    #[test]
    fn a_card_that_knows_decides() {
        let novelty = Novelty {
            centre: vec![0.0],
            whitening: vec![1.0],
            quantiles: (0..=100).map(|k| k as f32 / 100.0).collect(),
            widens: 1.0,
            limit: 9.0,
        };
        let f = Familiar::new(Some(&novelty), &[]);
        let novel = f.of(&heard(&[], Some(1.9))).unwrap();
        assert!((novel.weight - 0.25).abs() < 1e-6 && novel.share == 1.0);
        assert_eq!(f.of(&heard(&[], None)), None);
    }
}
