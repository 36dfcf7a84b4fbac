//! Integrated gradients.

/// Where along the path gradients are taken, and how they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rule {
    /// Gauss and Legendre's nodes: exact for polynomials up to degree `2n - 1`, never at the ends.
    #[default]
    GaussLegendre,
    /// The trapezoid rule as Captum has it: equal steps of weight `1/n`, the two ends halved.
    Trapezoid,
}

/// `n` places on `[0, 1]` and their weights.
#[must_use]
pub fn nodes(rule: Rule, n: usize) -> Vec<(f64, f64)> {
    match rule {
        Rule::GaussLegendre => gauss_legendre(n),
        Rule::Trapezoid => {
            let end = |k: usize| if k == 0 || k + 1 == n { 0.5 } else { 1.0 };
            (0..n).map(|k| (k as f64 / (n.max(2) - 1) as f64, end(k) / n as f64)).collect()
        }
    }
}

/// Roots of the Legendre polynomial by Newton's method from Chebyshev's nodes (Abramowitz and Stegun 25.4.29).
fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let mut nodes: Vec<(f64, f64)> = (0..n)
        .map(|k| {
            let mut x = (std::f64::consts::PI * (k as f64 + 0.75) / (n as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (mut p, mut before) = (1.0, 0.0);
                for j in 0..n {
                    let j = j as f64;
                    (p, before) = (((2.0 * j + 1.0) * x * p - j * before) / (j + 1.0), p);
                }
                slope = n as f64 * (x * p - before) / (x * x - 1.0);
                let step = p / slope;
                x -= step;
                if step.abs() < 1e-16 {
                    break;
                }
            }
            ((1.0 + x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect();
    nodes.reverse();
    nodes
}

/// Rows along the straight line from `baseline` to `row`, one for each node.
#[must_use]
pub fn path(row: &[f32], baseline: &[f64], nodes: &[(f64, f64)]) -> Vec<f32> {
    let point = |a: f64| row.iter().zip(baseline).map(move |(x, b)| (b + a * (f64::from(*x) - b)) as f32);
    nodes.iter().flat_map(|(a, _)| point(*a)).collect()
}

/// Values from the gradients at those rows.
#[must_use]
pub fn integrate(row: &[f32], baseline: &[f64], nodes: &[(f64, f64)], gradients: &[f32]) -> Vec<f64> {
    let mut values = vec![0.0; row.len()];
    for ((_, w), g) in nodes.iter().zip(gradients.chunks_exact(row.len().max(1))) {
        values.iter_mut().zip(g).for_each(|(o, g)| *o += w * f64::from(*g));
    }
    values.iter_mut().zip(row).zip(baseline).for_each(|((o, x), b)| *o *= f64::from(*x) - b);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule is exact for polynomials of degree 2n - 1, and its weights add up to one.
    #[test]
    fn nodes_integrate_polynomials() {
        for n in [1, 2, 5, 16, 64] {
            let rule = nodes(Rule::GaussLegendre, n);
            for degree in 0..2 * n {
                let sum: f64 = rule.iter().map(|(a, w)| w * a.powi(degree as i32)).sum();
                assert!((sum - 1.0 / (degree as f64 + 1.0)).abs() < 1e-13, "{n} nodes, degree {degree}: {sum}");
            }
            assert!(rule.windows(2).all(|w| w[0].0 < w[1].0));
        }
        let sum: f64 = nodes(Rule::Trapezoid, 50).iter().map(|n| n.1).sum();
        assert!((sum - 49.0 / 50.0).abs() < 1e-12);
    }
}
