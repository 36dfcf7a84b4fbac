//! Roots of small real polynomials: Laguerre's method with deflation, polished on the original polynomial.

use realfft::num_complex::Complex64;

/// Highest degree that [`roots`] takes.
pub const MAX_DEGREE: usize = 16;

/// Steps from one start before another is tried, and the number of starts.
const STEPS: usize = 24;
const STARTS: usize = 12;
/// Direction of the first start (0.5 rad) and the turn to the next one (0.9 rad).
const FIRST: Complex64 = Complex64::new(0.877_582_561_890_372_8, 0.479_425_538_604_203);
const TURN: Complex64 = Complex64::new(0.621_609_968_270_664_4, 0.783_326_909_627_483_4);

/// Roots with imaginary part `>= 0` of `coefficients[0] z^n + ... + coefficients[n]`, into `out`.
///
/// Returns how many were written: every real root and one of each complex pair. Leading zeros lower the degree;
/// trailing zeros are roots at 0. A polynomial without roots, a degree above 16, or coefficients that are not finite
/// give none. Allocates nothing.
pub fn roots(coefficients: &[f64], out: &mut [Complex64; MAX_DEGREE]) -> usize {
    roots_near(coefficients, &[], out)
}

/// The same, with places near which roots are expected, one for each search: good ones save steps, bad ones cost some.
pub fn roots_near(coefficients: &[f64], near: &[Complex64], out: &mut [Complex64; MAX_DEGREE]) -> usize {
    let start = coefficients.iter().position(|c| *c != 0.0).unwrap_or(coefficients.len());
    let full = &coefficients[start..];
    if full.len() < 2 || full.len() > MAX_DEGREE + 1 || full.iter().any(|c| !c.is_finite()) {
        return 0;
    }
    let mut work = [0.0f64; MAX_DEGREE + 1];
    let mut degree = full.len() - 1;
    for (w, c) in work.iter_mut().zip(full) {
        *w = c / full[0];
    }
    let mut count = 0;
    while degree > 0 {
        let root = match degree {
            1 => Complex64::new(-work[1], 0.0),
            2 => {
                let half = -0.5 * work[1];
                let d = half * half - work[2];
                if d >= 0.0 {
                    // The larger root first, so that neither suffers cancellation.
                    let big = half + half.signum() * d.sqrt();
                    Complex64::new(big, 0.0)
                } else {
                    Complex64::new(half, (-d).sqrt())
                }
            }
            _ => laguerre(&work[..=degree], near.get(count).copied()),
        };
        let root = polish(full, root);
        // A root this close to the axis is a real one: a pair would need a double root there.
        if root.im * root.im <= 1e-18 * root.norm_sqr().max(1e-300) || degree == 1 {
            out[count] = Complex64::new(root.re, 0.0);
            for i in 1..degree {
                work[i] += root.re * work[i - 1];
            }
            degree -= 1;
        } else {
            out[count] = Complex64::new(root.re, root.im.abs());
            let (s, p) = (2.0 * root.re, root.norm_sqr());
            work[1] += s;
            for i in 2..degree - 1 {
                work[i] += s * work[i - 1] - p * work[i - 2];
            }
            degree -= 2;
        }
        count += 1;
    }
    count
}

/// Value, first and half the second derivative at `z`, in real arithmetic: division by `(x - z)(x - conj z)`, of the
/// quotient again, and of its quotient again. With `p = D Q + b x + r` it is `p' = D' Q + b` at `z`, and so on.
fn evaluate(p: &[f64], z: Complex64) -> [Complex64; 3] {
    let (s, q) = (2.0 * z.re, z.norm_sqr());
    let n = p.len() - 1;
    // The last two coefficients of each division.
    let (mut b1, mut b0) = (0.0, 0.0);
    let (mut c1, mut c0) = (0.0, 0.0);
    let (mut d1, mut d0) = (0.0, 0.0);
    for (i, x) in p[..n].iter().enumerate() {
        if i >= 4 {
            (d0, d1) = (d1, s * d1 - q * d0 + c0);
        }
        if i >= 2 {
            (c0, c1) = (c1, s * c1 - q * c0 + b0);
        }
        (b0, b1) = (b1, s * b1 - q * b0 + x);
    }
    let linear = |slope: f64, rest: f64| Complex64::new(slope * z.re + rest, slope * z.im);
    let turn = Complex64::new(0.0, 2.0 * z.im);
    let value = linear(b1, p[n] - q * b0);
    // Q = D R + c x + e at z, Q' = D' R + c; coefficients that a low degree lacks are 0.
    let quotient = linear(c1, b0 - q * c0);
    let change = turn * linear(d1, c0 - q * d0) + c1;
    [value, turn * quotient + b1, quotient + turn * change]
}

/// Principal square root, without the care for extreme magnitudes that library versions take.
fn square_root(z: Complex64) -> Complex64 {
    let norm = z.norm_sqr().sqrt();
    if norm == 0.0 {
        return Complex64::default();
    }
    let big = (0.5 * (norm + z.re.abs())).sqrt();
    let small = 0.5 * z.im / big;
    if z.re >= 0.0 { Complex64::new(big, small) } else { Complex64::new(small.abs(), big.copysign(z.im)) }
}

