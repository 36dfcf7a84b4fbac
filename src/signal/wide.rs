//! Wide registers: the same arithmetic on twice as many numbers at a time, where the processor has room for them.
//!
//! A program for every x86-64 processor uses registers of four numbers; nearly all have some of eight (AVX2). A function inside
//! `wide!` is compiled for both, and which of the two runs is asked of the processor when it is called. Results are the same
//! bit for bit: neither compilation changes the order of a sum, nor rounds a product and a sum as one (no FMA).
//!
//! This is the library's one place of unsafe code, and the reason is the language's: to call what is compiled for a
//! processor is safe only after the processor was asked.

/// Whether the processor has registers of eight numbers.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_wide() -> bool {
    #[cfg(test)]
    if tests::narrow() {
        return false;
    }
    std::arch::is_x86_feature_detected!("avx2")
}

/// Compiles a function for narrow and for wide registers, and calls the one that suits the processor. What the function calls in its
/// loops has to be `#[inline(always)]`: what is not inlined is compiled for narrow registers only.
macro_rules! wide {
    ($(#[$about:meta])* $seen:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$about])*
        #[inline]
        $seen fn $name($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "those of the function")]
            fn narrow($($argument: $kind),*) $(-> $result)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments, reason = "those of the function")]
                fn wide($($argument: $kind),*) $(-> $result)? {
                    narrow($($argument),*)
                }
                if $crate::signal::wide::has_wide() {
                    // SAFETY: the processor has AVX2, it was asked.
                    #[allow(unsafe_code, reason = "the one door, see this module")]
                    return unsafe { wide($($argument),*) };
                }
            }
            narrow($($argument),*)
        }
    };
}
pub(crate) use wide;

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local!(static NARROW: Cell<bool> = const { Cell::new(false) });

    #[cfg(target_arch = "x86_64")]
    pub(super) fn narrow() -> bool {
        NARROW.get()
    }

    /// What `work` gives in this thread with narrow registers, and with those of the processor.
    pub(crate) fn both<T>(mut work: impl FnMut() -> T) -> (T, T) {
        NARROW.set(true);
        let narrow = work();
        NARROW.set(false);
        (narrow, work())
    }

    wide! {
        fn polynomial(x: &[f32], out: &mut [f32]) -> f32 {
            let mut sums = [0.0f32; 8];
            for (o, x) in out.iter_mut().zip(x) {
                *o = 0.3 + x * (1.7 + x * (0.1 + x * 1e-3)) / (x.sqrt() + 1.1);
            }
            for part in out.chunks(8) {
                sums.iter_mut().zip(part).for_each(|(s, p)| *s += p * p);
            }
            sums.iter().sum()
        }
    }

    #[test]
    fn narrow_and_wide_give_the_same_bits() {
        let x: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.37).sin().abs() * 40.0).collect();
        let run = || {
            let mut out = vec![0.0; x.len()];
            let sum = polynomial(&x, &mut out);
            (sum.to_bits(), out.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
        };
        let (narrow, wide) = both(run);
        assert_eq!(narrow, wide);
        assert!(f32::from_bits(narrow.0) > 1.0);
    }
}
