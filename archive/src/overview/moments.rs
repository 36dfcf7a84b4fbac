//! Mean, standard deviation and intervals of values that come one by one.

/// Mean and spread of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// How many values.
    pub n: u64,
    /// Their mean; 0 without values.
    pub mean: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { n: 0, mean: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, squares: 0.0 }
    }
}

impl Moments {
    /// Takes a finite value in (Welford, Technometrics 4, 1962).
    pub fn add(&mut self, value: f64) {
        self.n += 1;
        let off = value - self.mean;
        self.mean += off / self.n as f64;
        self.squares += off * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Standard deviation of the sample; `None` for fewer than two values.
    #[must_use]
    pub fn deviation(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.squares.max(0.0) / (self.n - 1) as f64).sqrt())
    }

    /// The 95 % interval of the mean by Student's distribution, taking the values as independent; `None` for fewer than two.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        let half = student(self.n.checked_sub(1)?) * self.deviation()? / (self.n as f64).sqrt();
        Some((self.mean - half, self.mean + half))
    }
}

/// The 97.5 % point of Student's distribution: the expansion about the normal one (Abramowitz and Stegun 26.7.5, four terms), within 0.5 % from
/// three degrees of freedom on; below that the table.
fn student(freedom: u64) -> f64 {
    let z = 1.959_963_984_540_054f64;
    let f = freedom as f64;
    match freedom {
        0 => f64::INFINITY,
        1 => 12.706,
        2 => 4.303,
        _ => {
            let (z3, z5, z7, z9) = (z.powi(3), z.powi(5), z.powi(7), z.powi(9));
            z + (z3 + z) / (4.0 * f)
                + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * f * f)
                + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * f.powi(3))
                + (79.0 * z9 + 776.0 * z7 + 1482.0 * z5 - 1920.0 * z3 - 945.0 * z) / (92_160.0 * f.powi(4))
        }
    }
}

/// The share of `k` in `n` with its 95 % interval (Wilson, JASA 22, 1927); `None` for none.
#[must_use]
pub fn wilson(k: u64, n: u64) -> Option<(f64, f64, f64)> {
    if n == 0 || k > n {
        return None;
    }
    let (z, n, p) = (1.959_963_984_540_054f64, n as f64, k as f64 / n as f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + z * z / n;
    // The ends are 0 and 1 exactly where nothing or everything is one of them.
    let low = if k as f64 == 0.0 { 0.0 } else { (middle - half) / whole };
    let high = if p == 1.0 { 1.0 } else { (middle + half) / whole };
    Some((p, low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_are_those_of_tables() {
        for (freedom, point) in
            [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (9, 2.262), (29, 2.045), (1_000_000, 1.960)]
        {
            assert!((student(freedom) / point - 1.0).abs() < 0.005, "{freedom}: {}", student(freedom));
        }
    }

    /// Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    #[test]
    fn shares_have_wilsons_interval() {
        for (k, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (_, l, h) = wilson(k, n).unwrap();
            assert!((l - low).abs() < 1e-4 && (h - high).abs() < 1e-4, "{k} of {n}: {l} {h}");
        }
        assert_eq!((wilson(0, 0), wilson(2, 1)), (None, None));
        assert_eq!(wilson(7, 7).unwrap().2, 1.0);
    }

    proptest! {
        #[test]
        fn moments_are_those_of_the_textbook(values in prop::collection::vec(-1e6..1e6f64, 0..200)) {
            let mut m = Moments::default();
            values.iter().for_each(|v| m.add(*v));
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            if values.is_empty() {
                prop_assert_eq!((m.n, m.deviation(), m.interval()), (0, None, None));
            } else {
                prop_assert!((m.mean - mean).abs() < 1e-6);
                prop_assert_eq!(m.min, values.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(m.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            }
            if values.len() > 1 {
                let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
                prop_assert!((m.deviation().unwrap() - deviation).abs() < 1e-6 * (1.0 + deviation));
                let (low, high) = m.interval().unwrap();
                prop_assert!(low <= m.mean && m.mean <= high);
            }
        }
    }
}
