//! Mean and deviation in constant memory.

/// Running mean and sum of squared deviations (Welford 1962), in f64.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    spread: f64,
}

impl Moments {
    /// Takes one value.
    pub fn push(&mut self, value: f32) {
        let x = f64::from(value);
        self.count += 1;
        let delta = x - self.mean;
        self.mean += delta / self.count as f64;
        self.spread += delta * (x - self.mean);
    }

    /// Takes one value unless it is exactly 0.
    pub fn push_non_zero(&mut self, value: f32) {
        if value != 0.0 {
            self.push(value);
        }
    }

    /// Number of values taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Arithmetic mean, `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Population standard deviation, `None` without values.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.spread / self.count as f64).max(0.0).sqrt())
    }

    /// Coefficient of variation: deviation over mean with the mean's sign; over 1 where the mean is 0, and 0 where
    /// nothing varies. `None` without values.
    #[must_use]
    pub fn variation(&self) -> Option<f64> {
        let deviation = self.deviation()?;
        Some(match (deviation == 0.0, self.mean == 0.0) {
            (true, _) => 0.0,
            (false, true) => deviation,
            (false, false) => deviation / self.mean,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_two_passes(values in prop::collection::vec(-1e3f32..1e3, 1..200), offset in -1e4f32..1e4) {
            let v: Vec<f32> = values.iter().map(|x| x + offset).collect();
            let mut m = Moments::default();
            v.iter().for_each(|x| m.push(*x));
            let n = v.len() as f64;
            let mean = v.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
            let variance = v.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n;
            prop_assert!((m.mean().unwrap() - mean).abs() < 1e-8 * (1.0 + mean.abs()));
            prop_assert!((m.deviation().unwrap() - variance.sqrt()).abs() < 1e-6 * (1.0 + variance.sqrt()));
        }
    }

    #[test]
    fn conventions_at_the_edges() {
        let mut m = Moments::default();
        assert_eq!((m.mean(), m.variation()), (None, None));
        m.push_non_zero(0.0);
        assert_eq!(m.count(), 0);
        m.push(-2.0);
        m.push(-2.0);
        assert_eq!(m.variation(), Some(0.0));
        m.push(4.0);
        assert!((m.mean().unwrap()).abs() < 1e-12);
        let mut negative = Moments::default();
        negative.push(-1.0);
        negative.push(-3.0);
        assert_eq!(negative.variation(), Some(-0.5));
    }
}
