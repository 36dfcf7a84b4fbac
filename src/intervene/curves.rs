//! Curves: mean responses of every speaker at every dose, and the figures that follow from their mean.

use crate::statistics::streams::{Purpose, stream};
use crate::statistics::{Interval, interval, permutation_p};

/// So many units have all their signs tried; more have random ones drawn.
const ALL_SIGNS: usize = 12;

/// Responses of units (speakers, or recordings) at points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curves {
    /// Size of the intervention at every point, in deviations.
    pub sizes: Vec<f64>,
    /// By unit and point: mean response, and how much it counts; `None` where the unit has none.
    pub units: Vec<Vec<Option<(f64, f64)>>>,
}

/// Mean response of units at a point.
#[derive(Debug, Clone, Copy)]
struct Mean {
    value: f64,
    /// How much the point counts.
    weight: f64,
    /// Squared standard error over the units.
    error: f64,
}

impl Curves {
    /// Mean response at a point over drawn units, each with a sign.
    fn point(&self, drawn: &[(usize, f64)], point: usize) -> Option<Mean> {
        let there = || drawn.iter().filter_map(|(unit, sign)| self.units[*unit][point].map(|(v, w)| (sign * v, w)));
        let weights: f64 = there().map(|(_, w)| w).sum();
        if weights <= 0.0 {
            return None;
        }
        let count = there().count() as f64;
        let mean = there().map(|(v, w)| w * v).sum::<f64>() / weights;
        let around = there().map(|(v, w)| (w * (v - mean)).powi(2)).sum::<f64>() / weights.powi(2);
        let error = if count > 1.0 { around * count / (count - 1.0) } else { 0.0 };
        Some(Mean { value: mean, weight: weights / count, error })
    }

    /// Mean square of the mean curve per squared deviation, less so many times the squared standard errors of its points.
    fn square_of(&self, drawn: &[(usize, f64)], errors: f64) -> f64 {
        let (mut response, mut size) = (0.0, 0.0);
        for (k, x) in self.sizes.iter().enumerate() {
            if let Some(mean) = self.point(drawn, k) {
                response += mean.weight * (mean.value * mean.value - errors * mean.error);
                size += mean.weight * x * x;
            }
        }
        if size > 0.0 { response / size } else { f64::NAN }
    }

    /// Slope of the mean curve through the origin by least squares, per deviation.
    fn slope_of(&self, drawn: &[(usize, f64)]) -> f64 {
        let (mut across, mut size) = (0.0, 0.0);
        for (k, x) in self.sizes.iter().enumerate() {
            if let Some(mean) = self.point(drawn, k) {
                across += mean.weight * x * mean.value;
                size += mean.weight * x * x;
            }
        }
        if size > 0.0 { across / size } else { f64::NAN }
    }

    fn everybody(&self) -> Vec<(usize, f64)> {
        (0..self.units.len()).map(|u| (u, 1.0)).collect()
    }

    /// A figure with the interval that follows from units drawn anew; `None` where there is no response at all.
    fn figure(&self, draws: &[Vec<usize>], of: impl Fn(&[(usize, f64)]) -> f64) -> Option<Interval> {
        let value = of(&self.everybody());
        let drawn = |d: &Vec<usize>| of(&d.iter().map(|u| (*u, 1.0)).collect::<Vec<_>>());
        value.is_finite().then(|| interval(value, draws.iter().map(drawn).collect()))
    }

    /// Mean response at a point.
    pub fn mean(&self, draws: &[Vec<usize>], point: usize) -> Option<Interval> {
        self.figure(draws, |d| self.point(d, point).map_or(f64::NAN, |p| p.value))
    }

    /// The squared effect: mean square of the mean responses over that of the sizes, odd and even parts alike. The squared standard error of
    /// every mean is taken off its square, so that noise has none on average; among noise it may come out negative. And the same for
    /// each draw, where it is taken off twice: drawing anew adds to the uncertainty that the units have already.
    pub fn square(&self, draws: &[Vec<usize>]) -> Square {
        let drawn = |d: &Vec<usize>| self.square_of(&d.iter().map(|u| (*u, 1.0)).collect::<Vec<_>>(), 2.0);
        Square { value: self.square_of(&self.everybody(), 1.0), drawn: draws.iter().map(drawn).collect() }
    }