/// One root of a monic polynomial. Starts on the circle of the roots' mean radius: from the origin the iteration can
/// run in cycles when the roots lie evenly around it.
fn laguerre(p: &[f64], near: Option<Complex64>) -> Complex64 {
    let n = (p.len() - 1) as f64;
    let radius = p[p.len() - 1].abs().powf(1.0 / n);
    if radius == 0.0 {
        return Complex64::new(0.0, 0.0);
    }
    let mut z = Complex64::default();
    let mut direction = FIRST;
    for start in 0..STARTS {
        z = match near {
            Some(near) if start == 0 => near,
            _ => {
                let z = radius * direction;
                direction *= TURN;
                z
            }
        };
        for _ in 0..STEPS {
            let [value, first, second] = evaluate(p, z);
            if value.norm_sqr() == 0.0 {
                return z;
            }
            let g = first / value;
            let h = g * g - 2.0 * second / value;
            let root = square_root((n - 1.0) * (n * h - g * g));
            let (plus, minus) = (g + root, g - root);
            let denominator = if plus.norm_sqr() > minus.norm_sqr() { plus } else { minus };
            if denominator.norm_sqr() == 0.0 {
                break;
            }
            let delta = n / denominator;
            z -= delta;
            // Convergence is cubic: the next step would be far below the last bit.
            if delta.norm_sqr() < 1e-13 * z.norm_sqr() {
                return z;
            }
        }
    }
    z
}

/// One Newton step on the original polynomial, where the root is a root of it at all.
fn polish(p: &[f64], z: Complex64) -> Complex64 {
    let (mut value, mut first) = (Complex64::default(), Complex64::default());
    for c in p {
        first = first * z + value;
        value = value * z + c;
    }
    let delta = value / first;
    if delta.norm_sqr() < 1e-6 * z.norm_sqr() { z - delta } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Multiplies out `(z - r)` for real roots and `z^2 - 2 re z + |r|^2` for pairs.
    fn expand(real: &[f64], pairs: &[(f64, f64)]) -> Vec<f64> {
        let mut p = vec![1.0];
        let mut times = |q: &[f64]| {
            let mut out = vec![0.0; p.len() + q.len() - 1];
            for (i, a) in p.iter().enumerate() {
                for (j, b) in q.iter().enumerate() {
                    out[i + j] += a * b;
                }
            }
            p = out;
        };
        real.iter().for_each(|r| times(&[1.0, -r]));
        pairs.iter().for_each(|(radius, angle)| times(&[1.0, -2.0 * radius * angle.cos(), radius * radius]));
        p
    }

    proptest! {
        #[test]
        fn finds_what_was_put_in(
            real in prop::collection::vec(-1.5f64..1.5, 0..3),
            pairs in prop::collection::vec((0.3f64..1.2, 0.05f64..3.05), 0..5),
        ) {
            let mut apart = true;
            let all: Vec<Complex64> = real.iter().map(|r| Complex64::new(*r, 0.0))
                .chain(pairs.iter().map(|(r, a)| Complex64::from_polar(*r, *a))).collect();
            for i in 0..all.len() { for j in 0..i { apart &= (all[i] - all[j]).norm() > 0.02; } }
            prop_assume!(apart && !all.is_empty());
            let p = expand(&real, &pairs);
            let mut out = [Complex64::default(); MAX_DEGREE];
            let n = roots(&p, &mut out);
            prop_assert_eq!(n, all.len());
            for r in &all {
                let nearest = out[..n].iter().map(|o| (o - r).norm()).fold(f64::MAX, f64::min);
                prop_assert!(nearest < 1e-6, "{} is missing by {}", r, nearest);
            }
        }
    }

    proptest! {
        /// Whatever the coefficients: the roots and their conjugates multiply out to the polynomial again.
        #[test]
        fn roots_multiply_out(a in prop::collection::vec(-1.9f64..1.9, 11), tiny in 0usize..11, scale in -6i32..1) {
            let mut p = vec![1.0];
            p.extend(a.iter().enumerate().map(|(i, c)| if i >= tiny { c * 10f64.powi(scale) } else { *c }));
            let mut out = [Complex64::default(); MAX_DEGREE];
            let n = roots(&p, &mut out);
            let real: Vec<f64> = out[..n].iter().filter(|z| z.im == 0.0).map(|z| z.re).collect();
            let pairs: Vec<(f64, f64)> = out[..n].iter().filter(|z| z.im > 0.0).map(|z| z.to_polar()).collect();
            prop_assert_eq!(real.len() + 2 * pairs.len(), 11);
            let largest = p.iter().fold(0.0f64, |m, c| m.max(c.abs()));
            for (q, c) in expand(&real, &pairs).iter().zip(&p) {
                prop_assert!((q - c).abs() < 1e-6 * largest, "{} {}", q, c);
            }
        }
    }

    /// Roots spread evenly around the origin, as nearly singular prediction polynomials have them.
    #[test]
    fn evenly_spread_roots() {
        let a = [
            -1.738_255_9,
            1.071_226_5,
            -0.005_917_831_3,
            -0.001_428_414_4,
            0.001_615_631_4,
            -0.000_419_392_34,
            -0.000_786_470_7,
            0.000_745_499_3,
            0.001_105_647_5,
            0.057_153_68,
            -0.029_669_71,
        ];
        let mut p = vec![1.0];
        p.extend(a.iter().map(|c| -c));
        let mut out = [Complex64::default(); MAX_DEGREE];
        let n = roots(&p, &mut out);
        assert_eq!(n, 7);
        for z in &out[..n] {
            assert!(evaluate(&p, *z)[0].norm() < 1e-9, "{z}");
        }
    }

    #[test]
    fn degenerate_polynomials() {
        let mut out = [Complex64::default(); MAX_DEGREE];
        assert_eq!(roots(&[], &mut out), 0);
        assert_eq!(roots(&[0.0, 0.0, 3.0], &mut out), 0);
        assert_eq!(roots(&[1.0, f64::NAN], &mut out), 0);
        let mut p = vec![0.0; 12];
        p[0] = 1.0; // z^11: eleven roots at 0
        assert_eq!(roots(&p, &mut out), 11);
        assert!(out[..11].iter().all(|r| r.norm() == 0.0));
    }
}
