//! Discrete Fourier transforms of real signals and of real, even spectra, by a complex transform of half their length.
//!
//! The complex transform is `rustfft`'s; what takes the even and the odd points of a signal together is here, many bins at a
//! time (the formulas are those of `realfft`, and so are the results, bit for bit).

use super::wide::wide;
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftDirection, FftPlanner};
use std::cell::RefCell;
use std::f64::consts::TAU;
use std::fmt;
use std::sync::Arc;

/// Tables for one length, shared by all streams.
#[derive(Clone)]
pub struct Fourier {
    half: Arc<dyn Fft<f32>>,
    /// `exp(-2 pi i k / length)`, real and imaginary parts; those of the forward transform halved.
    turns: Arc<(Vec<f32>, Vec<f32>)>,
    direction: FftDirection,
}

impl fmt::Debug for Fourier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fourier").field("length", &self.length()).field("direction", &self.direction).finish()
    }
}

thread_local! {
    /// Work space of this thread's transforms: it holds nothing between them, and one that is at hand is near.
    static WORK: RefCell<Vec<Complex32>> = const { RefCell::new(Vec::new()) };
}

impl Fourier {
    /// Spectra of real signals of `length` points, for [`Self::forward`].
    ///
    /// # Panics
    /// If the length is odd or 0.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self::with(length, FftDirection::Forward, 0.5)
    }

    /// Signals of `length` points whose spectra are real and even, for [`Self::even_inverse`].
    ///
    /// # Panics
    /// If the length is odd or 0.
    #[must_use]
    pub fn inverse(length: usize) -> Self {
        Self::with(length, FftDirection::Inverse, 1.0)
    }

    fn with(length: usize, direction: FftDirection, scale: f32) -> Self {
        assert!(length > 0 && length.is_multiple_of(2), "a length of {length}");
        let half = length / 2;
        // The second quarter of a turn mirrors the first.
        let angle = |k: usize| -TAU / length as f64 * k.min(half - k) as f64;
        let real = |k: usize| match (2 * k).cmp(&half) {
            std::cmp::Ordering::Less => angle(k).cos() as f32,
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => -angle(k).cos() as f32,
        };
        let turns =
            ((0..half).map(|k| real(k) * scale).collect(), (0..half).map(|k| angle(k).sin() as f32 * scale).collect());
        Self { half: FftPlanner::new().plan_fft(half, direction), turns: Arc::new(turns), direction }
    }

    /// Points of the signal.
    #[must_use]
    pub fn length(&self) -> usize {
        2 * self.half.len()
    }

    /// Spectrum of a real signal, `sum_n x(n) exp(-2 pi i k n / length)` for `k` from 0 to half the length: its real and imaginary
    /// parts, and its power. Allocates nothing but a thread's first work space.
    ///
    /// # Panics
    /// If the signal has another length, or the spectrum is not one longer than half of it.
    pub fn forward(&self, signal: &[f32], (re, im): (&mut [f32], &mut [f32]), power: &mut [f32]) {
        let half = self.half.len();
        assert!(signal.len() == 2 * half && [re.len(), im.len(), power.len()] == [half + 1; 3]);
        let enter = |points: &mut [Complex32]| {
            for (z, x) in points.iter_mut().zip(signal.as_chunks::<2>().0) {
                *z = Complex32::new(x[0], x[1]);
            }
        };
        self.transform(enter, |points| {
            // One more point, since spectra go round.
            points[half] = points[0];
            apart(&self.turns.0, &self.turns.1, points, &mut *re, &mut *im, &mut *power);
            let last = points[0].re - points[0].im;
            (re[half], im[half], power[half]) = (last, 0.0, last * last);
        });
    }

    /// Signal whose spectrum is real and even: `x(0) + (-1)^n x(half) + 2 sum_k x(k) cos(2 pi k n / length)`, `spectrum` being `x` from 0 to half the
    /// length; as many points of it, from 0 on, as `signal` has. Allocates nothing but a thread's first work space.
    ///
    /// # Panics
    /// If the spectrum is not one longer than half the length.
    pub fn even_inverse(&self, spectrum: &[f32], signal: &mut [f32]) {
        assert_eq!(spectrum.len(), self.half.len() + 1);
        let enter = |points: &mut [Complex32]| together(&self.turns.0, &self.turns.1, spectrum, points);
        self.transform(enter, |points| {
            let (pairs, rest) = signal.as_chunks_mut::<2>();
            for (x, z) in pairs.iter_mut().zip(&*points) {
                *x = [z.re, z.im];
            }
            if let ([last], Some(z)) = (rest, points.get(pairs.len())) {
                *last = z.re;
            }
        });
    }

    /// The complex transform of the points that `enter` writes; `leave` takes the result, with room for one more.
    fn transform(&self, enter: impl FnOnce(&mut [Complex32]), leave: impl FnOnce(&mut [Complex32])) {
        let half = self.half.len();
        let needed = 2 * half + 1 + self.half.get_outofplace_scratch_len();
        WORK.with_borrow_mut(|work| {
            if work.len() < needed {
                work.resize(needed, Complex32::default());
            }
            let (before, rest) = work.split_at_mut(half);
            let (after, scratch) = rest.split_at_mut(half + 1);
            enter(before);
            self.half.process_outofplace_with_scratch(before, &mut after[..half], scratch);
            leave(after);
        });
    }
}