    /// The slope, which is the odd part alone.
    pub fn slope(&self, draws: &[Vec<usize>]) -> Option<Interval> {
        self.figure(draws, |d| self.slope_of(d))
    }

    /// p value of the effect where nothing moves the model: the responses of every unit could as well have had the other sign.
    pub fn p(&self, draws: usize, seed: u64, number: u64) -> f64 {
        self.p_by(|d| self.square_of(d, 0.0), draws, seed, number)
    }

    /// The same of the slope.
    pub fn p_of_slope(&self, draws: usize, seed: u64, number: u64) -> f64 {
        self.p_by(|d| self.slope_of(d).powi(2), draws, seed, number)
    }

    fn p_by(&self, of: impl Fn(&[(usize, f64)]) -> f64, draws: usize, seed: u64, number: u64) -> f64 {
        let n = self.units.len();
        let found = of(&self.everybody());
        if !found.is_finite() || found == 0.0 {
            return 1.0;
        }
        // Equal up to rounding is as extreme.
        let beaten = |signs: &dyn Fn(usize) -> bool| {
            let drawn: Vec<(usize, f64)> = (0..n).map(|u| (u, if signs(u) { -1.0 } else { 1.0 })).collect();
            of(&drawn) >= found * (1.0 - 1e-12)
        };
        if n <= ALL_SIGNS {
            let all = 1usize << n;
            let count = (0..all).filter(|code| beaten(&|u| code >> u & 1 == 1)).count();
            return count as f64 / all as f64;
        }
        let mut random = stream(seed, Purpose::Signs, number);
        let count = (0..draws)
            .filter(|_| {
                let signs: Vec<bool> = (0..n).map(|_| random.below(2) == 1).collect();
                beaten(&|u| signs[u])
            })
            .count();
        permutation_p(count, draws)
    }
}

/// A squared effect, and what it comes to for each draw of units; no number where there is no response.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Square {
    pub value: f64,
    pub drawn: Vec<f64>,
}

impl Square {
    /// Another unit: of the root, so many times as large.
    pub fn over(&self, unit: f64) -> Self {
        let by = |v: f64| v / (unit * unit);
        Self { value: by(self.value), drawn: self.drawn.iter().map(|v| by(*v)).collect() }
    }

