//! Sums over slices in several lanes at once, so that no addition waits for the one before it; and products and roots of all their values.

use super::wide::wide;

const LANES: usize = 16;

wide! {
    /// Sum of `a`.
    #[must_use]
    pub fn sum(a: &[f32]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        let (pieces, rest) = a.as_chunks::<LANES>();
        let rest: f32 = rest.iter().sum();
        for piece in pieces {
            for i in 0..LANES {
                lanes[i] += piece[i];
            }
        }
        lanes.iter().sum::<f32>() + rest
    }
}

wide! {
    /// Sum of the magnitudes of `a`.
    #[must_use]
    pub fn sizes(a: &[f32]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        let (pieces, rest) = a.as_chunks::<LANES>();
        let rest: f32 = rest.iter().map(|x| x.abs()).sum();
        for piece in pieces {
            for i in 0..LANES {
                lanes[i] += piece[i].abs();
            }
        }
        lanes.iter().sum::<f32>() + rest
    }
}

wide! {
    /// Sums of the products of `a` and `b`, as far as both go, of every sixteenth each.
    #[must_use]
    pub fn lanes(a: &[f32], b: &[f32]) -> [f32; LANES] {
        let n = a.len().min(b.len());
        let mut lanes = [0.0f32; LANES];
        let ((x, x_rest), (y, y_rest)) = (a[..n].as_chunks::<LANES>(), b[..n].as_chunks::<LANES>());
        for (p, q) in x.iter().zip(y) {
            for i in 0..LANES {
                lanes[i] += p[i] * q[i];
            }
        }
        lanes.iter_mut().zip(x_rest.iter().zip(y_rest)).for_each(|(l, (p, q))| *l += p * q);
        lanes
    }
}

/// Sum of the products of `a` and `b`, as far as both go: sixteen sums in single precision, added up in double.
#[must_use]
#[inline]
pub fn fine_dot(a: &[f32], b: &[f32]) -> f64 {
    lanes(a, b).iter().map(|s| f64::from(*s)).sum()
}

wide! {
    /// Sum of the products of `a` and `b`, as far as both go.
    #[must_use]
    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        let n = a.len().min(b.len());
        let mut lanes = [0.0f32; LANES];
        let ((x, x_rest), (y, y_rest)) = (a[..n].as_chunks::<LANES>(), b[..n].as_chunks::<LANES>());
        let rest: f32 = x_rest.iter().zip(y_rest).map(|(p, q)| p * q).sum();
        for (p, q) in x.iter().zip(y) {
            for i in 0..LANES {
                lanes[i] += p[i] * q[i];
            }
        }
        lanes.iter().sum::<f32>() + rest
    }
}

wide! {
    /// Sum of the squares of the differences of `a` and `b`, as far as both go.
    #[must_use]
    pub fn squared_differences(a: &[f32], b: &[f32]) -> f32 {
        let n = a.len().min(b.len());
        let mut lanes = [0.0f32; LANES];
        let ((x, x_rest), (y, y_rest)) = (a[..n].as_chunks::<LANES>(), b[..n].as_chunks::<LANES>());
        let rest: f32 = x_rest.iter().zip(y_rest).map(|(p, q)| (p - q) * (p - q)).sum();
        for (p, q) in x.iter().zip(y) {
            for i in 0..LANES {
                lanes[i] += (p[i] - q[i]) * (p[i] - q[i]);
            }
        }
        lanes.iter().sum::<f32>() + rest
    }
}

wide! {
    /// The largest of `a` and 0.
    #[must_use]
    pub fn max(a: &[f32]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        let (pieces, rest) = a.as_chunks::<LANES>();
        for piece in pieces {
            for i in 0..LANES {
                lanes[i] = if piece[i] > lanes[i] { piece[i] } else { lanes[i] };
            }
        }
        rest.iter().chain(&lanes).fold(0.0, |m, v| if *v > m { *v } else { m })
    }
}

wide! {
    /// The largest magnitude in `a`; 0 for an empty slice.
    #[must_use]
    pub fn max_abs(a: &[f32]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        let (pieces, rest) = a.as_chunks::<LANES>();
        for piece in pieces {
            for i in 0..LANES {
                let size = piece[i].abs();
                lanes[i] = if size > lanes[i] { size } else { lanes[i] };
            }
        }
        rest.iter().chain(&lanes).fold(0.0, |m, v| if v.abs() > m { v.abs() } else { m })
    }
}

wide! {
    /// Products of `a` and `b` into `out`, as far as all go.
    pub fn products(a: &[f32], b: &[f32], out: &mut [f32]) {
        for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
            *o = x * y;
        }
    }
}

wide! {
    /// Square roots of `a` into `out`, as far as both go.
    pub fn roots(a: &[f32], out: &mut [f32]) {
        for (o, x) in out.iter_mut().zip(a) {
            *o = x.sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_plain_loops() {
        for n in [0, 1, 15, 16, 17, 160, 163] {
            let a: Vec<f32> = (0..n).map(|i| ((i * 37) % 101) as f32 * 0.5 - 20.0).collect();
            let b: Vec<f32> = (0..n + 3).map(|i| ((i * 11) % 7) as f32).collect();
            assert_eq!(sum(&a), a.iter().sum::<f32>());
            assert_eq!(dot(&a, &b), a.iter().zip(&b).map(|(x, y)| x * y).sum::<f32>());
            let apart = a.iter().zip(&b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>();
            assert_eq!(squared_differences(&a, &b), apart);
            let (mut product, mut root) = (vec![0.0; n], vec![0.0; n]);
            products(&a, &b, &mut product);
            roots(&b, &mut root);
            assert!((0..n).all(|i| product[i] == a[i] * b[i] && root[i] == b[i].sqrt()));
            let fine = a.iter().zip(&b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
            assert_eq!(fine_dot(&a, &b), fine);
            assert_eq!(sizes(&a), a.iter().map(|x| x.abs()).sum::<f32>());
            assert_eq!(max(&a), a.iter().copied().fold(0.0, f32::max));
            assert_eq!(max_abs(&a), a.iter().fold(0.0, |m, v| v.abs().max(m)));
        }
    }
}
