//! Natural cubic spline from one fixed set of abscissae to another.
//!
//! With the abscissae fixed the tridiagonal system has fixed coefficients: it is factorised once, from both ends
//! towards the middle, and solved per frame. Each step of a solve waits for the one before, so the system is worked on
//! in four places at once: the influence of a neighbour fades by a factor of almost 4 per point, and a chain that
//! begins `LEAD` points early has forgotten its beginning (0.37^24 is below 1e-10 of the values) when it counts.

/// Points that a chain runs ahead of the stretch it works on.
const LEAD: usize = 24;

/// Coefficients for interpolating at fixed points.
#[derive(Debug, Clone)]
pub struct SplinePlan {
    n: usize,
    /// Weights of three neighbouring ordinates in the right-hand side of each unknown, divided by its pivot.
    rhs: [Vec<f32>; 3],
    /// Multiplier of the neighbour towards the nearer end while eliminating.
    eliminate: Vec<f32>,
    /// Multiplier of the neighbour towards the middle while substituting back.
    back: Vec<f32>,
    /// `1 / (1 - a b)` of the two couplings where the halves meet.
    middle: f32,
    /// For each target: twice the interval, and the weights of `y[j], m[j], y[j+1], m[j+1]`.
    targets: Vec<(u32, [f32; 4])>,
}

impl SplinePlan {
    /// A plan from strictly increasing abscissae `x` (at least 5, at most 65535) to targets inside their range, each with a
    /// factor that its value is multiplied by.
    ///
    /// # Panics
    /// If there are fewer than 5 abscissae or more than fit 16 bits.
    #[must_use]
    pub fn new(x: &[f64], targets: &[(f64, f64)]) -> Self {
        let n = x.len();
        assert!((5..65536).contains(&n), "5 to 65535 abscissae, got {n}");
        // Interior unknowns m_1 .. m_{n-2}; m_0 = m_{n-1} = 0.
        // h_{i-1} m_{i-1} + 2 (h_{i-1} + h_i) m_i + h_i m_{i+1} = 6 (dy_i / h_i - dy_{i-1} / h_{i-1})
        let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
        let mid = n / 2; // the left half ends at mid - 1, the right half begins at mid
        let mut plan = Self {
            n,
            rhs: std::array::from_fn(|_| vec![0.0; n]),
            eliminate: vec![0.0; n],
            back: vec![0.0; n],
            middle: 0.0,
            targets: Vec::new(),
        };
        let mut row = |i: usize, outer: f64, inner: f64, reduced: f64| {
            let pivot = 2.0 * (outer + inner) - outer * reduced;
            let (a, b) = (6.0 / h[i - 1], 6.0 / h[i]);
            for (column, v) in plan.rhs.iter_mut().zip([a / pivot, -(a + b) / pivot, b / pivot]) {
                column[i] = v as f32;
            }
            plan.eliminate[i] = (outer / pivot) as f32;
            plan.back[i] = (inner / pivot) as f32;
            inner / pivot
        };
        let left = (1..mid).fold(0.0, |reduced, i| row(i, h[i - 1], h[i], reduced));
        let right = (mid..n - 1).rev().fold(0.0, |reduced, i| row(i, h[i], h[i - 1], reduced));
        plan.middle = (1.0 / (1.0 - left * right)) as f32;
        plan.targets = targets
            .iter()
            .map(|&(t, gain)| {
                let j = x.partition_point(|&v| v <= t).clamp(1, n - 1) - 1;
                let w = h[j];
                let a = (x[j + 1] - t) / w;
                let b = (t - x[j]) / w;
                let s = w * w / 6.0;
                let weights = [a, (a * a * a - a) * s, b, (b * b * b - b) * s];
                (2 * j as u32, weights.map(|v| (gain * v) as f32))
            })
            .collect();
        plan
    }

    /// Interpolates `y` at the targets into `out`. `moments` is work space of the same length as `y`, and `pairs` of twice
    /// that length.
    ///
    /// # Panics
    /// If `y` or a work space is shorter than that, or `out` shorter than the targets.
    pub fn process(&self, y: &[f32], moments: &mut [f32], pairs: &mut [f32], out: &mut [f32]) {
        let (y, m) = (&y[..self.n], &mut moments[..self.n]);
        self.solve(y, m);
        // Ordinate and second derivative side by side: one load brings all four numbers of an interval.
        for ((pair, y), m) in pairs.chunks_exact_mut(2).zip(y).zip(m.iter()) {
            pair[0] = *y;
            pair[1] = *m;
        }
        for (o, &(j, w)) in out[..self.targets.len()].iter_mut().zip(&self.targets) {
            let four = &pairs[j as usize..j as usize + 4];
            *o = (w[0] * four[0] + w[2] * four[2]) + (w[1] * four[1] + w[3] * four[3]);
        }
    }