    /// The sum of several, of those that are numbers; `None` where none is.
    pub fn sum<'a>(list: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let list: Vec<&Self> = list.filter(|s| s.value.is_finite()).collect();
        let draws = list.first()?.drawn.len();
        let drawn = |d: usize| list.iter().map(|s| s.drawn[d]).filter(|v| v.is_finite()).sum();
        Some(Self { value: list.iter().map(|s| s.value).sum(), drawn: (0..draws).map(drawn).collect() })
    }

    /// The effect, with its interval: the root, and none where the square is negative. `None` where there is no response.
    pub fn effect(&self) -> Option<Interval> {
        let root = |v: f64| if v < 0.0 { 0.0 } else { v.sqrt() };
        self.value.is_finite().then(|| interval(root(self.value), self.drawn.iter().map(|v| root(*v)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::random::Random;
    use crate::statistics::resamples;

    fn curves(sizes: &[f64], units: &[&[f64]]) -> Curves {
        let unit = |u: &&[f64]| u.iter().map(|v| Some((*v, 1.0))).collect();
        Curves { sizes: sizes.to_vec(), units: units.iter().map(unit).collect() }
    }

    #[test]
    fn slope_and_effect_by_hand() {
        // y = 2 x for one, y = 4 x for the other: 3 x on average.
        let c = curves(&[-1.0, 2.0], &[&[-2.0, 4.0], &[-4.0, 8.0]]);
        let draws = resamples(2, 50, 1);
        assert!((c.slope(&draws).unwrap().value - 3.0).abs() < 1e-12);
        // Squares of 9 x² less a squared standard error of x².
        assert!((c.square(&draws).effect().unwrap().value - 8f64.sqrt()).abs() < 1e-12);
        let i = c.slope(&draws).unwrap();
        assert!((i.low - 2.0).abs() < 1e-12 && (i.high - 4.0).abs() < 1e-12);
        // An even response has no slope and an effect.
        let even = curves(&[-1.0, 1.0], &[&[1.0, 1.0], &[1.0, 1.0]]);
        assert_eq!(even.slope(&draws).unwrap().value, 0.0);
        assert_eq!(even.square(&draws).effect().unwrap().value, 1.0);
        // What counts for nothing changes nothing.
        let mut weighted = c.clone();
        weighted.units.push(vec![Some((99.0, 0.0)), Some((99.0, 0.0))]);
        assert!((weighted.slope(&[]).unwrap().value - 3.0).abs() < 1e-12);
    }

    #[test]
    fn without_responses_there_is_no_figure() {
        let c = Curves { sizes: vec![1.0], units: vec![vec![None]; 3] };
        assert_eq!((c.square(&[]).effect(), c.slope(&[]), c.mean(&[], 0), c.p(10, 1, 0)), (None, None, None, 1.0));
        assert_eq!(curves(&[1.0], &[&[0.0], &[0.0]]).p(10, 1, 0), 1.0, "a model that does not answer to anything");
    }

    /// Squared effects of noise are zero on average, and those of a response of 0.5 among noise 0.25.
    #[test]
    fn effects_of_noise_are_not_larger_than_none() {
        let mut random = Random(11);
        for (truth, bar) in [(0.0, 0.02), (0.5, 0.03)] {
            let squares = (0..2000).map(|_| {
                let list: Vec<[f64; 1]> = (0..6).map(|_| [truth + 2.0 * random.uniform() - 1.0]).collect();
                let c = curves(&[1.0], &list.iter().map(<[f64; 1]>::as_slice).collect::<Vec<_>>());
                c.square(&[]).value
            });
            let mean = squares.sum::<f64>() / 2000.0;
            assert!((mean - truth * truth).abs() < bar, "{truth}: {mean}");
        }
    }

    /// Over 300 worlds of noise, the lower end of the effect over five scores lies above zero in few.
    #[test]
    fn noise_is_at_least_nothing() {
        let mut random = Random(3);
        let mut above = 0;
        for world in 0..300 {
            let squares: Vec<Square> = (0..5)
                .map(|_| {
                    let list: Vec<[f64; 4]> = (0..10).map(|_| [0; 4].map(|_| random.uniform() - 0.5)).collect();
                    let c = curves(&[-2.0, -1.0, 1.0, 2.0], &list.iter().map(<[f64; 4]>::as_slice).collect::<Vec<_>>());
                    c.square(&resamples(10, 100, world))
                })
                .collect();
            let all = Square::sum(squares.iter()).unwrap().effect().unwrap();
            assert!(all.low <= all.high);
            above += usize::from(all.low > 0.0);
        }
        assert!(above <= 24, "{above} of 300");
    }

    /// All signs by brute force, and the level of the test where responses are noise, over 1000 worlds.
    #[test]
    fn p_values_keep_their_level() {
        let c = curves(&[1.0], &[&[1.0], &[2.0], &[3.0]]);
        assert_eq!(c.p(0, 1, 0), 0.25, "of eight ways two are as extreme");
        let mut random = Random(7);
        for units in [8usize, 20] {
            let mut below = 0;
            for world in 0..1000 {
                let list: Vec<Vec<f64>> =
                    (0..units).map(|_| (0..4).map(|_| random.uniform() - 0.5).collect()).collect();
                let c = curves(&[-2.0, -1.0, 1.0, 2.0], &list.iter().map(Vec::as_slice).collect::<Vec<_>>());
                below += usize::from(c.p(199, world, 0) <= 0.05);
            }
            assert!((25..=75).contains(&below), "{units} units: {below} of 1000");
        }
    }
}
