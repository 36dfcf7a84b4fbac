//! Axis of numbers: where a value lies, and which round values are marked.

/// Linear axis from a range of values to a range of places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    from: (f64, f64),
    to: (f64, f64),
}

impl Axis {
    /// The axis that puts the first value at the first place and the last at the last. A range without extent is widened by one.
    #[must_use]
    pub fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        let from = if from.1 > from.0 { from } else { (from.0 - 0.5, from.0 + 0.5) };
        Self { from, to }
    }

    /// The place of a value; beyond the ends it is the end.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let share = ((value - self.from.0) / (self.from.1 - self.from.0)).clamp(0.0, 1.0);
        self.to.0 + share * (self.to.1 - self.to.0)
    }

    /// The values at its ends.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        self.from
    }
}

/// Round values within a range, at most `most` of them, and how many decimal places they need.
#[must_use]
pub fn ticks((low, high): (f64, f64), most: usize) -> (Vec<f64>, usize) {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return (vec![low], 0);
    }
    let least = span / most.max(1) as f64;
    let power = 10f64.powf(least.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|k| k * power).into_iter().find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(span);
    let places = (-step.log10() + 1e-9).ceil().max(0.0) as usize;
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first).max(0.0) as usize;
    ((0..=count).map(|k| (first + k as f64) * step).collect(), places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_values_lie_inside() {
        assert_eq!(ticks((0.0, 40.0), 8), (vec![0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0], 0));
        assert_eq!(ticks((-0.31, 0.42), 4), (vec![-0.2, 0.0, 0.2, 0.4], 1));
        assert_eq!(ticks((1.0, 1.0), 4).0, [1.0]);
        for (low, high) in [(0.0, 1e-9), (-5.0, 1e7), (3.0, 3.1)] {
            let (list, _) = ticks((low, high), 6);
            assert!(
                !list.is_empty() && list.len() <= 7 && list.iter().all(|v| *v >= low - 1e-9 && *v <= high * 1.000_001)
            );
        }
    }

    #[test]
    fn places_are_within_the_ends() {
        let axis = Axis::new((0.0, 10.0), (100.0, 0.0));
        assert_eq!([-5.0, 0.0, 2.5, 10.0, 99.0].map(|v| axis.at(v)), [100.0, 100.0, 75.0, 0.0, 0.0]);
        assert_eq!(Axis::new((2.0, 2.0), (0.0, 1.0)).at(2.0), 0.5);
    }
}