wide! {
    /// The spectrum of a signal from that of its even points as real and its odd points as imaginary parts.
    fn apart(turn_re: &[f32], turn_im: &[f32], z: &[Complex32], re: &mut [f32], im: &mut [f32], power: &mut [f32]) {
        let half = z.len() - 1;
        let (re, im, power) = (&mut re[..half], &mut im[..half], &mut power[..half]);
        let (turn_re, turn_im, here, there) = (&turn_re[..half], &turn_im[..half], &z[..half], &z[1..half + 1]);
        for k in 0..half {
            // As far from the end as that is from the beginning.
            let (z, y) = (here[k], there[half - 1 - k]);
            let (sum, difference) = ((z.re + y.re, z.im - y.im), (z.re - y.re, z.im + y.im));
            let a = 0.5 * sum.0 + (difference.1 * turn_re[k] + difference.0 * turn_im[k]);
            let b = 0.5 * sum.1 + (difference.1 * turn_im[k] - difference.0 * turn_re[k]);
            (re[k], im[k], power[k]) = (a, b, a * a + b * b);
        }
    }
}

wide! {
    /// The spectrum of a signal's even points as real and its odd points as imaginary parts, from the real, even one of the signal.
    fn together(turn_re: &[f32], turn_im: &[f32], spectrum: &[f32], z: &mut [Complex32]) {
        let half = z.len();
        let (turn_re, turn_im) = (&turn_re[..half], &turn_im[..half]);
        let (here, there) = (&spectrum[..half], &spectrum[1..half + 1]);
        for k in 0..half {
            let (sum, difference) = (here[k] + there[half - 1 - k], here[k] - there[half - 1 - k]);
            z[k] = Complex32::new(sum + difference * turn_im[k], difference * turn_re[k]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::tests::both;
    use super::*;
    use realfft::RealFftPlanner;

    fn signal(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * i) as f32 * 0.013).sin() * 0.7 + (i as f32 * 0.2).cos()).collect()
    }

    fn forward(n: usize) -> [Vec<f32>; 3] {
        let plan = Fourier::new(n);
        let [mut re, mut im, mut power] = [0; 3].map(|_| vec![0.0; n / 2 + 1]);
        plan.forward(&signal(n), (&mut re, &mut im), &mut power);
        [re, im, power]
    }

    fn even(n: usize, count: usize) -> Vec<f32> {
        let plan = Fourier::inverse(n);
        let mut out = vec![0.0; count];
        plan.even_inverse(&signal(n / 2 + 1), &mut out);
        out
    }

    #[test]
    fn forward_gives_the_bits_of_realfft() {
        for n in [256, 384, 512, 640, 1024] {
            let fft = RealFftPlanner::new().plan_fft_forward(n);
            let (mut x, mut expected) = (signal(n), fft.make_output_vec());
            fft.process(&mut x, &mut expected).unwrap();
            let [re, im, power] = forward(n);
            for (k, z) in expected.iter().enumerate() {
                assert_eq!((re[k], im[k], power[k]), (z.re, z.im, z.re * z.re + z.im * z.im), "{n}: {k}");
            }
        }
    }

    #[test]
    fn even_inverse_gives_the_bits_of_realfft() {
        for n in [256, 384, 512, 640, 1024] {
            let fft = RealFftPlanner::new().plan_fft_inverse(n);
            let mut x: Vec<Complex32> = signal(n / 2 + 1).iter().map(|x| Complex32::new(*x, 0.0)).collect();
            let mut expected = fft.make_output_vec();
            fft.process(&mut x, &mut expected).unwrap();
            for count in [n, 7, 100] {
                assert_eq!(even(n, count), expected[..count], "{n}");
            }
        }
    }

    #[test]
    fn forward_is_the_textbook_sum() {
        let (x, [re, im, _]) = (signal(256), forward(256));
        for k in [0, 1, 7, 64, 100, 128] {
            let (a, b) = x.iter().enumerate().fold((0.0, 0.0), |(a, b), (n, x)| {
                let angle = TAU * (k * n % 256) as f64 / 256.0;
                (a + f64::from(*x) * angle.cos(), b - f64::from(*x) * angle.sin())
            });
            assert!((f64::from(re[k]) - a).abs() < 1e-4 && (f64::from(im[k]) - b).abs() < 1e-4, "bin {k}");
        }
    }

    #[test]
    fn narrow_and_wide_give_the_same_bits() {
        let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let (narrow, wide) = both(|| bits([forward(1024).concat(), even(1024, 324)].concat()));
        assert_eq!(narrow, wide);
    }
}