    /// The second derivatives.
    fn solve(&self, y: &[f32], m: &mut [f32]) {
        let n = self.n;
        let mid = n / 2;
        m[0] = 0.0;
        m[n - 1] = 0.0;
        let [before, here, after] = &self.rhs;
        let (before, here, after) = (&before[..n], &here[..n], &after[..n]);
        for i in 1..n - 1 {
            m[i] = before[i] * y[i - 1] + here[i] * y[i] + after[i] * y[i + 1];
        }
        // Four stretches, 1..a, a..mid, mid..b and b..n-1; what a lead begins with matters only where it is short.
        let (a, b) = (mid.div_ceil(2), (mid + n) / 2);
        let e = &self.eliminate[..n];
        let low = (a.saturating_sub(LEAD).max(1)..a).fold(0.0, |x, i| m[i] - e[i] * x);
        let high = (b..(b + LEAD).min(n - 1)).rev().fold(0.0, |x, i| m[i] - e[i] * x);
        run(m, e, [(1, a), (a, mid)], [(mid, b), (b, n - 1)], [0.0, low, high, 0.0]);
        // m[mid-1] + p m[mid] = left, m[mid] + q m[mid-1] = right
        let (left, right) = (m[mid - 1], m[mid]);
        let (p, q) = (self.back[mid - 1], self.back[mid]);
        let left = (left - p * right) * self.middle;
        let right = right - q * left;
        m[mid - 1] = left;
        m[mid] = right;
        let c = &self.back[..n];
        let (a, b) = (a.min(mid - 1), b.max(mid + 1));
        let high = (b.saturating_sub(LEAD).max(mid + 1)..b).fold(right, |x, i| m[i] - c[i] * x);
        let low = (a..(a + LEAD).min(mid - 1)).rev().fold(left, |x, i| m[i] - c[i] * x);
        run(m, c, [(b, n - 1), (mid + 1, b)], [(1, a), (a, mid - 1)], [high, right, low, left]);
    }
}

/// Runs two chains upwards and two downwards side by side over stretches of `m`: `m[i] -= c[i] * previous`.
fn run(m: &mut [f32], c: &[f32], up: [(usize, usize); 2], down: [(usize, usize); 2], starts: [f32; 4]) {
    let [mut s0, mut s1, mut s2, mut s3] = starts;
    let longest = up.iter().chain(&down).map(|(from, to)| to.saturating_sub(*from)).max().unwrap_or(0);
    let shortest = up.iter().chain(&down).map(|(from, to)| to.saturating_sub(*from)).min().unwrap_or(0);
    let (m, c) = (&mut m[..c.len()], c);
    let mut at = |i: usize, s: &mut f32| {
        *s = m[i] - c[i] * *s;
        m[i] = *s;
    };
    for k in 0..shortest {
        at(up[0].0 + k, &mut s0);
        at(up[1].0 + k, &mut s1);
        at(down[0].1 - 1 - k, &mut s2);
        at(down[1].1 - 1 - k, &mut s3);
    }
    for k in shortest..longest {
        for ((from, to), s) in up.iter().zip([&mut s0, &mut s1]) {
            if from + k < *to {
                at(from + k, s);
            }
        }
        for ((from, to), s) in down.iter().zip([&mut s2, &mut s3]) {
            if from + k < *to {
                at(to - 1 - k, s);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same spline with a plain Thomas solve in f64.
    fn textbook(x: &[f64], y: &[f64], t: f64) -> f64 {
        let n = x.len();
        let (mut diag, mut r) = (vec![1.0; n], vec![0.0; n]);
        let (mut lower, mut upper) = (vec![0.0; n], vec![0.0; n]);
        for i in 1..n - 1 {
            let (a, b) = (x[i] - x[i - 1], x[i + 1] - x[i]);
            lower[i] = a;
            diag[i] = 2.0 * (a + b);
            upper[i] = b;
            r[i] = 6.0 * ((y[i + 1] - y[i]) / b - (y[i] - y[i - 1]) / a);
        }
        for i in 1..n {
            let f = lower[i] / diag[i - 1];
            diag[i] -= f * upper[i - 1];
            r[i] -= f * r[i - 1];
        }
        let mut m = vec![0.0; n];
        for i in (0..n).rev() {
            let next = if i + 1 < n { upper[i] * m[i + 1] } else { 0.0 };
            m[i] = (r[i] - next) / diag[i];
        }
        let j = x.partition_point(|&v| v <= t).clamp(1, n - 1) - 1;
        let h = x[j + 1] - x[j];
        let (a, b) = ((x[j + 1] - t) / h, (t - x[j]) / h);
        a * y[j] + b * y[j + 1] + ((a.powi(3) - a) * m[j] + (b.powi(3) - b) * m[j + 1]) * h * h / 6.0
    }

    #[test]
    fn equals_the_textbook_solution() {
        for n in [5usize, 6, 9, 64, 513] {
            let x: Vec<f64> = (0..n).map(|i| ((i + 1) as f64 * 1.7).log2()).collect();
            let targets: Vec<f64> = (0..n).map(|i| x[0] + (x[n - 1] - x[0]) * i as f64 / (n - 1) as f64).collect();
            let y: Vec<f32> = (0..n).map(|i| ((i * i) as f32 * 0.31).sin() + 0.2).collect();
            let exact: Vec<f64> = y.iter().map(|&v| f64::from(v)).collect();
            let (mut m, mut pairs, mut out) = (vec![0.0; n], vec![0.0; 2 * n], vec![0.0; n]);
            let plain: Vec<(f64, f64)> = targets.iter().map(|t| (*t, 2.0)).collect();
            SplinePlan::new(&x, &plain).process(&y, &mut m, &mut pairs, &mut out);
            for (t, o) in targets.iter().zip(&out) {
                let expected = 2.0 * textbook(&x, &exact, *t);
                assert!((f64::from(*o) - expected).abs() < 4e-5, "n {n}: {o} {expected}");
            }
        }
    }
}
