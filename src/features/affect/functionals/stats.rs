//! Statistics of lists of values.

use super::Value;
use crate::features::functionals::percentile::percentile;
use crate::features::reason::Reason;

/// Fewest values for a middle, and for a spread.
pub(super) const FEW: usize = 10;
pub(super) const ENOUGH: usize = 20;

/// Ascending values, and why there may be too few.
pub(super) struct Sorted {
    values: Vec<f32>,
    none: Reason,
}

impl Sorted {
    /// `none` is the reason where there is no value at all.
    pub fn new(values: impl Iterator<Item = f32>, none: Reason) -> Self {
        // Sorted as integers of the same order, which is faster than comparing as numbers.
        let key = |bits: i32| bits ^ (((bits >> 31) as u32) >> 1) as i32;
        let mut keys: Vec<i32> = values.map(|v| key(v.to_bits() as i32)).collect();
        keys.sort_unstable();
        Self { values: keys.into_iter().map(|k| f32::from_bits(key(k) as u32)).collect(), none }
    }

    fn checked(&self, least: usize) -> Result<&[f32], Reason> {
        match self.values.len() {
            0 => Err(self.none),
            n if n < least => Err(Reason::NotEnoughSpeech),
            _ => Ok(&self.values),
        }
    }

    fn at(&self, p: f64, least: usize) -> Value {
        percentile(self.checked(least)?, p).ok_or(self.none)
    }

    /// Median of at least 10 values.
    pub fn median(&self) -> Value {
        self.at(0.5, FEW)
    }

    /// Percentile (0 to 1) of at least 20 values.
    pub fn percentile(&self, p: f64) -> Value {
        self.at(p, ENOUGH)
    }

    /// Distance between two percentiles of at least 20 values.
    pub fn between(&self, low: f64, high: f64) -> Value {
        Ok(self.percentile(high)? - self.percentile(low)?)
    }

    /// Interquartile range of at least 20 values.
    pub fn iqr(&self) -> Value {
        self.between(0.25, 0.75)
    }

    /// Mean of at least 10 values.
    pub fn mean(&self) -> Value {
        let v = self.checked(FEW)?;
        Ok(v.iter().map(|x| f64::from(*x)).sum::<f64>() / v.len() as f64)
    }

    /// Population standard deviation of at least 20 values.
    pub fn deviation(&self) -> Value {
        let v = self.checked(ENOUGH)?;
        let mean = self.mean()?;
        Ok((v.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt())
    }
}

/// Least-squares slope of `y` over `x`; `None` for fewer than two different `x`.
pub(super) fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let n = points.clone().count() as f64;
    let (sx, sy) = points.clone().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (mx, my) = (sx / n, sy / n);
    let (sxy, sxx) = points.fold((0.0, 0.0), |(a, b), (x, y)| (a + (x - mx) * (y - my), b + (x - mx) * (x - mx)));
    (sxx > 0.0).then(|| sxy / sxx)
}

/// Mean and population standard deviation of a short list; `None` for an empty one.
pub(super) fn moments(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    Some((mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()))
}
