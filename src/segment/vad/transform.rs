//! Spectrum of the detector's frames: 1024 real points by a complex transform of 512.
//!
//! Decimation in time (Cooley and Tukey) in the order of Stockham, which needs no reordering, two steps at a time: first
//! over sub-transforms that lie beside each other, then, turned once, over frequencies that do. Every product and every sum is one that
//! the textbook's order has too, so that the spectrum is the same bit for bit, here and on every processor.

use std::f64::consts::TAU;

/// Points of the complex transform.
pub(super) const SIZE: usize = 512;

/// Real and imaginary part.
type Point = (f32, f32);

/// Real and imaginary parts of many points.
#[derive(Debug, Clone)]
pub(super) struct Points<const N: usize> {
    pub re: [f32; N],
    pub im: [f32; N],
}

impl<const N: usize> Points<N> {
    /// All of them 0.
    pub const ZERO: Self = Self { re: [0.0; N], im: [0.0; N] };

    /// Factors `exp(-2 pi i k / size)` of a step.
    fn turns(size: usize) -> Self {
        // Multiples of a quarter of a turn are exact.
        let exact = |x: f64| if x.abs() < 1e-15 { 0.0 } else { x as f32 };
        let angle = |k: usize| TAU * k as f64 / size as f64;
        Self { re: std::array::from_fn(|k| exact(angle(k).cos())), im: std::array::from_fn(|k| exact(-angle(k).sin())) }
    }

    #[inline(always)]
    fn at(&self, k: usize) -> Point {
        (self.re[k], self.im[k])
    }
}

/// Tables of the transform: factors of the first and of the second of two steps.
#[derive(Debug)]
pub(super) struct Transform {
    from_4: (Points<4>, Points<4>),
    from_16: (Points<16>, Points<16>),
    from_64: (Points<64>, Points<64>),
    from_256: Points<256>,
    /// Factors that take the spectra of even and odd points together.
    real: Points<SIZE>,
}

/// Product of complex numbers.
#[inline(always)]
fn times(a: Point, w: Point) -> Point {
    (w.0 * a.0 - w.1 * a.1, w.0 * a.1 + w.1 * a.0)
}

#[inline(always)]
fn plus(a: Point, b: Point) -> Point {
    (a.0 + b.0, a.1 + b.1)
}

#[inline(always)]
fn minus(a: Point, b: Point) -> Point {
    (a.0 - b.0, a.1 - b.1)
}

/// Two steps for one frequency of four sub-transforms: values at that frequency and at those one, two and three lengths above. `once` and `twice` are
/// the factors of the steps.
#[inline(always)]
fn two_steps(a: [Point; 4], once: Point, twice: Point) -> [Point; 4] {
    let (a2, a3) = (times(a[2], once), times(a[3], once));
    let (b0, d0) = (plus(a[0], a2), minus(a[0], a2));
    let (b1, d1) = (times(plus(a[1], a3), twice), times(minus(a[1], a3), twice));
    // A quarter of a turn back.
    let d1 = (d1.1, -d1.0);
    [plus(b0, b1), plus(d0, d1), minus(b0, b1), minus(d0, d1)]
}

/// Two steps from sub-transforms of `LENGTH` points; all values of one frequency lie side by side.
#[inline(always)]
fn over_parts<const LENGTH: usize>(
    turns: &(Points<LENGTH>, Points<LENGTH>),
    from: &Points<SIZE>,
    to: &mut Points<SIZE>,
) {
    let step = SIZE / LENGTH / 4;
    for k in 0..LENGTH {
        let (once, twice) = (turns.0.at(k), turns.1.at(k));
        for j in 0..step {
            let at = |n: usize| from.at((4 * k + n) * step + j);
            let c = two_steps([at(0), at(1), at(2), at(3)], once, twice);
            for n in 0..4 {
                (to.re[n * (SIZE / 4) + step * k + j], to.im[n * (SIZE / 4) + step * k + j]) = c[n];
            }
        }
    }
}

/// From eight sub-transforms of 64 frequencies, a frequency's side by side, to a sub-transform's frequencies side by side.
#[inline(always)]
fn turn(from: &[f32; SIZE], to: &mut [f32; SIZE]) {
    for k in 0..64 {
        for j in 0..8 {
            to[64 * j + k] = from[8 * k + j];
        }
    }
}

impl Transform {
    pub fn new() -> Self {
        Self {
            from_4: (Points::turns(8), Points::turns(16)),
            from_16: (Points::turns(32), Points::turns(64)),
            from_64: (Points::turns(128), Points::turns(256)),
            from_256: Points::turns(512),
            real: Points::turns(2 * SIZE),
        }
    }

    /// The complex transform of `a`, which ends in `a`.
    #[inline(always)]
    fn complex(&self, a: &mut Points<SIZE>, b: &mut Points<SIZE>) {
        // The first two steps turn nothing but by quarters.
        for j in 0..SIZE / 4 {
            let at = |n: usize| a.at(n * (SIZE / 4) + j);
            let c = two_steps([at(0), at(1), at(2), at(3)], (1.0, 0.0), (1.0, 0.0));
            for n in 0..4 {
                (b.re[n * (SIZE / 4) + j], b.im[n * (SIZE / 4) + j]) = c[n];
            }
        }
        over_parts(&self.from_4, b, a);
        over_parts(&self.from_16, a, b);
        turn(&b.re, &mut a.re);
        turn(&b.im, &mut a.im);
        for j in 0..2 {
            for k in 0..64 {
                let at = |n: usize| a.at(64 * (j + 2 * n) + k);
                let c = two_steps([at(0), at(1), at(2), at(3)], self.from_64.0.at(k), self.from_64.1.at(k));
                for n in 0..4 {
                    (b.re[256 * j + 64 * n + k], b.im[256 * j + 64 * n + k]) = c[n];
                }
            }
        }
        for k in 0..256 {
            let t = times(b.at(256 + k), self.from_256.at(k));
            (a.re[k], a.im[k]) = plus(b.at(k), t);
            (a.re[256 + k], a.im[256 + k]) = minus(b.at(k), t);
        }
    }

    /// Power at the first 512 bins of the real signal whose even points are the real parts of `a`, whose odd points are the
    /// imaginary ones, into the real parts of `b`.
    #[inline(always)]
    pub fn power(&self, a: &mut Points<SIZE>, b: &mut Points<SIZE>, scale: f32) {
        self.complex(a, b);
        let power = &mut b.re;
        power[0] = (a.re[0] + a.im[0]) * (a.re[0] + a.im[0]) * scale;
        for k in 1..SIZE {
            let (z, y) = (a.at(k), a.at(SIZE - k));
            let sum = ((z.0 + y.0) * 0.5, (z.1 + y.1) * 0.5);
            let difference = ((z.0 - y.0) * 0.5, (z.1 - y.1) * 0.5);
            let w = self.real.at(k);
            let re = sum.0 + w.0 * sum.1 + w.1 * difference.0;
            let im = difference.1 + w.1 * sum.1 - w.0 * difference.0;
            power[k] = (re * re + im * im) * scale;
        }
    }
}
