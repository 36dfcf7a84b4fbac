//! Natural cubic spline from one fixed set of abscissae to another.
//!
//! With the abscissae fixed the tridiagonal system has fixed coefficients: it is factorised once (from both ends
//! towards the middle, which halves the length of the dependent chain) and solved per frame.

/// Coefficients for interpolating at fixed points.
#[derive(Debug, Clone)]
pub struct SplinePlan {
    n: usize,
    /// Second-difference weights of the right-hand side: `(left, centre, right)` per interior point.
    rhs: Vec<[f32; 3]>,
    /// Multiplier of the previous (towards the end) unknown while eliminating, and the inverse pivot.
    eliminate: Vec<[f32; 2]>,
    /// Multiplier of the neighbour towards the middle while substituting back.
    back: Vec<f32>,
    /// Pair of the middle: the two unknowns solved together.
    middle: [f32; 2],
    /// For each target: the interval, and the weights of `y[j], y[j+1], m[j], m[j+1]`.
    targets: Vec<(u16, [f32; 4])>,
}

impl SplinePlan {
    /// A plan from strictly increasing abscissae `x` (at least 5, at most 65535) to `targets` inside their range.
    ///
    /// # Panics
    /// If there are fewer than 5 abscissae or more than fit 16 bits.
    #[must_use]
    pub fn new(x: &[f64], targets: &[f64]) -> Self {
        let n = x.len();
        assert!((5..65536).contains(&n), "5 to 65535 abscissae, got {n}");
        // Interior unknowns m_1 .. m_{n-2}; m_0 = m_{n-1} = 0.
        // h_{i-1} m_{i-1} + 2 (h_{i-1} + h_i) m_i + h_i m_{i+1} = 6 (dy_i / h_i - dy_{i-1} / h_{i-1})
        let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
        let mut rhs = vec![[0.0f32; 3]; n];
        for i in 1..n - 1 {
            let (a, b) = (6.0 / h[i - 1], 6.0 / h[i]);
            rhs[i] = [a as f32, (-(a + b)) as f32, b as f32];
        }
        let mid = n / 2; // the left half ends at mid - 1, the right half begins at mid
        let mut eliminate = vec![[0.0f32; 2]; n];
        let mut back = vec![0.0f32; n];
        let mut reduced = 0.0; // coefficient that the eliminated neighbour left on this unknown
        for i in 1..mid {
            let pivot = 2.0 * (h[i - 1] + h[i]) - h[i - 1] * reduced;
            reduced = h[i] / pivot;
            eliminate[i] = [h[i - 1] as f32, (1.0 / pivot) as f32];
            back[i] = reduced as f32;
        }
        let left_coupling = reduced;
        reduced = 0.0;
        for i in (mid..n - 1).rev() {
            let pivot = 2.0 * (h[i - 1] + h[i]) - h[i] * reduced;
            reduced = h[i - 1] / pivot;
            eliminate[i] = [h[i] as f32, (1.0 / pivot) as f32];
            back[i] = reduced as f32;
        }
        let right_coupling = reduced;
        let targets = targets
            .iter()
            .map(|&t| {
                let j = x.partition_point(|&v| v <= t).clamp(1, n - 1) - 1;
                let w = h[j];
                let a = (x[j + 1] - t) / w;
                let b = (t - x[j]) / w;
                let s = w * w / 6.0;
                let weights = [a, b, (a * a * a - a) * s, (b * b * b - b) * s];
                (j as u16, weights.map(|v| v as f32))
            })
            .collect();
        Self {
            n,
            rhs,
            eliminate,
            back,
            middle: [
                (1.0 / (1.0 - left_coupling * right_coupling)) as f32,
                left_coupling as f32,
            ],
            targets,
        }
    }

    /// Interpolates `y` at the targets into `out`. `moments` is work space of the same length as `y`.
    ///
    /// # Panics
    /// If `y` or `moments` is shorter than the abscissae, or `out` shorter than the targets.
    pub fn process(&self, y: &[f32], moments: &mut [f32], out: &mut [f32]) {
        let n = self.n;
        let (y, m) = (&y[..n], &mut moments[..n]);
        m[0] = 0.0;
        m[n - 1] = 0.0;
        let mid = n / 2;
        let load = |i: usize| {
            let r = self.rhs[i];
            r[0] * y[i - 1] + r[1] * y[i] + r[2] * y[i + 1]
        };
        // Both halves are eliminated towards the middle in one loop: two independent chains.
        let (mut left, mut right) = (0.0f32, 0.0f32);
        let (left_len, right_len) = (mid - 1, n - 1 - mid);
        for step in 0..left_len.max(right_len) {
            if step < left_len {
                let i = 1 + step;
                let [c, inverse] = self.eliminate[i];
                left = (load(i) - c * left) * inverse;
                m[i] = left;
            }
            if step < right_len {
                let i = n - 2 - step;
                let [c, inverse] = self.eliminate[i];
                right = (load(i) - c * right) * inverse;
                m[i] = right;
            }
        }
        // m[mid-1] + left_coupling m[mid] = left, m[mid] + right_coupling m[mid-1] = right
        let at_left = (left - self.middle[1] * right) * self.middle[0];
        let at_right = right - self.back[mid] * at_left;
        (left, right) = (at_left, at_right);
        m[mid - 1] = left;
        m[mid] = right;
        for step in 0..left_len.max(right_len).saturating_sub(1) {
            if let Some(i) = (mid - 1).checked_sub(1 + step).filter(|&i| i >= 1) {
                left = m[i] - self.back[i] * left;
                m[i] = left;
            }
            let i = mid + 1 + step;
            if i <= n - 2 {
                right = m[i] - self.back[i] * right;
                m[i] = right;
            }
        }
        for (o, &(j, w)) in out[..self.targets.len()].iter_mut().zip(&self.targets) {
            let j = usize::from(j);
            *o = w[0] * y[j] + w[1] * y[j + 1] + w[2] * m[j] + w[3] * m[j + 1];
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
            let targets: Vec<f64> = (0..n)
                .map(|i| x[0] + (x[n - 1] - x[0]) * i as f64 / (n - 1) as f64)
                .collect();
            let y: Vec<f32> = (0..n).map(|i| ((i * i) as f32 * 0.31).sin() + 0.2).collect();
            let exact: Vec<f64> = y.iter().map(|&v| f64::from(v)).collect();
            let (mut m, mut out) = (vec![0.0; n], vec![0.0; n]);
            SplinePlan::new(&x, &targets).process(&y, &mut m, &mut out);
            for (t, o) in targets.iter().zip(&out) {
                let expected = textbook(&x, &exact, *t);
                assert!((f64::from(*o) - expected).abs() < 2e-5, "n {n}: {o} {expected}");
            }
        }
    }
}
