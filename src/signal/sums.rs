//! Sums over slices in several lanes at once, so that no addition waits for the one before it.

const LANES: usize = 16;

/// Sum of `a`.
#[must_use]
#[inline]
pub fn sum(a: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let chunks = a.chunks_exact(LANES);
    let rest: f32 = chunks.remainder().iter().sum();
    for c in chunks {
        for i in 0..LANES {
            lanes[i] += c[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// Sum of the products of `a` and `b`, as far as both go.
#[must_use]
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let mut lanes = [0.0f32; LANES];
    let (x, y) = (a[..n].chunks_exact(LANES), b[..n].chunks_exact(LANES));
    let rest: f32 = x.remainder().iter().zip(y.remainder()).map(|(p, q)| p * q).sum();
    for (p, q) in x.zip(y) {
        for i in 0..LANES {
            lanes[i] += p[i] * q[i];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// The largest of `a` and 0.
#[must_use]
#[inline]
pub fn max(a: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for c in a.chunks(LANES) {
        for (m, v) in lanes.iter_mut().zip(c) {
            *m = if *v > *m { *v } else { *m };
        }
    }
    lanes.iter().fold(0.0, |m, v| m.max(*v))
}

/// The largest magnitude in `a`; 0 for an empty slice.
#[must_use]
#[inline]
pub fn max_abs(a: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for c in a.chunks(LANES) {
        for (m, v) in lanes.iter_mut().zip(c) {
            let size = v.abs();
            *m = if size > *m { size } else { *m };
        }
    }
    lanes.iter().fold(0.0, |m, v| m.max(*v))
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
            assert_eq!(max(&a), a.iter().copied().fold(0.0, f32::max));
            assert_eq!(max_abs(&a), a.iter().fold(0.0, |m, v| v.abs().max(m)));
        }
    }
}
